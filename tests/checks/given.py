"""Facts by hand, in a line each, and what a check says of them.

::

    facts = given(role="mn", KR=kernel("6.1.0-56-amd64"), SY={"net/ipv6/conf/all/forwarding": 1}, XP=(policy("out"),))
    assert verdicts("MIP-113", facts) == {"": "AFFECTED"}

What is not given is unreadable. SY takes a mapping of settings, of which others are not there; SN counters of the
node, or a mapping of interfaces; VT the tables by their names (``bul=(…)`` and so on); RT routes, and
``route_to={"2001:db8::1 2001:db8::2": route(…)}``. ``earlier=given(…)`` is the beginning of the window.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness import RECORDINGS

from mipsh.builtin import CHECKS
from mipsh.checks.check import Area, Check
from mipsh.checks.facts import Facts
from mipsh.checks.runner import judge
from mipsh.checks.sources import (
    CAP_NET_ADMIN,
    Datum,
    InterfaceAddress,
    Kernel,
    KernelConfig,
    Key,
    Link,
    Neighbour,
    Route,
    Rule,
    Tunnel,
    Unreadable,
)
from mipsh.engine import Capability
from mipsh.errors import CannotTell
from mipsh.linux.facts_recorded import RecordedSource
from mipsh.model.findings import Finding
from mipsh.model.records import EngineInfo
from mipsh.model.xfrm import ACTIONS, DIRECTIONS, MODES, PROTOCOLS, TYPES, Policy, Selector, State, Template, Use
from mipsh.node.replay import RecordedResponder
from mipsh.plugins.engines import umip_text
from mipsh.plugins.engines.umip import READINGS
from mipsh.recording import VtOptions, load, nearest
from mipsh.registry import load_target

NOW = "2027-01-15T08:00:00.000Z"
ANY = "::/0"
_TABLES = {
    "bc": "binding_cache",
    "bul": "binding_update_list",
    "rr": "return_routability",
    "hal": "home_agents",
    "pl": "prefixes",
    "stats": "statistics",
    "engine": "engine",
}
_PROTOCOLS = {name: number for number, name in PROTOCOLS.items()} | {"mh": 135, "icmpv6": 58, "any": 0}


class Given:
    """A source of what a test gives; the rest cannot be read."""

    def __init__(self, values: Mapping[tuple[Key, str], object]) -> None:
        self.values = values

    def read(self, key: Key, argument: str) -> Datum:
        """Return what was given; raises Unreadable for the rest."""
        if (key, argument) in self.values:
            value = self.values[key, argument]
            if isinstance(value, Unreadable):
                raise value
            return Datum(value, NOW, "given")
        if key is Key.SY and (key, "") in self.values:
            return Datum(None, NOW, "given")
        raise Unreadable(key, "not given", CAP_NET_ADMIN if key in (Key.XP, Key.XS, Key.XD, Key.NF) else "")


def given(
    role: str | None = None,
    earlier: Facts | None = None,
    route_to: Mapping[str, Route | None] | None = None,
    **values: Any,
) -> Facts:
    """Return facts; names are keys of sources, or the daemon's words for its tables."""
    found: dict[tuple[Key, str], object] = {}
    for name, value in values.items():
        if name in _TABLES:
            found[Key.VT, _TABLES[name]] = value
        elif name == "SY":
            found[Key.SY, ""] = None
            found.update({(Key.SY, setting): str(text) for setting, text in value.items()})
        elif name == "SN" and any(isinstance(one, Mapping) for one in value.values()):
            found.update({(Key.SN, interface): counters for interface, counters in value.items()})
        elif "_" in name:
            key, _, argument = name.partition("_")
            found[Key(key), argument] = value
        else:
            found[Key(name), ""] = value
    found.update({(Key.RT, flow): route for flow, route in (route_to or {}).items()})
    return Facts(Given(found), role, earlier)


def cannot(key: str, reason: str = "not permitted", privilege: str = CAP_NET_ADMIN) -> Unreadable:
    """Return what stands for a source that cannot be read, in the place of its value."""
    return Unreadable(Key(key), reason, privilege)


def kernel(release: str) -> Kernel:
    """Return a kernel's release."""
    return Kernel(release)


def built(*loaded: str, **options: str) -> KernelConfig:
    """Return a kernel's configuration: options by name, and the modules that are loaded."""
    return KernelConfig(options, frozenset(loaded))


def engine(role: str, name: str = "umip") -> EngineInfo:
    """Return what an engine says that it is."""
    return EngineInfo(name, f"{name}:test", role, None)


def address(text: str, interface: str = "eth0", *flags: str, scope: str = "global") -> InterfaceAddress:
    """Return an address of an interface: ``ADDRESS/LENGTH``, and its flags."""
    one, _, length = text.partition("/")
    return InterfaceAddress(one, int(length or 128), interface, scope, frozenset(flags))


def link(name: str, index: int = 2, *, local: str = "", remote: str = "", flags: int = 0x9, mtu: int = 1500) -> Link:
    """Return an interface; one with ends is an ip6tnl."""
    tunnel = Tunnel(local, remote, flags) if local or remote else None
    return Link(name, index, "ip6tnl" if tunnel else "", mtu=mtu, tunnel=tunnel)


