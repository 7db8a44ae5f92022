"""A home agent's binding that is typed: what none can be is refused before anybody is asked."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mipd_by_script import COA, HA, HOA, PREFIX, binding
from msgspec import structs

from mipsh.action import bindings
from mipsh.action.bindings import FLAGS, HomeNetwork
from mipsh.engine import BindingRequest, Connector
from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.model.reading import Reading
from mipsh.model.records import BINDING_CACHE, PREFIXES, EngineInfo, HomePrefix

SERVED = [HomeNetwork(f"{HA}/64", HA), HomeNetwork("2001:db8:7::/48", "")]
WANTED = BindingRequest(HOA, COA, HA, 420)


class HomeAgent(Connector):
    """A connector with the rows given."""

    def __init__(self, *rows: Any) -> None:
        self.rows = rows

    def prefixes(self) -> Reading:
        """Return the rows."""
        return Reading(PREFIXES, self.rows, EngineInfo("x", "x:"), 0.0)

    def binding_cache(self) -> Reading:
        """Return the rows."""
        return Reading(BINDING_CACHE, self.rows, EngineInfo("x", "x:"), 0.0)


def refused(check: Callable[[], object], words: str) -> str:
    """Return the hint of a refusal by these words."""
    with pytest.raises(UsageError) as caught:
        check()
    assert words in caught.value.message
    return caught.value.hint


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("mn", "the home address 'mn' is not an IPv6 address"),
        ("", "is not an IPv6 address"),
        ("192.0.2.1", "is not an IPv6 address"),
        ("2001:db8:1::100/64", "is not an IPv6 address"),
        ("ff02::1", "is not a global unicast address"),
        ("fe80::1", "is not a global unicast address"),
        ("::", "is not a global unicast address"),
        ("::1", "is not a global unicast address"),
        ("fe80::1%eth0", "is not"),
    ],
)
def test_what_is_no_home_address(word: str, words: str) -> None:
    """And no care-of address."""
    refused(lambda: bindings.address(word, "home address"), words)


def test_an_address_in_its_usual_form() -> None:
    """However it is typed."""
    assert bindings.address("2001:0DB8:1:0::0100", "home address") == HOA


def test_an_address_outside_the_home_prefixes() -> None:
    """Those that are served are named."""
    assert bindings.network_of(HOA, SERVED) is SERVED[0]
    assert bindings.network_of("2001:db8:7:9::1", SERVED) is SERVED[1]
    hint = refused(lambda: bindings.network_of("2001:db8:2::5", SERVED), "is in no home prefix of this home agent")
    assert hint == "it serves: 2001:db8:1::1/64, 2001:db8:7::/48"


def test_what_a_home_agent_serves() -> None:
    """Its own address is in the prefix where that is whole (R)."""
    plain = HomePrefix("eth1", "2001:db8:7::/48", flags=("O", "A"))
    router = HomePrefix("eth1", "2001:db8:8::/64", flags=("R",))
    assert bindings.networks(HomeAgent(PREFIX, plain, router)) == [*SERVED, HomeNetwork("2001:db8:8::/64", "")]
    with pytest.raises(CannotTell, match="lists no home prefix"):
        bindings.networks(HomeAgent())
    odd = HomePrefix("eth1", "\x1b[0m", flags=("R",))
    with pytest.raises(UsageError, match="in no home prefix"):
        bindings.network_of(HOA, bindings.networks(HomeAgent(odd)))


def test_flags() -> None:
    """Those of a home registration, in their order, H among them."""
    assert bindings.flags("ha") == ("A", "H")
    assert bindings.flags("LKHA") == FLAGS
    assert bindings.flags("HH") == ("H",)
    for letters in ("AHR", "AHX", "A-H", "AH\x1b"):
        hint = refused(partial(bindings.flags, letters), "is no flag of a home registration")
        assert hint == "flags are: A, H, K, L"
    for letters in ("", "A", "AKL"):
        refused(partial(bindings.flags, letters), "has the flag H")


@pytest.mark.parametrize("seconds", [-4, 1, 3, 262_141, 10**9])
def test_lifetimes_that_no_message_holds(seconds: int) -> None:
    """16 bits of 4 seconds each."""
    refused(lambda: bindings.lifetime(seconds), f"4 to 262140 s, not {seconds}")


def test_lifetimes() -> None:
    """Zero is another command's."""
    assert [bindings.lifetime(seconds) for seconds in (4, 420, 262_140)] == [4, 420, 262_140]
    assert refused(lambda: bindings.lifetime(0), "deletes a binding") == "write 'binding del HOA'"


