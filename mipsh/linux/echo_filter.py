"""The filters that the kernel runs for an echo's sockets: its own packets, and those that may carry it.

What passes from the links are IPv6 packets with an echo of one identifier, directly, behind extension headers, as
a first fragment, or within another packet; what is two packets deep; ESP of a size that may carry it; and errors.
"""

from collections.abc import Iterator

from mipsh.linux.packet_filter import (
    ALL,
    DESTINATION,
    ESP,
    ETH_P_IPV6,
    HOP_BY_HOP,
    ICMPV6,
    IPV6,
    JUMP_EQUAL,
    JUMP_FROM,
    LOAD_BYTE_AT_X,
    LOAD_HALF,
    LOAD_X,
    PROTOCOL,
    RETURN,
    ROUTING,
    Instruction,
    Line,
    assembled,
    behind,
    over_extension,
)
from mipsh.paths.echo import HEADERS_SIZE, REPLY, REQUEST
from mipsh.paths.sights import ESP_LEAST, ESP_MOST, OPTIONS_MOST

FRAGMENT = 44
MOST_EXTENSIONS = 3
"""How many extension headers of a packet are followed: the two of Mobile IPv6 and a fragment header."""
LOAD_HALF_AT_X, LOAD_LENGTH, LOAD_BYTE, JUMP_SET = 0x48, 0x80, 0x30, 0x45
OFFSET = 0xFFF8
LARGEST = 65_575
FIRST_ERROR, LAST_ERROR = 1, 4
"""ICMPv6 errors that a packet may have caused (RFC 4443 section 3)."""


def echoes_from_links(identifier: int | None, size: int | None) -> tuple[Instruction, ...]:
    """Return the filter for a packet socket; None is any identifier, and any size of ESP.

    ``size`` is that of the echo's data, in bytes.
    """
    lines: list[tuple[str, Line]] = [
        ("", (LOAD_HALF, "", "", PROTOCOL)),
        ("", (JUMP_EQUAL, "", "drop", ETH_P_IPV6)),
        ("", (LOAD_X, "", "", 0)),
    ]
    for level in ("outer", "inner"):
        lines += [(f"{level} packet", (LOAD_BYTE_AT_X, "", "", 6)), *behind(40)]
        for number in range(MOST_EXTENSIONS + 1):
            lines += _header(level, number)
    return assembled([*lines, *_echo(identifier), *_encrypted(size)])


def _header(level: str, number: int) -> Iterator[tuple[str, Line]]:
    """Look at a header whose number is in A and which begins at X; leave the next one's there."""
    fragment, done = f"{level} fragment {number}", f"{level} header {number}"
    yield "", (JUMP_EQUAL, "esp", "", ESP)
    yield "", (JUMP_EQUAL, "icmp", "", ICMPV6)
    yield "", (JUMP_EQUAL, "inner packet" if level == "outer" else "pass", "", IPV6)
    if number == MOST_EXTENSIONS:
        yield "", (JUMP_EQUAL, "drop", "drop", 0)
        return
    yield "", (JUMP_EQUAL, fragment, "", FRAGMENT)
    yield "", (JUMP_EQUAL, "+2", "", DESTINATION)
    yield "", (JUMP_EQUAL, "+1", "", ROUTING)
    yield "", (JUMP_EQUAL, "", "drop", HOP_BY_HOP)
    yield from over_extension()
    yield "", (JUMP_EQUAL, done, done, 0)
    yield fragment, (LOAD_HALF_AT_X, "", "", 2)
    yield "", (JUMP_SET, "drop", "", OFFSET)
    yield "", (LOAD_BYTE_AT_X, "", "", 0)
    yield from behind(8)
    yield done, (JUMP_EQUAL, "", "", 0)


def _echo(identifier: int | None) -> Iterator[tuple[str, Line]]:
    """Let an ICMPv6 message at X pass that is an echo of the identifier, or an error about whatever packet."""
    yield "icmp", (LOAD_BYTE_AT_X, "", "", 0)
    yield "", (JUMP_EQUAL, "+4", "", REQUEST)
    yield "", (JUMP_EQUAL, "+3", "", REPLY)
    yield "", (JUMP_FROM, "", "drop", FIRST_ERROR)
    yield "", (JUMP_FROM, "drop", "", LAST_ERROR + 1)
    yield "", (JUMP_EQUAL, "pass", "pass", 0)
    if identifier is None:
        yield "", (JUMP_EQUAL, "pass", "pass", 0)
    else:
        yield "", (LOAD_HALF_AT_X, "", "", 4)
        yield "", (JUMP_EQUAL, "pass", "drop", identifier)


def _encrypted(size: int | None) -> Iterator[tuple[str, Line]]:
    """Let ESP pass whose packet is as large as one that carries the echo."""
    least = 0 if size is None else size + HEADERS_SIZE + ESP_LEAST
    most = LARGEST if size is None else size + HEADERS_SIZE + ESP_LEAST + ESP_MOST + 40 + 2 * OPTIONS_MOST
    yield "esp", (LOAD_LENGTH, "", "", 0)
    yield "", (JUMP_FROM, "", "drop", least)
    yield "", (JUMP_FROM, "drop", "", most)
    yield "pass", (RETURN, "", "", ALL)
    yield "drop", (RETURN, "", "", 0)


def replies(identifier: int) -> tuple[Instruction, ...]:
    """Return the filter for a raw ICMPv6 socket: echo replies of an identifier, and errors."""
    return assembled(
        [
            ("", (LOAD_BYTE, "", "", 0)),
            ("", (JUMP_EQUAL, "reply", "", REPLY)),
            ("", (JUMP_FROM, "", "drop", FIRST_ERROR)),
            ("", (JUMP_FROM, "drop", "pass", LAST_ERROR + 1)),
            ("reply", (LOAD_HALF, "", "", 4)),
            ("", (JUMP_EQUAL, "pass", "drop", identifier)),
            ("pass", (RETURN, "", "", ALL)),
            ("drop", (RETURN, "", "", 0)),
        ]
    )
