"""What a check may ask of a node: every source by its key, read when it is first asked for, and once.

Each question returns a value, or raises Unreadable, of which the runner makes the verdict UNKNOWN; so a check
reads like a sentence of the catalogue. What is counted is compared between two moments only: see ``earlier``.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from mipsh.checks import sources as kinds
from mipsh.checks.sources import Datum, Key, Source, Unreadable
from mipsh.model.findings import Evidence
from mipsh.model.records import (
    BindingCacheEntry,
    BindingUpdateListEntry,
    Counter,
    EngineInfo,
    HomeAgent,
    HomePrefix,
    ReturnRoutabilityEntry,
)
from mipsh.model.xfrm import Policy, State

Value = TypeVar("Value")
MOBILE_NODE, HOME_AGENT, CORRESPONDENT = "mn", "ha", "cn"
NO_ROLE = ""
MIP6D_TABLE, HA_RULE = 252, 1005
ENGINE = "engine"


class _Past:
    """A moment that has gone by: nothing more can be read of it."""

    def read(self, key: Key, argument: str) -> Datum:
        raise Unreadable(key, "it was not read at the beginning of the window")


class Facts:
    """What is known of a node at one moment; see the module.

    ``earlier`` is the same node at the beginning of the window, in a check that is declared to need one.
    ``role`` is given where the user says it.
    """

    def __init__(self, source: Source, role: str | None = None, earlier: "Facts | None" = None) -> None:
        self.source = source
        self.given_role = role
        self._earlier = earlier
        self._known: dict[tuple[Key, str], Datum | Unreadable] = {}

    def datum(self, key: Key, argument: str = "") -> Datum:
        """Return what a source says, with when and from where; raises Unreadable, every time the same."""
        if (key, argument) not in self._known:
            try:
                self._known[key, argument] = self.source.read(key, argument)
            except Unreadable as error:
                self._known[key, argument] = error
        found = self._known[key, argument]
        if isinstance(found, Unreadable):
            raise found
        return found

    def frozen(self) -> "Facts":
        """Return what is known now, to which nothing is added later: the beginning of a window."""
        found = Facts(_Past(), self.given_role)
        found._known = dict(self._known)
        return found

    def can_read(self, key: Key, argument: str = "") -> bool:
        """Tell whether a source can be read."""
        try:
            self.datum(key, argument)
        except Unreadable:
            return False
        return True

    def saw(self, key: Key, value: object, argument: str = "") -> Evidence:
        """Return evidence from a source that was read: the raw value, and when."""
        return Evidence(key.value, str(value), self.datum(key, argument).time)

    @property
    def earlier(self) -> "Facts":
        """Return the node at the beginning of the window; raises Unreadable where there is none."""
        if self._earlier is None:
            raise Unreadable(Key.CK, "it takes two moments to compare, and there was only one (see --window)")
        return self._earlier

    @property
    def window_s(self) -> float:
        """Return how long the window is, in seconds."""
        return self.clocks.boottime_s - self.earlier.clocks.boottime_s

    def _of(self, key: Key, kind: type[Value], argument: str = "") -> Value:
        return cast(Value, self.datum(key, argument).value)

    @property
    def kernel(self) -> kinds.Kernel:
        """KR: release and distribution."""
        return self._of(Key.KR, kinds.Kernel)

    @property
    def kernel_config(self) -> kinds.KernelConfig:
        """KC: options and modules."""
        return self._of(Key.KC, kinds.KernelConfig)

    @property
    def kernel_symbols(self) -> frozenset[str]:
        """KC: the names of functions that begin with mip6_, xfrm, ip6_tnl, fib6_, esp6_ or nf_."""
        return self._of(Key.KC, frozenset, "symbols")

    @property
    def policies(self) -> Sequence[Policy]:
        """XP: the XFRM policies."""
        return self._of(Key.XP, tuple)

    @property
    def states(self) -> Sequence[State]:
        """XS: the XFRM states."""
        return self._of(Key.XS, tuple)

    @property
    def xfrm_defaults(self) -> kinds.Defaults:
        """XD: what becomes of packets that no policy is for (Linux 5.15)."""
        return self._of(Key.XD, kinds.Defaults)

    @property
    def xfrm_stat(self) -> Mapping[str, int]:
        """XT: counters since the start of the namespace; compare them with ``earlier``."""
        return self._of(Key.XT, dict)

    def snmp6(self, interface: str = "") -> Mapping[str, int]:
        """SN: counters of the node or an interface, since their start; compare them with ``earlier``."""
        return self._of(Key.SN, dict, interface)

    def xfrm_rise(self, name: str) -> int:
        """Return by how much a counter of XT rose in the window."""
        return self.xfrm_stat.get(name, 0) - self.earlier.xfrm_stat.get(name, 0)

    def snmp6_rise(self, name: str, interface: str = "") -> int:
        """Return by how much a counter of SN rose in the window."""
        return self.snmp6(interface).get(name, 0) - self.earlier.snmp6(interface).get(name, 0)

    def setting(self, name: str) -> int | None:
        """SY: a number below /proc/sys, as ``net/ipv6/conf/all/forwarding``; None where there is no such setting.

        Raises Unreadable for one that may not be read, or is no number.
        """
        text = self.setting_text(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError:
            raise Unreadable(Key.SY, f"{name} is no number") from None

    def setting_text(self, name: str) -> str | None:
        """SY: the text of a setting; None where there is no such setting."""
        return cast("str | None", self.datum(Key.SY, name).value)

    def conf(self, interface: str, name: str) -> int | None:
        """SY: an IPv6 setting of an interface, ``all`` or ``default``."""
        return self.setting(f"net/ipv6/conf/{interface}/{name}")

    def saw_conf(self, interface: str, name: str) -> Evidence:
        """Return an IPv6 setting of an interface as evidence."""
        return self.saw_setting(f"net/ipv6/conf/{interface}/{name}")

    def saw_setting(self, name: str) -> Evidence:
        """Return a setting as evidence."""
        value = self.setting_text(name)
        return self.saw(Key.SY, f"{name} = {'(not there)' if value is None else value}", name)

    @property
    def neighbours(self) -> Sequence[kinds.Neighbour]:
        """NB: the neighbours."""
        return self._of(Key.NB, tuple)

    @property
    def proxies(self) -> Sequence[kinds.Proxy]:
        """PN: the addresses that are answered for."""
        return self._of(Key.PN, tuple)

    @property
    def addresses(self) -> Sequence[kinds.InterfaceAddress]:
        """AD: all addresses, of every scope."""
        return self._of(Key.AD, tuple)

    @property
    def anycast_groups(self) -> Sequence[kinds.Group]:
        """AD: /proc/net/anycast6."""
        return self._of(Key.AD, tuple, "anycast")

    @property
    def multicast_groups(self) -> Sequence[kinds.Group]:
        """AD: /proc/net/igmp6."""
        return self._of(Key.AD, tuple, "multicast")

    @property
    def routes(self) -> Sequence[kinds.Route]:
        """RT: the routes of all tables."""
        return self._of(Key.RT, tuple)

    def route_to(self, destination: str, source: str = "") -> kinds.Route | None:
        """RT: what routing says of a packet (RTM_GETROUTE); None where it is unreachable. It sends nothing."""
        return cast("kinds.Route | None", self.datum(Key.RT, f"{destination} {source}".strip()).value)

    @property
    def rules(self) -> Sequence[kinds.Rule]:
        """RU: the rules of policy routing."""
        return self._of(Key.RU, tuple)

    @property
    def links(self) -> Sequence[kinds.Link]:
        """TN: all interfaces."""
        return self._of(Key.TN, tuple)

    @property
    def tunnels(self) -> Sequence[kinds.Link]:
        """TN: the interfaces that are ip6tnl."""
        return tuple(link for link in self.links if link.tunnel is not None)

    @property
    def sockets(self) -> Sequence[kinds.Socket]:
        """SK: the TCP sockets."""
        return self._of(Key.SK, tuple)

    @property
    def localhost(self) -> Sequence[str]:
        """SK: the addresses that the name localhost stands for; none where it stands for nothing."""
        return self._of(Key.SK, tuple, "localhost")

    @property
    def configuration(self) -> kinds.Configuration:
        """CF: the daemon's configuration file."""
        return self._of(Key.CF, kinds.Configuration)

    @property
    def processes(self) -> Sequence[kinds.Process]:
        """PR: the processes of mip6d, in any network namespace."""
        return self._of(Key.PR, tuple)

    @property
    def daemons(self) -> Sequence[kinds.Process]:
        """PR: the processes of mip6d in this network namespace."""
        return tuple(one for one in self.processes if one.is_here is not False)

    @property
    def services(self) -> Sequence[kinds.Service]:
        """PR: the units of systemd that start mip6d."""
        return self._of(Key.PR, tuple, "services")

    @property
    def key_managers(self) -> Sequence[kinds.Process]:
        """PR: the processes of IKE daemons, in any network namespace."""
        return self._of(Key.PR, tuple, "ike")

    @property
    def ruleset(self) -> kinds.Ruleset:
        """NF: the packet filter."""
        return self._of(Key.NF, kinds.Ruleset)

    @property
    def log(self) -> Sequence[kinds.LogLine]:
        """LG: the daemon's last lines."""
        return self._of(Key.LG, tuple)

    def file_mode(self, path: str) -> int | None:
        """LG: the permissions of a log file, as of chmod; None where there is no such file."""
        return cast("int | None", self.datum(Key.LG, f"mode {path}").value)

    @property
    def clocks(self) -> kinds.Clocks:
        """CK: the clocks."""
        return self._of(Key.CK, kinds.Clocks)

    def probe(self, kind: str, *words: str) -> kinds.Seen:
        """PK: send packets, and return what was seen; only in a check that is declared as a probe.

        ``echo PEER SOURCE``: one echo request; the answer is the way that it went: ro, tunnel, direct, none.
        """
        return self._of(Key.PK, kinds.Seen, " ".join((kind, *words)))

    @property
    def engine(self) -> EngineInfo:
        """VT: what the engine says that it is."""
        return self._of(Key.VT, EngineInfo, ENGINE)

    @property
    def cache(self) -> Sequence[BindingCacheEntry]:
        """VT: ``bc``."""
        return self._of(Key.VT, tuple, "binding_cache")

    @property
    def updates(self) -> Sequence[BindingUpdateListEntry]:
        """VT: ``bul``."""
        return self._of(Key.VT, tuple, "binding_update_list")

    @property
    def tests(self) -> Sequence[ReturnRoutabilityEntry]:
        """VT: ``rr``."""
        return self._of(Key.VT, tuple, "return_routability")

    @property
    def home_agents(self) -> Sequence[HomeAgent]:
        """VT: ``hal``."""
        return self._of(Key.VT, tuple, "home_agents")

    @property
    def prefixes(self) -> Sequence[HomePrefix]:
        """VT: ``pl``."""
        return self._of(Key.VT, tuple, "prefixes")

    @property
    def statistics(self) -> Sequence[Counter]:
        """VT: ``stats``; what no code counts has no value."""
        return self._of(Key.VT, tuple, "statistics")

    def vt_text(self, command: str) -> str:
        """VT: what the daemon says to a command that only looks, as text (``thread``)."""
        return self._of(Key.VT, str, f"raw {command}")

    @property
    def role(self) -> str:
        """Return mn, ha, cn, or empty for a node without Mobile IPv6; raises Unreadable where it cannot be told.

        As said by the user, by the engine, by the daemon's log or configuration, or by what the kernel has.
        """
        if self.given_role is None:
            self.given_role = self._role()
        return self.given_role

    def _role(self) -> str:
        if self.can_read(Key.VT, ENGINE) and self.engine.role:
            return self.engine.role
        return self._role_of_kernel()

    def _role_of_kernel(self) -> str:
        if any("home" in one.flags for one in self.addresses):
            return MOBILE_NODE
        if any(rule.priority == HA_RULE and rule.table == MIP6D_TABLE for rule in self.rules):
            return HOME_AGENT
        if any(state.is_wildcard and state.protocol in (43, 60) for state in self.states):
            return CORRESPONDENT
        return NO_ROLE

    @property
    def home_addresses(self) -> frozenset[str]:
        """Return the home addresses of a mobile node: those that the kernel or the binding update list has."""
        found = {one.address for one in self.addresses if "home" in one.flags}
        if self.can_read(Key.VT, "binding_update_list"):
            found |= {one.home_address for one in self.updates if one.home_address}
        return frozenset(found)