def route(text: str, interface: str = "eth0", gateway: str = "", **more: Any) -> Route:
    """Return a route to ``ADDRESS/LENGTH``; further fields by their names."""
    one, _, length = text.partition("/")
    return Route(one, int(length or 128), interface, gateway, **more)


def rule(priority: int, source: str = ANY, table: int = 254, action: str = "lookup") -> Rule:
    """Return a rule for packets from ``ADDRESS/LENGTH``."""
    one, _, length = source.partition("/")
    return Rule(priority, one, int(length or 128), table=table, action=action)


def neighbour(
    text: str, state: str = "REACHABLE", interface: str = "eth0", mac: str = "02:00:00:00:00:01"
) -> Neighbour:
    """Return a neighbour."""
    return Neighbour(text, interface, state, mac)


def template(text: str) -> Template:
    """Return a template from words: ``hao ro use``, ``esp tunnel 2001:db8::1 2001:db8::2 reqid 3``."""
    words = text.split()
    ends = [word for word in words if ":" in word]
    source, destination = ends if ends else ("::", "::")
    protocol = next(number for name, number in _PROTOCOLS.items() if name in words)
    mode = next((MODES.index(word) for word in words if word in MODES), 0)
    reqid = int(words[words.index("reqid") + 1]) if "reqid" in words else 0
    return Template(source, destination, protocol, 0, reqid, mode, "use" in words)


def policy(direction: str, source: str = ANY, destination: str = ANY, /, **more: Any) -> Policy:
    """Return a policy.

    ``proto`` (mh, icmpv6, any), ``type`` (of a Mobility Header or ICMPv6 message; none: untyped), ``priority``,
    ``action`` (allow, block), ``ptype`` (main, sub), ``templates`` (see ``template``), ``packets``, ``used``.
    """
    (start, _, start_length), (end, _, end_length) = source.partition("/"), destination.partition("/")
    kind = more.get("type")
    selector = Selector(
        start,
        int(start_length or 128),
        end,
        int(end_length or 128),
        _PROTOCOLS[more.get("proto", "any")],
        kind or 0,
        0 if kind is None else 0xFFFF,
    )
    return Policy(
        selector,
        DIRECTIONS.index(direction),
        ACTIONS.index(more.get("action", "allow")),
        more.get("priority", 0),
        0,
        TYPES.index(more.get("ptype", "sub")),
        tuple(map(template, more.get("templates", ()))),
        use=Use(packets=more.get("packets", 0), used=more.get("used")),
    )


def state(protocol: str, source: str = "::", destination: str = "::", /, **more: Any) -> State:
    """Return a state: ``hao``, ``route2``, ``esp``; ``coa``, ``mode``, ``reqid``, ``flags``, ``packets``, ``used``, ….

    One of hao or route2 has the mode ro, and one without ends takes what comes from anybody.
    """
    mobility = protocol in ("hao", "route2")
    packets, used = more.pop("packets", 0), more.pop("used", None)
    return State(
        source,
        destination,
        _PROTOCOLS[protocol],
        more.pop("spi", 0),
        more.pop("reqid", 0),
        MODES.index(more.pop("mode", "ro" if mobility else "transport")),
        Selector(source, 128, destination, 128),
        more.pop("flags", 8 if mobility and source == destination == "::" else 0),
        care_of_address=more.pop("coa", "::" if mobility else None),
        last_used=used,
        use=Use(packets=packets),
        **more,
    )


def recorded(folder: str, node: str, role: str | None = None) -> Facts:
    """Return the facts of a recorded node: ``recorded("02-registered", "ha")``."""
    said = load(RECORDINGS / folder, node).said()
    words = RecordedResponder(load(RECORDINGS / folder, node)).words()
    found = umip_text.role_of(words)

    def read(argument: str) -> tuple[object, str]:
        if argument == "engine":
            return EngineInfo("umip", f"{folder}/{node}", found), node
        word, _, parse = READINGS[Capability(argument)]
        body = nearest(said.get(word, ()), VtOptions(prompt=False, verbose=True, fancy=False))
        if body is None or word not in words:
            raise CannotTell(f"{word} was not asked")
        return tuple(parse(body).rows), node

    return Facts(RecordedSource(RECORDINGS / folder, node, {Key.VT: read}), role)


def areas() -> list[Area]:
    """Return the areas that mipsh brings."""
    return [load_target(target) for target in CHECKS.values()]


def check(id_: str) -> Check:
    """Return a check by its id."""
    return next(one for area in areas() for one in area.checks if one.id == id_)


def findings(id_: str, facts: Facts) -> Sequence[Finding]:
    """Return what a check finds."""
    return judge(check(id_), facts)


def verdicts(id_: str, facts: Facts) -> dict[str, str]:
    """Return the verdicts of a check by subject."""
    return {finding.subject: str(finding.verdict) for finding in findings(id_, facts)}
