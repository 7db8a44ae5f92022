"""What each kind of binding needs of a kernel: the layout of a healthy node with mip6d, role by role.

A binding is said by whoever has it, the engine or the kernel itself; where two nodes are mobile, what each
keeps of the other changes the policies of both.
"""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct, structs

from mipsh.kernel_view import matching as form
from mipsh.kernel_view import things
from mipsh.kernel_view.matching import ANY, BLOCK, HAO, IN, OUT, RO, ROUTE2, TRIGGER, TYPED, Flow
from mipsh.kernel_view.things import Rules, Thing
from mipsh.kernel_view.view import MAIN, MIP6D, SUB, View
from mipsh.model.xfrm import ICMPV6, MOBILITY_HEADER

ANYONE = Flow(ANY, ANY)
FROM_HOME, PLACES, BLACKHOLE, AGENT_RULE = 1001, 1002, 1003, 1005
HAO_RO, ROUTE2_RO, HAO_TRIGGER = (HAO, RO), (ROUTE2, RO), (HAO, TRIGGER)
NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION = 136, 135


class Kind(StrEnum):
    """What a binding is: kept for a mobile node, here or at a home agent's; this node's own, at home or at a peer."""

    KEPT = "cached"
    SERVED = "registered"
    HOME = "home"
    PEER = "correspondent"


class Stage(StrEnum):
    """How far it is: in force, asked for, blocked, or of no consequence for the kernel."""

    BOUND = "bound"
    PENDING = "pending"
    BLOCKED = "blocked"
    OPEN = "open"


class Binding(Struct, frozen=True):
    """A binding that somebody has. ``peer`` is the other end: this node's address where the binding is kept here.

    An empty ``peer`` is not known, nor is a ``care_of`` that is None.
    """

    kind: Kind
    home: str
    peer: str
    care_of: str | None = None
    stage: Stage = Stage.BOUND

    @property
    def is_own(self) -> bool:
        """Tell whether it is a binding of this mobile node, and not one that is kept for another."""
        return self.kind in (Kind.HOME, Kind.PEER)

    @property
    def name(self) -> str:
        """Return what it is, in words."""
        if self.kind is Kind.HOME:
            return f"the home registration of {self.home}" + (f" at {self.peer}" if self.peer else "")
        if self.kind is Kind.PEER:
            return f"the binding of {self.home} at {self.peer}"
        return f"the binding kept for {self.home}"


def common(role: str) -> Iterator[Thing]:
    """Yield what every node of a role has, with bindings or without.

    A mobile node need not be a correspondent of others (DoRouteOptimizationCN).
    """
    yield things.wildcard(HAO, "takes a Home Address option in the first Binding Update of a mobile node")
    messages = (IN, form.ANY_SIGNALLING, frozenset((HAO_RO,)), (MOBILITY_HEADER, form.UPDATE, TYPED))
    updates = _policy(ANYONE, messages, "lets Binding Updates of anybody in with their Home Address option")
    yield structs.replace(updates, is_optional=role == "mn")
    bare = (OUT, form.UNOPTIMISED_SIGNALLING, frozenset[tuple[int, int]]())
    yield _policy(ANYONE, (*bare, (MOBILITY_HEADER, 0, 0)), "keeps route optimisation off all other mobility messages")
    yield _policy(ANYONE, (*bare, (ICMPV6, 0, 0x80)), "keeps route optimisation off ICMPv6 errors")
    for kind in (SUB, 0):
        why = "keeps route optimisation and IPsec off neighbour discovery"
        solicited = (OUT, form.UNOPTIMISED_SIGNALLING, frozenset[tuple[int, int]]())
        advertised = (OUT, form.BYPASS, frozenset[tuple[int, int]]())
        yield _policy(ANYONE, (*solicited, (ICMPV6, NEIGHBOUR_SOLICITATION, TYPED)), why, kind)
        yield _policy(ANYONE, (*advertised, (ICMPV6, NEIGHBOUR_ADVERTISEMENT, TYPED)), why, kind)
    if role == "mn":
        yield things.wildcard(ROUTE2, "takes a type 2 routing header from whomever there is a binding at")
        yield _policy(ANYONE, (IN, form.RECEIVED, frozenset((ROUTE2_RO,))), "takes optimised packets of any peer")
        errors = (OUT, form.BYPASS, frozenset[tuple[int, int]](), (MOBILITY_HEADER, form.ERROR, TYPED))
        yield _policy(ANYONE, errors, "lets Binding Errors out as they are")
    if role == "ha":
        yield things.rule(AGENT_RULE, "::/0", MIP6D, "has the table of mip6d looked at before the main one")


