"""One mobile node's bindings as each of its nodes has them: what agrees, what differs, and who is behind.

The mobile node's Binding Update List is compared with the binding caches of its home agent and its
correspondents, and where it was not seen, those among each other. Sides are read one after the other:
times are compared as the moments at which bindings end.
"""

from collections.abc import Iterator

from msgspec import Struct

from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.model.why import BindingSide

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "could_not_tell"
HOME, CORRESPONDENT = "home", "correspondent"
NONE, UNSEEN = "none", "unknown"
LIVE = ("registered", "cached")
SLACK_S, SLACK = 4.0, 0.05
"""Lifetimes are counted in 4 s, and renewals come long before a twentieth of one is left to differ."""
COMPARED_FLAGS = ("H", "L", "K", "R")


class Side(Struct, frozen=True):
    """What one engine has: its role and addresses, its list and its cache; None for a table that it does not keep."""

    engine: str
    role: str | None
    updates: tuple[BindingUpdateListEntry, ...] | None
    cache: tuple[BindingCacheEntry, ...] | None
    taken_at: float
    addresses: frozenset[str] = frozenset()

    def knows(self, home_address: str) -> bool:
        """Tell whether this is the mobile node of a home address."""
        if self.updates is None:
            return False
        return home_address in self.addresses or any(row.home_address == home_address for row in self.updates)


class Pair(Struct, frozen=True):
    """A binding: whose, with whom, and whether it is the home registration."""

    home_address: str
    peer: str
    registration: str


class View(Struct, frozen=True):
    """A binding with its sides, and the verdict about them all."""

    pair: Pair
    rows: tuple[BindingSide, ...]
    verdict: str
    differs: tuple[str, ...] = ()


def compare(sides: list[Side], host: str = "") -> list[View]:
    """Return the bindings with a host, or of it where it is a home address; all, where none is named.

    With a correspondent come the home registrations of the same home addresses.
    """
    pairs = list(dict.fromkeys(_pairs(sides)))
    homes = {pair.home_address for pair in pairs if host in ("", pair.home_address, pair.peer)}
    wanted = [p for p in pairs if p.home_address in homes and (_is_meant(p, host) or p.registration == HOME)]
    views = [_view(sides, pair) for pair in sorted(wanted, key=_order)]
    return _with_each_other(views)


def sentence(views: list[View], asked: int) -> str:
    """Return what was found in words; ``asked`` is how many engines answered."""
    if not views:
        engines = "engine" if asked == 1 else "engines"
        return f"None of {asked} {engines} has such a binding."
    said = [f"{_name(view.pair)}: {_words(view)}" for view in views]
    return "".join(f"{one[0].upper()}{one[1:]}. " for one in said).rstrip()


def _name(pair: Pair) -> str:
    what = "home registration" if pair.registration == HOME else "binding"
    return f"{what} of {pair.home_address} at {pair.peer or 'an unknown home agent'}"


def _words(view: View) -> str:
    if view.verdict == AGREES:
        return "both sides agree"
    if view.verdict == DIFFERS:
        return "; ".join(view.differs)
    unseen = [row.side for row in view.rows if row.status == UNSEEN]
    return f"could not be compared, since the side of {' and '.join(unseen)} was not seen"


def _order(pair: Pair) -> tuple[str, bool, str]:
    return pair.home_address, pair.registration != HOME, pair.peer


def _is_meant(pair: Pair, host: str) -> bool:
    return host in ("", pair.home_address, pair.peer)


def _pairs(sides: list[Side]) -> Iterator[Pair]:
    """Yield the bindings that anybody has, or had until now."""
    for side in sides:
        for row in side.updates or ():
            yield Pair(row.home_address, row.peer_address or "", HOME if row.registration == HOME else CORRESPONDENT)
    for side in sides:
        for entry in side.cache or ():
            if entry.status in LIVE and entry.local_address is not None:
                kind = HOME if entry.status == "registered" else CORRESPONDENT
                yield Pair(entry.home_address, entry.local_address, kind)


def _view(sides: list[Side], pair: Pair) -> View:
    """Return both sides of a binding, and how they compare."""
    mobile = next((side for side in sides if side.knows(pair.home_address)), None)
    peer = _peer(sides, pair, mobile)
    update = None if mobile is None else _update(mobile, pair)
    entry = None if peer is None else _entry(peer, pair)
    differs: tuple[str, ...] = ()
    verdict = UNKNOWN
    if mobile is not None and peer is not None:
        differs = tuple(_differences(update, entry, peer.taken_at - mobile.taken_at))
        if differs and pair.peer not in peer.addresses:
            differs = (
                *differs,
                f"{peer.engine} is taken to be {pair.peer}: it says no address, and no other was asked",
            )
        verdict = DIFFERS if differs else AGREES
    rows = (_mobile_row(pair, mobile, update, verdict), _peer_row(pair, peer, entry, verdict, differs))
    return View(pair, rows, verdict, differs)


def _peer(sides: list[Side], pair: Pair, mobile: Side | None) -> Side | None:
    """Return the side of the peer: the one with its address, else the only one of its role without any address."""
    others = [side for side in sides if side is not mobile and side.cache is not None]
    found = next((side for side in others if pair.peer in side.addresses), None)
    if found is not None:
        return found
    role = "ha" if pair.registration == HOME else "cn"
    nameless = [side for side in others if side.role == role and not side.addresses]
    return nameless[0] if len(nameless) == 1 else None


