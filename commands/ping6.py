"""``ping6``: echoes, and by which way each request went and each reply came."""

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from typing import TypedDict, Unpack

from msgspec import Struct, convert

from mipsh.errors import MipshError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.linux import echo_ends
from mipsh.linux.addresses import Address, global_addresses
from mipsh.linux.echo_passive import Listener
from mipsh.linux.echo_signals import EchoSignals
from mipsh.linux.echo_socket import HOW_TO_GRANT, Target
from mipsh.linux.echoes import NOT_PRIVILEGED, Pace, Prober, Settled
from mipsh.linux.interrupts import Interrupts, interrupts
from mipsh.model.paths import PATH_ECHOES, PATH_STATISTICS, PathEcho
from mipsh.model.shell import How
from mipsh.paths.echo import Route
from mipsh.paths.report import echo_row, lines, statistics_rows
from mipsh.paths.statistics import RO, Tally, count, expected_paths, sentence, sparkline, verdict
from mipsh.render.format import timestamp
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

FLOOD_S, SHORTEST_S = 0.01, 0.0005
LARGEST = 65_527
MOST_ROWS = 10_000
FRAME_S = 0.1
ROOM = 14
"""Lines of the screen that are not for echoes."""
SPARKS = 60
Frames = Generator[Result, None, None]


class Options(TypedDict, total=False):
    """The options that were given."""

    count: int
    interval: float
    size: int
    source: str
    deadline: float
    wait_reply: float
    hop_limit: int
    timestamps: bool
    flood: bool
    expect: str
    wait_ro: float
    passive: bool
    json_stream: bool


class Asked(Struct, frozen=True):
    """What the options say, with what holds where they were not given."""

    count: int = 0
    interval: float = 1.0
    size: int = 56
    source: str = ""
    deadline: float = 0.0
    wait_reply: float = 2.0
    hop_limit: int | None = None
    timestamps: bool = False
    flood: bool = False
    expect: str = ""
    wait_ro: float = 0.0
    passive: bool = False
    json_stream: bool = False


