"""Checks of the guide about the way of optimised packets: old connections, Redirects, neighbours on the link."""

from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import MIP6D_TABLE, Facts
from mipsh.checks.sources import Key, Route, Socket, Unreadable
from mipsh.model.address import within
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.records import BindingUpdateListEntry
from mipsh.model.xfrm import Policy, State
from mipsh.plugins.checks.kernel_xfrm import (
    ESP,
    HAO,
    HOST,
    MAIN,
    OUT,
    TUNNEL,
    asks_for,
    earlier_of,
    is_of_kind,
    optimised,
    packets_since,
    saw_policies,
    state_of,
)

AREA = Area("guide", "The way of optimised packets")
GUIDE = "Mobile IPv6 for Linux Guide 1.53; "
SHORTEST_S = 2.0
ENOUGH = 20
"""Forwarded packets that should have drawn a redirect, if the kernel sent any."""
SOCKETS_FOLLOW, TUNNELS_EXEMPT, KEYS_RIGHT = (2, 6, 24), (2, 6, 24), (2, 6, 26)
"""The versions of Linux that fixed MIP-002, MIP-003 and MIP-005."""
KERNEL_PROTOCOL = 2
IN_USE = ("REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT")


def saw_release(facts: Facts) -> tuple[Evidence, ...]:
    """Return the kernel's release as evidence."""
    return (facts.saw(Key.KR, facts.kernel.release),)


def else_by_version(facts: Facts, judgement: Judgement, fixed: tuple[int, int, int]) -> Judgement:
    """Return a judgement, or LIKELY where it could not tell and the kernel is older than the fix."""
    if judgement.verdict != "UNKNOWN" or facts.kernel.version >= fixed:
        return judgement
    return likely(
        f"Linux {facts.kernel.release} is before {'.'.join(map(str, fixed))}",
        judgement.subject,
        evidence=saw_release(facts),
    )


@AREA.check(
    About(
        "MIP-002",
        "TCP that began before route optimisation stays in the tunnel",
        Severity.MEDIUM,
        roles=("mn", "ha", "cn"),
        needs=(Key.SK, Key.XP, Key.XS),
        windowed=True,
        watches=(Key.VT, Key.AD),
        remedy=("boot Linux 2.6.24 or later", "or start the application again once route optimisation is ready"),
        reference=GUIDE + "Linux a47ed4cd8cb0",
    )
)
def old_connections(facts: Facts) -> Judgements:
    """Look for a connection that sends while the state of its route optimisation carries nothing.

    Up to Linux 2.6.23 a socket kept the route that it had when it began. Sockets bound to a device, or with a
    policy of their own, go their own way rightly.
    """
    found = {(socket.local, socket.remote): state for socket, state in optimised(facts)}
    if not found:
        yield not_applicable("there is no TCP connection that route optimisation is for")
    for state in found.values():
        yield else_by_version(facts, _carried(facts, state), SOCKETS_FOLLOW)


def _carried(facts: Facts, state: State) -> Judgement:
    """Compare what the sockets between two addresses sent with what their state carried."""
    subject = f"{state.source} to {state.destination}"
    before = earlier_of(facts)
    if before is None or facts.window_s < SHORTEST_S:
        return unknown(f"it takes two moments {SHORTEST_S:g} s apart", subject)
    carried = packets_since(before.states, state)
    if carried is None:
        return unknown("route optimisation became ready within the window", subject)
    segments, acknowledged = _sent(before, facts, state)
    said = (
        facts.saw(Key.SK, f"{segments} segments sent, {acknowledged} bytes acknowledged in {facts.window_s:.1f} s"),
        facts.saw(Key.XS, f"the state carried {carried} packets, last used {state.last_used}"),
    )
    if not segments and not acknowledged:
        return unknown("the connection sent nothing in the window", subject, evidence=said)
    known = state_of(before.states, state.protocol, state.source, state.destination)
    if not carried and known is not None and known.last_used == state.last_used:
        return affected("it sends, and route optimisation carries nothing", subject, evidence=said, by=By.BEHAVIOUR)
    if carried >= max(segments, 1):
        return passed("what it sends goes by route optimisation", subject, evidence=said, by=By.BEHAVIOUR)
    return unknown("only a part of what it sent was carried", subject, evidence=said)


def _sent(before: Facts, facts: Facts, state: State) -> tuple[int, int]:
    """Return how many segments the connections between the ends of a state sent, and bytes that were acknowledged."""
    then = {(one.local_port, one.remote_port): one.info for one in _connections(before, state)}
    segments = acknowledged = 0
    for one in _connections(facts, state):
        old, new = then.get((one.local_port, one.remote_port)), one.info
        if old is not None and new is not None:
            segments += (new.segments_out or 0) - (old.segments_out or 0)
            acknowledged += (new.bytes_acknowledged or 0) - (old.bytes_acknowledged or 0)
    return segments, acknowledged


