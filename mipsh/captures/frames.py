"""A frame as a capture has it, and where in it an IPv6 packet begins, by its link type (tcpdump.org/linktypes.html)."""

from collections.abc import Callable, Mapping

from msgspec import Struct

NULL, ETHERNET, RAW_BSD, RAW_OPENBSD, RAW_IP = 0, 1, 12, 14, 101
LOOP, LINUX_COOKED, RAW_IPV6, LINUX_COOKED_2 = 108, 113, 229, 276
NAMES: Mapping[int, str] = {
    NULL: "BSD loopback",
    ETHERNET: "Ethernet",
    RAW_BSD: "raw IP",
    RAW_OPENBSD: "raw IP",
    RAW_IP: "raw IP",
    LOOP: "OpenBSD loopback",
    LINUX_COOKED: "Linux cooked",
    RAW_IPV6: "raw IPv6",
    LINUX_COOKED_2: "Linux cooked v2",
}
"""The link types whose frames can be looked into."""
NOT_HERE, NOT_LOOKED_FOR = -1, -2
"""Where the packet begins in a frame that holds none, or in which it was not looked for."""

MOST_TAGS = 4
_IPV6 = b"\x86\xdd"
_TAGS = frozenset((b"\x81\x00", b"\x88\xa8", b"\x91\x00"))
_FAMILIES = frozenset((24, 28, 30, 10))
"""What different systems call IPv6 (AF_INET6) in front of a loopback's packets."""
_OUTGOING = 4
"""The packet type of Linux cooked frames that this host sent."""

Wanted = Callable[[int, bytes, int, int], int]
"""Returns, by link type, where the packet begins in a frame ``data[start:end]`` that is wanted; else NOT_HERE."""


class Frame(Struct, frozen=True, gc=False):
    """A frame of a capture.

    ``time_ns`` is nanoseconds since 1970, None where the capture does not say. ``interface`` is the
    capture's name of the interface, empty for none. ``length`` is how long the frame was on the link;
    ``data`` may be less of it. ``outgoing`` is None where the capture does not say. ``at`` is where the
    packet begins, where somebody has looked.
    """

    time_ns: int | None
    interface: str
    length: int
    data: bytes
    link_type: int
    outgoing: bool | None = None
    at: int = NOT_LOOKED_FOR

    @property
    def is_cut(self) -> bool:
        """Whether the end of the frame was not captured."""
        return len(self.data) < self.length

    @property
    def ipv6(self) -> bytes | None:
        """The IPv6 packet in the frame, with what may be behind it; None where there is none."""
        at = self.at
        if at == NOT_LOOKED_FOR:
            at = locate(self.link_type, self.data, 0, len(self.data))
        return None if at == NOT_HERE else self.data[at:]

    @property
    def place(self) -> str:
        """The interface, by its number where only that is known; empty where not even that is."""
        if not self.interface and self.link_type == LINUX_COOKED_2 and len(self.data) >= 8:
            return f"if{int.from_bytes(self.data[4:8])}"
        return self.interface

    @property
    def is_outgoing(self) -> bool | None:
        """Whether this host sent it, by what the capture says or the frame itself; None where neither does."""
        if self.outgoing is None and self.link_type == LINUX_COOKED and len(self.data) >= 2:
            return self.data[1] == _OUTGOING
        if self.outgoing is None and self.link_type == LINUX_COOKED_2 and len(self.data) > 10:
            return self.data[10] == _OUTGOING
        return self.outgoing


def locate(link_type: int, data: bytes, start: int, end: int) -> int:
    """Return where in ``data[start:end]`` the IPv6 packet begins; NOT_HERE where there is none."""
    if link_type == ETHERNET:
        at = start + 14
        kind = data[start + 12 : at]
        if kind != _IPV6:
            at = _behind_tags(data, kind, at, end)
    else:
        locator = _LOCATORS.get(link_type)
        at = NOT_HERE if locator is None else locator(data, start, end)
    return at if 0 <= at < end and data[at] >> 4 == 6 else NOT_HERE


def _behind_tags(data: bytes, kind: bytes, at: int, end: int) -> int:
    """Return where the packet begins behind VLAN tags (IEEE 802.1Q), ``kind`` being the type before ``at``."""
    for _ in range(MOST_TAGS):
        if kind not in _TAGS or at + 4 > end:
            break
        kind = data[at + 2 : at + 4]
        at += 4
    return at if kind == _IPV6 else NOT_HERE


def _cooked(data: bytes, start: int, end: int) -> int:
    return _behind_tags(data, data[start + 14 : start + 16], start + 16, end)


def _cooked_2(data: bytes, start: int, end: int) -> int:
    return _behind_tags(data, data[start : start + 2], start + 20, end)


def _loopback(data: bytes, start: int, end: int) -> int:
    family = data[start : min(start + 4, end)]
    known = int.from_bytes(family) in _FAMILIES or int.from_bytes(family, "little") in _FAMILIES
    return start + 4 if known else NOT_HERE


def _raw(data: bytes, start: int, end: int) -> int:
    return start


_LOCATORS: Mapping[int, Callable[[bytes, int, int], int]] = {
    NULL: _loopback,
    LOOP: _loopback,
    LINUX_COOKED: _cooked,
    LINUX_COOKED_2: _cooked_2,
    RAW_BSD: _raw,
    RAW_OPENBSD: _raw,
    RAW_IP: _raw,
    RAW_IPV6: _raw,
}
