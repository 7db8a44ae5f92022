"""A radvd.conf as what it says of each interface and its prefixes, and what of it is wrong or does not go together."""

from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from mipsh.config_files.findings import Finding, Severity, in_order
from mipsh.config_files.including import Whole
from mipsh.config_files.lint import Dialect, Linter, of_text
from mipsh.config_files.mip6d import Setting
from mipsh.config_files.options import Misfit, cut, number, prefix_in
from mipsh.config_files.radvd_options import INFINITY, INTERFACE, OPTIONS, PREFIX_BLOCK, option_of, options_of
from mipsh.config_files.tree import Kind, Place, Statement, Value

DAEMON = "radvd"
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
DEFAULT_INTERVAL_S = 600.0
LONGEST_VALID_S = 4_294_967_295.0


class Prefix(Struct, frozen=True):
    """A ``prefix``: as written, so that with ``router_address`` it is an address of the router."""

    address: bytes
    length: int
    place: Place
    router_address: bool = False
    on_link: bool = True
    autonomous: bool = True
    valid_s: float = 86_400
    preferred_s: float = 14_400

    @property
    def has_host(self) -> bool:
        """Whether it is a whole address, not a prefix with zeros behind."""
        return cut(self.address, self.length) != self.address


class Interface(Struct, frozen=True):
    """An ``interface`` as it counts."""

    name: str
    place: Place
    sends: bool = False
    most_s: float = DEFAULT_INTERVAL_S
    least_s: float = DEFAULT_INTERVAL_S / 3
    default_lifetime_s: float = DEFAULT_INTERVAL_S * 3
    home_agent: bool = False
    home_agent_info: bool = False
    home_agent_lifetime_s: float = DEFAULT_INTERVAL_S * 3
    home_agent_preference: int = 0
    serves_routers: bool = False
    tells_interval: bool = False
    tells_link_layer: bool = True
    prefixes: tuple[Prefix, ...] = ()

    @property
    def sends_information(self) -> bool:
        """Whether the Home Agent Information option goes out: radvd leaves it away where it says nothing new."""
        is_new = self.serves_routers or self.home_agent_preference != 0
        return self.home_agent_info and (is_new or self.home_agent_lifetime_s != self.default_lifetime_s)


class RadvdConf(Struct, frozen=True):
    """What a radvd.conf says."""

    whole: Whole
    interfaces: tuple[Interface, ...]

    @property
    def by_name(self) -> dict[str, Interface]:
        """The interfaces by name."""
        return {one.name: one for one in self.interfaces}


def is_radvd(whole: Whole) -> bool:
    """Tell whether a file is one of radvd's: it has interfaces, in small letters and without quotes."""
    names = [one.name for one in whole.statements if one.head is not None]
    return bool(names) and sum(name == INTERFACE for name in names) * 2 >= len(names)


def understand(whole: Whole) -> RadvdConf:
    """Return what a radvd.conf says, of what fits."""
    found = [one for one in whole.statements if one.name.lower() == INTERFACE and len(one.values) == 1]
    return RadvdConf(whole, tuple(_interface(one) for one in found))


def lint(whole: Whole) -> list[Finding]:
    """Return everything that is found in a radvd.conf."""
    among = (finding for one in understand(whole).interfaces for finding in _contradictions(one))
    found = whole.findings, of_text(whole.documents, DAEMON), Linter(DIALECT).all(whole.statements), among
    return in_order(chain.from_iterable(found))


def settings(whole: Whole) -> Iterator[Setting]:
    """Yield the options of each interface and prefix as they count, those that are not set with their defaults."""
    for statement in whole.statements:
        if statement.head is not None and statement.body is not None:
            yield from _settings(statement, INTERFACE, statement.written)


def _settings(statement: Statement, kind: str, block: str) -> Iterator[Setting]:
    given = set()
    for inner in statement.body or ():
        option = option_of(inner, kind)
        if inner.head is None:
            continue
        given.add(inner.name.lower())
        if inner.body is None:
            written = " ".join(value.written for value in inner.values)
            yield Setting(inner.name, block, written, option, inner.place, inner)
        else:
            yield Setting(inner.written, block, None, option, inner.place, inner)
            yield from _settings(inner, inner.name.lower(), f"{block} {inner.written}")
    for (inside, name), option in OPTIONS.items():
        if inside == kind and name not in given and option.default is not None:
            yield Setting(option.name, block, option.default, option)


def _nowhere(name: str, block: str) -> tuple[str, str] | None:
    """Say where an option of another block belongs."""
    places = [inside or "no braces" for inside, known in OPTIONS if known == name.lower() and inside != block]
    return (f"{name} does not belong in {block or 'no braces'}", f"it belongs in {places[0]}") if places else None


DIALECT = Dialect(DAEMON, option_of, options_of, _nowhere, closes=";")


