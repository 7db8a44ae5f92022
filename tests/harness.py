"""What tests need to run engines and mipsh: recorded engines on real sockets, mipsh here or as a process.

``Mipsh`` calls the program in this process over text streams of its own; ``Mipsh.start`` runs the real one.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from mipsh.environment import Environment
from mipsh.execute import Runner
from mipsh.node.faults import Trouble
from mipsh.node.vt import Responder, VtServer
from mipsh.process import run
from mipsh.recording import VtOptions, nodes
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.status import ExitStatus

RECORDINGS = Path(__file__).parent / "recordings" / "mip6d-1.0"
FOLDERS = sorted(path.name for path in RECORDINGS.iterdir() if any(path.glob("*.vt.json")))
NODES = [(folder, node) for folder in FOLDERS for node in nodes(RECORDINGS / folder)]
ROUTE_OPTIMISED = "03-route-optimised"
LONGEST_S = 30


class Served(NamedTuple):
    """An engine's terminal that is being served, and the address to name it by."""

    server: VtServer
    uri: str


class Replay:
    """Serves recordings and other responders until the test is over."""

    def __init__(self, enter: Callable[[VtServer], VtServer]) -> None:
        self.enter = enter

    def __call__(self, folder: str, node: str, trouble: Trouble | None = None) -> Served:
        """Serve one recorded node."""
        from mipsh.node.replay import RecordedResponder
        from mipsh.recording import load

        return self.serve(RecordedResponder(load(RECORDINGS / folder, node)), trouble)

    def serve(self, responder: Responder, trouble: Trouble | None = None, path: Path | None = None) -> Served:
        """Serve any responder; over a unix socket when a path is given."""
        server = self.enter(VtServer(responder, trouble=trouble, path=path))
        host, port = server.address
        return Served(server, f"umip://{path}" if path else f"umip://{host}:{port}")


class Scripted:
    """A responder that gives the texts of a mapping; what is not in it is not known."""

    def __init__(self, answers: dict[str, str], listed: tuple[str, ...] = ()) -> None:
        self.answers = answers
        self.listed = listed
        self.asked: list[str] = []

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return the text for a command."""
        self.asked.append(command)
        return self.answers.get(command)

    def words(self) -> tuple[str, ...]:
        """Return what ``help`` lists."""
        return self.listed or tuple(self.answers)


class Terminal(StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@dataclass
class Ran:
    """What one run of mipsh left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON document on standard output."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The data of that document."""
        data = self.document["data"]
        assert isinstance(data, list)
        return data


@dataclass
class Mipsh:
    """Runs mipsh with variables of its own, its files in a folder of its own."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *words: str, stdin: str = "", terminal: bool = False) -> Ran:
        """Run mipsh in this process and return what it left behind."""
        out, err = (Terminal() if terminal else StringIO()), StringIO()
        status = run(words, Environment(self.variables, StringIO(stdin), out, err))
        assert isinstance(status, ExitStatus)
        return Ran(int(status), out.getvalue(), err.getvalue())

    def lines(self, registry: Registry, *lines: str, terminal: bool = False) -> Ran:
        """Run lines in one session, with a registry of the test's own; return the last status."""
        out, err = (Terminal() if terminal else StringIO()), StringIO()
        with Session(Environment(self.variables, StringIO(), out, err), registry) as session:
            runner = Runner(session)
            statuses = [runner.run(line) for line in lines]
        return Ran(int(statuses[-1]), out.getvalue(), err.getvalue())

    def start(self, *words: str, stdout: int | IO[Any] = subprocess.PIPE, **options: Any) -> subprocess.Popen[str]:
        """Start mipsh as a process of its own; the caller waits for it."""
        given = {"stdin": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "cwd": self.home, **options}
        argv = [sys.executable, "-m", "mipsh", *words]
        return subprocess.Popen(argv, stdout=stdout, env=self.variables, **given)

    def process(self, *words: str, **options: Any) -> Ran:
        """Run mipsh as a process of its own to its end."""
        with self.start(*words, **options) as process:
            out, err = process.communicate(timeout=LONGEST_S)
        return Ran(process.returncode, out or "", err or "")

    def shell(self, script: str) -> Ran:
        """Run a shell script in which ``mipsh`` is this mipsh."""
        named = f'mipsh() {{ "{sys.executable}" -m mipsh "$@"; }}\n{script}'
        argv = ["bash", "-c", named]
        done = subprocess.run(
            argv, env=self.variables, cwd=self.home, capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
        return Ran(done.returncode, done.stdout, done.stderr)
