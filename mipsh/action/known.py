"""What a node knows that decides the way of its packets: its engine's tables, and its kernel where that can be seen.

The kernel is asked only in the node's own network namespace: that of a lab's node, or the one that mipsh is
in where an address of the node is there. Of any other one, the answers would be another node's.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from msgspec import Struct, structs

from mipsh.engine import Capability
from mipsh.errors import MipshError, UsageError
from mipsh.linux import route_lookup, route_text, xfrm
from mipsh.linux.addresses import global_addresses
from mipsh.linux.sockets import is_own
from mipsh.model.address import canonical
from mipsh.model.xfrm import Tables
from mipsh.session import Session
from mipsh.why.facts import KERNEL, MIPD, Facts, Lookup, is_address
from mipsh.why.predict import predict
from mipsh.why.steps import Prediction
from mipsh.wire.address import is_unicast_routable, parse

Answer = TypeVar("Answer")
ELSEWHERE = "the node's network namespace is not this one"
REPLAYED = "what was recorded does not say it"
MOST_LOOKUPS = 4


class Here(Struct, frozen=True):
    """The node's network namespace: its path, empty for the one that mipsh is in."""

    path: str = ""

    def do(self, work: Callable[[], Answer]) -> Answer:
        """Do something there."""
        if not self.path:
            return work()
        from mipsh.linux.lab_links import inside

        return inside(self.path, work)


class Recording(Struct, frozen=True):
    """A kernel as it was: its XFRM, and its routing."""

    tables: Tables
    routing: route_text.Recorded


class Known(Struct):
    """The facts, and from where more of them come: a namespace, a recording, or nowhere."""

    facts: Facts
    here: Here | None
    recording: Recording | None = None

    def lookup(self, flow: tuple[str, str]) -> Lookup | None:
        """Return what routing says of a flow; None where it cannot be asked."""
        source, destination = flow
        if not is_address(destination) or (source and not is_address(source)):
            return None
        if self.recording is not None:
            routing = self.recording.routing
            return routing.lookup(source, destination) if routing.is_whole else None
        if self.here is None:
            return None
        return self.here.do(lambda: route_lookup.lookup(source, destination))

    def predict(self) -> Prediction:
        """Return the prediction, with routing looked up as far as it is needed."""
        for _ in range(MOST_LOOKUPS):
            found = predict(self.facts)
            if found.route is None or found.route in self.facts.lookups:
                return found
            try:
                said = self.lookup(found.route)
            except MipshError as error:
                self.facts = structs.replace(self.facts, route_unknown=error.message)
                return predict(self.facts)
            if said is None:
                return found
            self.facts = structs.replace(self.facts, lookups={**self.facts.lookups, found.route: said})
        return predict(self.facts)


def unicast(word: str, what: str) -> str:
    """Return a global unicast address in its usual form; raises UsageError."""
    found = canonical(word)
    if found is None or "/" in word or "%" in word:
        raise UsageError(f"the {what} '{word}' is not an IPv6 address", "write 2001:db8:4::2")
    if not is_unicast_routable(parse(found)):
        raise UsageError(f"the {what} {found} is not a global unicast address", "mobility has no part in its packets")
    return found


def gather(session: Session, host: str, source: str, here: Here | None, xfrm_from: str = "") -> Known:
    """Ask the engine in use, and the kernel where it is the node's, for what decides packets to a host.

    ``here`` is the namespace of the node where that is known. ``xfrm_from`` is a folder, or a node in it
    (FOLDER/NODE), with dumps of the kernel. Raises UsageError, EngineError.
    """
    facts = _of_engine(session, host, source)
    if xfrm_from:
        return _of_recording(facts, xfrm_from)
    if here is None and _is_here(facts):
        here = Here()
    known = Known(facts, here)
    if here is None:
        known.facts = structs.replace(facts, kernel_unknown=ELSEWHERE, route_unknown=ELSEWHERE)
        return known
    addresses = here.do(global_addresses)
    own = tuple(one.address for one in addresses)
    homes = (*facts.home_addresses, *(one.address for one in addresses if one.is_home))
    known.facts = structs.replace(facts, addresses=own, home_addresses=tuple(dict.fromkeys(homes)))
    if facts.engine != MIPD:
        known.facts = _with_kernel(known.facts, here)
    if not source:
        _choose_source(known)
    return known


