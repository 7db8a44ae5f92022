"""Checks of the options that a kernel is built with: by what is at work before how it was built."""

from collections.abc import Callable
from functools import partial

from msgspec import Struct

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity
from mipsh.plugins.checks.kernel_xfrm import ESP, SUB, has_ipsec

AREA = Area("kernel", "The options that Mobile IPv6 needs")
UMIP_KERNEL = "UMIP INSTALL.kernel"
EVERY, BOTH = ("mn", "ha", "cn"), ("ha", "mn")
NO_GATE, NO_EXTHDR = (3, 9, 0), (4, 18, 0)
"""The versions of Linux without EXPERIMENTAL, and with the match of extension headers in NF_TABLES itself."""


@AREA.check(
    About(
        "OPT-01",
        "no Mobile IPv6 in the kernel (IPV6_MIP6)",
        Severity.CRITICAL,
        roles=EVERY,
        remedy=("modprobe mip6", "or boot a kernel with CONFIG_IPV6_MIP6"),
        reference=UMIP_KERNEL,
    )
)
def mobile_ipv6(facts: Facts) -> Judgements:
    """Look for IPV6_MIP6: Home Address options, type 2 routing headers and the filter of Mobility Headers.

    Without it mip6d ends at its start ("Requested type not found"), and a Home Address option is answered with
    a Parameter Problem of code 2. A state of the type hao or route2 that is there proves that it works.
    """
    if facts.can_read(Key.XS):
        ours = [state for state in facts.states if state.protocol in (43, 60)]
        if ours:
            yield passed(
                f"{len(ours)} states of the types hao and route2 are there",
                evidence=(facts.saw(Key.XS, f"{len(ours)} states"),),
                by=By.BEHAVIOUR,
            )
            return
    config = facts.kernel_config
    value = config.get("IPV6_MIP6")
    said = (facts.saw(Key.KC, f"CONFIG_IPV6_MIP6={value}"),)
    if value == "n":
        yield affected("CONFIG_IPV6_MIP6 is not set", expected="y or m", evidence=said)
    elif value == "m" and "mip6" not in config.loaded:
        yield unknown("it is a module, which is not loaded", expected="mip6 loaded", evidence=said)
    else:
        yield passed(f"CONFIG_IPV6_MIP6={value}", evidence=said)


@AREA.check(
    About(
        "OPT-03",
        "no XFRM policies of the type sub (XFRM_SUB_POLICY)",
        Severity.CRITICAL,
        roles=EVERY,
        remedy=("boot a kernel with CONFIG_XFRM_SUB_POLICY",),
        reference=UMIP_KERNEL,
    )
)
def sub_policies(facts: Facts) -> Judgements:
    """Look for policies of the type sub, which say the mobility of a packet as those of main say its IPsec.

    Without them every policy that mip6d makes is refused (EINVAL), and the daemon ends.
    """
    if facts.can_read(Key.XP):
        there = [policy for policy in facts.policies if policy.kind == SUB]
        if there:
            said = (facts.saw(Key.XP, f"{len(there)} policies of the type sub"),)
            yield passed(f"{len(there)} policies of the type sub are there", evidence=said, by=By.BEHAVIOUR)
            return
    value = facts.kernel_config.get("XFRM_SUB_POLICY")
    said = (facts.saw(Key.KC, f"CONFIG_XFRM_SUB_POLICY={value}"),)
    if value == "y":
        yield passed("CONFIG_XFRM_SUB_POLICY=y", evidence=said)
    else:
        yield affected("CONFIG_XFRM_SUB_POLICY is not set", expected="y", evidence=said)


@AREA.check(
    About(
        "OPT-04",
        "no route optimisation mode in XFRM (INET6_XFRM_MODE_ROUTEOPTIMIZATION)",
        Severity.CRITICAL,
        roles=EVERY,
        needs=(Key.KR,),
        reference="Linux 4c145dce2601",
    )
)
def route_optimisation_mode(facts: Facts) -> Judgements:
    """Look for the mode ro, an option of its own up to Linux 5.1, and always there since 5.2."""
    version = facts.kernel.version
    said = facts.saw(Key.KR, facts.kernel.release)
    if version >= (5, 2, 0):
        yield passed("since Linux 5.2 it is always there", evidence=(said,))
        return
    config = facts.kernel_config
    if config.has("INET6_XFRM_MODE_ROUTEOPTIMIZATION"):
        yield passed("it is built", evidence=(said,))
    else:
        yield likely("it is not set", evidence=(said,), by=By.CONFIGURATION)


class Option(Struct, frozen=True):
    """An option, or several that are needed together, and how it shows.

    ``at_work`` returns what is seen of it in use, or an empty text; it may raise Unreadable. ``module`` is the name
    of a module that the kernel does not load by itself. ``for_ipsec`` where it matters to a node with IPsec only.
    """

    about: About
    names: tuple[str, ...]
    explanation: str
    key: Key = Key.KC
    at_work: Callable[[Facts], str] | None = None
    module: str = ""
    for_ipsec: bool = False


