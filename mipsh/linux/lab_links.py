"""Network namespaces and the links between them, as a lab needs them: bridges, and cables that can be replugged.

A namespace is named by the path of a file that keeps it alive, as ``ip netns`` does it. What happens
in another namespace happens in a thread of its own, which ends with that. Needs CAP_SYS_ADMIN and
CAP_NET_ADMIN where the namespaces are; a kernel that says no is a RefusedError.
"""

import ctypes
import errno
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from mipsh.errors import MipshError, RefusedError
from mipsh.linux.namespaces import CLONE_NEWNET

MS_BIND, MNT_DETACH = 4096, 2
IPV6_SETTINGS = "/proc/sys/net/ipv6/conf"
Answer = TypeVar("Answer")


class Cable(Struct, frozen=True):
    """A veth pair: a port of a bridge here, and an interface in the namespace at ``path``."""

    port: str
    path: str
    interface: str
    link_layer: str
    bridge: str


def make_namespace(path: str) -> None:
    """Make a network namespace that lasts as long as the file at ``path``; its loopback is up."""

    def make() -> None:
        _call("unshare", CLONE_NEWNET)
        here = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        _call("mount", here.encode(), path.encode(), None, MS_BIND, None)
        _use(lambda kernel: kernel.link("set", index=1, state="up"))

    Path(path).touch(mode=0o600, exist_ok=False)
    try:
        _in_thread(make)
    except MipshError:
        remove_namespace(path)
        raise


def remove_namespace(path: str) -> None:
    """Let go of a namespace: it ends with the last process in it; harmless where there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    while libc.umount2(path.encode(), MNT_DETACH) == 0:
        continue
    Path(path).unlink(missing_ok=True)


def inside(path: str, work: Callable[[], Answer]) -> Answer:
    """Do something in a network namespace and return what comes of it; what it raises is raised here.

    Processes and sockets that it starts stay there.
    """

    def enter_and_work() -> Answer:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", handle, CLONE_NEWNET)
        finally:
            os.close(handle)
        return work()

    return _in_thread(enter_and_work)


def add_bridges(names: Iterable[str]) -> None:
    """Make links of the namespace that one is in: bridges that know no groups, and no IPv6 of their own."""

    def add(kernel: Any) -> None:
        for name in names:
            kernel.link("add", ifname=name, kind="bridge", br_stp_state=0, br_mcast_snooping=0)
            _settle(name)
            kernel.link("set", ifname=name, state="up")

    _use(add)


def plug(cables: Iterable[Cable]) -> None:
    """Connect namespaces with bridges of the one that one is in."""

    def add(kernel: Any) -> None:
        for cable in cables:
            with ExitStack() as stack:
                there = os.open(cable.path, os.O_RDONLY | os.O_CLOEXEC)
                stack.callback(os.close, there)
                peer = {"ifname": cable.interface, "net_ns_fd": there, "address": cable.link_layer}
                kernel.link("add", ifname=cable.port, kind="veth", peer=peer)
            _settle(cable.port)
            _replug(kernel, cable.port, cable.bridge)

    _use(add)


def raise_interfaces(names: Iterable[str]) -> None:
    """Let interfaces of the namespace that one is in take part, without the kernel's IPv6."""

    def raise_all(kernel: Any) -> None:
        for name in names:
            _settle(name)
            kernel.link("set", ifname=name, state="up")

    _use(raise_all)


def replug(port: str, bridge: str, gap_s: float) -> tuple[int, int]:
    """Take a port from its bridge and put it into another one; its interface has no carrier in between.

    Return when it went and when it came, in nanoseconds since 1970.
    """
    moments = []

    def move(kernel: Any) -> None:
        moments.append(time.time_ns())
        kernel.link("set", ifname=port, state="down", master=0)
        time.sleep(gap_s)
        moments.append(time.time_ns())
        _replug(kernel, port, bridge)

    _use(move)
    down, up = moments
    return down, up


def _replug(kernel: Any, port: str, bridge: str) -> None:
    (master,) = kernel.link_lookup(ifname=bridge)
    kernel.link("set", ifname=port, master=master, state="up")


def _settle(interface: str) -> None:
    """Keep the kernel from using IPv6 on an interface."""
    setting = Path(IPV6_SETTINGS, interface, "disable_ipv6")
    # A kernel without IPv6 has no such file, and nothing to keep it from.
    with suppress(FileNotFoundError):
        setting.write_text("1", encoding="ascii")


def _use(work: Callable[[Any], object]) -> None:
    """Talk to this namespace's part of the kernel; raises RefusedError, and MipshError for other answers."""
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with IPRoute() as kernel:
            work(kernel)
    except NetlinkError as error:
        number, reason = error.args[0], os.strerror(error.args[0])
        raise _refused(f"the kernel does not make the link: {reason}", number) from error
    except OSError as error:
        raise _refused(f"the kernel does not make the link: {error}", error.errno) from error


def _call(function: str, *arguments: object) -> None:
    """Call the C library; raises RefusedError where the kernel says no."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, function)(*arguments) != 0:
        number = ctypes.get_errno()
        raise _refused(f"cannot make or enter a network namespace ({function}): {os.strerror(number)}", number)


def _refused(message: str, number: int | None) -> MipshError:
    if number in (errno.EPERM, errno.EACCES):
        return RefusedError(message, "it needs CAP_SYS_ADMIN and CAP_NET_ADMIN: run as root")
    return MipshError(message)


def _in_thread(work: Callable[[], Answer]) -> Answer:
    """Do something in a thread of its own, so that a namespace entered there is left with it."""
    done: list[Answer] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except (MipshError, OSError, ValueError, LookupError) as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="namespace")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
