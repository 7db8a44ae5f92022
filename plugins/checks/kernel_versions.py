"""Checks of the kernel's version: since when it can what, and in which versions something was broken."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key, Unreadable
from mipsh.model.findings import By, Severity
from mipsh.plugins.checks.kernel_xfrm import ROUTE2, SUB

AREA = Area("kernel", "What is known of the kernel's version")
EVERY = ("mn", "ha", "cn")
Version = tuple[int, int, int]
NEWER = "boot Linux {} or later"


def dotted(version: Version) -> str:
    """Return a version as it is written."""
    return ".".join(map(str, version if version[2] or version[0] < 3 else version[:2]))


class Feature(Struct, frozen=True):
    """What a kernel can since a version, with the commits, and what shows that it can, whatever its version."""

    name: str
    since: Version
    commits: str
    severity: Severity
    shown: Callable[[Facts], object] | None = None


FEATURES = (
    Feature(
        "Mobile IPv6: transformations, Mobility Headers, sub policies, home addresses",
        (2, 6, 19),
        "2c8d7ca0f76e 3d126890dd6d 7be96f762844 4e81bb8336a0 3b9f9a1c3903",
        Severity.CRITICAL,
        lambda facts: any(policy.kind == SUB for policy in facts.policies),
    ),
    Feature("tunnels whose ends change", (2, 6, 20), "567131a722cf", Severity.HIGH),
    Feature(
        "IPsec whose ends change (XFRM_MSG_MIGRATE), ip6t_mh",
        (2, 6, 21),
        "80c9abaabf42 08de61beab8a a0ca215a730c bda390d5c882",
        Severity.MEDIUM,
        lambda facts: "xfrm_migrate" in facts.kernel_symbols,
    ),
    Feature("policies of main and sub with different protocols", (2, 6, 22), "157bfc25020f", Severity.MEDIUM),
    Feature(
        "accept_source_route that lets type 2 routing headers in",
        (2, 6, 23),
        "59fbb3a61e02 c382bb9d32a2",
        Severity.MEDIUM,
        lambda facts: facts.conf("all", "accept_source_route") is not None,
    ),
    Feature("route optimisation apart from ESP in a list of states", (2, 6, 24), "ca68145f163d", Severity.MEDIUM),
    Feature("/proc/net/xfrm_stat", (2, 6, 25), "8ea843495df3", Severity.LOW, lambda facts: facts.xfrm_stat),
    Feature("source preferences of sockets (RFC 5014)", (2, 6, 26), "7cbca67c0732", Severity.LOW),
    Feature("MIGRATE that tells a key manager's addresses", (2, 6, 28), "13c1d18931ea", Severity.LOW),
    Feature("the right check of routing headers' care-of addresses", (2, 6, 35), "d9a9dc66eb8a", Severity.LOW),
)


@AREA.check(
    About(
        "KRN-01",
        "the kernel is older than what Mobile IPv6 needs",
        Severity.MEDIUM,
        roles=EVERY,
        needs=(Key.KR,),
        remedy=("boot Linux 2.6.35 or later",),
        reference="Linux, the commits in the evidence",
    )
)
def features(facts: Facts) -> Judgements:
    """Compare the version with the first that had each part of Mobile IPv6; what is seen at work counts before it."""
    for feature in FEATURES:
        said = (
            facts.saw(Key.KR, facts.kernel.release),
            facts.saw(Key.KR, f"Linux {dotted(feature.since)}: {feature.commits}"),
        )
        if facts.kernel.version >= feature.since:
            yield passed(f"since Linux {dotted(feature.since)}", feature.name, evidence=said, by=By.VERSION)
        elif _is_shown(feature, facts):
            yield passed("it is seen at work", feature.name, evidence=said, by=By.BEHAVIOUR)
        else:
            observed = f"Linux {facts.kernel.release}, and it came with {dotted(feature.since)}"
            yield likely(observed, feature.name, evidence=said, severity=feature.severity)


def _is_shown(feature: Feature, facts: Facts) -> bool:
    try:
        return feature.shown is not None and bool(feature.shown(facts))
    except Unreadable:
        return False


class Broken(Struct, frozen=True):
    """Versions from ``first`` up to, but not, ``fixed`` in which something was broken."""

    about: About
    first: Version
    fixed: Version
    explanation: str


def judge(broken: Broken, facts: Facts) -> Judgements:
    """Tell whether the version is one of those; a distribution may have repaired it."""
    said = (facts.saw(Key.KR, facts.kernel.release),)
    expected = f"{dotted(broken.fixed)} or later"
    if broken.first <= facts.kernel.version < broken.fixed:
        yield likely(f"Linux {facts.kernel.release}", expected=expected, evidence=said)
    else:
        yield passed(f"Linux {facts.kernel.release} is not one of those", evidence=said, by=By.VERSION)


def about(id_: str, title: str, severity: Severity, roles: tuple[str, ...], *, fixed: str, reference: str) -> About:
    """Return what is declared of a check that looks at the version."""
    return About(id_, title, severity, roles, (Key.KR,), (NEWER.format(fixed),), reference)


BROKEN = (
    Broken(
        about(
            "MIP-105",
            "corrupt packets with a Home Address option or a routing header from datagram sockets",
            Severity.HIGH,
            EVERY,
            fixed="3.7.8",
            reference="Linux 299b0767; Kuntz, UMIP extras/kernel",
        ),
        (3, 2, 0),
        (3, 7, 8),
        "From Linux 3.2 to 3.7.7 the length of extension headers was computed wrongly (ip6_append_data), so that "
        "payload lengths and checksums of Mobility Headers are wrong.",
    ),
    Broken(
        about(
            "MIP-106",
            "the wrong prefix route goes, or the kernel stops, when an address is deleted",
            Severity.HIGH,
            ("mn",),
            fixed="3.8",
            reference="Kuntz, UMIP extras/kernel",
        ),
        (0, 0, 0),
        (3, 7, 8),
        "Before Linux 3.8 (3.7.8) deleting a home or care-of address looked its prefix route up in whatever table, "
        "and could meet table 252 or a blackhole.",
    ),
    Broken(
        about(
            "MIP-108",
            "strict look-up by interface breaks Mobile IPv6",
            Severity.HIGH,
            EVERY,
            fixed="2.6.35",
            reference="Linux 6057fd78a8dc",
        ),
        (2, 6, 34),
        (2, 6, 35),
        "Linux 2.6.34 took the interface of a look-up strictly (f4f914b5), and optimised packets found no route.",
    ),
)

for _broken in BROKEN:
    AREA.add(_broken.about, partial(judge, _broken), _broken.explanation)

LEAK_FIXED, CHECK_FIXED = (3, 8, 1), (2, 6, 35)
LEAK = "unregister_netdevice: waiting for"


@AREA.check(
    about(
        "MIP-107",
        "a reference to a neighbour is never given back",
        Severity.MEDIUM,
        ("mn",),
        fixed="3.8.1",
        reference="Linux net/ipv6/xfrm6_policy.c",
    )
)
def leak(facts: Facts) -> Judgements:
    """Look for "unregister_netdevice: waiting for … to become free" after handovers, and for a version up to 3.8.0."""
    lines = [one.text for one in facts.log if LEAK in one.text] if facts.can_read(Key.LG) else []
    said = (facts.saw(Key.KR, facts.kernel.release), *(facts.saw(Key.LG, line) for line in lines[-3:]))
    if lines:
        yield affected("an interface that was deleted does not become free", evidence=said, by=By.BEHAVIOUR)
    elif facts.kernel.version < LEAK_FIXED:
        yield likely(f"Linux {facts.kernel.release}", expected="3.8.1 or later", evidence=said)
    else:
        yield passed(f"Linux {facts.kernel.release} has the fix", evidence=said, by=By.VERSION)


@AREA.check(
    About(
        "MIP-109",
        "the care-of address of type 2 routing headers is compared with the home address",
        Severity.LOW,
        roles=("mn",),
        needs=(Key.KR, Key.XS),
        remedy=(NEWER.format("2.6.35"),),
        reference="Linux d9a9dc66eb8a",
    )
)
def wrong_check(facts: Facts) -> Judgements:
    """Look, before Linux 2.6.35, for an inbound route2 state with a care-of address; those of mip6d have none."""
    said = (facts.saw(Key.KR, facts.kernel.release),)
    homes = facts.home_addresses
    bound = [
        one
        for one in facts.states
        if one.protocol == ROUTE2 and one.care_of_address not in (None, "::") and one.destination in (*homes, "::")
    ]
    if facts.kernel.version >= CHECK_FIXED:
        yield not_applicable(f"Linux {facts.kernel.release} has the fix", evidence=said)
    elif not bound:
        yield not_applicable("no inbound route2 state has a care-of address", evidence=said)
    for state in bound if facts.kernel.version < CHECK_FIXED else ():
        found = facts.saw(Key.XS, f"route2 {state.source} to {state.destination} coa {state.care_of_address}")
        yield affected("an inbound state has a care-of address", state.destination, evidence=(*said, found))
