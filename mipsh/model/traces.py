"""The records of the mobility signalling that was heard: a row an exchange, and events of the engine among them."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, FLAGS, INTEGER, SECONDS, WIDE = Kind.ADDRESS, Kind.FLAGS, Kind.INTEGER, Kind.SECONDS, Shown.WIDE


class SignallingReport(Struct, frozen=True):
    """An exchange of mobility messages, or an event of the engine."""

    time: Annotated[str | None, column("Time", "when it began (RFC 3339, UTC)", Kind.TIME, shown=WIDE)]
    clock: Annotated[str | None, column("Clock", "the time of day of that (UTC)")]
    exchange: Annotated[
        str,
        column(
            "Exchange",
            "home_test, care_of_test, home_registration, correspondent_registration, home_agent_discovery, "
            "prefix_discovery, binding_refresh, binding_error, icmp_error, other, or event",
            alias="what",
        ),
    ]
    messages: Annotated[str, column("Messages", "how many of each kind were heard, or the event's name")]
    state: Annotated[
        str,
        column(
            "State",
            "answered, accepted, rejected, error, unanswered, sent (no acknowledgement asked for), answer_only, "
            "replaced, malformed, open (it ended too early to tell), seen",
        ),
    ]
    home_address: Annotated[
        str | None, column("Home address", "home address of the mobile node", ADDRESS, alias="hoa")
    ] = None
    care_of_address: Annotated[
        str | None, column("Care-of address", "care-of address of the mobile node", ADDRESS, alias="coa")
    ] = None
    peer: Annotated[str | None, column("Peer", "home agent or correspondent node", ADDRESS, alias="cn")] = None
    latency_ms: Annotated[
        float | None,
        column("Latency", "from the question that was answered to its answer", INTEGER, unit="ms", alias="latency"),
    ] = None
    sequence: Annotated[
        int | None, column("Seq", "sequence number of the last Binding Update", INTEGER, alias="seq")
    ] = None
    status: Annotated[
        int | None, column("Status", "status of the Binding Acknowledgement or Binding Error", INTEGER)
    ] = None
    status_name: Annotated[str | None, column("Says", "that status in a word", shown=WIDE)] = None
    lifetime_s: Annotated[
        int | None, column("Lifetime", "lifetime that was asked for", SECONDS, unit="s", shown=WIDE)
    ] = None
    granted_s: Annotated[int | None, column("Granted", "lifetime that was granted", SECONDS, unit="s", shown=WIDE)] = (
        None
    )
    flags: Annotated[tuple[str, ...], column("Flags", "flags of the Binding Update", FLAGS, shown=WIDE)] = ()
    questions: Annotated[
        int | None, column("Questions", "how often it was asked, each packet once", INTEGER, shown=WIDE)
    ] = None
    answers: Annotated[int | None, column("Answers", "how many answers were heard", INTEGER, shown=WIDE)] = None
    ended: Annotated[str | None, column("Ended", "when its last message was heard", Kind.TIME, shown=WIDE)] = None
    interfaces: Annotated[
        tuple[str, ...], column("Interfaces", "interfaces on which it was heard", FLAGS, shown=WIDE)
    ] = ()
    explanation: Annotated[str, column("Explanation", "what it says, in a sentence", shown=WIDE)] = ""
    advice: Annotated[str, column("Advice", "what to do next", shown=WIDE)] = ""
    number: Annotated[int, column("No.", "its place, from 1", INTEGER, shown=WIDE)] = 0


SIGNALLING = table("signalling", SignallingReport, "Signalling", key=("time", "number"))
TRACE_TABLES = {found.name: found for found in (SIGNALLING,)}
