"""Puts messages that are heard one by one together to exchanges.

A machine without clock or sockets: time is that of the messages. What it keeps is bounded: the oldest
unanswered exchanges are given up for newer ones.
"""

from collections import OrderedDict

from mipsh.model.acknowledgement import is_acceptance
from mipsh.signalling.exchange import MOST_KEYS, SHORTEST_WAIT_NS, Exchange, State, What
from mipsh.signalling.heard import Heard, Kind
from mipsh.signalling.once import Once

MOST_OPEN = 4096
"""How many exchanges may wait for an answer."""
MOST_RECENT = 1024
"""Of how many that are over it is known what repeats them."""
MOST_PLACES = 4096
TEST_TO_UPDATE_NS = 10_000_000_000
"""How long after a home test its Binding Update comes, at the most."""
OUT_OF_WINDOW = 135
LOOK_NS = 250_000_000

Group = tuple[What, bytes, bytes]
"""What a question and its answer have in common beside a key."""

_OF_HOME = {
    Kind.HOTI: What.HOME_TEST,
    Kind.HOT: What.HOME_TEST,
    Kind.BU: What.HOME_REGISTRATION,
    Kind.BA: What.HOME_REGISTRATION,
    Kind.MPS: What.PREFIXES,
    Kind.MPA: What.PREFIXES,
    Kind.BRR: What.REFRESH,
}
_QUESTIONS = frozenset((Kind.HOTI, Kind.COTI, Kind.BU, Kind.DISCOVERY, Kind.MPS, Kind.BRR))
_ANSWERS = frozenset((Kind.HOT, Kind.COT, Kind.BA, Kind.DISCOVERED, Kind.MPA))


def group_of(heard: Heard) -> Group | None:
    """Return what the question and the answer have in common; None for a message that is neither."""
    if heard.kind in _OF_HOME:
        return _OF_HOME[heard.kind], heard.home_address or b"", heard.peer or b""
    if heard.kind in (Kind.COTI, Kind.COT):
        return What.CARE_OF_TEST, heard.care_of_address or b"", heard.peer or b""
    if heard.kind in (Kind.DISCOVERY, Kind.DISCOVERED):
        return What.DISCOVERY, heard.care_of_address or b"", b""
    return None