def _connections(facts: Facts, state: State) -> Iterator[Socket]:
    ends = ("ESTABLISHED", state.source, state.destination)
    return (one for one in facts.sockets if (one.state, one.local, one.remote) == ends)


@AREA.check(
    About(
        "MIP-003",
        "Redirects for packets that the home agent took out of an IPsec tunnel",
        Severity.LOW,
        roles=("ha",),
        needs=(Key.XP, Key.XS, Key.RT, Key.AD),
        windowed=True,
        watches=(Key.SN, Key.TN),
        remedy=("boot Linux 2.6.24 or later", "or on the hosts: sysctl -w net.ipv6.conf.INTERFACE.accept_redirects=0"),
        reference=GUIDE + "Linux 1e5dc1461732",
    )
)
def redirects(facts: Facts) -> Judgements:
    """Look for Redirects on the home link while the tunnel of a binding by the same link carries packets.

    Up to Linux 2.6.23 a packet out of an IPsec tunnel that leaves by the interface it came by draws a Redirect.
    Redirects that other hosts draw are counted, too.
    """
    tunnels = [one for one in facts.policies if is_of_kind(one, OUT, MAIN) and asks_for(one, ESP, TUNNEL)]
    tunnels = [one for one in tunnels if one.selector.destination_length == HOST]
    if not tunnels:
        yield not_applicable("no policy tunnels with ESP to a mobile node")
    for policy in tunnels:
        yield else_by_version(facts, _redirected(facts, policy), TUNNELS_EXEMPT)


def _redirected(facts: Facts, policy: Policy) -> Judgement:
    subject = policy.selector.destination
    template = next(one for one in policy.templates if (one.protocol, one.mode) == (ESP, TUNNEL))
    home_link = next((one.interface for one in facts.addresses if one.address == template.source), "")
    route = facts.route_to(template.destination)
    if route is None or route.interface != home_link:
        where = "no route leads to" if route is None else f"{route.interface} leads to"
        return not_applicable(f"{where} the care-of address, and the home link is {home_link or 'not known'}", subject)
    inward = state_of(facts.states, ESP, template.destination, template.source)
    before = earlier_of(facts)
    carried = packets_since(before.states, inward) if before is not None and inward is not None else None
    if carried is None:
        return unknown("what the tunnel carries was not seen at two moments", subject)
    sent = facts.snmp6_rise("Icmp6OutRedirects", home_link)
    said = (
        *saw_policies(facts, [policy]),
        facts.saw(Key.SN, f"{home_link}: Icmp6OutRedirects +{sent}", home_link),
        facts.saw(Key.XS, f"the tunnel carried {carried} packets"),
    )
    if sent > 0 and carried > 0:
        return affected(
            f"{sent} Redirects while the tunnel carried {carried} packets", subject, evidence=said, by=By.BEHAVIOUR
        )
    if not sent and carried >= ENOUGH:
        return passed(f"no Redirect for {carried} packets", subject, evidence=said, by=By.BEHAVIOUR)
    return unknown(f"the tunnel carried {carried} packets, of {ENOUGH} that would tell", subject, evidence=said)


def correspondents(facts: Facts) -> list[BindingUpdateListEntry]:
    """Return the entries of correspondent nodes that know where this node is."""
    return [
        one
        for one in facts.updates
        if one.registration != "home" and one.kind == "bul" and one.peer_address and one.care_of_address
    ]


@AREA.check(
    About(
        "MIP-005",
        "optimised packets go to the router although the correspondent node is on the link",
        Severity.LOW,
        roles=("mn",),
        needs=(Key.VT, Key.XS, Key.NB, Key.RT),
        windowed=True,
        remedy=("boot Linux 2.6.26 or later", "or: ip -6 neigh replace CN lladdr MAC dev INTERFACE nud permanent"),
        reference=GUIDE + "Linux 9bb182a70075",
    )
)
def neighbours(facts: Facts) -> Judgements:
    """Look for optimised packets to a node on the same link of which no neighbour entry is made.

    Up to Linux 2.6.25 the next hop could be looked up with the wrong addresses, so that the default router got the
    packets. A prefix that is announced as not on-link rightly goes by the router.
    """
    mobile = {one.home_address: one.care_of_address for one in facts.cache}
    found = []
    for entry in correspondents(facts):
        address = mobile.get(entry.peer_address or "") or entry.peer_address or ""
        link = next((one for one in facts.routes if _is_on_link(one, address, entry.interface)), None)
        if link is not None:
            found.append(else_by_version(facts, _resolved(facts, entry, address, link), KEYS_RIGHT))
    yield from found or [not_applicable("no correspondent node is on the link of the care-of address")]


