"""``both``: a mobile node's bindings as it has them, and as its home agent and its correspondents do, side by side."""

from typing import Any

from msgspec import Struct

from mipsh.action.known import Here, unicast
from mipsh.by_hand import said
from mipsh.commands.lab import address
from mipsh.commands.move import in_lab
from mipsh.engine import Capability, Connector
from mipsh.errors import MipshError, UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.lab.existing import Existing, inside
from mipsh.lab.state import Kind, NodeState
from mipsh.linux.addresses import global_addresses
from mipsh.model.shell import How
from mipsh.model.why import BOTH
from mipsh.registry import ENGINES
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus
from mipsh.why.sides import AGREES, DIFFERS, Side, View, compare, sentence

ASK_S = 3.0
TABLES = (Capability.BINDING_UPDATE_LIST, Capability.BINDING_CACHE)


class Source(Struct, frozen=True):
    """An engine to be asked: its address, and in a lab how it is called and which addresses it has."""

    uri: str
    name: str = ""
    addresses: frozenset[str] = frozenset()


def run(session: Session, host: str = "", with_: list[str] | None = None) -> Result:
    """Ask every engine within reach, and compare what each has."""
    wanted = unicast(host, "host") if host else ""
    sides: list[Side] = []
    notices: list[Notice] = []
    for source in sources(session, with_ or []):
        try:
            sides.append(look(session, source))
        except UsageError:
            raise
        except MipshError as error:
            notices.append(Notice(error.code, f"{source.name or source.uri}: {error.message}", error.hint))
    found = compare(sides, wanted)
    rows = [row for view in found for row in view.rows]
    summary = f"\n{sentence(found, len(sides))}"
    return Result(BOTH, rows, summary=summary, warnings=tuple(notices), status=status(found))


def status(found: list[View]) -> ExitStatus:
    """Return 1 where sides differ, 3 where not all were seen, or where there is nothing to compare."""
    verdicts = {view.verdict for view in found}
    if DIFFERS in verdicts:
        return ExitStatus.CONDITION_NOT_MET
    return ExitStatus.OK if verdicts == {AGREES} else ExitStatus.COULD_NOT_TELL


def sources(session: Session, others: list[str]) -> list[Source]:
    """Return the engine in use, the nodes of its lab, and those that were named, each once."""
    info = session.engine().info
    lab = in_lab(session)
    nodes = [] if lab is None else [_of_lab(session, lab[0], node) for node in lab[0].state.nodes.values()]
    found = [*nodes, Source("" if info is None else info.address), *(Source(uri) for uri in others)]
    named: dict[str, Source] = {}
    for source in found:
        named.setdefault(source.uri, source)
    return list(named.values())


def _of_lab(session: Session, lab: Existing, node: NodeState) -> Source:
    """Return a lab's node with its addresses, where these are within reach."""
    uri = address(session, node)
    if lab.state.kind is Kind.SIMULATED:
        return Source(uri, node.name)
    try:
        inside(session.environment.variables, lab.state.name)
        found = Here(node.namespace).do(global_addresses)
    except (MipshError, OSError):
        return Source(uri, node.name)
    return Source(uri, node.name, frozenset(one.address for one in found))


def look(session: Session, source: Source) -> Side:
    """Return what an engine has; raises MipshError where it does not answer."""
    connector = session.engine()
    if connector.info is not None and connector.info.address == source.uri:
        with connector.asking():
            return _side(connector, source)
    scheme, separator, _ = source.uri.partition(":")
    if not separator:
        raise UsageError(f"'{source.uri}' is not an engine's address", "write umip://[::1]:7777 or mipd:NAME")
    with session.registry.calling(ENGINES, scheme):
        other = session.registry.engine(scheme).open(source.uri)
        other.timeout_s = min(ASK_S, session.settings.timeout)
        other.variables = session.environment.variables
        try:
            with other.asking():
                other.connect()
                return _side(other, source)
        finally:
            other.close()


def _side(connector: Connector, source: Source) -> Side:
    info = connector.info
    kept = () if info is None else info.capabilities
    readings = [getattr(connector, c.value)() if c.value in kept else None for c in TABLES]
    updates, cache = ((None if reading is None else tuple(reading.rows)) for reading in readings)
    own: Any = [row.local_address for row in cache or () if row.local_address]
    return Side(
        source.name or source.uri,
        None if info is None else info.role,
        updates,
        cache,
        min((reading.taken_at for reading in readings if reading is not None), default=0.0),
        source.addresses | {*own, *connector.home_addresses},
    )


def how(session: Session, host: str = "", with_: list[str] | None = None) -> list[How]:
    """Say what each engine is asked."""
    rows: list[How] = []
    for source in sources(session, with_ or []):
        scheme = source.uri.partition(":")[0]
        connector = session.engine()
        if connector.info is None or connector.info.address != source.uri:
            connector = session.registry.engine(scheme).open(source.uri)
            connector.variables = session.environment.variables
            try:
                connector.connect()
            except MipshError:
                continue
        kept = () if connector.info is None else connector.info.capabilities
        for table in TABLES:
            if table.value in kept:
                rows += said(connector, table.value, f"ask for the {table.value.replace('_', ' ')}")
        if connector is not session.engine():
            connector.close()
    return rows


COMMAND = Command(
    "both",
    "show the ends of a binding side by side, and what differs",
    run,
    (
        Argument(
            "host",
            Takes.ADDRESS,
            "a correspondent, a home agent, or a home address; none: every binding",
            required=False,
        ),
    ),
    (Option("--with", "ask this engine, too", Takes.ENGINE, many=True, metavar="URI"),),
    table=BOTH.name,
    details=(
        "The mobile node's binding update list beside the binding caches of its home agent and its correspondents: "
        "care-of address, sequence number, lifetime, flags, and who is behind. The engine in use is one of the "
        "sides; in a lab all its nodes are, elsewhere those named by --with. Engines are asked one after the other: "
        "what changes meanwhile may look different.\n"
        "Status 0: all sides agree; 1: some differ; 3: not all sides were seen, or there is no binding."
    ),
    examples=(
        ("both 2001:db8:4::2", "in a lab: the three nodes of a binding"),
        ("both --with umip://[::1]:7778 --with umip://[::1]:7779", "this engine and two others"),
    ),
    how=how,
)
