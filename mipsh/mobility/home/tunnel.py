"""The tunnel between home agent and mobile node (RFC 6275 sections 10.4.2 to 10.4.6, RFC 2473, RFC 3963)."""

from collections.abc import Callable

from mipsh.mobility.effects import Effect, Protection, Purpose, Send
from mipsh.mobility.home.cache import HomeBinding, HomeCache
from mipsh.mobility.home.mobile_network import MobileNetworks
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.mobility.icmp_errors import (
    ADDRESS_UNREACHABLE,
    BEYOND_SCOPE,
    MINIMUM_MTU,
    ErrorLimits,
    is_answerable,
    is_error,
    time_exceeded,
    too_big,
    unreachable,
)
from mipsh.mobility.paths import ND_TYPES, TUNNEL_SIZE, in_tunnel, is_neighbour_discovery
from mipsh.wire import address as addresses
from mipsh.wire.checksum import ICMPV6, MH
from mipsh.wire.extension import DECODERS, FRAGMENT
from mipsh.wire.icmpv6 import Error, PacketTooBig
from mipsh.wire.mobility import HomeTestInit, MobilityHeader
from mipsh.wire.packet import HEADER_SIZE, IPV6, Packet, decode

FRAGMENT_HEADER_SIZE = 8
Make = Callable[[bytes, bytes, bytes], Packet]
"""Makes an error from its source, its destination and the packet that it quotes."""


class Tunnel:
    """Packets into the tunnel of each binding, out of it, and errors about them."""

    def __init__(self, parameters: HomeAgentParameters, cache: HomeCache, networks: MobileNetworks) -> None:
        self._parameters = parameters
        self._cache = cache
        self._networks = networks
        self._limits = ErrorLimits(parameters.errors_per_peer, parameters.errors_together)

    def binding_of(self, address: bytes, now: float) -> HomeBinding | None:
        """Return the binding of a home address, or of the mobile router whose network an address is in."""
        entry = self._cache.bound(address, now)
        if entry is not None:
            return entry
        owner = self._networks.owner(address)
        return None if owner is None else self._cache.bound(owner, now)

    def enter(self, data: bytes, interface: str, now: float) -> list[Effect]:
        """Send a packet on to the care-of address of its destination, one hop further (RFC 2473 section 3.1).

        Neighbour discovery is answered on the link in place of the mobile node, never sent on.
        """
        data = data[: HEADER_SIZE + int.from_bytes(data[4:6])]
        entry = self.binding_of(data[24:HEADER_SIZE], now)
        is_discovery, purpose = _look_into(data)
        if entry is None or is_discovery or not is_answerable(data[8:24]):
            return []
        if addresses.is_link_local(data[8:24]):
            return self._tell(entry.local_address, data, interface, _unreachable(BEYOND_SCOPE), now)
        if data[7] <= 1:
            return self._tell(entry.local_address, data, interface, time_exceeded, now)
        mtu = max(self._parameters.tunnel_mtu - TUNNEL_SIZE, MINIMUM_MTU)
        if len(data) > mtu:
            return self._tell(entry.local_address, data, interface, _too_big(mtu), now)
        data = data[:7] + bytes((data[7] - 1,)) + data[8:]
        packet = in_tunnel(data, entry.local_address, entry.care_of_address)
        return [Send(packet, None, self._protection(purpose, entry.home_address))]

    def _protection(self, purpose: Purpose, home_address: bytes) -> Protection | None:
        """Return what protects a packet in the tunnel: its own association, or that of all in the tunnel."""
        own = self._parameters.protection(purpose, home_address)
        return own or self._parameters.protection(Purpose.PAYLOAD, home_address)

    def refuse(self, data: bytes, interface: str, source: bytes, now: float) -> list[Effect]:
        """Answer a packet to a mobile node's link-local address, which is not sent on (section 10.4.2)."""
        data = data[: HEADER_SIZE + int.from_bytes(data[4:6])]
        if _look_into(data)[0]:
            return []
        return self._tell(source, data, interface, _unreachable(ADDRESS_UNREACHABLE), now)

    def _tell(self, source: bytes, data: bytes, interface: str | None, make: Make, now: float) -> list[Effect]:
        """Return an error about a packet to its source, if it may have one (RFC 4443 section 2.4)."""
        packet = decode(data)
        if not isinstance(packet, Packet) or is_error(packet) or not self._limits.allow(packet, now):
            return []
        where = interface if addresses.is_link_local(packet.source) else None
        return [Send(make(source, packet.source, data), where)]

    def leave(self, packet: Packet, protection: Protection | None, now: float) -> bytes | None:
        """Return the packet in a packet that a mobile node sent through its tunnel (sections 10.4.5, 10.4.6).

        It must come from the care-of address that is bound to the inner source, and protected where
        that is required; None for any other.
        """
        inner = packet.upper
        if not isinstance(inner, Packet):
            return None
        entry = self.binding_of(inner.source, now)
        if entry is None or entry.care_of_address != packet.source:
            return None
        if not self._is_protected(inner, protection, entry.home_address):
            return None
        return inner.encode()

    def _is_protected(self, inner: Packet, protection: Protection | None, home_address: bytes) -> bool:
        is_test = isinstance(inner.upper, MobilityHeader) and isinstance(inner.upper.message, HomeTestInit)
        if protection is None:
            required = {Purpose.PAYLOAD, Purpose.RETURN_ROUTABILITY} if is_test else {Purpose.PAYLOAD}
            return not required & self._parameters.required
        if protection.home_address != home_address:
            return False
        if is_test and Purpose.RETURN_ROUTABILITY in self._parameters.required:
            return protection.purpose is Purpose.RETURN_ROUTABILITY
        return protection.purpose in (Purpose.PAYLOAD, Purpose.RETURN_ROUTABILITY)

    def relay(self, error: Error, now: float) -> list[Effect] | None:
        """Tell the source of a packet that was in a tunnel what an error says about it (RFC 2473 section 8).

        None where the error is not about a tunnel of this home agent.
        """
        outer = error.original
        at = _inner_offset(outer)
        if at is None:
            return None
        data = outer[at:]
        entry = self.binding_of(data[24:HEADER_SIZE], now)
        ends = outer[8:24], outer[24:HEADER_SIZE]
        if entry is None or ends != (entry.local_address, entry.care_of_address):
            return None
        if not isinstance(error, PacketTooBig):
            return self._tell(entry.local_address, data, entry.interface, _unreachable(ADDRESS_UNREACHABLE), now)
        mtu = max(error.value - TUNNEL_SIZE, MINIMUM_MTU)
        if HEADER_SIZE + int.from_bytes(data[4:6]) <= mtu:
            # The tunnel's own packets are cut into fragments from now on (RFC 2473 section 7.1).
            return []
        return self._tell(entry.local_address, data, entry.interface, _too_big(mtu), now)


