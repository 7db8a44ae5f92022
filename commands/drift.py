"""``drift``: where the daemon and the kernel below it disagree, each difference in a sentence."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from mipsh.by_hand import reading
from mipsh.checks.sources import Source
from mipsh.commands.why import here
from mipsh.commands.xfrm import FROM, looks, recorded, unread
from mipsh.engine import Capability, Connector
from mipsh.errors import CannotTell, CapabilityMissing
from mipsh.grammar.declare import Command
from mipsh.kernel_view import bindings
from mipsh.kernel_view.drift import Difference, Drift, drift
from mipsh.kernel_view.view import ALL, XFRM, View, look
from mipsh.linux.sockets import is_own
from mipsh.model.address import canonical
from mipsh.model.kernel_view import DRIFT, DriftRow
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus
from mipsh.why.facts import KERNEL, MIPD

AGAIN_S = 0.3
"""How long after a difference both sides are looked at again, as one may have been ahead of the other."""
TABLES = (Capability.BINDING_CACHE, Capability.BINDING_UPDATE_LIST)


class Sides(Struct, frozen=True):
    """The daemon's rows and its kernel, of one moment or nearly so."""

    cache: Sequence[BindingCacheEntry]
    updates: Sequence[BindingUpdateListEntry]
    role: str | None
    view: View


def run(session: Session, from_: str = "") -> Result:
    """Compare both sides; raises CannotTell where one of them cannot be seen, EngineError where no daemon answers."""
    if from_:
        with replayed(session, from_) as connector:
            sides = _look(connector, recorded(from_), has_whole_flags=False)
        found = compare(sides)
    else:
        connector = session.engine()
        _check(connector)
        source = _kernel(session, connector)
        sides = _look(connector, source)
        found = compare(sides)
        if found.differences:
            time.sleep(AGAIN_S)
            sides = _look(connector, source)
            found = standing(found, compare(sides))
    rows = [_row(number, one) for number, one in enumerate(found.differences, 1)]
    summary = f"\n{sentence(found)}"
    return Result(DRIFT, rows, taken_at=time.time(), summary=summary, warnings=unread(sides.view), status=status(found))


def compare(sides: Sides) -> Drift:
    """Return in what the sides differ; raises CannotTell where XFRM cannot be read."""
    view = sides.view
    if not view.has_xfrm:
        raise next(error for error in view.unread if error.key in XFRM)
    return drift(view, sides.cache, sides.updates, sides.role or bindings.role(view))


def standing(before: Drift, now: Drift) -> Drift:
    """Return the differences of two looks that were there in both."""
    known = {(one.kind, one.binding and (one.binding.home, one.binding.peer)) for one in before.differences}
    kept = [one for one in now.differences if (one.kind, one.binding and (one.binding.home, one.binding.peer)) in known]
    return Drift(tuple(kept), now.bindings, now.unread)


def status(found: Drift) -> ExitStatus:
    """Return 1 where the sides differ, 3 where not all of the kernel could be seen."""
    if found.differences:
        return ExitStatus.CONDITION_NOT_MET
    return ExitStatus.OK if found.is_complete else ExitStatus.COULD_NOT_TELL


def sentence(found: Drift) -> str:
    """Return what came of it, in a sentence."""
    rows = "1 row" if found.bindings == 1 else f"{found.bindings} rows"
    if found.differences:
        count = len(found.differences)
        return f"The daemon has {rows}; it and the kernel differ in {count} {'thing' if count == 1 else 'things'}."
    if not found.is_complete:
        return f"The daemon has {rows}; of what the kernel has, not all could be seen."
    return f"The daemon has {rows}; the kernel has what they need, and nothing else."


def _look(connector: Connector, source: Source, *, has_whole_flags: bool = True) -> Sides:
    """Ask the daemon, and look at the kernel at once."""
    with connector.asking():
        info = connector.connect()
        cache, updates = (_rows(connector, table) for table in TABLES)
    return Sides(cache, updates, info.role, look(source, has_whole_flags=has_whole_flags))


