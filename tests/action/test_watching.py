"""Whose messages a watch takes for the binding's: of the engine's events, and of packets on the links."""

from collections.abc import Iterable, Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from asking import without
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from msgspec import structs

from mipsh.action.judge import Verdict
from mipsh.action.observed import CORRESPONDENT, HOME, Kind, Message, Source, Wanted
from mipsh.action.watching import MOST_KEPT, Events, Packets, Watch
from mipsh.environment import Environment
from mipsh.errors import EngineRefused
from mipsh.linux.privileges import CAP_NET_RAW
from mipsh.linux.witness import Seen
from mipsh.model.events import EngineEvent
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.wire.address import parse
from mipsh.wire.mobility import ACKNOWLEDGE, BindingAcknowledgement, BindingError, BindingRefreshRequest, BindingUpdate
from mipsh.wire.mobility import HOME as HOME_FLAG

HOA, COA, HA, CN, OTHER = "2001:db8:1::100", "2001:db8:2::7", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:9::9"
ROUTE = Wanted(HOA, CN, CORRESPONDENT, "poke", "asked", 5.0)
UNKNOWN_AGENT = Wanted(HOA, "", HOME, "rs", "asked", 5.0)
AT_PEER = Wanted(HOA, CN, CORRESPONDENT, "brr", "asked", 5.0, at_peer=True)


class Told:
    """What brings the things of a list, one after the other, and then none."""

    esp = 2
    lost = 3

    def __init__(self, things: Iterable[Any]) -> None:
        self._things = iter(things)

    def next(self, until: float) -> Any:
        """Return the next one."""
        return next(self._things, None)


def taken(witness: Events | Packets) -> list[Message]:
    """Return all that a witness takes for the binding's."""
    return list(iter(lambda: witness.next(1e12), None))


def event(name: str, peer: str = CN, home_address: str = HOA, **values: Any) -> EngineEvent:
    """Return an event."""
    return EngineEvent("", name, home_address, COA, peer, **values)


def test_events_of_a_binding() -> None:
    """Its home address and its peer; what they say is kept."""
    events = [
        event("bindingUpdateSent", mh_sequence=8, lifetime_s=420, flags=("A",)),
        event("bindingUpdateSent", OTHER, mh_sequence=9),
        event("bindingUpdateSent", home_address=OTHER, mh_sequence=9),
        event("bindingUpdateReceived", mh_sequence=9),
        event("bindingAcknowledgementReceived", mh_sequence=8, status=0, lifetime_s=400, flags=()),
        event("bindingErrorReceived", status=1),
        event("addressAdded", lost=4),
    ]
    witness = Events(Told(events), ROUTE)
    found = taken(witness)
    assert [(m.kind, m.sequence, m.status, m.lifetime_s, m.is_acknowledgement_wanted) for m in found] == [
        (Kind.UPDATE, 8, None, 420, True),
        (Kind.ACKNOWLEDGEMENT, 8, 0, 400, None),
        (Kind.ERROR, None, 1, None, None),
    ]
    assert {m.source for m in found} == {Source.EVENT}
    assert (witness.lost, witness.hidden) == (4, 0)


def test_a_home_agent_that_is_not_known_yet() -> None:
    """It is whom the first update with the flag H goes to, and nobody else."""
    events = [
        event("bindingAcknowledgementReceived", HA, mh_sequence=1, status=0),
        event("bindingUpdateSent", CN, mh_sequence=1, flags=("A",)),
        event("bindingUpdateSent", HA, mh_sequence=2, flags=("A", "H")),
        event("bindingUpdateSent", OTHER, mh_sequence=3, flags=("A", "H")),
        event("bindingAcknowledgementReceived", CN, mh_sequence=2, status=128),
        event("bindingAcknowledgementReceived", HA, mh_sequence=2, status=0),
    ]
    assert [(m.kind, m.sequence) for m in taken(Events(Told(events), UNKNOWN_AGENT))] == [
        (Kind.UPDATE, 2),
        (Kind.ACKNOWLEDGEMENT, 2),
    ]


