"""What was done to a node, written down before and after, for its owner's eyes.

One JSON object a line; a change has a ``begin`` and an ``end`` with the same id, and one that was
killed has no end. No key is ever in it. The file is the user's own, mode 0600, and only grows.
"""

import os
import secrets
import socket
import stat
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import DecodeError, Struct, ValidationError, json

from mipsh.errors import RefusedError
from mipsh.model.secrets import without_secrets
from mipsh.session import Session

MOST_BYTES = 8 * 1024 * 1024
LONGEST = 4096
MODE, FOLDER_MODE = 0o600, 0o700
FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Entry(Struct, frozen=True, omit_defaults=True):
    """A line of the file; ``phase`` is begin or end. Times are RFC 3339, in UTC."""

    time: str
    id: str
    phase: str
    user: str = ""
    uid: int = -1
    sudo_user: str = ""
    pid: int = -1
    host: str = ""
    netns: str = ""
    engine: str = ""
    command: str = ""
    steps: tuple[str, ...] = ()
    before: str = ""
    after: str = ""
    status: int | None = None
    result: str = ""


class Changed(Struct, frozen=True):
    """A change: its beginning, and its end where one was written."""

    begin: Entry
    end: Entry | None


def begin(session: Session, steps: Sequence[str], before: str = "") -> str:
    """Write down that a change begins; return its id. Raises RefusedError where it cannot be: then nothing is done."""
    info = session.connector.info if session.connector is not None else None
    entry = Entry(
        _now(),
        secrets.token_hex(6),
        "begin",
        user=_user(),
        uid=os.getuid(),
        sudo_user=session.environment.variables.get("SUDO_USER", ""),
        pid=os.getpid(),
        host=socket.gethostname(),
        netns=session.netns or "",
        engine=info.address if info is not None else "",
        command=_text(without_secrets(session.line)),
        steps=tuple(map(_text, steps)),
        before=_text(before),
    )
    path = Path(session.environment.audit_file())
    try:
        _append(path, entry)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RefusedError(
            f"nothing is done, since it cannot be written down in {path}: {reason}",
            "every change to a node is kept there, for its owner alone",
        ) from None
    return entry.id


def end(session: Session, id: str, *, status: int, result: str, after: str = "") -> bool:
    """Write down how a change ended; where it cannot be, warn, and return False: what was done is done."""
    path = Path(session.environment.audit_file())
    entry = Entry(_now(), id, "end", after=_text(after), status=status, result=_text(result))
    try:
        _append(path, entry)
    except OSError as error:
        reason = error.strerror or str(error)
        session.environment.warn(f"mipsh: warning: the end of the change is not written down in {path}: {reason}")
        return False
    return True


def read(path: Path) -> tuple[list[Changed], int]:
    """Return the changes in a file, the oldest first, and how many of its lines could not be read.

    Of a file that is very long, its newest part. Raises RefusedError for one that cannot be read, or
    that is not the user's alone.
    """
    try:
        handle = os.open(path, os.O_RDONLY | FLAGS)
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise RefusedError(f"cannot read {path}: {error.strerror}") from None
    try:
        _check(handle)
        size = os.fstat(handle).st_size
        lines = os.pread(handle, MOST_BYTES, max(size - MOST_BYTES, 0)).splitlines()
    except OSError as error:
        raise RefusedError(f"cannot read {path}: {error.strerror or error}") from None
    finally:
        os.close(handle)
    return changes(lines[1 if size > MOST_BYTES else 0 :])


def changes(lines: Iterable[bytes]) -> tuple[list[Changed], int]:
    """Put the beginnings and ends of lines together; return them, and how many lines could not be read."""
    begun: dict[str, Changed] = {}
    unread = 0
    for line in filter(bytes.strip, lines):
        try:
            entry = json.decode(line, type=Entry)
        except (DecodeError, ValidationError, UnicodeDecodeError):
            unread += 1
            continue
        started = begun.get(entry.id)
        if entry.phase == "begin" and started is None:
            begun[entry.id] = Changed(entry, None)
        elif entry.phase == "end" and started is not None and started.end is None:
            begun[entry.id] = Changed(started.begin, entry)
        else:
            unread += 1
    return list(begun.values()), unread


def _append(path: Path, entry: Entry) -> None:
    """Add a line in one write; raises OSError, also for a file that is not the user's alone."""
    path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | FLAGS, MODE)
    try:
        _check(handle)
        size = os.fstat(handle).st_size
        is_cut_off = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        line = b"\n" * is_cut_off + json.encode(entry) + b"\n"
        if os.write(handle, line) != len(line):
            raise OSError("there is no room for a whole line")
    finally:
        os.close(handle)


def _check(handle: int) -> None:
    """Refuse a file that others own, write or read; raises OSError."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is not a regular file")
    if found.st_uid != os.geteuid():
        raise OSError(f"it belongs to user {found.st_uid}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise OSError(f"others may use it (mode {stat.S_IMODE(found.st_mode):04o}; 'chmod 600' it)")


def _text(text: str) -> str:
    """Return a text as it can be written: not too long, and what is no character as its number."""
    return text[:LONGEST].encode(errors="backslashreplace").decode()


def _user() -> str:
    """Return the name of the user, empty where there is none for the number."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _now() -> str:
    return datetime.fromtimestamp(time.time(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