def _is_on_link(route: Route, address: str, interface: str | None) -> bool:
    return (
        not route.gateway
        and route.kind == "unicast"
        and route.protocol == KERNEL_PROTOCOL
        and route.table != MIP6D_TABLE
        and 0 < route.length < HOST
        and interface in (None, route.interface)
        and within(address, f"{route.destination}/{route.length}")
    )


def _resolved(facts: Facts, entry: BindingUpdateListEntry, address: str, link: Route) -> Judgement:
    state = state_of(facts.states, HAO, entry.home_address, entry.peer_address or "")
    neighbour = next(
        (one for one in facts.neighbours if (one.address, one.interface) == (address, link.interface)), None
    )
    said = [facts.saw(Key.NB, f"{address}: {neighbour.state if neighbour else 'no entry'}")]
    if neighbour is not None and neighbour.state in IN_USE:
        return passed("it is a neighbour", address, evidence=tuple(said))
    if neighbour is not None:
        return unknown(f"the neighbour is {neighbour.state}", address, evidence=tuple(said))
    before = earlier_of(facts)
    carried = packets_since(before.states, state) if before is not None and state is not None else None
    if not carried:
        return unknown("no optimised packet to it was seen in the window", address, evidence=tuple(said))
    said.append(facts.saw(Key.XS, f"the state carried {carried} packets"))
    return affected("packets go to it, and it is no neighbour", address, evidence=tuple(said), by=By.BEHAVIOUR)


@AREA.check(
    About(
        "MIP-006",
        "a Redirect for optimised traffic has no effect",
        Severity.MEDIUM,
        roles=("mn",),
        needs=(Key.VT, Key.SY),
        windowed=True,
        watches=(Key.SN,),
        remedy=(
            "ping -c 5 -I HOME_ADDRESS CN",
            "or: ip -6 route add CN/128 dev INTERFACE",
            "or announce the prefix as on-link in the Router Advertisement",
        ),
        reference=GUIDE + "Linux net/ipv6/ndisc.c ndisc_redirect_rcv()",
    )
)
def redirected(facts: Facts) -> Judgements:
    """Look for Redirects that are counted as errors while the route to the correspondent node keeps its gateway.

    The kernel does not undo the Home Address option of the packet that a Redirect quotes, finds no socket of TCP or
    UDP, and drops it; for ICMPv6 echoes it works, which is why a ping over route optimisation heals the route. Without
    accept_redirects, or with forwarding, no Redirect is taken at all.
    """
    entries = correspondents(facts)
    if not entries:
        yield not_applicable("there is no route optimisation with a correspondent node")
    for name in dict.fromkeys(_interface(facts, entry) for entry in entries):
        if name:
            yield from _takes_none(facts, name)
    for entry in entries:
        yield _followed(facts, entry)


def _interface(facts: Facts, entry: BindingUpdateListEntry) -> str:
    """Return the interface of a care-of address; empty where it is not known."""
    if entry.interface:
        return entry.interface
    if not facts.can_read(Key.AD):
        return ""
    return next((one.interface for one in facts.addresses if one.address == entry.care_of_address), "")


def _takes_none(facts: Facts, name: str) -> Judgements:
    for setting, bad in (("accept_redirects", 0), ("forwarding", 1)):
        value = facts.conf(name, setting)
        if value is not None and (value == 0) == (bad == 0):
            said = (facts.saw_conf(name, setting),)
            what = f"{setting} is {value}: no Redirect is taken"
            remedy = (f"sysctl -w net.ipv6.conf.{name}.{setting}={1 - bad}",)
            yield affected(what, name, evidence=said, by=By.CONFIGURATION, remedy=remedy)


def _followed(facts: Facts, entry: BindingUpdateListEntry) -> Judgement:
    peer = entry.peer_address or ""
    try:
        came, failed = facts.snmp6_rise("Icmp6InRedirects"), facts.snmp6_rise("Icmp6InErrors")
    except Unreadable as error:
        return unknown(str(error), peer)
    said = [facts.saw(Key.SN, f"Icmp6InRedirects +{came}, Icmp6InErrors +{failed}")]
    if not came:
        return not_applicable("no Redirect came in the window", peer, evidence=tuple(said))
    route = facts.route_to(peer, entry.care_of_address or "")
    if route is None:
        return unknown("there is no route to it", peer, evidence=tuple(said))
    flow = f"{peer} {entry.care_of_address}"
    said.append(facts.saw(Key.RT, f"{peer} via {route.gateway or 'no gateway'} dev {route.interface}", flow))
    if not route.gateway:
        return passed("the route to it has no gateway", peer, evidence=tuple(said), by=By.BEHAVIOUR)
    if failed >= came / 2:
        return affected("Redirects came, and the route keeps its gateway", peer, evidence=tuple(said), by=By.BEHAVIOUR)
    return unknown("Redirects came, but not for it, or they were not counted as errors", peer, evidence=tuple(said))
