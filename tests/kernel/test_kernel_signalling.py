"""Signalling by a real kernel's policies: ``trace`` tells it, and ``bu`` has it begin where no daemon can be asked."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_messages import acknowledgement, acknowledging, await_type, open_socket, send_update, updating
from kernel_nodes import ANY, CN, HA, MH, MN, Nodes, bound, nodes, on_kernel, peer, policy, template

from mipsh.wire.mobility import BindingAcknowledgement

pytestmark = [pytest.mark.system, on_kernel]
UNTYPED = {name: [policy("in", (ANY, ANY), 10, template("hao"), upper=MH)] for name in ("cn", "ha")}
"""What lets Binding Updates in on kernels from 6.7 on, too."""
PENDING = bound(MN, CN)[:3]
"""What a mobile node has for a peer before its Binding Update is acknowledged, but for the policy that awaits it."""


@pytest.fixture(scope="module")
def built() -> Iterator[Nodes]:
    """Lay out the nodes, where all kernels take Binding Updates."""
    with nodes() as made, made.laid(UNTYPED):
        yield made


@pytest.mark.parametrize(("name", "role"), [("mn", "mn"), ("ha", "ha"), ("cn", "cn")])
def test_the_engine_is_the_kernel(built: Nodes, name: str, role: str) -> None:
    """What addresses and XFRM have of a node makes its role."""
    _, rows = built.mipsh(name, "status")
    assert (rows[0]["engine"], rows[0]["role"]) == ("kernel", role), rows


def exchanged(built: Nodes, opened: socket.socket, own: str) -> Path:
    """Capture, on the mobile node's link, a Binding Update until its acknowledgement is there; return the file."""
    with built.dumped("r1", "r-mn") as captured:
        send_update(built, MN, own, 7)
        await_type(opened, BindingAcknowledgement.TYPE)
        built.await_bytes(captured, acknowledgement(MN, own, 7)[:4])
    return captured


@pytest.mark.parametrize(
    ("name", "own", "exchange"), [("ha", HA, "home_registration"), ("cn", CN, "correspondent_registration")]
)
def test_an_exchange(built: Nodes, name: str, own: str, exchange: str) -> None:
    """A Binding Update with a Home Address option, and its acknowledgement with a routing header, are one."""
    laid = {} if own == HA else {"mn": PENDING}
    with built.laid(laid), acknowledging(built, MN, name, own), open_socket(built, "mn") as opened:
        captured = exchanged(built, opened, own)
    status, rows = built.mipsh("mn", "trace", "--read", str(captured))
    assert [(row["exchange"], row["state"]) for row in rows] == [(exchange, "accepted")], rows
    assert (rows[0]["home_address"], rows[0]["care_of_address"], rows[0]["peer"]) == (MN.home, MN.care_of, own), rows
    fields = "mip6.mhtype", "ipv6.opt.mipv6.home_address", "ipv6.routing.mipv6.home_address", "_ws.malformed"
    (update,), (answer,) = (
        [row for row in built.shown(captured, *fields) if row.get("mip6.mhtype") == kind] for kind in ("5", "6")
    )
    assert update == {"mip6.mhtype": "5", "ipv6.opt.mipv6.home_address": MN.home}
    assert answer == {"mip6.mhtype": "6", "ipv6.routing.mipv6.home_address": MN.home}
    assert status == 0


def bu(built: Nodes, name: str, *words: str) -> tuple[int, dict[str, object]]:
    """Have a Binding Update sent from a node; return the status and the last row."""
    status, rows = built.mipsh(name, "--write", "--yes", "bu", *words)
    assert rows, status
    return status, rows[-1]


def test_poke(built: Nodes) -> None:
    """An echo meets the kernel's trigger, the daemon hears of it, and its Binding Update is seen and acknowledged."""
    with built.laid({"mn": PENDING}), acknowledging(built, MN, "cn", CN), updating(built, MN):
        status, row = bu(built, "mn", CN, "--method", "poke")
    assert (row["verdict"], row["method"], row["peer_address"]) == ("accepted", "poke", CN), row
    assert (status, row["home_address"], row["ba_status"]) == (0, MN.home, 0), row


def test_poke_without_a_daemon(built: Nodes) -> None:
    """Nobody sends anything, and that is said."""
    status, row = bu(built, "mn", CN, "--method", "poke", "--wait", "1")
    assert (status, row["verdict"], row["sequence"]) == (1, "not_sent", None), row


def test_brr(built: Nodes) -> None:
    """A correspondent's Binding Refresh Request reaches the mobile node, which sends a Binding Update."""
    laid = {"mn": PENDING, "cn": peer(CN, MN)}
    with built.laid(laid), acknowledging(built, MN, "cn", CN), updating(built, MN):
        status, row = bu(built, "cn", MN.home, "--method", "brr")
    assert (row["verdict"], row["method"], row["home_address"]) == ("accepted", "brr", MN.home), row
    assert (status, row["ba_status"]) == (0, 0), row


def test_be(built: Nodes) -> None:
    """A correspondent's Binding Error reaches the mobile node without a routing header; nobody follows it here."""
    with built.laid({"cn": peer(CN, MN)}), built.dumped("mn", "mn0") as captured:
        status, row = bu(built, "cn", MN.home, "--method", "be", "--wait", "1")
    assert (status, row["verdict"]) == (1, "not_sent"), row
    fields = "mip6.be.status", "mip6.be.haddr", "ipv6.routing.type", "icmpv6.type"
    frames = [found for found in built.shown(captured, *fields) if "mip6.be.status" in found]
    (error,) = [found for found in frames if "icmpv6.type" not in found]
    assert error == {"mip6.be.status": "1", "mip6.be.haddr": MN.home}
