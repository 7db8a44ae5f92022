"""What mip6d and the kernel sent is decoded without loss, and proves the formulas of return routability."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from wire_samples import CAPTURE_NAMES, capture, innermost, whole

from mipsh.wire.address import UNSPECIFIED
from mipsh.wire.authenticator import binding_management_key, is_authentic
from mipsh.wire.checksum import ones_complement_sum
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import (
    AuthorizationData,
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTest,
    HomeTest,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.ndp import NeighborSolicitation, RouterSolicitation
from mipsh.wire.packet import Packet
from mipsh.wire.verify import problems

PROVEN = {"cn": (5, 5), "mn": (21, 9), "r1": (92, 42)}
"""How many Binding Updates and Binding Acknowledgements with an authenticator each capture has."""


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_every_frame_is_decoded_without_loss(name: str) -> None:
    """The same bytes come back, and no field is malformed, in a tunnel or out of it."""
    frames = 0
    for _, data in capture(name):
        packet = whole(data)
        assert packet.encode() == data
        assert packet.faults == innermost(packet).faults == ()
        frames += 1
    assert frames == {"cn": 96, "mn": 598, "r1": 2537}[name]


@pytest.mark.parametrize(("name", "wrong"), [("cn", 0), ("mn", 4), ("r1", 19)])
def test_the_only_wrong_checksums_are_those_of_mip6d_itself(name: str, wrong: int) -> None:
    """Solicitations that mip6d sends from the unspecified address: its sum leaves length and next header out.

    All other messages verify with the home address of the Home Address option as their source and
    that of the type 2 routing header as their destination; neighbour discovery never has either.
    """
    seen = 0
    for _, data in capture(name):
        packet = whole(data)
        faults = problems(packet)
        if not faults:
            continue
        (fault,) = faults
        assert fault.field == "ICMPv6 checksum"
        assert packet.source == UNSPECIFIED
        assert packet.headers == ()
        assert isinstance(packet.upper, Icmpv6)
        assert isinstance(packet.upper.message, RouterSolicitation | NeighborSolicitation)
        bare = packet.upper.encode(packet.source, packet.destination)
        assert ones_complement_sum(packet.source + packet.destination + bare) == 0xFFFF
        seen += 1
    assert seen == wrong


class Exchange(NamedTuple):
    """Who a binding is between, and the sequence number of its update."""

    peer: bytes
    home_address: bytes
    sequence: int


class Wire:
    """Somebody who reads along: tokens from the tests, keys from the updates that they prove."""

    def __init__(self) -> None:
        self.home_tokens: dict[tuple[bytes, bytes, int], bytes] = {}
        self.care_of_tokens: dict[tuple[bytes, int], dict[bytes, bytes]] = {}
        self.keys: dict[Exchange, tuple[bytes, bytes]] = {}

    def learn(self, packet: Packet, message: HomeTest | CareOfTest) -> None:
        """Take down a token."""
        if isinstance(message, HomeTest):
            self.home_tokens[packet.source, packet.destination, message.nonce_index] = message.token
        else:
            tokens = self.care_of_tokens.setdefault((packet.source, message.nonce_index), {})
            tokens[packet.destination] = message.token

    def proves_update(self, packet: Packet, update: BindingUpdate) -> bool:
        """Tell whether the tokens seen prove an update.

        To deregister there is only the home token, and the home address is the care-of address. Else
        it is any care-of address that was tested with the index named: it need not be the source,
        as an update can go through the reverse tunnel.
        """
        peer, home_address = packet.covered_destination, packet.covered_source
        (indices,) = (option for option in update.options if isinstance(option, NonceIndices))
        home_token = self.home_tokens[peer, home_address, indices.home]
        tokens = self.care_of_tokens.get((peer, indices.care_of), {})
        if update.lifetime == 0:
            tokens = {home_address: b""}
        assert isinstance(packet.upper, MobilityHeader)
        for care_of_address, token in tokens.items():
            key = binding_management_key(home_token, token)
            if is_authentic(packet.upper, key, care_of_address, peer):
                self.keys[Exchange(peer, home_address, update.sequence)] = key, care_of_address
                return True
        return False

    def proves_acknowledgement(self, packet: Packet, answer: BindingAcknowledgement) -> bool:
        """Tell whether the key of the update that was answered proves the answer."""
        peer, home_address = packet.covered_source, packet.covered_destination
        key, care_of_address = self.keys[Exchange(peer, home_address, answer.sequence)]
        assert isinstance(packet.upper, MobilityHeader)
        return is_authentic(packet.upper, key, care_of_address, peer)


def signalling(name: str) -> Iterator[tuple[Packet, MobilityHeader]]:
    """Yield the Mobility Headers of a capture, out of their tunnels."""
    for _, data in capture(name):
        packet = innermost(whole(data))
        if isinstance(packet.upper, MobilityHeader):
            yield packet, packet.upper


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_every_authenticator_is_proven_by_the_tokens_on_the_wire(name: str) -> None:
    """Each Binding Update and Binding Acknowledgement between mobile node and correspondent verifies."""
    wire = Wire()
    proven: Counter[type] = Counter()
    for packet, header in signalling(name):
        message = header.message
        if isinstance(message, HomeTest | CareOfTest):
            wire.learn(packet, message)
        elif isinstance(message, BindingUpdate) and authorized(message):
            assert wire.proves_update(packet, message)
            proven[BindingUpdate] += 1
        elif isinstance(message, BindingAcknowledgement) and authorized(message):
            assert wire.proves_acknowledgement(packet, message)
            proven[BindingAcknowledgement] += 1
    assert (proven[BindingUpdate], proven[BindingAcknowledgement]) == PROVEN[name]


def authorized(message: BindingUpdate | BindingAcknowledgement) -> bool:
    """Tell whether a message has Binding Authorization Data; those of a home agent have none."""
    return any(isinstance(option, AuthorizationData) for option in message.options)
