"""A correspondent node on a clock of its own, and what a mobile node and a tester do to it.

A ``Scene`` sends packets and returns what came back, each of which has stood the test of
``problems``: right lengths, checksums and alignments. Its methods are the words of the cases:
``rr`` and ``reg`` set up, ``chk_plus``, ``chk0``, ``chkh`` and ``chkh_plus`` probe.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from msgspec import structs

from mipsh.mobility.correspondent import Correspondent, CorrespondentParameters
from mipsh.mobility.effects import Deliver, Effect, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.wire.address import UNSPECIFIED, parse
from mipsh.wire.authenticator import authenticator, authorize, binding_management_key, is_authentic
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6, ParameterProblem
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    AlternateCareOfAddress,
    AuthorizationData,
    BindingAcknowledgement,
    BindingError,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.mobility import Message as MobilityMessage
from mipsh.wire.packet import Packet, decode
from mipsh.wire.tlv import Option
from mipsh.wire.verify import problems

HOA, COA = parse("2001:db8:0:1::aa"), parse("2001:db8:0:2::aa")
HOA2, COA2 = parse("2001:db8:0:1::bb"), parse("2001:db8:0:3::aa")
CN, CN2 = parse("2001:db8:0:4::1"), parse("2001:db8:0:4::2")
MULTICAST, LINK_LOCAL = parse("ff02::1:3"), parse("fe80::aa")
HOME_COOKIE, CARE_OF_COOKIE = b"homecook", b"careofck"
INTERFACE = "eth0"
MAC, ROUTER_MAC = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
ROUTER = parse("fe80::fe")
UNIT = 4
"""Seconds of a unit of a Binding Update's lifetime."""
MAX_NONCE_LIFETIME = 240
BAD_SIZE = 14
UNKNOWN_BINDING, UNKNOWN_TYPE = 1, 2

Sent = TypeVar("Sent", bound=MobilityMessage)


class Entropy:
    """Bytes that look random and are the same in every run of the same seed."""

    def __init__(self, seed: bytes = b"seed") -> None:
        self._seed = seed
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8)).digest(size)


@dataclass(frozen=True)
class Tokens:
    """What return routability gave the mobile node."""

    home_index: int
    home: bytes
    care_of_index: int = 0
    care_of: bytes = b""

    @property
    def indices(self) -> NonceIndices:
        """The option that names the nonces."""
        return NonceIndices(self.home_index, self.care_of_index)


