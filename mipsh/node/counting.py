"""Counts the messages of Mobile IPv6 that come and go: a node's trace that does so for every packet.

A packet is looked at as it is on the link, header by header, and only as far as that tells what it is;
what neither begins nor ends at this node is not counted.
"""

from collections.abc import Callable, Iterator
from functools import partial

from mipsh.mobility.node import Node
from mipsh.mobility.trace import Sink, Trace
from mipsh.model.records import Counter
from mipsh.node.signalling import TYPES
from mipsh.wire.packet import HEADER_SIZE

HOP_BY_HOP, ROUTING, FRAGMENT, ICMPV6, MOBILITY, DESTINATION, IPV6 = 0, 43, 44, 58, 135, 60, 41
EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, DESTINATION))
WORTH_A_LOOK = EXTENSIONS | {FRAGMENT, ICMPV6, MOBILITY, IPV6}
MOST_HEADERS = 10
ROUTING_TYPE, HOME_ADDRESS_OPTION, PAD1 = 2, 0xC9, 0

MESSAGES = (
    ("binding_refresh_requests", "BR messages"),
    ("home_test_inits", "HoTI messages"),
    ("care_of_test_inits", "CoTI messages"),
    ("home_tests", "HoT messages"),
    ("care_of_tests", "CoT messages"),
    ("binding_updates", "BU messages"),
    ("binding_acknowledgements", "BA messages"),
    ("binding_errors", "BE messages"),
)
"""The messages by their MH type: the counter's name, and mip6d's words for it."""
ICMP_MESSAGES = {
    144: ("home_agent_discovery_requests", "DHAAD request"),
    145: ("home_agent_discovery_replies", "DHAAD reply"),
    146: ("mobile_prefix_solicitations", "MPS"),
    147: ("mobile_prefix_advertisements", "MPA"),
}
TOGETHER, HOME_ADDRESSES, ROUTED, TUNNELLED = (
    "mobility_headers",
    "home_address_options",
    "type_2_routing_headers",
    "reverse_tunneled",
)
OTHERS = (
    (HOME_ADDRESSES, "Home Address Option"),
    (ROUTED, "Routing Header type 2"),
    (TUNNELLED, "reverse tunnel input"),
)
LABELS: dict[str, str] = {
    TOGETHER: "Mobility Headers",
    **dict((*MESSAGES[1:7], MESSAGES[0], MESSAGES[7])),
    **dict(ICMP_MESSAGES.values()),
    **dict(OTHERS),
}
"""Every counter with mip6d's words for it, in its order."""
SENT_LABELS = {TUNNELLED: "reverse tunneled input"}
DIRECTIONS = ("received", "sent")

Owns = Callable[[bytes], bool]
Watcher = Callable[[float, bool, bytes], None]
"""Hears of a packet whose message is binding signalling: the node's time, whether it came, and its bytes."""


class Tally:
    """The counters of one direction; ``is_reverse`` tells whether tunnelled packets go that way to a home agent.

    ``watch`` hears of every packet that carries binding signalling, without the tunnels around it.
    """

    def __init__(self, watch: Callable[[bytes], None] | None = None) -> None:
        self.values = dict.fromkeys(LABELS, 0)
        self.is_reverse = False
        self._watch = watch

    def take(self, data: bytes, owns: Owns, is_received: bool) -> None:
        """Count what a packet carries, and what is in the tunnels that it goes through."""
        end = slice(24, HEADER_SIZE) if is_received else slice(8, 24)
        inner: bytes | None = data
        while inner is not None and owns(inner[end]):
            inner = self._packet(inner)

    def _packet(self, data: bytes) -> bytes | None:
        """Count what a packet carries; return the packet within it."""
        kind, at = data[6], HEADER_SIZE
        for _ in range(MOST_HEADERS):
            if at + 8 > len(data):
                return None
            if kind in EXTENSIONS:
                self._extension(kind, data, at)
                kind, at = data[at], at + 8 * (data[at + 1] + 1)
            elif kind == FRAGMENT:
                if data[at + 2] or data[at + 3] & 0xF8:
                    return None
                kind, at = data[at], at + 8
            else:
                return self._upper(kind, data, at)
        return None

    def _extension(self, kind: int, data: bytes, at: int) -> None:
        if kind == ROUTING:
            self.values[ROUTED] += data[at + 2] == ROUTING_TYPE
        elif kind == DESTINATION and _has_home_address(data[at + 2 : at + 8 * (data[at + 1] + 1)]):
            self.values[HOME_ADDRESSES] += 1

    def _upper(self, kind: int, data: bytes, at: int) -> bytes | None:
        if kind == MOBILITY:
            self.values[TOGETHER] += 1
            if data[at + 2] < len(MESSAGES):
                self.values[MESSAGES[data[at + 2]][0]] += 1
            if self._watch is not None and data[at + 2] in TYPES:
                self._watch(data)
        elif kind == ICMPV6 and data[at] in ICMP_MESSAGES:
            self.values[ICMP_MESSAGES[data[at]][0]] += 1
        elif kind == IPV6 and at + HEADER_SIZE <= len(data):
            self.values[TUNNELLED] += self.is_reverse
            return data[at:]
        return None


def _has_home_address(options: bytes) -> bool:
    at = 0
    while at + 1 < len(options):
        if options[at] == HOME_ADDRESS_OPTION:
            return True
        at += 1 if options[at] == PAD1 else 2 + options[at + 1]
    return False


class CountingTrace(Trace):
    """A trace that counts; ``follow`` tells it whose messages. To whoever listens it is like any other.

    ``watchers`` hear of binding signalling, before the node has done anything about it.
    """

    def __init__(self, node: str = "", sink: Sink | None = None) -> None:
        super().__init__(node, sink)
        self.watchers: list[Watcher] = []
        self._tallies = Tally(partial(self._seen, True)), Tally(partial(self._seen, False))
        self._owns: Owns = lambda address: False

    def follow(self, node: Node) -> None:
        """Count the messages of this node from now on."""
        home_agent = node.roles.home_agent
        anycasts = frozenset(anycast for _, anycast in home_agent.anycast_addresses) if home_agent else frozenset()
        self._owns = lambda address: node.owns(address) or address in anycasts
        received, sent = self._tallies
        received.is_reverse, sent.is_reverse = home_agent is not None, node.roles.mobile_node is not None

    def packet(self, interface: str, is_received: bool, data: bytes) -> None:
        """Count a packet, and record it for whoever listens."""
        if len(data) > HEADER_SIZE and data[6] in WORTH_A_LOOK:
            self._tallies[not is_received].take(data, self._owns, is_received)
        super().packet(interface, is_received, data)

    def _seen(self, is_received: bool, data: bytes) -> None:
        for watcher in tuple(self.watchers):
            watcher(self.now, is_received, data)

    def counters(self) -> Iterator[Counter]:
        """Yield all counters as they are now."""
        for direction, tally in zip(DIRECTIONS, self._tallies, strict=True):
            for name, label in LABELS.items():
                counted = name != TUNNELLED or tally.is_reverse
                said = SENT_LABELS.get(name, label) if direction == "sent" else label
                yield Counter(direction, name, tally.values[name] if counted else None, counted, label=said)
