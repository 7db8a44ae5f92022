"""Checks of a home agent: what its home link, its neighbours and the kernel have to be for its bindings to work."""

from collections.abc import Iterable

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import HA_RULE, MIP6D_TABLE, Facts
from mipsh.checks.sources import Key
from mipsh.model.address import within
from mipsh.model.findings import By, Severity
from mipsh.model.records import BindingCacheEntry

AREA = Area("home_agent", "What a home agent needs of its home link, and what the kernel has of its bindings")
ROLE = ("ha",)
HAO, ROUTE2 = 60, 43
MAIN_TABLE, MIP6D_PROTOCOL = 254, 16
ANYCAST_END = "fdff:ffff:ffff:fffe"
"""The last 64 bits of the Mobile IPv6 Home-Agents anycast address (RFC 2526 section 2)."""
MADE_BY_MOBILITY = 0x8


def registered(facts: Facts) -> list[BindingCacheEntry]:
    """Return the home registrations."""
    return [row for row in facts.cache if row.status == "registered"]


def home_links(facts: Facts) -> list[str]:
    """Return the interfaces of the home links, as the daemon says them."""
    said = [row.interface for row in facts.prefixes] + [row.interface for row in facts.home_agents]
    return list(dict.fromkeys(name for name in said if name))


def no_bindings() -> Judgements:
    """Say that there is nothing to look at."""
    yield not_applicable("there is no home registration now")


@AREA.check(
    About(
        "MIP-401",
        "a home agent that does not forward",
        Severity.CRITICAL,
        roles=ROLE,
        needs=(Key.SY,),
        remedy=("sysctl -w net.ipv6.conf.all.forwarding=1",),
        reference="RFC 6275 section 10.4; MIP-401",
        boot=True,
    )
)
def forwarding(facts: Facts) -> Judgements:
    """A home agent tunnels for its mobile nodes: it has to forward, and mip6d does not see to that itself.

    Without it, what comes from the tunnel is dropped (Ip6InAddrErrors), and its neighbour advertisements lack the
    router flag.
    """
    for name in ("all", *(home_links(facts) if facts.can_read(Key.VT, "prefixes") else ())):
        value = facts.conf(name, "forwarding")
        said = (facts.saw_conf(name, "forwarding"),)
        if value:
            yield passed("it forwards", name, evidence=said)
        else:
            yield affected("forwarding is off", name, expected="1", evidence=said)


@AREA.check(
    About(
        "MIP-402",
        "home addresses that are not, or not wholly, defended",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.SY, Key.PN, Key.VT),
        remedy=("sysctl -w net.ipv6.conf.all.proxy_ndp=1",),
        reference="RFC 6275 section 10.4.1; net/ipv6/ip6_output.c",
    )
)
def defence(facts: Facts) -> Judgements:
    """For every home registration the home agent answers neighbour solicitations, on the home link.

    That takes proxy_ndp and a proxy entry. With proxy_ndp of the interface alone, solicitations to the home
    address itself are forwarded into the tunnel instead of answered, and neighbours stall for about 3 s.
    """
    everywhere = facts.conf("all", "proxy_ndp")
    for name in home_links(facts):
        both = (facts.saw_conf(name, "proxy_ndp"), facts.saw_conf("all", "proxy_ndp"))
        if everywhere:
            yield passed("proxy neighbour discovery is on", name, evidence=both)
        elif facts.conf(name, "proxy_ndp"):
            yield likely("it is on for the interface alone", name, evidence=both, by=By.CONFIGURATION)
        else:
            yield affected("proxy neighbour discovery is off", name, expected="1", evidence=both)
    defended = {proxy.address for proxy in facts.proxies}
    for row in registered(facts):
        said = (facts.saw(Key.PN, f"{len(defended)} entries"),)
        if row.home_address in defended:
            yield passed("it is defended", row.home_address, evidence=said)
        else:
            yield affected("there is no proxy entry for it", row.home_address, expected="one", evidence=said)