def test_events_at_the_peer() -> None:
    """There, updates come and acknowledgements go."""
    events = [
        event("bindingUpdateSent", mh_sequence=8),
        event("bindingUpdateReceived", OTHER, mh_sequence=8),
        event("bindingAcknowledgementSent", OTHER, mh_sequence=8, status=0),
        event("bindingErrorSent", OTHER, status=1),
    ]
    assert [m.kind for m in taken(Events(Told(events), AT_PEER))] == [Kind.UPDATE, Kind.ACKNOWLEDGEMENT]


def packet(message: Any, source: str = COA, destination: str = CN, **values: Any) -> Seen:
    """Return a packet that was seen."""
    given = {"home_address": HOA, "is_sound": True, **values}
    return Seen(
        1.0, 2.0, "eth0", True, source, destination, given["home_address"], COA, message, False, given["is_sound"]
    )


def test_packets_of_a_binding() -> None:
    """Sound ones, of its home address and its peer; times are the kernel's."""
    update, answer = BindingUpdate(8, ACKNOWLEDGE, 105), BindingAcknowledgement(0, 0, 8, 100)
    packets = [
        packet(update),
        packet(update, is_sound=False),
        packet(update, home_address=OTHER),
        packet(update, home_address=None),
        packet(update, destination=OTHER),
        packet(BindingRefreshRequest(), CN, HOA),
        packet(answer, CN, COA),
        packet(answer, OTHER, COA),
        packet(BindingError(1, parse(HOA)), CN, COA),
    ]
    witness = Packets(Told(packets), ROUTE)
    found = taken(witness)
    assert [(m.kind, m.sequence, m.status, m.lifetime_s, m.is_acknowledgement_wanted) for m in found] == [
        (Kind.UPDATE, 8, None, 420, True),
        (Kind.ACKNOWLEDGEMENT, 8, 0, 400, None),
        (Kind.ERROR, None, 1, None, None),
    ]
    assert {(m.source, m.at) for m in found} == {(Source.PACKET, 2.0)}
    assert (witness.hidden, witness.lost) == (2, 3)


def test_packets_to_a_home_agent_that_is_not_known_yet() -> None:
    """As with events."""
    packets = [
        packet(BindingAcknowledgement(0, 0, 1, 9), HA, COA),
        packet(BindingUpdate(1, ACKNOWLEDGE, 9), destination=CN),
        packet(BindingUpdate(2, ACKNOWLEDGE | HOME_FLAG, 9), destination=HA),
        packet(BindingAcknowledgement(128, 0, 2, 0), CN, COA),
        packet(BindingAcknowledgement(0, 0, 2, 9), HA, COA),
    ]
    assert [m.sequence for m in taken(Packets(Told(packets), UNKNOWN_AGENT))] == [2, 2]


def test_our_own_binding_error_is_not_the_peer_s() -> None:
    """It is what was sent to provoke an update."""
    error = packet(BindingError(1, parse(HOA)), CN, HOA)
    assert taken(Packets(Told([error]), structs.replace(AT_PEER, method="be"))) == []
    assert len(taken(Packets(Told([error]), AT_PEER))) == 1


def test_a_witness_that_is_flooded_comes_back() -> None:
    """At its time, though there is always something of others."""

    def others() -> Iterator[Any]:
        while True:
            yield event("bindingUpdateSent", OTHER)

    assert Events(Told(others()), ROUTE).next(0.0) is None
    foreign = (packet(BindingUpdate(1, 0, 1), destination=OTHER) for _ in others())
    assert Packets(Told(foreign), ROUTE).next(0.0) is None


@pytest.fixture
def session(mipsh: Mipsh, replay: Replay) -> Iterator[Session]:
    """Return a session with a recorded mobile node."""
    environment = Environment(mipsh.variables, StringIO(), StringIO(), StringIO())
    with Session(environment, Registry(False)) as found:
        found.connect(replay(ROUTE_OPTIMISED, "mn").uri)
        yield found


