"""What scapy builds from any fields is what mipsh's own decoder reads, with everything in its place."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers import inet6

from mipsh.craft.fields import RECIPES, Field, Given, Kind, Recipe, read
from mipsh.craft.messages import BUILDERS, build, command
from mipsh.errors import UsageError
from mipsh.wire import mobility
from mipsh.wire.address import text
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet, Payload, decode
from mipsh.wire.verify import problems

HEX = st.binary(max_size=60).map(bytes.hex)


def values(field: Field) -> st.SearchStrategy[str]:
    """Return values that a field takes."""
    addresses = st.binary(min_size=16, max_size=16).map(text)
    if field.kind is Kind.SECONDS:
        return st.integers(0, field.most).map(lambda units: str(units * 4))
    if field.kind is Kind.BYTES:
        return st.binary(min_size=field.size, max_size=field.size).map(bytes.hex) if field.size else HEX
    return {
        Kind.ADDRESS: addresses,
        Kind.NUMBER: st.integers(0, field.most or 1).map(str),
        Kind.FLAGS: st.lists(st.sampled_from([*field.words, "A"]), unique=True)
        .map("".join)
        .filter(lambda letters: set(letters) <= set(field.words)),
        Kind.NAME: st.text("abc@.", min_size=1, max_size=field.most or 1),
        Kind.PREFIX: st.tuples(addresses, st.integers(0, 128)).map(lambda found: f"{found[0]}/{found[1]}"),
        Kind.INDICES: st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda two: f"{two[0]},{two[1]}"),
    }[field.kind]


def words_of(recipe: Recipe) -> st.SearchStrategy[list[str]]:
    """Return fields that a message takes, some of them, in any order."""
    takes = {name: field for name, field in recipe.takes().items() if name not in ("hoa", "coa", "checksum")}
    some = st.fixed_dictionaries({}, optional={name: values(field) for name, field in takes.items()})
    return some.flatmap(lambda found: st.permutations([f"{name}={value}" for name, value in found.items()]))


crafted = st.sampled_from(sorted(RECIPES)).flatmap(lambda name: st.tuples(st.just(name), words_of(RECIPES[name])))


def made(message: str, *words: str) -> Packet:
    """Make a packet and decode it."""
    packet = decode(build(message, read(RECIPES[message], words)))
    assert isinstance(packet, Packet)
    return packet


def message_of(message: str, *words: str) -> mobility.Message:
    """Make a packet that carries a Mobility Header, and return its message."""
    upper = made(message, *words).upper
    assert isinstance(upper, MobilityHeader)
    return upper.message


@settings(max_examples=300)
@given(crafted)
def test_any_fields_make_a_sound_packet(found: tuple[str, list[str]]) -> None:
    """Its addresses, headers and checksum are right; the decoder has nothing against it."""
    name, words = found
    values = read(RECIPES[name], words)
    data = build(name, values)
    packet = decode(data)
    assert isinstance(packet, Packet)
    assert packet.encode() == data
    faults = [fault for fault in problems(packet) if fault.field != "MH type"]
    if name != "payload" and (name, values.numbers.get("type", 16) < 8) != ("raw", True):
        assert faults == []
    assert (packet.source, packet.destination) == (values.octets["src"], values.octets["dst"])
    assert (packet.hop_limit, packet.traffic_class, packet.flow_label) == (
        values.numbers.get("hop", 64),
        values.numbers.get("tclass", 0),
        values.numbers.get("flow", 0),
    )
    if name != "payload":
        assert packet.home_address_option == (values.octets.get("hao") or None)
        assert packet.routing_home_address == (values.octets.get("rh2") or None)


@settings(max_examples=300)
@given(crafted.filter(lambda found: found[0] in ("brr", "hoti", "coti", "hot", "cot", "bu", "ba", "be")))
def test_the_decoder_reads_the_fields_that_scapy_was_given(found: tuple[str, list[str]]) -> None:
    """Each where its message has it, and each option."""
    name, words = found
    values = read(RECIPES[name], words)
    numbers, octets = values.numbers, values.octets
    upper = decoded_upper(name, values)
    message = upper.message
    assert not isinstance(message, mobility.OtherMessage)
    fields: dict[type, dict[str, object]] = {
        mobility.BindingRefreshRequest: {},
        mobility.HomeTestInit: {"cookie": octets.get("cookie", bytes(8))},
        mobility.CareOfTestInit: {"cookie": octets.get("cookie", bytes(8))},
        mobility.HomeTest: {"nonce_index": numbers.get("nonce", 0), "token": octets.get("token", bytes(8))},
        mobility.CareOfTest: {"nonce_index": numbers.get("nonce", 0), "token": octets.get("token", bytes(8))},
        mobility.BindingUpdate: {
            "sequence": numbers.get("seq"),
            "flags": numbers.get("flags"),
            "lifetime": numbers.get("lifetime"),
        },
        mobility.BindingAcknowledgement: {
            "status": numbers.get("status", 0),
            "flags": numbers.get("flags", 0),
            "sequence": numbers.get("seq"),
            "lifetime": numbers.get("lifetime"),
        },
        mobility.BindingError: {"status": numbers.get("status"), "home_address": octets.get("hoa")},
    }
    shown = fields[type(message)]
    assert {field: getattr(message, field) for field in shown} == shown
    assert list(options_of(message)) == list(wanted(values))


def decoded_upper(name: str, values: Given) -> MobilityHeader:
    """Return the Mobility Header of a packet that was made."""
    packet = decode(build(name, values))
    assert isinstance(packet, Packet)
    assert isinstance(packet.upper, MobilityHeader)
    return packet.upper


def options_of(message: mobility.MessageWithOptions) -> Iterator[object]:
    """Yield the options of a message but for padding."""
    yield from (option for option in message.options if type(option).__name__ not in ("Pad1", "PadN"))


def wanted(values: Given) -> Iterator[object]:
    """Yield the options that the fields ask for, in their order."""
    numbers, octets = values.numbers, values.octets
    if octets.get("altcoa"):
        yield mobility.AlternateCareOfAddress(octets["altcoa"])
    if "nonces" in octets:
        yield mobility.NonceIndices(int.from_bytes(octets["nonces"][:2]), int.from_bytes(octets["nonces"][2:]))
    if "advice" in numbers:
        yield mobility.BindingRefreshAdvice(numbers["advice"])
    if "mnp" in octets:
        yield mobility.MobileNetworkPrefix(octets["mnp"][0], octets["mnp"][1:])
    if "mnid" in octets:
        yield mobility.MobileNodeIdentifier(1, octets["mnid"])
    if "auth" in octets:
        yield mobility.AuthorizationData(octets["auth"])


def test_a_raw_message_is_padded() -> None:
    """To a multiple of 8 bytes, with zeros."""
    assert message_of("raw", "type=16", "data=0102030405") == mobility.OtherMessage(16, b"\1\2\3\4\5" + bytes(5))
    update = message_of("raw", "type=5", "data=0007c0000069")
    assert isinstance(update, mobility.BindingUpdate)
    assert (update.sequence, update.flags, update.lifetime) == (7, 0xC000, 105)


@pytest.mark.parametrize("message", ["bu", "echo", "udp", "raw"])
def test_a_checksum_can_be_forced(message: str) -> None:
    """It stands there as given, and is found to be wrong."""
    (fault,) = [fault for fault in problems(made(message, "checksum=0x1234")) if "checksum" in fault.field]
    assert fault.found == "0x1234"


def test_payloads_go_behind_both_headers() -> None:
    """A home address in an option, another one in a routing header."""
    both = ("hao=2001:db8::7", "rh2=2001:db8::8")
    echo = made("echo", *both, "id=5", "seq=6", "data=0102").upper
    assert isinstance(echo, Icmpv6)
    assert echo.message == EchoRequest(5, 6, b"\1\2")
    datagram = made("udp", *both, "sport=1", "dport=2", "data=03").upper
    assert isinstance(datagram, Payload)
    assert datagram.data[:4] + datagram.data[8:] == b"\0\1\0\2\3"
    assert made("payload", *both, "proto=253", "data=03").upper == Payload(253, b"\3")


def test_every_message_has_a_builder() -> None:
    """And none has one that is not a message."""
    assert BUILDERS.keys() == RECIPES.keys()


@pytest.mark.parametrize("message", RECIPES)
def test_the_scapy_command_builds_the_same(message: str) -> None:
    """Who types it gets the same bytes."""
    values = read(RECIPES[message], ["mnid=a@b"] if RECIPES[message].takes_options else ["data=01"])
    from scapy.layers.inet import UDP
    from scapy.packet import Raw

    known = {**vars(inet6), "UDP": UDP, "Raw": Raw}
    assert bytes(eval(command(message, values), known)) == build(message, values)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(RECIPES)),
    st.lists(
        st.tuples(
            st.sampled_from(sorted({n for r in RECIPES.values() for n in r.takes()})),
            st.one_of(st.text(max_size=20), HEX, st.integers(-1, 70000).map(str), st.just("::1"), st.just("none")),
        ),
        max_size=6,
    ),
)
def test_any_words_make_a_packet_or_are_refused(message: str, words: list[tuple[str, str]]) -> None:
    """Never anything else."""
    try:
        values = read(RECIPES[message], [f"{name}={value}" for name, value in words])
    except UsageError:
        return
    assert len(build(message, values)) >= 40
