"""Nonces: how they rotate, end, and make tokens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.mobility.constants import MAX_NONCE_LIFETIME_S, MAX_TOKEN_LIFETIME_S
from mipsh.mobility.nonces import FRESH_S, Nonces
from mipsh.wire.authenticator import TOKEN_SIZE

UNHURRIED = settings(deadline=None)
ADDRESS = bytes(range(16))


class Counting:
    """Entropy that can be told apart draw by draw."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the number of the draw."""
        self.drawn += 1
        return self.drawn.to_bytes(size)


def test_a_nonce_is_made_when_it_is_needed() -> None:
    """Time alone draws nothing; one is used while it is fresh."""
    entropy = Counting()
    nonces = Nonces(entropy)
    at_start = entropy.drawn
    first = nonces.current(0.0)
    assert nonces.current(FRESH_S - 0.1) == first
    assert entropy.drawn == at_start + 1
    assert nonces.current(FRESH_S) == first + 1
    assert nonces.is_good(first, FRESH_S)


def test_constants_fit() -> None:
    """Section 12: a token that is handed out last is good for MAX_TOKEN_LIFETIME at least."""
    assert FRESH_S + MAX_TOKEN_LIFETIME_S <= MAX_NONCE_LIFETIME_S


@UNHURRIED
@given(st.lists(st.integers(0, 400).map(lambda quarters: quarters / 4), max_size=100))
def test_rotation(gaps: list[float]) -> None:
    """Every index is good from when it is handed out until its nonce ends, few are kept, and each is new."""
    nonces = Nonces(Counting())
    now = 0.0
    ends: dict[int, float] = {}
    for gap in gaps:
        now += gap
        index = nonces.current(now)
        ends.setdefault(index, now + MAX_NONCE_LIFETIME_S)
        assert nonces.expires(index) == ends[index]
        assert ends[index] - now > MAX_TOKEN_LIFETIME_S
        good = {known for known in ends if nonces.is_good(known, now)}
        assert good == {known for known, end in ends.items() if end - now > 0 or known == index}
        assert len(good) <= MAX_NONCE_LIFETIME_S / FRESH_S + 1


def test_tokens() -> None:
    """They differ by address, by nonce and by kind, and an index that ended makes none."""
    nonces = Nonces(Counting())
    first = nonces.current(0.0)
    second = nonces.current(FRESH_S)
    tokens = [
        token(index, address)
        for token in (nonces.home_token, nonces.care_of_token)
        for index in (first, second)
        for address in (ADDRESS, bytes(16))
    ]
    assert len(set(tokens)) == len(tokens)
    assert {len(token) for token in tokens} == {TOKEN_SIZE}
    assert not nonces.is_good(first, MAX_NONCE_LIFETIME_S)
    with pytest.raises(KeyError):
        nonces.home_token(first, ADDRESS)
