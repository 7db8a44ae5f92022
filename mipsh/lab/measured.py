"""A handover of a lab of namespaces under traffic, with the times that the kernel gives to frames.

A stream of numbered datagrams goes from the correspondent to the mobile node's home address. What is seen
on the new link, and what the node says on its control socket, tell the steps. The bound is that of
``mipsh.lab.handover``, for a care-of address that is used while it is verified (RFC 4429).
"""

import select
import socket
import struct
import threading
import time
from contextlib import ExitStack, suppress

from msgspec import Struct

from mipsh.errors import MipshError, RefusedError
from mipsh.lab import namespaces
from mipsh.lab.asking import Subscription, ask
from mipsh.lab.existing import Existing
from mipsh.lab.handover import until_packet_s
from mipsh.lab.state import Impairment, LabState, NodeState
from mipsh.lab.topology import CORRESPONDENT, HOME
from mipsh.linux import lab_links
from mipsh.linux.tap import SO_TIMESTAMPNS, Tap
from mipsh.model.handovers import HandoverReport
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import BindingAcknowledgement, BindingUpdate, MobilityHeader
from mipsh.wire.ndp import RouterAdvertisement, RouterSolicitation
from mipsh.wire.packet import Packet, decode

PORT = 40_404
INTERVAL_S = 0.01
BEFORE_S, AFTER_S, LONGEST_S = 0.5, 0.5, 10.0
"""How long the stream runs before the move and behind the first packet, and how long that may take."""
HOME_REGISTRATION = 0x4000
CORRESPONDENT_ADDRESS = "2001:db8:4::2"
NUMBER = struct.Struct("!I")
ETHERNET_SIZE, IPV6 = 14, b"\x86\xdd"


STEPS: dict[type, str] = {
    RouterSolicitation: "solicited",
    RouterAdvertisement: "advertised",
    BindingAcknowledgement: "acknowledged",
}


class Seen(Struct):
    """When the steps were seen first, in nanoseconds since 1970."""

    solicited: int | None = None
    advertised: int | None = None
    update: int | None = None
    acknowledged: int | None = None


def _datagrams() -> socket.socket:
    return socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)


