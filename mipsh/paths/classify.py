"""Tells from the frames that were seen of an echo what way its request went, and what way its reply came.

A tunnel's own interface shows what is inside the tunnel: only what was on a link counts. On the node
that sent the echo or answers it, what was on its links first is the packet; a node in between may see one
packet on several links, and its outermost form counts. What does not prove a route is ``?``, with the reason.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from mipsh.paths.echo import HEADERS_SIZE, REPLY, REQUEST, Echo, Frame, Known, Path, Route, Way
from mipsh.paths.sights import Nature, Sight, look
from mipsh.wire.address import text
from mipsh.wire.packet import Packet

DECRYPTED_WITHIN_S = 0.001
"""The kernel shows a packet that came encrypted once more, on the same interface, at the same moment."""
RANKS = {Route.TUNNEL: 2, Route.RO: 1, Route.DIRECT: 0}
LOST = "packets were lost to the capture"
CUT = "a frame that may be it was cut short, or is malformed"
ENCRYPTED = "encrypted packets (ESP) went by that may be it"
STRANGE = "it was seen with other addresses than its own"
ABOVE_ONLY = "it was seen on '{}' only, which is a tunnel's own interface: what was on the links was not seen"
HALF = "one end's half of route optimisation is there, the other's is not: what is beyond this node was not seen"
NEVER_LEFT = "it was never seen to leave"
NO_REPLY = "no reply came"
UNSEEN = "it was not seen, and yet there was one"


class Circumstances(Struct, frozen=True):
    """How it was looked: ``lost`` packets in that time that were not seen, and whether the echo was answered.

    ``is_answered`` is None where only frames tell.
    """

    lost: int = 0
    is_answered: bool | None = None


NOTHING_KNOWN, ALL_SEEN = Known(), Circumstances()


def classify(
    echo: Echo, frames: Iterable[Frame], known: Known = NOTHING_KNOWN, circumstances: Circumstances = ALL_SEEN
) -> Path:
    """Return the ways of an echo's request and reply, whatever the frames are and in whatever order."""
    sights = sorted((s for f in frames if (s := look(f, echo)) is not None), key=lambda sight: sight.time)
    halves = {part: _Half(part, echo, known, sights) for part in (REQUEST, REPLY)}
    is_answered = bool(halves[REPLY].forms) or bool(circumstances.is_answered)
    away = known.away | _away(halves)
    request, reply = (_settled(half, Circumstances(circumstances.lost, is_answered), away) for half in halves.values())
    return Path(request, reply)


class _Half:
    """What was seen of one half of an echo: ``forms`` of it, and what else may have been it."""

    def __init__(self, part: int, echo: Echo, known: Known, sights: Sequence[Sight]) -> None:
        self.part, self.echo, self.known = part, echo, known
        self.is_out = self._direction()
        mine = [s for s in sights if s.part in (part, None) and self._is_this_way(s)]
        found = [s for s in mine if s.nature is Nature.ECHO]
        self.forms = [s for s in found if s.is_link]
        self.above = [s for s in found if not s.is_link]
        self.encrypted = [s for s in mine if s.nature is Nature.ENCRYPTED and s.is_link]
        self.is_cut = any(s.nature is Nature.CUT and s.is_link for s in mine)
        self.is_strange = any(s.nature is Nature.OTHER_ADDRESSES for s in mine)

    def _direction(self) -> bool | None:
        """Return whether this half leaves the node, or comes to it; None on a node in between."""
        asks, answers = (address in self.known.addresses for address in (self.echo.source, self.echo.destination))
        if asks:
            return self.part == REQUEST
        return self.part == REPLY if answers else None

    def _is_this_way(self, sight: Sight) -> bool:
        return None in (self.is_out, sight.is_outgoing) or sight.is_outgoing == self.is_out or sight.is_loopback

    @property
    def is_between(self) -> bool:
        """Tell whether the node is neither end."""
        return self.is_out is None

    def best(self) -> Sight:
        """Return the form that counts."""
        if self.is_between:
            return max(self.forms, key=lambda sight: RANKS[_route(sight)])
        return self.forms[0]

    def copies(self) -> int:
        """Return how often it was seen in the place where it was seen most."""
        places: dict[tuple[str, bool | None, Route], int] = {}
        for sight in self.forms:
            place = sight.interface, sight.is_outgoing, _route(sight)
            places[place] = places.get(place, 0) + 1
        return max(places.values(), default=0)


def _route(sight: Sight) -> Route:
    """Return the route that a form of an echo shows."""
    if sight.tunnels:
        return Route.TUNNEL
    packet = sight.inner
    if packet is not None and (packet.home_address_option or packet.routing_home_address):
        return Route.RO
    return Route.DIRECT


def _away(halves: dict[int, _Half]) -> frozenset[bytes]:
    """Return the home addresses that the echo's own headers show to be away from home."""
    found: set[bytes] = set()
    for half in halves.values():
        for sight in half.forms:
            if sight.inner is not None:
                found |= {sight.inner.home_address_option or b"", sight.inner.routing_home_address or b""}
    return frozenset(found - {b""})


def _settled(half: _Half, circumstances: Circumstances, away: frozenset[bytes]) -> Way:
    if not half.forms:
        return _without_forms(half, circumstances)
    best = half.best()
    route = _route(best)
    hidden = _decrypted(half, best) if route is Route.DIRECT else ()
    if hidden:
        return _hidden_behind(half, best, hidden)
    way = _way(half, best, route)
    if route is Route.TUNNEL:
        return way
    doubt = _doubt(half, best, circumstances, away)
    return _unknown(doubt, way) if doubt else way