def of(binding: Binding, view: View, is_twin_bound: bool = False, is_kept_too: bool = False) -> Iterator[Thing]:
    """Yield what a binding needs.

    ``is_twin_bound``: it is kept for a mobile node at which this one has a binding in force.
    ``is_kept_too``: it is an own one at a peer for which a binding is kept, whose policies are those of that one.
    """
    if binding.stage is Stage.OPEN:
        return
    if binding.kind in (Kind.KEPT, Kind.SERVED):
        yield from _kept(binding, is_twin_bound)
        if binding.kind is Kind.SERVED:
            yield from _served(binding, view)
    elif binding.kind is Kind.HOME:
        yield from _home(binding, view)
    else:
        yield from _peer(binding, is_kept_too)


def _policy(
    ends: Flow,
    said: tuple[int, int, frozenset[tuple[int, int]]]
    | tuple[int, int, frozenset[tuple[int, int]], tuple[int, int, int]],
    why: str,
    kind: int = SUB,
) -> Thing:
    direction, priority, asks, *upper = said
    return things.policy(Rules(direction, ends, priority, asks, upper[0] if upper else (0, 0, 0), kind), why)


def _kept(binding: Binding, is_twin_bound: bool) -> Iterator[Thing]:
    """Yield the states and policies of a binding that is kept for a mobile node."""
    there, care_of = Flow(binding.peer, binding.home), binding.care_of
    yield things.state(ROUTE2, there, care_of, "puts the routing header for the home address into packets to it")
    yield things.state(HAO, there.back, care_of, "takes the Home Address option out of packets from it")
    priority = form.BOTH_MOBILE if is_twin_bound else form.CACHED
    asks = {HAO_RO, ROUTE2_RO} if is_twin_bound else set()
    why = "sends packets for the home address straight to the care-of address"
    yield _policy(there, (OUT, priority, frozenset({ROUTE2_RO} | asks)), why)
    why = "lets packets in that come straight from the care-of address"
    yield _policy(there.back, (IN, priority, frozenset({HAO_RO} | asks)), why)


def _served(binding: Binding, view: View) -> Iterator[Thing]:
    """Yield what a home agent has beside it: tunnel, routes, and its place among the neighbours."""
    home, local = binding.home, binding.peer
    link = view.interface_of(local)
    there = None if binding.care_of is None else view.tunnel_to(local, binding.care_of)
    if binding.care_of is not None:
        yield things.tunnel(local, binding.care_of, "carries the packets for the home address to the care-of address")
    why = "leads packets for the home address into the tunnel"
    yield things.route(MAIN, Flow(ANY, home), None if there is None else there.name, why)
    why = "leads the home agent's own packets past the tunnel"
    yield things.route(MIP6D, Flow(local, home), link, why)
    yield things.proxy(home, link, "lets the home agent answer for the home address on the home link")


