"""Messages that are dropped, and link-layer addresses that are none (RFC 4861 sections 6.1, 7.1 and 8.1)."""

import pytest
from host_bench import (
    ALL_NODES,
    FAR,
    OWN,
    PEER,
    PEER_MAC,
    ROUTER,
    UNSPECIFIED,
    na,
    ns,
    packet,
    ra,
)
from msgspec import structs

from mipsh.mobility.host.validate import SOURCE, link_layer_of, validate
from mipsh.wire.address import solicited_node
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.ndp import (
    LinkLayer,
    NeighborAdvertisement,
    NeighborSolicitation,
    Redirect,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet, Payload, decode

LINK_LAYER = (LinkLayer(SOURCE, PEER_MAC),)
GOOD = {
    "RS": packet(RouterSolicitation(LINK_LAYER), PEER, ALL_NODES),
    "RS from nobody": packet(RouterSolicitation(), UNSPECIFIED, ALL_NODES),
    "RA": ra(),
    "NS": ns(OWN),
    "NS from nobody": ns(OWN, UNSPECIFIED),
    "NA": na(),
    "NA to all": na(flags=0, destination=ALL_NODES),
    "Redirect to a router": packet(Redirect(ROUTER, FAR), ROUTER, OWN),
    "Redirect to the destination": packet(Redirect(FAR, FAR), ROUTER, OWN),
}
BAD = {
    "RS from nobody who says where": packet(RouterSolicitation(LINK_LAYER), UNSPECIFIED, ALL_NODES),
    "RA from no link-local address": ra(source=PEER),
    "NS for a group": ns(ALL_NODES),
    "NS from nobody to one": ns(OWN, UNSPECIFIED, destination=OWN),
    "NS from nobody who says where": packet(NeighborSolicitation(OWN, LINK_LAYER), UNSPECIFIED, solicited_node(OWN)),
    "NA for a group": packet(NeighborAdvertisement(ALL_NODES, 0), PEER, OWN),
    "NA to all that is solicited": na(destination=ALL_NODES),
    "Redirect for a group": packet(Redirect(ROUTER, ALL_NODES), ROUTER, OWN),
    "Redirect to nobody": packet(Redirect(PEER, FAR), ROUTER, OWN),
    "Redirect from no router": packet(Redirect(FAR, FAR), PEER, OWN),
    "from a group": structs.replace(GOOD["NA"], source=ALL_NODES),
    "over a router": packet(RouterAdvertisement(0, 0, 0), ROUTER, ALL_NODES, hop_limit=254),
    "with a code": packet(RouterAdvertisement(0, 0, 0, code=1), ROUTER, ALL_NODES),
    "with another checksum": structs.replace(GOOD["NA"], destination=FAR),
    "in fragments": structs.replace(GOOD["NA"], headers=(FragmentHeader(0, False, 1),)),
    "an echo": Packet(PEER, OWN, Icmpv6(EchoRequest(1, 1)), hop_limit=255),
    "no ICMPv6": Packet(PEER, OWN, Payload(17, b""), hop_limit=255),
}


@pytest.mark.parametrize("name", list(GOOD))
def test_what_is_looked_at(name: str) -> None:
    """The message is what was sent."""
    upper = GOOD[name].upper
    assert isinstance(upper, Icmpv6)
    assert validate(GOOD[name]) == upper.message


@pytest.mark.parametrize("name", list(BAD))
def test_what_is_dropped(name: str) -> None:
    """Without a word."""
    assert validate(BAD[name]) is None


@pytest.mark.parametrize("length", [0, 4])
def test_an_option_of_a_wrong_length_drops_the_message(length: int) -> None:
    """It has none, or is longer than the message."""
    data = bytearray(GOOD["NA"].encode())
    data[-7] = length
    data[42:44] = bytes(2)
    whole = decode(bytes(data))
    assert isinstance(whole, Packet)
    assert whole.faults
    assert validate(whole) is None


@pytest.mark.parametrize("address", [PEER_MAC, bytes(6), b"\x01" + bytes(5), bytes(14), b""])
def test_link_layer_addresses(address: bytes) -> None:
    """They are 6 bytes, and not a group's."""
    expected = address if len(address) == 6 and not address[0] & 1 else None
    assert link_layer_of((LinkLayer(2, PEER_MAC), LinkLayer(SOURCE, address)), SOURCE) == expected
    assert link_layer_of((LinkLayer(2, PEER_MAC),), SOURCE) is None
