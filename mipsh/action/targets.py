"""Which bindings a person means: a peer, the home registration, or all of them, from what the engine has."""

from typing import Any

from msgspec import structs

from mipsh.action.methods import NO_ENTRY, Target
from mipsh.action.observed import CORRESPONDENT, HOME
from mipsh.engine import Capability, Connector
from mipsh.errors import CannotTell, CapabilityMissing, UsageError
from mipsh.linux.sockets import is_own
from mipsh.model.address import canonical

WHOLE_LIST = "all"
SILENT = ("nonce-block", "dying")


def find(connector: Connector, whom: str, interface: str = "") -> list[Target]:
    """Return what ``whom`` means: home, all, or an address.

    On a mobile node an address of its own is a home address, and means its home registration; any other
    is a peer's. On a peer it is a mobile node's home address. ``interface`` is taken in place of what
    the engine says. Raises UsageError for what is no address, CannotTell where nothing is known of it.
    """
    wanted = _address(whom)
    kept = connector.info.capabilities if connector.info is not None else ()
    if Capability.BINDING_UPDATE_LIST in kept:
        found = _of_mobile_node(connector, wanted)
    elif Capability.BINDING_CACHE in kept:
        found = _of_peer(connector, wanted)
    else:
        found = _without_tables(connector, wanted)
    return [structs.replace(target, interface=interface) for target in found] if interface else found


def _address(word: str) -> str:
    if word in (HOME, WHOLE_LIST):
        return word
    found = canonical(word)
    if found is None or "/" in word:
        raise UsageError(f"'{word}' is neither an address, nor '{HOME}', nor '{WHOLE_LIST}'", "write bu 2001:db8::1")
    return found


def _of_mobile_node(connector: Connector, wanted: str) -> list[Target]:
    rows: Any = connector.binding_update_list().rows
    entries = [_from_list(row) for row in rows if canonical(row.home_address) == row.home_address]
    if wanted == WHOLE_LIST:
        return entries or _unregistered(connector)
    homes = [entry for entry in entries if entry.registration == HOME]
    if wanted == HOME:
        return homes or _unregistered(connector)
    known = {*connector.home_addresses, *(entry.home_address for entry in entries)}
    if wanted in known or (not known and is_own(wanted)):
        return [entry for entry in homes if entry.home_address == wanted] or [_bare(connector, wanted)]
    if wanted in {entry.peer for entry in homes}:
        return [entry for entry in homes if entry.peer == wanted]
    found = [entry for entry in entries if entry.peer == wanted]
    return found or [_new(connector, home, wanted, homes) for home in _homes(connector, entries)]


def _from_list(row: Any) -> Target:
    care_of = row.care_of_address or row.last_care_of_address or ""
    return Target(
        row.home_address,
        row.peer_address or "",
        HOME if row.registration == HOME else CORRESPONDENT,
        interface=row.interface or "",
        care_of_address=care_of,
        known=_in_words(row.state, row),
    )


def _in_words(state: str | None, row: Any) -> str:
    """Return what a row says of its binding, as far as it says it."""
    said = [state or "of unknown state"]
    said += [] if row.sequence is None else [f"sequence number {row.sequence}"]
    said += [] if row.lifetime_remaining_s is None else [f"{row.lifetime_remaining_s} s left"]
    return ", ".join(said)


def _homes(connector: Connector, entries: list[Target]) -> list[str]:
    """Return the home addresses that there are."""
    known = list(dict.fromkeys([*(entry.home_address for entry in entries), *connector.home_addresses]))
    if not known:
        raise CannotTell("the mobile node's home address is not known: its list is empty", "name it: bu HOA")
    return known


def _new(connector: Connector, home_address: str, peer: str, homes: list[Target]) -> Target:
    """Return what is known of a peer that has no entry: the mobile node's own side, from its home registration."""
    for entry in homes:
        if entry.home_address == home_address:
            return structs.replace(entry, peer=peer, registration=CORRESPONDENT, known=NO_ENTRY)
    return _bare(connector, home_address, peer, CORRESPONDENT)


def _unregistered(connector: Connector) -> list[Target]:
    return [_bare(connector, home) for home in _homes(connector, [])]


def _bare(connector: Connector, home_address: str, peer: str = "", registration: str = HOME) -> Target:
    """Return a target of which there is no row: where the node is, as far as that is known otherwise."""
    interface, care_of = connector.place()
    return Target(home_address, peer, registration, interface=interface, care_of_address=care_of)


def _without_tables(connector: Connector, wanted: str) -> list[Target]:
    """Return what an engine that keeps no tables says by its addresses alone; raises CapabilityMissing."""
    if not connector.home_addresses:
        raise CapabilityMissing(
            "this engine keeps no bindings, and no address here is a home address",
            "'ip -6 address' marks a home address as 'home'; name another engine with --engine",
        )
    if wanted == WHOLE_LIST:
        raise CapabilityMissing("this engine keeps no binding update list, so that 'all' is not known", "name a peer")
    homes = [home for home in connector.home_addresses if wanted in (HOME, home)]
    if homes:
        return [_bare(connector, home) for home in homes]
    return [_bare(connector, home, wanted, CORRESPONDENT) for home in connector.home_addresses]


def _of_peer(connector: Connector, wanted: str) -> list[Target]:
    """Return the bindings of this node as the peer of mobile nodes; ``home`` means those of a home agent."""
    rows: Any = connector.binding_cache().rows
    live = [row for row in rows if row.status not in SILENT and canonical(row.home_address) == row.home_address]
    found = [_from_cache(row) for row in live if wanted in (WHOLE_LIST, row.home_address)]
    if wanted == HOME:
        found = [_from_cache(row) for row in live if row.status == "registered"]
    if not found:
        raise CannotTell(
            "this node has no such binding, so that there is none to be renewed"
            if wanted in (HOME, WHOLE_LIST)
            else f"this node has no binding of {wanted}",
            "only the mobile node itself begins one: it needs traffic between the two",
        )
    return found


def _from_cache(row: Any) -> Target:
    registration = HOME if row.status == "registered" else CORRESPONDENT
    return Target(
        row.home_address,
        row.local_address or "",
        registration,
        at_peer=True,
        local_address=row.local_address or "",
        care_of_address=row.care_of_address or "",
        known=_in_words(row.status, row),
    )
