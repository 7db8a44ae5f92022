"""The ladder diagram: everybody a column, every message an arrow, no line too long, and no text that acts."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signalling_samples import (
    ACKNOWLEDGED,
    AGENT,
    MS,
    PEER,
    S,
    ba,
    bu,
    control,
    cot,
    coti,
    hot,
    hoti,
    problem,
    recorded,
    tell,
)

from mipsh.signalling.drawing import Drawing, Participant, Row, draw
from mipsh.signalling.ladder import ladder
from mipsh.signalling.svg import svg
from mipsh.wire import icmpv6
from mipsh.wire.address import parse

RUN = (
    (0, bu(7)),
    (10 * MS, ba(7)),
    (20 * MS, hoti(in_tunnel=True)),
    (21 * MS, coti()),
    (30 * MS, cot()),
    (40 * MS, hot(in_tunnel=True)),
    (50 * MS, bu(8, PEER, ACKNOWLEDGED)),
    (60 * MS, ba(8, PEER, 135)),
)


def test_who_takes_part_and_in_which_order() -> None:
    """Mobile node, home agent, correspondent; the names that the user gave."""
    drawing = draw(tell(*RUN), lambda address: "server" if address == "2001:db8:4::2" else "")
    assert [participant.name for participant in drawing.participants] == ["MN", "HA", "server"]
    assert drawing.participants[0].addresses == ("2001:db8:1::100", "2001:db8:2::100")
    arrows = [(row.source, row.destination, row.label) for row in drawing.rows if row.source is not None]
    assert arrows == [
        (0, 1, "BU, seq 7, 60 s, AH"),
        (1, 0, "BA, 10.0 ms, seq 7, status 0, 60 s"),
        (0, 2, "HoTI, through the tunnel"),
        (0, 2, "CoTI"),
        (2, 0, "CoT, 9.0 ms"),
        (2, 0, "HoT, 20.0 ms, through the tunnel"),
        (0, 2, "BU, seq 8, 60 s, A"),
        (2, 0, "BA, 10.0 ms, seq 8, status 135, 60 s"),
    ]
    (remark,) = [row for row in drawing.rows if row.source is None]
    assert "sequence number out of window" in remark.label
    assert remark.is_failed


def test_on_a_terminal() -> None:
    """Arrows pass the columns between; what is too long for its arrow is cut."""
    lines = ladder(draw(tell(*RUN)), 80).splitlines()
    assert lines[0].split() == ["MN", "HA", "CN"]
    assert lines[1].startswith("    0.000  │── BU, seq 7, 60 s, AH ")
    assert lines[3].startswith("    0.020  │── HoTI, through the tunnel ")
    assert "┼" in lines[3]
    assert lines[3].endswith("▶│")
    assert lines[-3:] == [
        "          MN: 2001:db8:1::100, 2001:db8:2::100",
        "          HA: 2001:db8:1::1",
        "          CN: 2001:db8:4::2",
    ]
    plain = ladder(draw(tell(*RUN)), 80, unicode=False)
    assert plain.isascii()
    assert len(plain.splitlines()) == len(lines)


@pytest.mark.parametrize("width", [20, 44, 60, 80, 132])
@pytest.mark.parametrize("name", ["cn", "mn", "r1"])
def test_no_line_is_too_long(name: str, width: int) -> None:
    """On any terminal that is at least as wide as the narrowest one."""
    drawing = draw(recorded(name)[0])
    assert max(map(len, ladder(drawing, width).splitlines())) <= max(width, 44)


def test_what_is_missing_and_what_failed_is_remarked() -> None:
    """Below where it was last heard of."""
    drawing = draw(tell((0, hoti()), (S, hoti()), (60 * S, coti()), (61 * S, problem(coti()))))
    text = ladder(drawing)
    assert "HoTI x 2" in text
    assert "✗ 2 HoTI, no HoT (unanswered)" in text
    assert "╌╌" in text
    assert "◀" in text


def test_those_who_have_least_to_say_are_left_out() -> None:
    """There is room for four; how many exchanges are missing is said."""
    packets = [(number * MS, bu(7, parse(f"2001:db8:4::{number + 1:x}"), ACKNOWLEDGED)) for number in range(6)]
    drawing = draw(tell(*packets))
    assert len(drawing.participants) == 4
    assert drawing.left_out == "3 exchanges with others"
    assert "(3 exchanges with others not drawn)" in ladder(drawing)
    assert "(3 exchanges with others not drawn)" in svg(drawing)


def test_nothing_at_all() -> None:
    """An empty diagram is one."""
    drawing = draw(())
    assert ladder(drawing) == ""
    assert ElementTree.fromstring(svg(drawing)).tag.endswith("svg")


def test_a_picture() -> None:
    """It is well-formed, and refers to nothing outside."""
    picture = svg(draw(recorded("mn")[0]))
    root = ElementTree.fromstring(picture)
    assert len(root.findall(".//{*}polygon")) > 50
    assert not root.findall(".//{*}script")
    assert "href" not in picture
    assert "url(" not in picture


@given(st.text(max_size=30), st.text(max_size=60))
def test_whatever_somebody_is_called(name: str, label: str) -> None:
    """A name and a label are text in the picture, whatever is in them."""
    rows = (Row(0, label, 0, 1), Row(1, label), Row(2, label, 1, 1))
    drawing = Drawing((Participant(name, (name,)), Participant("CN", ())), rows, 0, name)
    root = ElementTree.fromstring(svg(drawing))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        *("svg", "title", "style", "rect", "line", "text", "polygon")
    }


def test_a_message_of_others_is_no_arrow_of_these() -> None:
    """Discovery goes to an address of nobody: the home agent's line takes it."""
    anycast = parse("2001:db8:1::fdff:ffff:ffff:fffe")
    request = control(parse("2001:db8:2::100"), anycast, icmpv6.HomeAgentDiscoveryRequest(7))
    reply = control(AGENT, parse("2001:db8:2::100"), icmpv6.HomeAgentDiscoveryReply(7, (AGENT,)))
    drawing = draw(tell((0, request), (MS, reply), (2 * MS, bu(7))))
    assert [participant.name for participant in drawing.participants] == ["MN", "HA"]
    assert [(row.source, row.destination) for row in drawing.rows][:2] == [(0, 1), (1, 0)]
