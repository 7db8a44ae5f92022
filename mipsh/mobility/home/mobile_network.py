"""The prefixes behind mobile routers: which are theirs, and which are registered now (RFC 3963 section 6)."""

from mipsh.mobility.binding_update import Update
from mipsh.mobility.home.parameters import HomeAgentParameters, Prefix
from mipsh.mobility.status import AckStatus
from mipsh.wire import address as addresses
from mipsh.wire.mobility import MobileNetworkPrefix

LONGEST = 128


class MobileNetworks:
    """The prefixes of each mobile router's configuration, and the owners of those in use."""

    def __init__(self, parameters: HomeAgentParameters) -> None:
        self._parameters = parameters
        self._configured = dict(parameters.mobile_networks)
        self._owners: dict[int, dict[int, bytes]] = {}

    def owner(self, address: bytes) -> bytes | None:
        """Return the home address of the mobile router whose registered prefix an address is in."""
        if not self._owners:
            return None
        number = int.from_bytes(address)
        for shift, prefixes in self._owners.items():
            home = prefixes.get(number >> shift)
            if home is not None:
                return home
        return None

    def is_configured(self, home_address: bytes) -> bool:
        """Tell whether an address is that of a mobile router out of its own network (RFC 3963 section 6.2)."""
        prefixes = self._configured.get(home_address, ())
        return any(addresses.in_prefix(home_address, *prefix) for prefix in prefixes)

    def judge(self, update: Update) -> AckStatus | tuple[Prefix, ...]:
        """Return the prefixes that a mobile router's update registers, or why it may not (RFC 3963 section 6.6)."""
        if not self._parameters.serves_mobile_routers:
            return AckStatus.MOBILE_ROUTER_OPERATION_NOT_PERMITTED
        configured = self._configured.get(update.home_address, ())
        named = [option for option in update.message.options if isinstance(option, MobileNetworkPrefix)]
        if not named:
            implicit = configured if self._parameters.allows_implicit else ()
            return self._free(update.home_address, implicit)
        for option in named:
            refused = _refused(option, configured)
            if refused is not None:
                return refused
        prefixes = tuple(dict.fromkeys(_masked(option.prefix, option.length) for option in named))
        return self._free(update.home_address, prefixes)

    def _free(self, home_address: bytes, prefixes: tuple[Prefix, ...]) -> AckStatus | tuple[Prefix, ...]:
        """Return prefixes if packets for them can be sent to a mobile router: some, and no other one's."""
        owners = {self._owner(prefix) for prefix in prefixes} - {None, home_address}
        return AckStatus.FORWARDING_SETUP_FAILED if owners or not prefixes else prefixes

    def _owner(self, prefix: Prefix) -> bytes | None:
        shift, number = _key(prefix)
        return self._owners.get(shift, {}).get(number)

    def register(self, home_address: bytes, prefixes: tuple[Prefix, ...]) -> None:
        """Take prefixes as a mobile router's from now on."""
        for prefix in prefixes:
            shift, number = _key(prefix)
            self._owners.setdefault(shift, {})[number] = home_address
        # The longest prefix is to be found first, which is the one with the smallest shift.
        self._owners = dict(sorted(self._owners.items()))

    def withdraw(self, prefixes: tuple[Prefix, ...]) -> None:
        """Take prefixes as nobody's from now on."""
        for prefix in prefixes:
            shift, number = _key(prefix)
            del self._owners[shift][number]
            if not self._owners[shift]:
                del self._owners[shift]


def _key(prefix: Prefix) -> tuple[int, int]:
    shift = LONGEST - prefix[1]
    return shift, int.from_bytes(prefix[0]) >> shift


def _masked(prefix: bytes, length: int) -> Prefix:
    shift = LONGEST - length
    return (int.from_bytes(prefix) >> shift << shift).to_bytes(16), length


def _refused(option: MobileNetworkPrefix, configured: tuple[Prefix, ...]) -> AckStatus | None:
    """Return why a prefix that is named may not be registered: it cannot be one, or it is not the router's.

    One of the router's own with another length is taken for a mistake, not for somebody else's.
    """
    if not 0 < option.length <= LONGEST or not addresses.is_unicast_routable(option.prefix):
        return AckStatus.INVALID_PREFIX
    if _masked(option.prefix, option.length) in configured:
        return None
    overlaps = (addresses.in_prefix(option.prefix, prefix, min(length, option.length)) for prefix, length in configured)
    return AckStatus.INVALID_PREFIX if any(overlaps) else AckStatus.NOT_AUTHORIZED_FOR_PREFIX
