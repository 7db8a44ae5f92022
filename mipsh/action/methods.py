"""How a mobile node is made to send a Binding Update, from the least to the most intrusive way.

An engine that can be told is told. mip6d cannot: what makes it send one is traffic (poke), a message
from its peer (brr, be), or what its movement detection sees (rs, coa, flap).
"""

import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from msgspec import Struct

from mipsh.action.carry_out import Plan
from mipsh.action.observed import CORRESPONDENT, HOME
from mipsh.action.steps import Step, Via
from mipsh.engine import Action, Connector, UpdateRequest
from mipsh.errors import CannotTell, RefusedError, UsageError
from mipsh.linux.privileges import Need

DOWN_S = 0.3
"""How long a link is down that is bounced, and how long a care-of address is away."""
RFC = "RFC 6275 section"
NO_ENTRY = "no entry"


class Method(StrEnum):
    """A way to have a Binding Update sent."""

    NATIVE = "native"
    POKE = "poke"
    BRR = "brr"
    BE = "be"
    RS = "rs"
    COA = "coa"
    FLAP = "flap"


WORDS = {
    Method.NATIVE: "the engine is told to send it",
    Method.POKE: "one echo request from the home address starts return routability",
    Method.BRR: "a Binding Refresh Request asks the mobile node for it",
    Method.BE: "a Binding Error tells the mobile node that its binding is gone",
    Method.RS: "a Router Solicitation provokes a Router Advertisement for movement detection to see",
    Method.COA: "the care-of address is taken away and given back",
    Method.FLAP: "the link goes down and up again",
}
FROM_MOBILE_NODE = {HOME: (Method.RS, Method.COA, Method.FLAP), CORRESPONDENT: (Method.POKE, Method.COA, Method.FLAP)}
FROM_PEER = (Method.BRR, Method.BE)
NEEDS_CONSENT = (Method.FLAP,)
"""What is never done without being named: others lose the link, too."""


class Target(Struct, frozen=True):
    """A binding of which a Binding Update is wanted.

    ``local_address`` is this node's own where it is the peer. ``interface`` and ``care_of_address``
    are the mobile node's, empty where they are not known. ``known`` is what the engine's table says of
    it, in a line.
    """

    home_address: str
    peer: str
    registration: str
    at_peer: bool = False
    local_address: str = ""
    interface: str = ""
    care_of_address: str = ""
    lifetime_s: int | None = None
    known: str = NO_ENTRY


def usable(connector: Connector, target: Target) -> tuple[Method, ...]:
    """Return the methods that there are for a target, the least intrusive first."""
    native = (Method.NATIVE,) if Action.TRIGGER in connector.actions and not target.at_peer else ()
    return native + (FROM_PEER if target.at_peer else FROM_MOBILE_NODE[target.registration])


def chosen(connector: Connector, target: Target, named: str) -> tuple[Method, ...]:
    """Return the methods to try one after the other: the one named, or all that need no consent; raises UsageError.

    An engine that is told needs no other method.
    """
    possible = usable(connector, target)
    if not named:
        is_native = possible[0] is Method.NATIVE
        found = possible[:1] if is_native else tuple(m for m in possible if m not in NEEDS_CONSENT)
    elif named in possible:
        found = (Method(named),)
    else:
        role = "the peer of the mobile node" if target.at_peer else "the mobile node"
        raise UsageError(
            f"the method '{named}' is not for this: here, on {role}, with the {target.registration} registration",
            f"there are: {', '.join(possible)}",
        )
    if target.lifetime_s is not None and found[0] is not Method.NATIVE:
        raise UsageError(
            f"the method '{found[0]}' cannot choose a lifetime, nor delete a binding",
            "only an engine that is told can: on mip6d the lifetime is MnMaxHaBindingLife, MnMaxCnBindingLife",
        )
    return found


def plan(connector: Connector, target: Target, method: Method) -> Plan:
    """Return the steps of a method; raises CannotTell where something that it needs is not known.

    Raises RefusedError where the node is in another network namespace: what is sent or switched here
    would be another node's.
    """
    if method is not Method.NATIVE:
        _refuse_elsewhere(target)
    return PLANS[method](connector, target)


def _refuse_elsewhere(target: Target) -> None:
    from mipsh.linux.sockets import is_own

    known = (target.local_address,) if target.at_peer else (target.home_address, target.care_of_address)
    own = [address for address in known if address]
    if not any(is_own(address) for address in own):
        raise RefusedError(
            f"{' and '.join(own) or target.home_address}: no address of this network namespace, so that it is "
            "another node's",
            "run mipsh in the node's own: mipsh -N NAME, or 'mipsh lab shell NODE'",
        )


def _native(connector: Connector, target: Target) -> Plan:
    peer = "" if target.registration == HOME else target.peer
    request = UpdateRequest(target.home_address, peer, target.lifetime_s)
    whom = peer or "its home agent"
    what = f"tell the engine to send a Binding Update of {target.home_address} to {whom}"
    if target.lifetime_s is not None:
        what += f", lifetime {target.lifetime_s} s"
    clause = f"{RFC} {'11.7.1' if not peer else '11.7.2'}"
    run = partial(connector.trigger_binding_update, request)
    return Plan(what, (Step(what, Via.JSON_RPC, connector.said(Action.TRIGGER, request)[-1], clause, run),))


