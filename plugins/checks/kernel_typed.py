"""Checks of what kernels make of policies for one type of Mobility Headers."""

from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import ENGINE, MOBILE_NODE, Facts
from mipsh.checks.sources import Key
from mipsh.model.address import within
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.xfrm import ICMPV6, MOBILITY_HEADER, Policy, Selector
from mipsh.plugins.checks.kernel_xfrm import (
    ESP,
    FORWARD,
    HAO,
    IN,
    MAIN,
    OUT,
    RO,
    SUB,
    TESTS,
    TUNNEL,
    UPDATE,
    asks_for,
    has_ipsec,
    is_of_kind,
    is_typed,
    rise,
    saw_policies,
    updates_received,
)

AREA = Area("kernel", "Policies for one type of Mobility Headers")
NO_TYPES, WRONG_OFFSET, NO_MIGRATE = (6, 7, 0), (4, 0, 0), (6, 12, 0)
BEFORE_OFFSET = (3, 19, 0)
ALL_DROPPED = ((3, 18, 0), (4, 0, 0))
COVER = "ip xfrm policy add dir in ptype sub src ::/0 dst ::/0 proto 135 priority 10 tmpl proto hao mode ro level use"
TYPED_KINDS = ("HomeRegBinding", "MobPfxDisc", "TunnelHomeTesting")


def release(facts: Facts) -> Evidence:
    """Return the kernel's release as evidence."""
    return facts.saw(Key.KR, facts.kernel.release)


@AREA.check(
    About(
        "MIP-101",
        "policies for inbound Binding Updates never match",
        Severity.CRITICAL,
        roles=("ha", "cn", "mn"),
        needs=(Key.KR, Key.XP),
        windowed=True,
        watches=(Key.XT, Key.VT),
        remedy=(f"{COVER}  # after mip6d starts; delete it when it stops",),
        reference="Linux 7a0207094f1b",
    )
)
def types(facts: Facts) -> Judgements:
    """Look, since Linux 6.7, for inbound policies of one type of Mobility Headers that no untyped one stands in for.

    The kernel does not read the type any more, so that the policy for Binding Updates with a Home Address option
    does not apply: each is dropped (XfrmInNoPols), and no binding is ever accepted. disable_policy=1 hides it.
    """
    if facts.kernel.version < NO_TYPES:
        yield not_applicable(f"Linux {facts.kernel.release} reads the type", evidence=(release(facts),))
        return
    typed = [one for one in facts.policies if one.direction in (IN, FORWARD) and is_typed(one)]
    if facts.role == MOBILE_NODE:
        typed = [one for one in typed if one.selector.source_port == UPDATE and asks_for(one, HAO)]
    uncovered = [one for one in typed if not any(_covers(wide, one.selector) for wide in facts.policies)]
    said = (release(facts), *saw_policies(facts, uncovered))
    dropped, received = rise(facts, "XfrmInNoPols"), updates_received(facts)
    as_mobile = (f"{COVER} tmpl proto route2 mode ro level use",) if facts.role == MOBILE_NODE else ()
    if not typed:
        yield not_applicable("no inbound policy is for one type", evidence=said)
    elif not uncovered:
        yield passed("a policy without a type stands in for them", evidence=said)
    elif received:
        seen = facts.saw(Key.VT, f"Binding Updates received +{received}", "statistics")
        yield passed("Binding Updates are received", evidence=(*said, seen), by=By.BEHAVIOUR)
    elif dropped:
        seen = facts.saw(Key.XT, f"XfrmInNoPols +{dropped}")
        yield affected(f"{dropped} packets found no policy", evidence=(*said, seen), by=By.BEHAVIOUR, remedy=as_mobile)
    else:
        yield likely(f"{len(uncovered)} policies cannot match", evidence=said, remedy=as_mobile)


def _covers(wide: Policy, narrow: Selector) -> bool:
    """Tell whether an inbound policy without a type takes what a selector is for, with a Home Address option or not."""
    selector = wide.selector
    is_open = is_of_kind(wide, IN, SUB) and selector.protocol in (0, MOBILITY_HEADER) and not selector.source_mask
    takes = any((one.protocol, one.mode, one.is_optional) == (HAO, RO, True) for one in wide.templates)
    return (
        is_open
        and takes
        and _holds(selector.source, selector.source_length, narrow.source, narrow.source_length)
        and _holds(selector.destination, selector.destination_length, narrow.destination, narrow.destination_length)
    )


