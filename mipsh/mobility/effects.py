"""What the parts of a node say to each other and to the world, as values.

A part is handed something and answers with effects. They are of three groups. *Requests* ask the
node's own links for something: the node carries them out. *Signals* are what links tell the roles
above them (home agent, mobile node): the node hands them on. What is left is for the *world*: a
driver executes it, a test compares it, and the shell prints it. ``Node`` returns only the latter.
"""

from enum import Enum

from msgspec import Struct

from mipsh.wire.ndp import RouterAdvertisement
from mipsh.wire.packet import Packet


class Purpose(Enum):
    """What a security association between mobile node and home agent is for (RFC 4877 section 3)."""

    REGISTRATION = "Binding Updates and Acknowledgements, transport mode"
    RETURN_ROUTABILITY = "Home Test Inits and Home Tests, tunnel mode"
    PREFIX_DISCOVERY = "Mobile Prefix Solicitations and Advertisements, transport mode"
    PAYLOAD = "all else in the tunnel, tunnel mode"


class Protection(Struct, frozen=True):
    """The security association that a packet came by, or is to go by: its purpose and its mobile node.

    IPsec itself is the driver's: the core says what must be protected, and believes what it is told.
    """

    purpose: Purpose
    home_address: bytes


# Requests to the node's links.


class Send(Struct, frozen=True):
    """Send a packet.

    Routing decides where ``interface`` is None. ``link_layer`` is whom it goes to on the link,
    where that is known already; neighbour discovery finds it out otherwise.
    """

    packet: Packet
    interface: str | None = None
    protection: Protection | None = None
    link_layer: bytes | None = None


class ProbeAddress(Struct, frozen=True):
    """Find out by duplicate address detection whether an address to be defended is free on a link.

    AddressReady or AddressFailed tells.
    """

    interface: str
    address: bytes


class DefendAddress(Struct, frozen=True):
    """From now on, answer for an address on a link in place of its owner (proxy neighbour discovery).

    Neighbours are told at once, overriding what they knew (RFC 6275 section 10.4.1).
    """

    interface: str
    address: bytes


class ReleaseAddress(Struct, frozen=True):
    """From now on, leave an address on a link to its owner; harmless where it was not defended."""

    interface: str
    address: bytes


class AssignAddress(Struct, frozen=True):
    """Give an interface an address, with duplicate address detection if ``detect``; AddressReady tells."""

    interface: str
    address: bytes
    detect: bool = True


class RemoveAddress(Struct, frozen=True):
    """Take an address from an interface; harmless where it is not there."""

    interface: str
    address: bytes


class AnnounceAddress(Struct, frozen=True):
    """Tell all nodes of a link that an address is here, overriding what they knew (RFC 6275 section 11.5.5)."""

    interface: str
    address: bytes


class FindDefender(Struct, frozen=True):
    """Ask a link who answers for an address, from the unspecified address (RFC 6275 section 11.5.5).

    NeighbourFound or NeighbourLost tells; an answer is no sign of a duplicate.
    """

    interface: str
    address: bytes


class ConfirmNeighbour(Struct, frozen=True):
    """Find out by solicitation whether a neighbour still answers; NeighbourConfirmed or NeighbourLost tells."""

    interface: str
    address: bytes


class SolicitRouters(Struct, frozen=True):
    """Ask a link for its routers, at once, and again while none answers."""

    interface: str


class ForgetRouter(Struct, frozen=True):
    """Drop a router, by its link-local address, with the prefixes and addresses that only it advertised."""

    interface: str
    router: bytes


# Signals from the node's links.


class LinkChanged(Struct, frozen=True):
    """An interface has a link from now on, or has none."""

    interface: str
    is_up: bool


class RouterAdvertised(Struct, frozen=True):
    """A valid Router Advertisement came from a router's link-local address."""

    interface: str
    router: bytes
    message: RouterAdvertisement


class RouterExpired(Struct, frozen=True):
    """A default router's lifetime ended, or a Router Advertisement ended it."""

    interface: str
    router: bytes


