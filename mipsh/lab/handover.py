"""A handover under traffic: when each step of it came, what was lost, and how fast it could have been at best.

A stream goes from a correspondent to the mobile node, which moves from one foreign link to another.
With one-way delays f of the foreign link, b of the backbone where access routers are, h of the home
link, and c of the correspondent's, the first packet on the new path comes at best

    T = T_move + T_dad + T_update + T_packet + T_resolve + T_stream

after the link is up, where

- T_move = 2 f + A: Router Solicitation, Router Advertisement; the router waits for A in between
  (RFC 4861 section 6.2.6 has it wait for up to 0.5 s, by chance; A is taken from the trace);
- T_dad = D + R: duplicate address detection of the care-of address; D is the delay by chance before the
  first probe (RFC 4862 section 5.4.2, taken from the trace), R is how long the node listens for
  answers, and both are 0 where it is optimistic (RFC 4429);
- T_update = f + b + h is how long the Binding Update takes to the home agent;
- T_packet = h + b + f is the way from there of the next packet, if it goes through the tunnel;
- T_resolve = 2 f: the router asks for the link-layer address behind the new care-of address;
- T_stream is the interval of the stream, for which the next packet may keep one waiting.

Where the route is optimised, the correspondent is told when the home agent has acknowledged, and the
home keygen token still holds (RFC 6275 sections 5.2.7 and 11.7.2). T_packet then is the way of the
acknowledgement, which is as long, and there are in addition

- T_test = 2 (f + b + c): Care-of Test Init and Care-of Test;
- T_correspond = 2 (f + b + c): the Binding Update to the correspondent, and the next packet from there.
"""

from collections.abc import Callable

from msgspec import Struct

from mipsh.lab.applications import Stream
from mipsh.lab.topology import ETHERNET, Lab
from mipsh.lab.trace_log import TraceLog
from mipsh.mobility.effects import AddressReady
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.trace import EffectCaused, PacketSeen, Record
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import BindingAcknowledgement, BindingUpdate, MobilityHeader
from mipsh.wire.ndp import NeighborSolicitation, RouterAdvertisement, RouterSolicitation
from mipsh.wire.packet import Packet, decode

SETTLE_S = 10.0
"""How long a mobile node may take for its registration before and behind the handover."""
AFTER_S = 2.0


class Handover(Struct, frozen=True):
    """The steps of a handover as times of the network's clock in seconds; ``lost`` counts packets of the stream."""

    link_down: float
    link_up: float
    solicited: float
    advertised: float
    care_of_address_ready: float
    update_sent: float
    acknowledged: float
    first_packet: float
    lost: int
    bound_s: float

    @property
    def measured_s(self) -> float:
        """How long it took from the link to the first packet."""
        return self.first_packet - self.link_up

    @property
    def ratio(self) -> float:
        """How many times the bound that is."""
        return self.measured_s / self.bound_s

    @property
    def steps_ms(self) -> dict[str, float]:
        """The steps in milliseconds since the link went down."""
        return {
            name.replace("_", " "): round((getattr(self, name) - self.link_down) * 1000, 3)
            for name in self.__struct_fields__
            if name not in ("link_down", "lost", "bound_s")
        }

    def report(self) -> str:
        """Return the steps, the losses and the bound as text."""
        lines = [f"{name:<24}{value:>12.3f} ms" for name, value in self.steps_ms.items()]
        lines += [f"{'packets lost':<24}{self.lost:>12}"]
        lines += [f"{name:<24}{value * 1000:>12.3f} ms" for name, value in self._comparison]
        return "\n".join([*lines, f"{'ratio':<24}{self.ratio:>12.4f}"]) + "\n"

    @property
    def _comparison(self) -> tuple[tuple[str, float], ...]:
        return ("from link to packet", self.measured_s), ("the bound", self.bound_s)


