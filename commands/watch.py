"""``watch``: a command again and again."""

import time
from collections.abc import Generator
from contextlib import closing

from mipsh.errors import MipshError, PluginError, UsageError
from mipsh.execute import explained, is_withheld, options_of, steps
from mipsh.grammar.declare import Argument, Call, Changes, Command, Option, Takes
from mipsh.grammar.lines import Statement, parse
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.shell import STATUS, How
from mipsh.model.tables import TABLES
from mipsh.registry import COMMANDS
from mipsh.result import Result, of_error
from mipsh.session import Session
from mipsh.stages import apply_stages, shape

SHORTEST_S = 1.0
RESTS = 4.0
KEPT = {*ENGINE_TABLES, STATUS.name}


def run(
    session: Session, command: Call | None = None, interval: float = 2.0, diff: bool = False, count: int = 0
) -> Generator[Result, None, None]:
    """Run a command every ``interval`` seconds, until interrupted or ``count`` times.

    Without a command, the last line is run again. A look that costs much makes the interval
    longer. An engine that is away does not end it: the frame says so, and the next one tries again.
    """
    statement = watched(session, command)
    shortest = max(interval, SHORTEST_S)
    done = 0
    while True:
        began = time.monotonic()
        result = look_at(session, statement)
        result.compare = diff
        cost_s = time.monotonic() - began
        interval = max(shortest, round(cost_s * RESTS, 1))
        asked = f" (a look costs too much for {shortest:g} s)" if interval > shortest else ""
        result.summary = f"every {interval:g} s{asked}, {cost_s * 1000:.0f} ms a look; Ctrl-C ends it"
        if command is None:
            result.summary = f"{statement.text}\n{result.summary}"
        yield result
        done += 1
        if session.leave or (count and done >= count):
            return
        time.sleep(max(began + interval - time.monotonic(), 0.0))


def watched(session: Session, command: Call | None) -> Statement:
    """Return what is to be run again and again; raises UsageError for what may change a node."""
    if command is None:
        return last(session)
    if command.command.changes is Changes.NODE:
        raise UsageError(f"'{command.command.name}' changes the node, and watch only looks", "run it by itself")
    return Statement(Call(command.command, command.values, {}))


def how(
    session: Session, command: Call | None = None, interval: float = 2.0, diff: bool = False, count: int = 0
) -> list[How]:
    """Say how one look is done, and how often."""
    call = watched(session, command).call
    times = f"{count} times" if count else "until Ctrl-C"
    again = How(
        f"do it again every {max(interval, SHORTEST_S):g} s, {times}", "none", f"sleep {max(interval, SHORTEST_S):g}"
    )
    return [*steps(session, call), again] if call is not None else [again]


def last(session: Session) -> Statement:
    """Return the last statement typed that shows what the engine keeps; raises UsageError."""
    for line in reversed(session.history()):
        parsed = parse(line, session.registry, session.aliases)
        found = parsed.statements[-1] if parsed.statements and not parsed.faults else Statement()
        elsewhere = found.redirect or any(stage.name == "!" for stage in found.stages)
        shows = found.call is not None and found.call.command.table in KEPT and found.help_words is None
        if shows and not elsewhere:
            return found
    raise UsageError("watch needs COMMAND: no table was shown before", "write watch bul")


def look_at(session: Session, statement: Statement) -> Result:
    """Run a statement's command once, and filter its rows."""
    if statement.call is None:
        return Result()
    common = statement.call.common
    with session.options(options_of(common)):
        return apply_stages(shape(look(session, statement.call), common), statement.stages)


def look(session: Session, command: Call) -> Result:
    """Run the command once; what the engine may get over is a result like any other."""
    try:
        with session.registry.calling(COMMANDS, command.command.name):
            chosen = explained(command) if is_withheld(session, command.command) else command
            outcome = chosen.command.run(session, **command.values)
            return outcome if isinstance(outcome, Result) else first(outcome)
    except (PluginError, UsageError):
        raise
    except MipshError as error:
        return of_error(error, TABLES.get(command.command.table))


def first(frames: Generator[Result, None, None]) -> Result:
    """Return the first look of a command that goes on by itself, and end it."""
    with closing(frames):
        return next(frames, Result())


COMMAND = Command(
    "watch",
    "run a command again and again",
    run,
    (Argument("command", Takes.CALL, "the command to run; none: that of the line before", required=False),),
    (
        Option("--interval", "seconds between two looks, at least 1", Takes.SECONDS, "-n", metavar="S"),
        Option("--diff", "mark what changed since the look before"),
        Option("--count", "look so many times, then end", Takes.INTEGER, metavar="N"),
    ),
    details=(
        "mip6d prints its tables while it holds its locks, so that looking has a price: it is shown. Each look "
        "is a connection of its own, and by its source mip6d 1.0 keeps a few kilobytes for every connection it "
        "ever had: let a watch that runs for days look seldom. "
        "Options of watch stand before the command. With -o json each look is a line."
    ),
    examples=(("watch bul", "every two seconds"), ("watch -n 5 --diff bc", "what changes in the cache")),
    how=how,
)