@AREA.check(
    About(
        "MIP-403",
        "a home agent that does not hear its own prefixes",
        Severity.CRITICAL,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("radvd.conf: AdvHomeAgentFlag on", "start radvd after mip6d"),
        reference="RFC 6275 section 10.6; MIP-403",
        boot=True,
    )
)
def home_prefixes(facts: Facts) -> Judgements:
    """The home prefix list is fed by Router Advertisements with the H flag that are heard, and by nothing else.

    Where no valid prefix covers a home address, every Binding Update for it gets 132 (not home subnet).
    """
    said = (facts.saw(Key.VT, f"{len(facts.prefixes)} prefixes", "prefixes"),)
    if not facts.prefixes:
        yield affected("the home prefix list is empty", expected="a prefix", evidence=said)
        return
    for row in facts.prefixes:
        if row.valid_remaining_s is not None and row.valid_remaining_s <= 0:
            yield affected("its valid lifetime is over", row.prefix, expected="more than 0 s", evidence=said)
        else:
            yield passed("it is heard", row.prefix, evidence=said)
    for binding in facts.cache:
        covered = any(within(binding.home_address, row.prefix) for row in facts.prefixes)
        if binding.status == "registered" and not covered:
            yield affected("no prefix covers it", binding.home_address, expected="a home prefix", evidence=said)


@AREA.check(
    About(
        "MIP-404",
        "no router address in the advertised prefix: home agent discovery has no answer",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.VT, Key.AD),
        remedy=(
            "radvd.conf: AdvRouterAddr on, with the whole address as the prefix",
            "radvd.conf: AdvHomeAgentInfo on",
        ),
        reference="RFC 6275 sections 7.2, 10.5",
        boot=True,
    )
)
def own_entry(facts: Facts) -> Judgements:
    """The home agents list has this node's own address only where its prefix is advertised with the R flag.

    Otherwise home agent address discovery is answered with an empty list, and a mobile node without a configured
    home agent never registers.
    """
    own = {one.address for one in facts.addresses if one.scope == "global"}
    listed = {row.address for row in facts.home_agents}
    said = (facts.saw(Key.VT, f"hal: {', '.join(sorted(listed)) or 'empty'}", "home_agents"),)
    if own & listed:
        yield passed("it lists its own address", evidence=said)
    else:
        yield affected("the home agents list does not have this node", expected="its own address", evidence=said)


@AREA.check(
    About(
        "MIP-405",
        "a home agent whose advertised lifetime is shorter than its bindings",
        Severity.LOW,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("radvd.conf: HomeAgentLifetime at least HaMaxBindingLife",),
        reference="RFC 6275 section 7.4",
    )
)
def home_agent_lifetime(facts: Facts) -> Judgements:
    """A home agent is advertised for a time: where that is 0, or ends before a binding does, discovery misleads."""
    longest = max((row.lifetime_granted_s or 0 for row in registered(facts)), default=0)
    if not facts.home_agents:
        yield unknown("the home agents list is empty")
    for row in facts.home_agents:
        said = (facts.saw(Key.VT, f"hal: {row.address} lifetime {row.lifetime_s}", "home_agents"),)
        if row.lifetime_s is None:
            yield unknown("its lifetime is not told", row.address, evidence=said)
        elif row.lifetime_s < max(longest, 1):
            yield affected(f"{row.lifetime_s} s", row.address, expected=f"{max(longest, 1)} s or more", evidence=said)
        else:
            yield passed(f"{row.lifetime_s} s", row.address, evidence=said)


