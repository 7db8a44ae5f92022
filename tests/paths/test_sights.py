"""Which echo a frame carries, whoever's it is, and which error: for those who do not know what comes."""

from echo_frames import (
    AGENT,
    CARE_OF,
    DATA,
    HOME,
    PEER,
    encrypted,
    home_option,
    on_link,
    reply,
    request,
    routed,
    tunnelled,
)
from hypothesis import given
from hypothesis import strategies as st

from mipsh.paths.echo import REPLY, REQUEST, Echo, Frame
from mipsh.paths.sights import echo_of, error_in, number_of
from mipsh.wire import pcap
from mipsh.wire.address import text
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.icmpv6 import Icmpv6, TimeExceeded
from mipsh.wire.packet import Packet, Payload

FORMS = {
    "request": (request(), REQUEST),
    "reply": (reply(), REPLY),
    "optimised request": (request(CARE_OF, PEER, [home_option()]), REQUEST),
    "optimised reply": (reply(PEER, CARE_OF, [routed()]), REPLY),
    "tunnelled request": (tunnelled(request(), CARE_OF, AGENT), REQUEST),
}
ERROR = Packet(AGENT, CARE_OF, Icmpv6(TimeExceeded(0, 0, request(CARE_OF, PEER, [home_option()]).encode())))


def test_an_echo_is_the_same_in_every_form() -> None:
    """Its ends are those that programs know."""
    for packet, part in FORMS.values():
        assert echo_of(on_link(packet, 1.0)) == (part, Echo(HOME, PEER, 7, 3, b"", len(DATA)))
        assert number_of(on_link(packet, 1.0), 7) == 3
        assert number_of(on_link(packet, 1.0), 8) is None


def test_what_is_no_echo() -> None:
    """Encrypted, an error, bytes, another address than the header's own: none that is known."""
    for frame in (
        on_link(encrypted(request(), CARE_OF, AGENT), 1.0),
        on_link(ERROR, 1.0),
        on_link(request(CARE_OF, PEER, [home_option(), home_option()]), 1.0),
        Frame(1.0, "eth0", pcap.RAW_IPV6, b"\x60"),
        Frame(1.0, "eth0", pcap.ETHERNET, bytes(14)),
    ):
        assert echo_of(frame) is None


def test_the_number_in_a_first_fragment() -> None:
    """It stands in the first eight bytes."""
    message = request().encode()[40:]
    pieces = {
        (58, message[:16], 0): 3,
        (58, message[:6], 0): None,
        (58, message[16:], 2): None,
        (58, b"\x87" + message[1:16], 0): None,
        (17, message[:16], 0): None,
    }
    for (protocol, data, offset), number in pieces.items():
        packet = Packet(CARE_OF, PEER, Payload(protocol, data), (FragmentHeader(offset, True, 5),))
        assert number_of(on_link(packet, 1.0), 7) == number
        assert number_of(on_link(packet, 1.0), 9) is None


def test_an_error_and_whom_it_is_from() -> None:
    """Anything else is none."""
    found = error_in(on_link(ERROR, 1.0))
    assert found is not None
    assert (found[0], type(found[1])) == (text(AGENT), TimeExceeded)
    for packet, _ in FORMS.values():
        assert error_in(on_link(packet, 1.0)) is None
    assert error_in(Frame(1.0, "", pcap.ETHERNET, bytes(20))) is None


@given(st.sampled_from(sorted(pcap.LINKTYPES)), st.binary(max_size=120))
def test_any_bytes(linktype: int, data: bytes) -> None:
    """There is an answer."""
    frame = Frame(1.0, "", linktype, data)
    assert number_of(frame, 7) is None
    assert echo_of(frame) is None
    assert error_in(frame) is None
