"""Whether a probe was whole on the links, wherever the option or the tunnel is around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.mobility.fragmentation import fragments
from mipsh.path_mtu.shape import Shape, shapes
from mipsh.paths.echo import ETHERNET, NO_LINK_LAYER, Echo, Frame
from mipsh.wire import pcap
from mipsh.wire.address import parse
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Packet

HOME, CARE_OF, AGENT, PEER = (
    parse(address) for address in ("2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2")
)
DATA = b"a token." + bytes(1444)
ECHO = Echo(HOME, PEER, 7, 3, DATA[:8], len(DATA))
OPTION: tuple[Header, ...] = (carrying(HomeAddress(HOME)),)
ROUTED: tuple[Header, ...] = (Type2RoutingHeader(HOME),)
REQUEST, REPLY = Icmpv6(EchoRequest(7, 3, DATA)), Icmpv6(EchoReply(7, 3, DATA))
DIRECT = Packet(HOME, PEER, REQUEST)
FORMS = {
    "direct": DIRECT,
    "ro": Packet(CARE_OF, PEER, REQUEST, OPTION),
    "tunnel": Packet(CARE_OF, AGENT, DIRECT),
}


def _frame(data: bytes, *, is_outgoing: bool = True, hardware: int = ETHERNET) -> Frame:
    return Frame(1.0, "eth0", pcap.RAW_IPV6, data, is_outgoing, hardware)


@pytest.mark.parametrize("form", FORMS)
def test_whole(form: str) -> None:
    """All of it is on the link, with what is around it; what a tunnel's own interface shows does not count."""
    data = FORMS[form].encode()
    above = _frame(DIRECT.encode(), hardware=NO_LINK_LAYER)
    assert shapes([above, _frame(data)], ECHO) == (Shape(True, len(data)), Shape())


@pytest.mark.parametrize("form", FORMS)
def test_in_pieces(form: str) -> None:
    """The first piece shows that it was cut, and at which size."""
    pieces = list(fragments(FORMS[form], 1400, 99))
    assert len(pieces) > 1
    request, _ = shapes([_frame(piece) for piece in pieces], ECHO)
    assert request == Shape(False, len(pieces[0]))


def test_a_reply_in_pieces() -> None:
    """The other half is told apart by its direction and its type."""
    pieces = list(fragments(Packet(PEER, CARE_OF, REPLY, ROUTED), 1400, 99))
    frames = [_frame(DIRECT.encode()), *(_frame(piece, is_outgoing=False) for piece in pieces)]
    request, reply = shapes(frames, ECHO)
    assert (request.is_whole, reply) == (True, Shape(False, len(pieces[0])))


def test_another_echo_in_pieces() -> None:
    """Its numbers are others."""
    other = Packet(HOME, PEER, Icmpv6(EchoRequest(7, 4, DATA)))
    assert shapes([_frame(piece) for piece in fragments(other, 1400, 99)], ECHO) == (Shape(), Shape())


@given(st.sampled_from(sorted(FORMS)), st.integers(0, 1500), st.binary(max_size=4), st.integers(1280, 1500))
def test_whatever_is_captured(form: str, at: int, changed: bytes, mtu: int) -> None:
    """Damaged packets raise nothing."""
    for piece in fragments(FORMS[form], mtu, 99):
        data = piece[:at] + changed + piece[at + len(changed) :]
        shapes([_frame(data), _frame(data[:at])], ECHO)
