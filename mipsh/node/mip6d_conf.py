"""mip6d.conf into a node's configuration: a subset, in which nothing is ignored.

An option that mipd does not have, or a value that would make it do something else than mip6d, is an
error with its line and column. Options keep the defaults that they have in mip6d.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from mipsh.grammar.phrases import nearest
from mipsh.node import fields
from mipsh.node.config import (
    AdvertiseConfig,
    CorrespondentConfig,
    HomeAgentConfig,
    HomeConfig,
    InterfaceConfig,
    MobileNetworkConfig,
    MobileNodeConfig,
    NodeConfig,
    PeerConfig,
)
from mipsh.node.fields import FieldError
from mipsh.node.mip6d_options import FIXED, NEEDED_BY, SCALARS, UNSUPPORTED, is_enabled
from mipsh.node.mip6d_syntax import Kind, Statement, SyntaxFault, Value, parse
from mipsh.node.places import Place

Text = TypeVar("Text")

EVERYTHING = "::/0"
BLOCKS = ("Interface", "MnHomeLink", "HaServedPrefix", "BindingAclPolicy")
IN_INTERFACE = ("IfType", "MnIfPreference")
IN_HOME_LINK = ("HomeAgentAddress", "HomeAddress", "MnRoPolicy", "IsMobRtr", "UseAltCoa", "HomePrefix")
MOST_PREFERRED, LEAST_PREFERRED = 1, 10
LONGEST_NAME = 15


def translate(text: str, path: str) -> tuple[NodeConfig, dict[str, Place]]:
    """Return the configuration that a mip6d.conf asks for, and where its fields stand; raises ConfigError."""
    reader = _Reader(path)
    for statement in parse(text, path):
        reader.read(statement)
    return reader.config(), reader.places


class _HomeLink:
    """What a MnHomeLink says."""

    def __init__(self) -> None:
        self.address = ""
        self.prefix = b"", 0
        self.agent: str | None = None
        self.networks: tuple[str, ...] = ()
        self.is_router = False
        self.optimise: bool | None = None
        self.peers: list[PeerConfig] = []


class _Reader:
    """Collects what statements say."""

    def __init__(self, path: str) -> None:
        self.places: dict[str, Place] = {}
        self._path = path
        self._given: dict[str, Statement] = {}
        self._interfaces: dict[str, int] = {}
        self._homes: list[_HomeLink] = []
        self._served: list[fields.Prefix] = []
        self._access: dict[bool, list[str]] = {True: [], False: []}
        self._networks: list[MobileNetworkConfig] = []

    # Statements.

    def read(self, statement: Statement) -> None:
        """Take in a statement at the top."""
        handlers: dict[str, Callable[[Statement], None]] = {
            "Interface": self._interface,
            "MnHomeLink": self._home_link,
            "HaServedPrefix": self._served_prefix,
            "BindingAclPolicy": self._binding_policy,
        }
        handler = handlers.get(statement.name)
        if handler is not None:
            handler(statement)
            return
        self._supported(statement, (*SCALARS, *FIXED, *BLOCKS))
        if statement.name in self._given:
            first = self._given[statement.name].place.line
            self._refuse(statement.place, f"{statement.name} is there twice, first in line {first}", "remove one")
        self._check(statement)
        self._given[statement.name] = statement

    def _supported(self, statement: Statement, known: tuple[str, ...]) -> None:
        """Refuse what is not known here."""
        name = statement.name
        if name in UNSUPPORTED:
            self._refuse(statement.place, f"mipd has no {name}", UNSUPPORTED[name])
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"options here: {', '.join(known)}"
            self._refuse(statement.place, f"there is no option {name} here", hint)

    def _check(self, statement: Statement) -> None:
        """Refuse a value that does not fit its option."""
        value = self._only(statement)
        fixed = FIXED.get(statement.name)
        if fixed is not None:
            if not fixed.allows(value):
                self._refuse(value.place, f"mipd has {statement.name} {fixed.value} only, not {value.text}", fixed.why)
            return
        scalar = SCALARS[statement.name]
        if not scalar.fits(value):
            self._refuse(value.place, f"{statement.name} is {scalar.expected}, not '{value.text}'")

    def _only(self, statement: Statement) -> Value:
        """Return the one value of an option."""
        if statement.body is not None or len(statement.values) != 1:
            self._refuse(statement.place, f"{statement.name} takes one value and ';'")
        return statement.values[0]

    def _flag(self, statement: Statement) -> bool:
        value = self._only(statement)
        enabled = is_enabled(value)
        if enabled is None:
            self._refuse(value.place, f"{statement.name} is enabled or disabled, not '{value.text}'")
        return enabled

    def _interface(self, statement: Statement) -> None:
        if len(statement.values) != 1 or statement.values[0].kind is not Kind.STRING:
            self._refuse(statement.place, "Interface takes a name in quotes", 'write Interface "eth0";')
        preference = MOST_PREFERRED
        for inner in statement.body or ():
            self._supported(inner, IN_INTERFACE)
            value = self._only(inner)
            if inner.name == "MnIfPreference":
                preference = self._preference(value)
            else:
                role = self._given.get("NodeConfig")
                if role is None or role.values[0].text != value.text:
                    hint = "give NodeConfig first, with the same role"
                    self._refuse(value.place, f"mipd has one role on all interfaces, not IfType {value.text}", hint)
        self._add_interface(statement.values[0], preference)

    def _preference(self, value: Value) -> int:
        if value.kind is Kind.NUMBER and value.text.isdecimal() and len(value.text) < 4:
            number = int(value.text)
            if MOST_PREFERRED <= number <= LEAST_PREFERRED:
                return number
        return self._refuse(value.place, f"MnIfPreference is 1 (first) to 10, not '{value.text}'")

    def _add_interface(self, value: Value, preference: int) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", value.text):
            self._refuse(value.place, f"'{value.text}' is not the name of an interface")
        if value.text in self._interfaces:
            self._refuse(value.place, f"the interface {value.text} is there twice", "remove one")
        self._interfaces[value.text] = preference
        self.places[value.text] = value.place

    def _home_link(self, statement: Statement) -> None:
        names = statement.values
        if len(names) != 1 or names[0].kind is not Kind.STRING or statement.body is None:
            self._refuse(statement.place, "MnHomeLink takes an interface's name in quotes, and options in braces")
        if names[0].text not in self._interfaces:
            self._add_interface(names[0], MOST_PREFERRED)
        link = _HomeLink()
        for inner in statement.body:
            self._supported(inner, IN_HOME_LINK)
            self._home_option(link, inner)
        if not link.address:
            self._refuse(statement.place, "this home link has no HomeAddress", "add HomeAddress ADDRESS/LENGTH;")
        if link.is_router and not link.networks:
            hint = "write them behind the home address: HomeAddress ADDRESS/LENGTH (PREFIX/LENGTH);"
            self._refuse(statement.place, "a mobile router names the prefixes behind it", hint)
        if link.networks and not link.is_router:
            self._refuse(statement.place, "prefixes are a mobile router's", "add IsMobRtr enabled;")
        self.places[f"mobile_node.homes[{len(self._homes)}]"] = statement.place
        self._homes.append(link)

    def _home_option(self, link: _HomeLink, statement: Statement) -> None:
        name = statement.name
        if name == "HomeAddress":
            self._home_address(link, statement)
        elif name == "HomeAgentAddress":
            value = self._only(statement)
            agent = self._understood(value, name, fields.address)
            link.agent = value.text if any(agent) else None
        elif name == "IsMobRtr":
            link.is_router = self._flag(statement)
        elif name == "MnRoPolicy":
            self._optimisation(link, statement)
        elif name == "HomePrefix":
            value = self._only(statement)
            if self._understood(value, name, fields.prefix) != link.prefix:
                hint = "leave it out, or give it behind HomeAddress, the same as there"
                self._refuse(value.place, f"mipd takes the home prefix from HomeAddress, not {value.text}", hint)
        elif not self._flag(statement):
            self._refuse(statement.place, "mipd always sends the Alternate Care-of Address option", "leave it out")

    def _home_address(self, link: _HomeLink, statement: Statement) -> None:
        if not statement.values or statement.body is not None:
            self._refuse(statement.place, "HomeAddress takes ADDRESS/LENGTH and ';'")
        if link.address:
            self._refuse(statement.place, "a home link has one HomeAddress", "write another MnHomeLink")
        value = statement.values[0]
        address, length = self._understood(value, "HomeAddress", fields.own_address)
        link.address, link.prefix = value.text, (fields.cut(address, length), length)
        link.networks = self._networks_in(statement.values[1:])

    def _networks_in(self, values: tuple[Value, ...]) -> tuple[str, ...]:
        """Return the prefixes of a list in parentheses, where there is one."""
        for value in values[1:]:
            self._refuse(value.place, f"expected ';', found '{value.text}'")
        for value in values:
            if value.kind is not Kind.LIST:
                self._refuse(value.place, f"expected prefixes in parentheses or ';', found '{value.text}'")
            for item in value.items:
                self._understood(item, "the prefix", fields.prefix)
        return tuple(item.text for value in values for item in value.items)

    def _optimisation(self, link: _HomeLink, statement: Statement) -> None:
        *peers, last = statement.values or (Value(Kind.END, "", statement.place),)
        enabled = is_enabled(last)
        if enabled is None or len(peers) > 1:
            self._refuse(statement.place, "MnRoPolicy takes an address or none, and enabled or disabled")
        for peer in peers:
            address = self._understood(peer, "MnRoPolicy", fields.address)
            if any(address):
                self._understood(peer, "MnRoPolicy", fields.node_address)
                link.peers.append(PeerConfig(address=peer.text, optimise=enabled))
                return
        link.optimise = enabled

    def _served_prefix(self, statement: Statement) -> None:
        self._served.append(self._understood(self._only(statement), "HaServedPrefix", fields.prefix))

    def _binding_policy(self, statement: Statement) -> None:
        if len(statement.values) < 2 or statement.body is not None:
            self._refuse(statement.place, "BindingAclPolicy takes an address, and allow or deny")
        home, *networks, last = statement.values
        enabled = is_enabled(last)
        if enabled is None:
            self._refuse(last.place, f"BindingAclPolicy is allow or deny, not '{last.text}'")
        self._understood(home, "BindingAclPolicy", fields.node_address)
        self._access[enabled].append(f"{home.text}/128")
        prefixes = self._networks_in(tuple(networks))
        for value in networks:
            for item in value.items:
                self._in_served(item)
        if prefixes and enabled:
            self._networks.append(MobileNetworkConfig(home_address=home.text, prefixes=prefixes))

    def _in_served(self, item: Value) -> None:
        prefix, length = self._understood(item, "the prefix", fields.prefix)
        is_inside = any(length >= around and fields.cut(prefix, around) == whole for whole, around in self._served)
        if self._served and not is_inside:
            self._refuse(item.place, f"{item.text} is in no HaServedPrefix given before", "add one that it is in")

    # What comes of it.

    def config(self) -> NodeConfig:
        """Return the whole configuration."""
        role = self._text("NodeConfig")
        for name, statement in self._given.items():
            needed = NEEDED_BY.get(name)
            if needed is not None and needed != role:
                self._refuse(statement.place, f"{name} is for NodeConfig {needed}, and this is {role}", "remove it")
        self._belongs("MN", role, [*self._homes], "MnHomeLink")
        self._belongs("HA", role, [*self._access[True], *self._access[False], *self._served], "BindingAclPolicy")
        if role != "CN" and self._is("UseMnHaIPsec"):
            hint = "write UseMnHaIPsec disabled; (it is enabled where nothing is said), where that is acceptable"
            self._refuse(self._place("UseMnHaIPsec"), "mipd has no IPsec between mobile node and home agent", hint)
        if not self._interfaces:
            hint = 'add Interface "eth0"; for each: mipd takes those over from the kernel'
            self._refuse(Place(1, 1), "mipd must be told its interfaces", hint)
        self._locate()
        return NodeConfig(
            name=node_name(self._path),
            interfaces=tuple(_interface(name, role) for name in self._in_order()),
            correspondent=CorrespondentConfig(max_bindings=10_000 if self._is("DoRouteOptimizationCN") else 0),
            home_agent=self._home_agent() if role == "HA" else None,
            mobile_node=self._mobile_node() if role == "MN" else None,
        )

    def _belongs(self, needed: str, role: str, there: list[object], name: str) -> None:
        if there and role != needed:
            self._refuse(self._place("NodeConfig"), f"{name} is for NodeConfig {needed}, and this is {role}")
        if not there and role == needed == "MN":
            self._refuse(self._place("NodeConfig"), "a mobile node has at least one MnHomeLink")

    def _in_order(self) -> list[str]:
        """Return the interfaces' names, the preferred ones first."""
        return sorted(self._interfaces, key=lambda name: self._interfaces[name])

    def _locate(self) -> None:
        for number, name in enumerate(self._in_order()):
            self.places[f"interfaces[{number}]"] = self.places.pop(name)

    def _home_agent(self) -> HomeAgentConfig:
        allowed, denied = self._access[True], self._access[False]
        is_default = is_enabled(self._value("DefaultBindingAclPolicy")) is not False
        if is_default:
            allowed = []
        elif not allowed:
            denied = [EVERYTHING]
        return HomeAgentConfig(
            max_lifetime_s=self._number("HaMaxBindingLife"),
            allowed=tuple(allowed),
            denied=tuple(denied),
            serves_mobile_routers=self._is("HaAcceptMobRtr"),
            mobile_networks=tuple(self._networks),
        )

    def _mobile_node(self) -> MobileNodeConfig:
        may_optimise = self._is("DoRouteOptimizationMN")
        defaults = {link.optimise for link in self._homes if link.optimise is not None}
        if len(defaults) > 1:
            hint = "mipd has one policy for all home links"
            self._refuse(self.places["mobile_node.homes[1]"], "the home links' MnRoPolicy differ", hint)
        explicit = self._is("MobRtrUseExplicitMode")
        homes = [
            HomeConfig(address=h.address, home_agent=h.agent, mobile_networks=h.networks, explicit=explicit)
            for h in self._homes
        ]
        peers = {peer.address: peer.optimise and may_optimise for link in self._homes for peer in link.peers}
        return MobileNodeConfig(
            homes=tuple(homes),
            home_lifetime_s=self._number("MnMaxHaBindingLife"),
            correspondent_lifetime_s=self._number("MnMaxCnBindingLife"),
            optimise=may_optimise and False not in defaults,
            peers=tuple(PeerConfig(address=address, optimise=optimise) for address, optimise in peers.items()),
            acknowledge_correspondents=self._is("UseCnBuAck"),
        )

    def _value(self, name: str) -> Value:
        """Return what an option is set to, or its default."""
        statement = self._given.get(name)
        return SCALARS[name].default if statement is None else statement.values[0]

    def _text(self, name: str) -> str:
        return self._value(name).text

    def _is(self, name: str) -> bool:
        return is_enabled(self._value(name)) is True

    def _number(self, name: str) -> float:
        return float(self._text(name))

    def _place(self, name: str) -> Place:
        statement = self._given.get(name)
        return Place(1, 1) if statement is None else statement.place

    def _understood(self, value: Value, name: str, understand: Callable[[str, str], Text]) -> Text:
        """Return an address or a prefix as it is understood."""
        try:
            return understand(value.text, name)
        except FieldError as error:
            self._refuse(value.place, error.message, error.hint)

    def _refuse(self, place: Place, problem: str, hint: str = "") -> NoReturn:
        raise SyntaxFault(self._path, place, problem, hint)


def _interface(name: str, role: str) -> InterfaceConfig:
    """Return an interface as mip6d has it: the kernel gave it its addresses, and a home agent advertises there."""
    if role == "HA":
        return InterfaceConfig(name=name, adopts=True, advertise=AdvertiseConfig(home_agent=True))
    return InterfaceConfig(name=name, adopts=role == "CN")


def node_name(path: str) -> str:
    """Return the name of a node whose file does not say it: the file's, as far as it can be one."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", Path(path).stem)[:LONGEST_NAME] or "node"
