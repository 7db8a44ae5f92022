"""Checks of what the kernel drops: packets of optimised connections that are too big, and what XFRM counts."""

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, not_applicable, passed, unknown
from mipsh.checks.facts import MOBILE_NODE, Facts
from mipsh.checks.sources import Key, Socket
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.xfrm import State
from mipsh.plugins.checks.kernel_xfrm import HAO, optimised, state_of

AREA = Area("kernel", "What the kernel drops")
TOO_BIG, ERRORS = "Icmp6InPktTooBigs", "Icmp6InErrors"


@AREA.check(
    About(
        "MIP-110",
        "connections over route optimisation do not learn the path MTU",
        Severity.HIGH,
        roles=("mn", "cn"),
        needs=(Key.SK, Key.SN, Key.XP, Key.XS),
        windowed=True,
        watches=(Key.AD, Key.VT),
        remedy=(
            "sysctl -w net.ipv4.tcp_mtu_probing=1",
            "or: ip -6 route change PREFIX via ROUTER dev INTERFACE mtu 1400 advmss 1300",
            "or mip6d.conf: MnRoPolicy CN disabled;",
        ),
        reference="Linux net/ipv6/icmp.c icmpv6_notify()",
    )
)
def black_hole(facts: Facts) -> Judgements:
    """Look for a connection that sends again and again while each Packet Too Big is counted as an error.

    It quotes a packet with a Home Address option or a routing header, which the kernel does not undo: no socket is
    found, and the connection stands still. Loss on the way looks alike, but draws no Packet Too Big.
    """
    found: dict[tuple[str, str], tuple[State, list[Socket]]] = {}
    for socket, state in optimised(facts):
        found.setdefault((socket.local, socket.remote), (state, []))[1].append(socket)
    if not found:
        yield not_applicable("there is no TCP connection that route optimisation is for")
        return
    came, failed = facts.snmp6_rise(TOO_BIG), facts.snmp6_rise(ERRORS)
    said = (facts.saw(Key.SN, f"{TOO_BIG} +{came}, {ERRORS} +{failed}"),)
    for (local, remote), (state, sockets) in found.items():
        subject = f"{local} to {remote}"
        if came <= 0:
            yield unknown("no Packet Too Big came in the window", subject, evidence=said)
        else:
            yield _stalled(facts, state, sockets, said, failed >= came / 2)


def _stalled(facts: Facts, state: State, sockets: list[Socket], said: tuple[Evidence, ...], is_lost: bool) -> Judgement:
    """Judge the connections between two addresses, to or from which a packet was too big."""
    subject = f"{state.source} to {state.destination}"
    stuck = [one for one in sockets if _is_stuck(one)]
    if stuck and is_lost:
        info = stuck[0].info
        seen = facts.saw(Key.SK, f"{len(stuck)} connections stand still: {info}")
        return affected(
            "Packets Too Big are counted as errors, and it stands still",
            subject,
            evidence=(*said, seen),
            by=By.BEHAVIOUR,
        )
    destination, source = _flow(facts, state)
    route = facts.route_to(destination, source)
    mtu = next((link.mtu for link in facts.links if route is not None and link.name == route.interface), None)
    if route is not None and route.mtu is not None and mtu is not None and route.mtu < mtu:
        seen = facts.saw(
            Key.RT, f"{destination} mtu {route.mtu} dev {route.interface}", f"{destination} {source}".strip()
        )
        return passed(f"the route has learned an MTU of {route.mtu}", subject, evidence=(*said, seen), by=By.BEHAVIOUR)
    return unknown("a packet was too big, and the connection does not stand still", subject, evidence=said)


def _is_stuck(socket: Socket) -> bool:
    info = socket.info
    return info is not None and (info.retransmits > 0 or (info.backoff > 0 and info.unacknowledged > 0))


def _flow(facts: Facts, state: State) -> tuple[str, str]:
    """Return the destination and the source, where known, that a packet with this state has on the way."""
    care_of = state.care_of_address or ""
    if state.protocol == HAO and facts.role == MOBILE_NODE:
        return state.destination, care_of
    own = state_of(facts.states, HAO, state.source, state.destination)
    return care_of, (own.care_of_address or "") if own is not None else state.source


MEANINGS = {
    "XfrmInNoStates": "a Home Address option or a routing header whose addresses no binding has, or no SA",
    "XfrmInNoPols": "what was taken out of a header or a tunnel has no policy",
    "XfrmInTmplMismatch": "a packet came without the IPsec or the options that its policy asks for, or with others",
    "XfrmOutNoStates": "a policy asks for an SA that is not there",
    "XfrmOutPolBlock": "a policy blocks what this node sends: an own block, or one that a daemon left",
}


@AREA.check(
    About(
        "MIP-119",
        "XFRM drops packets",
        Severity.MEDIUM,
        roles=("mn", "ha", "cn"),
        needs=(Key.XT,),
        windowed=True,
        watches=(Key.VT,),
        remedy=("mipsh trace  # to see which", "mipsh why PEER  # to see the policy and the states"),
        reference="Documentation/networking/xfrm_proc.rst",
        explained_by=("MIP-007", "MIP-101", "MIP-004", "MIP-102", "MIP-113", "MIP-204"),
    )
)
def drops(facts: Facts) -> Judgements:
    """Look for counters of XFRM that rise in the window, and say what each means.

    XfrmInNoStates: addresses that no binding has. XfrmInNoPols: no policy for what came. XfrmInTmplMismatch: the
    wrong protection. XfrmOutNoStates: no SA. XfrmOutPolBlock: MIP-007, MIP-204 or MIP-457.
    """
    context = _context(facts)
    for name, meaning in MEANINGS.items():
        if name not in facts.xfrm_stat:
            continue
        risen = facts.xfrm_rise(name)
        said = (facts.saw(Key.XT, f"{name} +{risen} in {facts.window_s:.1f} s"),)
        if risen > 0:
            yield affected(f"+{risen}: {meaning}", name, evidence=(*said, *context), by=By.BEHAVIOUR)
        else:
            yield passed("it does not rise", name, evidence=said, by=By.BEHAVIOUR)


def _context(facts: Facts) -> tuple[Evidence, ...]:
    """Return what the daemon has of bindings now."""
    found = []
    if facts.can_read(Key.VT, "binding_update_list"):
        waiting = sum(one.ack == "wait" for one in facts.updates)
        value = f"binding update list: {len(facts.updates)} entries, {waiting} wait for an acknowledgement"
        found.append(facts.saw(Key.VT, value, "binding_update_list"))
    if facts.can_read(Key.VT, "binding_cache"):
        found.append(facts.saw(Key.VT, f"binding cache: {len(facts.cache)} entries", "binding_cache"))
    return tuple(found)
