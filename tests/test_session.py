"""One session: which engine is used, for how long it is waited for, what is remembered."""

import threading
from collections.abc import Iterator

import pytest
from harness import RECORDINGS, ROUTE_OPTIMISED, Replay, Scripted
from msgspec import structs

from mipsh.engine import Capability, EngineKind
from mipsh.environment import Environment
from mipsh.errors import EngineBusy, EngineRefused, NotThisEngine, UsageError
from mipsh.node.faults import Garbage
from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.plugins.engines.umip_vt import VtClient, parse_address
from mipsh.recording import load
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.settings import Settings

NOWHERE = "umip:///nowhere/mip6d.sock"


class Elsewhere(Registry):
    """A registry in which mip6d is usually found at other places."""

    def __init__(self, *defaults: str) -> None:
        super().__init__(plugins=False)
        self.defaults = defaults

    def engine(self, scheme: str) -> EngineKind:
        """Return the engine with these places."""
        return structs.replace(super().engine(scheme), defaults=self.defaults, find=None)


def used(session: Session) -> bool:
    """Tell whether a session uses an engine."""
    return session.connector is not None


@pytest.fixture
def session() -> Iterator[Session]:
    """Give a session without plugins."""
    with Session(Environment({}), Registry(plugins=False)) as session:
        yield session


def test_the_engine_named_is_used_until_another_is_reached(session: Session, replay: Replay) -> None:
    """A failure keeps the one before, with what it said."""
    mn, ha = replay(ROUTE_OPTIMISED, "mn").uri, replay(ROUTE_OPTIMISED, "ha").uri
    first = session.connect(mn)
    session.read(Capability.BINDING_UPDATE_LIST)
    with pytest.raises(EngineRefused):
        session.connect(NOWHERE)
    assert session.engine() is first
    assert session.readings.keys() == {"binding_update_list"}
    second = session.connect(ha)
    assert session.engine() is second
    assert second.info is not None
    assert second.info.role == "ha"
    assert session.readings == {}


def test_nothing_is_reached_for_before_it_is_needed(session: Session, replay: Replay) -> None:
    """The setting names the engine of the first question."""
    session.set(Settings(engine=replay(ROUTE_OPTIMISED, "cn").uri))
    assert not used(session)
    assert len(session.read(Capability.BINDING_CACHE).rows) == 1
    assert used(session)
    session.disconnect()
    session.disconnect()
    assert not used(session)


def test_an_option_s_engine_is_used_for_its_block_alone(session: Session, replay: Replay) -> None:
    """Engine and readings are those of before when the block ends, however it ends."""
    first = session.connect(replay(ROUTE_OPTIMISED, "mn").uri)
    kept = session.read(Capability.STATISTICS)
    with session.options({"engine": replay(ROUTE_OPTIMISED, "ha").uri, "timeout": 2.0}):
        assert session.readings == {}
        assert session.read(Capability.HOME_AGENTS).rows
        assert session.engine().timeout_s == 2
        assert session.engine() is not first
    assert session.engine() is first
    assert session.readings == {"statistics": kept}
    assert session.engine().timeout_s == Settings().timeout
    with pytest.raises(EngineRefused), session.options({"engine": NOWHERE}):
        session.engine()
    assert session.engine() is first


def test_options_win_over_settings_and_settings_last(session: Session) -> None:
    """What is set within a block is there after it; what was an option is not."""
    with session.options({"output": "json", "wide": True}):
        assert (session.settings.output, session.settings.wide) == ("json", True)
        with session.options({"output": "csv"}):
            assert (session.settings.output, session.settings.wide) == ("csv", True)
            session.set(Settings(timeout=9.0, output="tsv"))
            assert (session.settings.output, session.settings.timeout) == ("csv", 9.0)
        assert session.settings.output == "json"
    assert (session.settings, session.base) == (Settings(timeout=9.0, output="tsv"),) * 2


