"""An exchange of messages: a question, sent once or again, and what came of it."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from mipsh.signalling.heard import Heard, Kind

MOST_KEYS = 8
"""How many questions of one exchange are told apart; those before are forgotten."""
MOST_INTERFACES, MOST_STEPS = 8, 8
"""How many interfaces of an exchange are named, and steps told apart by who they are from."""
SHORTEST_WAIT_NS, LONGEST_WAIT_NS = 4_000_000_000, 80_000_000_000
"""How long an answer is waited for: longer than the pause to the next question, which doubles up to 32 s."""
NS_PER_MS = 1_000_000


class What(StrEnum):
    """What an exchange is for."""

    HOME_TEST = "home_test"
    CARE_OF_TEST = "care_of_test"
    HOME_REGISTRATION = "home_registration"
    CORRESPONDENT_REGISTRATION = "correspondent_registration"
    DISCOVERY = "home_agent_discovery"
    PREFIXES = "prefix_discovery"
    REFRESH = "binding_refresh"
    BINDING_ERROR = "binding_error"
    ICMP_ERROR = "icmp_error"
    OTHER = "other"


class State(StrEnum):
    """What came of an exchange."""

    OPEN = "open"
    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    ERROR = "error"
    UNANSWERED = "unanswered"
    UNASKED = "sent"
    ALONE = "answer_only"
    REPLACED = "replaced"
    MALFORMED = "malformed"
    SEEN = "seen"


FAILED = frozenset((State.REJECTED, State.ERROR, State.UNANSWERED, State.ALONE, State.MALFORMED))
"""What somebody who looks for errors wants to see."""
ANSWER: Mapping[What, Kind] = {
    What.HOME_TEST: Kind.HOT,
    What.CARE_OF_TEST: Kind.COT,
    What.HOME_REGISTRATION: Kind.BA,
    What.CORRESPONDENT_REGISTRATION: Kind.BA,
    What.DISCOVERY: Kind.DISCOVERED,
    What.PREFIXES: Kind.MPA,
    What.REFRESH: Kind.BU,
}
QUESTION: Mapping[What, Kind] = {
    What.HOME_TEST: Kind.HOTI,
    What.CARE_OF_TEST: Kind.COTI,
    What.HOME_REGISTRATION: Kind.BU,
    What.CORRESPONDENT_REGISTRATION: Kind.BU,
    What.DISCOVERY: Kind.DISCOVERY,
    What.PREFIXES: Kind.MPS,
    What.REFRESH: Kind.BRR,
}


class Step(Struct):
    """A message of an exchange, with those that repeat it."""

    kind: Kind
    source: bytes
    destination: bytes
    first_ns: int
    last_ns: int
    count: int = 1
    note: str = ""


class Exchange(Struct):
    """An exchange; ``number`` is its place among all, from 1.

    ``asked`` has when each question was sent, by what its answer has in common with it. ``tunnelled`` and
    ``plain`` tell how its questions were heard. ``latency_ms`` is from the question that was answered to
    its answer, None where that cannot be told. ``evicted`` tells that it was given up for newer ones,
    ``is_missed`` that no answer came in the usual time, though one may still come.
    """

    number: int
    what: What
    state: State = State.OPEN
    home_address: bytes | None = None
    care_of_address: bytes | None = None
    peer: bytes | None = None
    sequence: int | None = None
    status: int | None = None
    lifetime_s: int | None = None
    granted_s: int | None = None
    flags: tuple[str, ...] = ()
    latency_ms: float | None = None
    tunnelled: bool = False
    plain: bool = False
    evicted: bool = False
    is_missed: bool = False
    wants_answer: bool = True
    fault: str = ""
    says: str = ""
    wait_ns: int = SHORTEST_WAIT_NS
    steps: list[Step] = field(default_factory=list)
    interfaces: list[str] = field(default_factory=list)
    asked: dict[bytes, int] = field(default_factory=dict)

    @property
    def started_ns(self) -> int:
        """When its first message was heard."""
        return min(step.first_ns for step in self.steps)

    @property
    def ended_ns(self) -> int:
        """When its last message was heard."""
        return max(step.last_ns for step in self.steps)

    @property
    def due_ns(self) -> int:
        """Until when an answer is waited for."""
        return self.steps[0].last_ns + self.wait_ns

    @property
    def patient_ns(self) -> int:
        """Until when no answer is nothing to speak of."""
        return self.steps[0].last_ns + SHORTEST_WAIT_NS

    @property
    def questions(self) -> int:
        """How many questions were heard."""
        return sum(step.count for step in self.steps if step.kind is QUESTION.get(self.what))

    @property
    def answers(self) -> int:
        """How many answers were heard."""
        return sum(step.count for step in self.steps if step.kind is ANSWER.get(self.what))

    def ask(self, heard: Heard) -> None:
        """Take in a question, the first one or one that repeats it."""
        self.home_address = heard.home_address or self.home_address
        self.care_of_address = heard.care_of_address or self.care_of_address
        self.peer = heard.peer
        if heard.kind is Kind.BU:
            self.sequence, self.lifetime_s, self.flags = heard.sequence, heard.lifetime_s, heard.flags
            self.wants_answer = "A" in heard.flags
        self.asked[heard.key] = heard.time_ns
        if len(self.asked) > MOST_KEYS:
            del self.asked[next(iter(self.asked))]
        before_ns = self.steps[0].last_ns if self.steps else heard.time_ns
        self.add(heard)
        self.wait_ns = min(max(SHORTEST_WAIT_NS, (heard.time_ns - before_ns) * 5 // 2), LONGEST_WAIT_NS)
        self.hear(heard)

    def answer(self, heard: Heard, state: State) -> None:
        """Take in an answer."""
        if not self.answers:
            sent_ns = self.asked.get(heard.key, self.steps[0].last_ns if self.steps else None)
            if sent_ns is not None and heard.time_ns >= sent_ns:
                self.latency_ms = (heard.time_ns - sent_ns) / NS_PER_MS
            self.state = state
            self.status, self.says = heard.status, heard.says
            if heard.kind is Kind.BA:
                self.granted_s = heard.lifetime_s
                self.sequence = heard.sequence if self.sequence is None else self.sequence
            # Discovery asks whoever is there, and learns from the answer who that is.
            self.peer = heard.peer if self.what is What.DISCOVERY else self.peer
            self.home_address = self.home_address or heard.home_address
            self.care_of_address = self.care_of_address or heard.care_of_address
        self.add(heard)

    def add(self, heard: Heard) -> None:
        """Take in a message as a step, or count it with those that it repeats."""
        self.interfaces += [heard.interface] if self._is_new_interface(heard.interface) else []
        is_full = len(self.steps) >= MOST_STEPS
        for step in self.steps:
            if step.kind is heard.kind and (is_full or step.source == heard.source):
                step.count += 1
                step.last_ns, step.note = max(step.last_ns, heard.time_ns), note_of(heard)
                return
        ends = heard.source, heard.destination
        self.steps.append(Step(heard.kind, *ends, heard.time_ns, heard.time_ns, note=note_of(heard)))

    def hear(self, heard: Heard) -> None:
        """Take note of where a question was heard, another time or the first one."""
        self.tunnelled |= heard.tunnel is not None
        self.plain |= heard.tunnel is None

    def _is_new_interface(self, name: str) -> bool:
        return bool(name) and name not in self.interfaces and len(self.interfaces) < MOST_INTERFACES


def note_of(heard: Heard) -> str:
    """Return what stands beside a message in a drawing."""
    if heard.kind is Kind.BU:
        flags = "".join(heard.flags)
        return f"seq {heard.sequence}, {heard.lifetime_s} s{f', {flags}' if flags else ''}"
    if heard.kind is Kind.BA:
        return f"seq {heard.sequence}, status {heard.status}, {heard.lifetime_s} s"
    if heard.kind is Kind.BE:
        return f"status {heard.status}"
    if heard.kind is Kind.ERROR and heard.about is not None:
        return f"{heard.says} about {heard.about.kind}"
    return heard.says
