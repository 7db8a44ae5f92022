"""Bindings, tunnels and plumbing as a real Mobile IPv6 kernel has them; each object that is taken away is missed."""

from collections.abc import Iterator

import pytest
from kernel_nodes import CN, HA, MN, MN2, Nodes, between, block, nodes, on_kernel, policy, state

from mipsh.commands.tunnels import use
from mipsh.kernel_view import bindings
from mipsh.kernel_view.plumbing import MIP6_DEVICE, Piece, of_kernel, plumb
from mipsh.kernel_view.things import Verdict
from mipsh.kernel_view.view import View, look
from mipsh.linux.facts import LiveSource

pytestmark = [pytest.mark.system, on_kernel]


@pytest.fixture(scope="module")
def built() -> Iterator[Nodes]:
    """Lay out the nodes: the mobile nodes are registered, and bound to each other and to the correspondent."""
    with nodes() as made, made.laid({"mn": between(MN, MN2), "mn2": between(MN2, MN)}), made.optimised():
        yield made


def seen(built: Nodes, name: str) -> View:
    """Return a node's kernel."""
    found = built.netns.inside(name, lambda: look(LiveSource()))
    assert found.unread == ()
    return found


def wrong(view: View) -> list[Piece]:
    """Return what is missing of the kernel's own bindings, or there in vain."""
    found = plumb(view, of_kernel(view), bindings.role(view))
    return [piece for piece in found.pieces if piece.verdict is not Verdict.PRESENT]


@pytest.mark.parametrize(("name", "role"), [("mn", "mn"), ("mn2", "mn"), ("ha", "ha"), ("cn", "cn")])
def test_all_is_there(built: Nodes, name: str, role: str) -> None:
    """By role, every object that mip6d would have made is found over netlink, and nothing else."""
    view = seen(built, name)
    assert bindings.role(view) == role
    assert wrong(view) == []


def test_bindings(built: Nodes) -> None:
    """Of each node, as they were laid out."""
    kept = {(one.home, one.local, one.place) for one in bindings.kept(seen(built, "ha"))}
    assert kept == {(MN.home, HA, MN.care_of), (MN2.home, HA, MN2.care_of)}
    own = {(one.peer, one.state, one.care_of) for one in bindings.own(seen(built, "mn"))}
    assert own == {(peer, "bound", MN.care_of) for peer in (HA, CN, MN2.home)}


def test_tunnels_are_marked(built: Nodes) -> None:
    """As those of Mobile IPv6, and each is known by what goes through it."""
    view = seen(built, "ha")
    said = {use(link, link.tunnel, view): link.tunnel.flags & MIP6_DEVICE for link in view.tunnels or () if link.tunnel}
    marked = {what for what, mark in said.items() if mark}
    assert marked == {f"packets for {MN.home}", f"packets for {MN2.home}"}


def test_as_typed(built: Nodes) -> None:
    """The connector, and the commands that look at the kernel."""
    status, rows = built.mipsh("ha", "bc")
    assert status == 0
    assert {(row["home_address"], row["status"], row["link_interface"]) for row in rows} == {
        (MN.home, "registered", "ha0"),
        (MN2.home, "registered", "ha0"),
    }
    assert all(row["tunnel_interface"].startswith("ip6tnl") for row in rows)
    status, rows = built.mipsh("mn", "bul", CN)
    assert [(row["peer_address"], row["state"], row["interface"]) for row in rows] == [(CN, "bound", MN.interface)]
    status, rows = built.mipsh("mn", "routes", MN.home)
    assert (status, {row["verdict"] for row in rows}) == (0, {"present"})


def test_a_home_address_that_waits(built: Nodes) -> None:
    """Everything is blocked until the home registration is in force: the binding is not one that is in force."""
    with built.laid({"mn": [block()]}):
        states = {one.registration: one.state for one in bindings.own(seen(built, "mn"))}
    assert states == {"home": "blocked", "correspondent": "bound"}


TAKEN = [
    ("ha", f"neigh del proxy {MN.home} dev ha0", f"neigh add proxy {MN.home} dev ha0", "proxy"),
    (
        "mn",
        f"rule del from {MN.home} blackhole pref 1003",
        f"rule add from {MN.home} blackhole pref 1003",
        "rule",
    ),
    ("mn", "link set ip6tnl1 down", "link set ip6tnl1 up", "tunnel"),
]


@pytest.mark.parametrize(("name", "less", "again", "kind"), TAKEN)
def test_what_is_taken_away_is_missed(built: Nodes, name: str, less: str, again: str, kind: str) -> None:
    """That very object; where a tunnel is switched off, the routes through it go with it."""
    before = built.run(name, "ip", "-6", "route", "show", "table", "252")
    built.ip(name, [less])
    found = wrong(seen(built, name))
    built.ip(name, [again])
    if kind == "tunnel" and name == "mn":
        built.ip(name, ["route add default dev ip6tnl1 table 252 proto 16 metric 128"])
    assert built.run(name, "ip", "-6", "route", "show", "table", "252") == before
    assert kind in {piece.kind for piece in found}
    assert {piece.verdict for piece in found} == {Verdict.MISSING}


def test_what_is_left_of_a_binding(built: Nodes) -> None:
    """A state and a policy of a home address that nobody serves: they are a binding, and lack the rest of one."""
    other = "2001:db8:1::300"
    lines = [
        state("route2", HA, other, MN.care_of),
        policy("out", (HA, other), 16, "tmpl src :: dst :: proto route2 mode ro level use"),
    ]
    with built.laid({"ha": lines}):
        view = seen(built, "ha")
    found = wrong(view)
    assert {one.home for one in bindings.kept(view)} == {MN.home, MN2.home, other}
    assert {(piece.kind, piece.verdict) for piece in found} == {
        ("state", Verdict.MISSING),
        ("policy", Verdict.MISSING),
    }
