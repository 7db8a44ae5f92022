"""Exchanges and events as the rows that users see."""

from mipsh.model.acknowledgement import meaning
from mipsh.model.events import EngineEvent
from mipsh.model.traces import SignallingReport
from mipsh.signalling.exchange import Exchange, Step, What
from mipsh.signalling.explain import explain
from mipsh.wire.address import text

EVENT = "event"
NS_PER_S, NS_PER_MS, S_PER_DAY = 1_000_000_000, 1_000_000, 86_400
_BINDING_ERRORS = {1: "no_binding", 2: "unknown_message_type"}


def report(exchange: Exchange) -> SignallingReport:
    """Return the row of an exchange; its times are unknown where the capture has none."""
    is_timed = exchange.started_ns > 0
    explanation, advice = explain(exchange)
    began = moment(exchange.started_ns) if is_timed else None
    return SignallingReport(
        began,
        _clock(began),
        str(exchange.what),
        ", ".join(_counted(step) for step in exchange.steps),
        str(exchange.state),
        _text(exchange.home_address),
        _text(exchange.care_of_address),
        _text(exchange.peer),
        round(exchange.latency_ms, 3) if is_timed and exchange.latency_ms is not None else None,
        exchange.sequence,
        exchange.status,
        _name(exchange),
        exchange.lifetime_s,
        exchange.granted_s,
        exchange.flags,
        exchange.questions,
        exchange.answers,
        moment(exchange.ended_ns) if is_timed else None,
        tuple(exchange.interfaces),
        explanation,
        advice,
        exchange.number,
    )


def report_event(event: EngineEvent) -> SignallingReport:
    """Return the row of an event of the engine."""
    return SignallingReport(
        event.time,
        _clock(event.time),
        EVENT,
        event.event,
        "seen",
        event.home_address or event.address,
        event.care_of_address,
        event.peer,
        sequence=event.mh_sequence,
        status=event.status,
        lifetime_s=event.lifetime_s,
        flags=event.flags or (),
        interfaces=(event.interface,) if event.interface else (),
        explanation=event.detail,
    )


def moment(time_ns: int) -> str:
    """Return a time since 1970 as RFC 3339, UTC, milliseconds; any that 64 bits can hold."""
    seconds, rest = divmod(time_ns, NS_PER_S)
    days, second = divmod(seconds, S_PER_DAY)
    # Days are counted from 1 March of year 0, in eras of 400 years: leap days come last in a year then.
    era, day = divmod(days + 719_468, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day = day - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (month <= 2)
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{rest // NS_PER_MS:03}"
    return f"{year:04}-{month:02}-{day:02}T{clock}Z"


def _clock(time: str | None) -> str | None:
    """Return the time of day in a time."""
    return None if time is None else time.partition("T")[2].rstrip("Z")


def _counted(step: Step) -> str:
    return f"{step.count} {step.kind}"


def _text(address: bytes | None) -> str | None:
    return None if address is None else text(address)


def _name(exchange: Exchange) -> str | None:
    if exchange.status is None:
        return None
    if exchange.what is What.BINDING_ERROR:
        return _BINDING_ERRORS.get(exchange.status, f"unassigned_{exchange.status}")
    return meaning(exchange.status).name
