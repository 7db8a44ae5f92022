"""Tells when interfaces of a network namespace get their link, and when they lose it (carrier and IFF_UP)."""

import errno
import struct
from types import TracebackType
from typing import Self

from mipsh.linux.links import explained
from mipsh.linux.rtnetlink import DUMP, GET_LINK, GROUP_LINK, LinkState, RtNetlink, link_states

MOST = 256
"""How many datagrams are read at once."""


class LinkMonitor:
    """The interfaces of the network namespace that the thread is in; what there is already comes as changes, too."""

    def __init__(self) -> None:
        try:
            self._netlink = RtNetlink(GROUP_LINK)
            self._dump()
        except OSError as error:
            raise explained(error, "listen to the state of the interfaces") from None
        self._known: dict[str, LinkState] = {}

    def _dump(self) -> None:
        """Ask for the state of all interfaces."""
        self._netlink.put(GET_LINK, DUMP, struct.pack("=BxHiII", 0, 0, 0, 0, 0))

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._netlink.fileno()

    def changes(self) -> list[tuple[str, bool]]:
        """Return the interfaces that have a link from now on (True), or none, in the order in which it happened.

        A link that was lost and is back already is told as both, since it may be another one.
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
                self._dump()
                continue
            for state in link_states(data):
                told += self._compare(state)
        return told

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
