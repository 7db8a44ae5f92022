"""Tells at once what becomes of the links and the global addresses of a network namespace (rtnetlink(7)).

The kernel itself takes note of a carrier that is lost up to a second later; asked, it says how things are.
"""

import errno
import socket
import struct
import time
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.linux.addresses import global_addresses
from mipsh.linux.links import explained
from mipsh.linux.rtnetlink import (
    ADDRESS,
    ADDRESS_FLAGS,
    ADDRESS_LOCAL,
    DELETE_ADDRESS,
    DUMP,
    GET_LINK,
    GROUP_IPV6_ADDRESS,
    GROUP_LINK,
    IPV6_SIZE,
    NEW_ADDRESS,
    LinkState,
    RtNetlink,
    attributes,
    link_states,
    messages,
)
from mipsh.wire.address import text

WHAT = "listen to the state of the interfaces"
OPTIMISTIC, DAD_FAILED, TENTATIVE = 0x04, 0x08, 0x40
MOST = 256
_ADDRESS = struct.Struct("=BBBBi")
_FLAGS = struct.Struct("=I")


class Changed(Struct, frozen=True):
    """A link that came or went, or an address that may be used from now on; ``at`` is of ``time.monotonic``.

    ``address`` is empty for a link. ``is_late`` marks a loss that was known only when the link was back.
    """

    at: float
    interface: str
    is_up: bool = True
    address: str = ""
    is_late: bool = False


class NodeChanges:
    """The links and addresses of the namespace that the thread is in; what there is already is no change.

    Raises MipshError where the kernel does not tell.
    """

    def __init__(self) -> None:
        self._known: dict[str, LinkState] = {}
        self._usable = {one.address for one in global_addresses() if _is_usable(one.flags)}
        self._names = dict(socket.if_nameindex())
        try:
            self._netlink = RtNetlink(GROUP_LINK | GROUP_IPV6_ADDRESS)
        except OSError as error:
            raise explained(error, WHAT) from None
        self.ask()

    def ask(self) -> None:
        """Ask how the links are; what the kernel is still answering before is answer enough."""
        try:
            self._netlink.put(GET_LINK, DUMP, struct.pack("=BxHiII", 0, 0, 0, 0, 0))
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOBUFS, errno.EAGAIN):
                raise explained(error, WHAT) from None

    def changes(self) -> list[Changed]:
        """Return what changed since it was asked before; raises MipshError."""
        found: list[Changed] = []
        for _ in range(MOST):
            try:
                data = self._netlink.receive()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise explained(error, WHAT) from None
                self.ask()
                continue
            now = time.monotonic()
            for state in link_states(data):
                found += self._compare(state, now)
            found += self._addresses(data, now)
        return found

    def _compare(self, state: LinkState, now: float) -> list[Changed]:
        before = self._known.get(state.name)
        self._known[state.name] = state
        if before is None:
            return []
        if state.is_up and before.is_up and state.downs != before.downs:
            return [Changed(now, state.name, False, is_late=True), Changed(now, state.name)]
        return [Changed(now, state.name, state.is_up)] if state.is_up != before.is_up else []

    def _addresses(self, data: bytes, now: float) -> list[Changed]:
        """Return the addresses of a datagram that were not usable before; those that went are not any more."""
        found = []
        for kind, body in messages(data):
            if kind not in (NEW_ADDRESS, DELETE_ADDRESS) or len(body) < _ADDRESS.size:
                continue
            family, _, few, scope, index = _ADDRESS.unpack_from(body)
            said = attributes(body[_ADDRESS.size :])
            address = said.get(ADDRESS_LOCAL) or said.get(ADDRESS, b"")
            if family != socket.AF_INET6 or scope or len(address) != IPV6_SIZE:
                continue
            many = said.get(ADDRESS_FLAGS, b"")
            flags = _FLAGS.unpack(many)[0] if len(many) == _FLAGS.size else few
            is_usable = kind == NEW_ADDRESS and (not flags & (TENTATIVE | DAD_FAILED) or bool(flags & OPTIMISTIC))
            if is_usable and text(address) not in self._usable:
                found.append(Changed(now, self._name(index), address=text(address)))
            (self._usable.add if is_usable else self._usable.discard)(text(address))
        return found

    def _name(self, index: int) -> str:
        return self._names.get(index, "")

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._netlink.fileno()

    def close(self) -> None:
        """Hear no more; harmless when that is done."""
        self._netlink.close()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _is_usable(flags: tuple[str, ...]) -> bool:
    return "dadfailed" not in flags and ("tentative" not in flags or "optimistic" in flags)
