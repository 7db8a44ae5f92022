"""One home address with all that depends on its registration: its packets, its prefix, route optimisation.

Packets from the home address go plainly from the home link. From elsewhere they go by the care-of
address with a Home Address option where the peer has a binding, which the home agent has, and else
through the tunnel to the home agent (RFC 6275 section 11.3.1). Between two registrations, and until
the home address is free on the home link, the last few packets are held.
"""

from collections import deque

from msgspec import Struct

from mipsh.mobility.effects import Effect, Protection, Purpose, Send
from mipsh.mobility.mobile.follower import Binding
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.home_update import protection_of
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.mobile.prefixes import PrefixDiscovery
from mipsh.mobility.mobile.registration import HomeRegistration
from mipsh.mobility.mobile.route_optimisation import RouteOptimisation
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import from_care_of_address, in_tunnel, is_neighbour_discovery, is_never_optimised
from mipsh.mobility.status import AckStatus
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.mobility import HomeTest, MobilityHeader
from mipsh.wire.packet import Packet

MOST_HELD = 8
HELD_S = 10.0
"""How long a packet may be held; an older one would only confuse its receiver."""
LINK_SCOPE = 2
USELESS = frozenset((State.REFUSED, State.DUPLICATE, State.WITHDRAWING, State.ENDED, State.LEAVING, State.UNREGISTERED))
"""States in which the home address is of no use as a source."""


class Held(Struct, frozen=True):
    """A packet that waits, and since when."""

    packet: Packet
    time: float