class Exchanges:
    """The exchanges that go on; ``messages`` counts what was heard, each packet once.

    ``copies`` counts packets that were heard again elsewhere, ``esp`` encrypted ones.
    """

    def __init__(self, most_open: int = MOST_OPEN) -> None:
        self.messages = 0
        self.copies = 0
        self.esp = 0
        self._most_open = most_open
        self._number = 0
        self._now_ns = 0
        self._look_ns = 0
        self._once = Once()
        self._open: OrderedDict[Group, Exchange] = OrderedDict()
        self._recent: OrderedDict[Group, Exchange] = OrderedDict()
        self._care_of: OrderedDict[bytes, bytes] = OrderedDict()
        self._home: OrderedDict[bytes, bytes] = OrderedDict()
        self._unplaced: OrderedDict[bytes, list[Exchange]] = OrderedDict()

    def take(self, heard: Heard) -> list[Exchange]:
        """Take in a message; return the exchanges of which is known now what came of them."""
        over: list[Exchange | None] = [*self.advance(heard.time_ns)]
        if not self._once.is_new(heard.identity, heard.time_ns, heard.place):
            self.copies += 1
            self._hear_again(heard)
        elif heard.kind is Kind.ESP:
            self.esp += 1
        else:
            self.messages += 1
            over += self._understand(heard)
        return [exchange for exchange in over if exchange is not None]

    def _understand(self, heard: Heard) -> list[Exchange | None]:
        self._locate(heard)
        if heard.fault:
            return [self._single(heard, What.OTHER, State.MALFORMED)]
        if heard.kind in _QUESTIONS:
            return [*self._ask(heard)]
        if heard.kind in _ANSWERS:
            return [self._answer(heard)]
        if heard.kind is Kind.ERROR:
            return [self._bounce(heard)]
        if heard.kind is Kind.BE:
            return [self._single(heard, What.BINDING_ERROR, State.ERROR)]
        return [self._single(heard, What.OTHER, State.SEEN)]

    def advance(self, now_ns: int) -> list[Exchange]:
        """Let time pass; return the exchanges without an answer.

        One whose answer may still come, since it is asked for again and again, is returned when the first
        one should have been there, and once more when it is known what came of it.
        """
        self._now_ns = max(self._now_ns, now_ns)
        if self._now_ns < self._look_ns:
            return []
        self._look_ns = self._now_ns + LOOK_NS
        late = [group for group, exchange in self._open.items() if exchange.due_ns < self._now_ns]
        over = [self._give_up(group) for group in late]
        for exchange in self._open.values():
            is_late = exchange.steps[0].first_ns + SHORTEST_WAIT_NS < self._now_ns
            if is_late and exchange.wants_answer and not exchange.is_missed:
                exchange.is_missed, exchange.state = True, State.UNANSWERED
                over.append(exchange)
        return over

    def finish(self) -> list[Exchange]:
        """End; return what is left: open is what might still have been answered."""
        left = []
        for group in list(self._open):
            exchange = self._open[group]
            if exchange.due_ns < self._now_ns or not exchange.wants_answer:
                left.append(self._give_up(group))
            else:
                left.append(self._remember(group, self._open.pop(group)))
        return left

    # Questions.

    def _ask(self, heard: Heard) -> list[Exchange]:
        over = self._refreshed(heard) if heard.kind is Kind.BU else []
        group = group_of(heard)
        assert group is not None
        exchange = self._open.get(group)
        if exchange is not None and _replaces(heard, exchange):
            exchange.state = State.REPLACED if heard.time_ns <= exchange.patient_ns else State.UNANSWERED
            over.append(self._remember(group, self._open.pop(group)))
            exchange = None
        if exchange is None:
            exchange = self._open[group] = self._begin(_what(heard))
        exchange.ask(heard)
        self._place(exchange, heard)
        self.complete(exchange)
        if len(self._open) > self._most_open:
            oldest = next(iter(self._open))
            self._open[oldest].evicted = True
            over.append(self._give_up(oldest))
        return over

    def _refreshed(self, heard: Heard) -> list[Exchange]:
        """Take a Binding Update as the answer to a Binding Refresh Request, where there was one."""
        group = What.REFRESH, heard.home_address or b"", heard.peer or b""
        exchange = self._open.pop(group, None)
        if exchange is None:
            return []
        exchange.answer(heard, State.ANSWERED)
        return [self._remember(group, exchange)]

    def _give_up(self, group: Group) -> Exchange:
        exchange = self._open.pop(group)
        exchange.state = State.UNANSWERED if exchange.wants_answer else State.UNASKED
        return self._remember(group, exchange)

    # Answers.

    def _answer(self, heard: Heard) -> Exchange | None:
        """Put an answer to its question; None where that was answered before, and nothing is new."""
        group = group_of(heard)
        assert group is not None
        exchange = self._open.get(group)
        state = _outcome(heard)
        if exchange is not None and (heard.key in exchange.asked or heard.status == OUT_OF_WINDOW):
            exchange.answer(heard, state)
            return self._remember(group, self._open.pop(group))
        recent = self._recent.get(group)
        if recent is not None and heard.key in recent.asked:
            before = recent.state
            recent.answer(heard, state)
            return recent if recent.state is not before else None
        alone = self._begin(_what(heard))
        alone.peer = heard.peer
        alone.answer(heard, State.ALONE)
        self.complete(alone)
        return alone

    def _bounce(self, heard: Heard) -> Exchange | None:
        """Put an ICMPv6 error to the message that it is about; None where that was told before."""
        about = heard.about
        assert about is not None
        group = group_of(about)
        if group is not None and group in self._open:
            exchange = self._open.pop(group)
            exchange.add(heard)
            exchange.state, exchange.says = State.ERROR, heard.says
            return self._remember(group, exchange)
        if group is not None and group in self._recent:
            exchange = self._recent[group]
            exchange.add(heard)
            exchange.says = exchange.says or heard.says
            return None
        return self._single(heard, What.ICMP_ERROR, State.ERROR)

    # What is known.

    def _begin(self, what: What) -> Exchange:
        self._number += 1
        return Exchange(self._number, what)

    def _single(self, heard: Heard, what: What, state: State) -> Exchange:
        exchange = self._begin(what)
        exchange.home_address, exchange.care_of_address = heard.home_address, heard.care_of_address
        exchange.peer = heard.peer
        exchange.sequence, exchange.status, exchange.flags = heard.sequence, heard.status, heard.flags
        exchange.state, exchange.fault, exchange.says = state, heard.fault, heard.says
        exchange.add(heard)
        self.complete(exchange)
        return exchange

    def _remember(self, group: Group, exchange: Exchange) -> Exchange:
        self._recent.pop(group, None)
        self._recent[group] = exchange
        if len(self._recent) > MOST_RECENT:
            self._recent.popitem(last=False)
        self.complete(exchange)
        return exchange

    def _hear_again(self, heard: Heard) -> None:
        """Take note that a question was heard at another place, too."""
        group = group_of(heard) if heard.kind in _QUESTIONS else None
        if group is not None:
            exchange = self._open.get(group) or self._recent.get(group)
            if exchange is not None and heard.key in exchange.asked:
                exchange.hear(heard)
                self._place(exchange, heard)

    def _locate(self, heard: Heard) -> None:
        """Learn from a Binding Update which care-of address belongs to which home address."""
        if heard.fault or heard.kind is not Kind.BU or heard.home_address is None or heard.care_of_address is None:
            return
        if heard.lifetime_s == 0:
            if "H" in heard.flags:
                self._care_of.pop(heard.home_address, None)
            return
        _learn(self._care_of, heard.home_address, heard.care_of_address)
        _learn(self._home, heard.care_of_address, heard.home_address)
        for test in self._unplaced.pop(heard.home_address, ()):
            if test.care_of_address is None and heard.time_ns - test.ended_ns < TEST_TO_UPDATE_NS:
                test.care_of_address = heard.care_of_address

    def _place(self, exchange: Exchange, heard: Heard) -> None:
        """Find the care-of address of a home test: it is at the end of a tunnel, or in the update that comes of it."""
        home = exchange.home_address
        if exchange.what is not What.HOME_TEST or exchange.care_of_address is not None or home is None:
            return
        known = self._care_of.get(home)
        if known is not None and heard.tunnel is not None and known in heard.tunnel:
            exchange.care_of_address = known
            return
        waiting = self._unplaced.setdefault(home, [])
        if exchange not in waiting[-1:]:
            waiting.append(exchange)
        del waiting[:-MOST_KEYS]
        if len(self._unplaced) > MOST_RECENT:
            self._unplaced.popitem(last=False)

    def complete(self, exchange: Exchange) -> None:
        """Add the home address of the node at a care-of address, if another message has told it by now."""
        if exchange.home_address is None and exchange.care_of_address is not None:
            exchange.home_address = self._home.get(exchange.care_of_address)


def _learn(known: OrderedDict[bytes, bytes], key: bytes, value: bytes) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > MOST_PLACES:
        known.popitem(last=False)


def _what(heard: Heard) -> What:
    if heard.kind is Kind.BU and "H" not in heard.flags:
        return What.CORRESPONDENT_REGISTRATION
    group = group_of(heard)
    assert group is not None
    return group[0]


def _outcome(heard: Heard) -> State:
    if heard.kind is not Kind.BA or heard.status is None:
        return State.ANSWERED
    return State.ACCEPTED if is_acceptance(heard.status) else State.REJECTED


def _replaces(heard: Heard, exchange: Exchange) -> bool:
    """Tell whether a Binding Update asks for something else than the one that waits for its answer."""
    if heard.kind is not Kind.BU:
        return False
    places = heard.care_of_address, exchange.care_of_address
    is_other_place = None not in places and places[0] != places[1]
    return is_other_place or (heard.lifetime_s == 0) != (exchange.lifetime_s == 0)
