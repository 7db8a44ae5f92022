"""Forming addresses from the prefixes that routers advertise (RFC 4862 section 5.5.3)."""

from mipsh.mobility.effects import Effect
from mipsh.mobility.host.addresses import Address, Addresses
from mipsh.mobility.host.context import Context
from mipsh.mobility.host.routers import PrefixKey, end_of
from mipsh.wire import address as wire
from mipsh.wire.ndp import AUTONOMOUS, Option, PrefixInformation

PREFIX_BITS = 64
TWO_HOURS_S = 7200.0
"""No advertisement, which anybody may send, makes an address's life shorter than that."""


class Autoconfiguration:
    """Forms addresses; it never touches those that are ``reserved``, which somebody else looks after.

    Those that are ``withheld`` were taken away by an administrator: they are formed no more while their
    prefix is known, unless they are given back.
    """

    def __init__(self, context: Context, addresses: Addresses) -> None:
        self.reserved: set[bytes] = set()
        self.withheld: set[bytes] = set()
        self._context = context
        self._addresses = addresses
        self._identifier = wire.interface_identifier(context.link_layer)

    def hear(self, options: tuple[Option, ...], now: float) -> list[Effect]:
        """Form or renew an address for each prefix that is for it."""
        effects: list[Effect] = []
        for option in options:
            if isinstance(option, PrefixInformation) and _is_for_autoconfiguration(option):
                effects += self._configure(option, now)
        return effects

    def _configure(self, option: PrefixInformation, now: float) -> list[Effect]:
        prefix = option.prefix[: PREFIX_BITS // 8] + bytes(8)
        address = prefix[:8] + self._identifier
        valid_until, preferred_until = end_of(option.valid_s, now), end_of(option.preferred_s, now)
        for entry in self._addresses:
            if entry.prefix == (prefix, PREFIX_BITS):
                until = _two_hour_rule(entry.valid_until, valid_until, now)
                self._addresses.renew(entry, until, preferred_until, now)
        is_kept_off = address in self.reserved or address in self.withheld
        if is_kept_off or not option.valid_s or self._addresses.get(address) is not None:
            return []
        return self._form(address, valid_until, preferred_until, now)

    def _form(self, address: bytes, valid_until: float, preferred_until: float, now: float) -> list[Effect]:
        if len(self._addresses) >= self._context.parameters.max_addresses:
            return []
        entry = Address(address, PREFIX_BITS, prefix=(address[:8] + bytes(8), PREFIX_BITS))
        entry.valid_until, entry.preferred_until = valid_until, preferred_until
        return self._addresses.assign(entry, now)

    def take_away(self, address: bytes) -> list[Effect]:
        """Take an address away that was formed here, and form it no more; nothing for any other one."""
        entry = self._addresses.get(address)
        if entry is None or entry.prefix is None:
            return []
        self.withheld.add(address)
        return self._addresses.remove(address)

    def give_back(self, address: bytes, until: float, now: float) -> list[Effect]:
        """Have an address with any identifier as if it had been formed, until its prefix ends or is renewed."""
        if address in self.reserved or self._addresses.get(address) is not None:
            return []
        self.withheld.discard(address)
        return self._form(address, until, until, now)

    def forget(self, prefixes: set[PrefixKey]) -> None:
        """Withhold no address of prefixes that are gone."""
        self.withheld = {a for a in self.withheld if (a[:8] + bytes(8), PREFIX_BITS) not in prefixes}


def _is_for_autoconfiguration(option: PrefixInformation) -> bool:
    if not option.flags & AUTONOMOUS or option.length != PREFIX_BITS or option.preferred_s > option.valid_s:
        return False
    return wire.is_unicast_routable(option.prefix)


def _two_hour_rule(valid_until: float, wanted: float, now: float) -> float:
    """Return until when an address is valid if an advertisement wants it to end at another time (5.5.3 e)."""
    least = now + TWO_HOURS_S
    if wanted > least or wanted > valid_until:
        return wanted
    return min(valid_until, least)
