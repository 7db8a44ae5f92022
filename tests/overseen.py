"""mipsh in a process in which everything that it does to the world is noted: sockets, netlink, files, processes.

``Overseen`` is the test's side, for as many lines as it likes; run as a program, this is the other one.
"""

import fcntl
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

LONGEST_S = 0.4
"""How long a line may run before it is interrupted, as a person would end a watch."""
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
SETTING = {0x8914, 0x8916, 0x891C, 0x8922, 0x8924, 0x8936, 0x890B, 0x890C, 0x400454CA}
"""The ioctl requests that change an interface, an address, a route, or make a TUN."""
MADE = (
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
)
STARTED = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.kill")
CALLED = {"unshare", "setns", "mount", "umount2"}
OF_ROUTES, GET = 0, 2
QUESTIONS = {4: {20}, 6: {0x12, 0x15, 0x28}, 12: {0xA04, 0xA07, 0xA0A, 0xA0D}}
"""The messages that only ask: of sock_diag, of XFRM (states, policies, defaults), of nf_tables."""
STREAMS = (0, socket.IPPROTO_TCP)
"""The protocols in which engines are talked to; packets that a program makes itself are of others."""


class Seen(NamedTuple):
    """What a line did: its exit status, and what was noted."""

    status: int
    stdout: str
    stderr: str
    events: list[tuple[str, str]]

    def of(self, *kinds: str) -> list[tuple[str, str]]:
        """Return what was noted of some kinds."""
        return [event for event in self.events if event[0] in kinds]


class Overseen:
    """A process that runs lines of mipsh, one after the other, each from its start."""

    def __init__(self, variables: Mapping[str, str], folder: Path) -> None:
        argv = [sys.executable, "-B", "-W", "error", __file__]
        self.process = subprocess.Popen(
            argv,
            env=dict(variables),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *words: str) -> Seen:
        """Run mipsh with the words of a command line."""
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(words) + "\n")
        stdin.flush()
        status, out, err, events = json.loads(stdout.readline())
        return Seen(status, out, err, [(kind, what) for kind, what in events])

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        with self.process as process:
            process.kill()


class Notes:
    """What was noted since it was last asked."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event of the interpreter."""
        if event == "socket.__new__":
            _, family, kind, protocol = arguments
            self._socket(family, kind, protocol)
        elif event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & WRITING and not isinstance(path, int):
                self.note("write", os.fsdecode(path))
        elif event == "fcntl.ioctl":
            if arguments[1] & 0xFFFFFFFF in SETTING:
                self.note("ioctl", hex(arguments[1]))
        elif event == "ctypes.dlsym" and arguments[1] in CALLED:
            self.note("call", str(arguments[1]))
        elif event in MADE:
            self.note("made", f"{event} {arguments[0]}")
        elif event in STARTED:
            self.note("started", f"{event} {arguments[:2]}")

    def _socket(self, family: int, kind: int, protocol: int) -> None:
        if family == socket.AF_PACKET or (kind & 0xF == socket.SOCK_RAW and family != socket.AF_NETLINK):
            self.note("raw", f"{family} {kind} {protocol}")

    def note(self, kind: str, what: str) -> None:
        """Note something."""
        self.events.append((kind, what))

    def taken(self) -> list[tuple[str, str]]:
        """Return what was noted, and begin anew."""
        events, self.events = self.events, []
        return events

    def sent(self, which: socket.socket, data: Any) -> None:
        """Take what goes out by a socket: of netlink, the messages that are not mere questions."""
        if which.family == socket.AF_PACKET or (which.family == socket.AF_INET6 and which.proto not in STREAMS):
            self.note("packet", f"{which.family} {which.type} {which.proto}")
        if which.family != socket.AF_NETLINK:
            return
        rest = bytes(data)
        while len(rest) >= 16:
            length, kind = struct.unpack_from("=IH", rest)
            if not _only_asks(which.proto, kind):
                self.note("netlink", f"{which.proto} {kind}")
            rest = rest[max(length + 3 & ~3, 16) :]


def _only_asks(protocol: int, kind: int) -> bool:
    """Tell whether a netlink message changes nothing."""
    if protocol == OF_ROUTES:
        return kind < 16 or kind % 4 == GET
    return kind in QUESTIONS.get(protocol, ())


def overhear(notes: Notes) -> None:
    """Note what this process does from now on, to its end."""
    send, sendto, sendmsg = socket.socket.send, socket.socket.sendto, socket.socket.sendmsg

    def sends(which: socket.socket, data: Any, *rest: Any) -> int:
        notes.sent(which, data)
        return send(which, data, *rest)

    def sends_to(which: socket.socket, data: Any, *rest: Any) -> int:
        notes.sent(which, data)
        return sendto(which, data, *rest)

    def sends_message(which: socket.socket, buffers: Any, *rest: Any) -> int:
        pieces = list(buffers)
        notes.sent(which, b"".join(map(bytes, pieces)))
        return sendmsg(which, pieces, *rest)

    for name, function in (("send", sends), ("sendto", sends_to), ("sendmsg", sends_message)):
        setattr(socket.socket, name, function)
    sys.addaudithook(notes.hear)


def run(words: Sequence[str]) -> tuple[int, str, str]:
    """Run mipsh once, and interrupt it where it goes on and on."""
    from mipsh.environment import Environment
    from mipsh.process import run as run_mipsh

    out, err = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
        status = int(run_mipsh(words, Environment(os.environ, io.StringIO(), out, err)))
    except KeyboardInterrupt:
        status = 130
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return status, out.getvalue(), err.getvalue()


def main() -> None:
    """Run the lines that come on standard input; answer each with what was seen."""
    notes = Notes()
    overhear(notes)
    answers = os.fdopen(fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 3), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        notes.taken()
        status, out, err = run(json.loads(line))
        answers.write(json.dumps([status, out, err, notes.taken()]) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
