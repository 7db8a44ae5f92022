"""``watch``: a command again and again."""

import time
from collections.abc import Generator
from contextlib import closing

from mipsh.errors import MipshError
from mipsh.grammar.declare import Argument, Call, Command, Option, Takes
from mipsh.result import Result, of_error
from mipsh.session import Session

SHORTEST_S = 1.0


def run(
    session: Session, command: Call, interval: float = 2.0, diff: bool = False, count: int = 0
) -> Generator[Result, None, None]:
    """Run a command every ``interval`` seconds, until interrupted or ``count`` times.

    An engine that is away does not end it: the frame says so, and the next one tries again.
    """
    interval = max(interval, SHORTEST_S)
    done = 0
    while True:
        began = time.monotonic()
        result = look(session, command)
        result.compare = diff
        cost_ms = (time.monotonic() - began) * 1000
        result.summary = f"every {interval:g} s, {cost_ms:.0f} ms a look; Ctrl-C ends it"
        yield result
        done += 1
        if count and done >= count:
            return
        time.sleep(max(began + interval - time.monotonic(), 0.0))


def look(session: Session, command: Call) -> Result:
    """Run the command once; an error is a result like any other."""
    try:
        outcome = command.command.run(session, **command.values)
    except MipshError as error:
        return of_error(error)
    if isinstance(outcome, Result):
        return outcome
    return first(outcome)


def first(frames: Generator[Result, None, None]) -> Result:
    """Return the first look of a command that goes on by itself, and end it."""
    with closing(frames):
        return next(frames)


COMMAND = Command(
    "watch",
    "run a command again and again",
    run,
    (Argument("command", Takes.CALL, "the command to run"),),
    (
        Option("--interval", "seconds between two looks, at least 1", Takes.SECONDS, "-n", metavar="S"),
        Option("--diff", "mark what changed since the look before"),
        Option("--count", "look so many times, then end", Takes.INTEGER, metavar="N"),
    ),
    details=(
        "mip6d prints its tables while it holds its locks, so that looking has a price: it is shown. "
        "Options of watch stand before the command. With -o json or ndjson each look is a line."
    ),
    examples=(("watch bul", "every two seconds"), ("watch -n 5 --diff bc", "what changes in the cache")),
)
