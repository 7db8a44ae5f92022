"""What a ladder diagram of exchanges shows, before it is drawn: who takes part, and the rows in the order of time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from mipsh.signalling.exchange import ANSWER, FAILED, Exchange, State, Step, What
from mipsh.signalling.explain import counted, explain
from mipsh.signalling.heard import Kind
from mipsh.wire.address import text

MOST_PARTICIPANTS = 4
MOST_ROWS = 400
_WITH_HOME_AGENT = frozenset((What.HOME_REGISTRATION, What.PREFIXES, What.DISCOVERY))
_RANKS = {"MN": 0, "HA": 1, "CN": 2}

NameOf = Callable[[str], str]
"""Returns what somebody wants an address to be called, empty for nothing."""


class Participant(Struct, frozen=True):
    """A column: what it is called, and its addresses."""

    name: str
    addresses: tuple[str, ...]


class Row(Struct, frozen=True):
    """A line of a diagram: an arrow between two columns, or (``source`` None) a remark about the one before."""

    time_ns: int
    label: str
    source: int | None = None
    destination: int = 0
    is_failed: bool = False


class Drawing(Struct, frozen=True):
    """A diagram; ``left_out`` says what is not in it, empty for nothing."""

    participants: tuple[Participant, ...]
    rows: tuple[Row, ...]
    began_ns: int
    left_out: str = ""


class _Node:
    """Somebody who takes part, under any of some addresses."""

    def __init__(self) -> None:
        self.role = "CN"
        self.addresses: dict[bytes, None] = {}


class _Cast:
    """Who takes part."""

    def __init__(self) -> None:
        self._nodes: dict[bytes, _Node] = {}
        self._agent: _Node | None = None
        self.turns: Counter[_Node] = Counter()

    def meet(self, exchange: Exchange) -> None:
        """Learn who takes part in an exchange."""
        own = [one for one in (exchange.home_address, exchange.care_of_address) if one is not None]
        mobile = self._node(own)
        if mobile is not None:
            mobile.role = "MN"
        peer = self._node([exchange.peer] if exchange.peer is not None else [])
        if peer is not None and exchange.what in _WITH_HOME_AGENT and peer is not mobile:
            peer.role = "HA"
        for step in exchange.steps:
            self.turns.update(node for node in self.ends(exchange, step) if node is not None)

    def _node(self, addresses: Sequence[bytes]) -> _Node | None:
        found = next((self._nodes[one] for one in addresses if one in self._nodes), None)
        if found is None and addresses:
            found = _Node()
        for one in addresses if found is not None else ():
            self._nodes.setdefault(one, found or _Node()).addresses[one] = None
        return found

    def ends(self, exchange: Exchange, step: Step) -> tuple[_Node | None, _Node | None]:
        """Return who sent a message, and to whom; a router that sends an error stands where its cause did."""
        peer = None if exchange.peer is None else self._nodes.get(exchange.peer)
        mobile = self._nodes.get(exchange.home_address or exchange.care_of_address or b"")
        source, destination = self._nodes.get(step.source, peer), self._nodes.get(step.destination, peer)
        if step.kind is Kind.ERROR and source is destination:
            source = peer if destination is mobile else mobile
        return source, destination

    def columns(self) -> list[_Node]:
        """Return those who have most to say, mobile nodes first, then home agents."""
        chosen = [node for node, _ in self.turns.most_common(MOST_PARTICIPANTS)]
        return sorted(chosen, key=lambda node: _RANKS[node.role])


def draw(exchanges: Iterable[Exchange], name_of: NameOf = lambda address: "") -> Drawing:
    """Return the diagram of exchanges."""
    cast, wanted = _Cast(), list(exchanges)
    for exchange in wanted:
        cast.meet(exchange)
    columns = cast.columns()
    rows: list[Row] = []
    others = 0
    for exchange in wanted:
        found = _rows(exchange, cast, columns)
        others += not found
        rows += found
    rows.sort(key=lambda row: row.time_ns)
    left_out = [f"{others} exchanges with others"] if others else []
    left_out += [f"{len(rows) - MOST_ROWS} earlier lines"] if len(rows) > MOST_ROWS else []
    rows = rows[-MOST_ROWS:]
    participants = _named(columns, name_of)
    return Drawing(participants, tuple(rows), rows[0].time_ns if rows else 0, " and ".join(left_out))


def _named(columns: Sequence[_Node], name_of: NameOf) -> tuple[Participant, ...]:
    numbers: Counter[str] = Counter()
    participants = []
    for node in columns:
        numbers[node.role] += 1
        number = numbers[node.role]
        addresses = tuple(text(address) for address in node.addresses)
        given = next((name for name in map(name_of, addresses) if name), "")
        participants.append(Participant(given or f"{node.role}{number if number > 1 else ''}", addresses))
    return tuple(participants)


def _rows(exchange: Exchange, cast: _Cast, columns: Sequence[_Node]) -> list[Row]:
    """Return the lines of an exchange; none where not both ends have a column."""
    rows = []
    for step in exchange.steps:
        if exchange.what is What.REFRESH and step.kind is Kind.BU:
            continue  # It is drawn as the question that it is, too.
        source, destination = cast.ends(exchange, step)
        if source is None or destination is None or source not in columns or destination not in columns:
            return []
        ends = columns.index(source), columns.index(destination)
        is_failed = step.kind is Kind.ERROR or (exchange.state is State.REJECTED and step.kind is Kind.BA)
        rows.append(Row(step.first_ns, _label(exchange, step), *ends, is_failed or step.kind is Kind.BE))
    remark = _remark(exchange)
    if remark:
        rows.append(Row(exchange.ended_ns, remark, is_failed=exchange.state in FAILED))
    return rows


def _label(exchange: Exchange, step: Step) -> str:
    """Return what stands on an arrow, what matters most first."""
    parts = [f"{step.kind} x {step.count}" if step.count > 1 else str(step.kind)]
    is_answer = step.kind is ANSWER.get(exchange.what) and exchange.latency_ms is not None
    parts += [f"{exchange.latency_ms:.1f} ms"] if is_answer else []
    parts += ["through the tunnel"] if exchange.what is What.HOME_TEST and exchange.tunnelled else []
    parts += [step.note] if step.note else []
    return ", ".join(parts)


def _remark(exchange: Exchange) -> str:
    """Return what is said below an exchange that did not go as it should."""
    if exchange.state in (State.UNANSWERED, State.OPEN, State.REPLACED):
        return f"{counted(exchange)} ({exchange.state})"
    return explain(exchange)[0] if exchange.state in FAILED else ""
