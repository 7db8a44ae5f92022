"""A binding from both its sides: what agrees, what differs, who is behind, and what was not seen."""

from typing import Any

import pytest
from msgspec import structs

from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.why.sides import AGREES, DIFFERS, UNKNOWN, Side, View, compare, sentence

HOA, COA, OLD, HA, CN = "2001:db8:1::100", "2001:db8:2::7", "2001:db8:3::7", "2001:db8:1::1", "2001:db8:4::2"
CN2 = "2001:db8:4::3"


def mobile(*rows: BindingUpdateListEntry) -> Side:
    """Return the mobile node's side."""
    return Side("mn", "mn", rows, (), 100.0, frozenset({HOA}))


def entry(peer: str = CN, **changes: Any) -> BindingUpdateListEntry:
    """Return a row of its list."""
    home = peer == HA
    kind, flags = ("home", ("A", "H")) if home else ("correspondent", ("A",))
    row = BindingUpdateListEntry(HOA, COA, peer, kind, "bound", None, None, 400, 420, 9, flags=flags, ack="ready")
    return structs.replace(row, **changes)


def caching(name: str, address: str, *rows: BindingCacheEntry) -> Side:
    """Return a peer's side."""
    return Side(name, name[:2], None, rows, 101.0, frozenset({address} if address else ()))


def held(local: str = CN, **changes: Any) -> BindingCacheEntry:
    """Return a row of a binding cache."""
    status, flags = ("registered", ("A", "H")) if local == HA else ("cached", ("A",))
    row = BindingCacheEntry(HOA, COA, status, flags, 399, 420, sequence=9, local_address=local)
    return structs.replace(row, **changes)


def only(views: list[View]) -> View:
    """Return the only view."""
    (view,) = views
    return view


def test_three_nodes_that_agree() -> None:
    """The home registration comes first, the mobile node's side before the peer's."""
    sides = [mobile(entry(), entry(HA)), caching("ha", HA, held(HA)), caching("cn", CN, held())]
    views = compare(sides, CN)
    assert [(row.binding, row.side, row.engine, row.verdict) for view in views for row in view.rows] == [
        ("home", "mn", "mn", AGREES),
        ("home", "ha", "ha", AGREES),
        ("correspondent", "mn", "mn", AGREES),
        ("correspondent", "cn", "cn", AGREES),
    ]
    assert sentence(views, 3).count("both sides agree") == 2


@pytest.mark.parametrize(
    ("mine", "theirs", "said"),
    [
        (entry(), held(), ""),
        (entry(), held(lifetime_remaining_s=385), ""),
        (entry(), held(lifetime_remaining_s=300), "it ends 99 s earlier at the peer"),
        (entry(lifetime_remaining_s=300), held(), "it ends 100 s earlier at the mobile node"),
        (entry(care_of_address=OLD), held(), f"care-of address {OLD} at the mobile node, {COA} at the peer"),
        (entry(sequence=10), held(), "sequence number 10 at the mobile node, 9 at the peer: the peer is behind"),
        (entry(sequence=9), held(sequence=12), "9 at the mobile node, 12 at the peer: the mobile node is behind"),
        (entry(sequence=1), held(sequence=65535), "the peer is behind"),
        (entry(sequence=10, state="waiting_for_ack", ack="wait"), held(), "10 at the mobile node, not acknowledged"),
        (entry(), None, "the mobile node is behind: it goes by a binding that the peer has not"),
        (None, held(), "the peer keeps a binding that the mobile node has not, for 399 s more"),
        (entry(state="return_routability"), None, ""),
        (entry(state="waiting_for_ack", ack="wait"), None, ""),
        (entry(state="waiting_for_ack", ack="wait", retransmissions=3), None, "sent its Binding Update 4 times"),
        (entry(state="not_mobile", care_of_address=None), None, ""),
        (entry(state="not_mobile", care_of_address=None), held(), "leaves the peer alone"),
        (entry(flags=("A", "K")), held(), "flags AK at the mobile node, A at the peer"),
        (entry(), held(flags=()), ""),
        (entry(), held(status="nonce-block"), "the mobile node is behind"),
        (entry(sequence=None), held(lifetime_remaining_s=None), ""),
    ],
)
def test_what_differs(mine: BindingUpdateListEntry | None, theirs: BindingCacheEntry | None, said: str) -> None:
    """In words, with who is behind where the sequence numbers tell."""
    sides = [mobile(*filter(None, [mine])), caching("cn", CN, *filter(None, [theirs]))]
    view = only(compare(sides, CN))
    assert view.verdict == (DIFFERS if said else AGREES), view.differs
    assert said in "; ".join(view.differs)


def test_a_peer_that_was_not_seen() -> None:
    """That is no verdict."""
    view = only(compare([mobile(entry()), caching("cn", CN2)], CN))
    assert (view.verdict, view.rows[1].status) == (UNKNOWN, "unknown")
    assert "the side of cn was not seen" in sentence([view], 2)


def test_the_only_correspondent_without_an_address_is_taken_for_the_peer() -> None:
    """And where that makes a difference, it is said; of two, none is."""
    view = only(compare([mobile(entry()), caching("cn", "")], CN))
    assert view.verdict == DIFFERS and "is taken to be" in view.differs[-1]
    assert only(compare([mobile(entry()), caching("cn", ""), caching("cn2", "")], CN)).verdict == UNKNOWN


def test_peers_are_compared_where_the_mobile_node_was_not_seen() -> None:
    """They may have it at different places; that they agree proves nothing about it."""
    ha, cn = caching("ha", HA, held(HA)), caching("cn", CN, held(care_of_address=OLD))
    assert {view.verdict for view in compare([ha, cn])} == {DIFFERS}
    assert {view.verdict for view in compare([ha, caching("cn", CN, held())])} == {UNKNOWN}


def test_a_host_that_nobody_knows() -> None:
    """There is nothing to be compared."""
    assert compare([mobile(entry()), caching("cn", CN, held())], "2001:db8:9::9") == []
    assert sentence([], 2) == "None of 2 engines has such a binding."


def test_a_home_address_means_all_its_bindings() -> None:
    """Those of others are left out."""
    other = structs.replace(held(), home_address="2001:db8:1::300")
    sides = [mobile(entry(), entry(HA)), caching("ha", HA, held(HA)), caching("cn", CN, held(), other)]
    assert [view.pair.peer for view in compare(sides, HOA)] == [HA, CN]
    assert len(compare(sides)) == 3
