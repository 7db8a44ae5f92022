"""Filters that the kernel runs over packets before a socket gets them (linux/filter.h), and the one for signalling.

The filter for signalling lets pass IPv6 packets that carry a Mobility Header, ESP, or one of the ICMPv6
messages that Mobile IPv6 lives on: directly, behind hop-by-hop options, destination options and routing
headers, or within one IPv6 packet within another. Fragments do not pass.
"""

import array
import socket
import struct
from collections.abc import Iterator, Sequence

SO_ATTACH_FILTER = 26
ETH_P_IPV6 = 0x86DD
ARPHRD_LOOPBACK = 772
ANCILLARY = 0xFFFFF000
PROTOCOL, HARDWARE = ANCILLARY, ANCILLARY + 28
ALL = 0xFFFFFFFF
HOP_BY_HOP, IPV6, ROUTING, ESP, ICMPV6, DESTINATION, MH = 0, 41, 43, 50, 58, 60, 135
SOLICITATION, ADVERTISEMENT, DISCOVERY_FIRST, DISCOVERY_LAST = 133, 134, 144, 147
LAST_ERROR, ERROR_SIZE = 4, 8
MOST_EXTENSIONS = 4
"""How many extension headers of a packet are followed."""

LOAD_HALF, LOAD_BYTE_AT_X, LOAD_IMMEDIATE, LOAD_MEMORY, STORE = 0x28, 0x50, 0x00, 0x60, 0x02
LOAD_X, COPY_TO_X, ADD_X, ADD, SHIFT_LEFT = 0x01, 0x07, 0x0C, 0x04, 0x64
JUMP_EQUAL, JUMP_ABOVE, JUMP_FROM, RETURN = 0x15, 0x25, 0x35, 0x06

Line = tuple[int, str, str, int]
"""An instruction: its code, the labels of where it goes on if its comparison holds and if not, its operand.

Without a label it goes on with the next one.
"""
Instruction = tuple[int, int, int, int]


def attach(opened: socket.socket, program: Sequence[Instruction]) -> None:
    """Let a socket get only what a program lets pass; raises OSError."""
    code = array.array("B", b"".join(struct.pack("=HBBI", *instruction) for instruction in program))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), code.buffer_info()[0]))


def signalling_from_links(*, with_errors: bool = False) -> tuple[Instruction, ...]:
    """Return the filter for a packet socket that hears all interfaces: signalling, but not from the loopback.

    With errors, ICMPv6 errors pass, too, that quote what may be a Mobility Header.
    """
    head: list[tuple[str, Line]] = [
        ("", (LOAD_HALF, "", "", PROTOCOL)),
        ("", (JUMP_EQUAL, "", "drop", ETH_P_IPV6)),
        ("", (LOAD_HALF, "", "", HARDWARE)),
        ("", (JUMP_EQUAL, "drop", "", ARPHRD_LOOPBACK)),
    ]
    return assembled([*head, *_signalling(with_errors=with_errors)])


def signalling(*, with_errors: bool = False) -> tuple[Instruction, ...]:
    """Return the filter for IPv6 packets, from wherever they come."""
    return assembled(list(_signalling(with_errors=with_errors)))


def _signalling(*, with_errors: bool) -> Iterator[tuple[str, Line]]:
    """Yield the lines of the filter, each with its label or none; X is where a header begins."""
    yield "", (LOAD_X, "", "", 0)
    for level in ("outer", "inner"):
        yield f"{level} packet", (LOAD_BYTE_AT_X, "", "", 6)
        yield from behind(40)
        for number in range(MOST_EXTENSIONS + 1):
            yield from _header(level, is_last=number == MOST_EXTENSIONS)
    yield "icmp", (LOAD_BYTE_AT_X, "", "", 0)
    if with_errors:
        yield from _errors()
    yield "", (JUMP_EQUAL, "pass", "", SOLICITATION)
    yield "", (JUMP_EQUAL, "pass", "", ADVERTISEMENT)
    yield "", (JUMP_FROM, "", "drop", DISCOVERY_FIRST)
    yield "", (JUMP_ABOVE, "drop", "pass", DISCOVERY_LAST)
    yield "pass", (RETURN, "", "", ALL)
    yield "drop", (RETURN, "", "", 0)


def _errors() -> Iterator[tuple[str, Line]]:
    """Look at a type of ICMPv6 that is in A, and whose message begins at X; leave A to others if it is no error."""
    yield "", (JUMP_ABOVE, "+6", "", LAST_ERROR)
    yield "", (LOAD_BYTE_AT_X, "", "", ERROR_SIZE + 6)
    for number in (MH, DESTINATION, ROUTING, HOP_BY_HOP):
        yield "", (JUMP_EQUAL, "pass", "", number)
    yield "", (JUMP_EQUAL, "pass", "drop", IPV6)


def _header(level: str, *, is_last: bool) -> Iterator[tuple[str, Line]]:
    """Look at a header whose number is in A and which begins at X; leave the next one's there."""
    yield "", (JUMP_EQUAL, "pass", "", MH)
    yield "", (JUMP_EQUAL, "pass", "", ESP)
    yield "", (JUMP_EQUAL, "icmp", "", ICMPV6)
    yield "", (JUMP_EQUAL, "inner packet" if level == "outer" else "drop", "", IPV6)
    if is_last:
        yield "", (JUMP_EQUAL, "drop", "drop", 0)
        return
    yield "", (JUMP_EQUAL, "+2", "", DESTINATION)
    yield "", (JUMP_EQUAL, "+1", "", ROUTING)
    yield "", (JUMP_EQUAL, "", "drop", HOP_BY_HOP)
    yield from over_extension()


def over_extension() -> Iterator[tuple[str, Line]]:
    """Move X over the extension header at it, whose length is in 8 bytes; leave the next one's number in A."""
    yield "", (LOAD_BYTE_AT_X, "", "", 0)
    yield "", (STORE, "", "", 0)
    yield "", (LOAD_BYTE_AT_X, "", "", 1)
    yield "", (SHIFT_LEFT, "", "", 3)
    yield "", (ADD, "", "", 8)
    yield "", (ADD_X, "", "", 0)
    yield "", (COPY_TO_X, "", "", 0)
    yield "", (LOAD_MEMORY, "", "", 0)


def behind(size: int) -> Iterator[tuple[str, Line]]:
    """Move X on by a size, and leave A as it is."""
    yield "", (STORE, "", "", 0)
    yield "", (LOAD_IMMEDIATE, "", "", size)
    yield "", (ADD_X, "", "", 0)
    yield "", (COPY_TO_X, "", "", 0)
    yield "", (LOAD_MEMORY, "", "", 0)


def assembled(lines: Sequence[tuple[str, Line]]) -> tuple[Instruction, ...]:
    """Return the instructions, the labels being distances; '+N' goes N instructions further than the next."""
    places = {label: number for number, (label, _) in enumerate(lines) if label}

    def distance(number: int, label: str) -> int:
        if label.startswith("+"):
            return int(label)
        return places[label] - number - 1 if label else 0

    return tuple(
        (code, distance(number, holds), distance(number, fails), operand)
        for number, (_, (code, holds, fails, operand)) in enumerate(lines)
    )