class _Trail:
    """The packets and addresses that were seen from one moment on."""

    def __init__(self, log: TraceLog, since: int) -> None:
        self._records = log.records[since:]

    def packet(self, node: str, is_received: bool, message: type, about: bytes | None = None) -> float:
        """Return when a node took in or sent the first packet with a message; raises LookupError."""

        def is_it(record: Record) -> bool:
            if not isinstance(record, PacketSeen) or record.is_received is not is_received:
                return False
            return record.node == node and _carries(record.data, message, about)

        return self._first(message.__name__, is_it)

    def ready(self, node: str, address: bytes) -> float:
        """Return when an address was ready; raises LookupError."""

        def is_it(record: Record) -> bool:
            effect = record.effect if isinstance(record, EffectCaused) and record.node == node else None
            return isinstance(effect, AddressReady) and effect.address == address

        return self._first("care-of address", is_it)

    def _first(self, what: str, is_it: Callable[[Record], bool]) -> float:
        for record in self._records:
            if is_it(record):
                return record.time
        raise LookupError(f"no {what} in the trace")


def _carries(data: bytes, message: type, about: bytes | None) -> bool:
    """Tell whether a packet carries a message, and one about an address where that matters."""
    packet = decode(data)
    upper = packet.upper if isinstance(packet, Packet) else None
    found = upper.message if isinstance(upper, Icmpv6 | MobilityHeader) else None
    return isinstance(found, message) and about in (None, getattr(found, "target", None))


def run(lab: Lab, log: TraceLog, name: str, link: str, *, gap_s: float = 0.05, interval_s: float = 0.001) -> Handover:
    """Move a registered mobile node to a foreign link while a stream comes to it; ``log`` is the lab's sink.

    The bound takes routers for granted that know each other, and an interval so long that no more
    packets come while a link-layer address is asked for than may wait for it.

    Raises LookupError where the mobile node does not arrive.
    """
    network, home = lab.network, lab.mobile_nodes[name]
    stream = Stream(network, "cn", name, home, interval_s=interval_s)
    network.run_for(AFTER_S)
    since, link_down = len(log.records), network.clock.now
    is_optimised = lab.optimised_at(name, "cn") is not None
    network.move(name, ETHERNET, link, gap_s)
    network.clock.run(lambda: bool(stream.arrivals) and stream.arrivals[-1][1] > link_down + gap_s, SETTLE_S)
    network.run_for(AFTER_S)
    stream.stop()
    gap, care_of = stream.gap(link_down + gap_s), lab.registered_at(name)
    if gap is None or care_of is None:
        raise LookupError(f"{name} does not arrive")
    trail = _Trail(log, since)
    return Handover(
        link_down,
        link_down + gap_s,
        trail.packet(name, False, RouterSolicitation),
        trail.packet(name, True, RouterAdvertisement),
        trail.ready(name, care_of),
        trail.packet(name, False, BindingUpdate),
        trail.packet(name, True, BindingAcknowledgement),
        gap.ends,
        gap.lost,
        _until_ready_s(lab, trail, name, care_of) + _until_packet_s(lab, is_optimised) + interval_s,
    )


def _until_ready_s(lab: Lab, trail: _Trail, name: str, care_of: bytes) -> float:
    """Return T_move + T_dad."""
    foreign = lab.parameters.foreign.delay_s
    heard = trail.packet(name, True, RouterAdvertisement)
    waited = heard - 2 * foreign - trail.packet(name, False, RouterSolicitation)
    if lab.parameters.is_optimistic:
        return 2 * foreign + waited
    settings = InterfaceParameters()
    delayed = trail.packet(name, False, NeighborSolicitation, care_of) - heard
    return 2 * foreign + waited + delayed + settings.dad_transmits * settings.retransmit_s


def _until_packet_s(lab: Lab, is_optimised: bool) -> float:
    """Return T_update + T_packet + T_resolve, with T_test + T_correspond where they count."""
    parameters = lab.parameters
    foreign, backbone = parameters.foreign.delay_s, parameters.backbone.delay_s
    access = foreign + (backbone if parameters.access_routers else 0.0)
    return until_packet_s(foreign, access, parameters.home.delay_s, backbone if is_optimised else None)


def until_packet_s(foreign: float, access: float, home: float, correspondent: float | None) -> float:
    """Return T_update + T_packet + T_resolve, with T_test + T_correspond where the route is optimised.

    All are delays one way; ``access`` is from the mobile node to the router between the links, and
    ``correspondent`` None where the route is not optimised.
    """
    tunnelled = 2 * (access + home) + 2 * foreign
    return tunnelled if correspondent is None else tunnelled + 4 * (access + correspondent)
