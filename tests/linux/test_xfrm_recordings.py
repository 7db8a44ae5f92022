"""Dumps of real kernels with a mip6d, decoded: the same, line by line, as what ``ip xfrm`` printed at that moment.

The text was printed some seconds before the dump was made, so that what counts use may have moved on.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
import xfrm_text

from mipsh.linux.xfrm import nodes, recorded
from mipsh.model.xfrm import Tables

RECORDINGS = Path(__file__).parent.parent / "recordings" / "mip6d-1.0"
MOMENTS = [(folder.name, node) for folder in sorted(RECORDINGS.iterdir()) for node in nodes(folder)]
INTERFACES = {2: "mn0", 3: "mn0", 4: "mn0", 5: "mn0", 6: "mn0", 7: "mn0", 8: "mn0"}
"""The one interface that a selector names; it has another number at each boot."""


MOST_LATE_S = 15
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
USE = re.compile(r"^\t(  add .* use |lastused |anti-replay context: |  \d+\(bytes\), )")


def assert_same(ours: Sequence[str], printed: Sequence[str]) -> None:
    """Hold that the lines are the same, but for use that moved on between the one and the other."""
    assert len(ours) == len(printed)
    for one, other in zip(ours, printed, strict=True):
        if one == other:
            continue
        assert USE.match(one) and USE.match(other), (one, other)
        assert_later(one, other)


def assert_later(one: str, other: str) -> None:
    """Hold that two lines differ in that some time passed, or some packets."""
    times = [[datetime.fromisoformat(found) for found in TIME.findall(line)] for line in (one, other)]
    if times[0]:
        assert all(0 <= (late - soon).seconds <= MOST_LATE_S for late, soon in zip(*times, strict=True)), (one, other)
        return
    counts = [[int(word, 0) for word in re.findall(r"0x[0-9a-f]+|\d+", line)] for line in (one, other)]
    assert all(0 <= more - few < 200 for more, few in zip(*counts, strict=True)), (one, other)


def tables(moment: tuple[str, str]) -> tuple[Tables, Path]:
    """Return what was decoded, and the beginning of the names of the text files beside it."""
    folder, node = moment
    return recorded(RECORDINGS / folder, node), RECORDINGS / folder / node


def test_all_moments_are_there() -> None:
    """There is something to compare."""
    assert len(MOMENTS) == 29


@pytest.mark.parametrize("moment", MOMENTS, ids="/".join)
def test_states_are_as_printed(moment: tuple[str, str]) -> None:
    """Every state is there with everything that is printed of it, but for the keys."""
    found, stem = tables(moment)
    printed = Path(f"{stem}.xfrm-state.txt").read_text(encoding="utf-8")
    assert found.states and not found.unread
    assert_same(xfrm_text.states(found.states, INTERFACES), xfrm_text.without_keys(printed))


@pytest.mark.parametrize("moment", MOMENTS, ids="/".join)
def test_policies_are_as_printed(moment: tuple[str, str]) -> None:
    """Every policy, of both types, is there with everything that is printed of it."""
    found, stem = tables(moment)
    printed = Path(f"{stem}.xfrm-policy.txt").read_text(encoding="utf-8")
    assert found.policies and not found.unread
    assert_same(xfrm_text.policies(found.policies, INTERFACES), xfrm_text.without_keys(printed))


def test_keys_are_in_the_recording_and_nowhere_in_what_is_decoded() -> None:
    """Of an algorithm, only the name is kept."""
    found, stem = tables(("ipsec", "mn"))
    secret = bytes.fromhex("00112233445566778899aabbccddeeff")
    assert secret in Path(f"{stem}.getsa.nl").read_bytes()
    esp = [row for row in found.states if row.protocol == 50]
    assert {tuple(row.algorithms.items()) for row in esp} == {
        (("auth", "hmac(sha1)"), ("enc", "cbc(aes)"), ("auth-trunc", "hmac(sha1)"))
    }
    assert secret.hex() not in repr(found).lower() and repr(secret)[2:20] not in repr(found)
