"""Hypothesis strategies for packets with valid fields, for options, and for bytes that were tampered with."""

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from wire_vectors import of_kind

from mipsh.wire import extension, icmpv6, mobility, ndp
from mipsh.wire.extension import FragmentHeader, Header, HomeAddress, HopByHopOptions
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet, Payload
from mipsh.wire.tlv import Option, UnknownOption, lay_out

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""How long an example takes says nothing on a machine that others use, too."""

DECODED = {*extension.DECODERS, 135, 58, 41, 50}

byte = st.integers(0, 0xFF)
word = st.integers(0, 0xFFFF)
long = st.integers(0, 0xFFFFFFFF)
addresses = st.binary(min_size=16, max_size=16)
eight = st.binary(min_size=8, max_size=8)
short = st.binary(max_size=40)


def units(least: int, extra: int = 0) -> st.SearchStrategy[bytes]:
    """Make bytes whose number is a multiple of 8, less ``extra``."""
    return st.integers(least, 4).flatmap(lambda n: st.binary(min_size=n * 8 - extra, max_size=n * 8 - extra))


def unknown(known: Sequence[int]) -> st.SearchStrategy[Option]:
    """Make an option of a type that is not known."""
    return st.builds(UnknownOption, byte.filter(lambda kind: kind not in known), short)


mobility_options: st.SearchStrategy[Option] = st.one_of(
    st.builds(mobility.BindingRefreshAdvice, word),
    st.builds(mobility.AlternateCareOfAddress, addresses),
    st.builds(mobility.NonceIndices, word, word),
    st.builds(mobility.AuthorizationData, st.binary(min_size=12, max_size=12)),
    st.builds(mobility.MobileNetworkPrefix, byte, addresses, byte),
    st.builds(mobility.LinkLayerAddress, byte, short),
    st.builds(mobility.MobileNodeIdentifier, byte, short),
    unknown([0, 1, *mobility.OPTIONS]),
)
option_lists = st.lists(mobility_options, max_size=5).map(tuple)

mobility_messages: st.SearchStrategy[mobility.Message] = st.one_of(
    st.builds(mobility.BindingRefreshRequest, option_lists, word).map(mobility.padded),
    st.builds(mobility.HomeTestInit, eight, option_lists, word).map(mobility.padded),
    st.builds(mobility.CareOfTestInit, eight, option_lists, word).map(mobility.padded),
    st.builds(mobility.HomeTest, word, eight, eight, option_lists).map(mobility.padded),
    st.builds(mobility.CareOfTest, word, eight, eight, option_lists).map(mobility.padded),
    st.builds(mobility.BindingUpdate, word, word, word, option_lists).map(mobility.padded),
    st.builds(mobility.BindingAcknowledgement, byte, byte, word, word, option_lists).map(mobility.padded),
    st.builds(mobility.BindingError, byte, addresses, option_lists, byte).map(mobility.padded),
    st.builds(mobility.OtherMessage, st.integers(8, 255), units(1, extra=6)),
)

link_layers = st.builds(ndp.LinkLayer, st.sampled_from([1, 2]), units(1, extra=2))
neighbour_options = st.lists(
    st.one_of(
        link_layers,
        st.builds(ndp.PrefixInformation, byte, byte, long, long, addresses, long),
        st.builds(ndp.Mtu, long, word),
        st.builds(ndp.AdvertisementInterval, long, word),
        st.builds(ndp.HomeAgentInformation, word, word, word),
        st.builds(ndp.OtherOption, byte.filter(lambda kind: kind not in ndp.OPTIONS), units(1, extra=2)),
    ),
    max_size=4,
).map(tuple)


icmp_messages: st.SearchStrategy[icmpv6.Message] = st.one_of(
    st.builds(icmpv6.DestinationUnreachable, byte, long, short),
    st.builds(icmpv6.PacketTooBig, byte, long, short),
    st.builds(icmpv6.TimeExceeded, byte, long, short),
    st.builds(icmpv6.ParameterProblem, byte, long, short),
    st.builds(icmpv6.EchoRequest, word, word, short, byte),
    st.builds(icmpv6.EchoReply, word, word, short, byte),
    st.builds(icmpv6.HomeAgentDiscoveryRequest, word, word, byte, short),
    st.builds(
        icmpv6.HomeAgentDiscoveryReply,
        word,
        st.lists(addresses, max_size=3).map(tuple),
        word,
        byte,
        st.binary(max_size=15),
    ),
    st.builds(icmpv6.MobilePrefixSolicitation, word, word, byte, short),
    st.builds(icmpv6.MobilePrefixAdvertisement, word, word, neighbour_options, byte),
    st.builds(ndp.RouterSolicitation, neighbour_options, long, byte),
    st.builds(ndp.RouterAdvertisement, byte, byte, word, long, long, neighbour_options, byte),
    st.builds(ndp.NeighborSolicitation, addresses, neighbour_options, long, byte),
    st.builds(ndp.NeighborAdvertisement, addresses, long, neighbour_options, byte),
    st.builds(ndp.Redirect, addresses, addresses, neighbour_options, long, byte),
    st.builds(icmpv6.OtherIcmp, byte.filter(lambda kind: kind not in icmpv6.MESSAGES), byte, short),
)

destination_options = st.lists(st.builds(HomeAddress, addresses) | unknown([0, 1, 201]), max_size=3)
headers: st.SearchStrategy[Header] = st.one_of(
    destination_options.map(lambda options: extension.carrying(*options)),
    destination_options.map(lambda options: HopByHopOptions(lay_out(options, 2, extension.ALIGNMENTS))),
    st.builds(extension.RoutingHeader, byte.filter(lambda kind: kind != 2), byte, units(1, extra=4)),
    st.builds(extension.Type2RoutingHeader, addresses, byte, long),
    st.builds(FragmentHeader, st.just(0), st.just(False), long, st.integers(0, 0x3FF)),
)
pieces = st.builds(FragmentHeader, st.integers(1, 0x1FFF), st.booleans(), long)
payloads = st.builds(Payload, byte.filter(lambda number: number not in DECODED), short)

outermost = st.one_of(
    st.builds(
        MobilityHeader,
        mobility_messages,
        next_header=byte,
        reserved=byte,
        trailer=short,
    ),
    st.builds(Icmpv6, icmp_messages),
    st.builds(Esp, long, long, short),
    payloads,
)


def packets_around(
    upper: st.SearchStrategy[MobilityHeader | Icmpv6 | Esp | Payload | Packet],
) -> st.SearchStrategy[Packet]:
    """Make packets that carry what a strategy makes."""
    return st.builds(
        Packet,
        addresses,
        addresses,
        upper,
        st.lists(headers, max_size=3).map(tuple),
        hop_limit=byte,
        traffic_class=byte,
        flow_label=st.integers(0, 0xFFFFF),
        trailer=st.binary(max_size=3),
    )


fragments = st.builds(Packet, addresses, addresses, st.builds(Payload, byte, short), pieces.map(lambda piece: (piece,)))
packets = st.recursive(packets_around(outermost) | fragments, packets_around, max_leaves=3)


@st.composite
def tampered(draw: st.DrawFn) -> bytes:
    """Make the bytes of a vector with some of them changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from([vector.data for vector in of_kind("ipv6")])))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        how = draw(st.sampled_from(["change", "insert", "delete", "cut"]))
        if how == "change":
            data[at : at + 1] = bytes((draw(byte),))
        elif how == "insert":
            data[at:at] = draw(short)
        elif how == "delete":
            del data[at : at + draw(st.integers(1, 16))]
        else:
            del data[at:]
    return bytes(data)
