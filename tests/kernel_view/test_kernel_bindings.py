"""Bindings found in recorded kernels: a table that was written from the policies, and what the daemons said."""

import pytest
from harness import NODES
from msgspec import structs
from recorded_views import CN, FIRST, HA, MN, MN2, MN2_AT, SECOND, SECURED, daemon, kernel

from mipsh.kernel_view import bindings
from mipsh.kernel_view.view import View
from mipsh.model.xfrm import State

HOME, PEER = "home", "correspondent"
Kept = tuple[str, str, str | None, str | None]
Own = tuple[str, str | None, str, str, str | None]
AT_HA = (MN, HA, FIRST, "registered")
MN2_AT_HA = (MN2, HA, MN2_AT, "registered")
REGISTERED = (MN, HA, HOME, "bound", FIRST)
OPTIMISED = (MN, CN, PEER, "bound", FIRST)
MN2_REGISTERED = (MN2, HA, HOME, "bound", MN2_AT)
EXPECTED: dict[tuple[str, str], tuple[str, list[Kept], list[Own]]] = {
    ("01-boot-ha-cn", "cn"): ("cn", [], []),
    ("01-boot-ha-cn", "ha"): ("ha", [], []),
    ("02-registered", "cn"): ("cn", [], []),
    ("02-registered", "ha"): ("ha", [AT_HA], []),
    ("02-registered", "mn"): ("mn", [], [REGISTERED]),
    ("03-route-optimised", "cn"): ("cn", [(MN, CN, FIRST, "cached")], []),
    ("03-route-optimised", "ha"): ("ha", [AT_HA], []),
    ("03-route-optimised", "mn"): ("mn", [], [REGISTERED, OPTIMISED]),
    ("04-cn2-without-daemon", "mn"): ("mn", [], [REGISTERED, OPTIMISED]),
    ("05-inter-mn", "cn"): ("cn", [(MN, CN, FIRST, "cached")], []),
    ("05-inter-mn", "ha"): ("ha", [AT_HA, MN2_AT_HA], []),
    ("05-inter-mn", "mn"): (
        "mn",
        [(MN2, MN, MN2_AT, "cached")],
        [REGISTERED, (MN, MN2, PEER, "bound", FIRST), OPTIMISED],
    ),
    ("05-inter-mn", "mn2"): ("mn", [(MN, MN2, FIRST, "cached")], [MN2_REGISTERED, (MN2, MN, PEER, "bound", MN2_AT)]),
    ("06-after-handoff", "cn"): ("cn", [(MN, CN, SECOND, "cached")], []),
    ("06-after-handoff", "ha"): ("ha", [(MN, HA, SECOND, "registered"), MN2_AT_HA], []),
    ("06-after-handoff", "mn"): (
        "mn",
        [(MN2, MN, MN2_AT, "cached")],
        [
            (MN, HA, HOME, "bound", SECOND),
            (MN, MN2, PEER, "pending", None),
            (MN, CN, PEER, "bound", SECOND),
        ],
    ),
    ("06-after-handoff", "mn2"): (
        "mn",
        [(MN, MN2, FIRST, "cached")],
        [MN2_REGISTERED, (MN2, MN, PEER, "bound", MN2_AT)],
    ),
    ("07-cn-restarted", "cn"): ("cn", [(MN, CN, SECOND, "cached")], []),
    ("07-cn-restarted", "mn"): (
        "mn",
        [(MN2, MN, MN2_AT, "cached")],
        [
            (MN, HA, HOME, "bound", SECOND),
            (MN, MN2, PEER, "pending", None),
            (MN, CN, PEER, "bound", SECOND),
        ],
    ),
    ("08-returned-home", "cn"): ("cn", [], []),
    ("08-returned-home", "ha"): ("ha", [MN2_AT_HA], []),
    ("08-returned-home", "mn"): ("mn", [(MN2, MN, MN2_AT, "cached")], []),
    # Policies for both ends mobile are left, without a state: the binding that was kept for MN has ended.
    ("08-returned-home", "mn2"): (
        "mn",
        [(MN, MN2, None, "cached")],
        [MN2_REGISTERED, (MN2, MN, PEER, "bound", MN2_AT)],
    ),
    ("09-away-again", "ha"): ("ha", [AT_HA, MN2_AT_HA], []),
    ("09-away-again", "mn"): ("mn", [(MN2, MN, MN2_AT, "cached")], [REGISTERED]),
    ("10-ha-dead", "mn"): ("mn", [(MN2, MN, MN2_AT, "cached")], [(MN, None, HOME, "blocked", None)]),
    ("ipsec", "cn"): ("cn", [], []),
    ("ipsec", "ha"): ("ha", [(MN, HA, SECURED, "registered")], []),
    ("ipsec", "mn"): ("mn", [], [(MN, HA, HOME, "bound", SECURED), (MN, CN, PEER, "pending", SECURED)]),
}
"""By folder and node: the role, the binding cache, and the binding update list that the kernel has."""
ALIKE = {"waiting_for_ack": "pending"}