def uses_ipsec(facts: Facts) -> bool:
    """Tell whether the node protects its signalling; raises Unreadable."""
    if facts.can_read(Key.XP):
        return any(has_ipsec(policy) for policy in facts.policies)
    return facts.configuration.is_enabled("UseMnHaIPsec", True) and bool(facts.configuration.every("IPsecPolicySet"))


def judge(option: Option, facts: Facts) -> Judgements:
    """Judge an option by what is at work, and then by how the kernel was built."""
    if option.for_ipsec and not uses_ipsec(facts):
        yield not_applicable("no policy asks for IPsec")
        return
    seen = option.at_work(facts) if option.at_work is not None and facts.can_read(option.key) else ""
    if seen:
        yield passed(seen, evidence=(facts.saw(option.key, seen),), by=By.BEHAVIOUR)
        return
    config = facts.kernel_config
    said = tuple(facts.saw(Key.KC, f"CONFIG_{name}={config.get(name)}") for name in option.names)
    missing = [name for name in option.names if not config.has(name)]
    if missing:
        observed = f"{' and '.join(f'CONFIG_{name}' for name in missing)} not set"
        yield affected(observed, expected="y or m", evidence=said)
    elif option.module and config.get(option.names[0]) == "m" and option.module not in config.loaded:
        yield unknown(f"it is a module, {option.module}, which is not loaded", expected="loaded", evidence=said)
    else:
        yield passed("it is built", evidence=said)


def _rules(facts: Facts) -> str:
    return f"{len(facts.rules)} rules are there" if facts.rules else ""


def _subtrees(facts: Facts) -> str:
    return next(
        (f"a route from {one.source}/{one.source_length} is there" for one in facts.routes if one.source_length), ""
    )


def _tunnel(facts: Facts) -> str:
    return next((f"{one.name} is there" for one in facts.links if one.name == "ip6tnl0" or one.tunnel is not None), "")


def _esp(facts: Facts) -> str:
    count = sum(state.protocol == ESP for state in facts.states)
    return f"{count} states of ESP are there" if count else ""


def _counts(facts: Facts) -> str:
    return "/proc/net/xfrm_stat is there" if facts.xfrm_stat else ""


def _answers(facts: Facts) -> str:
    return f"the kernel lists its {len(facts.policies)} policies"


def about(id_: str, title: str, severity: Severity, roles: tuple[str, ...] = (), *remedy: str) -> About:
    """Return what is declared of an option's check."""
    return About(id_, title, severity, roles, remedy=remedy or ("boot a kernel with it",), reference=UMIP_KERNEL)


OPTIONS = (
    Option(
        about("OPT-02", "no XFRM over netlink (XFRM, XFRM_USER)", Severity.CRITICAL, EVERY, "modprobe xfrm_user"),
        ("XFRM", "XFRM_USER"),
        "Mobile IPv6 in the kernel is made of XFRM states and policies, which a daemon makes over netlink.\n\n"
        "Without it the socket is refused (EPROTONOSUPPORT).",
        Key.XP,
        _answers,
    ),
    Option(
        about("OPT-05", "no IPv6 tunnels (IPV6_TUNNEL)", Severity.CRITICAL, BOTH, "modprobe ip6_tunnel"),
        ("IPV6_TUNNEL",),
        "A mobile node and its home agent have a tunnel, which mip6d asks ip6tnl0 for; without it the daemon ends.",
        Key.TN,
        _tunnel,
        "ip6_tunnel",
    ),
    Option(
        about("OPT-06", "no policy routing of IPv6 (IPV6_MULTIPLE_TABLES)", Severity.CRITICAL, BOTH),
        ("IPV6_MULTIPLE_TABLES",),
        "mip6d has rules of the priorities 1000 to 1005 and routes in table 252; without them it ends.",
        Key.RU,
        _rules,
    ),
    Option(
        about("OPT-07", "no routes by source (IPV6_SUBTREES)", Severity.CRITICAL, BOTH),
        ("IPV6_SUBTREES",),
        "A home agent adds a route to each home address from its own address. Without such routes it answers every "
        "Binding Update with status 130.",
        Key.RT,
        _subtrees,
    ),
    Option(
        about("OPT-08", "no change of the ends of IPsec (XFRM_MIGRATE)", Severity.HIGH, BOTH),
        ("XFRM_MIGRATE",),
        "When a mobile node moves, its tunnels with ESP move with it. Without it the home agent answers status 130, "
        "and the mobile node's tunnel keeps its old end.",
        for_ipsec=True,
    ),
    Option(
        about("OPT-09", "no ESP (INET6_ESP)", Severity.HIGH, EVERY, "modprobe esp6"),
        ("INET6_ESP",),
        "Signalling is protected with ESP. Without it states are refused, and XfrmOutNoStates rises.",
        Key.XS,
        _esp,
        for_ipsec=True,
    ),
    Option(
        about("OPT-10", "no PF_KEY, or none that can move (NET_KEY, NET_KEY_MIGRATE)", Severity.LOW, EVERY),
        ("NET_KEY", "NET_KEY_MIGRATE"),
        "setkey and racoon use PF_KEY; ip xfrm and strongSwan do without.",
        for_ipsec=True,
    ),
    Option(
        about(
            "OPT-11", "a part of the base is missing (SYSVIPC, PROC_FS, PROC_SYSCTL, INET, IPV6)", Severity.HIGH, EVERY
        ),
        ("SYSVIPC", "PROC_FS", "PROC_SYSCTL", "NET", "INET", "IPV6"),
        "Shared memory, the files of /proc and its settings, and IPv6 itself are what mip6d takes for granted; it ends "
        "without them.",
    ),
    Option(
        about("OPT-13", "XFRM does not count (XFRM_STATISTICS)", Severity.LOW),
        ("XFRM_STATISTICS",),
        "Without /proc/net/xfrm_stat what XFRM drops cannot be seen, and many checks are UNKNOWN.",
        Key.XT,
        _counts,
    ),
)

