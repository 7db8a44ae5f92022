"""The window of sequence numbers (RFC 6275 section 9.5.1)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.mobility.serial import MODULUS, RECENT, following, is_overtaken, newer

UNHURRIED = settings(deadline=None)
NUMBERS = st.integers(0, MODULUS - 1)


@pytest.mark.parametrize(("number", "accepted"), [(16, True), (32782, True), (32783, False), (15, False), (0, False)])
def test_the_example_of_the_rfc(number: int, accepted: bool) -> None:
    """After 15: 0 to 15 and 32783 to 65535 are not greater."""
    assert newer(number, 15) == accepted


@UNHURRIED
@given(NUMBERS, st.integers(0, 32768))
def test_the_last_and_the_32768_before_it_are_not_greater(last: int, back: int) -> None:
    """Modulo 65536, inclusive on both ends."""
    assert not newer((last - back) % MODULUS, last)


@UNHURRIED
@given(NUMBERS, st.integers(1, 32767))
def test_all_others_are(last: int, ahead: int) -> None:
    """The 32767 numbers that follow."""
    assert newer((last + ahead) % MODULUS, last)


@UNHURRIED
@given(NUMBERS)
def test_the_following_number_is_greater(last: int) -> None:
    """Also behind the last of all."""
    assert newer(following(last), last)
    assert 0 <= following(last) < MODULUS


@UNHURRIED
@given(NUMBERS, st.integers(-RECENT, 2 * RECENT))
def test_a_rejection_is_overtaken_where_it_names_a_number_just_before(last: int, back: int) -> None:
    """Not the last one itself, none behind it, and none far before it."""
    assert is_overtaken((last - back) % MODULUS, last) == (0 < back <= RECENT)