def kept(view: View) -> list[Kept]:
    """Return the binding cache, in short."""
    rows = bindings.cache_rows(view, str)
    return sorted((row.home_address, row.local_address or "", row.care_of_address, row.status) for row in rows)


def own(view: View) -> list[Own]:
    """Return the binding update list, in short."""
    rows = bindings.update_rows(view, str)
    found = [
        (row.home_address, row.peer_address, row.registration or "", row.state or "", row.care_of_address)
        for row in rows
    ]
    return sorted(found, key=str)


def test_every_recorded_node_has_its_row() -> None:
    """Nothing was left out."""
    assert sorted(EXPECTED) == sorted(NODES)


@pytest.mark.parametrize(("folder", "node"), EXPECTED)
def test_roles_and_bindings(folder: str, node: str) -> None:
    """As written down."""
    view = kernel(folder, node)
    role, cache, updates = EXPECTED[folder, node]
    assert view.unread == ()
    assert bindings.role(view) == role
    assert kept(view) == sorted(cache, key=str)
    assert own(view) == sorted(updates, key=str)


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_what_the_daemon_said(folder: str, node: str) -> None:
    """The same bindings, but for those that a daemon has given up, which the kernel blocks or has nothing of."""
    view, said = kernel(folder, node), daemon(folder, node)
    in_cache = [row for row in kept(view) if row[2] is not None]
    assert in_cache == sorted((r.home_address, r.local_address or "", r.care_of_address, r.status) for r in said.cache)
    updates = [
        (
            row.home_address,
            row.peer_address,
            row.registration or "",
            ALIKE.get(row.state or "", row.state or ""),
        )
        for row in said.updates
        if row.state != "not_mobile"
    ]
    assert [row[:4] for row in own(view) if row[3] != "blocked"] == sorted(updates, key=str)
    for row in bindings.cache_rows(view, str):
        (theirs,) = [one for one in said.cache if one.home_address == row.home_address] or [row]
        assert (row.tunnel_interface, row.link_interface) == (theirs.tunnel_interface, theirs.link_interface)
    for entry in bindings.update_rows(view, str):
        (ours,) = [one for one in said.updates if one.peer_address == entry.peer_address] or [entry]
        assert entry.interface in (ours.interface, None)


def test_what_is_said_beside_it() -> None:
    """The priority by its name, and when the binding last carried a packet; nothing else is made up."""
    view = kernel("03-route-optimised", "mn")
    (row,) = [row for row in bindings.update_rows(view, str) if row.peer_address == CN]
    assert row.extra == {"priority": "15", "purpose": "RO data to a correspondent", "last_used": "1795416960"}
    assert (row.sequence, row.lifetime_remaining_s, row.lifetime_granted_s, row.flags) == (None, None, None, ())


def test_what_was_not_read_is_not_known() -> None:
    """Without XFRM there are home addresses and rules alone; without routes a registration is not told from others."""
    mobile, agent = kernel("03-route-optimised", "mn"), kernel("03-route-optimised", "ha")
    blind = structs.replace(mobile, states=None, policies=None)
    assert (bindings.role(blind), bindings.own(blind), bindings.kept(blind)) == ("mn", [], [])
    assert bindings.role(structs.replace(agent, states=None, policies=None)) == "ha"
    assert bindings.role(View()) is None and not bindings.does_mobility(View())
    (row,) = bindings.cache_rows(structs.replace(agent, routes=None, proxies=None), str)
    assert (row.home_address, row.status, row.link_interface) == (MN, None, None)


@pytest.mark.parametrize("protocol", [43, 60])
def test_states_that_contradict_each_other(protocol: int) -> None:
    """Two care-of addresses for one binding are none."""
    view = kernel("03-route-optimised", "cn")

    def moved(state: State) -> State:
        is_meant = state.protocol == protocol and not state.is_wildcard
        return structs.replace(state, care_of_address="2001:db8:9::9") if is_meant else state

    (row,) = bindings.cache_rows(structs.replace(view, states=tuple(map(moved, view.states or ()))), str)
    assert (row.home_address, row.care_of_address) == (MN, None)


def test_a_policy_without_its_state_is_not_in_force() -> None:
    """The daemon would say that it is."""
    view = kernel("03-route-optimised", "mn")
    states = tuple(state for state in view.states or () if state.destination != CN)
    (row,) = [row for row in bindings.update_rows(structs.replace(view, states=states), str) if row.peer_address == CN]
    assert (row.state, row.care_of_address) == ("incomplete", None)
