"""Path MTU discovery: only downwards, never below the least, forgotten in time and when there are too many."""

from mipsh.mobility.path_mtu import AGE_S, MOST, PathMtu
from mipsh.wire.address import parse

PEER = parse("2001:db8::1")


def test_it_only_goes_down() -> None:
    """RFC 8201 section 4: what is not less than what is known is ignored."""
    paths = PathMtu()
    assert paths.get(PEER, 1500, 0.0) == 1500
    assert not paths.learn(PEER, 1500, 1500, 0.0)
    assert paths.learn(PEER, 1400, 1500, 0.0)
    assert not paths.learn(PEER, 1450, 1500, 1.0)
    assert paths.get(PEER, 1500, 1.0) == 1400
    assert paths.get(PEER, 1300, 1.0) == 1300


def test_it_is_never_below_the_least() -> None:
    """RFC 8200 section 5: every link carries 1280 bytes."""
    paths = PathMtu()
    assert paths.learn(PEER, 68, 1500, 0.0)
    assert paths.get(PEER, 1500, 0.0) == 1280
    assert not paths.learn(PEER, 0, 1280, 0.0)


def test_it_is_forgotten() -> None:
    """RFC 8201 section 4 recommends ten minutes, after which a larger one is tried."""
    paths = PathMtu()
    paths.learn(PEER, 1400, 1500, 0.0)
    assert paths.get(PEER, 1500, AGE_S - 1) == 1400
    assert paths.get(PEER, 1500, AGE_S) == 1500
    assert len(paths) == 0


def test_there_is_room_for_so_many() -> None:
    """The one that was learned first goes."""
    paths = PathMtu()
    for number in range(MOST + 1):
        paths.learn(number.to_bytes(16), 1300, 1500, float(number % 2))
    assert len(paths) == MOST
    assert paths.get((0).to_bytes(16), 1500, 2.0) == 1500
    assert paths.get((1).to_bytes(16), 1500, 2.0) == 1300
