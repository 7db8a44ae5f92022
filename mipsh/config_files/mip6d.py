"""A mip6d.conf as what it says: every option with its value, default and place, and its blocks by name.

It takes what it can of a file with faults; what is wrong is the linter's matter.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from msgspec import Struct

from mipsh.config_files.including import Whole
from mipsh.config_files.mip6d_options import (
    CN_POLICY,
    CN_SET,
    FLAG,
    HOME_LINK,
    INTERFACE,
    OPTIONS,
    POLICY_SET,
    PROTOCOLS,
    TOP,
    is_enabled,
)
from mipsh.config_files.options import Option, address_in, is_address, is_prefix, number, prefix_in
from mipsh.config_files.tree import Kind, Place, Statement, Value

ANYONE = bytes(16)
MOST_POLICIES = 10_000
"""For a home agent of that many pairs; what is more is not looked at."""


class Setting(Struct, frozen=True):
    """An option as it counts: ``value`` as written, and where; without a place it is the default.

    ``block`` is the block with its name, empty at the top. ``option`` is None for a name that mip6d has not.
    """

    name: str
    block: str
    value: str | None
    option: Option | None
    place: Place | None = None
    statement: Statement | None = None

    @property
    def path(self) -> str:
        """The option with its block: ``MnHomeLink "eth0" HomeAddress``."""
        name = "" if self.name == CN_POLICY else self.name
        return " ".join(part for part in (self.block, name) if part)


class InterfaceBlock(Struct, frozen=True):
    """An ``Interface``."""

    name: str
    place: Place
    preference: int | None = None
    role: str | None = None


class HomeLink(Struct, frozen=True):
    """A ``MnHomeLink``: addresses as bytes, the policy of routes by correspondent (``ANYONE``: for all others)."""

    name: str
    place: Place
    home_agent: bytes = ANYONE
    home: tuple[bytes, int] | None = None
    home_prefix: tuple[bytes, int] | None = None
    networks: tuple[tuple[bytes, int], ...] = ()
    is_router: bool = False
    routes: tuple[tuple[bytes, bool], ...] = ()

    @property
    def prefix(self) -> tuple[bytes, int] | None:
        """The home prefix: as given, else that of the home address."""
        return self.home_prefix or self.home

    @property
    def optimises(self) -> bool:
        """Whether a route may be optimised to anyone."""
        return not any(peer == ANYONE and not wanted for peer, wanted in self.routes) or any(
            wanted for _, wanted in self.routes
        )


class Policy(Struct, frozen=True):
    """An ``IPsecPolicy`` for one pair of home agent and mobile node; reqid 0 where none is given."""

    protects: str
    home_agent: bytes
    home_address: bytes
    protocols: tuple[str, ...]
    to_agent: int
    to_node: int
    is_allowed: bool
    place: Place


class Access(Struct, frozen=True):
    """A ``BindingAclPolicy``: whether a home address may register, and the mobile networks behind it."""

    home_address: bytes
    is_allowed: bool
    networks: tuple[tuple[bytes, int], ...]
    place: Place


class Mip6dConf(Struct, frozen=True):
    """What a mip6d.conf says."""

    whole: Whole
    settings: tuple[Setting, ...]
    interfaces: tuple[InterfaceBlock, ...]
    home_links: tuple[HomeLink, ...]
    policies: tuple[Policy, ...]
    access: tuple[Access, ...]
    top: Mapping[str, Setting]
    """The settings outside of braces, the last of each name."""

    @property
    def role(self) -> str:
        """CN, MN or HA: that of the file, whatever the command line says."""
        return self.value("NodeConfig") or "CN"

    def setting(self, name: str) -> Setting:
        """Return an option at the top as it counts; raises KeyError."""
        return self.top[name]

    def value(self, name: str) -> str | None:
        """Return the value of an option at the top, or its default."""
        return self.setting(name).value

    def place(self, name: str) -> Place:
        """Return where an option at the top is set; the beginning of the file where it is not."""
        return self.setting(name).place or self.whole.start

    def is_set(self, name: str) -> bool:
        """Tell whether an option at the top is in the file."""
        return self.setting(name).place is not None

    def flag(self, name: str) -> bool:
        """Tell whether a flag at the top is enabled; a value that is no flag counts as the default."""
        found = self.setting(name)
        if found.statement is not None and FLAG(found.statement) is None:
            return is_enabled(found.statement.values[0]) is True
        return found.option is not None and found.option.default in ("enabled", "allow")

    def amount(self, name: str) -> float:
        """Return a number at the top; a value that is none counts as the default."""
        found = self.setting(name)
        values = () if found.statement is None else found.statement.values
        if len(values) == 1 and values[0].kind in (Kind.NUMBER, Kind.DECIMAL):
            return number(values[0])
        return float((found.option.default if found.option is not None else None) or 0)


def understand(whole: Whole) -> Mip6dConf:
    """Return what a configuration says: of an option that is given twice, what is last."""
    top = whole.statements
    settings = tuple(_settings(top))
    return Mip6dConf(
        whole,
        settings,
        tuple(_interface(one) for one in _named(top, INTERFACE)),
        tuple(_home_link(one) for one in _named(top, HOME_LINK)),
        tuple(islice((policy for one in top if one.name == POLICY_SET for policy in _policies(one)), MOST_POLICIES)),
        tuple(_access(top)),
        {one.name: one for one in settings if not one.block},
    )


def option_of(statement: Statement, block: str) -> Option | None:
    """Return the option that a statement is in a block; None for one that mip6d has not."""
    name = CN_POLICY if block == CN_SET else statement.name
    return OPTIONS.get((block, name))


def flag_of(value: Value) -> bool:
    """Return what a flag says; no for a value that is none."""
    return is_enabled(value) is True


def block_of(statement: Statement) -> str:
    """Return a block's name with what stands before the brace."""
    return statement.written


