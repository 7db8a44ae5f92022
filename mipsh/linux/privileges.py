"""Gives up the privileges of the process, for good, but for those that a running node needs (capabilities(7)).

CAP_NET_ADMIN stays for addresses and routes of the TUN interface, CAP_NET_RAW for the packet sockets.
Nothing that the process starts gets more than it has.
"""

import ctypes
import errno
import os
import pwd
import struct
from collections.abc import Iterable
from enum import Enum

from mipsh.errors import RefusedError, UsageError

CAP_NET_ADMIN, CAP_NET_RAW = 12, 13
KEPT = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW
LAST_CAPABILITY = 63
PR_SET_KEEPCAPS, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 8, 24, 38, 47, 4
VERSION_3 = 0x20080522
_HEADER = struct.Struct("=Ii")
_SETS = struct.Struct("=6I")
"""Effective, permitted and inheritable capabilities: the lower 32 bits of each, then the upper ones."""


class Need(Enum):
    """A capability that a step of a change needs."""

    NET_ADMIN = CAP_NET_ADMIN
    NET_RAW = CAP_NET_RAW


def require(needs: Iterable[Need], what: str) -> None:
    """Say what the process may not do, and how it may; raises RefusedError."""
    has = permitted()
    missing = [f"CAP_{need.name}" for need in dict.fromkeys(needs) if not has >> need.value & 1]
    if missing:
        names = ",".join(name.lower() for name in missing)
        raise RefusedError(
            f"{what} needs {' and '.join(missing)}, and this process has not",
            f"run mipsh with sudo, or give its Python the capability: setcap {names}+ep FILE",
        )


def user_id(name: str) -> int:
    """Return the number of a user; raises UsageError."""
    return _entry(name).pw_uid


def permitted() -> int:
    """Return the capabilities that the process has, as bits."""
    sets = ctypes.create_string_buffer(_SETS.size)
    _call("capget", _HEADER.pack(VERSION_3, 0), sets)
    low, high = _SETS.unpack(sets.raw)[1::3]
    return int(low | high << 32)


def drop(user: str | None = None) -> None:
    """Become a user, where one is named, and keep nothing but ``KEPT``; raises UsageError, RefusedError."""
    entry = None if user is None else _entry(user)
    kept = permitted() & KEPT
    try:
        _bound()
        if entry is not None and entry.pw_uid != os.getuid():
            _become(entry)
        _call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        _call("capset", _HEADER.pack(VERSION_3, 0), _SETS.pack(kept, kept, 0, 0, 0, 0))
        _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    except OSError as error:
        whom = "give up privileges" if user is None else f"become the user '{user}'"
        raise RefusedError(f"cannot {whom}: {error.strerror}", "start it as root, or leave 'user' out") from None


def _entry(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise UsageError(f"there is no user '{name}'", "add the user, or name another one with 'user'") from None


def _bound() -> None:
    """Let no program that is run from here get more; a process that may not say so gets no more itself."""
    for capability in range(LAST_CAPABILITY + 1):
        if KEPT >> capability & 1:
            continue
        try:
            _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EPERM):
                return
            raise


def _become(entry: pwd.struct_passwd) -> None:
    _call("prctl", PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid)
    os.setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid)


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library that returns a negative number when it failed; raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    passed = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in arguments]
    if library[name](*passed) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