class Stream:
    """Numbered datagrams from one node to another's home address, sent by a thread; who receives them gets times."""

    def __init__(self, sender: NodeState, receiver: NodeState) -> None:
        if receiver.home_address is None:
            raise RefusedError(f"{receiver.name} has no home address to send to", "measure a mobile node: mn, mn2 …")
        self.destination = receiver.home_address
        self.sent = 0
        self.received: dict[int, int] = {}
        self._sender = lab_links.inside(sender.namespace, _datagrams)
        self._receiver = lab_links.inside(receiver.namespace, _datagrams)
        self._receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._receiver.bind(("::", PORT))
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._send, name="stream", daemon=True)
        self._thread.start()

    def _send(self) -> None:
        due = time.monotonic()
        while not self._ends.is_set():
            # A node that is just moving has no route; what is not sent then is lost, as it would be later.
            with suppress(OSError):
                self._sender.sendto(NUMBER.pack(self.sent), (self.destination, PORT))
            self.sent += 1
            due += INTERVAL_S
            self._ends.wait(max(due - time.monotonic(), 0.0))

    def take(self, seconds: float) -> None:
        """Take in what comes, for so long."""
        deadline = time.monotonic() + seconds
        while (left_s := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([self._receiver], [], [], left_s)
            if readable:
                self._take_one()

    def _take_one(self) -> None:
        data, ancillary, _, _ = self._receiver.recvmsg(64, 64)
        for _, kind, value in ancillary:
            if kind == SO_TIMESTAMPNS and len(data) == NUMBER.size:
                seconds, nanoseconds = struct.unpack_from("@qq", value)
                self.received.setdefault(NUMBER.unpack(data)[0], seconds * 10**9 + nanoseconds)

    def first_after(self, moment_ns: int) -> int | None:
        """Return when the first packet came after a time; None while none did."""
        return min((at for at in self.received.values() if at > moment_ns), default=None)

    def close(self) -> None:
        """Send no more, and take in what is on its way."""
        self._ends.set()
        self._thread.join()
        self.take(AFTER_S)
        self._sender.close()
        self._receiver.close()


def measure_move(lab: Existing, name: str, link: str, gap_s: float) -> HandoverReport:
    """Move a mobile node to a link while a stream comes to it, and report the handover.

    Raises MipshError where no packet comes before the move, or none behind it.
    """
    state = lab.state
    node, there = state.node(name), state.link(link)
    with ExitStack() as stack:
        stream = Stream(state.node("cn"), node)
        stack.callback(stream.close)
        tap = stack.enter_context(lab_links.inside(state.links_namespace, lambda: Tap(there)))
        events = stack.enter_context(Subscription(node.control))
        stream.take(BEFORE_S)
        if not stream.received:
            raise MipshError(f"no packet from cn comes to {name}", "'lab status' shows whether it is registered")
        is_optimised = _is_direct(node)
        down_ns, up_ns = namespaces.move(lab.ground, state, name, there, gap_s)
        _await_first(stream, up_ns, f"{name} on {there}")
        seen = _steps(tap, down_ns)
        ready_ns = _address_ready(events, down_ns)
    first_ns = stream.first_after(up_ns)
    heard_s = _heard_s(seen)
    bound_s = at_best_s(state, there, heard_s, INTERVAL_S, is_optimised=is_optimised)
    taken_s = None if first_ns is None else (first_ns - up_ns) / 1e9

    def since_down(moment_ns: int | None) -> float | None:
        return None if moment_ns is None else round((moment_ns - down_ns) / 1e6, 1)

    return HandoverReport(
        name,
        there,
        round((up_ns - down_ns) / 1e6, 1),
        since_down(seen.solicited),
        since_down(seen.advertised),
        since_down(ready_ns),
        since_down(seen.update),
        since_down(seen.acknowledged),
        since_down(first_ns),
        stream.sent,
        stream.sent - len(stream.received),
        None if bound_s is None else round(bound_s * 1000, 1),
        None if bound_s is None or taken_s is None else round(taken_s / bound_s, 2),
    )


def _await_first(stream: Stream, up_ns: int, where: str) -> None:
    """Wait for the first packet by the new way, and a little longer; raises MipshError where none comes."""
    deadline = time.monotonic() + LONGEST_S
    while stream.first_after(up_ns) is None:
        stream.take(INTERVAL_S)
        if time.monotonic() > deadline:
            raise MipshError(f"no packet comes to {where} within {LONGEST_S:g} s", "'lab status' shows more")
    stream.take(AFTER_S)


def _is_direct(node: NodeState) -> bool:
    """Tell whether the mobile node has an optimised route to the correspondent."""
    rows = ask(node.control, "binding_update_list").get("rows", ())
    wanted = {"peer_address": CORRESPONDENT_ADDRESS, "state": "bound"}
    return any(all(row.get(name) == value for name, value in wanted.items()) for row in rows)


def _steps(tap: Tap, down_ns: int) -> Seen:
    """Return when what is on the new link came first, after the link went down."""
    seen = Seen()
    for moment_ns, frame in tap.frames(0.0):
        if moment_ns < down_ns or frame[12:14] != IPV6:
            continue
        name = _step(frame[ETHERNET_SIZE:])
        if name and getattr(seen, name) is None and (name == "solicited" or seen.solicited is not None):
            setattr(seen, name, moment_ns)
    return seen


def _step(data: bytes) -> str:
    """Return the step that a packet is; empty for one that is none."""
    packet = decode(data)
    upper = packet.upper if isinstance(packet, Packet) else None
    message = upper.message if isinstance(upper, Icmpv6 | MobilityHeader) else None
    if isinstance(message, BindingUpdate):
        return "update" if message.flags & HOME_REGISTRATION else ""
    return next((name for kind, name in STEPS.items() if isinstance(message, kind)), "")


def _address_ready(events: Subscription, down_ns: int) -> int | None:
    """Return when the node could use its first address on the new link."""
    for event in events.events():
        moment_ns = int(event.time * 1e9)
        if event.event == "addressAdded" and event.interface and moment_ns >= down_ns and _is_global(event.address):
            return moment_ns
    return None


def _is_global(address: str | None) -> bool:
    return address is not None and not address.startswith("fe80:")


def _heard_s(seen: Seen) -> float | None:
    """Return how long a router was waited for; None where none was heard."""
    if seen.solicited is None or seen.advertised is None:
        return None
    return (seen.advertised - seen.solicited) / 1e9


def at_best_s(
    state: LabState, link: str, heard_s: float | None, interval_s: float, *, is_optimised: bool
) -> float | None:
    """Return how long it takes at best from the link to the first packet; None at home, or where no router was heard.

    ``heard_s`` is the time from the Router Solicitation to the Router Advertisement, ``interval_s`` that of the stream.
    """
    if heard_s is None or link == HOME:
        return None
    foreign, home, correspondent = (
        state.impairments.get(name, Impairment()).delay_s for name in (link, HOME, CORRESPONDENT)
    )
    until_s = until_packet_s(foreign, foreign, home, correspondent if is_optimised else None)
    return heard_s + foreign + until_s + interval_s