class _Values:
    """The values of a block by name, those that do not fit left out."""

    def __init__(self, statement: Statement, block: str) -> None:
        self._given: dict[str, Value] = {}
        for inner in statement.body or ():
            option = option_of(inner, block)
            if option is not None and inner.values and not isinstance(option.shape(inner), Misfit):
                self._given[option.name] = inner.values[0]

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a flag."""
        found = self._given.get(name)
        return default if found is None else found.text.lower() == "on"

    def amount(self, name: str, default: float) -> float:
        """Return a number; ``infinity`` is the largest."""
        found = self._given.get(name)
        if found is None:
            return default
        return LONGEST_VALID_S if found.text.lower() == INFINITY else number(found)


def _interface(statement: Statement) -> Interface:
    values = _Values(statement, INTERFACE)
    most = values.amount("MaxRtrAdvInterval", DEFAULT_INTERVAL_S)
    default_lifetime = values.amount("AdvDefaultLifetime", max(1.0, 3 * most))
    return Interface(
        statement.values[0].text,
        statement.place,
        sends=values.flag("AdvSendAdvert"),
        most_s=most,
        least_s=values.amount("MinRtrAdvInterval", most / 3),
        default_lifetime_s=default_lifetime,
        home_agent=values.flag("AdvHomeAgentFlag"),
        home_agent_info=values.flag("AdvHomeAgentInfo"),
        home_agent_lifetime_s=values.amount("HomeAgentLifetime", default_lifetime),
        home_agent_preference=int(values.amount("HomeAgentPreference", 0)),
        serves_routers=values.flag("AdvMobRtrSupportFlag"),
        tells_interval=values.flag("AdvIntervalOpt"),
        tells_link_layer=values.flag("AdvSourceLLAddress", True),
        prefixes=tuple(_prefixes(statement)),
    )


def _prefixes(statement: Statement) -> Iterator[Prefix]:
    for inner in statement.body or ():
        found = prefix_in(inner.values[0].text) if inner.name.lower() == PREFIX_BLOCK and inner.values else None
        if found is not None and inner.values[0].kind is Kind.PREFIX:
            values = _Values(inner, PREFIX_BLOCK)
            yield Prefix(
                *found,
                inner.place,
                router_address=values.flag("AdvRouterAddr"),
                on_link=values.flag("AdvOnLink", True),
                autonomous=values.flag("AdvAutonomous", True),
                valid_s=values.amount("AdvValidLifetime", 86_400),
                preferred_s=values.amount("AdvPreferredLifetime", 14_400),
            )


def _contradictions(one: Interface) -> Iterator[Finding]:
    """Yield what does not go together on an interface."""

    def found(severity: Severity, code: str, option: str, said: tuple[str, str, str]) -> Finding:
        return Finding(code, severity, one.place, f"interface {one.name} {option}", said[0], "", said[1], said[2])

    if one.least_s > 3 / 4 * one.most_s:
        said = f"radvd wants at most three quarters of MaxRtrAdvInterval: {one.most_s * 3 / 4:g} s", "lower it", ""
        yield found(ERROR, "interval-reversed", "MinRtrAdvInterval", said)
    is_agent = one.home_agent or one.home_agent_info
    if is_agent and not one.sends:
        said = "nothing is advertised: AdvSendAdvert is off", "AdvSendAdvert on;", "MIP-403"
        yield found(ERROR, "not-sent", "AdvSendAdvert", said)
    if one.home_agent_info and not one.home_agent:
        said = "AdvHomeAgentInfo takes AdvHomeAgentFlag (RFC 6275 section 7.4)", "AdvHomeAgentFlag on;", "MIP-403"
        yield found(ERROR, "no-home-agent-flag", "AdvHomeAgentFlag", said)
    if one.home_agent_info and not one.sends_information:
        said = (
            "radvd sends no Home Agent Information option: preference 0 and the router's lifetime are the defaults",
            "that is fine, unless HomeAgentPreference or HomeAgentLifetime was meant",
            "MIP-405",
        )
        yield found(INFO, "no-information", "AdvHomeAgentInfo", said)
    if one.home_agent and not any(prefix.router_address for prefix in one.prefixes):
        said = (
            "no prefix has AdvRouterAddr on: the home agent's address is not known, and not discovered",
            "prefix HOME-AGENT-ADDRESS/LENGTH { AdvRouterAddr on; };",
            "MIP-404",
        )
        yield found(ERROR, "no-router-address", "prefix", said)
    if one.serves_routers and not one.home_agent_info:
        said = "AdvMobRtrSupportFlag is in the Home Agent Information option", "AdvHomeAgentInfo on;", "MIP-311"
        yield found(WARNING, "no-home-agent-information", "AdvMobRtrSupportFlag", said)
    if not one.tells_link_layer:
        said = (
            "a mobile node must ask for the router's link-layer address, which mip6d blocks until it is registered",
            "AdvSourceLLAddress on;",
            "MIP-007",
        )
        yield found(WARNING, "no-link-layer-address", "AdvSourceLLAddress", said)
    for prefix in one.prefixes:
        yield from _of_prefix(one, prefix)


def _of_prefix(one: Interface, prefix: Prefix) -> Iterator[Finding]:
    name = f"interface {one.name} prefix"
    if prefix.router_address and not prefix.has_host:
        message = "with AdvRouterAddr the prefix is written as the router's whole address"
        advice = "prefix HOME-AGENT-ADDRESS/LENGTH"
        yield Finding("no-whole-address", WARNING, prefix.place, name, message, "", advice, "MIP-404")
    if prefix.preferred_s > prefix.valid_s:
        message = f"preferred for {prefix.preferred_s:g} s, and valid for {prefix.valid_s:g} s only"
        yield Finding("lifetime-reversed", ERROR, prefix.place, name, message, "", "lower AdvPreferredLifetime")
    if not prefix.on_link and prefix.autonomous:
        message = "off the link (AdvOnLink off): mip6d of a mobile node here takes it for on-link all the same"
        yield Finding("off-link", INFO, prefix.place, name, message, reference="MIP-464")
