"""Scapy builds the same bytes for the same packets, and reads the same fields from what mipsh builds."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet6
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet as Layer
from wire_samples import (
    AGENT,
    AUTHENTICATOR,
    BUILT,
    CARE_OF,
    COOKIE,
    CORRESPONDENT,
    HOME,
    LINK_LAYER,
    LOCAL,
    TO_HOME,
    TOKEN,
    signalling,
)
from wire_strategies import UNHURRIED, addresses, byte, eight, word

from mipsh.wire import mobility
from mipsh.wire.address import home_agents_anycast, solicited_node, text
from mipsh.wire.extension import Header, HomeAddress, carrying

MAC = LINK_LAYER.hex(":")
AUTHORIZATION = inet6.MIP6OptBindingAuthData(olen=12, authenticator=int.from_bytes(AUTHENTICATOR))
"""Scapy's own length of this option is wrong, and that of the nonce indices."""
PING = inet6.ICMPv6EchoRequest(id=1, seq=2, data=b"are you there?")
SOURCE_MAC, TARGET_MAC = inet6.ICMPv6NDOptSrcLLAddr(lladdr=MAC), inet6.ICMPv6NDOptDstLLAddr(lladdr=MAC)
PREFIX = inet6.ICMPv6NDOptPrefixInfo(
    prefixlen=64, L=1, A=1, R=1, validlifetime=86400, preferredlifetime=14400, prefix=text(AGENT)
)


def ip(source: bytes = CARE_OF, destination: bytes = CORRESPONDENT, hop_limit: int = 64) -> Layer:
    """Return scapy's IPv6 header."""
    return IPv6(src=text(source), dst=text(destination), hlim=hop_limit)


def from_home(home: bytes = HOME) -> Layer:
    """Return an IPv6 header and a Home Address option."""
    return ip() / inet6.IPv6ExtHdrDestOpt(options=[inet6.HAO(hoa=text(home))])


def to_home() -> Layer:
    """Return an IPv6 header and a type 2 routing header."""
    return ip() / inet6.IPv6ExtHdrRouting(type=2, addresses=[text(HOME)])


