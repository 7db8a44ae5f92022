"""Tells when interfaces of a network namespace get their link, and when they lose it (carrier and IFF_UP).

Of one interface it also tells which IPv6 addresses come and go while it is on. Those that go because it
is switched off are not told: they are all gone.
"""

import errno
import socket
import struct
from types import TracebackType
from typing import Self

from mipsh.linux.links import explained
from mipsh.linux.rtnetlink import (
    DUMP,
    GET_LINK,
    GROUP_IPV6_ADDRESS,
    GROUP_LINK,
    AddressState,
    LinkState,
    RtNetlink,
    address_states,
    link_states,
)

MOST = 256
"""How many datagrams are read at once."""


class LinkMonitor:
    """The interfaces of the network namespace that the thread is in; what there is already comes as changes, too.

    The addresses of ``watched`` are told from now on.
    """

    def __init__(self, watched: str | None = None) -> None:
        self._watched = watched
        self._addresses: list[tuple[bytes, bool]] = []
        self._known: dict[str, LinkState] = {}
        try:
            self._index = 0 if watched is None else socket.if_nametoindex(watched)
            self._netlink = RtNetlink(GROUP_LINK if watched is None else GROUP_LINK | GROUP_IPV6_ADDRESS)
            self._dump()
        except OSError as error:
            raise explained(error, "listen to the state of the interfaces") from None

    def _dump(self) -> None:
        """Ask for the state of all interfaces."""
        self._netlink.put(GET_LINK, DUMP, struct.pack("=BxHiII", 0, 0, 0, 0, 0))

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._netlink.fileno()

    def changes(self) -> list[tuple[str, bool]]:
        """Return the interfaces that have a link from now on (True), or none, in the order in which it happened.

        A link that was lost and is back already is told as both, since it may be another one. Where some
        of what happened did not get through, the one that is watched is told so, too: its addresses may
        be others.
        """
        told: list[tuple[str, bool]] = []
        for _ in range(MOST):
            try:
                data = self._netlink.receive()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise explained(error, "listen to the state of the interfaces") from None
                told += self._missed()
                continue
            for state in link_states(data):
                told += self._compare(state)
            self._addresses += [(state.address, state.is_there) for state in address_states(data) if self._tells(state)]
        return told

    def addresses(self) -> list[tuple[bytes, bool]]:
        """Return the addresses that came (True) and went, in order, as ``changes`` found them."""
        told, self._addresses = self._addresses, []
        return told

    def _tells(self, state: AddressState) -> bool:
        link = self._known.get(self._watched or "")
        return state.index == self._index and (link is None or link.is_up)

    def _missed(self) -> list[tuple[str, bool]]:
        self._dump()
        link = self._known.get(self._watched or "")
        return [] if link is None or not link.is_up else [(link.name, False), (link.name, True)]

    def _compare(self, state: LinkState) -> list[tuple[str, bool]]:
        before = self._known.get(state.name, LinkState(state.name, False))
        self._known[state.name] = state
        if state.is_up and before.is_up:
            return [(state.name, False), (state.name, True)] if state.downs != before.downs else []
        return [(state.name, state.is_up)] if state.is_up != before.is_up else []

    def close(self) -> None:
        """Close the socket; harmless when that is done."""
        self._netlink.close()

    def __enter__(self) -> Self:
        """Return the monitor."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
