"""``source``: run the lines of a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mipsh.errors import UsageError
from mipsh.execute import steps_of_line
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.grammar.lines import substitute
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

MAX_DEPTH = 16


def run(session: Session, file: str, words: list[str] | None = None) -> Result:
    """Run a file's lines in this session; stop at the first that is not fine."""
    with reading(session, file, words) as lines:
        for number, line in enumerate(lines, 1):
            status = session.run_line(line)
            if status is not ExitStatus.OK:
                session.environment.warn(f"mipsh: {file}:{number}: stopped here (status {int(status)})")
                return Result(status=status)
            if session.leave:
                break
    return Result()


def how(session: Session, file: str, words: list[str] | None = None) -> list[How]:
    """Say how each of the file's lines is done, with the engine in use."""
    with reading(session, file, words) as lines:
        return [step for line in lines for step in steps_of_line(session, line)]


@contextmanager
def reading(session: Session, file: str, words: list[str] | None) -> Iterator[list[str]]:
    """Hold a file's lines with the words put into them; raises UsageError, also where files go on and on."""
    if session.source_depth >= MAX_DEPTH:
        raise UsageError(f"files run each other {MAX_DEPTH} deep: '{file}' is not run", "look for one that runs itself")
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"cannot read {file}: it is not UTF-8 text") from None
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None
    session.source_depth += 1
    try:
        yield [substitute(line, words or [])[0] for line in lines]
    finally:
        session.source_depth -= 1


COMMAND = Command(
    "source",
    "run the lines of a file",
    run,
    (
        Argument("file", Takes.PATH, "file of lines as typed at the prompt; # begins a comment"),
        Argument("words", Takes.TEXT, "words for $1 to $9 and $* in it", required=False, many=True),
    ),
    details="It stops at the first line that is not fine, and its status is that line's.",
    runs_lines=True,
    examples=(("source checks.mip", "run checks.mip"),),
    how=how,
)
