"""Starting what is measured: programs to their end, programs to their prompt, engines to ask."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
PYTHON = sys.executable
MIPSH = str(Path(sys.executable).with_name("mipsh"))
LITECLI = str(ROOT / ".venv-bench" / "bin" / "litecli")

LONGEST_S = 60.0
ASKS_WHERE = b"\x1b[6n"
TELLS_WHERE = b"\x1b[1;1R"
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()=>].?)")


@contextmanager
def home() -> Iterator[dict[str, str]]:
    """Yield the environment of a user who has just arrived: an empty home folder, a plain terminal."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"HOME": folder, "PATH": os.defpath, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}


def run_s(words: Sequence[str], environment: dict[str, str]) -> float:
    """Return the seconds from starting a program to its end; its output is read and thrown away."""
    began = time.perf_counter()
    with subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        if process.stdout is None:
            raise OSError("no pipe")
        while process.stdout.read(1 << 20):
            continue
    taken = time.perf_counter() - began
    if process.returncode:
        raise OSError(f"{words} ended with status {process.returncode}")
    return taken


def prompt_s(words: Sequence[str], prompt: bytes, environment: dict[str, str]) -> float:
    """Return the seconds from starting a program on a terminal of its own until its prompt stands there."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(words[0], list(words), environment)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        return _until(terminal, prompt, began) - began
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _until(terminal: int, prompt: bytes, began: float) -> float:
    """Read to the prompt, answering as a terminal does when it is asked where its cursor is."""
    seen = b""
    while time.perf_counter() - began < LONGEST_S:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        piece = _read(terminal)
        if not piece:
            break
        seen += piece
        if ASKS_WHERE in piece:
            os.write(terminal, TELLS_WHERE)
        if prompt in ESCAPES.sub(b"", seen):
            return time.perf_counter()
    raise OSError(f"no {prompt!r} in {seen!r}")


def _read(terminal: int) -> bytes:
    """Return what the program wrote, nothing once it has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


@contextmanager
def serving(words: Sequence[str]) -> Iterator[str]:
    """Start a program that serves an engine and prints its port; yield the engine's address."""
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipe")
        try:
            yield f"umip://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()
