"""What is heard in packets that are damaged or made up: a message, or none, and never anything raised."""

from hypothesis import given
from hypothesis import strategies as st
from signalling_samples import AGENT, CARE_OF, HOME, PEER, S, ba, be, brr, bu, control, cot, coti, hot, hoti, problem

from mipsh.signalling.drawing import draw
from mipsh.signalling.exchanges import Exchanges
from mipsh.signalling.heard import Kind, listen
from mipsh.signalling.ladder import ladder
from mipsh.signalling.report import report
from mipsh.signalling.svg import svg
from mipsh.wire import icmpv6, mobility
from mipsh.wire.mobility import AlternateCareOfAddress, MobilityHeader
from mipsh.wire.packet import Packet

PACKETS = (
    *(hoti(), hot(in_tunnel=True), coti(), cot(), bu(7), ba(7), brr(), be(), problem(coti()), problem(bu(7))),
    control(CARE_OF, AGENT, icmpv6.MobilePrefixSolicitation(9)),
    control(AGENT, CARE_OF, icmpv6.MobilePrefixAdvertisement(9, 0)),
)


@st.composite
def damaged(draw_from: st.DrawFn) -> bytes:
    """Return a packet with some of its bytes changed, and perhaps without its end."""
    data = bytearray(draw_from(st.sampled_from(PACKETS)).encode())
    for _ in range(draw_from(st.integers(0, 4))):
        data[draw_from(st.integers(0, len(data) - 1))] = draw_from(st.integers(0, 255))
    return bytes(data[: draw_from(st.integers(0, len(data)) | st.just(len(data)))])


@given(st.lists(st.tuples(damaged() | st.binary(max_size=120), st.booleans()), max_size=12))
def test_whatever_comes_is_told_and_drawn(told: list[tuple[bytes, bool]]) -> None:
    """Through all of it, from bytes to a picture."""
    machine, over = Exchanges(), []
    for number, (data, is_cut) in enumerate(told):
        found = listen(data, S + number, "eth0", is_cut=is_cut)
        over += machine.take(found) if found is not None else []
    over += machine.finish()
    drawing = draw({exchange.number: exchange for exchange in over}.values())
    assert all(report(exchange).messages for exchange in over)
    assert all(len(line) <= 80 for line in ladder(drawing).splitlines())
    assert svg(drawing).endswith("</svg>\n")


def test_whom_an_update_is_about() -> None:
    """By its source, by the option that says another care-of address; from the home address it says neither."""
    option = (AlternateCareOfAddress(CARE_OF),)
    alternate = Packet(HOME, AGENT, MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0xC000, 15, option))))
    through = Packet(HOME, PEER, MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0x8000, 15))))
    ended = Packet(HOME, AGENT, MobilityHeader(mobility.padded(mobility.BindingUpdate(1, 0xC000, 0))))
    found = [listen(packet.encode(), S) for packet in (bu(7), alternate, through, ended)]
    said = [None if one is None else (one.home_address, one.care_of_address) for one in found]
    assert said == [(HOME, CARE_OF), (HOME, CARE_OF), (HOME, None), (HOME, HOME)]


def test_one_packet_is_the_same_wherever_it_is() -> None:
    """In a tunnel, with another hop limit; and not the same as another one."""
    plain, inside, other = (listen(one.encode(), S) for one in (hoti(), hoti(in_tunnel=True), hoti(b"another!")))
    assert plain is not None
    assert inside is not None
    assert other is not None
    assert plain.identity == inside.identity != other.identity
    assert plain.place != inside.place
    assert (inside.kind, inside.tunnel) == (Kind.HOTI, (CARE_OF, AGENT))
