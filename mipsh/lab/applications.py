"""What runs on top of the nodes: echo with round trip times, and streams that show gaps and losses."""

import struct

from msgspec import Struct

from mipsh.lab.network import Network
from mipsh.wire.checksum import UDP, checksum
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Packet, Payload

UDP_HEADER = struct.Struct(">HHHH")
SEQUENCE = struct.Struct(">Q")
SEQUENCE_NUMBERS = 1 << 16
FIRST_PORT = 40_000


def datagram(source: bytes, destination: bytes, ports: tuple[int, int], data: bytes) -> Packet:
    """Return a UDP datagram between two addresses, from and to a port."""
    length = UDP_HEADER.size + len(data)
    value = checksum(source, destination, UDP, UDP_HEADER.pack(*ports, length, 0) + data) or 0xFFFF
    return Packet(source, destination, Payload(UDP, UDP_HEADER.pack(*ports, length, value) + data))


class Echo:
    """Echo requests from a node to an address, as ping sends them: a first one now, one each interval.

    ``rtts_s`` has the round trip of every request that was answered, by its number.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        destination: bytes,
        *,
        count: int,
        interval_s: float = 1.0,
        size: int = 56,
        source: bytes | None = None,
    ) -> None:
        self.rtts_s: dict[int, float] = {}
        self.sent_at: list[float | None] = []
        self._network = network
        self._station = network.stations[name]
        self._destination = destination
        self._source = source
        self._left = count
        self._interval_s = interval_s
        self._size = size
        self._identifier = len(self._station.handlers) + 1
        self._station.handlers.append(self._hear)
        network.clock.schedule(network.clock.now, self._send)

    @property
    def lost(self) -> list[int]:
        """The numbers of the requests that no answer came to; without a source address none leaves."""
        return [number for number in range(len(self.sent_at)) if number not in self.rtts_s]

    def _send(self) -> None:
        now, number = self._network.clock.now, len(self.sent_at)
        source = self._source or self._station.source_for(self._destination)
        self.sent_at.append(None if source is None else now)
        if source is not None:
            sequence = number % SEQUENCE_NUMBERS
            request = EchoRequest(self._identifier, sequence, number.to_bytes(8) + bytes(max(self._size - 8, 0)))
            self._station.send(Packet(source, self._destination, Icmpv6(request)))
        self._left -= 1
        if self._left:
            self._network.clock.schedule(now + self._interval_s, self._send)

    def _hear(self, packet: Packet, now: float) -> None:
        reply = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
        if not isinstance(reply, EchoReply) or reply.identifier != self._identifier:
            return
        number = int.from_bytes(reply.data[:8])
        sent_at = self.sent_at[number] if number < len(self.sent_at) else None
        if sent_at is not None and number % SEQUENCE_NUMBERS == reply.sequence:
            self.rtts_s.setdefault(number, now - sent_at)


class Gap(Struct, frozen=True):
    """The longest silence of a stream: from the last datagram before it to the first one behind it, in seconds."""

    begins: float
    ends: float
    lost: int

    @property
    def duration_s(self) -> float:
        """How long it was."""
        return self.ends - self.begins


class Stream:
    """UDP datagrams at a constant rate from one node to another one's address, until ``stop``.

    ``arrivals`` has the number and the time of each datagram that came, copies included.
    """

    def __init__(
        self,
        network: Network,
        sender: str,
        receiver: str,
        destination: bytes,
        *,
        interval_s: float = 0.02,
        size: int = 160,
        source: bytes | None = None,
    ) -> None:
        self.sent_at: list[float] = []
        self.arrivals: list[tuple[int, float]] = []
        self._network = network
        self._sender = network.stations[sender]
        self._destination = destination
        self._source = source
        self._interval_s = interval_s
        self._padding = bytes(max(size - SEQUENCE.size, 0))
        handlers = network.stations[receiver].handlers
        self._ports = FIRST_PORT + len(handlers), FIRST_PORT + len(self._sender.handlers)
        self._head = struct.pack(">HH", *self._ports)
        self._runs = True
        handlers.append(self._hear)
        network.clock.schedule(network.clock.now, self._send)

    def stop(self) -> None:
        """Send no more."""
        self._runs = False

    @property
    def lost(self) -> list[int]:
        """The numbers of the datagrams that did not come."""
        came = {number for number, _ in self.arrivals}
        return [number for number in range(len(self.sent_at)) if number not in came]

    @property
    def duplicates(self) -> int:
        """How many datagrams came again."""
        return len(self.arrivals) - len({number for number, _ in self.arrivals})

    @property
    def late(self) -> int:
        """How many datagrams came behind one that was sent later."""
        highest, late = -1, 0
        for number, _ in self.arrivals:
            late += number < highest
            highest = max(highest, number)
        return late

    def gap(self, since: float = 0.0) -> Gap | None:
        """Return the longest silence that ended after a time; None where there were not two datagrams."""
        pairs = zip(self.arrivals, self.arrivals[1:], strict=False)
        gaps = [(after[1] - before[1], before, after) for before, after in pairs if after[1] > since]
        if not gaps:
            return None
        _, before, after = max(gaps, key=lambda gap: gap[0])
        lost = sum(before[0] < number < after[0] for number in self.lost)
        return Gap(before[1], after[1], lost)

    def _send(self) -> None:
        if not self._runs:
            return
        now = self._network.clock.now
        source = self._source or self._sender.source_for(self._destination)
        if source is not None:
            data = SEQUENCE.pack(len(self.sent_at)) + self._padding
            self.sent_at.append(now)
            self._sender.send(datagram(source, self._destination, self._ports, data))
        self._network.clock.schedule(now + self._interval_s, self._send)

    def _hear(self, packet: Packet, now: float) -> None:
        upper = packet.upper
        if isinstance(upper, Payload) and upper.protocol == UDP and upper.data[:4] == self._head:
            (number,) = SEQUENCE.unpack_from(upper.data, UDP_HEADER.size)
            self.arrivals.append((number, now))
