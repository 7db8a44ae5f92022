"""Every byte of a packet is explained, whatever it is; secrets are not, unless they were typed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.craft.explain import NOT_VERIFIED, RIGHT, WRONG, Explained, explain, hexdump
from mipsh.craft.fields import RECIPES, read
from mipsh.craft.messages import build
from mipsh.wire import mobility, pcap
from mipsh.wire.address import parse
from mipsh.wire.extension import FragmentHeader, Header, HopByHopOptions, RoutingHeader, Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6, ParameterProblem
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet, Payload, Upper
from mipsh.wire.tlv import PAD1, PadN, UnknownOption

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
HOME, CARE_OF, PEER = parse("2001:db8:1::100"), parse("2001:db8:2::100"), parse("2001:db8:4::2")
COOKIE, TOKEN, PROOF = b"cookie!!", b"token!!!", b"authenticate"


def made(message: str, *words: str, shows_secrets: bool = False) -> Explained:
    """Make a packet from fields, and explain it."""
    return explain(build(message, read(RECIPES[message], words)), shows_secrets=shows_secrets)


def packet(upper: Upper, *headers: Header) -> bytes:
    """Return a packet from the mobile node to its correspondent."""
    return Packet(CARE_OF, PEER, upper, headers).encode()


def value(found: Explained, field: str) -> tuple[str, str | None]:
    """Return what a field holds, and what that means."""
    (row,) = [row for row in found.rows if row.field == field]
    return row.value, row.meaning


def sizes(found: Explained) -> Iterator[tuple[int, int]]:
    """Yield where each field of whole bytes begins and ends."""
    for row in found.rows:
        count, unit = row.size.split()
        if unit in ("byte", "bytes"):
            yield row.offset, row.offset + int(count)


def test_a_binding_update_is_explained() -> None:
    """Field by field, with the clause of each."""
    found = made("bu", "seq=7", "flags=AH", "lifetime=60", "nonces=5,6", "mnp=2001:db8:100::/48", "mnid=mn@example.net")
    assert found.title == "Binding Update from 2001:db8:2::100 to 2001:db8:1::1 behind Destination Options"
    assert (found.checksum, found.faults, found.hidden) == (RIGHT, (), ())
    assert value(found, "source") == ("2001:db8:2::100", "care-of address")
    assert value(found, "home address") == ("2001:db8:1::100", "whom the packet is from")
    assert value(found, "sequence number") == ("7", None)
    assert value(found, "flags") == ("0xc000", "A acknowledge, H home registration")
    assert value(found, "lifetime") == ("15", "60 seconds")
    assert value(found, "home nonce index") == ("5", None)
    assert value(found, "prefix length") == ("48", "48 bits")
    assert value(found, "identifier") == (b"mn@example.net".hex(), "mn@example.net")
    assert value(found, "checksum")[1] == "right, with the home address"
    (lifetime,) = [row for row in found.rows if row.field == "lifetime"]
    assert (lifetime.offset, lifetime.size) == (74, "2 bytes")
    assert (lifetime.part, lifetime.reference) == ("Binding Update", "RFC 6275 section 6.1.7")


def test_an_acknowledgement_is_explained() -> None:
    """Its status in words; the routing header has the home address."""
    found = made("ba", "status=135", "flags=KR", "lifetime=0", "advice=400")
    assert value(found, "status") == ("135", "sequence number out of window")
    assert value(found, "flags") == ("0xc0", "K key management mobility capability, R mobile router")
    assert value(found, "lifetime") == ("0", "no binding")
    assert value(found, "refresh interval") == ("100", "400 seconds")
    assert value(found, "home address") == ("2001:db8:1::100", "final destination of the packet")


def test_an_error_is_explained() -> None:
    """With the home address that it is about."""
    found = made("be")
    assert value(found, "status") == ("1", "unknown binding for a Home Address option")
    assert value(found, "home address") == ("2001:db8:1::100", "that of the packet that was refused")


def test_bits_are_told_apart() -> None:
    """They begin in the byte that holds their first bit."""
    found = made("echo", "tclass=0xab", "flow=0x12345")
    assert [(row.offset, row.size, row.value) for row in found.rows[:3]] == [
        (0, "4 bits", "6"),
        (0, "8 bits", str(0xAB)),
        (1, "20 bits", str(0x12345)),
    ]


@pytest.mark.parametrize("message", ["bu", "echo", "udp"])
def test_a_wrong_checksum_is_told(message: str) -> None:
    """With the right one."""
    right = value(made(message), "checksum")[0]
    found = made(message, "checksum=0x1234")
    assert found.checksum == WRONG
    assert value(found, "checksum") == ("0x1234", f"wrong: {right} is right")


def test_a_checksum_that_cannot_be_verified() -> None:
    """Since the packet is cut short, or its final destination is not known."""
    data = build("echo", read(RECIPES["echo"], [f"data={'00' * 20}"]))
    assert explain(data[:-4]).checksum == NOT_VERIFIED
    routed = packet(Icmpv6(ParameterProblem(0, 0, b"")), RoutingHeader(4, 1, bytes(20)))
    assert explain(routed).checksum == NOT_VERIFIED
    assert explain(build("payload", read(RECIPES["payload"], []))).checksum == ""


SECRET = {
    "home test init": packet(MobilityHeader(mobility.HomeTestInit(COOKIE))),
    "care-of test": packet(MobilityHeader(mobility.CareOfTest(1, COOKIE, TOKEN))),
    "authenticator": packet(
        MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0, 1, (mobility.AuthorizationData(PROOF),))))
    ),
    "authenticator that is too long": packet(
        MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0, 1, (mobility.AuthorizationData(PROOF * 2),))))
    ),
    "nonces of a wrong length": packet(
        MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0, 1, (UnknownOption(4, TOKEN),))))
    ),
    "too short for its type": packet(MobilityHeader(mobility.OtherMessage(3, b"\0\1" + COOKIE))),
    "a piece": packet(Payload(135, bytes(8) + COOKIE + TOKEN), FragmentHeader(0, True, 1)),
    "quoted by an error": packet(
        Icmpv6(ParameterProblem(2, 40, packet(MobilityHeader(mobility.HomeTest(1, COOKIE, TOKEN)))))
    ),
    "in a tunnel": packet(Packet(HOME, PEER, MobilityHeader(mobility.HomeTestInit(COOKIE)))),
}


@pytest.mark.parametrize("name", SECRET)
def test_secrets_are_hidden(name: str) -> None:
    """From the fields and from the bytes below them."""
    found = explain(SECRET[name])
    shown = repr(found.rows) + hexdump(SECRET[name], found.hidden).replace(" ", "")
    for secret in (COOKIE, TOKEN, PROOF):
        assert secret.hex() not in shown
        assert secret.decode() not in shown
    assert any(row.value.startswith("hidden, ") for row in found.rows)
    assert found.hidden


def test_secrets_that_were_typed_are_shown() -> None:
    """They are the user's own."""
    found = made("hot", f"cookie={COOKIE.hex()}", f"token={TOKEN.hex()}", shows_secrets=True)
    assert value(found, "home init cookie") == (COOKIE.hex(), None)
    assert value(found, "home keygen token") == (TOKEN.hex(), None)
    assert found.hidden == ()


