"""What makes a mobile node send a Binding Update is what mipsh's own decoder and tshark take it for."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.craft import stimuli
from mipsh.errors import UsageError
from mipsh.wire import mobility, ndp, pcap
from mipsh.wire.address import ALL_ROUTERS, UNSPECIFIED, parse, text
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet, decode
from mipsh.wire.verify import problems

HOME, PEER, CARE_OF, LOCAL = "2001:db8:1::100", "2001:db8:4::2", "2001:db8:2::100", "fe80::1"
LINK_LAYER = bytes.fromhex("020000000001")
TSHARK = shutil.which("tshark")
WRONG = "_ws.malformed || _ws.expert.severity >= warning || icmpv6.checksum.status == 0"

BUILT = {
    "poke": stimuli.poke(HOME, PEER, 7),
    "refresh request": stimuli.refresh_request(PEER, HOME),
    "binding error": stimuli.binding_error(PEER, HOME),
    "binding error to the care-of address": stimuli.binding_error(PEER, HOME, 2, CARE_OF),
    "router solicitation": stimuli.router_solicitation(LOCAL, LINK_LAYER),
    "router solicitation from nobody": stimuli.router_solicitation(None, LINK_LAYER),
}


def sound(data: bytes) -> Packet:
    """Decode a packet in which nothing is wrong."""
    packet = decode(data)
    assert isinstance(packet, Packet)
    assert problems(packet) == ()
    assert packet.headers == ()
    return packet


def ends(packet: Packet) -> tuple[str, str]:
    """Return whom a packet is from and for."""
    return text(packet.source), text(packet.destination)


def test_a_poke_is_an_echo_request_of_our_own() -> None:
    """From the home address, with an identifier that can be looked for."""
    packet = sound(BUILT["poke"])
    assert ends(packet) == (HOME, PEER)
    assert packet.upper == Icmpv6(EchoRequest(stimuli.POKE, 7, stimuli.POKE_DATA), int.from_bytes(BUILT["poke"][42:44]))


def test_a_refresh_request_is_empty() -> None:
    """To the home address, without any option."""
    packet = sound(BUILT["refresh request"])
    assert ends(packet) == (PEER, HOME)
    assert isinstance(packet.upper, MobilityHeader)
    assert packet.upper.message == mobility.BindingRefreshRequest()


@pytest.mark.parametrize(
    ("name", "status", "destination"),
    [("binding error", 1, HOME), ("binding error to the care-of address", 2, CARE_OF)],
)
def test_a_binding_error_names_the_home_address(name: str, status: int, destination: str) -> None:
    """Wherever it goes to."""
    packet = sound(BUILT[name])
    assert ends(packet) == (PEER, destination)
    assert isinstance(packet.upper, MobilityHeader)
    assert packet.upper.message == mobility.BindingError(status, parse(HOME))


@pytest.mark.parametrize(
    ("name", "source", "options"),
    [
        ("router solicitation", parse(LOCAL), (ndp.LinkLayer(1, LINK_LAYER),)),
        ("router solicitation from nobody", UNSPECIFIED, ()),
    ],
)
def test_a_router_solicitation(name: str, source: bytes, options: tuple[ndp.Option, ...]) -> None:
    """With the link-layer address of its sender, unless that is nobody (RFC 4861 section 4.1)."""
    packet = sound(BUILT[name])
    assert (packet.source, packet.destination, packet.hop_limit) == (source, ALL_ROUTERS, 255)
    assert isinstance(packet.upper, Icmpv6)
    assert packet.upper.message == ndp.RouterSolicitation(options)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_finds_nothing_wrong(tmp_path: Path) -> None:
    """Nothing malformed, no checksum that is wrong."""
    path = tmp_path / "stimuli.pcap"
    path.write_bytes(pcap.write(pcap.RAW_IP, [(n * 10**9, data) for n, data in enumerate(BUILT.values())]))

    def numbers(expression: str) -> list[str]:
        command = [TSHARK or "", "-n", "-r", str(path), "-Y", expression, "-T", "fields", "-e", "frame.number"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()

    assert numbers(WRONG) == []
    assert numbers("mip6.mhtype == 0") == ["2"]
    assert numbers(f"mip6.be.haddr == {HOME}") == ["3", "4"]
    assert numbers("icmpv6.type == 133") == ["5", "6"]
    assert numbers(f"icmpv6.echo.identifier == {stimuli.POKE}") == ["1"]


@pytest.mark.parametrize("wrong", ["", "mn", "192.0.2.1", "2001:db8::1/64"])
def test_an_address_that_is_none(wrong: str) -> None:
    """It is named."""
    builders: list[Callable[[], bytes]] = [
        lambda: stimuli.poke(wrong, PEER),
        lambda: stimuli.refresh_request(PEER, wrong),
        lambda: stimuli.binding_error(PEER, wrong),
        lambda: stimuli.router_solicitation(wrong),
    ]
    for build in builders:
        with pytest.raises(UsageError, match="not an IPv6 address"):
            build()


@pytest.mark.parametrize("status", [-1, 256])
def test_a_status_that_is_no_byte(status: int) -> None:
    """It is refused before anything is built."""
    with pytest.raises(UsageError, match="is a byte"):
        stimuli.binding_error(PEER, HOME, status)


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16), st.integers(0, 255))
def test_from_and_to_any_address(one: bytes, other: bytes, status: int) -> None:
    """The checksum is right."""
    for data in (
        stimuli.poke(text(one), text(other)),
        stimuli.refresh_request(text(one), text(other)),
        stimuli.binding_error(text(one), text(other), status),
    ):
        packet = sound(data)
        assert (packet.source, packet.destination) == (one, other)