def _update(side: Side, pair: Pair) -> BindingUpdateListEntry | None:
    for row in side.updates or ():
        kind = HOME if row.registration == HOME else CORRESPONDENT
        if Pair(row.home_address, row.peer_address or "", kind) == pair:
            return row
    return None


def _entry(side: Side, pair: Pair) -> BindingCacheEntry | None:
    for row in side.cache or ():
        is_kind = (row.status == "registered") == (pair.registration == HOME)
        is_mine = row.local_address in (None, pair.peer)
        if row.home_address == pair.home_address and row.status in LIVE and is_kind and is_mine:
            return row
    return None


def _differences(
    update: BindingUpdateListEntry | None, entry: BindingCacheEntry | None, later_s: float
) -> Iterator[str]:
    """Yield what is not the same; ``later_s`` is by how much the peer was read later than the mobile node."""
    is_claimed = update is not None and update.state == "bound"
    if update is None or entry is None:
        if entry is not None:
            yield f"the peer keeps a binding that the mobile node has not, for {entry.lifetime_remaining_s} s more"
        elif is_claimed:
            yield "the mobile node is behind: it goes by a binding that the peer has not"
        elif update is not None and update.ack == "wait" and update.retransmissions:
            times = update.retransmissions + 1
            yield f"the mobile node sent its Binding Update {times} times, and the peer has no binding"
        return
    if update.state == "not_mobile":
        yield "the mobile node leaves the peer alone, and the peer keeps a binding"
        return
    behind = _behind(update.sequence, entry.sequence)
    care_of = update.care_of_address or update.last_care_of_address
    if care_of != entry.care_of_address:
        yield f"care-of address {care_of} at the mobile node, {entry.care_of_address} at the peer{behind}"
    if None not in (update.sequence, entry.sequence) and update.sequence != entry.sequence:
        waits = ", not acknowledged" if update.ack == "wait" else ""
        yield f"sequence number {update.sequence} at the mobile node{waits}, {entry.sequence} at the peer{behind}"
    elif is_claimed:
        yield from _lifetimes(update, entry, later_s)
    wanted = set(update.flags) & set(COMPARED_FLAGS)
    if entry.flags and wanted != set(entry.flags) & set(COMPARED_FLAGS):
        yield f"flags {''.join(update.flags)} at the mobile node, {''.join(entry.flags)} at the peer"


def _lifetimes(update: BindingUpdateListEntry, entry: BindingCacheEntry, later_s: float) -> Iterator[str]:
    """Yield how the ends of a binding differ, which is more than one second's rounding."""
    mine_s, theirs_s = update.lifetime_remaining_s, entry.lifetime_remaining_s
    if mine_s is None or theirs_s is None:
        return
    granted_s = entry.lifetime_granted_s or update.lifetime_granted_s or 0
    apart_s = theirs_s + later_s - mine_s
    if abs(apart_s) > max(SLACK_S, SLACK * granted_s):
        first = "peer" if apart_s < 0 else "mobile node"
        yield f"it ends {abs(apart_s):.0f} s earlier at the {first}"


def _behind(mine: int | None, theirs: int | None) -> str:
    """Return who has the older sequence number, by the arithmetic of RFC 6275 section 9.5.1."""
    if mine is None or theirs is None or mine == theirs:
        return ""
    return ": the peer is behind" if (mine - theirs) & 0xFFFF < 0x8000 else ": the mobile node is behind"


def _with_each_other(views: list[View]) -> list[View]:
    """Compare the care-of addresses of peers whose mobile node was not seen among each other."""
    found = []
    for view in views:
        same = [v for v in views if v.pair.home_address == view.pair.home_address and v.rows[0].status == UNSEEN]
        places = {row.care_of_address for v in same for row in v.rows if row.care_of_address}
        if view in same and len(places) > 1:
            said = f"the care-of address is not the same everywhere: {', '.join(sorted(places))}"
            found.append(View(view.pair, view.rows, DIFFERS, (said,)))
        else:
            found.append(view)
    return found


def _mobile_row(pair: Pair, side: Side | None, update: BindingUpdateListEntry | None, verdict: str) -> BindingSide:
    if side is None or update is None:
        status = UNSEEN if side is None else NONE
        engine = "" if side is None else side.engine
        return BindingSide(
            pair.registration, "mn", engine, pair.home_address, pair.peer or None, None, status, verdict=verdict
        )
    return BindingSide(
        pair.registration,
        "mn",
        side.engine,
        pair.home_address,
        pair.peer or None,
        update.care_of_address or update.last_care_of_address,
        update.state,
        update.sequence,
        update.lifetime_remaining_s,
        update.lifetime_granted_s,
        update.flags,
        verdict,
    )


def _peer_row(
    pair: Pair, side: Side | None, entry: BindingCacheEntry | None, verdict: str, differs: tuple[str, ...]
) -> BindingSide:
    name = "ha" if pair.registration == HOME else "cn"
    if side is None or entry is None:
        status = UNSEEN if side is None else NONE
        engine = "" if side is None else side.engine
        return BindingSide(
            pair.registration,
            name,
            engine,
            pair.home_address,
            pair.peer or None,
            None,
            status,
            verdict=verdict,
            differs=differs,
        )
    return BindingSide(
        pair.registration,
        name,
        side.engine,
        pair.home_address,
        pair.peer or None,
        entry.care_of_address,
        entry.status,
        entry.sequence,
        entry.lifetime_remaining_s,
        entry.lifetime_granted_s,
        entry.flags,
        verdict,
        differs,
    )
