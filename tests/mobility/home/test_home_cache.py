"""The binding cache of a home agent: its states under every input, its room, its deadlines."""

from itertools import product

import pytest

from mipsh.mobility.home.cache import BINDING, HomeBinding, HomeCache, Input, State, link_local
from mipsh.mobility.trace import Record, Trace, Transition
from mipsh.wire.address import parse
from mipsh.wire.mobility import LINK_LOCAL, MOBILE_ROUTER

LOCAL = bytes(15) + b"\xff"
END = 100.0
EXPECTED = {
    State.ABSENT: {Input.PROBE: State.PROBING, Input.UPDATE: State.BOUND},
    State.PROBING: {
        Input.PROBE: State.PROBING,
        Input.FREE: State.BOUND,
        Input.TAKEN: State.ABSENT,
        Input.PROBE_ENDS: State.ABSENT,
        Input.DELETE: State.DYING,
    },
    State.BOUND: {Input.UPDATE: State.BOUND, Input.DELETE: State.DYING, Input.LIFETIME_ENDS: State.ABSENT},
    State.DYING: {Input.UPDATE: State.BOUND, Input.DELETE: State.DYING, Input.DELETION_ENDS: State.ABSENT},
}
"""What RFC 6275 section 10.3 lets happen."""


def entry(home: int = 1, interface: str | None = "eth0", flags: int = 0) -> HomeBinding:
    """Return an entry that lasts until 100."""
    return HomeBinding(LOCAL, home.to_bytes(16), (2).to_bytes(16), interface, 1, flags, END)


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_each_state_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = EXPECTED[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            BINDING.step(state, event)
    else:
        assert BINDING.step(state, event) is after


def test_the_table_has_nothing_else() -> None:
    """Every listed transition is of a state and an input that there are."""
    assert {(state, event): after for state, row in EXPECTED.items() for event, after in row.items()} == BINDING.table


def test_an_entry_lives_in_the_cache_from_its_first_step_to_its_last() -> None:
    """Its deadline comes and goes with it, and the trace tells whose it is."""
    records: list[Record] = []
    cache = HomeCache(10, Trace("ha", records.append))
    binding = entry()
    cache.step(binding, Input.UPDATE)
    assert list(cache) == [binding]
    assert cache.timers.next() == END
    cache.step(binding, Input.DELETE)
    cache.step(binding, Input.DELETION_ENDS)
    assert (len(cache), cache.timers.next()) == (0, None)
    assert [record.subject for record in records if isinstance(record, Transition)] == ["::1"] * 3


def test_what_cannot_happen_changes_nothing() -> None:
    """An entry that is new by an impossible input is not there."""
    cache = HomeCache(10, Trace())
    with pytest.raises(KeyError):
        cache.step(entry(), Input.FREE)
    assert len(cache) == 0


@pytest.mark.parametrize(("now", "there"), [(99.9, True), (100.0, False)])
def test_a_binding_is_used_until_it_expires(now: float, there: bool) -> None:
    """At the instant itself it is not, and in no other state."""
    cache = HomeCache(10, Trace())
    binding = entry()
    assert cache.bound(binding.home_address, now) is None
    cache.step(binding, Input.PROBE)
    assert cache.bound(binding.home_address, now) is None
    cache.step(binding, Input.FREE)
    assert (cache.bound(binding.home_address, now) is not None) == there
    cache.step(binding, Input.DELETE)
    assert cache.bound(binding.home_address, now) is None
    assert cache.get(binding.home_address) is binding


def test_room() -> None:
    """A full cache has none."""
    cache = HomeCache(1, Trace())
    assert cache.has_room()
    cache.step(entry(), Input.UPDATE)
    assert not cache.has_room()


def test_the_deadline_is_what_comes_first() -> None:
    """The end of the state, or the next advertisement."""
    cache = HomeCache(10, Trace())
    binding = entry()
    binding.advertise_at = 50.0
    cache.step(binding, Input.UPDATE)
    assert list(cache.due(49.9)) == []
    assert list(cache.due(50.0)) == [binding]
    binding.advertise_at = 150.0
    cache.wait(binding)
    assert cache.timers.next() == END


def test_what_is_defended() -> None:
    """With the L flag the link-local address too; nothing without a home link."""
    home = (1).to_bytes(16)
    assert entry().defended == (("eth0", home),)
    assert entry(flags=LINK_LOCAL).defended == (("eth0", home), ("eth0", parse("fe80::1")))
    assert entry(interface=None, flags=LINK_LOCAL).defended == ()
    assert link_local(parse("2001:db8::2:3:4:5")) == parse("fe80::2:3:4:5")


@pytest.mark.parametrize(("flags", "expected"), [(MOBILE_ROUTER, True), (LINK_LOCAL, False)])
def test_mobile_routers(flags: int, expected: bool) -> None:
    """The R flag tells."""
    assert entry(flags=flags).is_mobile_router == expected