@AREA.check(
    About(
        "MIP-406",
        "an address of the home agent that came too late for the daemon",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.AD, Key.VT),
        remedy=("give the address before mip6d starts (nodad, or wait for duplicate address detection)",),
        reference="RFC 6275 section 10.5; MIP-406",
        boot=True,
    )
)
def late_address(facts: Facts) -> Judgements:
    """The daemon reads addresses once, and joins the anycast group of home agents then.

    An address that was tentative, or came later, is no home agent's: Binding Updates to it get 132.
    """
    groups = {group.address for group in facts.anycast_groups}
    for row in facts.prefixes:
        words = row.prefix.partition("/")[0]
        joined = [one for one in groups if one.endswith(ANYCAST_END) and within(one, row.prefix)]
        said = (facts.saw(Key.AD, f"{len(groups)} anycast addresses", "anycast"),)
        if joined:
            yield passed("the anycast address of home agents is joined", words, evidence=said)
        else:
            yield affected("the anycast address of home agents is not joined", words, evidence=said)
    links = home_links(facts)
    for one in facts.addresses:
        if one.interface in links and one.flags & {"tentative", "dadfailed"} and one.scope == "global":
            flags = " ".join(sorted(one.flags))
            yield affected(f"it is {flags}", one.address, evidence=(facts.saw(Key.AD, f"{one.address} {flags}"),))


@AREA.check(
    About(
        "MIP-408",
        "rules or routes of mobility that somebody else removed",
        Severity.HIGH,
        roles=("ha", "mn"),
        needs=(Key.RU, Key.RT, Key.VT),
        remedy=(
            "systemd-networkd: ManageForeignRoutes=no and ManageForeignRoutingPolicyRules=no",
            "then restart mip6d",
        ),
        reference="MIP-408",
    )
)
def foreign_manager(facts: Facts) -> Judgements:
    """Network managers remove what they did not make: rules 1001, 1003 (mobile node), 1005 (home agent), routes.

    The bindings are there, and their packets go another way.
    """
    if facts.role == "mn":
        yield from _rules_of_mobile_node(facts)
        return
    rows = registered(facts)
    if not rows:
        yield from no_bindings()
        return
    there = any(rule.priority == HA_RULE and rule.table == MIP6D_TABLE for rule in facts.rules)
    yield _rule(facts, HA_RULE, there)
    routed = {route.destination for route in facts.routes if route.length == 128 and route.table == MAIN_TABLE}
    for row in rows:
        said = (facts.saw(Key.RT, f"{len(routed)} host routes in main"),)
        if row.home_address in routed:
            yield passed("it has its route", row.home_address, evidence=said)
        else:
            yield affected("it has no route into its tunnel", row.home_address, expected="one", evidence=said)


def _rules_of_mobile_node(facts: Facts) -> Judgements:
    homes = [row for row in facts.updates if row.registration == "home" and row.state == "bound"]
    if not homes:
        yield not_applicable("no home registration is bound now")
        return
    for priority in (1001, 1003):
        yield _rule(facts, priority, any(rule.priority == priority for rule in facts.rules))


def _rule(facts: Facts, priority: int, is_there: bool) -> Judgement:
    said = (facts.saw(Key.RU, f"{len(facts.rules)} rules"),)
    if is_there:
        return passed("it is there", f"rule {priority}", evidence=said)
    return affected("it is missing", f"rule {priority}", expected="there", evidence=said)


@AREA.check(
    About(
        "MIP-409",
        "a daemon and a kernel that disagree about a binding",
        Severity.HIGH,
        roles=("ha", "cn"),
        needs=(Key.XS, Key.RT, Key.TN, Key.PN, Key.VT),
        remedy=("restart mip6d", "'drift' shows each difference"),
        reference="RFC 6275 sections 9.3, 10.4; KNOWN-ISSUES MIP-409",
    )
)
def divergence(facts: Facts) -> Judgements:
    """Each binding has its states, and at a home agent its tunnel, route and proxy entry, all for one care-of address.

    What the kernel has for no binding is told, too.
    """
    rows = [row for row in facts.cache if row.status in ("registered", "cached")]
    for row in rows:
        missing = list(_missing(facts, row))
        said = (facts.saw(Key.XS, f"{len(facts.states)} states"),)
        if missing:
            yield affected("; ".join(missing), row.home_address, expected="as the binding says", evidence=said)
        else:
            yield passed("the kernel has what it needs", row.home_address, evidence=said)
    known = {row.home_address for row in facts.cache}
    for state in facts.states:
        if state.protocol == ROUTE2 and not state.is_wildcard and state.destination not in known:
            said = (facts.saw(Key.XS, f"route2 to {state.destination}"),)
            yield affected("the kernel has a binding that the daemon has not", state.destination, evidence=said)
    if not rows and not any(state.protocol == ROUTE2 and not state.is_wildcard for state in facts.states):
        yield not_applicable("there is no binding now")


