"""ping6 as a command: what it declares, what it refuses before it sends anything, and how it is done by hand."""

import json
from typing import get_type_hints

import pytest
from harness import Mipsh

from mipsh.commands import ping6
from mipsh.registry import Registry

HOST = "2001:db8:4::2"


def test_options_are_those_that_are_declared() -> None:
    """The typed dictionary, the record with the defaults, and the declaration name the same."""
    declared = {option.key for option in ping6.COMMAND.options}
    assert declared == set(get_type_hints(ping6.Options)) == set(ping6.Asked.__struct_fields__)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--expect", "fast"], "is no path"),
        (["--expect", "?:ro"], "is no path to be expected"),
        (["--expect", "ro:?"], "is no path to be expected"),
        (["-s", "70000"], "--size is 0 to"),
        (["-s", "-1"], "--size is 0 to"),
        (["-c", "-1"], "--count is at least 1"),
        (["--hop-limit", "0"], "a hop limit is 1 to 255"),
    ],
)
def test_what_cannot_be_asked(mipsh: Mipsh, words: list[str], said: str) -> None:
    """Status 64, and what could be."""
    done = mipsh("ping6", HOST, *words)
    assert done.status == 64
    assert said in done.stderr


@pytest.mark.parametrize("words", [["--how"], ["--dry-run"]])
def test_how_it_is_done_by_hand(mipsh: Mipsh, words: list[str]) -> None:
    """ping, tcpdump and tshark with the fields that tell; nothing is sent."""
    done = mipsh("ping6", HOST, "-c", "3", "-o", "json", *words)
    assert done.status == 0
    rows = json.loads(done.stdout)["data"]
    said = " ".join(row["equivalent"] for row in rows)
    assert "ping -6 -c 3" in said
    assert "ipv6.opt.mipv6.home_address" in said


def test_watching_only_sends_nothing_by_hand_either(mipsh: Mipsh) -> None:
    """Without ping."""
    done = mipsh("ping6", HOST, "--passive", "--how", "-o", "json")
    assert "ping -6" not in done.stdout


def test_its_help_says_what_looking_does() -> None:
    """That a first packet starts return routability, what the words mean, and the statuses."""
    details = Registry(plugins=False).command("ping6").details
    for word in ("return routability", "--passive", "tunnel", "direct", "Status 0"):
        assert word in details
