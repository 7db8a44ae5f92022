"""Frames that carry mobility: the same as the decoder finds, and the same as the kernel's filter lets pass."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from capture_samples import AGENT, CARE_OF, HOME, PACKET, PEER, dripping
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mipsh.captures.frames import NOT_HERE
from mipsh.captures.mobility import carries_mobility, find, mobility_frames
from mipsh.captures.reader import Reader
from mipsh.linux.packet_filter import attach, signalling
from mipsh.wire import icmpv6
from mipsh.wire.extension import FragmentHeader, Header, HomeAddress, HopByHopOptions, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import BindingRefreshRequest, MobilityHeader
from mipsh.wire.packet import Esp, Packet, Payload, Upper
from mipsh.wire.tlv import PadN

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
Passes = Callable[[bytes], bool]

UPPERS: tuple[Upper, ...] = (
    MobilityHeader(BindingRefreshRequest()),
    Esp(1, 2, bytes(12)),
    Icmpv6(EchoRequest(1, 2)),
    Icmpv6(icmpv6.HomeAgentDiscoveryRequest(7)),
    Icmpv6(icmpv6.MobilePrefixAdvertisement(7, 0)),
    Payload(6, bytes(20)),
    Payload(17, bytes(8)),
    Payload(58, b""),
)
HEADERS: tuple[Header, ...] = (
    carrying(HomeAddress(HOME)),
    Type2RoutingHeader(HOME),
    HopByHopOptions((PadN(bytes(4)),)),
    FragmentHeader(0, more=True, identification=1),
)


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Return a packet, perhaps in others, whole or cut."""
    upper: Upper = draw(st.sampled_from(UPPERS))
    for _ in range(draw(st.integers(1, 3))):
        upper = Packet(CARE_OF, PEER, upper, tuple(draw(st.lists(st.sampled_from(HEADERS), max_size=5))))
    data = upper.encode(CARE_OF, PEER) if not isinstance(upper, Packet) else upper.encode()
    return data[: draw(st.integers(40, len(data)) | st.just(len(data)))]


@pytest.fixture
def passes() -> Iterator[Passes]:
    """Tell whether a packet passes the kernel's filter."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        attach(there, signalling(with_errors=True))
        there.setblocking(False)

        def tell(data: bytes) -> bool:
            here.send(data)
            try:
                return there.recv(100_000) == data
            except BlockingIOError:
                return False

        yield tell


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=packets())
def test_it_agrees_with_the_kernel(passes: Passes, data: bytes) -> None:
    """For every packet that is whole or cut."""
    assert carries_mobility(data, 0, len(data)) == passes(data)


def test_errors_about_mobility_are_wanted(passes: Passes) -> None:
    """By both: in a tunnel or about one, whole or quoted in part; and no other errors."""
    quoted = Packet(CARE_OF, PEER, MobilityHeader(BindingRefreshRequest()), (carrying(HomeAddress(HOME)),))
    inner = Packet(PEER, HOME, Icmpv6(icmpv6.ParameterProblem(1, 0, quoted.encode())))
    around = Packet(PEER, HOME, Icmpv6(icmpv6.TimeExceeded(0, 0, Packet(AGENT, CARE_OF, quoted).encode())))
    for packet in (inner, Packet(AGENT, CARE_OF, inner), around):
        data = packet.encode()
        assert carries_mobility(data, 0, len(data))
        assert passes(data)
    other = Packet(
        PEER, HOME, Icmpv6(icmpv6.ParameterProblem(1, 0, Packet(CARE_OF, PEER, Payload(17, bytes(8))).encode()))
    )
    data = other.encode()
    assert not passes(data)
    assert not carries_mobility(data, 0, len(data))
    assert not carries_mobility(data[:60], 0, 60)


@pytest.mark.parametrize(
    ("link_type", "lead"),
    [
        (1, bytes(12) + b"\x86\xdd"),
        (1, bytes(12) + b"\x81\0\0\x05\x86\xdd"),
        (101, b""),
        (276, b"\x86\xdd" + bytes(18)),
    ],
)
def test_frames_of_other_link_types(link_type: int, lead: bytes) -> None:
    """The packet is found in the middle of other bytes."""
    data = b"before" + lead + PACKET + b"behind"
    end = len(data) - 6
    assert find(link_type, data, 6, end) == 6 + len(lead)
    echo = Packet(CARE_OF, PEER, Payload(17, bytes(8))).encode()
    data = b"before" + lead + echo
    assert find(link_type, data, 6, len(data)) == NOT_HERE
    assert find(1, bytes(12) + b"\x86\xdd\x45" + bytes(60), 0, 75) == NOT_HERE


@pytest.mark.parametrize(("name", "count"), [("cn", 31), ("mn", 190), ("r1", 995)])
def test_the_captures_of_mip6d(name: str, count: int) -> None:
    """As many as tshark finds with: mipv6 or icmpv6.type in {133, 134, 144..147}, or about one."""
    reader = Reader(dripping((CAPTURES / f"{name}.pcap").read_bytes(), 1 << 20))
    frames = list(mobility_frames(reader))
    assert len(frames) == count
    assert all(frame.ipv6 is not None for frame in frames)
    assert reader.packets == {"cn": 96, "mn": 598, "r1": 2537}[name]