def test_an_engine_that_appears_later_is_waited_for(session: Session, replay: Replay) -> None:
    """As long as ``wait`` says; the server is started by a timer."""
    served = replay(ROUTE_OPTIMISED, "mn")
    host, port = served.server.address
    served.server.stop()
    later = VtServer(RecordedResponder(load(RECORDINGS / ROUTE_OPTIMISED, "mn")), host, port)
    timer = threading.Timer(0.3, later.start)
    timer.start()
    try:
        with session.options({"wait": 20.0}):
            connector = session.connect(served.uri)
        assert connector.info is not None
        assert connector.info.role == "mn"
    finally:
        timer.join()
        later.stop()


def test_a_slot_that_becomes_free_is_waited_for(session: Session, replay: Replay) -> None:
    """While it is taken in the middle of a session, too."""
    served = replay(ROUTE_OPTIMISED, "mn")
    session.connect(served.uri)
    holder = VtClient(parse_address(served.uri), 1.0)
    holder.open()
    with pytest.raises(EngineBusy):
        session.read(Capability.STATISTICS)
    timer = threading.Timer(0.6, holder.close)
    timer.start()
    with session.options({"wait": 20.0}):
        assert session.read(Capability.STATISTICS).rows
    timer.join()


def test_another_engine_is_not_waited_for(session: Session, replay: Replay) -> None:
    """What is not mip6d will not become it."""
    uri = replay.serve(Scripted({}), Garbage()).uri
    with session.options({"wait": 3600.0}), pytest.raises(NotThisEngine):
        session.connect(uri)


@pytest.mark.parametrize("uri", ["umip", "::1", ":7777", "bogus:x", "umip:", "http://[::1]:7777"])
def test_an_address_needs_a_kind_of_engine(session: Session, uri: str) -> None:
    """Anything else is a usage error, with an example or the kinds there are."""
    with pytest.raises(UsageError) as caught:
        session.connect(uri)
    assert caught.value.hint


def test_where_no_engine_is_all_places_are_said() -> None:
    """The usual ones, with what to do."""
    with Session(Environment({}), Elsewhere(NOWHERE, "umip:///nowhere/else.sock")) as session:
        with pytest.raises(EngineRefused) as caught:
            session.connect()
        assert "nothing listens at /nowhere/mip6d.sock" in caught.value.message
        assert "nothing listens at /nowhere/else.sock" in caught.value.message
        assert "--engine URI" in caught.value.hint
        assert "'mipsh lab up'" in caught.value.hint
        assert "'mipsh demo'" in caught.value.hint
    assert Registry(plugins=False).engine("umip").defaults == ("umip://[::1]:7777", "umip://127.0.0.1:7777")


def test_the_usual_places_are_tried_in_order(replay: Replay) -> None:
    """The first that answers is used; where none does, a busy one is told before an empty one."""
    served = replay(ROUTE_OPTIMISED, "ha")
    with Session(Environment({}), Elsewhere(NOWHERE, served.uri)) as session:
        info = session.connect().info
        assert info is not None
        assert info.address == served.uri
        session.disconnect()
        holder = VtClient(parse_address(served.uri), 1.0)
        holder.open()
        with pytest.raises(EngineBusy):
            session.connect()
        holder.close()


def test_what_commands_started_ends_with_the_session(replay: Replay) -> None:
    """Resources are closed, and lines need somebody to run them."""
    server = VtServer(RecordedResponder(load(RECORDINGS / ROUTE_OPTIMISED, "mn")))
    with Session(Environment({}), Registry(plugins=False)) as session:
        session.resources.enter_context(server)
        host, port = server.address
        session.connect(f"umip://{host}:{port}")
        with pytest.raises(UsageError):
            session.run_line("version")
    assert not used(session)
    with pytest.raises(EngineRefused):
        VtClient(parse_address(f"umip://{host}:{port}"), 1.0).open()