def test_what_is_no_packet() -> None:
    """It is said why."""
    found = explain(b"\x45\0\0")
    assert found.title == "no IPv6 packet"
    assert [str(fault) for fault in found.faults] == ["IPv6 header at offset 0: expected 40 bytes, found 3"]
    assert [(row.size, row.value) for row in found.rows] == [("3 bytes", "450000")]
    assert explain(b"").rows == ()


KINDS = [
    packet(Esp(0x1234, 7, bytes(30))),
    packet(Payload(6, bytes(20) + b"data")),
    packet(Payload(17, bytes(3))),
    packet(Payload(59, b""), HopByHopOptions((UnknownOption(5, b"\0\0"), PAD1, PAD1))),
    packet(Payload(58, bytes(5)), FragmentHeader(2, False, 78)),
    packet(Payload(200, b"what"), RoutingHeader(4, 0, bytes(20)), Type2RoutingHeader(HOME)),
    packet(Packet(HOME, PEER, Icmpv6(ParameterProblem(0, 0, b"who")))),
    packet(MobilityHeader(mobility.OtherMessage(16, bytes(10)), trailer=b"more")),
    packet(
        MobilityHeader(
            mobility.padded(
                mobility.BindingRefreshRequest((mobility.LinkLayerAddress(2, bytes(6)), UnknownOption(99, b"\1")))
            )
        )
    ),
    packet(MobilityHeader(mobility.BindingAcknowledgement(255, 0x1F, 1, 1, (PadN(bytes(2)),)))),
    packet(Payload(59, b"")) + b"padding",
]


@pytest.mark.parametrize("data", KINDS)
def test_every_byte_is_explained_once(data: bytes) -> None:
    """Fields follow each other from the first byte to the last."""
    covered(data, explain(data))


def covered(data: bytes, found: Explained) -> None:
    """See that the fields of whole bytes cover all but those that are made of bits, and none twice."""
    at = 4
    for start, end in sorted(sizes(found)):
        assert start >= at or start == end
        assert start - at in (0, 2, 4), "a field of bits is two or four bytes long"
        at = end
    assert at == len(data)


@given(st.binary(max_size=200))
def test_any_bytes_can_be_explained(data: bytes) -> None:
    """Explaining never raises, and leaves nothing out."""
    explain(data)
    explain(b"\x60" + data)
    whole = b"\x60\0\0\0" + len(data).to_bytes(2) + bytes((135, 64)) + CARE_OF + PEER + data
    covered(whole, explain(whole))


def test_what_mip6d_sent_is_explained() -> None:
    """Every packet of the captures, byte by byte."""
    opened = pcap.read((CAPTURES / "mn.pcap").read_bytes())
    titles = set()
    for _, frame in opened:
        data = pcap.ipv6_of(opened.linktype, frame) or b""
        found = explain(data)
        covered(data, found)
        titles.add(found.title.partition(" from ")[0])
    assert {"Binding Update", "Home Test Init", "Care-of Test", "ICMPv6 Router Advertisement"} <= titles


def test_a_hexdump_has_sixteen_bytes_a_line() -> None:
    """With letters where there are some, and dashes for what is hidden."""
    assert hexdump(b"mipsh\0" * 3, [(2, 4)]) == (
        "0000  6d 69 -- -- 68 00 6d 69  70 73 68 00 6d 69 70 73  mi..h.mipsh.mips\n"
        "0010  68 00                                             h."
    )
    assert hexdump(b"") == ""
