"""A Packet Too Big is believed if it is about the probe and says what can be; what was around the probe is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.path_mtu.told import FOREIGN, TOO_LARGE, TOO_SMALL, Told, told
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, carrying
from mipsh.wire.icmpv6 import DestinationUnreachable, EchoRequest, Icmpv6, PacketTooBig
from mipsh.wire.packet import Packet

HOME, CARE_OF, AGENT, PEER = (
    parse(address) for address in ("2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2")
)
TOKEN, SIZE = b"a token.", 1500
PROBE = Packet(HOME, PEER, Icmpv6(EchoRequest(7, 3, TOKEN + bytes(SIZE - 56))))
MOST_QUOTED = 1232


def _error(mtu: int, packet: Packet = PROBE) -> PacketTooBig:
    return PacketTooBig(0, mtu, packet.encode()[:MOST_QUOTED])


def test_it_says_what_fits() -> None:
    """Of a packet with nothing around it, the MTU itself."""
    assert told(_error(1400), SIZE, TOKEN) == Told(1400, 1400)
    assert told(_error(1280), SIZE, TOKEN) == Told(1280, 1280)


def test_what_was_around_it_counts() -> None:
    """In a tunnel 40 bytes less fit, with a Home Address option 24."""
    tunnelled = Packet(CARE_OF, AGENT, PROBE)
    assert told(_error(1400, tunnelled), SIZE, TOKEN) == Told(1400, 1360)
    optimised = Packet(CARE_OF, PEER, PROBE.upper, (carrying(HomeAddress(HOME)),))
    assert told(_error(1500, optimised), SIZE, TOKEN) == Told(1500, 1476)


@pytest.mark.parametrize("mtu", [0, 68, 1279])
def test_less_than_every_link_takes(mtu: int) -> None:
    """It is left aside (RFC 8201 section 4)."""
    found = told(_error(mtu), SIZE, TOKEN)
    assert found is not None
    assert found.doubt == TOO_SMALL


@pytest.mark.parametrize("mtu", [1500, 9000, 0xFFFFFFFF])
def test_no_less_than_what_was_sent(mtu: int) -> None:
    """It cannot have been refused for that."""
    found = told(_error(mtu), SIZE, TOKEN)
    assert found is not None
    assert found.doubt == TOO_LARGE


def test_another_packet_is_quoted() -> None:
    """Whoever does not see the probe cannot quote its token."""
    other = Packet(HOME, PEER, Icmpv6(EchoRequest(7, 3, bytes(SIZE - 48))))
    found = told(_error(1300, other), SIZE, TOKEN)
    assert found is not None
    assert found.doubt == FOREIGN


def test_another_error() -> None:
    """It says nothing of sizes."""
    assert told(DestinationUnreachable(4, 0, PROBE.encode()), SIZE, TOKEN) is None


@given(st.integers(0, 0xFFFFFFFF), st.binary(max_size=120))
def test_whatever_is_quoted(mtu: int, quoted: bytes) -> None:
    """Nothing is raised, and what is believed is less than what was sent, and what every link takes."""
    found = told(PacketTooBig(0, mtu, quoted), SIZE, TOKEN)
    assert found is not None
    assert found.doubt


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF))
def test_whatever_length_is_quoted(mtu: int, length: int) -> None:
    """A length that lies makes at most less fit, never more than was sent."""
    data = PROBE.encode()
    found = told(PacketTooBig(0, mtu, data[:4] + length.to_bytes(2) + data[6:]), SIZE, TOKEN)
    assert found is not None
    assert found.doubt or found.fits_mtu <= max(mtu, SIZE)