class AddressReady(Struct, frozen=True):
    """An address may be used from now on, or one that was probed is free.

    ``is_optimistic`` where duplicate address detection still runs (RFC 4429).
    """

    interface: str
    address: bytes
    is_optimistic: bool = False


class AddressFailed(Struct, frozen=True):
    """An address is somebody else's; it was withdrawn, if it was used."""

    interface: str
    address: bytes


class AddressGone(Struct, frozen=True):
    """An address is not on an interface any more: its lifetime ended, or it was removed."""

    interface: str
    address: bytes


class NeighbourFound(Struct, frozen=True):
    """A neighbour that was asked for is there, under a link-layer address."""

    interface: str
    address: bytes
    link_layer: bytes


class NeighbourConfirmed(Struct, frozen=True):
    """A neighbour that was to be confirmed answered."""

    interface: str
    address: bytes


class NeighbourLost(Struct, frozen=True):
    """A neighbour does not answer any more: one to be confirmed or found, or a router."""

    interface: str
    address: bytes


class Undeliverable(Struct, frozen=True):
    """A packet waited for a neighbour that does not answer; its source is to be told."""

    interface: str
    data: bytes


# To the world.


class Transmit(Struct, frozen=True, gc=False):
    """Put a packet on a link, to a link-layer address; ``data`` is the whole IPv6 packet."""

    interface: str
    link_layer: bytes
    data: bytes
    protection: Protection | None = None


class Deliver(Struct, frozen=True):
    """Hand a packet to the upper layers, who see the home address as its source and no extension header."""

    packet: Packet


class AddressAdded(Struct, frozen=True):
    """From now on, the upper layers may use an address; home addresses have no interface."""

    address: bytes
    interface: str | None = None


class AddressRemoved(Struct, frozen=True):
    """From now on, the upper layers may not use an address."""

    address: bytes
    interface: str | None = None


class InstallBinding(Struct, frozen=True):
    """From now on, packets for a home address go to its care-of address, and may come from there.

    At a home agent they go through a tunnel (``is_tunnel``), elsewhere by a type 2 routing header.
    """

    home_address: bytes
    care_of_address: bytes
    local_address: bytes
    is_tunnel: bool = False


class RemoveBinding(Struct, frozen=True):
    """From now on, packets for a home address go where routing says."""

    home_address: bytes
    local_address: bytes


class InstallRoute(Struct, frozen=True):
    """A mobile node's packets from its home address to a peer go by its care-of address.

    With ``peer`` None they go through the tunnel to ``home_agent`` unless another route says otherwise.
    """

    home_address: bytes
    care_of_address: bytes
    peer: bytes | None = None
    home_agent: bytes | None = None


class RemoveRoute(Struct, frozen=True):
    """A mobile node's packets to a peer go through the tunnel again; with ``peer`` None, there is no tunnel."""

    home_address: bytes
    peer: bytes | None = None


class Emit(Struct, frozen=True):
    """Tell whoever listens that something happened; names follow MOBILEIPV6-MIB (RFC 4295)."""

    event: str
    home_address: bytes
    care_of_address: bytes | None = None
    peer: bytes | None = None
    detail: str = ""


Request = (
    Send
    | ProbeAddress
    | DefendAddress
    | ReleaseAddress
    | AssignAddress
    | RemoveAddress
    | AnnounceAddress
    | FindDefender
    | ConfirmNeighbour
    | SolicitRouters
    | ForgetRouter
)
Signal = (
    LinkChanged
    | RouterAdvertised
    | RouterExpired
    | AddressReady
    | AddressFailed
    | AddressGone
    | NeighbourFound
    | NeighbourConfirmed
    | NeighbourLost
    | Undeliverable
)
ToWorld = (
    Transmit
    | Deliver
    | AddressAdded
    | AddressRemoved
    | InstallBinding
    | RemoveBinding
    | InstallRoute
    | RemoveRoute
    | Emit
)
Effect = Request | Signal | ToWorld
