"""``stats``: traffic counters, and their rates."""

import time

from msgspec import structs

from mipsh.by_hand import reading
from mipsh.engine import Capability
from mipsh.grammar.declare import Command, Option, Takes
from mipsh.model.records import Counter
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session

_RATE_COLUMNS = ("direction", "name", "value", "delta", "rate_per_s")


def run(session: Session, rate: float | None = None) -> Result:
    """Read the counters once, or twice ``rate`` seconds apart."""
    if not rate:
        return session.result(Capability.STATISTICS)
    before, began = session.read(Capability.STATISTICS), time.monotonic()
    time.sleep(rate)
    result, elapsed = session.result(Capability.STATISTICS), time.monotonic() - began
    earlier = {(row.direction, row.name): row.value for row in before.rows if isinstance(row, Counter)}
    result.rows = [with_rate(row, earlier.get((row.direction, row.name)), elapsed) for row in result.rows]
    result.shown = _RATE_COLUMNS
    return result


def how(session: Session, rate: float | None = None) -> list[How]:
    """Say how the counters are read, once or twice."""
    once = reading(session, Capability.STATISTICS)
    return [*once, How(f"wait {rate:g} s", "none", f"sleep {rate:g}"), *once[-1:]] if rate else once


def with_rate(row: Counter, earlier: int | None, elapsed_s: float) -> Counter:
    """Return a counter with its change; unknown where it is not counted or the engine began anew."""
    if row.value is None or earlier is None or row.value < earlier or elapsed_s <= 0:
        return row
    delta = row.value - earlier
    return structs.replace(row, delta=delta, rate_per_s=round(delta / elapsed_s, 3))


COMMAND = Command(
    "stats",
    "show traffic counters",
    run,
    options=(Option("--rate", "read twice, so many seconds apart, and show the change", Takes.SECONDS, metavar="S"),),
    aliases=("statistics", "show stats", "show ipv6 mobile traffic"),
    table="statistics",
    details=(
        "Counters since the engine started. mip6d prints counters that none of its code ever increments: "
        "they are shown as not counted (null in JSON), since their zero says nothing."
    ),
    examples=(
        ("stats --where value>0", "what was seen at all"),
        ("stats --rate 5", "what happens now"),
    ),
    how=how,
)
