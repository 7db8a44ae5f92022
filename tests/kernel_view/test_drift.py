"""Daemons against their kernels: recorded ones agree but for what was written down, and broken ones are told."""

from collections.abc import Callable

import pytest
from harness import NODES
from msgspec import structs
from recorded_views import CN, FIRST, HA, MN, MN2, daemon, kernel

from mipsh.kernel_view import bindings
from mipsh.kernel_view.drift import Difference, drift
from mipsh.kernel_view.view import View
from mipsh.model.records import BindingUpdateListEntry

EXPECTED: dict[tuple[str, str], list[tuple[str, str, str]]] = {
    # The binding that was kept for MN has ended; the policies of both ends mobile were not made those of one.
    ("08-returned-home", "mn2"): [
        ("differs", "policy", f"out {MN2} to {MN} priority 15, hao ro"),
        ("differs", "policy", f"in {MN} to {MN2} priority 15, route2 ro"),
    ],
    ("10-ha-dead", "mn"): [("blocked", "home agent", f"every packet of {MN}")],
}
"""By folder and node: each difference, with words of its sentence; none on the others.

In ``07-cn-restarted`` both nodes' daemons and kernels agree: the daemon took its old states away, and the new
binding is in both; the one with MN2 is not acknowledged, which the kernel knows and waits for.
"""
Change = Callable[[View], View]


def differences(folder: str, node: str, change: Change = lambda view: view) -> list[Difference]:
    """Return in what a recorded daemon and its kernel, changed, differ."""
    said, view = daemon(folder, node), change(kernel(folder, node))
    return list(drift(view, said.cache, said.updates, bindings.role(kernel(folder, node))).differences)


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_recorded_nodes(folder: str, node: str) -> None:
    """As written down: kind and words, and each says what to do."""
    found = differences(folder, node)
    expected = EXPECTED.get((folder, node), [])
    assert len(found) == len(expected)
    for one, (kind, *words) in zip(found, expected, strict=True):
        assert one.kind.value == kind
        assert all(word in one.sentence for word in words), one.sentence
        assert one.sentence.endswith(".") and one.advice


def without(table: str, *marks: str) -> Change:
    """Return the change that takes away the rows of a table in which all marks are."""

    def change(view: View) -> View:
        rows = getattr(view, table)
        left = tuple(row for row in rows if not all(mark in repr(row) for mark in marks))
        assert len(left) < len(rows), "it was not there"
        return structs.replace(view, **{table: left})

    return change


BROKEN: list[tuple[str, str, Change, str, str]] = [
    (
        *("03-route-optimised", "mn"),
        without("states", f"destination='{CN}'", "protocol=60"),
        "missing",
        f"For the binding of {MN} at {CN} the kernel lacks the state hao {MN} to {CN} at {FIRST}, "
        "which puts the Home Address option into packets to the peer.",
    ),
    (
        *("03-route-optimised", "mn"),
        without("routes", "table=252"),
        "missing",
        f"For the home registration of {MN} at {HA} the kernel lacks the route default dev ip6tnl1 table 252, "
        "which leads packets of the home address into the tunnel.",
    ),
    (
        *("03-route-optimised", "mn"),
        without("rules", "priority=1001"),
        "missing",
        f"the kernel lacks the rule 1001: from {MN}/128 lookup 252, which has packets of the home address",
    ),
    (
        *("03-route-optimised", "ha"),
        without("proxies", MN),
        "missing",
        f"For the binding kept for {MN} the kernel lacks the proxy {MN} dev ha0, which lets the home agent answer",
    ),
    (
        *("03-route-optimised", "ha"),
        without("links", "ip6tnl1"),
        "missing",
        f"the kernel lacks the tunnel ip6tnl {HA} to {FIRST}, which carries the packets for the home address",
    ),
    (
        *("03-route-optimised", "cn"),
        without("policies", "direction=1", "priority=16"),
        "missing",
        f"the kernel lacks the policy out {CN} to {MN} priority 16, route2 ro, which sends packets for the home",
    ),
    (
        *("03-route-optimised", "cn"),
        without("states", "flags=8"),
        "missing",
        "The kernel lacks the state hao of anybody (wildrecv), which takes a Home Address option",
    ),
]


