"""Where facts of a node come from, and what each source says, as plain values; what cannot be read says why.

The keys are those of the catalogue of known issues. A value is never a guess: a source that cannot be read
raises Unreadable with the reason, and with the privilege where one would help.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from mipsh.errors import CannotTell

CAP_NET_ADMIN, CAP_NET_RAW = "CAP_NET_ADMIN", "CAP_NET_RAW"
ROOT = "root"


class Key(StrEnum):
    """A source of facts.

    Some take an argument: SY the name of a setting below /proc/sys (``net/ipv6/conf/all/forwarding``), SN an
    interface (none: the node), VT a table of the engine, KC ``symbols``, PK a probe. PR may be asked for ``services``
    and ``ike``, SK for ``localhost``, LG for ``mode FILE``.
    """

    KR = "KR"
    """kernel release and distribution"""
    KC = "KC"
    """kernel configuration, modules, symbols"""
    XP = "XP"
    """XFRM policies"""
    XS = "XS"
    """XFRM states"""
    XD = "XD"
    """XFRM default actions"""
    XT = "XT"
    """XFRM counters, /proc/net/xfrm_stat"""
    SN = "SN"
    """IPv6 counters, /proc/net/snmp6 and dev_snmp6"""
    SY = "SY"
    """kernel settings, /proc/sys"""
    NB = "NB"
    """neighbours"""
    PN = "PN"
    """proxied neighbours"""
    AD = "AD"
    """addresses, multicast and anycast groups"""
    RT = "RT"
    """routes of all tables"""
    RU = "RU"
    """rules"""
    TN = "TN"
    """links, with the ends of tunnels"""
    SK = "SK"
    """TCP sockets"""
    VT = "VT"
    """tables of the mobility daemon"""
    CF = "CF"
    """configuration file of the daemon"""
    PR = "PR"
    """processes of the daemon"""
    NF = "NF"
    """packet filter"""
    LG = "LG"
    """log of the daemon"""
    PK = "PK"
    """packets"""
    CK = "CK"
    """clocks"""


PLACES = {
    Key.KR: "uname -r, /etc/os-release",
    Key.KC: "/proc/config.gz, /boot/config-RELEASE, /lib/modules/RELEASE, /proc/modules",
    Key.XP: "ip xfrm policy",
    Key.XS: "ip -s xfrm state",
    Key.XD: "ip xfrm policy getdefault",
    Key.XT: "/proc/net/xfrm_stat",
    Key.SN: "/proc/net/snmp6, /proc/net/dev_snmp6",
    Key.SY: "/proc/sys",
    Key.NB: "ip -6 neigh",
    Key.PN: "ip -6 neigh show proxy",
    Key.AD: "ip -6 addr; /proc/net/igmp6, /proc/net/anycast6",
    Key.RT: "ip -6 route show table all",
    Key.RU: "ip -6 rule",
    Key.TN: "ip -d link",
    Key.SK: "ss -tni",
    Key.VT: "the virtual terminal, or the engine in use",
    Key.CF: "mip6d.conf",
    Key.PR: "/proc/PID",
    Key.NF: "nft list ruleset",
    Key.LG: "the DebugLogFile, or the journal",
    Key.PK: "packets on the links",
    Key.CK: "the clocks",
}
"""Where each key comes from, in the words of somebody who looks by hand."""

COSTS = {
    **dict.fromkeys((Key.KR, Key.KC, Key.SY, Key.CK), 1),
    **dict.fromkeys((Key.PR, Key.CF, Key.LG), 2),
    **dict.fromkeys((Key.XP, Key.XS, Key.XD, Key.RT, Key.RU, Key.AD, Key.NB, Key.PN, Key.TN, Key.NF, Key.SK), 3),
    **dict.fromkeys((Key.XT, Key.SN), 4),
    Key.VT: 5,
    Key.PK: 6,
}
"""The order of evaluation: cheap first."""


class Unreadable(CannotTell):
    """A source that could not be read: why, and which privilege it would take, where one would help."""

    code = "unreadable"

    def __init__(self, key: Key, reason: str, privilege: str = "") -> None:
        super().__init__(f"{key.value} cannot be read: {reason}", f"it needs {privilege}" if privilege else "")
        self.key = key
        self.reason = reason
        self.privilege = privilege


class Datum(Struct, frozen=True):
    """A value that was read: when (RFC 3339, UTC; None: not known), and from where."""

    value: object
    time: str | None = None
    origin: str = ""


class Source(Protocol):
    """A node, or a recording of one, that can be read."""

    def read(self, key: Key, argument: str) -> Datum:
        """Return what a source says now; raises Unreadable."""
        ...


class Kernel(Struct, frozen=True):
    """The kernel's release, and the distribution's name."""

    release: str
    distribution: str = ""

    @property
    def version(self) -> tuple[int, int, int]:
        """Return the three numbers that the release begins with; raises Unreadable where it does not."""
        words = self.release.replace("-", ".").replace("+", ".").split(".")
        numbers = [int(word) for word in words[:3] if word.isascii() and word.isdecimal() and len(word) < 6]
        if len(numbers) < 2:
            raise Unreadable(Key.KR, f"the release '{self.release}' does not begin with a version")
        return numbers[0], numbers[1], numbers[2] if len(numbers) > 2 else 0


class KernelConfig(Struct, frozen=True):
    """How the kernel was built (``options`` without ``CONFIG_``), and which modules are loaded or built in.

    ``origin`` is the file that the options are from.
    """

    options: Mapping[str, str]
    loaded: frozenset[str] = frozenset()
    built_in: frozenset[str] = frozenset()
    origin: str = ""

    def get(self, option: str) -> str:
        """Return y, m, another value, or n for an option that is not set."""
        return self.options.get(option, "n")

    def has(self, option: str) -> bool:
        """Tell whether an option is built in or a module."""
        return self.get(option) in ("y", "m")


class Defaults(Struct, frozen=True):
    """What becomes of packets that no policy is for: accept or block."""

    inward: str = "accept"
    forward: str = "accept"
    outward: str = "accept"


class InterfaceAddress(Struct, frozen=True):
    """An IPv6 address of an interface; ``flags`` are words (home, nodad, tentative, dadfailed, deprecated, …).

    ``scope`` is global, link, host or site. ``created_s`` is when, in seconds since the machine's start.
    """

    address: str
    length: int
    interface: str
    scope: str = "global"
    flags: frozenset[str] = frozenset()
    valid_s: int | None = None
    preferred_s: int | None = None
    created_s: float | None = None


class Group(Struct, frozen=True):
    """A multicast or anycast address that an interface takes packets for."""

    address: str
    interface: str


class Route(Struct, frozen=True):
    """A route. ``kind`` is unicast, local, blackhole, unreachable, …; ``protocol`` a number (16: mip6d, 2: kernel).

    ``table`` 254 is main, 255 local, 252 mip6d's. ``mtu`` is None where the route sets none.
    """

    destination: str
    length: int
    interface: str = ""
    gateway: str = ""
    table: int = 254
    protocol: int = 0
    metric: int = 0
    kind: str = "unicast"
    source: str = "::"
    source_length: int = 0
    preferred_source: str = ""
    mtu: int | None = None

    @property
    def is_default(self) -> bool:
        """Tell whether it is for every destination."""
        return self.length == 0


class Rule(Struct, frozen=True):
    """A rule of policy routing; ``action`` is lookup, blackhole, unreachable, prohibit."""

    priority: int
    source: str = "::"
    source_length: int = 0
    destination: str = "::"
    destination_length: int = 0
    table: int = 0
    action: str = "lookup"
    interface: str = ""


class Neighbour(Struct, frozen=True):
    """A neighbour; ``state`` is INCOMPLETE, REACHABLE, STALE, DELAY, PROBE, FAILED, NOARP, PERMANENT or NONE."""

    address: str
    interface: str
    state: str
    link_address: str = ""
    is_router: bool = False


class Proxy(Struct, frozen=True):
    """An address for which an interface answers neighbour solicitations."""

    address: str
    interface: str


class Tunnel(Struct, frozen=True):
    """What an ip6tnl is: its ends, the interface below it, and its flags (0x8: made by Mobile IPv6)."""

    local: str
    remote: str
    flags: int = 0
    link: str = ""
    protocol: int = 0


class Link(Struct, frozen=True):
    """An interface; ``tunnel`` where it is an ip6tnl, ``is_running`` where it has a carrier."""

    name: str
    index: int
    kind: str = ""
    is_up: bool = True
    is_running: bool = True
    mtu: int = 1500
    link_address: str = ""
    tunnel: Tunnel | None = None


class TcpInfo(Struct, frozen=True):
    """What the kernel counts of a connection (struct tcp_info); None where an older kernel does not."""

    segments_out: int | None = None
    bytes_acknowledged: int | None = None
    retransmits: int = 0
    backoff: int = 0
    unacknowledged: int = 0
    total_retransmissions: int = 0


class Socket(Struct, frozen=True):
    """A TCP socket; ``state`` is ESTABLISHED, LISTEN, …; ``owner`` is NAME (pid N) where that can be seen."""

    local: str
    local_port: int
    remote: str
    remote_port: int
    state: str
    inode: int = 0
    user: int = 0
    receive_queue: int = 0
    send_queue: int = 0
    info: TcpInfo | None = None
    owner: str | None = None


FLAGS = {
    **dict.fromkeys(("enabled", "allow", "true"), True),
    **dict.fromkeys(("disabled", "deny", "block", "false"), False),
}
"""The words of a flag of mip6d.conf."""


class Setting(Struct, frozen=True):
    """A statement of mip6d.conf with its values as written, without quotes; ``block`` is what its braces hold."""

    name: str
    values: tuple[str, ...] = ()
    block: tuple["Setting", ...] = ()
    file: str = ""
    line: int = 0


class Configuration(Struct, frozen=True):
    """A configuration file as read: ``faults`` says what of it could not be.

    ``is_named`` where the daemon was started with ``-c``. ``modified_at`` is in seconds since the epoch.
    """

    path: str
    settings: tuple[Setting, ...] = ()
    faults: tuple[str, ...] = ()
    is_named: bool = True
    modified_at: float | None = None

    def every(self, name: str) -> tuple[Setting, ...]:
        """Return all statements of a name, in the order of the file."""
        return tuple(one for one in self.settings if one.name == name)

    def word(self, name: str, default: str = "") -> str:
        """Return the first value of the last statement of a name."""
        found = [one for one in self.settings if one.name == name and one.values]
        return found[-1].values[0] if found else default

    def is_enabled(self, name: str, default: bool) -> bool:
        """Return a boolean option: the last one counts."""
        return FLAGS.get(self.word(name), default)

    def number(self, name: str, default: int) -> int:
        """Return an option that is a whole number: the last one counts. Raises Unreadable for one that is none."""
        text = self.word(name, str(default))
        if not (text.isascii() and text.isdecimal() and len(text) < 12):
            raise Unreadable(Key.CF, f"{name} is no number")
        return int(text)


class Process(Struct, frozen=True):
    """A process of the mobility daemon. ``is_here`` tells whether it is in this network namespace; None: not seen.

    ``started_at`` is in seconds since the epoch, ``started_s`` in seconds since the machine's start.
    """

    pid: int
    name: str
    arguments: tuple[str, ...] = ()
    is_here: bool | None = None
    user: int | None = None
    parent: int | None = None
    started_at: float | None = None
    started_s: float | None = None


class Service(Struct, frozen=True):
    """A unit of systemd that starts the daemon: its ``Type=`` (simple where none is said) and its ``ExecStart=``."""

    name: str
    kind: str = "simple"
    command: tuple[str, ...] = ()
    path: str = ""


class LogLine(Struct, frozen=True):
    """A line of a log, and when it was written, where that is said."""

    text: str
    time: str = ""


class Expression(Struct, frozen=True):
    """An expression of a rule of nftables, by its kernel name (meta, payload, exthdr, cmp, lookup, immediate, …).

    ``values`` have its attributes by their names in linux/netfilter/nf_tables.h, lower case without the
    prefix (``dreg``, ``key``, ``offset``, ``len``, ``data``, ``verdict``, ``chain``): numbers, texts and bytes.
    """

    name: str
    values: Mapping[str, int | str | bytes]


class FilterRule(Struct, frozen=True):
    """A rule of a chain, with the packets that its counter has; None where it has no counter."""

    handle: int
    expressions: tuple[Expression, ...] = ()
    packets: int | None = None


class Chain(Struct, frozen=True):
    """A chain of nftables; ``hook`` (input, forward, output, …) and ``policy`` are those of a base chain."""

    table: str
    name: str
    family: str = "ip6"
    hook: str = ""
    priority: int = 0
    policy: str = "accept"
    kind: str = "filter"
    rules: tuple[FilterRule, ...] = ()


class Element(Struct, frozen=True):
    """An element of a set: its key, whether it ends an interval, and of a map the verdict and its chain."""

    key: bytes
    ends_interval: bool = False
    verdict: str = ""
    chain: str = ""


class Ruleset(Struct, frozen=True):
    """The packet filter. ``sets`` have the elements by family, table and set.

    ``legacy`` are the tables of ip6_tables, which is not nftables: what their rules are is not read. ``unread``
    says what else is not.
    """

    chains: tuple[Chain, ...] = ()
    sets: Mapping[tuple[str, str, str], tuple[Element, ...]] = {}
    legacy: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


class Clocks(Struct, frozen=True):
    """Clocks in seconds, and whether something keeps the time; None where that cannot be told."""

    realtime_s: float
    boottime_s: float
    is_synchronised: bool | None = None


class Seen(Struct, frozen=True):
    """What came of a probe: its answer in a word, what was seen, packet by packet, and numbers that it measured."""

    answer: str
    lines: tuple[str, ...] = ()
    numbers: Mapping[str, float] = {}
