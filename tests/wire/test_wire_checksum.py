"""The checksum equals one worked out a word at a time."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from wire_samples import AGENT, BUILT, CARE_OF, HOME, slow_checksum, whole
from wire_strategies import UNHURRIED, addresses

from mipsh.wire.checksum import MH, checksum, ones_complement_sum, verifies
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader


@UNHURRIED
@given(addresses, addresses, st.integers(1, 255), st.binary(max_size=300))
@example(bytes(16), bytes(16), 59, b"\0")
def test_checksum(source: bytes, destination: bytes, protocol: int, data: bytes) -> None:
    """For any bytes; with it in place, and at an even offset, the message verifies."""
    value = checksum(source, destination, protocol, data)
    assert value == slow_checksum(source, destination, protocol, data)
    carried = value.to_bytes(2) + data
    shift = slow_checksum(source, destination, protocol, bytes(2) + data)
    assert verifies(source, destination, protocol, shift.to_bytes(2) + data)
    assert verifies(source, destination, protocol, carried) == (value % 0xFFFF == shift % 0xFFFF)


@pytest.mark.parametrize(
    ("data", "total"),
    [
        (b"", 0),
        (b"\0\0", 0),
        (b"\xff\xff", 0xFFFF),
        (b"\xff\xff\xff\xff", 0xFFFF),
        (b"\1", 0x100),
        (b"\xff\xff\0\1", 1),
    ],
)
def test_ones_complement_sum(data: bytes, total: int) -> None:
    """Nothing but zeros has a sum of zero; an odd byte is the high one of a word."""
    assert ones_complement_sum(data) == total


@pytest.mark.parametrize(
    "name", ["binding update", "binding acknowledgement", "mobile prefix solicitation", "redirect"]
)
def test_a_message_verifies_with_the_addresses_that_its_checksum_covers(name: str) -> None:
    """The home address stands in for the source, the final destination for the destination."""
    packet = whole(BUILT[name].encode())
    assert isinstance(packet.upper, MobilityHeader | Icmpv6)
    assert packet.upper.verifies(packet.covered_source, packet.covered_destination)
    assert not packet.upper.verifies(packet.covered_source, AGENT)
    assert (packet.covered_source, packet.covered_destination) == {
        "binding update": (HOME, packet.destination),
        "binding acknowledgement": (CARE_OF, HOME),
        "mobile prefix solicitation": (HOME, packet.destination),
        "redirect": (packet.source, packet.destination),
    }[name]


def test_bytes_behind_a_mobility_header_are_not_covered() -> None:
    """The checksum is that of the Mobility Header, as long as its header length says."""
    packet = BUILT["home test init"]
    assert isinstance(packet.upper, MobilityHeader)
    data = packet.upper.encode(CARE_OF, AGENT)
    trailed = MobilityHeader(packet.upper.message, trailer=b"behind")
    assert trailed.encode(CARE_OF, AGENT) == data + b"behind"
    assert trailed.verifies(CARE_OF, AGENT)
    assert slow_checksum(CARE_OF, AGENT, MH, data[:4] + bytes(2) + data[6:]) == int.from_bytes(data[4:6])
