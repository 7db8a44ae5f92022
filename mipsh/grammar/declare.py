"""What a command is: its words, its arguments and options, and the function that runs it.

A command's function takes the session and then one keyword for each declared name; its
signature and the declaration are held together by a test.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from keyword import iskeyword
from typing import Any

from msgspec import Struct

from mipsh.errors import MipshError
from mipsh.model.shell import How


class Takes(StrEnum):
    """What an argument or an option's value is; completion and checking follow from it."""

    WORD = "word"
    TEXT = "text"
    INTEGER = "integer"
    SECONDS = "seconds"
    ADDRESS = "address"
    PATH = "path"
    DIRECTORY = "directory"
    COMMAND = "command"
    CALL = "call"
    TABLE = "table"
    COLUMNS = "columns"
    CONDITION = "condition"
    ASSERTION = "assertion"
    FORMAT = "format"
    ENGINE = "engine"
    SETTING = "setting"
    VALUE = "value"
    ALIAS = "alias"
    NETNS = "netns"
    FIELD = "field"
    RAW = "raw"


class Argument(Struct, frozen=True):
    """A positional argument; ``many`` takes all the words that are left.

    It has to be one of the ``choices`` where there are some; for an address they are words beside it.
    """

    name: str
    takes: Takes
    meaning: str
    required: bool = True
    many: bool = False
    choices: tuple[str, ...] = ()


class Option(Struct, frozen=True):
    """An option ``--name``; without ``takes`` it is a flag; ``many`` may be given again."""

    name: str
    meaning: str
    takes: Takes | None = None
    short: str = ""
    many: bool = False
    metavar: str = ""
    choices: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The keyword its value is passed under; Python's own words get an underscore behind them."""
        found = self.name.removeprefix("--").replace("-", "_")
        return f"{found}_" if iskeyword(found) else found


class Changes(StrEnum):
    """What a command may change, beside the shell itself: nothing, what the user has from mipsh, a node.

    A probe changes nothing that is configured, and sends packets, as any program of the node may.
    """

    NOTHING = "nothing"
    PROBE = "probe"
    OWN = "own"
    NODE = "node"


class Command(Struct, frozen=True):
    """A command of the shell.

    ``run(session, **values)`` returns a Result, or an iterator of Results for a command that goes
    on. ``aliases`` are further phrases. ``table`` names the table of its rows.
    ``runs_lines`` marks a command that runs lines, each of which writes its own result.
    ``how(session, **values)`` says how the same is done by hand; it may look, and does nothing else.
    ``changes`` is NODE for a command that may change a node: it needs permission, and honours
    ``--dry-run`` itself. OWN is for labs, processes and files that the user has from mipsh,
    PROBE for what sends packets to learn something.
    """

    name: str
    summary: str
    run: Callable[..., Any]
    arguments: tuple[Argument, ...] = ()
    options: tuple[Option, ...] = ()
    aliases: tuple[str, ...] = ()
    table: str = ""
    details: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    runs_lines: bool = False
    how: Callable[..., Sequence[How]] | None = None
    changes: Changes = Changes.NOTHING


class Fault(Struct, frozen=True):
    """What is wrong with a line, and where: ``[start, end)`` of the text.

    ``error`` is set where not the words are at fault but the command that they name.
    """

    message: str
    hint: str
    start: int
    end: int
    error: MipshError | None = None


class Call(Struct, frozen=True):
    """A command with its values; ``common`` holds the options that every command takes."""

    command: Command
    values: dict[str, object]
    common: dict[str, object]
    text: str = ""


COMMON_OPTIONS = (
    Option("--output", "format of the result", Takes.FORMAT, "-o", metavar="FORMAT"),
    Option("--json", "the same as --output json"),
    Option("--columns", "only these columns, comma-separated", Takes.COLUMNS, metavar="LIST"),
    Option("--where", "only rows that meet a condition", Takes.CONDITION, many=True, metavar="COND"),
    Option("--sort", "sort by columns; -NAME sorts down", Takes.COLUMNS, metavar="LIST"),
    Option("--wide", "every column, not only the usual ones"),
    Option("--no-headers", "no header line"),
    Option("--engine", "ask this engine, for this command", Takes.ENGINE, "-e", metavar="URI"),
    Option("--timeout", "seconds that an engine has to answer", Takes.SECONDS, "-t", metavar="S"),
    Option("--wait", "wait up to so long for the engine to be there", Takes.SECONDS, metavar="S"),
    Option("--quiet", "no warnings", short="-q"),
    Option("--verbose", "say more on stderr", short="-v", many=True),
    Option("--color", "when to colour", Takes.WORD, metavar="WHEN", choices=("auto", "always", "never")),
    Option("--no-color", "the same as --color never"),
    Option("--no-pager", "never page"),
    Option("--write", "may change the node, for this command"),
    Option("--yes", "do not ask whether to"),
    Option("--dry-run", "say what would be done, and do nothing"),
    Option("--how", "say how the same is done by hand, and do nothing"),
    Option("--help", "help for the command", short="-h"),
)