def _settings(top: tuple[Statement, ...]) -> Iterator[Setting]:
    """Yield what is set at the top and in the blocks, and the defaults of what is not set."""
    given = {statement.name for statement in top}
    for (block, name), known in OPTIONS.items():
        if block == TOP and name not in given and not known.many:
            yield Setting(name, TOP, known.default, known)
    last = {statement.name: position for position, statement in enumerate(top)}
    for position, statement in enumerate(top):
        option = option_of(statement, TOP)
        is_overruled = option is not None and not option.many and last[statement.name] != position
        if statement.head is None or is_overruled:
            continue
        if statement.body is None:
            yield _setting(statement, TOP, option)
            continue
        yield Setting(statement.name, TOP, _values(statement) or None, option, statement.place, statement)
        yield from _in_block(statement)


def _in_block(statement: Statement) -> Iterator[Setting]:
    """Yield what is set in a block, and the defaults of what is not."""
    kind, block = statement.name, block_of(statement)
    given = set()
    for inner in statement.body or ():
        if inner.head is not None:
            given.add(inner.name)
            yield _setting(inner, block, option_of(inner, kind))
    for (inside, name), option in OPTIONS.items():
        if inside == kind and name not in given and option.default is not None:
            yield Setting(name, block, option.default, option)


def _setting(statement: Statement, block: str, option: Option | None) -> Setting:
    is_policy = option is not None and option.name == CN_POLICY
    name = CN_POLICY if is_policy else statement.name
    value = statement.written if is_policy else _values(statement)
    return Setting(name, block, value, option, statement.place, statement)


def _values(statement: Statement) -> str:
    values = statement.values
    if len(values) == 1 and values[0].kind is Kind.STRING:
        return values[0].text
    return " ".join(value.written for value in values)


def _named(top: tuple[Statement, ...], name: str) -> list[Statement]:
    return [one for one in top if one.name == name and len(one.values) == 1]


def _inside(statement: Statement, name: str) -> list[Statement]:
    return [one for one in statement.body or () if one.name == name and one.values]


def _last(statement: Statement, name: str) -> Value | None:
    found = _inside(statement, name)
    return found[-1].values[0] if found else None


def _interface(statement: Statement) -> InterfaceBlock:
    preference, role = _last(statement, "MnIfPreference"), _last(statement, "IfType")
    return InterfaceBlock(
        statement.values[0].text,
        statement.place,
        int(number(preference)) if preference is not None and preference.kind is Kind.NUMBER else None,
        None if role is None else role.text,
    )


def _home_link(statement: Statement) -> HomeLink:
    agent, home, prefix = (_last(statement, name) for name in ("HomeAgentAddress", "HomeAddress", "HomePrefix"))
    router = _last(statement, "IsMobRtr")
    addresses = _inside(statement, "HomeAddress")
    lists = [value for one in addresses[-1:] for value in one.values[1:] if value.kind is Kind.LIST]
    return HomeLink(
        statement.values[0].text,
        statement.place,
        (address_in(agent.text) if agent is not None else None) or ANYONE,
        None if home is None else prefix_in(home.text),
        None if prefix is None else prefix_in(prefix.text),
        tuple(_networks(lists)),
        router is not None and flag_of(router),
        tuple(_routes(_inside(statement, "MnRoPolicy"))),
    )


def _networks(lists: list[Value]) -> Iterator[tuple[bytes, int]]:
    for value in lists:
        for item in value.items:
            found = prefix_in(item.text)
            if found is not None:
                yield found


def _routes(statements: list[Statement]) -> Iterator[tuple[bytes, bool]]:
    for statement in statements:
        peer = statement.values[0]
        found = address_in(peer.text) if is_address(peer) else ANYONE
        yield found or ANYONE, flag_of(statement.values[-1])


def _policies(block: Statement) -> Iterator[Policy]:
    agent = _last(block, "HomeAgentAddress")
    homes = [one.values[0] for one in _inside(block, "HomeAddress") if is_prefix(one.values[0])]
    agent_address = address_in(agent.text) if agent is not None else None
    if agent_address is None:
        return
    for statement in _inside(block, "IPsecPolicy"):
        protects, *rest = statement.values
        reqids = [int(number(value)) for value in rest if value.kind is Kind.NUMBER and len(value.text) < 11]
        for home in homes:
            found = prefix_in(home.text)
            if found is not None:
                yield Policy(
                    protects.text,
                    agent_address,
                    found[0],
                    tuple(value.text for value in rest if value.text in PROTOCOLS),
                    reqids[0] if reqids else 0,
                    reqids[-1] if reqids else 0,
                    not rest or is_enabled(rest[-1]) is not False,
                    statement.place,
                )


def _access(top: tuple[Statement, ...]) -> Iterator[Access]:
    for statement in top:
        home = address_in(statement.values[0].text) if statement.values else None
        if statement.name == "BindingAclPolicy" and home is not None:
            lists = [value for value in statement.values if value.kind is Kind.LIST]
            last = statement.values[-1]
            is_allowed = flag_of(last) or (last.kind is Kind.NUMBER and number(last) < 128)
            yield Access(home, is_allowed, tuple(_networks(lists)), statement.place)