class Run:
    """One run of echoes: who sends or listens, what came of it so far, and how it is shown."""

    def __init__(self, session: Session, host: str, asked: Asked) -> None:
        self.session, self.asked = session, asked
        self.expected = _expected(asked.expect)
        self.pace = _pace(asked)
        self.own: list[Address] = global_addresses()
        self.homes = echo_ends.home_addresses(self.own, _named_homes(session))
        self.target: Target = echo_ends.target(host, asked.source, self.own, self.homes, asked.hop_limit)
        self.tally = Tally()
        self.rows: deque[PathEcho] = deque(maxlen=MOST_ROWS)
        self.left_out = 0
        self.source = self.target.source
        self.signals: EchoSignals | None = None
        self.warnings: list[Notice] = []
        self.began = time.monotonic()
        self.is_waiting_for_ro = asked.wait_ro > 0
        self.is_never_ro = False
        self._sender: Prober | Listener | None = None

    def echoes(self) -> Iterator[PathEcho]:
        """Yield the echoes as they are settled, until they are at an end or Ctrl-C; raises MipshError."""
        with ExitStack() as stack:
            sender = self._sender = self._opened()
            stack.callback(sender.close)
            if isinstance(sender, Prober):
                self.source = sender.socket.source
                self._look_at(sender, stack)
            pressed = stack.enter_context(interrupts())
            for settled in sender.run(lambda: self._is_over(pressed), (pressed.fileno(),)):
                yield self.added(settled)
            self._take_signals()
            self._note_doubts(sender)

    def _opened(self) -> Prober | Listener:
        known = echo_ends.known(self.own, self.homes)
        if self.asked.passive:
            return Listener(self.target.destination, self.pace, known)
        return Prober(self.target, self.pace, known)

    def _look_at(self, sender: Prober, stack: ExitStack) -> None:
        """Warn of what will not be seen or cannot be, and watch for signalling where that is allowed."""
        found = echo_ends.warning(sender.socket.source, self.target.destination, self.own, self.homes)
        if found is not None:
            self.warnings.append(Notice("source", *found))
        if not sender.is_watched:
            self.warnings.append(Notice("unwatched", NOT_PRIVILEGED, HOW_TO_GRANT))
            return
        self.began = time.monotonic()
        self.signals = stack.enter_context(EchoSignals(sender.socket.source, self.target.destination, self.began))

    def _is_over(self, pressed: Interrupts) -> bool:
        if self.is_waiting_for_ro and time.monotonic() - self.began > self.asked.wait_ro:
            self.is_never_ro = True
        return pressed.is_set or self.is_never_ro

    def added(self, settled: Settled) -> PathEcho:
        """Count an echo, and return it as a row; what comes before the first optimised one may not be expected."""
        outcome = settled.outcome
        self._take_signals()
        self.tally.add(outcome)
        if self.is_waiting_for_ro and outcome.path.name == RO and outcome.is_answered:
            self.is_waiting_for_ro = False
            self.tally.expect_from_here()
        at = timestamp(settled.at)
        row = echo_row(outcome, (self.source, self.target.destination), at, settled.by)
        self.left_out += len(self.rows) == MOST_ROWS
        self.rows.append(row)
        return row

    def _take_signals(self) -> None:
        if self.signals is not None and self.tally.convergence is None:
            self.signals.take()

    def _note_doubts(self, sender: Prober | Listener) -> None:
        self.tally.duplicates += sender.duplicates
        notes = {
            f"{count(sender.late, 'reply', 'replies')} came after --wait-reply and counted as lost": sender.late,
            f"{count(sender.changed, 'reply', 'replies')} had other data than the request": sender.changed,
            f"{sender.lost_frames} packets came too fast to be watched: ways that they could prove are '?'": (
                sender.lost_frames
            ),
            f"the first {self.left_out} echoes are counted, and are not among the rows": self.left_out,
        }
        self.warnings += [Notice("incomplete", text) for text, number in notes.items() if number]

    # What came of it.

    @property
    def sentence(self) -> str:
        """The run in one sentence."""
        return sentence(self.tally, self.source or "others here", self.target.destination)

    @property
    def is_met(self) -> bool | None:
        """Whether it went as expected; None where it could not be told."""
        if self.is_never_ro:
            return None if self._is_blind() else False
        return verdict(self.tally, self.expected)

    def _is_blind(self) -> bool:
        return isinstance(self._sender, Prober) and not self._sender.is_watched

    @property
    def status(self) -> ExitStatus:
        """The exit status."""
        if self.is_met is None:
            return ExitStatus.COULD_NOT_TELL
        return ExitStatus.OK if self.is_met else ExitStatus.CONDITION_NOT_MET

    def summary(self, sparks: bool | None = None) -> str:
        """Return the run in lines; ``sparks`` draws its round trips, in Unicode or not."""
        signals: list[tuple[str, float]] = []
        if self.signals is not None and self.tally.convergence is not None:
            signals = self.signals.until(self.tally.convergence.seconds + FRAME_S)
        found = list(lines(self.tally, signals))
        if sparks is not None and self.rows:
            drawn = sparkline([row.rtt_ms for row in list(self.rows)[-SPARKS:]], unicode=sparks)
            found.insert(0, f"round trips {drawn}")
        if self.is_never_ro:
            found.append(f"not optimised both ways within {self.asked.wait_ro:g} s")
        elif self.expected is not None:
            words = {True: "as expected", False: "not as expected", None: "could not tell whether as expected"}
            found.append(f"{words[self.is_met]}: {':'.join(self.expected)}")
        return "\n".join(["", *found, self.sentence])

    def shown(self) -> tuple[str, ...]:
        """Return the columns of a table of echoes that say something."""
        names = ["sequence", "rtt_ms", "request", "reply", "hop_limit"]
        names += ["note"] if any(row.note for row in self.rows) else []
        return ("time", *names) if self.asked.timestamps else tuple(names)

    def result(self, rows: Sequence[PathEcho], sparks: bool | None = None) -> Result:
        """Return echoes with what there is to say of all of them."""
        return Result(
            PATH_ECHOES,
            rows,
            taken_at=time.time(),
            summary=self.summary(sparks),
            warnings=tuple(self.warnings),
            status=self.status,
            shown=self.shown(),
        )

    def statistics(self) -> Result:
        """Return the whole run as records."""
        expected = "" if self.expected is None else ":".join(self.expected)
        rows = statistics_rows(self.tally, self.sentence, expected, self.is_met)
        summary = self.summary()
        warnings = tuple(self.warnings)
        return Result(PATH_STATISTICS, rows, None, time.time(), summary, warnings=warnings, status=self.status)


