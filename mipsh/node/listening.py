"""Listening sockets: made so that nobody else gets in, with errors that say what to do."""

import errno
import os
import socket
import stat
from contextlib import ExitStack
from pathlib import Path

from mipsh.errors import EngineError, MipshError, RefusedError, UsageError

FOLDER_MODE, SOCKET_MODE = 0o700, 0o600
OTHERS = 0o077

_BACKLOG = 16
_TAKEN_HINT = "another program listens there ('ss -ltnxp' tells which); port 0 takes a free one"
_BARRED_HINT = "ports below 1024 and other people's folders need a privilege; choose another place"


def listen_tcp(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; raises RefusedError, UsageError or EngineError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return _listen(socket.socket(family, kind, protocol), address)
    except (OSError, ValueError) as error:
        raise _refusal(f"{host} port {port}", error) from error


def listen_unix(path: Path) -> socket.socket:
    """Return a socket that listens at a path, for its owner only; raises as ``listen_tcp`` does.

    A socket that a dead server left behind is replaced; one that is listened on is not.
    """
    try:
        if _is_stale(path):
            path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        # Linux gives the new file the mode that its socket has when it is bound.
        os.fchmod(listener.fileno(), SOCKET_MODE)
        return _listen(listener, os.fspath(path))
    except (OSError, ValueError) as error:
        raise _refusal(str(path), error) from error


def _listen(listener: socket.socket, address: str | tuple[object, ...]) -> socket.socket:
    """Return the socket listening; closed when it cannot."""
    with ExitStack() as undo:
        undo.enter_context(listener)
        if listener.family != socket.AF_UNIX:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind(address)
        listener.listen(_BACKLOG)
        undo.pop_all()
    return listener


def _is_stale(path: Path) -> bool:
    """Tell whether a socket's file was left behind by a server that is gone."""
    if not path.is_socket():
        return False
    # A datagram socket cannot connect to a stream one, but is told whether there is one: the probe
    # does not take a living server's only slot.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(os.fspath(path)) == errno.ECONNREFUSED


def _refusal(place: str, error: OSError | ValueError) -> MipshError:
    """Return the error for a place that cannot be listened on."""
    number = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    message = f"cannot listen on {place}: {reason}"
    if number == errno.EADDRINUSE:
        return RefusedError(message, _TAKEN_HINT)
    if number in (errno.EACCES, errno.EPERM):
        return RefusedError(message, _BARRED_HINT)
    elsewhere = (None, errno.EADDRNOTAVAIL, errno.ENOENT, errno.ENOTDIR)
    if number in elsewhere or isinstance(error, socket.gaierror):
        return UsageError(message, "expected an address of this machine, or a path in a folder that exists")
    return EngineError(message)


def prepare_folder(folder: Path) -> None:
    """Make a folder for the owner only; raises RefusedError where others may enter it or it cannot be made."""
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise _refusal(str(folder), error) from error
    if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & OTHERS:
        raise RefusedError(
            f"cannot listen in {folder}: others may enter it",
            f"it must be its owner's alone (chmod 0700 {folder}), or name another place",
        )