def _holds(wide: str, wide_length: int, narrow: str, narrow_length: int) -> bool:
    return wide_length <= narrow_length and (not wide_length or within(narrow, f"{wide}/{wide_length}"))


@AREA.check(
    About(
        "MIP-102",
        "home tests through the IPsec tunnel are dropped (TunnelHomeTesting)",
        Severity.HIGH,
        roles=("ha", "mn"),
        needs=(Key.XP,),
        windowed=True,
        watches=(Key.XT,),
        remedy=("mip6d.conf: leave TunnelHomeTesting out of IPsecPolicySet", "or run without route optimisation"),
        reference="Linux net/ipv6/xfrm6_policy.c _decode_session6()",
    )
)
def home_tests(facts: Facts) -> Judgements:
    """Look for inbound policies of main for home tests in a tunnel with ESP, whose type the kernel reads wrongly.

    The type was read behind one extension header too many since about Linux 3.19, and is not read since 6.7. The
    home agent drops the Home Test Init, and route optimisation does not begin. Where this node has only one half
    of the proof, its home tests resent or its dropped packets, it stays LIKELY.
    """
    typed = [
        one for one in facts.policies if one.kind == MAIN and one.direction in (IN, FORWARD) and _is_home_test(one)
    ]
    if not typed:
        yield not_applicable("no policy tunnels home tests with ESP")
        return
    said = (release(facts), *saw_policies(facts, typed))
    if facts.kernel.version < BEFORE_OFFSET:
        yield passed(f"Linux {facts.kernel.release} reads the type", evidence=said, by=By.VERSION)
    elif facts.kernel.version < WRONG_OFFSET:
        yield unknown("the first version that reads it wrongly is not known", evidence=said)
    else:
        yield from _home_tests(facts, said)


def _is_home_test(policy: Policy) -> bool:
    return is_typed(policy) and policy.selector.source_port in TESTS and asks_for(policy, ESP, TUNNEL)


def _home_tests(facts: Facts, said: tuple[Evidence, ...]) -> Judgements:
    tests = facts.tests if facts.role == MOBILE_NODE and facts.can_read(Key.VT, "return_routability") else ()
    care_of = {one.peer_address for one in tests if one.test == "care_of_test" and one.retransmissions == 0}
    waiting = [
        one.peer_address or ""
        for one in tests
        if one.test == "home_test" and (one.retransmissions or 0) >= 2 and one.peer_address in care_of
    ]
    dropped = rise(facts, "XfrmInNoPols")
    if waiting:
        said = (*said, facts.saw(Key.VT, f"home tests resent, care-of tests not: {waiting[0]}", "return_routability"))
    if dropped:
        said = (*said, facts.saw(Key.XT, f"XfrmInNoPols +{dropped}"))
    if waiting and dropped:
        yield affected("home tests are not answered, and packets find no policy", evidence=said, by=By.BEHAVIOUR)
    elif waiting:
        yield likely(f"home tests with {waiting[0]} are not answered", evidence=said, by=By.BEHAVIOUR)
    elif dropped:
        yield likely(f"{dropped} packets found no policy", evidence=said, by=By.BEHAVIOUR)
    else:
        yield likely("the kernel does not see the type", evidence=said)


@AREA.check(
    About(
        "MIP-103",
        "all Binding Updates are dropped",
        Severity.CRITICAL,
        roles=("ha", "cn"),
        needs=(Key.KR,),
        windowed=True,
        watches=(Key.XT, Key.VT),
        remedy=("boot Linux 4.0 or later",),
        reference="xfrm6: Fix a offset value for network header in _decode_session6 (patchwork 436351)",
    )
)
def all_dropped(facts: Facts) -> Judgements:
    """Look for a version around 3.19 in which the Mobility Header was looked for at the wrong place."""
    first, fixed = ALL_DROPPED
    received = updates_received(facts)
    if not first <= facts.kernel.version < fixed:
        yield passed(f"Linux {facts.kernel.release} is not one of those", evidence=(release(facts),), by=By.VERSION)
    elif received:
        seen = facts.saw(Key.VT, f"Binding Updates received +{received}", "statistics")
        yield passed("Binding Updates are received", evidence=(release(facts), seen), by=By.BEHAVIOUR)
    else:
        yield likely(f"Linux {facts.kernel.release}", expected="4.0 or later", evidence=(release(facts),))


