"""Which exchanges somebody wants to see, by words: what they are for, whom they are with, whether they failed."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.model.address import canonical, within
from mipsh.model.traces import SignallingReport
from mipsh.signalling.exchange import FAILED, What

ERRORS = "errors"
_REGISTRATIONS = frozenset((What.HOME_REGISTRATION, What.CORRESPONDENT_REGISTRATION))
_TESTS = frozenset((What.HOME_TEST, What.CARE_OF_TEST))
WORDS: Mapping[str, frozenset[What]] = {
    "home": frozenset((What.HOME_REGISTRATION, What.DISCOVERY, What.PREFIXES)),
    "cn": _TESTS | {What.CORRESPONDENT_REGISTRATION, What.REFRESH, What.BINDING_ERROR},
    "bu": _REGISTRATIONS | {What.REFRESH},
    "rr": _TESTS,
    "be": frozenset((What.BINDING_ERROR, What.ICMP_ERROR)),
    "events": frozenset(),
    ERRORS: frozenset(),
}
EVENTS = "events"
EVENT = "event"


class Wanted(Struct, frozen=True):
    """What is wanted: any of some kinds (none: all), with any of some addresses (none: all)."""

    kinds: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    only_errors: bool = False

    def has(self, row: SignallingReport) -> bool:
        """Tell whether a row is wanted."""
        if self.only_errors and row.state not in FAILED:
            return False
        if self.kinds and row.exchange not in self.kinds:
            return False
        own = row.home_address, row.care_of_address, row.peer
        return not self.addresses or any(_meets(address, wanted) for address in own for wanted in self.addresses)


def _meets(address: str | None, wanted: str) -> bool:
    return address is not None and (address == wanted or ("/" in wanted and within(address, wanted)))


def read(words: Sequence[str]) -> Wanted:
    """Return what words ask for; raises UsageError."""
    kinds: set[str] = set()
    addresses = []
    for word in words:
        if word in WORDS:
            kinds |= {str(what) for what in WORDS[word]}
            kinds |= {EVENT} if word == EVENTS else set()
            continue
        found = canonical(word)
        if found is None:
            raise UsageError(f"'{word}' is neither an address nor one of {', '.join(WORDS)}", "trace rr 2001:db8:4::2")
        addresses.append(found)
    return Wanted(frozenset(kinds), tuple(addresses), ERRORS in words)
