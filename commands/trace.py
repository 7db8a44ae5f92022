"""``trace``: the mobility signalling of a node, or of a capture file, as exchanges with what came of them."""

import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypedDict, Unpack

from mipsh.captures.frames import NAMES, RAW_IPV6, Frame
from mipsh.captures.mobility import mobility_frames
from mipsh.captures.reader import Reader
from mipsh.captures.source import Malformed, Read
from mipsh.captures.writer import Writer
from mipsh.engine import Listener
from mipsh.errors import CapabilityMissing, MipshError, OutputError, RefusedError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.linux.packet_filter import signalling_from_links
from mipsh.linux.witness import Witness
from mipsh.model.address import canonical
from mipsh.model.records import EngineInfo
from mipsh.model.shell import How
from mipsh.model.traces import SIGNALLING
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.signalling.ladder import ladder as ladder_of
from mipsh.signalling.svg import svg as svg_of
from mipsh.signalling.tracer import Rows, Tracer
from mipsh.signalling.wanted import WORDS
from mipsh.signalling.wanted import read as wanted_of
from mipsh.status import ExitStatus

STANDARD_INPUT = "-"
USUAL_S, BEAT_S = 10.0, 0.05
MOST_AT_ONCE = 500
SPARE_ROWS = 6
WIDTH, GAP = 80, 2
COLUMNS = (
    ("clock", "messages", "state", "home_address", "care_of_address", "peer", "latency_ms", "sequence", "status"),
    ("clock", "messages", "state", "home_address", "peer", "latency_ms", "status"),
    ("clock", "messages", "state", "home_address", "peer", "latency_ms"),
    ("clock", "messages", "state", "peer", "latency_ms"),
    ("clock", "messages", "state", "peer"),
)
"""The columns that are shown, on ever narrower terminals."""
FILE_MODE, SECRET_MODE = 0o666, 0o600
"""Of a picture, and of a capture: that has cookies and keygen tokens in it."""

Found = Generator[Rows, None, None]


class Shown(TypedDict, total=False):
    """What is drawn in the end."""

    ladder: bool
    svg: str


class Trace:
    """A trace that was asked for: what it heard, what it has to say about that, and where its packets are kept."""

    def __init__(self, session: Session, filter: Sequence[str], shown: Shown) -> None:
        self.session, self.shown = session, shown
        self.tracer = Tracer(wanted_of(filter))
        self.writer: Writer | None = None
        self.warnings: list[Notice] = []
        self.errors: list[Notice] = []
        self.blind = ""
        self.cut = 0
        self.engine: EngineInfo | None = None
        self.is_of_capture = self.is_followed = False
        environment = session.environment
        self.is_for_people = session.registry.format(session.settings.output).people
        self.is_drawn = self.is_for_people and environment.is_terminal(environment.stdout) and not environment.dumb
        """Whether results are drawn over each other: each shows all that there is room for, else what is new."""

    def frame(self, frame: Frame) -> Rows:
        """Take in a frame, and keep it where that is wanted."""
        if self.writer is not None:
            self.writer.frame(frame)
        self.cut += frame.is_cut
        return self.tracer.frame(frame)

    def say(self, code: str, message: str, hint: str = "") -> None:
        """Warn of something in the end."""
        self.warnings.append(Notice(code, message, hint))

    def tell(self, said: str) -> None:
        """Say what goes on, where that is wanted and is in nobody's way."""
        if self.session.settings.verbosity >= 0 and not (self.is_drawn and self.is_followed):
            self.session.environment.warn(f"trace: {said}")

    def more(self, rows: Rows) -> Result:
        """Return what is shown while it goes on."""
        if self.is_drawn:
            rows = self.tracer.rows(max(self.session.environment.size()[1] - SPARE_ROWS, 1))
        said = f"{self.tracer.summary()}; Ctrl-C ends it"
        return Result(SIGNALLING, rows, self.engine, time.time(), said, shown=self.fitting(rows))

    def fitting(self, rows: Rows) -> tuple[str, ...] | None:
        """Return the columns for which a terminal has room, the least of them in any case; None is no terminal."""
        environment = self.session.environment
        if not environment.is_terminal(environment.stdout):
            return None
        width = environment.size()[0]
        titles = {column.name: len(column.title) for column in SIGNALLING.columns}

        def needed(names: Sequence[str]) -> int:
            widest = (max(titles[name], *(len(str(getattr(row, name) or "")) for row in rows), 0) for name in names)
            return sum(widest) + GAP * (len(names) - 1)

        return next((names for names in COLUMNS if needed(names) <= width), COLUMNS[-1])

    def end(self, rows: Rows) -> Result:
        """Return what is shown in the end."""
        exchanges = self.tracer.exchanges
        if exchanges.esp:
            hint = "trace on a node where they are not encrypted, or listen to the engine's events"
            self.say("esp", f"{exchanges.esp} packets were encrypted (ESP): what is in them is not known", hint)
        if self.cut:
            hint = "capture whole packets: tcpdump -s 0"
            self.say("cut", f"{self.cut} packets were not captured to their end: messages may be missing", hint)
        if self.tracer.left_out:
            self.say("left_out", f"{self.tracer.left_out} earlier rows are not kept", "use --follow, or a filter")
        if not self.blind and self.tracer.is_empty and exchanges.esp:
            self.blind = "nothing but encrypted packets was heard"
        status = ExitStatus.FAILED if self.errors else ExitStatus.OK
        if self.blind and self.tracer.is_empty:
            self.say("could_not_tell", self.blind)
            status = status or ExitStatus.COULD_NOT_TELL
        summary = "\n".join((self.tracer.summary(), *self._drawn()))
        notices = tuple(self.errors), tuple(self.warnings)
        shown = self.fitting(rows)
        return Result(SIGNALLING, rows, self.engine, time.time(), summary, *notices, status=status, shown=shown)

    def _drawn(self) -> list[str]:
        """Return the ladder as text, and write the picture; raises OutputError."""
        picture = self.shown.get("svg", "")
        if not picture and not self.shown.get("ladder"):
            return []
        drawing = self.tracer.drawing(lambda address: names(self.session).get(address, ""))
        if picture:
            with written(picture, FILE_MODE) as write:
                write(svg_of(drawing).encode())
        environment = self.session.environment
        is_terminal = environment.is_terminal(environment.stdout)
        width = environment.size()[0] if is_terminal else WIDTH
        unicode = environment.unicode(environment.stdout)
        return ["", ladder_of(drawing, width, unicode=unicode)] if self.shown.get("ladder") else []


