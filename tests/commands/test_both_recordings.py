"""``both`` on recorded nodes: the sides of real bindings, also those of which one side was behind."""

import json

import pytest
from harness import RECORDINGS, Mipsh, Ran, Replay

from mipsh.recording import nodes

MN, MN2, HA, CN = "2001:db8:1::100", "2001:db8:1::200", "2001:db8:1::1", "2001:db8:4::2"


def both(mipsh: Mipsh, replay: Replay, folder: str, *words: str, leave_out: str = "") -> Ran:
    """Run ``both`` on all nodes of a folder but one."""
    uris = {node: replay(folder, node).uri for node in nodes(RECORDINGS / folder) if node != leave_out}
    first = uris.pop("mn", "") or uris.pop("ha")
    others = [word for uri in uris.values() for word in ("--with", uri)]
    return mipsh("--no-config", "-e", first, "both", *words, *others, "--json")


@pytest.mark.parametrize(
    ("folder", "host", "status"),
    [
        ("01-boot-ha-cn", "", 3),
        ("02-registered", "", 0),
        ("03-route-optimised", CN, 0),
        ("05-inter-mn", MN2, 0),
        ("05-inter-mn", "", 3),
        ("06-after-handoff", CN, 0),
        ("06-after-handoff", MN2, 1),
        ("08-returned-home", "", 0),
        ("10-ha-dead", "", 3),
        ("ipsec", CN, 1),
    ],
)
def test_sides_of_recorded_bindings(mipsh: Mipsh, replay: Replay, folder: str, host: str, status: int) -> None:
    """All agree, some differ, or not all were there."""
    ran = both(mipsh, replay, folder, *filter(None, [host]))
    assert ran.status == status, ran.stdout


def test_who_was_behind_after_the_handover(mipsh: Mipsh, replay: Replay) -> None:
    """mn2 never got the Binding Update from the new place."""
    rows = both(mipsh, replay, "06-after-handoff", MN2).rows
    (row,) = [row for row in rows if (row["home_address"], row["peer_address"], row["side"]) == (MN, MN2, "cn")]
    assert row["verdict"] == "differs"
    assert all("the peer is behind" in said for said in row["differs"]) and len(row["differs"]) == 2


def test_a_side_that_is_left_out(mipsh: Mipsh, replay: Replay) -> None:
    """Is unknown, and nobody is blamed."""
    ran = both(mipsh, replay, "03-route-optimised", CN, leave_out="cn")
    assert ran.status == 3
    assert [row["status"] for row in ran.rows] == ["bound", "registered", "bound", "unknown"]


def test_an_engine_that_does_not_answer(mipsh: Mipsh, replay: Replay) -> None:
    """It is warned of, and the others are compared."""
    uri = replay("03-route-optimised", "mn").uri
    ran = mipsh("--no-config", "-e", uri, "both", HA, "--with", "mipd:nosuch", "--json")
    (warning,) = ran.document["warnings"]
    assert "mipd:nosuch" in warning["message"] and ran.status == 3


@pytest.mark.parametrize("words", [("both", "nonsense"), ("both", "--with", "nonsense"), ("both", "ff02::1")])
def test_words_that_are_none(mipsh: Mipsh, replay: Replay, words: tuple[str, ...]) -> None:
    """They are refused before anything is compared."""
    assert mipsh("--no-config", "-e", replay("03-route-optimised", "mn").uri, *words, "--json").status == 64


def test_how_says_what_each_is_asked(mipsh: Mipsh, replay: Replay) -> None:
    """The lines of every engine."""
    ran = both(mipsh, replay, "03-route-optimised", "--how")
    assert ran.status == 0
    asked = [row["equivalent"] for row in json.loads(ran.stdout)["data"]]
    assert asked.count("bc") == 3 and asked.count("bul") == 1
