"""What a node knows, as the records that the shell shows: the tables of every role.

Every function yields the rows as they are while they are asked for: entries that are gone by then
are left out. Remaining times are those at ``now``, a time of the node's clock. Keys, tokens and
cookies are in none of them.
"""

from collections.abc import Callable, Iterator
from math import floor
from typing import Literal

from msgspec import Struct

from mipsh.mobility import correspondent_cache
from mipsh.mobility.home.cache import NEVER, HomeBinding, State
from mipsh.mobility.node import Node
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, Counter, HomeAgent, HomePrefix
from mipsh.node.counting import CountingTrace
from mipsh.node.update_readings import (
    AWAITING,
    TESTING,
    UPDATE_FLAGS,
    binding_update_list,
    letters,
    return_routability,
)
from mipsh.wire.address import text
from mipsh.wire.ndp import AUTONOMOUS, INFINITY, ON_LINK, ROUTER_ADDRESS

Rows = Callable[[Node, float], Iterator[Struct]]
Role = Literal["mn", "ha", "cn"]

PREFIX_FLAGS = {ON_LINK: "O", AUTONOMOUS: "A", ROUTER_ADDRESS: "R"}
STATUSES = {State.PROBING: "dad", State.BOUND: "registered", State.DYING: "dying"}


def role(node: Node) -> Role:
    """Return the role of a node that says most about it."""
    if node.roles.mobile_node is not None:
        return "mn"
    return "cn" if node.roles.home_agent is None else "ha"


def binding_cache(node: Node, now: float) -> Iterator[BindingCacheEntry]:
    """Yield the home registrations, then the bindings with correspondents."""
    home_agent = node.roles.home_agent
    for entry in () if home_agent is None else home_agent.bindings:
        if entry.state is not State.ABSENT:
            yield _home_binding(entry, now)
    for binding in node.roles.correspondent.cache:
        if binding.state is correspondent_cache.State.BOUND:
            yield BindingCacheEntry(
                text(binding.home_address),
                text(binding.care_of_address),
                "cached",
                lifetime_remaining_s=floor(binding.expires - now),
                lifetime_granted_s=int(binding.lifetime_s),
                age_s=int(binding.lifetime_s) - floor(binding.expires - now),
                sequence=binding.sequence,
                local_address=text(binding.local_address),
                unreachable_count=binding.unreachable,
            )


def _home_binding(entry: HomeBinding, now: float) -> BindingCacheEntry:
    remaining_s = floor(entry.expires - now) if entry.state is not State.PROBING else None
    granted_s = int(entry.lifetime_s) if entry.state is State.BOUND else None
    is_advertised = entry.advertise_at != NEVER
    return BindingCacheEntry(
        text(entry.home_address),
        text(entry.care_of_address),
        STATUSES[entry.state],
        letters(entry.flags, UPDATE_FLAGS),
        remaining_s,
        granted_s,
        None if remaining_s is None or granted_s is None else granted_s - remaining_s,
        entry.sequence,
        text(entry.local_address),
        link_interface=entry.interface,
        mpa_next_s=floor(entry.advertise_at - now) if is_advertised else None,
        mpa_retries=entry.advertised if is_advertised else None,
        mobile_network_prefixes=tuple(f"{text(prefix)}/{length}" for prefix, length in entry.prefixes),
    )


def nonces(node: Node, now: float) -> Iterator[BindingCacheEntry]:
    """Yield the bindings that ended before their nonces: their sequence numbers are remembered until these do."""
    for binding in node.roles.correspondent.cache:
        if binding.state is correspondent_cache.State.BLOCKED:
            yield BindingCacheEntry(
                text(binding.home_address),
                text(binding.care_of_address),
                "nonce-block",
                lifetime_remaining_s=floor(binding.blocked_until - now),
                sequence=binding.sequence,
                local_address=text(binding.local_address),
                unreachable_count=binding.unreachable,
            )


def home_agents(node: Node, now: float) -> Iterator[HomeAgent]:
    """Yield the home agents of the home links, this one first; each by all its global addresses."""
    home_agent = node.roles.home_agent
    if home_agent is None:
        return
    for link in home_agent.parameters.links:
        said = node.interfaces[link.interface].advertising
        lifetime_s = None if said is None else said.home_agent_lifetime_s or said.lifetime_s
        yield HomeAgent(link.interface, text(link.address), link.preference, lifetime_s)
    for entry in home_agent.home_agents:
        for address in entry.addresses or (entry.router,):
            yield HomeAgent(entry.interface, text(address), entry.preference, floor(entry.expires - now))


def prefixes(node: Node, now: float) -> Iterator[HomePrefix]:
    """Yield the prefixes that the home agent serves, with the lifetimes that it advertises at any time."""
    home_agent = node.roles.home_agent
    for link in () if home_agent is None else home_agent.parameters.links:
        shown = link.address if link.flags & ROUTER_ADDRESS else link.prefix
        valid_s = None if link.valid_s == INFINITY else link.valid_s
        preferred_s = None if link.preferred_s == INFINITY else link.preferred_s
        told = letters(link.flags, PREFIX_FLAGS)
        yield HomePrefix(link.interface, f"{text(shown)}/{link.length}", valid_s, valid_s, preferred_s, told)


def statistics(node: Node, now: float) -> Iterator[Counter]:
    """Yield how many messages came and went; nothing where nobody counts them."""
    if isinstance(node.trace, CountingTrace):
        yield from node.trace.counters()


READINGS: dict[str, Rows] = {
    "binding_cache": binding_cache,
    "binding_update_list": binding_update_list,
    "return_routability": return_routability,
    "nonces": nonces,
    "home_agents": home_agents,
    "prefixes": prefixes,
    "statistics": statistics,
}
"""All tables, by the names that they have everywhere."""
UNDER_WAY = (AWAITING, TESTING)
_ONLY = {
    "binding_update_list": "mn",
    "return_routability": "mn",
    "home_agents": "ha",
    "prefixes": "ha",
}


def of(node: Node) -> dict[str, Rows]:
    """Return the tables that a node keeps."""
    roles = {"mn": node.roles.mobile_node is not None, "ha": node.roles.home_agent is not None}
    kept = {name: rows for name, rows in READINGS.items() if name not in _ONLY or roles[_ONLY[name]]}
    if not isinstance(node.trace, CountingTrace):
        del kept["statistics"]
    return kept


def update_state(node: Node, home_address: bytes, peer: bytes | None, now: float) -> str | None:
    """Return how far a Binding Update is that is under way; None where none is."""
    row = _update_entry(node, home_address, peer, now)
    return row.state if row is not None and row.state in UNDER_WAY else None


def has_entry(node: Node, home_address: bytes, peer: bytes | None, now: float) -> bool:
    """Tell whether there is a registration with a peer, or (None) with the home agent, in whatever state."""
    return _update_entry(node, home_address, peer, now) is not None


def _update_entry(node: Node, home_address: bytes, peer: bytes | None, now: float) -> BindingUpdateListEntry | None:
    whom = None if peer is None else text(peer)
    registration = "home" if peer is None else "correspondent"
    for row in binding_update_list(node, now):
        if (
            row.home_address == text(home_address)
            and row.registration == registration
            and whom in (None, row.peer_address)
        ):
            return row
    return None


def home_binding_state(node: Node, home_address: bytes) -> str:
    """Return the state of a home agent's binding, as its table says it; empty where there is none."""
    home_agent = node.roles.home_agent
    entry = None if home_agent is None else home_agent.cache.get(home_address)
    return "" if entry is None else STATUSES[entry.state]