def run(session: Session, host: str, **values: Unpack[Options]) -> Result | Frames:
    """Send echoes, or watch those of others, and return each with its ways."""
    asked = convert(values, Asked)
    found = Run(session, host, asked)
    environment = session.environment
    if asked.json_stream:
        return stream(found)
    is_live = session.registry.format(session.settings.output).people and environment.is_terminal(environment.stdout)
    if is_live and session.settings.verbosity >= 0:
        return live(found)
    for _ in found.echoes():
        continue
    return found.statistics() if session.settings.verbosity < 0 else found.result(list(found.rows))


def stream(found: Run) -> Frames:
    """Yield each echo as it is settled, and in the end what they say together."""
    for row in found.echoes():
        yield Result(PATH_ECHOES, [row])
    yield found.statistics()


def live(found: Run) -> Frames:
    """Yield frames with the latest echoes, and in the end one with what they say together."""
    environment = found.session.environment
    is_unicode = environment.unicode(environment.stdout)
    drawn_at = 0.0
    for _ in found.echoes():
        if time.monotonic() - drawn_at >= FRAME_S:
            yield found.result(_latest(found), is_unicode)
            drawn_at = time.monotonic()
    yield found.result(_latest(found), is_unicode)


def _latest(found: Run) -> list[PathEcho]:
    room = max(found.session.environment.size()[1] - ROOM, 1)
    return list(found.rows)[-room:]


def _named_homes(session: Session) -> tuple[str, ...]:
    """Return the home addresses that an engine names, if one is in use or configured; none is needed."""
    try:
        if session.connector is None and not session.settings.engine:
            return ()
        return session.engine().home_addresses
    except MipshError:
        return ()


def _expected(words: str) -> tuple[str, str] | None:
    if not words:
        return None
    try:
        found = expected_paths(words)
    except ValueError:
        routes = ", ".join(route.value for route in Route if route is not Route.UNKNOWN)
        raise UsageError(f"'{words}' is no path", f"write --expect ro, or ro:tunnel; there are: {routes}") from None
    if Route.UNKNOWN.value in found:
        raise UsageError("'?' is no path to be expected", "write --expect ro, or ro:tunnel")
    return found


def _pace(asked: Asked) -> Pace:
    """Return how often echoes are sent; raises UsageError."""
    if asked.count < 0:
        raise UsageError(f"--count is at least 1, not {asked.count}", "without it, echoes are sent until Ctrl-C")
    if not 0 <= asked.size <= LARGEST:
        raise UsageError(f"--size is 0 to {LARGEST}, not {asked.size}", "it is the bytes of data")
    interval_s = FLOOD_S if asked.flood else max(asked.interval, SHORTEST_S)
    return Pace(asked.count, interval_s, asked.size, asked.wait_reply, asked.deadline or None, asked.flood)