class HomeSide:
    """A home address; ``registration`` tells it when the way of its packets changes."""

    def __init__(self, home: Home, entropy: Entropy, parameters: MobileNodeParameters, trace: Trace) -> None:
        self.home = home
        self.parameters = parameters
        self.registration = HomeRegistration(home, entropy, parameters, self, trace)
        self.prefixes = PrefixDiscovery(home, entropy, parameters, trace)
        self.optimisation = RouteOptimisation(home, entropy, parameters, trace)
        self._held: deque[Held] = deque(maxlen=MOST_HELD)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        parts = self.registration, self.prefixes, self.optimisation
        deadlines = (part.next_deadline() for part in parts)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        return [
            *self.registration.advance(now),
            *self.prefixes.advance(now),
            *self.optimisation.advance(now),
        ]

    def reconfigure(self, parameters: MobileNodeParameters, now: float) -> list[Effect]:
        """Take other lifetimes and policies, as ``MobileNode.reconfigure`` says."""
        self.parameters = self.registration.parameters = self.registration.updates.parameters = parameters
        return self.optimisation.reconfigure(parameters, now)

    # What the registration tells.

    def registered(self, binding: Binding, status: int, now: float) -> list[Effect]:
        """Send what was held, optimise routes, and ask for prefixes where the home agent says so."""
        addresses_of_binding = binding.care_of_address, binding.home_agent
        effects = self.optimisation.away(*addresses_of_binding, binding.until - now, now)
        effects += self.prefixes.registered(*addresses_of_binding, now)
        if status == AckStatus.ACCEPTED_PREFIX_DISCOVERY_NECESSARY:
            effects += self.prefixes.ask(now)
        return [*effects, *self._release(now)]

    def moving(self, now: float) -> list[Effect]:
        """Stop all that goes by the care-of address before."""
        self.prefixes.unregistered()
        return self.optimisation.moving(now)

    def at_home(self, now: float) -> list[Effect]:
        """Send what was held, and delete the peers' bindings."""
        self.prefixes.unregistered()
        return [*self.optimisation.at_home(now), *self._release(now)]

    def lost(self, now: float) -> list[Effect]:
        """Stop all that needs a registration."""
        self.prefixes.unregistered()
        return self.optimisation.lost(now)

    # Packets.

    @property
    def is_usable(self) -> bool:
        """Tell whether the home address is of use as a source, now or shortly."""
        return self.registration.state not in USELESS

    def care_of_address(self, now: float) -> bytes | None:
        """Return the care-of address that packets go by; None at home and while none is registered."""
        return self.registration.care_of_address if self.registration.is_registered(now) else None

    def learn_prefix(self, valid_until: float, now: float) -> list[Effect]:
        """Take note of when the home prefix ends, as the home link says."""
        if valid_until == self.prefixes.valid_until:
            return []
        self.prefixes.learn(valid_until, now)
        return self.registration.prefix(valid_until, now)

    def outgoing(self, packet: Packet, now: float) -> list[Effect]:
        """Send a packet from the home address, or from a mobile router's network behind it."""
        if self.registration.is_usable_at_home:
            return [Send(packet)]
        if _stays_on_its_link(packet) or not self.is_usable:
            return []
        care_of_address, home_agent = self.care_of_address(now), self.registration.home_agent
        if care_of_address is None or home_agent is None:
            self._held.append(Held(packet, now))
            return []
        optimised = self._optimised(packet, care_of_address, home_agent, now)
        if optimised is not None:
            return [Send(optimised)]
        tests = self.optimisation.sent(packet, now) if packet.source == self.home.address else []
        return [*self.tunnel(packet.encode(), now), *tests]

    def _optimised(self, packet: Packet, care_of_address: bytes, home_agent: bytes, now: float) -> Packet | None:
        """Return a packet as it goes without the tunnel; multicasts and Mobility Headers do not (section 11.3.4)."""
        is_ours = packet.source == self.home.address
        if not is_ours or is_never_optimised(packet) or addresses.is_multicast(packet.destination):
            return None
        if packet.destination != home_agent:
            return self.optimisation.outgoing(packet, now)
        is_protected = Purpose.PAYLOAD in self.parameters.required
        return None if is_protected else from_care_of_address(packet, care_of_address)

    def tunnel(self, data: bytes, now: float) -> list[Effect]:
        """Send a whole packet's bytes through the tunnel to the home agent; nothing while there is none."""
        care_of_address, home_agent = self.care_of_address(now), self.registration.home_agent
        if care_of_address is None or home_agent is None:
            return []
        protection = protection_of(self.home, self.parameters, Purpose.PAYLOAD)
        return [Send(in_tunnel(data, care_of_address, home_agent), protection=protection)]

    def _release(self, now: float) -> list[Effect]:
        held, self._held = self._held, deque(maxlen=MOST_HELD)
        return [effect for h in held if now - h.time <= HELD_S for effect in self.outgoing(h.packet, now)]

    def is_network(self, address: bytes) -> bool:
        """Tell whether an address is in a network behind this mobile router (RFC 3963)."""
        if not self.home.is_mobile_router:
            return False
        return any(addresses.in_prefix(address, prefix, length) for prefix, length in self.home.prefixes)

    def accepts_tunnel(self, packet: Packet, inner: Packet, protection: Protection | None) -> bool:
        """Tell whether a packet in a tunnel is the home agent's, and for this home (sections 11.3.3 and 11.6.2)."""
        if inner.destination != self.home.address and not self.is_network(inner.destination):
            return False
        place = self.registration.place
        is_here = place is not None and packet.destination in (
            place.care_of_address,
            self.registration.care_of_address,
        )
        agents = self.registration.asked_agent, self.registration.home_agent
        return is_here and packet.source in agents and self._is_protected(inner, protection)

    def _is_protected(self, inner: Packet, protection: Protection | None) -> bool:
        """Tell whether what came out of the tunnel was protected as it must be (RFC 4877 section 3)."""
        is_test = isinstance(inner.upper, MobilityHeader) and isinstance(inner.upper.message, HomeTest)
        purpose = Purpose.RETURN_ROUTABILITY if is_test else Purpose.PAYLOAD
        required = protection_of(self.home, self.parameters, purpose)
        return required is None or protection == required

    def accepts_routing_header(self, packet: Packet, now: float) -> bool:
        """Tell whether a type 2 routing header with the home address leads there from the packet's destination.

        Before a registration only Mobility Headers may come so: the acknowledgement is one.
        """
        if packet.destination == self.home.address:
            return self.registration.is_usable_at_home
        place = self.registration.place
        here = None if place is None else place.care_of_address
        if packet.destination not in (here, self.care_of_address(now)):
            return False
        return isinstance(packet.upper, MobilityHeader) or self.registration.is_registered(now)


def _stays_on_its_link(packet: Packet) -> bool:
    """Tell whether a packet from the home address has nothing to look for away from the home link."""
    destination = packet.destination
    if addresses.is_multicast(destination):
        return destination[1] & 0x0F <= LINK_SCOPE
    return addresses.is_link_local(destination) or is_neighbour_discovery(packet)
