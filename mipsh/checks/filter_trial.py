"""A packet that a packet filter is asked about: never sent, and of which some may be left open.

It is looked at as the kernel does (net/ipv6/exthdrs_core.c ipv6_find_hdr(), net/netfilter/nft_meta.c,
nft_payload.c, nft_exthdr.c, nft_ct.c).
"""

import struct
from collections.abc import Mapping

from msgspec import Struct

from mipsh.checks.filter_values import Word, unknown_word, word

FRAGMENT, AUTHENTICATION, NOTHING = 44, 51, 59
EXTENSIONS = frozenset((0, 43, FRAGMENT, AUTHENTICATION, 60))
IPV6, LONGEST_CHAIN, HEADER = 10, 32, 40
NETWORK, TRANSPORT = 1, 2
STATES = {"invalid": 1, "established": 2, "related": 4, "new": 8, "untracked": 64}
"""The bits of ``ct state``, which those of the match of x_tables agree with, but for untracked."""
PROTOCOL, IN_INDEX, OUT_INDEX, IN_NAME, OUT_NAME, FAMILY, LAYER_4, KIND = 1, 4, 5, 6, 7, 15, 16, 19
NAME_SIZE, ROOM = 16, 64
FIB_SOURCE, FIB_DESTINATION, FIB_INWARD, FIB_PRESENT = 1, 2, 8, 32
FIB_INDEX, FIB_KIND, LOCAL = 1, 3, 2


class Port(Struct, frozen=True):
    """An interface; index 0 where that is not known."""

    name: str
    index: int = 0


class Trial(Struct, frozen=True):
    """A packet from its IPv6 header on.

    ``unsure`` has the bits of it that are left open. ``state`` is what connection tracking says of it (a word of
    STATES); empty where that is left open.
    """

    data: bytes
    inward: Port | None = None
    outward: Port | None = None
    state: str = ""
    unsure: bytes = b""


class View:
    """A trial with its headers found; ``state`` may change on the way."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.state = trial.state
        self.protocol, self.transport, self.headers = _walk(trial.data)

    def bytes_at(self, start: int, size: int) -> Word | None:
        """Return bytes of the packet; None where it has not so many, or a register had no room for them."""
        if size > ROOM or start < 0 or start + size > len(self.trial.data):
            return None
        return word(self.trial.data[start : start + size], self.trial.unsure[start : start + size])

    def payload(self, base: int, offset: int, size: int) -> Word | None:
        """Return what an expression ``payload`` loads; None where the rule does not match for want of it."""
        if base == NETWORK:
            return self.bytes_at(offset, size)
        if base == TRANSPORT:
            return None if self.transport is None else self.bytes_at(self.transport + offset, size)
        return unknown_word(min(size, ROOM))

    def header(self, number: int, offset: int, size: int) -> Word | None:
        """Return bytes of an extension header, or of what is behind them; None where there is none."""
        at = self.headers.get(number)
        return None if at is None else self.bytes_at(at + offset, size)

    def meta(self, key: int) -> Word:
        """Return what an expression ``meta`` loads."""
        if key in (IN_INDEX, OUT_INDEX):
            port = self.trial.inward if key == IN_INDEX else self.trial.outward
            return host_order(port.index if port is not None else 0) if port is None or port.index else unknown_word(4)
        if key in (IN_NAME, OUT_NAME):
            port = self.trial.inward if key == IN_NAME else self.trial.outward
            return word((port.name.encode() if port is not None else b"").ljust(NAME_SIZE, b"\0")[:NAME_SIZE])
        known = {PROTOCOL: b"\x86\xdd", FAMILY: bytes((IPV6,)), LAYER_4: bytes((self.protocol,)), KIND: b"\0"}
        return word(known[key]) if key in known else unknown_word(4)

    def tracked(self) -> Word:
        """Return what ``ct state`` loads."""
        return host_order(STATES[self.state]) if self.state in STATES else unknown_word(4)

    def route(self, result: int, flags: int) -> Word:
        """Return what an expression ``fib`` loads.

        The way back to a sender is taken to lead out of the interface that its packet came in by.
        """
        port = self.trial.inward
        if flags & FIB_SOURCE and result == FIB_INDEX and port is not None:
            if flags & FIB_PRESENT:
                return word(b"\1")
            return host_order(port.index) if port.index else unknown_word(4)
        if flags & FIB_DESTINATION and result == FIB_KIND and port is not None and self.trial.outward is None:
            return host_order(LOCAL)
        return unknown_word(4)


def host_order(number: int) -> Word:
    """Return a number of 32 bits as the kernel has it in a register."""
    return word(struct.pack("=I", number))


def _walk(data: bytes) -> tuple[int, int | None, Mapping[int, int]]:
    """Return the protocol behind the extension headers, where it begins, and where each header does."""
    number, at = (data[6], HEADER) if len(data) >= HEADER else (NOTHING, 0)
    found: dict[int, int] = {}
    for _ in range(LONGEST_CHAIN):
        if number not in EXTENSIONS or at + 8 > len(data):
            break
        found.setdefault(number, at)
        if number == FRAGMENT and int.from_bytes(data[at + 2 : at + 4], "big") & ~7:
            return data[at], None, found
        step = 8 if number == FRAGMENT else (data[at + 1] + 2) * 4 if number == AUTHENTICATION else data[at + 1] * 8 + 8
        number, at = data[at], at + step
    found.setdefault(number, at)
    return number, at, found
