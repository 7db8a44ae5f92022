"""The log of a daemon: one line for each thing that happened."""

import io

from mipsh.mobility.effects import AddressAdded, Deliver, Emit
from mipsh.node.log import Log
from mipsh.wire.address import parse
from mipsh.wire.packet import Packet, Payload

HOA, COA, HA = parse("2001:db8:1::7"), parse("2001:db8:2::7"), parse("2001:db8:1::1")


def logged(stream: io.StringIO) -> Log:
    """Return a log with a clock that stands still."""
    return Log(stream, lambda: 1_769_860_800.1239)


def test_a_line_has_a_time_a_level_an_event_and_values() -> None:
    """What is not known is left out; what is more than a word is in quotes; nothing acts on a terminal."""
    stream = io.StringIO()
    log = logged(stream)
    log.info("started", node="mn", interfaces=["a", "b"], pid=5, empty="", none=None, nothing=())
    log.warning("odd", detail='say "no"')
    log.error("failed", message="a b\x1b[31m", equal="x=y")
    assert stream.getvalue().splitlines() == [
        "2026-01-31T12:00:00.123Z info started node=mn interfaces=a,b pid=5",
        '2026-01-31T12:00:00.123Z warning odd detail="say \\"no\\""',
        '2026-01-31T12:00:00.123Z error failed message="a b\\\\x1b[31m" equal="x=y"',
    ]


def test_events_have_the_names_of_the_mib() -> None:
    """RFC 4295's, with the addresses; what is no event is not told."""
    stream = io.StringIO()
    log = logged(stream)
    log.effect(5.0, Emit("mip6MnRegistered", HOA, COA, HA))
    log.effect(5.0, AddressAdded(HOA))
    log.effect(5.0, Deliver(Packet(HOA, COA, Payload(17, b""))))
    registered, added = stream.getvalue().splitlines()
    assert registered == (
        "2026-01-31T12:00:00.123Z info mip6MnRegistered home_address=2001:db8:1::7 "
        "care_of_address=2001:db8:2::7 peer=2001:db8:1::1"
    )
    assert added == "2026-01-31T12:00:00.123Z info addressAdded address=2001:db8:1::7"


def test_a_stream_that_is_gone_hears_nothing_more() -> None:
    """The daemon goes on."""
    stream = io.StringIO()
    log = logged(stream)
    stream.close()
    log.info("one")
    log.info("two")
    Log(None).info("three")