def test_a_watch_of_tables_alone(session: Session) -> None:
    """Without the right to see packets: that is remembered, and the table is read before and in the end."""
    wanted = Wanted(HOA, CN, CORRESPONDENT, "poke", "asked", 0.12)

    def watched() -> Watch:
        with Watch(session, wanted).open() as watch:
            watch.asked()
            assert watch.verdict().verdict is Verdict.NOT_SENT
            assert watch.so_far().verdict is Verdict.COULD_NOT_TELL
            return watch

    seen = without(CAP_NET_RAW, watched).seen
    assert (seen.watches_messages, seen.is_table_current, seen.sequence_before) == (False, True, 28030)
    assert [test.name for test in seen.tests] == ["home_test", "care_of_test"]
    assert len(seen.blind) == 1
    assert seen.blind[0].startswith("packets (watching packets needs CAP_NET_RAW")


def test_events_that_cannot_be_heard_are_remembered(session: Session) -> None:
    """And packets are watched in their place."""

    def refuse() -> Any:
        raise EngineRefused("nothing listens there")

    connector = session.engine()
    wanted = Wanted(HOA, CN, CORRESPONDENT, "native", "asked", 0.0)
    other = SimpleNamespace(
        listening=refuse,
        asking=connector.asking,
        binding_update_list=connector.binding_update_list,
        return_routability=connector.return_routability,
        has_sequence_numbers=True,
    )

    def watched() -> list[str]:
        with Watch(Standing(other), wanted).open() as watch:
            watch.asked()
            watch.verdict()
            return watch.seen.blind

    first, second = without(CAP_NET_RAW, watched)
    assert first == "events (nothing listens there)"
    assert second.startswith("packets (")


def test_a_table_that_has_no_sequence_numbers(session: Session) -> None:
    """What it shows or does not show says nothing of a Binding Update, and that is remembered."""
    connector = session.engine()
    connector.has_sequence_numbers = False
    wanted = Wanted(HOA, CN, CORRESPONDENT, "native", "asked", 0.0)
    with Watch(session, wanted).open() as watch:
        watch.asked()
        watch.verdict()
        assert not watch.seen.is_table_current and watch.seen.after is None
        assert any("tells one Binding Update from the next" in line for line in watch.seen.blind)


class Standing(Session):
    """A session that has an engine, and nothing else."""

    def __init__(self, connector: Any) -> None:
        self._engine = connector

    def engine(self) -> Any:
        """Return it."""
        return self._engine


def test_very_many_messages_are_not_all_kept(session: Session) -> None:
    """The first and the last are; the others are counted. What was before is of no account."""
    connector = session.engine()
    flood = [event("bindingUpdateSent", mh_sequence=n % 65536) for n in range(MOST_KEPT * 3)]

    class Floods:
        """A context in which there is a flood, after one event that was there before."""

        def __enter__(self) -> Any:
            """Return what tells it."""
            before = event("bindingUpdateSent", mh_sequence=4711)
            return Told([before, None, *flood, None])

        def __exit__(self, *_: object) -> None:
            """Leave."""

    other = SimpleNamespace(
        listening=Floods,
        asking=connector.asking,
        binding_update_list=connector.binding_update_list,
        return_routability=connector.return_routability,
        has_sequence_numbers=True,
    )
    wanted = Wanted(HOA, CN, CORRESPONDENT, "native", "asked", 0.05)
    with Watch(Standing(other), wanted).open() as watch:
        watch.asked()
        found = watch.verdict()
    numbers = [message.sequence for message in watch.seen.messages]
    assert found.verdict is Verdict.UNANSWERED
    assert 4711 not in numbers
    assert len(numbers) == MOST_KEPT
    assert numbers[0] == 0
    assert watch.seen.left_out > 0
