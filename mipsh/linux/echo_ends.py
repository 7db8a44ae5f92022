"""Whom an echo is for and from: names and words into addresses of this node and its peer.

Addresses that the kernel marks as home addresses are those of a mobile node; an engine may name more.
"""

import socket
from collections.abc import Iterable, Sequence

from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.linux.addresses import Address
from mipsh.linux.echo_socket import Target
from mipsh.model.address import canonical
from mipsh.paths.echo import Known
from mipsh.wire.address import parse

HOME_WORDS, CARE_OF_WORDS = ("home", "hoa"), ("care-of", "coa")
UNUSABLE = "tentative", "dadfailed"


def target(host: str, source: str, own: Sequence[Address], homes: Sequence[str], hop_limit: int | None) -> Target:
    """Return whom an echo is for and from, by a person's words.

    ``host`` is a name or an address, which may end in ``%INTERFACE``; ``source`` an address of this node, ``home``,
    ``care-of``, an interface, or empty. Raises UsageError, MipshError for a name that is not known, CannotTell for
    an address of this node that it has not.
    """
    destination, interface = _destination(host)
    address = _source(source, own, homes)
    if source and not address:
        interface = source
    if hop_limit is not None and not 1 <= hop_limit <= 255:
        raise UsageError(f"a hop limit is 1 to 255, not {hop_limit}", "--hop-limit 64")
    return Target(destination, address, interface, hop_limit)


def _destination(host: str) -> tuple[str, str]:
    """Return the address and the interface that a host means."""
    name, _, interface = host.partition("%")
    found = canonical(name)
    if found is not None and "/" not in found:
        return found, interface
    if not name or "/" in name or "\0" in name:
        raise UsageError(f"'{host}' is neither an address nor a name", "write ping6 2001:db8:4::2")
    try:
        answers = socket.getaddrinfo(name, None, socket.AF_INET6, socket.SOCK_RAW)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be a name"
        raise MipshError(f"no IPv6 address is known of '{host}': {reason}", "write the address") from None
    return str(answers[0][4][0]).partition("%")[0], interface


def _source(word: str, own: Sequence[Address], homes: Sequence[str]) -> str:
    """Return the address that a word means; empty for an interface, or none."""
    if word in HOME_WORDS:
        if not homes:
            raise CannotTell("no address of this node is a home address", "'ip -6 address' marks those that are 'home'")
        return homes[0]
    if word in CARE_OF_WORDS:
        others = [one.address for one in own if one.address not in homes and not _is_unusable(one)]
        if not others:
            raise CannotTell("this node has no address but its home address", "it may be at home, or have no link")
        return others[0]
    return canonical(word) or ""


def _is_unusable(address: Address) -> bool:
    return any(flag in address.flags for flag in UNUSABLE)


def home_addresses(own: Sequence[Address], named: Iterable[str]) -> list[str]:
    """Return the home addresses among a node's own, those first that the kernel marks."""
    addresses = {one.address for one in own}
    marked = [one.address for one in own if one.is_home]
    return list(dict.fromkeys([*marked, *(address for address in named if address in addresses)]))


def known(own: Sequence[Address], homes: Sequence[str]) -> Known:
    """Return what is known of this node."""
    return Known(
        frozenset(parse(one.address) for one in own),
        frozenset(parse(address) for address in homes),
    )


def warning(source: str, destination: str, own: Sequence[Address], homes: Sequence[str]) -> tuple[str, str] | None:
    """Return why route optimisation is impossible from a source, and what to do; None where it is not."""
    if not homes or source in homes or destination in {one.address for one in own} | {"::1"}:
        return None
    return (
        f"{source} is not the home address: nothing from it is ever optimised or tunnelled",
        f"--source home sends from {homes[0]}",
    )