SAME: Mapping[str, Layer] = {
    "home test init": ip() / inet6.MIP6MH_HoTI(cookie=COOKIE),
    "care-of test init": ip() / inet6.MIP6MH_CoTI(cookie=COOKIE),
    "home test": ip() / inet6.MIP6MH_HoT(index=5, cookie=COOKIE, token=TOKEN),
    "care-of test": ip() / inet6.MIP6MH_CoT(index=6, cookie=COOKIE, token=TOKEN),
    "binding update": from_home()
    / inet6.MIP6MH_BU(
        seq=10,
        flags="A",
        mhtime=105,
        options=[inet6.MIP6OptNonceIndices(olen=4, hni=5, coni=6), AUTHORIZATION],
    ),
    "home binding update": from_home()
    / inet6.MIP6MH_BU(
        seq=11,
        flags="AHLKR",
        mhtime=105,
        options=[
            inet6.MIP6OptAltCoA(acoa=text(CARE_OF)),
            inet6.MIP6OptMobNetPrefix(plen=64, prefix="2001:db8:100::"),
            inet6.MIP6OptMNID(subtype=1, id="mn@example.net"),
        ],
    ),
    "binding acknowledgement": to_home()
    / inet6.MIP6MH_BA(status=0, flags=0, seq=10, mhtime=105, options=[AUTHORIZATION]),
    "home binding acknowledgement": to_home()
    / inet6.MIP6MH_BA(status=1, flags="KR", seq=11, mhtime=100, options=[inet6.MIP6OptBRAdvice(rinter=52)]),
    "binding error": ip() / inet6.MIP6MH_BE(status=1, ha=text(HOME)),
    "destination unreachable": ip() / inet6.ICMPv6DestUnreach(code=1) / (ip() / PING),
    "packet too big": ip() / inet6.ICMPv6PacketTooBig(mtu=1280) / (ip() / PING),
    "time exceeded": ip() / inet6.ICMPv6TimeExceeded() / (ip() / PING),
    "parameter problem": ip() / inet6.ICMPv6ParamProblem(code=2, ptr=40) / (ip() / PING),
    "echo request": ip() / PING,
    "echo reply": ip() / inet6.ICMPv6EchoReply(id=1, seq=2, data=b"yes"),
    "echo request with home address option": from_home() / PING,
    "echo reply with type 2 routing header": to_home() / inet6.ICMPv6EchoReply(id=1, seq=2, data=b"yes!"),
    "both mobile": to_home() / inet6.IPv6ExtHdrDestOpt(options=[inet6.HAO(hoa=text(AGENT))]) / PING,
    "home agent discovery request": ip(CARE_OF, home_agents_anycast(AGENT)) / inet6.ICMPv6HAADRequest(id=7, R=0),
    "home agent discovery reply": ip() / inet6.ICMPv6HAADReply(id=7, R=0, addresses=[text(AGENT), text(CORRESPONDENT)]),
    "mobile prefix solicitation": from_home() / inet6.ICMPv6MPSol(id=8),
    "mobile prefix advertisement": to_home() / inet6.ICMPv6MPAdv(id=8, flags=2) / PREFIX,
    "router solicitation": IPv6(src=text(LOCAL), dst="ff02::2", hlim=255) / inet6.ICMPv6ND_RS() / SOURCE_MAC,
    "router advertisement": IPv6(src=text(LOCAL), dst="ff02::1", hlim=255)
    / inet6.ICMPv6ND_RA(chlim=64, M=0, O=0, H=1, prf=0, routerlifetime=1800)
    / SOURCE_MAC
    / PREFIX
    / inet6.ICMPv6NDOptMTU(mtu=1500)
    / inet6.ICMPv6NDOptAdvInterval(advint=3000)
    / inet6.ICMPv6NDOptHAInfo(pref=10, lifetime=1800),
    "neighbour solicitation": ip(bytes(16), solicited_node(HOME), 255) / inet6.ICMPv6ND_NS(tgt=text(HOME)),
    "neighbour advertisement": IPv6(src=text(LOCAL), dst="ff02::1", hlim=255)
    / inet6.ICMPv6ND_NA(tgt=text(HOME), R=1, S=0, O=1)
    / TARGET_MAC,
    "redirect": ip(LOCAL, HOME, 255) / inet6.ICMPv6ND_Redirect(tgt=text(LOCAL), dst=text(CORRESPONDENT)) / TARGET_MAC,
    "whole fragment": ip() / inet6.IPv6ExtHdrFragment(id=77) / PING,
    "reverse tunnel": ip(CARE_OF, AGENT) / ip(HOME, CORRESPONDENT) / PING,
    "home test init in the tunnel": ip(CARE_OF, AGENT) / ip(HOME, CORRESPONDENT) / inet6.MIP6MH_HoTI(cookie=COOKIE),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same_bytes(name: str) -> None:
    """Lengths, paddings and checksums are worked out by each on its own."""
    assert BUILT[name].encode() == bytes(SAME[name])


def test_a_binding_refresh_request() -> None:
    """Without the link-layer address option, whose length scapy gets wrong."""
    assert signalling(mobility.BindingRefreshRequest()).encode() == bytes(ip() / inet6.MIP6MH_BRR())


FIELDS: Mapping[type, tuple[type[Layer], Callable[[Any], dict[str, object]]]] = {
    mobility.BindingRefreshRequest: (inet6.MIP6MH_BRR, lambda m: {"res2": m.reserved}),
    mobility.HomeTestInit: (inet6.MIP6MH_HoTI, lambda m: {"reserved": m.reserved.to_bytes(2), "cookie": m.cookie}),
    mobility.CareOfTestInit: (inet6.MIP6MH_CoTI, lambda m: {"reserved": m.reserved.to_bytes(2), "cookie": m.cookie}),
    mobility.HomeTest: (inet6.MIP6MH_HoT, lambda m: {"index": m.nonce_index, "cookie": m.cookie, "token": m.token}),
    mobility.CareOfTest: (inet6.MIP6MH_CoT, lambda m: {"index": m.nonce_index, "cookie": m.cookie, "token": m.token}),
    mobility.BindingUpdate: (
        inet6.MIP6MH_BU,
        lambda m: {"seq": m.sequence, "mhtime": m.lifetime, "flags": m.flags >> 9, "reserved": m.flags & 0x1FF},
    ),
    mobility.BindingAcknowledgement: (
        inet6.MIP6MH_BA,
        lambda m: {
            "status": m.status,
            "seq": m.sequence,
            "mhtime": m.lifetime,
            "flags": m.flags >> 5,
            "res2": m.flags & 31,
        },
    ),
    mobility.BindingError: (
        inet6.MIP6MH_BE,
        lambda m: {"status": m.status, "reserved": m.reserved, "ha": text(m.home_address)},
    ),
}
"""For a message: the same one in scapy, and its fields in scapy's words."""

messages: st.SearchStrategy[mobility.MessageWithOptions] = st.one_of(
    st.builds(mobility.BindingRefreshRequest, reserved=word),
    st.builds(mobility.HomeTestInit, eight, reserved=word),
    st.builds(mobility.CareOfTestInit, eight, reserved=word),
    st.builds(mobility.HomeTest, word, eight, eight),
    st.builds(mobility.CareOfTest, word, eight, eight),
    st.builds(mobility.BindingUpdate, word, word, word),
    st.builds(mobility.BindingAcknowledgement, byte, byte, word, word),
    st.builds(mobility.BindingError, byte, addresses, reserved=byte),
)


@UNHURRIED
@given(messages.map(mobility.padded), addresses, st.sampled_from(["plain", "from home", "to home"]))
def test_the_same_fields(message: mobility.MessageWithOptions, home: bytes, way: str) -> None:
    """Scapy reads every field as mipsh wrote it, and writes the same bytes from these fields."""
    headers: dict[str, tuple[Header, ...]] = {
        "plain": (),
        "from home": (carrying(HomeAddress(home)),),
        "to home": (TO_HOME,),
    }
    data = signalling(message, *headers[way]).encode()
    kind, fields = FIELDS[type(message)]
    layer = IPv6(data)[kind]
    assert type(layer) is kind
    assert {name: getattr(layer, name) for name in fields(message)} == fields(message)
    before = {"plain": ip(), "from home": from_home(home), "to home": to_home()}[way]
    assert bytes(before / kind(**fields(message))) == data
