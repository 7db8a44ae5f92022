"""Checks of settings of the kernel that Mobile IPv6 stumbles over."""

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity

AREA = Area("kernel", "Settings of the kernel")
EVERY = ("mn", "ha", "cn")
SYSCTL = "Documentation/networking/ip-sysctl.rst"
FAR = "2001:db8:ffff:ffff::1"
"""An address for documentation, to which a route is looked up; nothing is sent."""
HOME_ADDRESS_OPTION = 24
"""The length of a destination options header with a Home Address option (RFC 6275 section 6.3)."""
MIP6 = "mip6"


@AREA.check(
    About(
        "MIP-112",
        "new sockets do not prefer the home address",
        Severity.MEDIUM,
        roles=("mn",),
        remedy=("boot a kernel with CONFIG_IPV6_MIP6=y", "or prefer the home address by ip addrlabel, or bind to it"),
        reference="RFC 6724 rule 4; Linux net/ipv6/addrconf.c",
    )
)
def preference(facts: Facts) -> Judgements:
    """Look up the source that the kernel chooses to a far destination while there is a home address.

    The rule that prefers home addresses is compiled only with CONFIG_IPV6_MIP6=y, not with =m. Connections from the
    care-of address break when the node moves.
    """
    homes = [one.address for one in facts.addresses if "home" in one.flags] if facts.can_read(Key.AD) else []
    known = facts.can_read(Key.RT, FAR) and facts.can_read(Key.AD)
    route = facts.route_to(FAR) if known else None
    source = route.preferred_source if route is not None else ""
    seen = (facts.saw(Key.RT, f"to {FAR}: source {source}", FAR),) if source else ()
    if known and not homes:
        yield not_applicable("there is no home address now")
    elif source in homes:
        yield passed("the home address is chosen", source, evidence=seen, by=By.BEHAVIOUR)
    elif source and any(one.address == source and one.scope == "global" for one in facts.addresses):
        yield affected(f"{source} is chosen, and {homes[0]} is there", homes[0], evidence=seen, by=By.BEHAVIOUR)
    else:
        yield _compiled(facts)


def _compiled(facts: Facts) -> Judgement:
    value = facts.kernel_config.get("IPV6_MIP6")
    said = (facts.saw(Key.KC, f"CONFIG_IPV6_MIP6={value}"),)
    if value == "m":
        return likely("CONFIG_IPV6_MIP6=m", expected="y", evidence=said, by=By.CONFIGURATION)
    if value == "y":
        return passed("CONFIG_IPV6_MIP6=y", evidence=said)
    return not_applicable("CONFIG_IPV6_MIP6 is not set", evidence=said)


@AREA.check(
    About(
        "MIP-113",
        "packets that no policy is for are blocked",
        Severity.CRITICAL,
        roles=EVERY,
        needs=(Key.XD,),
        remedy=("ip xfrm policy setdefault in accept fwd accept out accept",),
        reference="Linux 5.15, ip-xfrm(8) setdefault",
    )
)
def defaults(facts: Facts) -> Judgements:
    """Look for a default action of XFRM that blocks: what mip6d has no policy for is then dropped (XfrmInNoPols)."""
    found = facts.xfrm_defaults
    said = (facts.saw(Key.XD, f"in {found.inward}, fwd {found.forward}, out {found.outward}"),)
    for direction, action in (("in", found.inward), ("fwd", found.forward), ("out", found.outward)):
        if action == "block":
            yield affected("the default is block", direction, expected="accept", evidence=said)
        else:
            yield passed("the default is accept", direction, evidence=said)


@AREA.check(
    About(
        "MIP-114",
        "type 2 routing headers are refused",
        Severity.CRITICAL,
        roles=("mn",),
        needs=(Key.SY, Key.TN),
        remedy=(
            "sysctl -w net.ipv6.conf.all.accept_source_route=0",
            "sysctl -w net.ipv6.conf.IF.accept_source_route=0",
        ),
        reference=SYSCTL,
    )
)
def source_routes(facts: Facts) -> Judgements:
    """Look for accept_source_route below 0, on all interfaces or the one: each routing header is then an error."""
    general = facts.conf("all", "accept_source_route")
    for link in facts.links:
        own = facts.conf(link.name, "accept_source_route")
        if not link.is_up or link.name == "lo" or general is None or own is None:
            continue
        said = (facts.saw_conf("all", "accept_source_route"), facts.saw_conf(link.name, "accept_source_route"))
        if min(general, own) < 0:
            yield affected(f"accept_source_route is {min(general, own)}", link.name, expected="0", evidence=said)
        else:
            yield passed("type 2 routing headers are accepted", link.name, evidence=said)


LIMITS = (("net/ipv6/max_dst_opts_number", 1), ("net/ipv6/max_dst_opts_length", HOME_ADDRESS_OPTION))


