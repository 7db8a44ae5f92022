"""Whatever an engine says, there is a prediction, and it says what it does not know."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from why_world import AT_AGENT, CN, COA, HA, HOA, PEER, REGISTERED, TUNNEL, Everywhere, cached, facts, half, home, peer

from mipsh.model.xfrm import Tables
from mipsh.why.facts import KERNEL, MIPD, UMIP, Lookup
from mipsh.why.predict import predict, sentence
from mipsh.why.sides import Side, compare
from mipsh.why.sides import sentence as sides_sentence
from mipsh.why.steps import Way

ADDRESSES = st.sampled_from([HOA, COA, HA, CN, PEER, "", "nonsense", "\x1b[2J", "fe80::1%eth0", "2001:db8::/64"])
MAYBE = st.none() | ADDRESSES
SECONDS = st.none() | st.integers(-10, 100_000)
STATES = st.none() | st.sampled_from(
    ["bound", "return_routability", "waiting_for_ack", "not_mobile", "unreachable", "expired", "else"]
)


@st.composite
def updates(draw: st.DrawFn) -> Any:
    """Return a row of a binding update list."""
    base = draw(st.sampled_from([home(), peer()]))
    return structs.replace(
        base,
        home_address=draw(ADDRESSES),
        peer_address=draw(MAYBE),
        care_of_address=draw(MAYBE),
        last_care_of_address=draw(MAYBE),
        state=draw(STATES),
        lifetime_remaining_s=draw(SECONDS),
        lifetime_granted_s=draw(SECONDS),
        next_event_s=draw(SECONDS),
        sequence=draw(SECONDS),
    )


@st.composite
def bindings(draw: st.DrawFn) -> Any:
    """Return a row of a binding cache."""
    status = draw(st.none() | st.sampled_from(["registered", "cached", "dying", "dad", "nonce-block"]))
    base = cached(draw(ADDRESSES), "", draw(SECONDS))
    return structs.replace(base, status=status, care_of_address=draw(MAYBE), local_address=draw(MAYBE))


TABLES = st.none() | st.sampled_from([Tables(), Tables((AT_AGENT,), REGISTERED)])
LOOKUPS = st.sampled_from([{}, Everywhere(TUNNEL), Everywhere(Lookup("blackhole")), Everywhere(Lookup("unicast"))])


@given(st.data())
def test_there_is_always_a_prediction(data: st.DataObject) -> None:
    """With one rule, and certain only where no needed step is missing."""
    known = facts(
        data.draw(st.sampled_from([CN, PEER, HA])),
        engine=data.draw(st.sampled_from([MIPD, UMIP, KERNEL, "another"])),
        role=data.draw(st.sampled_from(["mn", "ha", "cn", None])),
        source=data.draw(st.sampled_from(["", HOA, COA, PEER])),
        home_addresses=tuple(data.draw(st.lists(ADDRESSES, max_size=2))),
        updates=data.draw(st.none() | st.lists(updates(), max_size=3).map(tuple)),
        tests=data.draw(st.sampled_from([None, (), (half("home_test"),)])),
        cache=data.draw(st.none() | st.lists(bindings(), max_size=3).map(tuple)),
        addresses=data.draw(st.none() | st.lists(ADDRESSES, max_size=3).map(tuple)),
        kernel=data.draw(TABLES),
        lookups=data.draw(LOOKUPS),
    )
    found = predict(known)
    assert sum(step.decides for step in found.steps) == 1
    assert not (found.is_certain and found.way is Way.UNKNOWN)
    assert sentence(found, known.host)


@given(st.lists(updates(), max_size=4), st.lists(bindings(), max_size=4), st.lists(bindings(), max_size=4))
def test_sides_are_always_compared(mine: list[Any], home_agents: list[Any], theirs: list[Any]) -> None:
    """Every binding has two rows and a verdict."""
    sides = [
        Side("mn", "mn", tuple(mine), None, 0.0, frozenset({HOA})),
        Side("ha", "ha", None, tuple(home_agents), 1.0, frozenset({HA})),
        Side("cn", "cn", None, tuple(theirs), 2.0),
    ]
    views = compare(sides)
    assert all(len(view.rows) == 2 and view.verdict for view in views)
    assert sides_sentence(views, 3)
