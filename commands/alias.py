"""``alias``: words that stand for lines."""

from mipsh.by_hand import here
from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.grammar.tokens import quote
from mipsh.model.shell import ALIASES, AliasReport
from mipsh.registry import Registry
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session, name: str = "", line: list[str] | None = None, remove: bool = False) -> Result:
    """Set, remove or list aliases."""
    if remove:
        if session.aliases.pop(name, None) is None:
            raise UsageError(f"there is no alias '{name}'", "'alias' lists them")
        return Result()
    if name and line:
        check(session.registry, name)
        # One word is a line as it is; several are the words of one.
        session.aliases[name] = line[0] if len(line) == 1 else " ".join(map(quote, line))
        return Result()
    rows = [AliasReport(alias, text) for alias, text in sorted(session.aliases.items()) if name in ("", alias)]
    if name and not rows:
        raise UsageError(f"there is no alias '{name}'", "'alias' lists them")
    return Result(ALIASES, rows)


def check(registry: Registry, name: str) -> None:
    """Refuse a name that begins a command, or that is not one word; raises UsageError."""
    if registry.is_command(name):
        raise UsageError(f"'{name}' is a command, and stays one", "choose another word")
    if quote(name) != name:
        raise UsageError(f"'{name}' cannot be typed as one word", "choose another word")


COMMAND = Command(
    "alias",
    "let a word stand for a line",
    run,
    (
        Argument("name", Takes.ALIAS, "the word", required=False),
        Argument("line", Takes.RAW, "the line it stands for; $1 to $9 and $* are words behind it", required=False),
    ),
    (Option("--remove", "forget the alias"),),
    table="aliases",
    details="Aliases last as long as the shell; those in the configuration file stay.",
    examples=(
        ("alias peer 'bul --where cn=$1 --wide'", "then: peer 2001:db8:4::2"),
        ("alias --remove peer", "forget it"),
    ),
    how=here("let a word stand for a line, as long as the shell lasts", "[aliases] in the configuration file lasts"),
)
