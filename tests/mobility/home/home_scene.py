"""A home agent's mobility without links, and what mobile nodes and others do to it.

All that goes in and comes out is put into bytes and read again; nothing may be wrong with what
comes out.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict, TypeVar, Unpack

from msgspec import structs

from mipsh.mobility.effects import AddressReady, Effect, ProbeAddress, Protection, Send
from mipsh.mobility.home.agent import HomeAgent
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.trace import Record, Trace
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6, MobilePrefixSolicitation
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    AlternateCareOfAddress,
    BindingAcknowledgement,
    BindingUpdate,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet, decode
from mipsh.wire.tlv import Option
from mipsh.wire.verify import problems

HOME_PREFIX, OTHER_PREFIX = parse("2001:db8:0:1::"), parse("2001:db8:0:a::")
HA, HA_LINK_LOCAL = parse("2001:db8:0:1::1"), parse("fe80::1")
HOA, HOA2 = parse("2001:db8:0:1::aa"), parse("2001:db8:0:1::bb")
COA, COA2 = parse("2001:db8:0:2::aa"), parse("2001:db8:0:3::aa")
CN = parse("2001:db8:0:4::1")
LINK = HomeLink("eth0", HA, HOME_PREFIX)
NETWORK = parse("2001:db8:f::")
INTERFACE = "eth0"
START = 1000.0
ACCEPTED = 0

Kind = TypeVar("Kind")


class Entropy:
    """Bytes that look random and are the same in every run."""

    def __init__(self) -> None:
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._drawn.to_bytes(8)).digest(size)


def reread(packet: Packet) -> Packet:
    """Return a packet as its bytes say it is; nothing may be wrong with it."""
    read = decode(packet.encode())
    assert isinstance(read, Packet)
    assert problems(read) == ()
    return read


class Changes(TypedDict, total=False):
    """What a Binding Update has otherwise than most: its addresses, options and protection."""

    source: bytes
    hao: bytes | None
    options: Sequence[Option]
    local: bytes
    protection: Protection | None


@dataclass
class HomeScene:
    """A home agent at a time."""

    parameters: HomeAgentParameters = field(default_factory=lambda: HomeAgentParameters((LINK,)))
    now: float = START
    records: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start it, and tell it its link-local address."""
        self.agent = HomeAgent(Entropy(), self.parameters, Trace("ha", self.records.append))
        assert self.agent.start(self.now) == []
        assert self.agent.signal(AddressReady(INTERFACE, HA_LINK_LOCAL), self.now) == []

    def effects(
        self, s: int = 1, flags: int = ACKNOWLEDGE | HOME, lifetime: int = 105, **changes: Unpack[Changes]
    ) -> list[Effect] | None:
        """Send a Binding Update and return what it causes."""
        hao = changes.get("hao", HOA)
        headers = () if hao is None else (carrying(HomeAddress(hao)),)
        message = padded(BindingUpdate(s, flags, lifetime, tuple(changes.get("options", ()))))
        ends = changes.get("source", COA), changes.get("local", HA)
        packet = reread(Packet(*ends, MobilityHeader(message), headers))
        assert isinstance(packet.upper, MobilityHeader)
        return self.agent.receive(packet, packet.upper, changes.get("protection"), self.now)

    def update(
        self, s: int = 1, flags: int = ACKNOWLEDGE | HOME, lifetime: int = 105, **changes: Unpack[Changes]
    ) -> list[Effect]:
        """Send a Binding Update that is the home agent's business; whatever is probed is free."""
        effects = self.effects(s, flags, lifetime, **changes)
        assert effects is not None
        settled: list[Effect] = []
        for effect in effects:
            settled += self.ready(effect) if isinstance(effect, ProbeAddress) else [effect]
        return settled

    def ready(self, probe: ProbeAddress) -> list[Effect]:
        """Say that a probed address is free."""
        return self.agent.signal(AddressReady(probe.interface, probe.address), self.now)

    def advance(self, seconds: float) -> list[Effect]:
        """Let time pass, and do what becomes due, each at its time."""
        end = self.now + seconds
        effects: list[Effect] = []
        while (deadline := self.agent.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            effects += self.agent.advance(self.now)
            following = self.agent.next_deadline()
            assert following is None or following > self.now
        self.now = end
        return effects

    def solicit(self, protection: Protection | None = None, source: bytes = COA, identifier: int = 7) -> list[Effect]:
        """Send a Mobile Prefix Solicitation and return what it causes."""
        message = Icmpv6(MobilePrefixSolicitation(identifier))
        packet = reread(Packet(source, HA, message, (carrying(HomeAddress(HOA)),)))
        effects = self.agent.receive_icmpv6(packet, protection, self.now)
        assert effects is not None
        return effects


def alternate(address: bytes) -> tuple[AlternateCareOfAddress]:
    """Return the option."""
    return (AlternateCareOfAddress(address),)


def sends(effects: Iterable[Effect]) -> list[Send]:
    """Return what is sent, read back from its bytes."""
    return [structs.replace(effect, packet=reread(effect.packet)) for effect in effects if isinstance(effect, Send)]


def only_send(effects: Iterable[Effect]) -> Send:
    """Return the only thing that is sent."""
    found = sends(effects)
    assert len(found) == 1, found
    return found[0]


def of_kind(effects: Iterable[object], kind: type[Kind]) -> list[Kind]:
    """Return the effects of a kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def acknowledged(effects: Iterable[Effect], source: bytes = COA, home: bytes = HOA) -> BindingAcknowledgement:
    """Return the acknowledgement that comes back to where an update came from."""
    packet = only_send(effects).packet
    assert packet.destination == source
    assert packet.headers == (() if source == home else (Type2RoutingHeader(home),))
    assert isinstance(packet.upper, MobilityHeader)
    message = packet.upper.message
    assert isinstance(message, BindingAcknowledgement)
    return message


def echo(source: bytes = CN, destination: bytes = HOA, data: bytes = b"ping", hop_limit: int = 64) -> Packet:
    """Return an Echo Request."""
    return Packet(source, destination, Icmpv6(EchoRequest(7, 1, data)), hop_limit=hop_limit)