def _sent(what: str, equivalent: str, clause: str, packet: bytes) -> Plan:
    """Return the plan of a message that is sent as any program sends it: policies for its type are met."""

    def run() -> str:
        from mipsh.linux.raw_socket import send_message

        send_message(packet)
        return f"{len(packet)} bytes"

    return Plan(what, (Step(what, Via.PACKET, equivalent, clause, run, packet=packet, needs=(Need.NET_RAW,)),))


def _poke(_: Connector, target: Target) -> Plan:
    from mipsh.craft.stimuli import poke

    what = f"send an Echo Request from the home address {target.home_address} to {target.peer}"
    by_hand = f"ping -6 -c 1 -I {target.home_address} {target.peer}"
    return _sent(what, by_hand, f"{RFC} 11.7.2", poke(target.home_address, target.peer))


def _brr(_: Connector, target: Target) -> Plan:
    from mipsh.craft.stimuli import refresh_request

    source = _own(target)
    what = f"send a Binding Refresh Request from {source} to {target.home_address}"
    by_hand = f"craft brr src={source} dst={target.home_address} --send"
    return _sent(what, by_hand, f"{RFC}s 6.1.2, 11.7.4", refresh_request(source, target.home_address))


def _be(_: Connector, target: Target) -> Plan:
    from mipsh.craft.stimuli import binding_error

    source = _own(target)
    what = f"send a Binding Error 1 about {target.home_address} from {source}"
    by_hand = f"craft be src={source} dst={target.home_address} hoa={target.home_address} status=1 --send"
    return _sent(what, by_hand, f"{RFC}s 6.1.9, 11.3.6", binding_error(source, target.home_address))


def _own(target: Target) -> str:
    if target.local_address:
        return target.local_address
    raise CannotTell(
        f"which of this node's addresses {target.home_address} has a binding with is not known", "see 'bc'"
    )


def _rs(_: Connector, target: Target) -> Plan:
    from mipsh.craft.stimuli import router_solicitation

    interface, packet = _interface(target), router_solicitation()
    what = f"send a Router Solicitation on '{interface}'"

    def run() -> str:
        from mipsh.linux.raw_socket import send_on

        send_on(interface, packet)
        return f"{len(packet)} bytes"

    clause = f"{RFC} 11.5.1, RFC 4861 section 6.3.7"
    step = Step(what, Via.PACKET, f"rdisc6 -1 {interface}", clause, run, packet=packet, needs=(Need.NET_RAW,))
    return Plan(what, (step,))


def _interface(target: Target) -> str:
    if target.interface:
        return target.interface
    raise CannotTell("the interface of the care-of address is not known", "name it with --interface")


def _coa(_: Connector, target: Target) -> Plan:
    from mipsh.linux import addresses

    found = [a for a in addresses.global_addresses() if a.address == target.care_of_address]
    if not target.care_of_address or not found:
        of = target.care_of_address or "the mobile node"
        raise CannotTell(f"the care-of address ({of}) is on no interface here", "'ip -6 address' lists what is")
    there = found[0]
    back = Step(
        f"give {there.address} back to '{there.interface}'",
        Via.NETLINK,
        addresses.add_command(there),
        run=_silently(partial(addresses.add_address, there)),
        needs=(Need.NET_ADMIN,),
    )
    away = Step(
        f"take the care-of address {there.address} from '{there.interface}'",
        Via.NETLINK,
        addresses.delete_command(there),
        f"{RFC} 11.5.2",
        _silently(partial(addresses.delete_address, there)),
        undo=back,
        needs=(Need.NET_ADMIN,),
    )
    return Plan(f"take the care-of address {there.address} away and give it back", (away, _pause()))


def _flap(_: Connector, target: Target) -> Plan:
    from mipsh.linux import addresses

    interface = _interface(target)
    up = Step(
        f"switch '{interface}' on again",
        Via.NETLINK,
        addresses.set_up_command(interface, True),
        run=_silently(partial(addresses.set_up, interface, True)),
        needs=(Need.NET_ADMIN,),
    )
    down = Step(
        f"switch the interface '{interface}' off",
        Via.NETLINK,
        addresses.set_up_command(interface, False),
        f"{RFC} 11.5.1",
        _silently(partial(addresses.set_up, interface, False)),
        undo=up,
        needs=(Need.NET_ADMIN,),
    )
    question = f"Take the link of '{interface}' down for {DOWN_S:g} s? All that uses it is cut off meanwhile."
    return Plan(f"take the link of '{interface}' down and up", (down, _pause()), question)


def _silently(change: Callable[[], None]) -> Callable[[], str]:
    def run() -> str:
        change()
        return ""

    return run


def _pause() -> Step:
    def run() -> str:
        time.sleep(DOWN_S)
        return ""

    return Step(f"wait {DOWN_S:g} s", Via.NONE, f"sleep {DOWN_S:g}", run=run)


PLANS: dict[Method, Callable[[Connector, Target], Plan]] = {
    Method.NATIVE: _native,
    Method.POKE: _poke,
    Method.BRR: _brr,
    Method.BE: _be,
    Method.RS: _rs,
    Method.COA: _coa,
    Method.FLAP: _flap,
}
