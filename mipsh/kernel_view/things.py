"""The objects of a kernel that a binding needs: how each is recognised, how it is called, and what it is for.

A thing is looked for in a view, which tells whether it is there, what there is in its place, and which objects
were recognised; a table that could not be read leaves it unknown.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from ipaddress import IPv6Network
from typing import TypeVar

from msgspec import Struct

from mipsh.checks.sources import InterfaceAddress, Link, Proxy, Route, Rule
from mipsh.kernel_view import matching as form
from mipsh.kernel_view.matching import ANY, BLOCK, IN, Flow
from mipsh.kernel_view.view import MAIN, SUB, View
from mipsh.model.address import within
from mipsh.model.xfrm import (
    ICMPV6,
    MOBILITY_HEADER,
    MODES,
    TYPES,
    Policy,
    State,
    Template,
    protocol_word,
    purpose,
    word,
)

UMIP_PROTOCOL = 16
EVERY = "any"
UPPER = {ICMPV6: "ICMPv6", MOBILITY_HEADER: "MH"}
MESSAGES = {0: "BRR", 1: "HoTI", 2: "CoTI", 3: "HoT", 4: "CoT", 5: "BU", 6: "BA", 7: "BE"}
Object = State | Policy | Route | Rule | Link | Proxy | InterfaceAddress
Row = TypeVar("Row", State, Policy, Route, Rule, Link, Proxy, InterfaceAddress)


class Verdict(StrEnum):
    """What became of an object: it is there, it is not, it is there and nobody needs it, or it was not seen."""

    PRESENT = "present"
    MISSING = "missing"
    EXTRA = "extra"
    UNKNOWN = "could_not_tell"


class Found(Struct, frozen=True):
    """What was found of a thing: the words for it, and the objects that it is."""

    verdict: Verdict
    evidence: str = ""
    objects: tuple[Object, ...] = ()


class Thing(Struct, frozen=True):
    """An object that is needed. ``purpose`` goes on after "which"; ``by_hand`` is the command that shows it.

    One that ``is_optional`` is nothing to speak of where it is missing.
    """

    kind: str
    words: str
    purpose: str
    find: Callable[[View], Found]
    by_hand: str
    is_optional: bool = False


def search(
    rows: Sequence[Row] | None, fits: Callable[[Row], bool], near: Callable[[Row], bool], words: Callable[[Row], str]
) -> Found:
    """Return what fits; where nothing does, what is near is the evidence."""
    if rows is None:
        return Found(Verdict.UNKNOWN)
    objects = [row for row in rows if fits(row)]
    if objects:
        return Found(Verdict.PRESENT, words(objects[0]), tuple(objects))
    others = [row for row in rows if near(row)]
    return Found(Verdict.MISSING, "; ".join(words(row) for row in others[:3]), tuple(others))


def state(protocol: int, ends: Flow, care_of: str | None, why: str) -> Thing:
    """Return the state that carries a binding out, at a care-of address where that is known."""

    def near(row: State) -> bool:
        is_kind = row.protocol == protocol and not row.is_wildcard
        return is_kind and (row.source, row.destination) == (ends.source, ends.destination)

    def fits(row: State) -> bool:
        is_whole = row.mode == form.RO and row.care_of_address not in (None, ANY)
        return near(row) and is_whole and care_of in (None, row.care_of_address)

    def find(view: View) -> Found:
        return search(view.states, fits, near, state_words)

    at = f" at {care_of}" if care_of else ""
    words = f"{protocol_word(protocol)} {ends.source} to {ends.destination}{at}"
    return Thing("state", words, why, find, "ip -6 -s xfrm state")


def wildcard(protocol: int, why: str) -> Thing:
    """Return the state that takes packets of anybody."""

    def fits(row: State) -> bool:
        return row.protocol == protocol and row.is_wildcard

    def find(view: View) -> Found:
        return search(view.states, fits, lambda row: False, state_words)

    return Thing("state", f"{protocol_word(protocol)} of anybody (wildrecv)", why, find, "ip -6 -s xfrm state")


class Rules(Struct, frozen=True):
    """What a policy is: its direction, ends, priority, the states that it asks for, and for which messages it is.

    ``upper`` is a protocol with a type and its mask; ``kind`` main or sub.
    """

    direction: int
    ends: Flow
    priority: int
    asks: frozenset[tuple[int, int]] = frozenset()
    upper: tuple[int, int, int] = (0, 0, 0)
    kind: int = SUB
    action: int = form.ALLOW


def policy(wanted: Rules, why: str) -> Thing:
    """Return a policy; near is one for the same packets with another priority or other states."""

    def near(row: Policy) -> bool:
        selector = row.selector
        is_upper = (selector.protocol, selector.source_port, selector.source_mask) == wanted.upper
        is_place = (row.kind, row.direction) == (wanted.kind, wanted.direction)
        return is_place and is_upper and form.flow(selector) == wanted.ends

    def fits(row: Policy) -> bool:
        said = frozenset((one.protocol, one.mode) for one in row.templates)
        is_asked = said == wanted.asks or said == wanted.asks | _triggers(said)
        return near(row) and row.priority == wanted.priority and row.action == wanted.action and is_asked

    def find(view: View) -> Found:
        return search(view.policies, fits, near, policy_words)

    ends = f"{_end(wanted.ends.source)} to {_end(wanted.ends.destination)}"
    asks = " ".join(f"{protocol_word(protocol)} {word(MODES, mode)}" for protocol, mode in sorted(wanted.asks))
    rest = asks or ("block" if wanted.action == BLOCK else "no template")
    direction = "in" if wanted.direction == IN else "out"
    kind = "" if wanted.kind == SUB else f"{word(TYPES, wanted.kind)} "
    words = f"{kind}{direction} {upper_words(*wanted.upper)}{ends} priority {wanted.priority}, {rest}"
    return Thing("policy", words, why, find, f"ip -6 xfrm policy list ptype {word(TYPES, wanted.kind)}")


def _triggers(said: frozenset[tuple[int, int]]) -> frozenset[tuple[int, int]]:
    """Return what only tells the daemon of packets, which may be there beside the rest."""
    return frozenset(one for one in said if one[1] == form.TRIGGER)


def route(table: int, ends: Flow, interface: str | None, why: str) -> Thing:
    """Return a route of mip6d to an address (``::``: the default one), from one (``::``: from any)."""
    length, source_length = (0 if end == ANY else 128 for end in (ends.destination, ends.source))

    def near(row: Route) -> bool:
        is_ends = (row.destination, row.length) == (ends.destination, length)
        return row.table == table and is_ends and (row.source, row.source_length) == (ends.source, source_length)

    def fits(row: Route) -> bool:
        return near(row) and row.kind == "unicast" and interface in (None, row.interface)

    def find(view: View) -> Found:
        return search(view.routes, fits, near, route_words)

    to = "default" if length == 0 else f"{ends.destination}/128"
    source = f" from {ends.source}" if source_length else ""
    name = "main" if table == MAIN else str(table)
    words = f"{to}{source} dev {interface or '(any)'} table {name}"
    return Thing("route", words, why, find, f"ip -6 route show table {name}")


def rule(priority: int, source: str, table: int, why: str, action: str = "lookup") -> Thing:
    """Return a rule of policy routing; ``source`` is a prefix, or an address in it, or ``::/0``."""
    is_host = "/" not in source

    def near(row: Rule) -> bool:
        return row.priority == priority

    def fits(row: Rule) -> bool:
        prefix = f"{row.source}/{row.source_length}"
        covers = row.source_length > 0 and within(source, prefix) if is_host else prefix == source
        is_action = row.action == action and (action != "lookup" or row.table == table)
        return near(row) and is_action and covers

    def find(view: View) -> Found:
        return search(view.rules, fits, near, rule_words)

    end = "all" if source == "::/0" else source
    what = f"lookup {'main' if table == MAIN else table}" if action == "lookup" else action
    return Thing("rule", f"{priority}: from {end} {what}", why, find, "ip -6 rule")


def tunnel(local: str, remote: str, why: str) -> Thing:
    """Return a tunnel that is up."""

    def ends(row: Link) -> tuple[str, str]:
        return ("", "") if row.tunnel is None else (row.tunnel.local, row.tunnel.remote)

    def find(view: View) -> Found:
        return search(
            view.tunnels,
            lambda row: ends(row) == (local, remote) and row.is_up,
            lambda row: remote in ends(row) or ends(row) == (local, remote),
            tunnel_words,
        )

    return Thing("tunnel", f"ip6tnl {local} to {remote}", why, find, "ip -6 -d tunnel show")


def proxy(address: str, interface: str | None, why: str) -> Thing:
    """Return the entry by which an interface answers for an address."""

    def fits(row: Proxy) -> bool:
        return row.address == address and interface in (None, row.interface)

    def find(view: View) -> Found:
        return search(view.proxies, fits, lambda row: row.address == address, proxy_words)

    return Thing("proxy", f"{address} dev {interface or '(any)'}", why, find, "ip -6 neigh show proxy")


def home_address(address: str, why: str) -> Thing:
    """Return a home address that is marked as one."""

    def fits(row: InterfaceAddress) -> bool:
        return row.address == address and "home" in row.flags

    def find(view: View) -> Found:
        return search(view.addresses, fits, lambda row: row.address == address, address_words)

    return Thing("address", f"{address} with the flag home", why, find, "ip -6 address")


def in_words(row: Object) -> tuple[str, str]:
    """Return which kind of object it is, and how it is called."""
    match row:
        case State():
            return "state", state_words(row)
        case Policy():
            return "policy", policy_words(row)
        case Route():
            return "route", route_words(row)
        case Rule():
            return "rule", rule_words(row)
        case Link():
            return "tunnel", tunnel_words(row)
        case Proxy():
            return "proxy", proxy_words(row)
        case InterfaceAddress():
            return "address", address_words(row)


def state_words(row: State) -> str:
    """Return a state in words."""
    if row.is_wildcard:
        return f"{protocol_word(row.protocol)} of anybody (wildrecv)"
    at = f" at {row.care_of_address}" if row.care_of_address else ", without a care-of address"
    return f"{protocol_word(row.protocol)} {row.source} to {row.destination}{at}"


def policy_words(row: Policy) -> str:
    """Return a policy in words: direction, packets, priority with its name, and the states that it asks for."""
    selector = row.selector
    ends = (
        f"{_prefix(selector.source, selector.source_length)} to "
        f"{_prefix(selector.destination, selector.destination_length)}"
    )
    called = f" ({purpose(row)})" if purpose(row) else ""
    direction = word(("in", "out", "fwd"), row.direction)
    upper = upper_words(selector.protocol, selector.source_port, selector.source_mask)
    action = "block" if row.action == BLOCK else template_words(row.templates)
    kind = "" if row.kind == SUB else f"{word(TYPES, row.kind)} "
    return f"{kind}{direction} {upper}{ends} priority {row.priority}{called}, {action}"


def template_words(templates: Iterable[Template]) -> str:
    """Return the states that a policy asks for."""
    return " ".join(f"{protocol_word(one.protocol)} {word(MODES, one.mode)}" for one in templates) or "no template"


def upper_words(protocol: int, kind: int, mask: int) -> str:
    """Return for which messages a policy is, with a space behind it; empty for all of them."""
    if not protocol:
        return ""
    name = UPPER.get(protocol, f"protocol {protocol}")
    if not mask:
        return f"{name} "
    if mask != form.TYPED:
        return f"{name} types below {mask} " if kind == 0 else f"{name} type {kind}/{mask:#x} "
    said = MESSAGES.get(kind, str(kind)) if protocol == MOBILITY_HEADER else str(kind)
    return f"{name} {said} "


def route_words(row: Route) -> str:
    """Return a route as iproute2 prints it."""
    to = "default" if row.length == 0 else str(IPv6Network((row.destination, row.length), strict=False))
    kind = "" if row.kind == "unicast" else f"{row.kind} "
    source = f" from {row.source}/{row.source_length}" if row.source_length else ""
    via = f" via {row.gateway}" if row.gateway else ""
    table = "main" if row.table == MAIN else str(row.table)
    return f"{kind}{to}{source}{via} dev {row.interface or '-'} table {table} metric {row.metric}"


def rule_words(row: Rule) -> str:
    """Return a rule as iproute2 prints it."""
    source = "all" if row.source_length == 0 else f"{row.source}/{row.source_length}"
    what = f"lookup {'main' if row.table == MAIN else row.table}" if row.action == "lookup" else row.action
    return f"{row.priority}: from {source} {what}"


def tunnel_words(row: Link) -> str:
    """Return a tunnel in words."""
    ends = "" if row.tunnel is None else f" {row.tunnel.local} to {row.tunnel.remote}"
    return f"{row.name}{ends}, {'up' if row.is_up else 'down'}"


def proxy_words(row: Proxy) -> str:
    """Return an entry of a proxy as iproute2 prints it."""
    return f"{row.address} dev {row.interface} proxy"


def address_words(row: InterfaceAddress) -> str:
    """Return an address in words."""
    flags = f" ({' '.join(sorted(row.flags))})" if row.flags else ""
    return f"{row.address}/{row.length} dev {row.interface}{flags}"


def _prefix(address: str, length: int) -> str:
    if length in (0, 128):
        return EVERY if length == 0 else address
    return f"{address}/{length}"


def _end(address: str) -> str:
    return EVERY if address == ANY else address
