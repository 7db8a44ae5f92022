"""What is said of a path: its verdict, one sentence, and what to do."""

from msgspec import structs

from mipsh.path_mtu.advice import Sizes, Verdict, advice, sentence, verdict
from mipsh.path_mtu.search import Found

ALL = Found(1500, None, None, None, True, 2)
TOLD = Found(1376, 1377, None, None, True, 4)
HOLE = Found(1452, None, 1453, 1500, True, 30)
NOTHING = Found(None, None, 56, 1280, False, 6)
PATH = Sizes("ro:ro", "2001:db8:4::2", ALL, 1500, "mip0", 24, 1500)


def _sizes(found: Found, **changes: object) -> Sizes:
    return structs.replace(PATH, found=found, **changes)


def test_all_fits() -> None:
    """There is nothing to be done."""
    assert verdict(PATH) is Verdict.OK
    assert advice(PATH) == ""
    assert "up to 1500 bytes fit" in sentence(PATH)


def test_a_router_said_so() -> None:
    """It is named with what it says, and that is as it should be."""
    sizes = _sizes(TOLD, told=(1400, "2001:db8:2::1"), back=1376)
    assert verdict(sizes) is Verdict.OK
    assert "2001:db8:2::1 says that its next link takes 1400" in sentence(sizes)
    assert "24 bytes are added" in sentence(sizes)


def test_a_black_hole() -> None:
    """The sizes that vanish are named, where they do, and what to set on which side."""
    sizes = _sizes(HOLE, lost="out")
    assert verdict(sizes) is Verdict.BLACK_HOLE
    assert "1453 to 1500 vanish on the way there: no Packet Too Big came" in sentence(sizes)
    assert "mtu lock 1452" in advice(sizes)
    assert "MSS of 1392" in advice(sizes)
    assert "this node and the peer" in advice(_sizes(HOLE))


def test_one_size_that_vanishes() -> None:
    """It is no range."""
    assert "; 1500 vanish:" in sentence(_sizes(Found(1499, None, 1500, 1500, True, 30)))


def test_replies_in_pieces() -> None:
    """The way back takes less."""
    assert "replies of more than 1400 come in pieces" in sentence(_sizes(ALL, back=1400))


def test_no_reply() -> None:
    """That is not a matter of sizes."""
    assert verdict(_sizes(NOTHING)) is Verdict.NO_REPLY
    assert "ping6" in advice(_sizes(NOTHING))
    assert "No packet" in sentence(_sizes(NOTHING))


def test_doubts() -> None:
    """A path that changed, and a search that did not come to its end, are no verdict."""
    assert verdict(_sizes(ALL, doubt="the path changed")) is Verdict.UNKNOWN
    assert verdict(_sizes(structs.replace(TOLD, is_exact=False))) is Verdict.UNKNOWN


def test_a_link_that_takes_too_little() -> None:
    """IPv6 forbids it."""
    assert "IPv6 forbids" in advice(_sizes(Found(1000, 1001, None, None, True, 9)))