@AREA.check(
    About(
        "MIP-104",
        "the ends of IPsec for one type do not move with the mobile node",
        Severity.HIGH,
        roles=("ha", "mn"),
        remedy=("mip6d.conf: IPsecPolicy Mh and ICMP instead of HomeRegBinding and MobPfxDisc; no TunnelHomeTesting",),
        reference="Linux 563d5ca93e88",
    )
)
def not_migrated(facts: Facts) -> Judgements:
    """Look, since Linux 6.12, for IPsec policies of one type, which XFRM_MIGRATE does not find.

    mip6d takes that for a failure: the home agent answers Binding Updates with status 130. Proofs are its log, and
    a tunnel whose end is not the present care-of address.
    """
    if not facts.can_read(Key.CF):
        facts.datum(Key.XP)
    protected = [one for one in facts.policies if has_ipsec(one)] if facts.can_read(Key.XP) else []
    kinds = list(_kinds(facts)) if facts.can_read(Key.CF) else []
    if not protected and not kinds:
        yield not_applicable("IPsec protects nothing")
    elif facts.kernel.version < NO_MIGRATE:
        yield not_applicable(f"Linux {facts.kernel.release} finds them", evidence=(release(facts),))
    else:
        yield _migrated(facts, protected, kinds)


def _migrated(facts: Facts, protected: list[Policy], kinds: list[str]) -> Judgement:
    """Judge policies of IPsec, and the kinds that are configured, on a kernel that does not find those of one type."""
    typed = [
        one for one in protected if one.selector.protocol in (MOBILITY_HEADER, ICMPV6) and one.selector.source_mask
    ]
    said = (release(facts), *saw_policies(facts, typed), *(facts.saw(Key.CF, kind) for kind in kinds))
    failed = [one.text for one in facts.log if _tells_failure(one.text)] if facts.can_read(Key.LG) else []
    stale = list(_stale(facts, protected)) if facts.can_read(Key.VT, ENGINE) else []
    if failed:
        proof = tuple(facts.saw(Key.LG, line) for line in failed[-3:])
        return affected("the daemon could not move them", evidence=(*said, *proof), by=By.BEHAVIOUR)
    if stale:
        observed = "a tunnel does not end at the present care-of address"
        return affected(observed, evidence=(*said, *saw_policies(facts, stale)))
    if typed or any(kind in TYPED_KINDS for kind in kinds):
        return likely("there are policies of one type, which cannot be moved", evidence=said)
    return passed("no policy of IPsec is for one type", evidence=said)


def _kinds(facts: Facts) -> Iterator[str]:
    """Yield the kinds of IPsecPolicy in the configuration."""
    for policy_set in facts.configuration.every("IPsecPolicySet"):
        yield from (one.values[0] for one in policy_set.block if one.name == "IPsecPolicy" and one.values)


def _tells_failure(line: str) -> bool:
    return ("migrate for" in line and "failed" in line) or "Insufficient resources" in line


def _stale(facts: Facts, protected: list[Policy]) -> Iterator[Policy]:
    """Yield the tunnels of acknowledged bindings that do not end at their care-of addresses."""
    bound = _care_of(facts)
    for policy in protected:
        selector = policy.selector
        for template in policy.templates:
            if policy.direction != OUT or (template.protocol, template.mode) != (ESP, TUNNEL):
                continue
            home, end = (
                (selector.source, template.source)
                if facts.role == MOBILE_NODE
                else (selector.destination, template.destination)
            )
            if home in bound and bound[home] != end:
                yield policy


def _care_of(facts: Facts) -> dict[str, str | None]:
    """Return the care-of addresses of the home registrations by their home addresses."""
    if facts.role == MOBILE_NODE:
        return {
            one.home_address: one.care_of_address
            for one in facts.updates
            if one.registration == "home" and one.ack == "ready"
        }
    return {one.home_address: one.care_of_address for one in facts.cache if one.status == "registered"}
