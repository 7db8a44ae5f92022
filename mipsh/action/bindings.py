"""Bindings of a home agent that are changed by hand: what is wrong is refused before the engine is asked."""

from typing import Any

from msgspec import Struct

from mipsh.engine import BindingRequest, Connector
from mipsh.errors import CannotTell, UsageError
from mipsh.model.actions import BindingChangeReport
from mipsh.model.address import canonical, within
from mipsh.wire import address as addresses

FLAGS = ("A", "H", "K", "L")
"""Acknowledge, home registration, key management, link-local: those of a home agent (RFC 6275 section 6.1.7)."""
UNIT_S, LONGEST_S = 4, 65535 * 4
HIGHEST_SEQUENCE = 65535
LIVE = ("registered", "dad")
SLACK_S = 2.0
"""How much older than the change a binding may look: seconds are rounded, at both ends."""


class HomeNetwork(Struct, frozen=True):
    """A prefix that the home agent serves, and its own address there, empty where it does not say."""

    prefix: str
    local_address: str


def address(word: str, what: str) -> str:
    """Return a global unicast address in its usual form; raises UsageError."""
    found = canonical(word)
    if found is None or "/" in word:
        raise UsageError(f"the {what} '{word}' is not an IPv6 address", "write 2001:db8:1::100")
    if not addresses.is_unicast_routable(addresses.parse(found)):
        raise UsageError(f"the {what} {found} is not a global unicast address", "no binding can have it")
    return found


def networks(connector: Connector) -> list[HomeNetwork]:
    """Return what the home agent serves; raises CannotTell where it does not say."""
    rows: Any = connector.prefixes().rows
    found = []
    for row in rows:
        head, _, length = row.prefix.partition("/")
        is_whole = "R" in row.flags and not head.endswith("::")
        found.append(HomeNetwork(f"{head}/{length}", head if is_whole else ""))
    if not found:
        raise CannotTell("the home agent lists no home prefix, so that no home address can be checked", "see 'pl'")
    return found


def network_of(home_address: str, served: list[HomeNetwork]) -> HomeNetwork:
    """Return the home network of an address; raises UsageError for one outside of all of them."""
    for network in served:
        if within(home_address, network.prefix):
            return network
    known = ", ".join(network.prefix for network in served)
    raise UsageError(f"{home_address} is in no home prefix of this home agent", f"it serves: {known}")


def flags(letters: str) -> tuple[str, ...]:
    """Return the flags of a home registration; raises UsageError for a foreign one, or without H."""
    found = tuple(dict.fromkeys(letters.upper()))
    foreign = [letter for letter in found if letter not in FLAGS]
    if foreign:
        raise UsageError(f"'{foreign[0]}' is no flag of a home registration", f"flags are: {', '.join(FLAGS)}")
    if "H" not in found:
        raise UsageError("a home agent's binding has the flag H", "write AH")
    return tuple(letter for letter in FLAGS if letter in found)


def lifetime(seconds: int) -> int:
    """Return a lifetime that a binding can have; raises UsageError for 0 and what 16 bits of 4 s do not hold."""
    if seconds == 0:
        raise UsageError("a lifetime of 0 deletes a binding", "write 'binding del HOA'")
    if not UNIT_S <= seconds <= LONGEST_S:
        raise UsageError(f"a lifetime is {UNIT_S} to {LONGEST_S} s, not {seconds}", "write --lifetime 420")
    return seconds


def sequence(number: int | None) -> int | None:
    """Return a sequence number, None for the engine's own; raises UsageError."""
    if number is not None and not 0 <= number <= HIGHEST_SEQUENCE:
        raise UsageError(f"a sequence number is 0 to {HIGHEST_SEQUENCE}, not {number}", "leave --sequence out")
    return number


def current(connector: Connector, home_address: str) -> Any:
    """Return the row of the binding cache of a home registration, None where there is none."""
    rows: Any = connector.binding_cache().rows
    return next((row for row in rows if row.home_address == home_address and row.status in LIVE), None)


def local_address(network: HomeNetwork, row: Any, named: str) -> str:
    """Return the home agent's address of a binding: the one named, the entry's, or that of its prefix."""
    found = named or (row.local_address if row is not None else "") or network.local_address
    if not found:
        raise UsageError("the home agent's own address on the home link is not known", "name it with --local")
    return address(found, "local address")


def row_of(when: str, home_address: str, row: Any) -> BindingChangeReport:
    """Return a binding as it is, or that there is none."""
    if row is None:
        return BindingChangeReport(when, home_address, None, None)
    return BindingChangeReport(
        when,
        row.home_address,
        row.care_of_address,
        row.local_address,
        row.status,
        row.flags,
        row.lifetime_remaining_s,
        row.sequence,
    )


def planned_row(request: BindingRequest) -> BindingChangeReport:
    """Return a binding as it is to be."""
    return BindingChangeReport(
        "planned",
        request.home_address,
        request.care_of_address,
        request.local_address,
        "registered",
        request.flags,
        request.lifetime_s,
        request.sequence,
    )


def differences(wanted: BindingRequest | None, before: Any, row: Any, elapsed_s: float) -> list[str]:
    """Return what of a binding in the binding cache is not as it was wanted; ``wanted`` None: that there is none.

    A home agent may grant less than was asked for. A binding is new where no more time than has
    passed since the change was asked for has passed of its lifetime, as far as the engine says.
    """
    if wanted is None or row is None:
        return (
            []
            if wanted is None and row is None
            else ["there is no such entry" if row is None else "the entry is there"]
        )
    said = {
        "care-of address": (row.care_of_address, wanted.care_of_address),
        "local address": (row.local_address or wanted.local_address, wanted.local_address),
        "flags": ("".join(sorted(row.flags)), "".join(sorted(wanted.flags))),
        "sequence number": (row.sequence if wanted.sequence is not None else None, wanted.sequence),
    }
    wrong = [f"{name} {there}, not {asked}" for name, (there, asked) in said.items() if there != asked]
    granted_s, age_s = row.lifetime_granted_s, row.age_s
    if granted_s is not None and granted_s > wanted.lifetime_s:
        wrong.append(f"lifetime {granted_s} s, not {wanted.lifetime_s} s")
    elif before is not None and age_s is not None and age_s > elapsed_s + SLACK_S:
        wrong.append(f"its lifetime began {age_s} s ago")
    return wrong


def in_words(row: Any) -> str:
    """Return a binding in a line, for the audit log."""
    if row is None:
        return "no binding"
    letters = "".join(row.flags)
    return (
        f"{row.home_address} at {row.care_of_address}, flags {letters}, {row.lifetime_remaining_s} s left, "
        f"sequence number {row.sequence}"
    )