def test_sequence_numbers() -> None:
    """None is the engine's own choice."""
    assert [bindings.sequence(number) for number in (None, 0, 65535)] == [None, 0, 65535]
    for number in (-1, 65536):
        refused(partial(bindings.sequence, number), f"0 to 65535, not {number}")


def test_the_binding_that_there_is() -> None:
    """A home registration that lives; others are none."""
    row = binding(7)
    others = [binding(8, status="dying"), binding(9, status="cached"), binding(1, home_address="2001:db8:1::9")]
    assert bindings.current(HomeAgent(*others, row), HOA) is row
    assert bindings.current(HomeAgent(binding(7, status="dad")), HOA) is not None
    assert bindings.current(HomeAgent(*others), HOA) is None


def test_the_home_agent_s_own_address() -> None:
    """The one named, the entry's, that of the prefix."""
    row = binding(7, local_address="2001:db8:1::2")
    assert bindings.local_address(SERVED[0], row, "2001:db8:1::3") == "2001:db8:1::3"
    assert bindings.local_address(SERVED[0], row, "") == "2001:db8:1::2"
    assert bindings.local_address(SERVED[0], None, "") == HA
    assert refused(lambda: bindings.local_address(SERVED[1], None, ""), "is not known") == "name it with --local"
    refused(lambda: bindings.local_address(SERVED[0], None, "ff02::1"), "is not a global unicast address")


def fresh(**values: Any) -> Any:
    """Return a binding as it was wanted, new."""
    return binding(8, **{"lifetime_remaining_s": 420, "age_s": 0, **values})


def test_a_binding_as_it_was_wanted() -> None:
    """The home agent may grant less, and choose the number and what it does not say."""
    for row in (
        fresh(),
        fresh(lifetime_granted_s=60, lifetime_remaining_s=60),
        fresh(local_address=None),
        fresh(age_s=None, lifetime_granted_s=None),
        fresh(flags=("H", "A")),
        fresh(age_s=2),
    ):
        assert bindings.differences(WANTED, binding(7), row, 0.5) == []
    assert bindings.differences(None, binding(7), None, 0.5) == []
    assert bindings.differences(WANTED, None, fresh(age_s=30), 0.5) == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (None, "there is no such entry"),
        (fresh(care_of_address="2001:db8:2::9"), "care-of address 2001:db8:2::9, not 2001:db8:2::77"),
        (fresh(local_address="2001:db8:1::2"), "local address 2001:db8:1::2, not 2001:db8:1::1"),
        (fresh(flags=("H",)), "flags H, not AH"),
        (fresh(lifetime_granted_s=999), "lifetime 999 s, not 420 s"),
        (binding(7), "its lifetime began 120 s ago"),
    ],
)
def test_a_binding_that_is_not_as_it_was_wanted(row: Any, words: str) -> None:
    """What differs is said."""
    assert bindings.differences(WANTED, binding(7), row, 0.5) == [words]


def test_a_number_that_was_wanted() -> None:
    """It has to be there."""
    wanted = structs.replace(WANTED, sequence=9)
    assert bindings.differences(wanted, None, fresh(), 0.5) == ["sequence number 8, not 9"]
    assert bindings.differences(None, binding(7), fresh(), 0.5) == ["the entry is there"]


def test_rows_and_words() -> None:
    """Of a binding that there is, and of none."""
    row = bindings.row_of("before", HOA, binding(7))
    assert (row.when, row.care_of_address, row.status, row.lifetime_s, row.sequence) == (
        "before",
        COA,
        "registered",
        300,
        7,
    )
    assert bindings.row_of("after", HOA, None).status is None
    assert bindings.planned_row(WANTED).lifetime_s == 420
    assert bindings.in_words(None) == "no binding"
    assert bindings.in_words(binding(7)) == f"{HOA} at {COA}, flags AH, 300 s left, sequence number 7"


@given(st.text(max_size=40))
def test_whatever_is_typed(word: str) -> None:
    """It is taken or refused."""
    for check in (
        lambda: bindings.address(word, "x"),
        lambda: bindings.flags(word),
        lambda: bindings.network_of(word, SERVED),
    ):
        try:
            assert check()
        except MipshError as error:
            assert error.status == 64
