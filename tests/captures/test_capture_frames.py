"""Where in a frame the IPv6 packet begins, for every link type; and what the frame says of its way."""

import pytest
from capture_samples import PACKET

from mipsh.captures.frames import NAMES, Frame

VERSION_4 = bytes((0x45,)) + PACKET[1:]
COOKED = b"\x00\x04" + bytes(12) + b"\x86\xdd" + PACKET
COOKED_2 = b"\x86\xdd\0\0\0\0\0\x07\0\x01\x04" + bytes(9) + PACKET
FRAMES = {
    "Ethernet": (1, bytes(12) + b"\x86\xdd" + PACKET),
    "one tag": (1, bytes(12) + b"\x81\0\0\x05\x86\xdd" + PACKET),
    "two tags": (1, bytes(12) + b"\x88\xa8\0\x05\x81\0\0\x06\x86\xdd" + PACKET),
    "cooked": (113, COOKED),
    "cooked, one tag": (113, bytes(14) + b"\x81\0\0\x05\x86\xdd" + PACKET),
    "cooked v2": (276, COOKED_2),
    "raw": (101, PACKET),
    "raw, as BSD has it": (12, PACKET),
    "raw, as OpenBSD has it": (14, PACKET),
    "raw IPv6": (229, PACKET),
    "loopback of FreeBSD": (0, b"\x1c\0\0\0" + PACKET),
    "loopback of macOS": (0, b"\0\0\0\x1e" + PACKET),
    "loopback of OpenBSD": (108, b"\0\0\0\x18" + PACKET),
}


def frame(link_type: int, data: bytes, outgoing: bool | None = None) -> Frame:
    """Return a frame."""
    return Frame(1, "", len(data), data, link_type, outgoing)


@pytest.mark.parametrize("name", FRAMES)
def test_the_packet_is_found(name: str) -> None:
    """And is found without an end, too."""
    link_type, data = FRAMES[name]
    assert frame(link_type, data).ipv6 == PACKET
    for end in range(len(data)):
        found = frame(link_type, data[:end]).ipv6
        assert found is None or PACKET.startswith(found)


@pytest.mark.parametrize(
    ("link_type", "data"),
    [
        (1, bytes(12) + b"\x08\0" + VERSION_4),
        (1, bytes(12) + b"\x86\xdd" + VERSION_4),
        (1, bytes(12) + b"\x81\0\0\x05" * 5 + b"\x86\xdd" + PACKET),
        (101, VERSION_4),
        (0, b"\0\0\0\x02" + PACKET),
        (105, PACKET),
        (113, bytes(14) + b"\x08\x06" + PACKET),
    ],
)
def test_no_packet_is_found(link_type: int, data: bytes) -> None:
    """Of other protocols, of other link types, or behind more tags than anybody has."""
    assert frame(link_type, data).ipv6 is None


def test_what_the_frame_says_of_its_way() -> None:
    """The capture's word counts more."""
    assert (frame(276, COOKED_2).place, frame(276, COOKED_2).is_outgoing) == ("if7", True)
    assert frame(113, COOKED).is_outgoing is True
    assert frame(113, COOKED, outgoing=False).is_outgoing is False
    assert (frame(1, COOKED).place, frame(1, COOKED).is_outgoing) == ("", None)
    assert frame(276, b"").is_outgoing is frame(113, b"").is_outgoing is None


def test_every_link_type_that_has_a_name_is_looked_into() -> None:
    """No more, and no fewer."""
    assert {link_type for link_type, _ in FRAMES.values()} == set(NAMES)