def _unreachable(code: int) -> Make:
    return lambda source, destination, original: unreachable(source, destination, code, original)


def _too_big(mtu: int) -> Make:
    return lambda source, destination, original: too_big(source, destination, mtu, original)


def _look_into(data: bytes) -> tuple[bool, Purpose]:
    """Tell whether a packet is neighbour discovery, and which association is for it; most are not decoded."""
    number = data[6]
    if number == ICMPV6:
        return len(data) > HEADER_SIZE and data[HEADER_SIZE] in ND_TYPES, Purpose.PAYLOAD
    if number == MH:
        return False, Purpose.RETURN_ROUTABILITY
    if number in DECODERS:
        packet = decode(data)
        if isinstance(packet, Packet):
            is_mobility = isinstance(packet.upper, MobilityHeader)
            return is_neighbour_discovery(packet), Purpose.RETURN_ROUTABILITY if is_mobility else Purpose.PAYLOAD
    return False, Purpose.PAYLOAD


def _inner_offset(outer: bytes) -> int | None:
    """Return where the packet in a quoted tunnel packet begins; None where it is none, or cut too short to tell."""
    at, number = HEADER_SIZE, outer[6] if len(outer) > HEADER_SIZE else 0
    if number == FRAGMENT and len(outer) > HEADER_SIZE + FRAGMENT_HEADER_SIZE:
        is_first = int.from_bytes(outer[HEADER_SIZE + 2 : HEADER_SIZE + 4]) >> 3 == 0
        at, number = HEADER_SIZE + FRAGMENT_HEADER_SIZE, outer[HEADER_SIZE] if is_first else 0
    return at if number == IPV6 and len(outer) >= at + HEADER_SIZE else None