def how(session: Session, host: str, **values: Unpack[Options]) -> list[How]:
    """Say how the same is seen by hand."""
    asked = convert(values, Asked)
    times = f" -c {asked.count}" if asked.count else ""
    source = f" -I {asked.source}" if asked.source else ""
    hops = f" -t {asked.hop_limit}" if asked.hop_limit else ""
    ping = f"ping -6{times} -i {asked.interval:g} -s {asked.size}{hops}{source} {host}"
    fields = "-e ipv6.src -e ipv6.dst -e ipv6.opt.mipv6.home_address -e ipv6.routing.mipv6.home_address"
    watch = How(
        "see echoes on every interface, and what may carry them",
        "packet",
        "tcpdump -n -i any -w echoes.pcap 'ip6'",
        "RFC 6275 sections 6.3, 6.4; RFC 2473",
    )
    send = How("send ICMPv6 Echo Requests", "packet", ping, "RFC 4443 section 4.1")
    read = How(
        "read each echo's ways off its headers",
        "process",
        f"tshark -r echoes.pcap -Y 'icmpv6.type in {{128, 129}}' -T fields -e icmpv6.echo.sequence_number {fields}",
        "RFC 6275 sections 8.1, 8.2, 8.5",
    )
    return [watch, read] if asked.passive else [watch, send, read]


COMMAND = Command(
    "ping6",
    "send echoes, and see by which way each went and came",
    run,
    (Argument("host", Takes.ADDRESS, "whom to: an address or a name; a home address, where it is mobile"),),
    (
        Option("--count", "send so many, then end; without it, until Ctrl-C", Takes.INTEGER, "-c", metavar="N"),
        Option("--interval", "seconds from one to the next", Takes.SECONDS, "-i", metavar="S"),
        Option("--size", "bytes of data in each", Takes.INTEGER, "-s", metavar="N"),
        Option("--source", "from: an address, home, care-of, or an interface", Takes.WORD, "-I", metavar="FROM"),
        Option("--deadline", "end after so many seconds", Takes.SECONDS, "-w", metavar="S"),
        Option("--wait-reply", "how long each reply is waited for", Takes.SECONDS, "-W", metavar="S"),
        Option("--hop-limit", "hop limit of the requests; -t is ping's here", Takes.INTEGER, "-t", metavar="N"),
        Option("--timestamps", "show when each was sent", short="-D"),
        Option("--flood", "send the next one when a reply is there, or after 10 ms", short="-f"),
        Option("--expect", "the path that all should take, as ro, or ro:tunnel", Takes.WORD, metavar="PATH"),
        Option("--wait-ro", "expect only from the first optimised one on, to come in S", Takes.SECONDS, metavar="S"),
        Option("--passive", "send nothing: watch the echoes of other programs here with HOST"),
        Option("--json-stream", "a JSON line for each echo when it is settled, then the statistics"),
    ),
    table=PATH_ECHOES.name,
    details=(
        "For each echo the request's way and the reply's, as their headers on this node's links prove them:\n"
        "  ro      a Home Address option, a type 2 routing header, or both between two mobile nodes\n"
        "  tunnel  inside another packet: IPv6-in-IPv6, or ESP\n"
        "  direct  nothing of mobility around it; from a correspondent, what the home agent does is not seen here\n"
        "  none    it was not there     ?  it was not seen, or what was seen proves nothing: the note says why\n"
        "Nothing of the node is changed. But a first packet to a correspondent lets a mobile node start return "
        "routability, so that looking makes a path better; --passive only watches. "
        "With -q only the statistics. Without CAP_NET_RAW a reply's headers are seen at most. "
        "Status 0: as expected, or answered where nothing was; 1: not, or no reply; 2: error; 3: could not tell."
    ),
    examples=(
        ("ping6 2001:db8:4::2", "until Ctrl-C, with a live table on a terminal"),
        ("ping6 2001:db8:4::2 -c 10 --wait-ro 5 --expect ro", "for a script: is the route optimised both ways?"),
        ("ping6 2001:db8:4::2 -c 3 --source care-of --expect direct", "past Mobile IPv6"),
        ("ping6 2001:db8:1::100 -c 5 -q --json", "from the correspondent, the statistics as JSON"),
    ),
    how=how,
    changes=Changes.PROBE,
)
