"""The ways of packets between kernels that make the headers themselves: ``ping6`` tells, ``why`` foretells them."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from kernel_nodes import (
    CN,
    HA,
    MN,
    MN2,
    Laid,
    Nodes,
    between,
    block,
    bound,
    encrypted,
    nodes,
    on_kernel,
    peer,
    receiving,
    routing,
)

pytestmark = [pytest.mark.system, on_kernel]
OPTIMISED = {"mn": bound(MN, CN), "cn": peer(CN, MN)}
INTER_MN = {"mn": between(MN, MN2), "mn2": between(MN2, MN)}

OPTION, ROUTING = "ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address"


class Case(NamedTuple):
    """Where bindings are, who sends to whom, and the ways there and back."""

    laid: Laid
    sender: str
    host: str
    source: str
    there: str
    back: str


CASES = {
    "registered": Case({}, "mn", CN, MN.home, "tunnel", "tunnel"),
    "optimised": Case(OPTIMISED, "mn", CN, MN.home, "ro", "ro"),
    "its-half": Case({"mn": bound(MN, CN), "cn": receiving(CN, MN)}, "mn", CN, MN.home, "ro", "tunnel"),
    "the-peers-half": Case({"cn": routing(CN, MN)}, "mn", CN, MN.home, "tunnel", "ro"),
    "care-of-address": Case(OPTIMISED, "mn", CN, MN.care_of, "direct", "direct"),
    "home-agent": Case({}, "mn", HA, MN.home, "ro", "ro"),
    "from-home-agent": Case({}, "ha", MN.home, HA, "ro", "ro"),
    "from-correspondent": Case(OPTIMISED, "cn", MN.home, CN, "ro", "ro"),
    "from-a-stranger": Case({}, "cn", MN.home, CN, "direct", "direct"),
    "two-mobile-nodes": Case({}, "mn", MN2.home, MN.home, "tunnel", "tunnel"),
    "two-optimised": Case(INTER_MN, "mn", MN2.home, MN.home, "ro", "ro"),
}


@pytest.fixture(scope="module")
def built() -> Iterator[Nodes]:
    """Lay out the nodes."""
    with nodes() as made:
        yield made


@pytest.mark.parametrize("name", ["registered", "optimised", "its-half", "the-peers-half", "two-optimised"])
def test_echoes(built: Nodes, name: str) -> None:
    """All of them go and come as the states and policies have it."""
    case = CASES[name]
    with built.laid(case.laid):
        options = "--source", case.source, "-c", "3", "-i", "0.1", "--expect", f"{case.there}:{case.back}"
        status, rows = built.mipsh(case.sender, "ping6", case.host, *options)
    assert {row["path"] for row in rows if row["kind"] == "path"} == {f"{case.there}:{case.back}"}, rows
    assert (rows[0]["received"], status) == (3, 0), rows


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_predictions(built: Nodes, case: Case) -> None:
    """The next packet's way is foretold by XFRM alone, and an echo proves it."""
    with built.laid(case.laid):
        status, rows = built.mipsh(case.sender, "why", case.host, "--from", case.source, "--prove")
    (rule,) = [row for row in rows if row["decides"]]
    assert (rule["path"], rows[-1]["path"], rows[-1]["answer"]) == (case.there, case.there, "yes"), rows
    assert status in (0, 3), rows


def test_the_home_address_is_chosen(built: Nodes) -> None:
    """It is the source where none is named (RFC 6724 section 5, rule 4), and goes as predicted."""
    with built.laid(OPTIMISED):
        _, rows = built.mipsh("mn", "why", CN, "--prove")
    assert MN.home in rows[0]["evidence"], rows
    assert (rows[-1]["path"], rows[-1]["answer"]) == ("ro", "yes"), rows


def test_a_home_address_that_waits_for_its_registration(built: Nodes) -> None:
    """It is blocked: nothing leaves, which is foretold and said."""
    with built.laid({"mn": [block()]}):
        _, rows = built.mipsh("mn", "why", CN, "--from", MN.home, "--prove")
        status, echoes = built.mipsh("mn", "ping6", CN, "--source", MN.home, "-c", "2", "-i", "0.1")
    assert [row["path"] for row in rows if row["decides"]] == ["none"], rows
    assert (rows[-1]["path"], rows[-1]["answer"]) == ("none", "yes"), rows
    assert (status, echoes[0]["sent"], echoes[0]["lost_here"]) == (1, 2, 2), echoes


def test_the_headers_are_the_kernels(built: Nodes) -> None:
    """As tshark sees them on the router: a Home Address option one way, a routing header of type 2 back."""
    with built.laid(OPTIMISED), built.dumped("r1", "r-cn") as captured:
        built.mipsh("mn", "ping6", CN, "--source", MN.home, "-c", "2", "-i", "0.1")
    fields = "icmpv6.type", "ipv6.src", "ipv6.dst", OPTION, ROUTING
    frames = [row for row in built.shown(captured, *fields) if row.get("icmpv6.type") in ("128", "129")]
    requests, replies = ([row for row in frames if row["icmpv6.type"] == kind] for kind in ("128", "129"))
    assert len(requests) == len(replies) == 2
    assert all(MN.care_of in row["ipv6.src"] and row.get(OPTION) == MN.home for row in requests), requests
    assert all(MN.care_of in row["ipv6.dst"] and row.get(ROUTING) == MN.home for row in replies), replies


def test_an_encrypted_tunnel(built: Nodes) -> None:
    """By its ends it is the tunnel, both ways, as predicted; on the link there is nothing but ESP."""
    with built.laid(encrypted(MN, CN)), built.dumped("r1", "r-mn") as captured:
        status, rows = built.mipsh("mn", "ping6", CN, "--source", MN.home, "-c", "2", "-i", "0.1")
        _, steps = built.mipsh("mn", "why", CN, "--from", MN.home)
    assert {row["path"] for row in rows if row["kind"] == "path"} == {"tunnel:tunnel"}, rows
    (rule,) = [row for row in steps if row["decides"]]
    assert rule["path"] == "tunnel" and "IPsec: priority 10" in rule["evidence"], steps
    shown = built.shown(captured, "esp.spi", "icmpv6.type")
    assert {row["esp.spi"] for row in shown if "esp.spi" in row} == {"0x00000100", "0x00000101"}
    assert status == 0 and not [row for row in shown if row.get("icmpv6.type") in ("128", "129")]