@AREA.check(
    About(
        "MIP-115",
        "a limit on destination options drops the Home Address option",
        Severity.CRITICAL,
        roles=EVERY,
        needs=(Key.SY,),
        remedy=("sysctl -w net.ipv6.max_dst_opts_number=8", "sysctl -w net.ipv6.max_dst_opts_length=2147483647"),
        reference=SYSCTL,
    )
)
def option_limits(facts: Facts) -> Judgements:
    """Look for limits, since Linux 4.15, below one option or 24 bytes; a negative number limits known options too."""
    for name, least in LIMITS:
        value, setting = facts.setting(name), name.rpartition("/")[2]
        said = (facts.saw_setting(name),)
        if value is None:
            yield not_applicable("this kernel has no such limit", setting, evidence=said)
            continue
        allowed = abs(value) if setting == "max_dst_opts_number" else value
        if allowed < least:
            yield affected(f"it is {value}", setting, expected=f"at least {least}", evidence=said)
        else:
            yield passed(f"it is {value}", setting, evidence=said)


FALLBACK = "net/core/fb_tunnels_only_for_init_net"


@AREA.check(
    About(
        "MIP-116",
        "there is no ip6tnl0 in this network namespace",
        Severity.CRITICAL,
        roles=("ha", "mn"),
        needs=(Key.TN, Key.SY),
        remedy=("sysctl -w net.core.fb_tunnels_only_for_init_net=0  # before the namespace is made",),
        reference="Documentation/admin-guide/sysctl/net.rst",
        boot=True,
    )
)
def fallback(facts: Facts) -> Judgements:
    """Look for ip6tnl0, of which mip6d asks its tunnels: without, it ends with "SIOCADDTUNNEL failed status 19".

    New namespaces have none where fb_tunnels_only_for_init_net is set, which only the first namespace shows.
    """
    if any(link.name == "ip6tnl0" for link in facts.links):
        yield passed("ip6tnl0 is there", evidence=(facts.saw(Key.TN, "ip6tnl0"),))
        return
    value = facts.setting(FALLBACK)
    said = (facts.saw_setting(FALLBACK),)
    if value is None:
        yield unknown("it is not there, and the setting shows only in the first namespace", evidence=said)
    elif value > 0:
        yield affected("it is not there, and namespaces do not get one", evidence=said)
    else:
        yield passed("it is not there, but the setting does not keep it away (modprobe ip6_tunnel)", evidence=said)


@AREA.check(
    About(
        "MIP-117",
        "modules cannot be loaded",
        Severity.HIGH,
        roles=EVERY,
        needs=(Key.KC,),
        remedy=("modprobe -a mip6 esp6 ip6_tunnel xfrm_user authenc echainiv  # on the host, before",),
        reference="Linux net/xfrm/xfrm_state.c request_module()",
        boot=True,
    )
)
def modules(facts: Facts) -> Judgements:
    """Look for a kernel whose mip6 is a module that is not loaded, where none may be loaded any more.

    The kernel loads it for the first state of the type hao or route2; in a container, or with modules_disabled, it
    does not.
    """
    value = facts.kernel_config.get("IPV6_MIP6")
    said = (facts.saw(Key.KC, f"CONFIG_IPV6_MIP6={value}"),)
    if value != "m":
        yield not_applicable("Mobile IPv6 is no module of this kernel", evidence=said)
    elif MIP6 in facts.kernel_config.loaded:
        yield passed("mip6 is loaded", evidence=said)
    elif facts.setting("kernel/modules_disabled") == 1:
        proof = facts.saw_setting("kernel/modules_disabled")
        yield likely("mip6 is not loaded, and modules_disabled is 1", evidence=(*said, proof), by=By.CONFIGURATION)
    else:
        yield unknown("mip6 is not loaded, and whether the kernel may load it is seen when it does", evidence=said)


@AREA.check(
    About(
        "MIP-118",
        "inbound policies are not checked (disable_policy)",
        Severity.HIGH,
        roles=("cn", "ha"),
        needs=(Key.SY, Key.TN),
        remedy=("sysctl -w net.ipv6.conf.IF.disable_policy=0",),
        reference=SYSCTL,
    )
)
def disabled_policy(facts: Facts) -> Judgements:
    """Look for disable_policy=1: a Home Address option is then taken from nodes that have no binding.

    Anybody can write any home address as the source. It hides MIP-101, too.
    """
    for name in ("all", *(link.name for link in facts.links if link.is_up and link.name != "lo")):
        value = facts.conf(name, "disable_policy")
        if value is None:
            continue
        said = (facts.saw_conf(name, "disable_policy"),)
        if value:
            remedy = (f"sysctl -w net.ipv6.conf.{name}.disable_policy=0",)
            yield affected(f"disable_policy is {value}", name, expected="0", evidence=said, remedy=remedy)
        else:
            yield passed("policies are checked", name, evidence=said)