def run(
    session: Session,
    filter: Sequence[str] = (),
    *,
    follow: bool = False,
    read: str = "",
    save: str = "",
    for_: float = 0.0,
    **shown: Unpack[Shown],
) -> Result | Generator[Result, None, None]:
    """Trace what is wanted, to the end or as it comes."""
    if read and for_:
        raise UsageError("--for says how long to listen, and a capture has an end of its own", "leave one of them out")
    if read and save and is_same(read, save):
        raise UsageError(f"{save} is the capture that is read", "name another file")
    trace = Trace(session, filter, shown)
    trace.is_of_capture, trace.is_followed = bool(read), follow
    found = of_capture(trace, read) if read else of_node(trace, for_ or (0.0 if follow else USUAL_S))
    if follow:
        return results(trace, found, save)
    *_, result = results(trace, found, save)
    return result


def results(trace: Trace, found: Found, save: str) -> Generator[Result, None, None]:
    """Yield what is known whenever something is. Ctrl-C ends it, and what was heard until then counts."""
    with kept(trace, save), closing(found):
        try:
            for rows in found:
                if rows and trace.is_followed:
                    yield trace.more(rows)
        except KeyboardInterrupt:
            if trace.is_of_capture:
                trace.say("interrupted", "interrupted: this is what was read until then")
        rest = trace.tracer.finish()
    result = trace.end(rest if trace.is_followed and not trace.is_drawn else trace.tracer.rows())
    if result.rows or result.errors or result.warnings or trace.is_for_people or not trace.is_followed:
        yield result


# Captures.


def of_capture(trace: Trace, path: str) -> Found:
    """Read a capture; what is malformed ends it, and what came before that counts. Raises UsageError."""
    with opened(trace.session, path) as read:
        reader = Reader(read)
        try:
            for frame in mobility_frames(reader):
                yield trace.frame(frame)
        except Malformed as error:
            hint = f"{reader.packets} packets before that were read" if reader.packets else "pcap and pcapng are read"
            trace.errors.append(Notice("malformed", f"{path}: {error}", hint))
        except OSError as error:
            trace.errors.append(Notice("unreadable", f"cannot read {path}: {error.strerror}"))
        strange = sorted(kind for kind in reader.link_types if kind not in NAMES)
        if strange:
            kinds = ", ".join(map(str, strange))
            trace.say(
                "link_type", f"frames of link type {kinds} were not looked into", "capture on the interface itself"
            )
        if reader.dropped:
            trace.say("lost", f"the capture itself lost {reader.dropped} packets: what is missing may be among them")
        if strange or not reader.packets:
            trace.blind = f"there is no packet in {path} that can be looked into"


