"""Recordings of an engine: a folder with, for each node N, what N's virtual terminal said.

``N.vt.json`` is a JSON list of ``[command, reply, seconds]`` in the order typed over one
connection. A reply is the exact bytes, a character a byte (Latin-1), its terminating NUL included;
the first one begins with the greeting. Files are read as text from outside: nothing in one is
trusted, and whatever is wrong with it is a UsageError that names the file.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from mipsh.errors import OutputError, UsageError

PROMPT = "mip6d> "
SUFFIX = ".vt.json"
LARGEST_FILE = 64 * 1024 * 1024

_SGR = re.compile("\x1b\\[[0-9;]*m")
_FORMAT = 'expected a JSON list of ["command", "reply", seconds], every reply ended by NUL'
_LAYOUT = f"a recording is a folder with one NODE{SUFFIX} for each node"


class VtOptions(Struct, frozen=True):
    """The options of one terminal connection; the defaults are those of a new TCP connection."""

    prompt: bool = True
    verbose: bool = False
    fancy: bool = True


class Exchange(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One command, the reply to the last byte (Latin-1, NUL included), how long it took."""

    command: str
    reply: str
    seconds: float


class Said(Struct, frozen=True):
    """What the engine said under which options: the reply without greeting, prompt and NUL."""

    options: VtOptions
    body: str


class Recording(Struct, frozen=True):
    """What one node said over one connection, in the order asked."""

    node: str
    exchanges: list[Exchange]

    def said(self) -> dict[str, list[Said]]:
        """Return every body by its command (words joined by one space), in the order recorded."""
        found: dict[str, list[Said]] = {}
        options = VtOptions()
        for index, exchange in enumerate(self.exchanges):
            body = exchange.reply.removesuffix("\0")
            if index == 0:
                body = body.removeprefix(PROMPT)
            command = " ".join(exchange.command.split())
            options = _options_after(options, command, body)
            if options.prompt:
                body = body.removesuffix(PROMPT)
            found.setdefault(command, []).append(Said(options, body))
        return found

    def answers(self, command: str, options: VtOptions) -> str | None:
        """Return the body for a command as ``nearest`` picks it; None when it was never asked."""
        return nearest(self.said().get(" ".join(command.split()), ()), options)


def nearest(said: Sequence[Said], options: VtOptions) -> str | None:
    """Return the body said under the options most like these, None when there is none.

    The same ``verbose`` counts most, then ``fancy``, then ``prompt``; among equals the latest
    stands. Without ``fancy`` the body loses its SGR escapes.
    """
    if not said:
        return None

    def likeness(index: int) -> tuple[bool, bool, bool, int]:
        had = said[index].options
        return (
            had.verbose == options.verbose,
            had.fancy == options.fancy,
            had.prompt == options.prompt,
            index,
        )

    body = said[max(range(len(said)), key=likeness)].body
    return body if options.fancy else _SGR.sub("", body)


def nodes(directory: str | os.PathLike[str]) -> list[str]:
    """Return the names of the nodes recorded in a folder, sorted; at least one, else UsageError."""
    try:
        found = sorted(
            entry.name.removesuffix(SUFFIX)
            for entry in Path(directory).iterdir()
            if entry.name.endswith(SUFFIX) and not entry.name.startswith(".") and entry.is_file()
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the recording '{os.fspath(directory)}': {_why(error)}", _LAYOUT) from error
    if not found:
        raise UsageError(f"'{os.fspath(directory)}' holds no recording: no file NODE{SUFFIX} in it", _LAYOUT)
    return found


def load(directory: str | os.PathLike[str], node: str) -> Recording:
    """Read the recording of one node; UsageError names the file and what was expected of it."""
    known = nodes(directory)
    if node not in known:
        raise UsageError(
            f"'{os.fspath(directory)}' holds no recording of the node '{node}'",
            f"nodes recorded there: {', '.join(known)}",
        )
    file = Path(directory) / f"{node}{SUFFIX}"
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {_why(error)}") from error
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{file} is too large: expected at most {LARGEST_FILE} bytes")
    try:
        exchanges = msgspec.json.decode(data, type=list[Exchange])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not a recording: {error}", _FORMAT) from error
    for index, exchange in enumerate(exchanges):
        fault = _fault(exchange, first=index == 0)
        if fault:
            raise UsageError(f"{file} is not a recording: exchange {index}: {fault}", _FORMAT)
    return Recording(node, exchanges)


def save(directory: str | os.PathLike[str], recording: Recording) -> Path:
    """Write a recording whole or not at all, and return its file (0600; a new folder is 0700).

    Raises UsageError for a node whose name cannot name a file, OutputError when writing fails.
    """
    node = recording.node
    if not node or node.startswith(".") or "/" in node or "\0" in node:
        raise UsageError(f"'{node}' cannot name a node's file", "expected a name without '/' and leading '.'")
    file = Path(directory) / f"{node}{SUFFIX}"
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(file, msgspec.json.encode(recording.exchanges) + b"\n")
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write {file}: {_why(error)}") from error
    return file


def _replace(file: Path, data: bytes) -> None:
    import tempfile

    descriptor, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=file.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _options_after(options: VtOptions, command: str, body: str) -> VtOptions:
    """Return the options after a command: the engine's answer to one that asks or sets says them."""
    name = command.partition(" ")[0]
    answer = body.removesuffix(PROMPT)
    if name in VtOptions.__struct_fields__ and answer in ("yes\n", "no\n"):
        return msgspec.structs.replace(options, **{name: answer == "yes\n"})
    return options


def _fault(exchange: Exchange, first: bool) -> str:
    """Return what is wrong with an exchange, empty when nothing is."""
    try:
        exchange.reply.encode("latin-1")
        exchange.command.encode("latin-1")
    except UnicodeEncodeError:
        return "expected a character a byte (Latin-1)"
    if any(sign in exchange.command for sign in "\r\n\0"):
        return "expected a command on one line"
    if exchange.reply.find("\0") != len(exchange.reply) - 1 or not exchange.reply:
        return "expected a reply with one NUL, at its end"
    if first and not exchange.reply.startswith(PROMPT):
        return f"expected the first reply to begin with the greeting '{PROMPT}'"
    return ""


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
