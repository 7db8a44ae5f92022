"""Every byte vector decodes to the fields that another program read from it, and encodes to the same bytes."""

from collections.abc import Callable

import pytest
from wire_samples import whole
from wire_vectors import VECTORS, Vector, mobility_fields, named, of_kind, option_fields, packet_fields

from mipsh.wire import address, extension, ndp
from mipsh.wire.authenticator import binding_management_key, care_of_keygen_token
from mipsh.wire.extension import HomeAddress, HopByHopOptions, decode_header
from mipsh.wire.fault import Fault
from mipsh.wire.icmpv6 import Icmpv6, decode_icmpv6
from mipsh.wire.mobility import OPTIONS, MobilityHeader, decode_mobility
from mipsh.wire.tlv import Option, UnknownOption, encode_options, read_options

UNREAD = {
    "zeek-mobility-dst-opts-2": "its options overrun the packet by the payload length, so that the header is not read",
}


def ids(vector: Vector) -> str:
    """Name a test by its vector."""
    return vector.name


@pytest.mark.parametrize("vector", of_kind("ipv6"), ids=ids)
def test_packet(vector: Vector) -> None:
    """A packet: the same fields, the same chain of headers, the same bytes."""
    packet = whole(vector.data)
    assert packet.encode() == vector.data
    if vector.name in UNREAD:
        assert packet_fields(packet) != vector.fields
    else:
        assert packet_fields(packet) == vector.fields


@pytest.mark.parametrize("vector", of_kind("mh"), ids=ids)
def test_mobility_header(vector: Vector) -> None:
    """A Mobility Header alone: the same fields, the same bytes, a fault where the format is not right."""
    faults: list[Fault] = []
    header = decode_mobility(vector.data, 0, len(vector.data), faults)
    assert isinstance(header, MobilityHeader)
    assert header.encode(b"", b"") == vector.data
    assert mobility_fields(header) == vector.fields
    assert bool(faults) == (not vector.format_ok)


@pytest.mark.parametrize("vector", of_kind("mhopt"), ids=ids)
def test_mobility_options(vector: Vector) -> None:
    """Mobility options alone: the same fields, the same bytes, a fault where the format is not right."""
    faults: list[Fault] = []
    options = read_options(vector.data, 0, len(vector.data), OPTIONS, faults)
    assert encode_options(options) == vector.data
    assert [option_fields(option) for option in options] == vector.fields
    assert bool(faults) == (not vector.format_ok)


def _home_address(options: tuple[Option, ...], faults: list[Fault]) -> None:
    assert options == (HomeAddress(bytes(16)),)
    assert not faults


def _home_address_of_9_bytes(options: tuple[Option, ...], faults: list[Fault]) -> None:
    assert options[0] == UnknownOption(201, bytes.fromhex("200100000000000000"))
    assert faults[0] == Fault(1, "Home Address length", "16", "9")


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("scapy-001 HAO - Basic Instantiation", _home_address),
        ("scapy-002 HAO - Instantiation with specific values", _home_address_of_9_bytes),
    ],
)
def test_destination_options(name: str, holds: Callable[[tuple[Option, ...], list[Fault]], None]) -> None:
    """Destination options alone: what is a Home Address option, and what only has its type."""
    data = named(name).data
    faults: list[Fault] = []
    options = read_options(data, 0, len(data), extension.OPTIONS, faults)
    assert encode_options(options) == data
    holds(options, faults)


@pytest.mark.parametrize("vector", of_kind("exthdr"), ids=ids)
def test_extension_header(vector: Vector) -> None:
    """A hop-by-hop options header alone: each option that scapy put in is there, in its order."""
    faults: list[Fault] = []
    read = decode_header(0, vector.data, 0, len(vector.data), faults)
    assert read is not None
    header, following, end = read
    assert isinstance(header, HopByHopOptions)
    assert header.encode(following) == vector.data
    assert (following, end, faults) == (59, len(vector.data), [])
    kinds = {HomeAddress: "HAO", 194: "Jumbo", 5: "RouterAlert"}
    seen = [kinds.get(option.type if isinstance(option, UnknownOption) else type(option)) for option in header.options]
    built = vector.expected["build"]
    assert [name for name in seen if name] == sorted((n for n in kinds.values() if f"{n}()" in built), key=built.index)


def test_router_advertisement() -> None:
    """A Router Advertisement alone: the defaults that scapy gives it, the preference among the flags."""
    data = named("scapy-007 ICMPv6ND_RA - Basic Instantiation").data
    message = decode_icmpv6(data, 0, len(data), [])
    assert message == Icmpv6(ndp.RouterAdvertisement(0, 0x08, 1800), 0)
    assert message.encode(b"", b"") == data


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (
            "scapy-010 ICMPv6NDOptPrefixInfo - Basic Instantiation",
            ndp.PrefixInformation(64, ndp.ON_LINK | ndp.AUTONOMOUS, ndp.INFINITY, ndp.INFINITY, bytes(16)),
        ),
        (
            "scapy-012 ICMPv6NDOptPrefixInfo - Basic Dissection",
            ndp.PrefixInformation(0, ndp.ON_LINK | ndp.AUTONOMOUS, ndp.INFINITY, ndp.INFINITY, bytes(16)),
        ),
        ("scapy-015 ICMPv6NDOptHAInfo - Basic Instantiation", ndp.HomeAgentInformation(0, 1)),
    ],
)
def test_neighbour_discovery_option(name: str, option: ndp.Option) -> None:
    """A neighbour discovery option alone."""
    data = named(name).data
    assert ndp.read_options(data, 0, len(data), []) == (option,)
    assert option.encode() == data


@pytest.mark.parametrize(
    "name",
    [
        "scapy-014 ICMPv6NDOptAdvInterval - Instantiation with specific values",
        "scapy-016 ICMPv6NDOptHAInfo - Instantiation with specific values",
    ],
)
def test_neighbour_discovery_option_that_says_twice_its_length(name: str) -> None:
    """Scapy lets a length of 2 stand over 8 bytes; the bytes are kept, and found at fault."""
    data = named(name).data
    faults: list[Fault] = []
    options = ndp.read_options(data, 0, len(data), faults)
    assert ndp.encode_options(options) == data
    assert faults == [Fault(1, f"option type {data[0]} length", "1 to 1", "2")]


def test_keygen_token() -> None:
    """The care-of keygen token of a key, an address and a nonce."""
    vector = named("derived-careof-keygen-token")
    key, nonce = (bytes.fromhex(vector.expected[name]) for name in ("Kcn", "nonce"))
    assert care_of_keygen_token(key, address.parse(vector.expected["careof_address"]), nonce) == vector.data


def test_binding_management_key() -> None:
    """The key that both tokens make."""
    vector = named("derived-kbm")
    home, care_of = (bytes.fromhex(vector.expected[name]) for name in ("home_token", "careof_token"))
    assert binding_management_key(home, care_of) == vector.data


def test_every_kind_of_vector_is_tested() -> None:
    """No vector is left out, and the file is the one that these tests were written for."""
    counts = {kind: len(of_kind(kind)) for kind in {vector.kind for vector in VECTORS}}
    tested = {"ipv6": 116, "mh": 105, "mhopt": 14, "icmpv6-part": 6, "exthdr": 3, "dstopt": 2, "bytes": 2}
    assert counts == tested
