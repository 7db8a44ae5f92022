"""What a home agent makes of Mobility Headers that are none of its own (RFC 6275 section 9.2)."""

from dataclasses import replace

import pytest
from home_playbook import (
    COA,
    COA2,
    HA,
    HOA,
    PING,
    STRICT,
    VIRTUAL,
    HomeAgentScene,
    Update,
    echo,
    said,
)
from msgspec import structs

from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import UNSPECIFIED
from mipsh.wire.checksum import ICMPV6, MH, checksum
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, Icmpv6, ParameterProblem
from mipsh.wire.mobility import MobilityHeader, OtherMessage
from mipsh.wire.packet import Packet, Payload

UNKNOWN_TYPE = 2
MH_AT = 64
"""Where the Mobility Header is behind a Home Address option."""


def piggybacked(update: Update) -> Packet:
    """Return a Binding Update behind which an Echo Request stands, as its next header says."""
    ping = Icmpv6(PING).encode(update.home, HA)
    return update.around(structs.replace(update.header(), next_header=ICMPV6, trailer=ping))


def shortened(update: Update) -> Packet:
    """Return a Binding Update whose header length says that it has none of its fields, its checksum right."""
    data = bytearray(update.header().encode(update.home, HA))
    data[1], data[4:6] = 0, bytes(2)
    data[4:6] = checksum(update.home, HA, MH, bytes(data[:8])).to_bytes(2)
    headers = () if update.hao is None else (carrying(HomeAddress(update.hao)),)
    return Packet(update.source, HA, Payload(MH, bytes(data)), headers)


def is_told(scene: HomeAgentScene, packet: Packet, pointer: int, *, care_of: bytes | None = None) -> None:
    """Send a packet whose source is told of a problem, by way of a care-of address if it has one."""
    seen = scene.answer(packet)
    headers = () if care_of is None else (Type2RoutingHeader(packet.source),)
    assert (seen.packet.source, seen.packet.destination) == (HA, care_of or packet.source)
    assert seen.packet.headers == headers
    problem = said(seen, ParameterProblem)
    assert (problem.code, problem.value, problem.original) == (0, pointer, packet.encode())


def test_ha_0_0_0__reachability() -> None:
    """Echo Requests from both care-of links are answered."""
    scene = HomeAgentScene()
    for care_of in (COA, COA2):
        seen = scene.answer(echo(care_of))
        assert (seen.packet.source, seen.packet.destination, seen.packet.headers) == (HA, care_of, ())
        assert seen.message == EchoReply(7, 1, b"ping")


@pytest.mark.parametrize("in_esp", [True, False])
def test_ha_1_1_1__unknown_type(in_esp: bool) -> None:
    """A Binding Error with status 2 and no home address goes to the home address."""
    scene = HomeAgentScene()
    scene.come_home()
    update = Update(source=HOA, hao=None, in_esp=in_esp)
    header = MobilityHeader(OtherMessage(0xFF, update.header().encode(HOA, HA)[6:]))
    scene.binding_error(update.around(header), UNKNOWN_TYPE, UNSPECIFIED, update.protection)


@pytest.mark.parametrize("parameters", [pytest.param(STRICT, id="HA_1_1_2"), pytest.param(VIRTUAL, id="HA_1_1_9")])
def test_piggybacked(parameters: HomeAgentParameters) -> None:
    """A Parameter Problem points at the payload proto, and nothing is bound."""
    scene = HomeAgentScene(parameters)
    is_told(scene, piggybacked(Update()), MH_AT)
    scene.chk0()


def test_ha_1_1_6__piggybacked_with_a_binding() -> None:
    """From the home address, where the binding says that it is; the binding stays as it was."""
    scene = HomeAgentScene()
    scene.hreg()
    is_told(scene, piggybacked(Update(s=16, source=HOA)), MH_AT, care_of=COA)
    scene.chk_plus()


def test_ha_1_1_3__bad_checksum() -> None:
    """A checksum of zero inside ESP: silence."""
    scene = HomeAgentScene()
    update = Update()
    scene.silence(update.around(structs.replace(update.header(), checksum=0)), update.protection)
    scene.chk0()


@pytest.mark.parametrize("parameters", [pytest.param(STRICT, id="HA_1_1_4"), pytest.param(VIRTUAL, id="HA_1_1_10")])
def test_header_length_0(parameters: HomeAgentParameters) -> None:
    """A Parameter Problem points at the header length, and nothing is bound."""
    scene = HomeAgentScene(parameters)
    is_told(scene, shortened(Update()), MH_AT + 1)
    scene.chk0()


def test_ha_1_1_7__header_length_0_with_a_binding() -> None:
    """The binding is kept."""
    scene = HomeAgentScene()
    update = scene.hreg()
    is_told(scene, shortened(replace(update, s=16)), MH_AT + 1)
    scene.chk_plus()
