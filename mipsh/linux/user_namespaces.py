"""A user namespace for this process, in which an ordinary user may make network namespaces and mounts.

The whole process goes there, for good, and must have one thread only. In there its user is root, which
outside is still that user. Raises RefusedError where the kernel does not allow it.
"""

import ctypes
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from mipsh.errors import RefusedError
from mipsh.linux.processes import Process, is_alive, namespace_of

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_SLAVE = 0x4000, 0x80000
PROC = Path("/proc")
HINT = "run as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces)"
THREADS_HINT = "the shell has begun other threads: type the command outside of the shell, as mipsh lab ..."


def outer_uid() -> int:
    """Return this process's user as it was before any user namespace."""
    uid = os.geteuid()
    try:
        lines = (PROC / "self" / "uid_map").read_text(encoding="ascii").splitlines()
    except OSError:
        return uid
    for line in lines:
        inside, outside, length = map(int, line.split())
        if inside <= uid < inside + length:
            return outside + uid - inside
    return uid


def check() -> None:
    """Find out in a process of its own whether ``make`` would work; raises RefusedError where it would not."""
    import subprocess

    argv = [sys.executable, "-P", "-c", f"from {__name__} import make; make()"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise RefusedError("user namespaces are not allowed", HINT)


def make() -> None:
    """Go into a new user namespace and a new mount namespace."""
    uid, gid = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    try:
        (PROC / "self" / "setgroups").write_text("deny", encoding="ascii")
        (PROC / "self" / "uid_map").write_text(f"0 {uid} 1", encoding="ascii")
        (PROC / "self" / "gid_map").write_text(f"0 {gid} 1", encoding="ascii")
    except OSError as error:
        raise RefusedError(f"a user namespace cannot be used: {error.strerror}", HINT) from error
    _call("mount", None, b"/", None, MS_REC | MS_SLAVE, None)


def is_in(process: Process) -> bool:
    """Tell whether this process is in the user namespace of another one."""
    return namespace_of(os.getpid(), "user") == namespace_of(process.pid, "user")


def enter(process: Process) -> None:
    """Go into the user namespace and the mount namespace of another process; nothing where one is there already."""
    if is_in(process):
        return
    if not is_alive(process):
        raise _gone()
    with ExitStack() as stack:
        handles = []
        for kind, flag in (("user", CLONE_NEWUSER), ("mnt", CLONE_NEWNS)):
            try:
                handle = os.open(PROC / str(process.pid) / "ns" / kind, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                raise _gone() from None
            stack.callback(os.close, handle)
            handles.append((handle, flag))
        folder = Path.cwd()
        for handle, flag in handles:
            _call("setns", handle, flag)
        os.chdir(folder)


def _gone() -> RefusedError:
    hint = "'mipsh lab down' removes what is left"
    return RefusedError("the process that keeps the lab's namespaces is gone", hint)


def _call(function: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        hint = THREADS_HINT if len(list((PROC / "self" / "task").iterdir())) > 1 else HINT
        raise RefusedError(f"a user namespace cannot be used ({function}): {reason}", hint)