@pytest.mark.parametrize(("folder", "node", "change", "kind", "sentence"), BROKEN)
def test_an_object_that_is_gone(folder: str, node: str, change: Change, kind: str, sentence: str) -> None:
    """One difference, about that very object."""
    (found,) = differences(folder, node, change)
    assert found.kind.value == kind
    assert sentence in found.sentence
    assert found.kernel == "nothing" and found.advice and found.by_hand.startswith("ip -6 ")


def test_a_kernel_that_was_flushed() -> None:
    """A row a binding and one for the role, not one for every object."""

    def flush(view: View) -> View:
        return structs.replace(view, states=(), policies=())

    found = differences("03-route-optimised", "mn", flush)
    assert [(one.kind.value, None if one.binding is None else one.binding.peer) for one in found] == [
        ("missing", None),
        ("missing", HA),
        ("missing", CN),
    ]
    assert "none of the 10 objects that every node of this role has" in found[0].sentence
    assert all("none of its" in one.sentence for one in found[1:])


def test_a_daemon_that_was_killed() -> None:
    """One that began anew has no rows; its kernel has the old bindings, each with all of its objects."""
    view = kernel("05-inter-mn", "ha")
    found = drift(view, (), (), "ha").differences
    assert [one.kind.value for one in found] == ["leftover", "leftover"]
    assert {one.binding.home for one in found if one.binding is not None} == {MN, MN2}
    assert all("8 objects" in one.sentence and "restart the daemon" in one.advice for one in found)


def test_a_care_of_address_that_is_another() -> None:
    """The kernel sends to where the mobile node was."""
    said, view = daemon("06-after-handoff", "cn"), kernel("03-route-optimised", "cn")
    found = drift(view, said.cache, said.updates, "cn").differences
    assert [one.kind.value for one in found] == ["differs", "differs"]
    assert all(f"at {FIRST} instead" in one.sentence for one in found)


def test_rows_that_are_on_their_way() -> None:
    """Nothing is missing of them, and what the kernel has already, or still, is not in vain."""
    said, view = daemon("03-route-optimised", "mn"), kernel("03-route-optimised", "mn")
    for state in ("return_routability", "unreachable", "expired", None):
        rows = [structs.replace(row, state=state) for row in said.updates]
        kinds = {one.kind.value for one in drift(view, (), rows, "mn").differences}
        assert kinds == set(), state
    waiting = [structs.replace(row, state="waiting_for_ack", ack="wait") for row in said.updates]
    assert drift(view, (), waiting, "mn").differences == ()
    overdue = [structs.replace(row, lifetime_remaining_s=-3) for row in said.updates]
    assert drift(view, (), overdue, "mn").differences == ()


def test_cache_entries_that_are_not_in_force() -> None:
    """One that dies or is tested for duplicates may have its objects or not; nonces are none."""
    said, view = daemon("03-route-optimised", "ha"), kernel("03-route-optimised", "ha")
    for status in ("dying", "dad"):
        rows = [structs.replace(row, status=status) for row in said.cache]
        bare = without("states", MN)(view)
        states = [one for one in drift(bare, rows, (), "ha").differences if one.kind.value == "missing"]
        assert states == [], status
    nonces = [structs.replace(row, status="nonce-block") for row in said.cache]
    assert [one.kind.value for one in drift(view, nonces, (), "ha").differences] == ["leftover"]


def test_a_peer_that_was_given_up() -> None:
    """What is marked as a peer without Mobile IPv6 needs nothing; what is left of its binding is in vain."""
    said, view = daemon("03-route-optimised", "mn"), kernel("03-route-optimised", "mn")
    rows: list[BindingUpdateListEntry] = [
        structs.replace(row, state="not_mobile") if row.peer_address == CN else row for row in said.updates
    ]
    (found,) = drift(view, (), rows, "mn").differences
    assert (found.kind.value, found.binding and found.binding.peer) == ("leftover", CN)


def test_what_could_not_be_read() -> None:
    """It is no difference, and the rest is compared."""
    said, view = daemon("03-route-optimised", "ha"), kernel("03-route-optimised", "ha")
    found = drift(structs.replace(view, proxies=None, routes=None), said.cache, (), "ha")
    assert found.differences == ()