def _home(binding: Binding, view: View) -> Iterator[Thing]:
    """Yield what the home registration of a mobile node needs; that of an unknown home agent has its tunnel's end."""
    home, agent = binding.home, binding.peer or agent_of(view, binding.home)
    if agent:
        ends = Flow(home, agent)
        why = "sends Binding Updates to the home agent with a Home Address option"
        update = (OUT, form.HOME_SIGNALLING, frozenset((HAO_RO,)), (MOBILITY_HEADER, form.UPDATE, TYPED))
        yield _policy(ends, update, why)
        answer = (IN, form.HOME_SIGNALLING, frozenset((ROUTE2_RO,)), (MOBILITY_HEADER, form.ACKNOWLEDGEMENT, TYPED))
        yield _policy(ends.back, answer, "takes the home agent's acknowledgements with their routing header")
    if binding.stage is Stage.PENDING:
        return
    if agent and binding.stage is Stage.BOUND:
        why = "puts the Home Address option into packets to the home agent"
        yield things.state(HAO, ends, binding.care_of, why)
        yield _policy(ends, (OUT, form.HOME_DATA, frozenset((HAO_RO,))), "sends packets to the home agent itself")
        yield _policy(
            ends.back, (IN, form.HOME_DATA, frozenset((ROUTE2_RO,))), "takes packets of the home agent itself"
        )
    why = "tells mip6d of packets to peers, so that route optimisation begins"
    yield _policy(Flow(home, ANY), (OUT, form.TRIGGERED, frozenset((HAO_TRIGGER,))), why)
    yield from _away(binding, view, agent)


def _away(binding: Binding, view: View, agent: str) -> Iterator[Thing]:
    """Yield what leads a mobile node's packets into the tunnel while it is away from home."""
    home, care_of = binding.home, binding.care_of
    there = None if not agent or care_of is None else view.tunnel_to(care_of, agent)
    if agent and care_of is not None:
        yield things.tunnel(care_of, agent, "carries packets of the home address to the home agent")
    yield things.home_address(home, "makes the home address this node's, wherever it is")
    name = None if there is None else there.name
    yield things.route(MIP6D, ANYONE, name, "leads packets of the home address into the tunnel")
    yield things.rule(FROM_HOME, f"{home}/128", MIP6D, "has packets of the home address looked up in mip6d's table")
    if care_of is not None:
        yield things.rule(PLACES, care_of, MAIN, "has packets of the care-of address routed as usual")
    why = "keeps packets of the home address off the visited link when the tunnel is gone"
    yield things.rule(BLACKHOLE, f"{home}/128", 0, why, "blackhole")


def _peer(binding: Binding, is_kept_too: bool) -> Iterator[Thing]:
    """Yield what a binding at a correspondent needs."""
    ends = Flow(binding.home, binding.peer)
    update = (OUT, form.PEER_SIGNALLING, frozenset((HAO_RO,)), (MOBILITY_HEADER, form.UPDATE, TYPED))
    yield _policy(ends, update, "sends Binding Updates to the peer with a Home Address option")
    answer = (IN, form.PEER_SIGNALLING, frozenset((ROUTE2_RO,)), (MOBILITY_HEADER, form.ACKNOWLEDGEMENT, TYPED))
    yield _policy(ends.back, answer, "takes the peer's acknowledgements with their routing header")
    if binding.stage is not Stage.BOUND:
        return
    why = "puts the Home Address option into packets to the peer"
    yield things.state(HAO, ends, binding.care_of, why)
    if not is_kept_too:
        why = "sends packets straight to the peer instead of through the tunnel"
        yield _policy(ends, (OUT, form.OPTIMISED, frozenset((HAO_RO,))), why)
        why = "takes packets that come straight from the peer"
        yield _policy(ends.back, (IN, form.OPTIMISED, frozenset((ROUTE2_RO,))), why)


def agent_of(view: View, home: str) -> str:
    """Return the far end of the tunnel that a home address is on; empty where it is on none."""
    name = view.interface_of(home)
    for link in view.tunnels or ():
        if link.name == name and link.tunnel is not None:
            return link.tunnel.remote
    return ""


def held(binding: Binding, *, is_kept_too: bool) -> Iterator[Thing]:
    """Yield what holds back the packets of a binding that is asked for, as long as it is."""
    if binding.kind is Kind.PEER and not is_kept_too:
        why = "keeps packets to the peer in the tunnel until the binding is acknowledged"
        yield _policy(Flow(binding.home, binding.peer), (OUT, form.HELD, frozenset()), why)


def blocked(binding: Binding) -> Iterator[Thing]:
    """Yield what blocks the home address of a registration that was given up."""
    rules = Rules(OUT, Flow(binding.home, ANY), form.HOME_BLOCKED, action=BLOCK)
    yield things.policy(rules, "blocks every packet of the home address")