def _rows(connector: Connector, table: Capability) -> Sequence[Any]:
    """Return the rows of a table; none where the daemon does not keep it.

    Raises CannotTell for a reply that is not whole.
    """
    kept = () if connector.info is None else connector.info.capabilities
    if table.value not in kept:
        return ()
    found = getattr(connector, table.value)()
    if found.unread:
        raise CannotTell(f"{len(found.unread)} lines of the daemon's {table.value} could not be read", "look at: raw")
    return tuple(found.rows)


def _check(connector: Connector) -> None:
    """Raise CapabilityMissing for an engine whose bindings are not the kernel's."""
    info = connector.info
    if info is not None and info.engine == KERNEL:
        raise CapabilityMissing(
            "the kernel alone is one side, and there is no daemon to compare it with",
            "name the daemon: -e umip://[::1]:7777; 'routes' looks for what the kernel's own bindings lack",
        )
    if info is not None and info.engine == MIPD:
        raise CapabilityMissing(
            "mipd puts headers into packets itself, and has no objects in the kernel's XFRM that could differ",
            "'both' compares it with its peers",
        )


def _kernel(session: Session, connector: Connector) -> Source:
    """Return the kernel below the daemon; raises CannotTell where that is in another network namespace."""
    from mipsh.linux.facts import LiveSource

    place = here(session)
    if place is not None:
        return LiveSource(within=place.do)
    own = [address for address in _addresses(connector) if canonical(address) == address]
    if own and not any(map(is_own, own)):
        raise CannotTell(
            f"the daemon's node is not the one that mipsh is on: {own[0]} is no address here",
            "run mipsh in the node's own network namespace: mipsh -N NAME",
        )
    return LiveSource()


def _addresses(connector: Connector) -> Iterator[str]:
    """Yield the addresses that a daemon says to be its node's."""
    for row in _rows(connector, Capability.BINDING_UPDATE_LIST):
        yield row.home_address
    for row in _rows(connector, Capability.BINDING_CACHE):
        yield row.local_address or ""


@contextmanager
def replayed(session: Session, word: str) -> Iterator[Connector]:
    """Give a connector to what a recorded daemon said; raises CannotTell where that was not recorded."""
    from mipsh.linux.facts_recorded import place
    from mipsh.node.replay import RecordedResponder
    from mipsh.node.vt import VtServer
    from mipsh.recording import SUFFIX, load

    folder, node = place(word)
    if not (Path(folder) / f"{node}{SUFFIX}").exists():
        raise CannotTell(f"what the daemon of {node} said is not recorded", f"it is in {node}{SUFFIX}")
    with ExitStack() as stack:
        server = stack.enter_context(VtServer(RecordedResponder(load(folder, node)), "127.0.0.1", 0))
        connector = session.registry.engine("umip").open("umip://{}:{}".format(*server.address))
        stack.callback(connector.close)
        yield connector


def _row(number: int, one: Difference) -> DriftRow:
    binding = one.binding
    return DriftRow(
        number,
        one.kind.value,
        None if binding is None else binding.name,
        one.sentence,
        one.advice,
        None if binding is None else binding.home,
        None if binding is None else binding.peer or None,
        one.engine,
        one.kernel,
        one.by_hand or None,
    )


def how(session: Session, from_: str = "") -> list[How]:
    """Say what the daemon is asked, and how the kernel is looked at by hand."""
    if from_:
        return looks(ALL, from_)
    info = session.engine().info
    kept = () if info is None else info.capabilities
    asked = [row for table in TABLES if table.value in kept for row in reading(session, table)]
    return [*asked, *looks(ALL, "")]


COMMAND = Command(
    "drift",
    "show where daemon and kernel disagree, and what to do about it",
    run,
    (),
    (FROM,),
    table=DRIFT.name,
    details=(
        "What the daemon's binding cache and binding update list need of the kernel is looked for there, and what the "
        "kernel has of bindings is looked for in the daemon's rows. A row that is on its way needs no more than what "
        "its messages need. What differs is looked at twice, as one side may have been ahead of the other.\n"
        "Status 0: no difference; 1: differences; 3: one side could not be seen, or not all of it. "
        "It needs CAP_NET_ADMIN, and mip6d's console."
    ),
    examples=(
        ("drift", "this node's daemon against its kernel"),
        ("drift --from recordings/08-returned-home/mn2", "a recorded node"),
    ),
    how=how,
)
