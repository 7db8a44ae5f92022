"""The interface that faces the kernel's sockets: packets that programs send come out of it, and go back in (TUN).

The node's addresses are on it, and the namespace's default route leads into it, so that ordinary
programs use them. The kernel does no neighbour discovery there and forms no address of its own.
"""

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

from mipsh.errors import MipshError, RefusedError, UsageError
from mipsh.linux import links
from mipsh.linux.rtnetlink import RtNetlink

DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
HINT = f"it needs {DEVICE} and CAP_NET_ADMIN: run as root, or in a user namespace"
LARGEST = 65_575
BATCH = 64
METRIC = 512
"""The default route's: before those of the kernel's own autoconfiguration."""
Answer = TypeVar("Answer")
QUIET = {"accept_ra": 0, "autoconf": 0, "addr_gen_mode": 1, "dad_transmits": 0, "router_solicitations": 0}


class Tun:
    """An interface of that name in the network namespace that the thread is in; it is gone when it is closed.

    Raises RefusedError without CAP_NET_ADMIN, UsageError where the name is taken.
    """

    def __init__(self, name: str, mtu: int) -> None:
        self.name = name
        self.lost = 0
        self._preferred: dict[bytes, bool] = {}
        self._removals: Counter[bytes] = Counter()
        self._handle = _open(name)
        try:
            fcntl.ioctl(self._handle, TUNSETIFF, struct.pack("=16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
            self._set_up(mtu)
            self._index = socket.if_nametoindex(name)
            self._netlink = RtNetlink()
        except OSError as error:
            os.close(self._handle)
            raise _refused(error, name) from None

    def _set_up(self, mtu: int) -> None:
        """Switch the interface on, with as little of the kernel's own on it as there can be."""
        for setting, value in QUIET.items():
            with contextlib.suppress(OSError):
                links.configure(self.name, setting, value)
        links.configure(self.name, "disable_ipv6", 0)
        links.set_mtu(self.name, mtu)
        links.set_up(self.name)

    def add_address(self, address: bytes, *, is_preferred: bool = False) -> None:
        """Let programs use an address; one that is preferred is what they send from, unless they choose.

        It is marked as a home address then. For an address that is there already, only that changes.
        """
        before = self._preferred.get(address)
        self._preferred[address] = is_preferred
        if before is not is_preferred:
            self._change(address, is_added=True)
        self._set_route()

    def remove_address(self, address: bytes) -> None:
        """Take an address from the programs; harmless where it is not there."""
        if self._preferred.pop(address, None) is not None:
            self._change(address, is_added=False)
            self._set_route()

    def forget_address(self, address: bytes) -> None:
        """Take note that somebody took an address away; should they have given it again, it stays theirs."""
        if self._preferred.pop(address, None) is not None:
            self._ask(partial(self._netlink.remove_local_route, self._index, address), "addresses")
            self._set_route()

    def has_address(self, address: bytes) -> bool:
        """Tell whether the interface has an address now, whoever gave it."""
        return self._ask(partial(self._netlink.has_address, self._index, address), "addresses") or False

    def is_own_removal(self, address: bytes) -> bool:
        """Tell whether it was here that an address was taken away of which the kernel tells now; each time once."""
        if not self._removals[address]:
            del self._removals[address]
            return False
        self._removals[address] -= 1
        return True

    def restore(self) -> None:
        """Give the addresses again, which the kernel forgot while the interface was switched off."""
        self._removals.clear()
        for address in self._preferred:
            self._change(address, is_added=True)
        self._set_route()

    def _change(self, address: bytes, *, is_added: bool) -> None:
        """Add or remove an address; while the interface is switched off, packets for it cannot be taken."""
        is_home = self._preferred.get(address, False)
        change = partial(self._netlink.change_address, self._index, address, is_added=is_added, is_home=is_home)
        if self._ask(change, "addresses") and not is_added:
            self._removals[address] += 1

    def _set_route(self) -> None:
        """Let the default route say what is sent from: the first preferred address, or else the kernel's choice.

        Without an address there is none, and programs hear at once that nothing can be reached. While the
        interface is switched off, there cannot be one.
        """
        source = next((address for address, is_preferred in self._preferred.items() if is_preferred), None)
        if self._preferred:
            self._ask(partial(self._netlink.set_default_route, self._index, METRIC, source), "default route")
        else:
            self._ask(partial(self._netlink.remove_default_route, self._index, METRIC), "default route")

    def _ask(self, question: Callable[[], Answer], what: str) -> Answer | None:
        """Ask the kernel, and return what it says; None while the interface is switched off."""
        try:
            return question()
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise links.explained(error, f"change the {what} of '{self.name}'") from None
            return None

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._handle

    def receive(self, most: int = BATCH) -> list[bytes]:
        """Return the packets that programs sent, at most so many; none when there are no more."""
        packets: list[bytes] = []
        read, handle = os.read, self._handle
        try:
            for _ in range(most):
                packets.append(read(handle, LARGEST))
        except OSError:
            return packets
        return packets

    def send(self, data: bytes) -> bool:
        """Hand a packet to the programs; tell whether the kernel took it."""
        try:
            os.write(self._handle, data)
        except OSError:
            self.lost += 1
            return False
        return True

    def close(self) -> None:
        """Remove the interface; harmless when that is done."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
        self._netlink.close()

    def __enter__(self) -> Self:
        """Return the interface."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove it."""
        self.close()


def _open(name: str) -> int:
    try:
        return os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RefusedError(f"cannot make the interface '{name}': {DEVICE}: {error.strerror}", HINT) from None


def _refused(error: OSError, name: str) -> MipshError:
    if error.errno == errno.EBUSY:
        return UsageError(f"there is an interface '{name}' already", "another node may run in this namespace")
    return links.explained(error, f"make the interface '{name}'")