@dataclass(frozen=True)
class Update:
    """A Binding Update: what a mobile node would send, with whatever a case wants to be wrong.

    ``hao`` is the Home Address option, ``alt`` the Alternate Care-of Address; ``before`` are
    options ahead of the nonce indices. ``key`` and ``covered`` replace what the authenticator is
    made with.
    """

    tokens: Tokens
    s: int = 1
    lifetime: int = 105
    flags: int = ACKNOWLEDGE
    source: bytes = COA
    hao: bytes | None = HOA
    alt: bytes | None = None
    indices: NonceIndices | None = None
    with_indices: bool = True
    before: Sequence[Option] = ()
    key: bytes | None = None
    covered: bytes | None = None
    local: bytes = CN

    @property
    def home(self) -> bytes:
        """The home address to bind."""
        return self.source if self.hao is None else self.hao

    @property
    def care_of(self) -> bytes:
        """The care-of address to bind."""
        return self.source if self.alt is None else self.alt

    @property
    def is_deletion(self) -> bool:
        """Whether no binding is to be left."""
        return self.lifetime == 0 or self.care_of == self.home

    @property
    def kbm(self) -> bytes:
        """The key: of both tokens, or of the home token alone to deregister."""
        if self.key is not None:
            return self.key
        return binding_management_key(self.tokens.home, b"" if self.is_deletion else self.tokens.care_of)

    @property
    def options(self) -> tuple[Option, ...]:
        """The options ahead of the Binding Authorization Data."""
        indices = (self.indices or self.tokens.indices,) if self.with_indices else ()
        alternate = () if self.alt is None else (AlternateCareOfAddress(self.alt),)
        return (*self.before, *indices, *alternate)

    def message(self) -> BindingUpdate:
        """Return the message, its authenticator behind all else."""
        bare = BindingUpdate(self.s, self.flags, self.lifetime, self.options)
        return authorize(bare, self.kbm, self.covered or self.care_of, self.local)

    def packet(self, message: MobilityMessage | None = None) -> Packet:
        """Return the packet, with another message instead if one is given."""
        return self.around(MobilityHeader(self.message() if message is None else message))

    def around(self, header: MobilityHeader) -> Packet:
        """Return the packet around a Mobility Header."""
        headers = () if self.hao is None else (carrying(HomeAddress(self.hao)),)
        return Packet(self.source, self.local, header, headers)

    def bare(self) -> Packet:
        """Return the packet without any option but padding, as a home registration is at least."""
        return self.packet(padded(BindingUpdate(self.s, self.flags, self.lifetime)))

    def exactly(self, *options: Option, reserved: int = 0) -> Packet:
        """Return the packet with just these options; a blank authenticator among them is filled in."""
        message = BindingUpdate(self.s, self.flags, self.lifetime, options)
        at = next((i for i, option in enumerate(options) if isinstance(option, AuthorizationData)), None)
        if at is not None:
            ahead = structs.replace(message, options=options[:at])
            size = len(message.encode()) + 6
            assert size % 8 == 0
            covered = bytes((59, size // 8 - 1, 5, reserved, 0, 0)) + ahead.encode() + bytes((5, 12))
            proof = authenticator(self.kbm, self.covered or self.care_of, self.local, covered)
            message = structs.replace(message, options=(*options[:at], AuthorizationData(proof), *options[at + 1 :]))
        return self.around(MobilityHeader(message, reserved=reserved))


def mobility(source: bytes, message: MobilityMessage, hao: bytes | None = None, local: bytes = CN) -> Packet:
    """Return a packet with a Mobility Header."""
    headers = () if hao is None else (carrying(HomeAddress(hao)),)
    return Packet(source, local, MobilityHeader(message), headers)


def hoti(source: bytes = HOA, local: bytes = CN) -> Packet:
    """Return a Home Test Init, as it leaves the home agent."""
    return mobility(source, HomeTestInit(HOME_COOKIE), local=local)


def coti(source: bytes = COA, local: bytes = CN) -> Packet:
    """Return a Care-of Test Init."""
    return mobility(source, CareOfTestInit(CARE_OF_COOKIE), local=local)


def echo(source: bytes = HOA, hao: bytes | None = None, local: bytes = CN, data: bytes = b"ping") -> Packet:
    """Return an Echo Request: E, and with ``hao`` E-HAO."""
    headers = () if hao is None else (carrying(HomeAddress(hao)),)
    return Packet(source, local, Icmpv6(EchoRequest(7, 1, data)), headers)


@dataclass
class Scene:
    """A correspondent node with two addresses, at a time."""

    parameters: CorrespondentParameters = field(default_factory=CorrespondentParameters)
    seed: bytes = b"seed"
    now: float = 1000.0

    def __post_init__(self) -> None:
        """Start the node: on its link is the tester alone, as the router to everywhere."""
        link = Interface(
            INTERFACE, MAC, Entropy(b"link"), InterfaceParameters(dad_transmits=0, accepts_advertisements=False)
        )
        self.node = Node("cn", [link], Entropy(self.seed), NodeParameters(self.parameters))
        self.node.set_link(INTERFACE, True, self.now)
        for address in (CN, CN2):
            self.node.add_address(INTERFACE, address, 128, self.now)
        self.node.routing.add(bytes(16), 0, INTERFACE, ROUTER)
        for neighbour in (ROUTER, LINK_LOCAL):
            link.add_neighbour(neighbour, ROUTER_MAC)

    @property
    def correspondent(self) -> Correspondent:
        """The node's role."""
        return self.node.roles.correspondent

    def wait(self, seconds: float) -> list[Packet]:
        """Let time pass, and do what becomes due, each at its time; return what was sent."""
        end = self.now + seconds
        sent: list[Packet] = []
        while (deadline := self.node.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            sent += sent_in(self.node.advance(self.now))
        self.now = end
        return sent

    def effects(self, packet: Packet) -> list[Effect]:
        """Send a packet and return all that it causes."""
        return self.node.receive(packet.encode(), INTERFACE, self.now)

    def send(self, packet: Packet) -> list[Packet]:
        """Send a packet and return what comes back."""
        return sent_in(self.effects(packet))

    def answer(self, packet: Packet) -> Packet:
        """Send a packet and return the one packet that comes back."""
        sent = self.send(packet)
        assert len(sent) == 1, sent
        return sent[0]

    def silence(self, packet: Packet) -> None:
        """Send a packet, to which nothing may come back."""
        assert self.effects(packet) == []

    def delivered(self, packet: Packet) -> Packet:
        """Send a packet and return what the upper layers are handed."""
        handed = [effect.packet for effect in self.effects(packet) if isinstance(effect, Deliver)]
        assert len(handed) == 1
        return handed[0]

    def hot(self, home: bytes = HOA, local: bytes = CN) -> HomeTest:
        """Do the home test."""
        return unrouted(self.answer(hoti(home, local)), HomeTest, home, local)

    def cot(self, care_of: bytes = COA, local: bytes = CN) -> CareOfTest:
        """Do the care-of test."""
        return unrouted(self.answer(coti(care_of, local)), CareOfTest, care_of, local)

    def rr(self, home: bytes = HOA, care_of: bytes = COA, local: bytes = CN) -> Tokens:
        """Do both tests."""
        care_of_test, home_test = self.cot(care_of, local), self.hot(home, local)
        assert (care_of_test.cookie, home_test.cookie) == (CARE_OF_COOKIE, HOME_COOKIE)
        return Tokens(home_test.nonce_index, home_test.token, care_of_test.nonce_index, care_of_test.token)

    def fresh_home(self, tokens: Tokens, home: bytes = HOA) -> Tokens:
        """Do the home test again, and keep the care-of token."""
        test = self.hot(home)
        return replace(tokens, home_index=test.nonce_index, home=test.token)

    def reg(self, home: bytes = HOA, care_of: bytes = COA, s: int = 1, lifetime: int = 105) -> Update:
        """Do return routability, bind, and see that route optimisation works."""
        update = Update(self.rr(home, care_of), s=s, lifetime=lifetime, source=care_of, hao=home)
        self.accepted(update)
        self.chk_plus(home, care_of)
        return update

    def accepted(self, update: Update, lifetime: int | None = None) -> BindingAcknowledgement:
        """Send a Binding Update, and see it acknowledged and the acknowledgement authenticated."""
        message = self.acknowledged(update, 0)
        granted = 0 if update.is_deletion else min(update.lifetime, 105)
        assert message.lifetime == (granted if lifetime is None else lifetime)
        return message

    def acknowledged(
        self, update: Update, status: int, s: int | None = None, proven: bool = True, packet: Packet | None = None
    ) -> BindingAcknowledgement:
        """Send a Binding Update, and see a Binding Acknowledgement come back to its source (section 9.5.4).

        It has a type 2 routing header with the home address unless that is where it goes to, and
        is authenticated unless it cannot be.
        """
        reply = self.answer(packet or update.packet())
        assert (reply.source, reply.destination) == (update.local, update.source)
        expected = () if update.source == update.home else (Type2RoutingHeader(update.home),)
        assert reply.headers == expected
        header, message = reply.upper, said(reply, BindingAcknowledgement)
        assert isinstance(header, MobilityHeader)
        assert (message.status, message.sequence, message.flags) == (status, update.s if s is None else s, 0)
        assert any(isinstance(option, AuthorizationData) for option in message.options) == proven
        if proven:
            assert is_authentic(header, update.kbm, update.covered or update.care_of, update.local)
        return message

    def chk_plus(self, home: bytes = HOA, care_of: bytes = COA, local: bytes = CN) -> None:
        """CHK+: an Echo Request by way of the care-of address is answered there."""
        _is_echo_reply(self.answer(echo(care_of, home, local)), local, care_of, home)

    def chk0(self, home: bytes = HOA, care_of: bytes = COA, local: bytes = CN) -> None:
        """CHK0: an Echo Request by way of the care-of address meets no binding."""
        self.binding_error(echo(care_of, home, local), UNKNOWN_BINDING, home)

    def chkh(self, home: bytes = HOA, local: bytes = CN) -> None:
        """CHKh: a plain Echo Request from the home address is answered there."""
        _is_echo_reply(self.answer(echo(home, None, local)), local, home, None)

    def chkh_plus(self, home: bytes = HOA, care_of: bytes = COA, local: bytes = CN) -> None:
        """CHKh+: a plain Echo Request from the home address is answered at the care-of address."""
        _is_echo_reply(self.answer(echo(home, None, local)), local, care_of, home)

    def binding_error(self, packet: Packet, status: int, home: bytes = UNSPECIFIED) -> None:
        """Send a packet to which a Binding Error comes back, directly to its source (section 9.3.3)."""
        error = unrouted(self.answer(packet), BindingError, packet.source, packet.destination)
        assert (error.status, error.home_address, error.options, error.reserved) == (status, home, (), 0)

    def parameter_problem(self, packet: Packet, code: int, pointer: int) -> None:
        """Send a packet to which a Parameter Problem comes back, directly to its source (section 9.2)."""
        reply = self.answer(packet)
        assert (reply.source, reply.destination, reply.headers) == (packet.destination, packet.source, ())
        assert isinstance(reply.upper, Icmpv6)
        problem = reply.upper.message
        assert isinstance(problem, ParameterProblem)
        assert (problem.code, problem.value) == (code, pointer)
        assert problem.original == packet.encode()


def unrouted(reply: Packet, kind: type[Sent], destination: bytes, source: bytes) -> Sent:
    """Return the message of a reply that goes straight to an address, without any extension header."""
    assert (reply.source, reply.destination, reply.headers) == (source, destination, ())
    return said(reply, kind)


def said(reply: Packet, kind: type[Sent]) -> Sent:
    """Return the message of a reply, which is of a kind."""
    assert isinstance(reply.upper, MobilityHeader)
    message = reply.upper.message
    assert isinstance(message, kind), message
    return message


def frames(effects: Sequence[Effect]) -> list[Packet]:
    """Return the packets that effects put on the link, read back from their bytes."""
    packets = []
    for effect in effects:
        if isinstance(effect, Transmit):
            assert (effect.interface, effect.link_layer) == (INTERFACE, ROUTER_MAC)
            read = decode(effect.data)
            assert isinstance(read, Packet)
            packets.append(read)
    return packets


def sent_in(effects: Sequence[Effect]) -> list[Packet]:
    """Return the packets that effects put on the link, in which nothing is wrong."""
    packets = frames(effects)
    for packet in packets:
        assert problems(packet) == ()
    return packets


def _is_echo_reply(reply: Packet, source: bytes, destination: bytes, home: bytes | None) -> None:
    assert (reply.source, reply.destination) == (source, destination)
    assert reply.headers == (() if home is None else (Type2RoutingHeader(home),))
    assert isinstance(reply.upper, Icmpv6)
    assert reply.upper.message == EchoReply(7, 1, b"ping")
