"""Fragments: each fits, together they are the packet again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.mobility.fragmentation import fragments
from mipsh.mobility.reassembly import Reassembly
from mipsh.wire.address import parse
from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.packet import Packet, Payload, decode
from mipsh.wire.tlv import PadN
from mipsh.wire.verify import problems

HERE, THERE, HOME = parse("2001:db8::1"), parse("2001:db8::2"), parse("2001:db8::3")
IDENTIFICATION = 7
HOP_BY_HOP = HopByHopOptions((PadN(bytes(4)),))
FOR_ROUTERS = DestinationOptions((PadN(bytes(4)),))
ROUTING, OPTIONS = Type2RoutingHeader(HOME), carrying(HomeAddress(HOME))


def together(pieces: list[bytes]) -> Packet:
    """Return what a receiver makes of fragments."""
    reassembly, whole = Reassembly(), None
    for piece in pieces:
        packet = decode(piece)
        assert isinstance(packet, Packet)
        whole = reassembly.add(packet, 0.0)
    assert whole is not None
    read = decode(whole.encode())
    assert isinstance(read, Packet)
    return read


@pytest.mark.parametrize(
    ("headers", "ahead"),
    [
        ((), 0),
        ((FOR_ROUTERS,), 0),
        ((OPTIONS,), 1),
        ((OPTIONS, FOR_ROUTERS), 1),
        ((HOP_BY_HOP, OPTIONS), 2),
        ((ROUTING, OPTIONS), 2),
        ((HOP_BY_HOP, FOR_ROUTERS, ROUTING, OPTIONS), 4),
    ],
)
def test_what_routers_read_is_in_each_fragment(headers: tuple[Header, ...], ahead: int) -> None:
    """RFC 8200 section 4.5: the Per-Fragment headers go up to the routing header; the rest is cut.

    A Home Address option stands before a Fragment header (RFC 6275 section 6.3).
    """
    packet = Packet(HERE, THERE, Icmpv6(EchoRequest(1, 2, bytes(range(256)) * 12)), headers)
    pieces = list(fragments(packet, 1280, IDENTIFICATION))
    assert len(pieces) == 3
    for piece in pieces:
        assert len(piece) <= 1280
        read = decode(piece)
        assert isinstance(read, Packet)
        assert read.headers[:-1] == headers[:ahead]
        last = read.headers[-1]
        assert isinstance(last, FragmentHeader)
        assert last.identification == IDENTIFICATION
    whole = together(pieces)
    assert whole.encode() == packet.encode()
    assert problems(whole) == ()


def test_what_fits_is_left_whole() -> None:
    """No fragment header is put on for nothing."""
    packet = Packet(HERE, THERE, Payload(17, bytes(1240)))
    assert list(fragments(packet, 1280, IDENTIFICATION)) == [packet.encode()]


@given(st.integers(0, 5000), st.integers(1280, 1500), st.booleans())
def test_any_packet_comes_together_again(size: int, mtu: int, is_routed: bool) -> None:
    """Whatever its size, and the size of the link."""
    headers = (ROUTING,) if is_routed else ()
    packet = Packet(HERE, THERE, Payload(17, bytes(i & 0xFF for i in range(size))), headers)
    pieces = list(fragments(packet, mtu, IDENTIFICATION))
    assert all(len(piece) <= mtu for piece in pieces)
    if len(pieces) > 1:
        assert together(pieces).encode() == packet.encode()
    else:
        assert pieces == [packet.encode()]