def _of_engine(session: Session, host: str, source: str) -> Facts:
    connector = session.engine()
    info = connector.info
    # What a kernel has of bindings comes from its states and policies, which are looked at themselves.
    kept = () if info is None or info.engine == KERNEL else info.capabilities
    rows: dict[str, Any] = {}
    with connector.asking():
        for capability in (Capability.BINDING_UPDATE_LIST, Capability.RETURN_ROUTABILITY, Capability.BINDING_CACHE):
            if capability.value in kept:
                reading = session.read(capability)
                rows[capability.value] = tuple(reading.rows)
                rows["now"] = reading.taken_at
    return Facts(
        host,
        KERNEL if info is None else info.engine,
        None if info is None else info.role,
        source,
        connector.home_addresses,
        rows.get(Capability.BINDING_UPDATE_LIST.value),
        rows.get(Capability.RETURN_ROUTABILITY.value),
        rows.get(Capability.BINDING_CACHE.value),
        now=rows.get("now"),
    )


def _of_recording(facts: Facts, word: str) -> Known:
    """Return the facts with the kernel's side from files."""
    folder, node = _place(word)
    tables, routing = xfrm.recorded(folder, node), route_text.read(folder, node)
    homes = tuple(dict.fromkeys((*facts.home_addresses, *routing.homes)))
    used = [policy.use.used or policy.use.added or 0 for policy in tables.policies]
    used += [state.last_used or 0 for state in tables.states]
    found = structs.replace(
        facts,
        kernel=tables,
        addresses=routing.addresses,
        home_addresses=homes,
        route_unknown="" if routing.is_whole else REPLAYED,
        now=float(max(used, default=0)) or None,
    )
    return Known(_with_only_source(found), None, Recording(tables, routing))


def _place(word: str) -> tuple[str, str]:
    """Return the folder and the node that ``FOLDER`` or ``FOLDER/NODE`` names; raises UsageError."""
    folder, _, last = word.rstrip("/").rpartition("/")
    try:
        found = xfrm.nodes(word)
    except UsageError:
        if folder and last in xfrm.nodes(folder):
            return folder, last
        raise
    if len(found) == 1:
        return word, found[0]
    if not found:
        raise UsageError(f"'{word}' holds no dump of XFRM", f"it has files NODE{xfrm.STATES_SUFFIX}")
    raise UsageError(f"'{word}' holds dumps of {', '.join(found)}", f"choose one: {word.rstrip('/')}/{found[0]}")


def _with_only_source(facts: Facts) -> Facts:
    """Return facts of somebody who is no mobile node with the only source address that there is."""
    if facts.source or facts.homes or not facts.addresses or len(facts.addresses) > 1:
        return facts
    return structs.replace(facts, source=facts.addresses[0])


def _is_here(facts: Facts) -> bool:
    """Tell whether the node is in the network namespace that mipsh is in: one of its addresses is."""
    return facts.engine == KERNEL or any(is_own(address) for address in _addresses_of(facts))


def _addresses_of(facts: Facts) -> Iterator[str]:
    """Yield the addresses that the engine says to be its own."""
    yield from facts.homes
    for row in facts.cache or ():
        if row.local_address is not None and is_address(row.local_address):
            yield row.local_address


def _with_kernel(facts: Facts, here: Here) -> Facts:
    try:
        return structs.replace(facts, kernel=here.do(xfrm.read))
    except MipshError as error:
        return structs.replace(facts, kernel_unknown=error.message)


def _choose_source(known: Known) -> None:
    """Let the kernel say which source it would choose."""
    flow = "", known.facts.host
    try:
        said = known.lookup(flow)
    except MipshError as error:
        known.facts = structs.replace(known.facts, route_unknown=error.message)
        return
    if said is not None:
        known.facts = structs.replace(known.facts, lookups={flow: said})