for _option in OPTIONS:
    AREA.add(_option.about, partial(judge, _option), _option.explanation)


@AREA.check(about("OPT-12", "the gate of experimental options is closed (EXPERIMENTAL)", Severity.LOW, EVERY))
def experimental(facts: Facts) -> Judgements:
    """Look for EXPERIMENTAL, behind which Mobile IPv6 was up to Linux 3.8; since 3.9 there is no such option."""
    if facts.kernel.version >= NO_GATE:
        yield passed("since Linux 3.9 there is no such option", evidence=(facts.saw(Key.KR, facts.kernel.release),))
        return
    value = facts.kernel_config.get("EXPERIMENTAL")
    said = (facts.saw(Key.KC, f"CONFIG_EXPERIMENTAL={value}"),)
    yield passed("it is set", evidence=said) if value == "y" else affected("it is not set", expected="y", evidence=said)


DIAGNOSIS: tuple[str, ...] = ("PACKET", "INET_DIAG", "INET_TCP_DIAG")


@AREA.check(about("OPT-14", "packets or TCP sockets cannot be looked at (PACKET, INET_DIAG)", Severity.INFO))
def diagnosis(facts: Facts) -> Judgements:
    """Look for packet sockets, by which packets are seen, and for the list of TCP sockets, which tells what they do."""
    names = DIAGNOSIS
    if facts.can_read(Key.SK):
        said = f"the kernel lists its {len(facts.sockets)} TCP sockets"
        yield passed(said, "INET_DIAG", evidence=(facts.saw(Key.SK, said),), by=By.BEHAVIOUR)
        names = ("PACKET",)
    for name in names:
        value = facts.kernel_config.get(name)
        proof = (facts.saw(Key.KC, f"CONFIG_{name}={value}"),)
        if value in ("y", "m"):
            yield passed("it is built", name, evidence=proof)
        else:
            yield affected("it is not set", name, expected="y or m", evidence=proof)


@AREA.check(about("OPT-15", "a packet filter cannot tell mobility headers and options apart", Severity.INFO))
def filters(facts: Facts) -> Judgements:
    """Look for matches of the Mobility Header, routing headers and options, in nftables or in ip6_tables.

    Without them no rule can let the signalling pass and keep the rest out.
    """
    config = facts.kernel_config
    names = ("NFT_EXTHDR", "NF_TABLES", "IP6_NF_MATCH_MH", "IP6_NF_MATCH_RT", "IP6_NF_MATCH_OPTS")
    said = tuple(facts.saw(Key.KC, f"CONFIG_{name}={config.get(name)}") for name in names)
    if config.has("NFT_EXTHDR") or (config.has("NF_TABLES") and facts.kernel.version >= NO_EXTHDR):
        yield passed("nftables can", evidence=said)
    elif all(map(config.has, names[2:])):
        yield passed("ip6_tables can", evidence=said)
    else:
        yield affected("neither nftables nor ip6_tables can", expected="NFT_EXTHDR or IP6_NF_MATCH_*", evidence=said)


OPTIONAL = {"IPV6_ROUTER_PREF": "accept_ra_rtr_pref", "IPV6_OPTIMISTIC_DAD": "optimistic_dad"}
"""Options by the setting of an interface that is there with them."""


@AREA.check(about("OPT-17", "no router preferences, or no optimistic addresses", Severity.INFO, ("mn",)))
def faster(facts: Facts) -> Judgements:
    """Look for what makes a mobile node choose its router well (RFC 4191), and use an address sooner (RFC 4429)."""
    for option, setting in OPTIONAL.items():
        if facts.conf("all", setting) is not None:
            yield passed(f"{setting} is there", option, evidence=(facts.saw_conf("all", setting),))
            continue
        value = facts.kernel_config.get(option)
        said = (facts.saw(Key.KC, f"CONFIG_{option}={value}"),)
        yield (
            passed("it is built", option, evidence=said)
            if value == "y"
            else affected("it is not set", option, evidence=said)
        )


@AREA.check(about("OPT-20", "how the kernel was built cannot be read (IKCONFIG_PROC)", Severity.INFO))
def readable(facts: Facts) -> Judgements:
    """Look for /proc/config.gz, or a file beside the kernel: without, options are judged by what is at work only."""
    where = facts.datum(Key.KC).origin
    yield passed(f"{where} can be read", evidence=(facts.saw(Key.KC, where),))
