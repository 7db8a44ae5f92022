"""Entering a named network namespace, as ``ip netns`` makes them (setns(2))."""

import ctypes
import os
from pathlib import Path

from mipsh.errors import RefusedError, UsageError

DIRECTORY = "/run/netns"
CLONE_NEWNET = 0x40000000


def names(directory: str = DIRECTORY) -> list[str]:
    """Return the named network namespaces of this machine."""
    try:
        return sorted(entry.name for entry in Path(directory).iterdir())
    except OSError:
        return []


def enter(name: str, directory: str = DIRECTORY) -> None:
    """Move this thread into a network namespace; sockets opened from now on are in it.

    Raises UsageError for a name that is not there, RefusedError without CAP_SYS_ADMIN.
    """
    if "/" in name or name in ("", ".", ".."):
        raise UsageError(f"'{name}' is not the name of a network namespace")
    try:
        handle = os.open(f"{directory}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        known = ", ".join(names(directory)) or "none"
        raise UsageError(f"there is no network namespace '{name}'", f"there are: {known}") from None
    except PermissionError:
        raise RefusedError(f"the network namespace '{name}' may not be opened", "run as root") from None
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, CLONE_NEWNET) != 0:
            reason = os.strerror(ctypes.get_errno())
            raise RefusedError(
                f"cannot enter the network namespace '{name}': {reason}",
                "it needs CAP_SYS_ADMIN: run as root",
            )
    finally:
        os.close(handle)
