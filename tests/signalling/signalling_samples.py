"""Messages between a mobile node, its home agent and correspondents, and what a listener makes of them."""

from collections.abc import Iterable
from pathlib import Path

from mipsh.captures.mobility import mobility_frames
from mipsh.captures.reader import Reader
from mipsh.signalling.exchange import Exchange
from mipsh.signalling.exchanges import Exchanges
from mipsh.signalling.heard import Heard, listen
from mipsh.wire import icmpv6, mobility
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
HOME, CARE_OF, ELSEWHERE, AGENT, PEER, ROUTER, ANYCAST = (
    parse(f"2001:db8:{one}")
    for one in ("1::100", "2::100", "3::100", "1::1", "4::2", "4::fe", "1::fdff:ffff:ffff:fffe")
)
COOKIE, TOKEN, PROOF = b"cookie!!", b"token!!!", b"authenticate"
FROM_HOME, TO_HOME = carrying(HomeAddress(HOME)), Type2RoutingHeader(HOME)
S, MS = 1_000_000_000, 1_000_000
ACKNOWLEDGED, HOME_FLAGS = 0x8000, 0xC000


def hoti(cookie: bytes = COOKIE, *, in_tunnel: bool = False) -> Packet:
    """Return a HoTI, on its own or in the reverse tunnel."""
    packet = Packet(HOME, PEER, MobilityHeader(mobility.HomeTestInit(cookie)))
    return Packet(CARE_OF, AGENT, packet) if in_tunnel else packet


def hot(cookie: bytes = COOKIE, *, in_tunnel: bool = False) -> Packet:
    """Return a HoT."""
    packet = Packet(PEER, HOME, MobilityHeader(mobility.HomeTest(1, cookie, TOKEN)))
    return Packet(AGENT, CARE_OF, packet) if in_tunnel else packet


def coti(cookie: bytes = COOKIE, source: bytes = CARE_OF) -> Packet:
    """Return a CoTI."""
    return Packet(source, PEER, MobilityHeader(mobility.CareOfTestInit(cookie)))


def cot(cookie: bytes = COOKIE) -> Packet:
    """Return a CoT."""
    return Packet(PEER, CARE_OF, MobilityHeader(mobility.CareOfTest(1, cookie, TOKEN)))


def bu(sequence: int, peer: bytes = AGENT, flags: int = HOME_FLAGS, units: int = 15, source: bytes = CARE_OF) -> Packet:
    """Return a Binding Update."""
    message = mobility.padded(mobility.BindingUpdate(sequence, flags, units, (mobility.AuthorizationData(PROOF),)))
    return Packet(source, peer, MobilityHeader(message), (FROM_HOME,))


def ba(sequence: int, peer: bytes = AGENT, status: int = 0, units: int = 15) -> Packet:
    """Return a Binding Acknowledgement."""
    message = mobility.padded(
        mobility.BindingAcknowledgement(status, 0, sequence, units, (mobility.AuthorizationData(PROOF),))
    )
    return Packet(peer, CARE_OF, MobilityHeader(message), (TO_HOME,))


def brr() -> Packet:
    """Return a Binding Refresh Request."""
    return Packet(PEER, HOME, MobilityHeader(mobility.BindingRefreshRequest()))


def be(status: int = 1) -> Packet:
    """Return a Binding Error."""
    return Packet(PEER, CARE_OF, MobilityHeader(mobility.BindingError(status, HOME)))


def control(source: bytes, destination: bytes, message: icmpv6.Message) -> Packet:
    """Return a packet with an ICMPv6 message."""
    return Packet(source, destination, Icmpv6(message))


def problem(about: Packet, source: bytes = PEER, kind: int = 1) -> Packet:
    """Return a Parameter Problem about a packet."""
    return control(source, about.source, icmpv6.ParameterProblem(kind, 6, about.encode()))


def heard(packet: Packet, time_ns: int, interface: str = "eth0") -> Heard:
    """Return what a packet says."""
    found = listen(packet.encode(), time_ns, interface)
    assert found is not None
    return found


def tell(*packets: tuple[int, Packet]) -> list[Exchange]:
    """Return the exchanges of packets with their times in nanoseconds, in the order in which they began."""
    machine = Exchanges()
    over = [exchange for time_ns, packet in packets for exchange in machine.take(heard(packet, S + time_ns))]
    return in_order([*over, *machine.finish()])


def in_order(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Return exchanges by when they began, each once."""
    found = {exchange.number: exchange for exchange in exchanges}
    return sorted(found.values(), key=lambda exchange: exchange.started_ns)


def recorded(name: str) -> tuple[list[Exchange], Exchanges, int]:
    """Return the exchanges of a capture of mip6d, the machine that found them, and when the capture began."""
    machine = Exchanges()
    over: list[Exchange] = []
    with (CAPTURES / f"{name}.pcap").open("rb") as file:
        began_ns = next(Reader(file.read).frames()).time_ns
        file.seek(0)
        for frame in mobility_frames(Reader(file.read)):
            assert frame.ipv6 is not None
            assert frame.time_ns is not None
            found = listen(frame.ipv6, frame.time_ns, frame.place, frame.is_outgoing, is_cut=frame.is_cut)
            over += machine.take(found) if found is not None else []
    assert began_ns is not None
    return in_order([*over, *machine.finish()]), machine, began_ns