def _doubt(half: _Half, best: Sight, circumstances: Circumstances, away: frozenset[bytes]) -> str:
    """Return why a form that was seen does not prove that the packet had nothing more around it."""
    is_direct = _route(best) is Route.DIRECT
    if circumstances.lost and (is_direct or half.is_between):
        return LOST
    if half.is_cut and (half.is_between or (is_direct and not half.is_out)):
        return CUT
    return "" if is_direct or not _is_half(best, away) else HALF


def _is_half(sight: Sight, away: frozenset[bytes]) -> bool:
    """Tell whether an optimised packet lacks what the other end, known to be away from home, would have in it."""
    packet = sight.inner
    if packet is None:
        return False
    is_from_away = packet.home_address_option is None and packet.covered_source in away
    return is_from_away or (packet.routing_home_address is None and packet.covered_destination in away)


def _decrypted(half: _Half, best: Sight) -> tuple[Sight, ...]:
    """Return the encrypted packets that one which came may have been inside of until it was shown."""
    if half.is_out or best.is_outgoing:
        return ()
    return tuple(
        sight
        for sight in half.encrypted
        if sight.interface == best.interface and abs(best.time - sight.time) <= DECRYPTED_WITHIN_S
    )


def _hidden_behind(half: _Half, best: Sight, hidden: Sequence[Sight]) -> Way:
    """Return the way of a packet that was shown beside an encrypted one: that one's, if it is to a care-of address."""
    destination = best.inner.covered_destination if best.inner is not None else b""
    outer = {(s.packet.source, s.packet.destination) for s in hidden if s.packet is not None}
    if len(outer) == 1 and destination in half.known.home_addresses:
        ((_, to),) = outer
        if to in half.known.addresses and to != destination:
            return _way(half, hidden[0], Route.TUNNEL)
    return _unknown(ENCRYPTED, _way(half, best, Route.DIRECT))


def _without_forms(half: _Half, circumstances: Circumstances) -> Way:
    """Return the way of what was not seen on any link."""
    is_needed = half.part == REQUEST or circumstances.is_answered
    if circumstances.lost:
        return Way(Route.UNKNOWN, LOST)
    if half.encrypted:
        return _encrypted(half) if is_needed and circumstances.is_answered else Way(Route.UNKNOWN, ENCRYPTED)
    if half.is_cut:
        return Way(Route.UNKNOWN, CUT)
    if half.is_strange:
        return Way(Route.UNKNOWN, STRANGE)
    if half.part == REPLY and not half.above:
        return Way(Route.UNKNOWN, UNSEEN) if circumstances.is_answered else Way(Route.NONE, NO_REPLY)
    above = ABOVE_ONLY.format(half.above[0].interface) if half.above else UNSEEN
    if circumstances.is_answered or half.part == REPLY or half.is_between:
        return Way(Route.UNKNOWN, above)
    return Way(Route.NONE, NEVER_LEFT)


def _encrypted(half: _Half) -> Way:
    """Return the way of an echo that was there and was in none but encrypted packets."""
    outer = {(s.packet.source, s.packet.destination) for s in half.encrypted if s.packet is not None}
    if len(outer) != 1 or half.is_between or half.is_cut:
        return Way(Route.UNKNOWN, ENCRYPTED)
    sight = half.encrypted[0]
    if sight.inner is None or sight.tunnels:
        return _way(half, sight, Route.TUNNEL)
    if sight.inner.home_address_option or sight.inner.routing_home_address:
        return _way(half, sight, Route.RO) if _is_of(sight.inner, half) else Way(Route.UNKNOWN, ENCRYPTED)
    return _way(half, sight, Route.DIRECT if _is_of(sight.inner, half) else Route.TUNNEL)


def _is_of(packet: Packet, half: _Half) -> bool:
    """Tell whether a packet is between the ends of an echo."""
    ends = half.echo.source, half.echo.destination
    found = packet.covered_source, packet.covered_destination
    return found == (ends if half.part == REQUEST else ends[::-1])


def _unknown(reason: str, way: Way) -> Way:
    """Return what was seen of a way that is not known."""
    return Way(Route.UNKNOWN, reason, way.interface, time=way.time, hop_limit=way.hop_limit, copies=way.copies)


def _way(half: _Half, sight: Sight, route: Route) -> Way:
    """Return a way, with the evidence."""
    packet, inner = sight.packet, sight.inner
    if packet is None or inner is None:
        return Way(route, interface=sight.interface, time=sight.time)
    is_encrypted = sight.nature is Nature.ENCRYPTED
    home, routed = inner.home_address_option, inner.routing_home_address
    return Way(
        route,
        "",
        sight.interface,
        text(packet.source),
        text(packet.destination),
        None if home is None else text(home),
        None if routed is None else text(routed),
        "esp" if is_encrypted else "ipv6" if sight.tunnels else "",
        _overhead(half.echo, packet, sight) if is_encrypted or not sight.is_loopback else 0,
        None if is_encrypted else inner.hop_limit,
        sight.time,
        1 if is_encrypted else half.copies(),
    )


def _overhead(echo: Echo, packet: Packet, sight: Sight) -> int | None:
    """Return how many bytes more than a direct echo a packet has; None where that is not known."""
    headers, inner = 0, packet
    while True:
        headers += sum(len(header.encode(0)) for header in inner.headers)
        if not isinstance(inner.upper, Packet):
            break
        headers, inner = headers + 40, inner.upper
    if sight.nature is not Nature.ENCRYPTED:
        return headers
    return None if echo.size is None else headers + 40 + sight.esp_size - HEADERS_SIZE - echo.size
