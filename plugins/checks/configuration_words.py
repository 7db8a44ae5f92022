"""Words about mip6d.conf, in which the checks of it are written: home links and IPsec policies as what they say."""

from msgspec import Struct

from mipsh.checks.facts import Facts
from mipsh.checks.sources import FLAGS, Configuration, Key, Setting, Unreadable
from mipsh.model.address import canonical, within
from mipsh.model.findings import Evidence
from mipsh.model.records import BindingCacheEntry

ANYONE = "::"
REGISTRATION = ("HomeRegBinding", "Mh", "any")
"""The kinds of IPsecPolicy that protect a home registration."""
HOST = 128
REFUSALS = 128
"""The first status of a Binding Acknowledgement that refuses."""


class HomeLink(Struct, frozen=True):
    """A ``MnHomeLink``: ``agent`` is ``::`` where it is to be discovered; ``networks`` are those of a mobile router."""

    interface: str
    address: str
    length: int
    agent: str = ANYONE
    prefix: str = ""
    networks: tuple[str, ...] = ()
    is_router: bool = False

    @property
    def home_prefix(self) -> str:
        """The home prefix: as given, else that of the home address."""
        return self.prefix or f"{self.address}/{self.length}"


class Protected(Struct, frozen=True):
    """An ``IPsecPolicy``: what it protects, between whom, and with which reqids."""

    what: str
    agent: str
    homes: tuple[str, ...]
    reqids: tuple[int, ...]


class Access(Struct, frozen=True):
    """A ``BindingAclPolicy``: whether a home address may register, and the networks behind it."""

    home: str
    is_allowed: bool
    networks: tuple[str, ...]


def read(facts: Facts) -> Configuration:
    """Return the configuration; raises Unreadable also where only a part of it could be read."""
    found = facts.configuration
    if found.faults:
        raise Unreadable(Key.CF, f"it has faults: {found.faults[0]}")
    return found


def saw(facts: Facts, configuration: Configuration, name: str, default: str = "") -> Evidence:
    """Return an option as evidence; one that is not set as its default."""
    return facts.saw(Key.CF, f"{name} {configuration.word(name) or f'(not set: {default})'}")


def is_allowed(word: str) -> bool:
    """Tell whether a word of an access list lets somebody in: a flag, or a status below those that refuse."""
    if word.isascii() and word.isdecimal():
        return len(word) < 4 and int(word) < REFUSALS
    return FLAGS.get(word, False)


def home_links(configuration: Configuration) -> list[HomeLink]:
    """Return the home links that have a home address."""
    return [
        HomeLink(
            " ".join(link.values),
            _address(home[0]),
            _length(home[0]),
            _address(_last(link, "HomeAgentAddress", (ANYONE,))[0]),
            _last(link, "HomePrefix", ("",))[0],
            home[1:],
            FLAGS.get(_last(link, "IsMobRtr", ("disabled",))[0], False),
        )
        for link in configuration.every("MnHomeLink")
        for home in (_last(link, "HomeAddress", ()),)
        if home
    ]


def protected(configuration: Configuration) -> list[Protected]:
    """Return the IPsec policies of all sets."""
    return [
        Protected(
            policy.values[0],
            _address(_last(of, "HomeAgentAddress", (ANYONE,))[0]),
            tuple(_address(one.values[0]) for one in of.block if one.name == "HomeAddress" and one.values),
            tuple(int(word) for word in policy.values[1:] if word.isascii() and word.isdecimal() and len(word) < 11),
        )
        for of in configuration.every("IPsecPolicySet")
        for policy in of.block
        if policy.name == "IPsecPolicy" and policy.values
    ]


def access(configuration: Configuration) -> list[Access]:
    """Return the access list of a home agent."""
    return [
        Access(_address(one.values[0]), is_allowed(one.values[-1]), tuple(word for word in one.values if "/" in word))
        for one in configuration.every("BindingAclPolicy")
        if len(one.values) > 1
    ]


def registered(facts: Facts) -> list[BindingCacheEntry]:
    """Return the home registrations at a home agent."""
    return [row for row in facts.cache if row.status == "registered"]


def is_in_any(address: str, prefixes: tuple[str, ...]) -> bool:
    """Tell whether one of some prefixes has an address."""
    return any(within(address, prefix) for prefix in prefixes)


def _last(setting: Setting, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of the last statement of a name in a block."""
    found = [one.values for one in setting.block if one.name == name and one.values]
    return found[-1] if found else default


def _address(word: str) -> str:
    """Return the address of ADDRESS/LENGTH, in the usual form."""
    text = word.partition("/")[0]
    return canonical(text) or text


def _length(word: str) -> int:
    text = word.partition("/")[2]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else HOST