def _missing(facts: Facts, row: BindingCacheEntry) -> Iterable[str]:
    """Yield what the kernel lacks of a binding."""
    home, care_of = row.home_address, row.care_of_address
    for protocol, words, end in ((ROUTE2, "route2 to it", "destination"), (HAO, "hao from it", "source")):
        states = [one for one in facts.states if one.protocol == protocol and getattr(one, end) == home]
        if not states:
            yield f"no state {words}"
        elif all(one.care_of_address != care_of for one in states):
            yield f"the state {words} has the care-of address {states[0].care_of_address}, not {care_of}"
    if row.status != "registered":
        return
    if not any(link.tunnel is not None and link.tunnel.remote == care_of for link in facts.tunnels):
        yield f"no tunnel to {care_of}"
    if not any(route.destination == home and route.table == MAIN_TABLE for route in facts.routes):
        yield "no route to it"
    if not any(proxy.address == home for proxy in facts.proxies):
        yield "no proxy entry"


@AREA.check(
    About(
        "MIP-410",
        "another node on the home link that has a home address",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.NB, Key.VT, Key.TN),
        remedy=("find it by its link-layer address, and give it another address",),
        reference="RFC 6275 section 10.3.1 (status 134)",
    )
)
def stolen_address(facts: Facts) -> Judgements:
    """While a mobile node is away, nobody but the home agent may answer for its home address on the home link."""
    rows = registered(facts)
    if not rows:
        yield from no_bindings()
        return
    own = {link.link_address for link in facts.links}
    for row in rows:
        others = [
            one
            for one in facts.neighbours
            if one.address == row.home_address and one.link_address and one.link_address not in own
        ]
        said = (facts.saw(Key.NB, f"{len(facts.neighbours)} neighbours"),)
        if others:
            found = others[0]
            yield affected(f"{found.link_address} answers for it on {found.interface}", row.home_address, evidence=said)
        else:
            yield passed("nobody else answers for it", row.home_address, evidence=said)


@AREA.check(
    About(
        "MIP-411",
        "tunnels of mobility without a binding",
        Severity.LOW,
        roles=ROLE,
        needs=(Key.TN, Key.VT),
        remedy=("restart mip6d", "ip link del IP6TNL"),
        reference="net/ipv6/ip6_tunnel.c (IP6_TNL_F_MIP6_DEV)",
    )
)
def leaked_tunnels(facts: Facts) -> Judgements:
    """A tunnel that mobility made ends with its binding; one that stays is a leak."""
    care_of = {row.care_of_address for row in registered(facts)}
    made = [link for link in facts.tunnels if link.tunnel is not None and link.tunnel.flags & MADE_BY_MOBILITY]
    if not made:
        yield passed("there is none", evidence=(facts.saw(Key.TN, f"{len(facts.tunnels)} tunnels"),))
    for link in made:
        remote = link.tunnel.remote if link.tunnel is not None else ""
        said = (facts.saw(Key.TN, f"{link.name} to {remote}"),)
        if remote in care_of:
            yield passed("a binding uses it", link.name, evidence=said)
        else:
            yield affected(f"it leads to {remote}, where no mobile node is", link.name, evidence=said)
