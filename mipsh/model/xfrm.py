"""The states and policies of a kernel's XFRM, as far as Mobile IPv6 and IPsec use them: values without any key.

A state is an extension header or a protection that a packet gets or loses; a policy says for which packets
which states are wanted. ``proto hao`` is the home address destination option, ``route2`` the type 2 routing
header (RFC 6275 sections 6.3, 6.4). Times are seconds since the epoch; unknown, never and no limit are None.
"""

from msgspec import Struct

PROTOCOLS = {43: "route2", 50: "esp", 51: "ah", 60: "hao", 108: "comp"}
MODES = ("transport", "tunnel", "ro", "in_trigger", "beet")
LEVELS = ("required", "use")
DIRECTIONS = ("in", "out", "fwd")
ACTIONS = ("allow", "block")
TYPES = ("main", "sub")
"""A packet is looked up in ``sub``, which says the mobility, and then in ``main``, which says the IPsec."""
STATE_FLAGS = ("noecn", "decap-dscp", "nopmtudisc", "wildrecv", "icmp", "af-unspec", "align4", "esn")
POLICY_FLAGS = ("localok", "icmp")
EXTRA_FLAGS = ("dont-encap-dscp", "oseq-may-wrap")
ICMPV6, MOBILITY_HEADER = 58, 135
ECHO_REQUEST = 128

PURPOSES = {
    1: "home registration block",
    2: "home signalling",
    3: "ND and binding error bypass",
    4: "home data block",
    5: "home data under IPsec",
    6: "home data",
    7: "RO signalling under IPsec",
    8: "RO signalling",
    9: "RO signalling of any peer",
    10: "return routability signalling",
    11: "RO block",
    12: "no-RO signalling",
    13: "no RO data",
    14: "RO data, both ends mobile",
    15: "RO data to a correspondent",
    16: "RO data to a mobile node",
    17: "RO trigger",
    18: "RO trigger",
    19: "receive any RO data",
}
"""What mip6d means by a priority; those of 13 and 14 hold a peer whose binding is pending, too."""


class Selector(Struct, frozen=True, gc=False):
    """Which packets: addresses with prefix lengths, protocol (0: any), ports or types with masks, interface (0: any).

    For ICMPv6 and the Mobility Header the source port is the type, and for ICMPv6 the destination port the code.
    """

    source: str
    source_length: int
    destination: str
    destination_length: int
    protocol: int = 0
    source_port: int = 0
    source_mask: int = 0
    destination_port: int = 0
    destination_mask: int = 0
    interface_index: int = 0
    user: int = 0
    family: int = 10


class Lifetimes(Struct, frozen=True, gc=False):
    """The limits of a state or policy, each soft and hard: bytes, packets, seconds from its making and first use."""

    bytes: tuple[int | None, int | None] = (None, None)
    packets: tuple[int | None, int | None] = (None, None)
    added_s: tuple[int, int] = (0, 0)
    used_s: tuple[int, int] = (0, 0)


class Use(Struct, frozen=True, gc=False):
    """How much a state or policy was used: bytes, packets, when it was made and when first (policies: last) used."""

    bytes: int = 0
    packets: int = 0
    added: int | None = None
    used: int | None = None


class Replay(Struct, frozen=True, gc=False):
    """The replay protection of a state: sequence numbers received and sent, and the window's bits."""

    received: int = 0
    sent: int = 0
    bitmap: int = 0


class State(Struct, frozen=True, gc=False):
    """A state. ``care_of_address`` is that of ``hao`` and ``route2``; algorithms are names, by their use.

    ``last_used`` is when a binding last carried a packet. ``others`` are the sizes of the attributes that are
    not known, by their numbers: what is in them may be a secret.
    """

    source: str
    destination: str
    protocol: int
    spi: int
    reqid: int
    mode: int
    selector: Selector
    flags: int = 0
    replay_window: int = 0
    sequence: int = 0
    care_of_address: str | None = None
    last_used: int | None = None
    lifetimes: Lifetimes = Lifetimes()
    use: Use = Use()
    replay: Replay | None = None
    replays: int = 0
    too_old: int = 0
    not_authentic: int = 0
    mark: tuple[int, int] | None = None
    extra_flags: int = 0
    interface_id: int | None = None
    algorithms: dict[str, str] = {}
    others: dict[int, int] = {}

    @property
    def is_wildcard(self) -> bool:
        """Tell whether it takes what comes from anybody (wildrecv)."""
        return bool(self.flags & 1 << STATE_FLAGS.index("wildrecv"))


class Template(Struct, frozen=True, gc=False):
    """A state that a policy asks for; ``is_optional`` where packets may go without it (level use)."""

    source: str
    destination: str
    protocol: int
    spi: int
    reqid: int
    mode: int
    is_optional: bool
    share: int = 0
    family: int = 10
    algorithms: tuple[int, int, int] = (0, 0, 0)


class Policy(Struct, frozen=True, gc=False):
    """A policy; the lower ``priority`` is looked at first."""

    selector: Selector
    direction: int
    action: int
    priority: int
    index: int
    kind: int = 0
    templates: tuple[Template, ...] = ()
    flags: int = 0
    share: int = 0
    lifetimes: Lifetimes = Lifetimes()
    use: Use = Use()
    mark: tuple[int, int] | None = None
    interface_id: int | None = None
    others: dict[int, int] = {}


class Tables(Struct, frozen=True, gc=False):
    """Both tables of a kernel; ``unread`` says what of them could not be read, and why."""

    states: tuple[State, ...] = ()
    policies: tuple[Policy, ...] = ()
    unread: tuple[str, ...] = ()


def word(names: tuple[str, ...], number: int) -> str:
    """Return the name of a number, or the number where it has none."""
    return names[number] if number < len(names) else str(number)


def protocol_word(number: int) -> str:
    """Return the name that ``ip xfrm`` has for a protocol of states, or its number."""
    return PROTOCOLS.get(number, str(number))


def bits(names: tuple[str, ...], flags: int) -> tuple[str, ...]:
    """Return the names of the flags that are set."""
    return tuple(name for at, name in enumerate(names) if flags >> at & 1)


def purpose(policy: Policy) -> str:
    """Return what mip6d means by a policy, by its priority; empty for a priority that it has not."""
    return PURPOSES.get(policy.priority, "")