@contextmanager
def opened(session: Session, path: str) -> Iterator[Read]:
    """Open a capture for reading; raises UsageError."""
    if path == STANDARD_INPUT:
        stream = getattr(session.environment.stdin, "buffer", None)
        if stream is None or session.environment.is_terminal(session.environment.stdin):
            raise UsageError("there is no capture on standard input", "tcpdump -U -w - … | mipsh trace --read -")
        yield stream.read1
        return
    try:
        file = Path(path).expanduser().open("rb", buffering=0)
    except (OSError, ValueError, RuntimeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    with file:
        yield file.read


def is_same(path: str, other: str) -> bool:
    """Tell whether two paths are those of the same file."""
    try:
        return Path(path).expanduser().samefile(Path(other).expanduser())
    except (OSError, ValueError, RuntimeError):
        return False


# Nodes.


def of_node(trace: Trace, longest_s: float) -> Found:
    """Listen on the links and to the engine, for so long or (0) without an end; raises RefusedError, EngineError."""
    with ExitStack() as stack:
        listener = hearing(trace, stack)
        witness = watching(trace, stack, listener)
        where = ["on all links"] if witness is not None else []
        where += [f"to {trace.engine.address}"] if trace.engine is not None else []
        trace.tell(f"listening {f'for {longest_s:g} s' if longest_s else 'until Ctrl-C'}, {' and '.join(where)}")
        if witness is not None:
            stack.callback(count_lost, trace, witness)
        deadline = time.monotonic() + longest_s if longest_s else float("inf")
        while (now := time.monotonic()) < deadline:
            rows = [] if witness is None else heard(trace, witness, min(now + BEAT_S, deadline))
            if listener is not None:
                until = 0.0 if witness is not None else min(now + BEAT_S, deadline)
                told = events(trace, listener, until)
                rows += told or []
                listener = None if told is None else listener
                if witness is None and listener is None:
                    trace.blind = "the engine tells of nothing any more"
                    break
            yield rows + trace.tracer.advance(time.time_ns())


def count_lost(trace: Trace, witness: Witness) -> None:
    """Say how many packets the kernel could not keep, if any."""
    lost = witness.lost
    if lost:
        trace.say("lost", f"{lost} packets came too fast: what is missing may be among them")
        trace.blind = "packets came too fast to be heard"


def hearing(trace: Trace, stack: ExitStack) -> Listener | None:
    """Begin to listen to the engine, where there is one that tells of events; raises what one that was named raises."""
    try:
        connector = trace.session.engine()
        listener = stack.enter_context(connector.listening())
        trace.engine = connector.info
        return listener
    except CapabilityMissing:
        return None
    except MipshError:
        if trace.session.settings.engine or trace.session.connector is not None:
            raise
        return None


def watching(trace: Trace, stack: ExitStack, listener: Listener | None) -> Witness | None:
    """Begin to listen on the links; raises RefusedError where that is not permitted and nothing else is there."""
    try:
        return stack.enter_context(Witness(program=signalling_from_links(with_errors=True)))
    except RefusedError as error:
        if listener is None:
            raise
        trace.say("packets", f"only the engine's events are shown: {error.message}", error.hint)
        return None


def heard(trace: Trace, witness: Witness, until: float) -> Rows:
    """Return what packets tell, those that are there and (before a time) the next one."""
    rows: Rows = []
    for _ in range(MOST_AT_ONCE):
        caught = witness.packet(until)
        if caught is None:
            break
        frame = Frame(caught.time_ns, caught.interface, len(caught.data), caught.data, RAW_IPV6, caught.is_outgoing, 0)
        rows += trace.frame(frame)
        until = 0.0
    return rows


def events(trace: Trace, listener: Listener, until: float) -> Rows | None:
    """Return what the engine tells; None where it does not any more."""
    rows: Rows = []
    try:
        for _ in range(MOST_AT_ONCE):
            event = listener.next(until)
            if event is None:
                break
            rows += trace.tracer.event(event)
            until = 0.0
    except MipshError as error:
        trace.say("engine", f"no more events are heard: {error.message}", error.hint)
        return None
    return rows


# Files.


@contextmanager
def kept(trace: Trace, path: str) -> Iterator[None]:
    """Keep the packets of a trace in a capture file, where one is wanted; raises OutputError."""
    if not path:
        yield
        return
    with written(path, SECRET_MODE) as write:
        trace.writer = Writer(write)
        yield
        trace.writer = None


@contextmanager
def written(path: str, mode: int) -> Iterator[Callable[[bytes], object]]:
    """Write a file, of which everything is there as soon as it is written; raises OutputError."""
    try:
        handle = os.open(Path(path).expanduser(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    except (OSError, ValueError, RuntimeError) as error:
        raise OutputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None
    with os.fdopen(handle, "wb", buffering=0) as file:

        def write(data: bytes) -> None:
            try:
                while data:
                    data = data[file.write(data) or 0 :]
            except OSError as error:
                raise OutputError(f"cannot write {path}: {error.strerror}") from None

        yield write


def names(session: Session) -> dict[str, str]:
    """Return what the user calls addresses: aliases that stand for one."""
    found = {canonical(line.strip()): name for name, line in session.aliases.items()}
    return {address: name for address, name in found.items() if address is not None}


def how(
    session: Session,
    filter: Sequence[str] = (),
    *,
    follow: bool = False,
    read: str = "",
    save: str = "",
    for_: float = 0.0,
    **shown: Unpack[Shown],
) -> list[How]:
    """Say how tcpdump and tshark hear the same."""
    wanted_of(filter)
    chosen = "mipv6 || esp || icmpv6.type in {133, 134, 144..147}"
    seconds = for_ or (0 if follow else USUAL_S)
    end = f"timeout {seconds:g} " if seconds and not read else ""
    lines = [f"tshark -n -r {read} -Y '{chosen}'"] if read else [f"{end}tcpdump -n -i any ip6 -w {save or 'FILE'}"]
    lines += [] if read else [f"tshark -n -r {save or 'FILE'} -Y '{chosen}'"]
    rows = [How("hear what is on the links", "none", line, "RFC 6275") for line in lines]
    step = "put questions and answers together"
    rows.append(How(step, "none", None, "RFC 6275 sections 5.2, 9.5, 11.4, 11.7"))
    rows += [How("draw them", "file", shown["svg"])] if shown.get("svg") else []
    return rows


COMMAND = Command(
    "trace",
    "show mobility signalling: who asked, and what is missing",
    run,
    (
        Argument(
            "filter",
            Takes.ADDRESS,
            "only some: home, cn, bu, rr, be, events, errors, or an address or prefix of an end",
            required=False,
            many=True,
            choices=tuple(WORDS),
        ),
    ),
    (
        Option("--follow", "show it as it comes, without an end", short="-f"),
        Option("--read", "read a capture file, pcap or pcapng; - is standard input", Takes.PATH, "-r", metavar="FILE"),
        Option("--save", "write what was heard into a pcapng file", Takes.PATH, "-w", metavar="FILE"),
        Option("--for", "listen for so long; 10 s without --follow", Takes.SECONDS, metavar="S"),
        Option("--ladder", "draw it: a column for everybody, time running down"),
        Option("--svg", "draw it into a picture", Takes.PATH, metavar="FILE"),
    ),
    table=SIGNALLING.name,
    details=(
        "A row is an exchange: HoTI and HoT, CoTI and CoT, Binding Update and Acknowledgement, the discovery of home "
        "agents and of prefixes, a refresh, an error. What is sent again is counted, a packet that is seen on several "
        "interfaces counts once, and --wide says in a sentence what came of it and, where an answer is missing, what "
        "that can mean. Cookies and tokens are not shown; a file of --save has them, and is for its owner only.\n"
        "On a node, all interfaces are heard (CAP_NET_RAW), filtered in the kernel, and the engine's events beside "
        "them; without the privilege the events alone. Encrypted packets are counted.\n"
        "Status 0; 2: the capture is malformed (what was before that is shown); 3: nothing could be seen; 77: not "
        "permitted."
    ),
    examples=(
        ("trace --follow", "as it comes, until Ctrl-C"),
        ("trace rr 2001:db8:4::2 --for 30", "return routability with one correspondent"),
        ("trace errors --read capture.pcapng --wide", "what went wrong, and what to do"),
        ("trace --read mn.pcap --ladder --svg mn.svg", "as a diagram"),
    ),
    how=how,
    changes=Changes.OWN,
)
