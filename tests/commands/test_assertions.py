"""``assert``: three verdicts as exit statuses, and what each names."""

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay, Scripted

JUNK = "what is this line\n"
BINDING = (
    "hoa 2001:db8:0:0:0:0:0:1 nonce 0 status cached\n"
    " coa 2001:db8:0:0:0:0:0:2 nonce 0 flags A---\n"
    " local 2001:db8:0:0:0:0:0:3\n"
    " lifetime 100 / 420 seq 3 unreach 0\n"
)
TIMELESS = BINDING.replace("lifetime 100 / 420", "lifetime - / 0").replace(":1 nonce", ":9 nonce")

# On the recorded mobile node: the words, and the status.
VERDICTS = {
    "bul where cn=2001:db8:4::2 has state=bound": 0,
    "bul where cn=2001:0db8:4:0::2 has state=bound": 0,
    "bul where cn=2001:db8:4::/48 and reg=correspondent has state=bound and seq=28030": 0,
    "bul has state=bound lifetime_remaining_s>60": 0,
    "binding_update_list where reg=home has peer=2001:db8:1::1": 0,
    "bul where cn=2001:db8:4::2 has state=expired": 1,
    "bul where cn=2001:db8:4::2 has state=bound sequence=1": 1,
    "bul has reg=home": 1,
    "bul where reg=home has home_nonce_index=1": 3,
    "bul where reg=home has home_nonce_index=null": 0,
    "bul where cn=2001:db8:9::9 has state=bound": 3,
    "bul where reg=home exists": 0,
    "bul where cn=2001:db8:9::9 exists": 1,
    "bul where cn=2001:db8:9::9 absent": 0,
    "bul where reg=home absent": 1,
    "bul exists": 0,
    "bc absent": 0,
    "bc exists": 1,
    "hal exists": 3,
    "bul": 64,
    "bogus exists": 64,
    "bul cn=2001:db8:4::2 exists": 64,
    "bul where exists": 64,
    "bul has": 64,
    "bul where cn=2001:db8:4::2": 64,
    "bul where bogus=1 exists": 64,
    "bul exists state=bound": 64,
    "bul has lifetime_remaining_s>soon": 64,
    "bul where state~( exists": 64,
}


@pytest.mark.parametrize("words", VERDICTS)
def test_an_assertion_is_an_exit_status(mipsh: Mipsh, replay: Replay, words: str) -> None:
    """0 it holds, 1 it does not, 3 it could not be told, 64 it was not understood; JSON says the same."""
    ran = mipsh("-e", replay(ROUTE_OPTIMISED, "mn").uri, "--json", "assert", *words.split())
    assert (ran.status, ran.document["status"]) == (VERDICTS[words], VERDICTS[words])
    assert ran.document["table"] in ("assertions", None)
    assert bool(ran.stderr) == bool(ran.status)


def test_the_field_that_differs_is_named(mipsh: Mipsh, replay: Replay) -> None:
    """What was expected and what was found, for every row and condition that is not met."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    ran = mipsh("-e", uri, "assert", "bul", "has", "reg=home", "state=bound")
    assert ran.stderr == (
        "mipsh: error: 2001:db8:1::100 2001:db8:4::2: expected registration=home, found correspondent\n"
    )
    assert [line.split()[0] for line in ran.stdout.splitlines()[1:]] == ["yes", "yes", "no", "yes"]
    none = mipsh("-e", uri, "assert", "bul", "where", "cn=2001:db8:9::9", "exists")
    assert "binding_update_list where peer_address=2001:db8:9::9: expected exists, found 0 rows" in none.stderr


def test_a_failure_outweighs_a_doubt(mipsh: Mipsh, replay: Replay) -> None:
    """One row differs and another's value is unknown: it does not hold."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    ran = mipsh("-e", uri, "assert", "bul", "has", "home_nonce_index=9", "--json")
    assert ran.status == 1
    assert {row["verdict"] for row in ran.rows} == {"no", "unknown"}
    assert [error["code"] for error in ran.document["errors"]] == ["not_met"]


# What the engine says of its binding cache, the words behind ``assert bc``, and the status.
DOUBTS = (
    (BINDING, "exists", 0),
    (BINDING, "absent", 1),
    (BINDING + JUNK, "exists", 0),
    (BINDING + JUNK, "where hoa=2001:db8::7 exists", 3),
    (BINDING + JUNK, "where hoa=2001:db8::7 absent", 3),
    (BINDING + JUNK, "where hoa=2001:db8::1 absent", 1),
    (JUNK, "absent", 3),
    (JUNK, "exists", 3),
    ("", "absent", 0),
    ("", "has status=cached", 3),
    (TIMELESS, "where remaining>60 absent", 3),
    (TIMELESS, "where remaining>60 exists", 3),
    (TIMELESS, "where remaining>60 hoa=2001:db8::7 absent", 0),
    (TIMELESS + BINDING, "where remaining>60 exists", 0),
    (TIMELESS + BINDING, "where remaining>60 absent", 1),
    (TIMELESS + BINDING, "has remaining>60", 3),
)


@pytest.mark.parametrize(("said", "words", "status"), DOUBTS)
def test_what_is_not_known_is_no_verdict(mipsh: Mipsh, replay: Replay, said: str, words: str, status: int) -> None:
    """Lines that could not be read and values that are unknown leave it open whether a row is missing."""
    uri = replay.serve(Scripted({"bc": said, "stats": "", "nonce": ""})).uri
    assert mipsh("-e", uri, "assert", "bc", *words.split()).status == status
