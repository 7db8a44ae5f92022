"""Lines that the grammar takes, for any command: arguments and options drawn from what each declares."""

from collections.abc import Sequence

from hypothesis import strategies as st

from mipsh.builtin import COMMANDS
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.grammar.lines import parse
from mipsh.grammar.tokens import TokenKind, tokens_of_argv
from mipsh.listing import TABLE_WORDS
from mipsh.registry import Registry
from mipsh.settings import Settings

REGISTRY = Registry(plugins=False)
ADDRESSES = ("2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:1::/64", "::1", "fe80::1%eth0")
WORDS = (
    *("home", "all", "mn", "ha", "cn", "eth0", "lo", "foreign1", "bul", "bc", "bc add", "pl", "help", "thread", "quit"),
    *("trigger_binding_update", "set_link", "flush", "add_binding", "delete_binding", "hello", "shutdown"),
    *("poke", "brr", "be", "rs", "coa", "flap", "0", "10", "x", ""),
)
CONDITIONS = ("state=bound", "reg=home", "lifetime_remaining_s>60", "hoa=2001:db8:1::100")
COLUMNS = ("state", "seq", "all", "-seq", "name", "step")
FREE = st.text(st.characters(codec="utf-8", exclude_characters="\x00\n"), max_size=8).filter(lambda t: t[:1] != "-")
VALUES: dict[Takes, st.SearchStrategy[str]] = {
    Takes.INTEGER: st.integers(-2, 70_000).map(str),
    Takes.SECONDS: st.sampled_from(("0", "1", "200ms", "2m")),
    Takes.ADDRESS: st.sampled_from(ADDRESSES) | FREE,
    Takes.PATH: st.sampled_from(("lines.mip", "missing", "folder", "folder/x")),
    Takes.DIRECTORY: st.sampled_from(("folder", "folder/new", "missing/new", "lines.mip")),
    Takes.COMMAND: st.sampled_from([*COMMANDS, "filters", "keys"]),
    Takes.TABLE: st.sampled_from(TABLE_WORDS),
    Takes.COLUMNS: st.sampled_from(COLUMNS),
    Takes.CONDITION: st.sampled_from(CONDITIONS),
    Takes.FORMAT: st.sampled_from(("table", "json", "csv")),
    Takes.ENGINE: st.just("umip:///missing/sock"),
    Takes.SETTING: st.sampled_from(Settings.__struct_fields__),
}
ASSERTIONS = (["exists"], ["absent"], ["where", "state=bound", "exists"], ["has", "state=bound"])
COMMON: tuple[list[str], ...] = (
    [],
    [],
    ["--yes"],
    ["--dry-run"],
    ["--how"],
    ["--json"],
    ["--wide", "--yes"],
    ["--help"],
)
ENDLESS = {"watch": ["--count", "1"], "ping6": ["--deadline", "0.1"]}


def value(declared: Argument | Option, *, is_probe: bool = False) -> st.SearchStrategy[str]:
    """Return the words that an argument or an option takes; a probe is sent to this machine alone."""
    if declared.choices:
        return st.sampled_from(declared.choices)
    if is_probe and declared.takes in (Takes.ADDRESS, Takes.WORD):
        return st.just("::1")
    return VALUES.get(declared.takes or Takes.WORD, st.sampled_from(WORDS) | st.sampled_from(ADDRESSES) | FREE)


@st.composite
def lines(draw: st.DrawFn, name: str, depth: int = 0) -> list[str]:
    """Draw the words of a command that have no fault."""
    command = REGISTRY.command(name)
    is_probe = command.changes is Changes.PROBE
    words = [*name.split(), *ENDLESS.get(name, []), *draw(st.sampled_from(COMMON))]
    for option in draw(
        st.lists(st.sampled_from(command.options), unique=True, max_size=3) if command.options else st.just([])
    ):
        words += [option.name] if option.takes is None else [option.name, draw(value(option, is_probe=is_probe))]
    words += draw(arguments(command, depth))
    return words


@st.composite
def arguments(draw: st.DrawFn, command: Command, depth: int) -> list[str]:
    """Draw the arguments of a command: those that it needs, and some of the others."""
    words: list[str] = []
    is_probe = command.changes is Changes.PROBE
    for argument in command.arguments:
        if not argument.required and draw(st.booleans()):
            break
        if argument.takes is Takes.ASSERTION:
            words += draw(st.sampled_from(ASSERTIONS))
        elif argument.takes is Takes.CALL:
            inner = draw(st.sampled_from(sorted(COMMANDS.keys() - {"watch", "source"} if depth else COMMANDS)))
            words += draw(lines(inner, depth + 1))
        elif argument.many or argument.takes is Takes.RAW:
            words += draw(st.lists(value(argument, is_probe=is_probe), min_size=1, max_size=4))
        else:
            words.append(draw(value(argument, is_probe=is_probe)))
    return words


def is_taken(words: Sequence[str]) -> bool:
    """Tell whether the grammar takes a line that is one command, with no pipe and no file behind it."""
    tokens = tokens_of_argv(words)
    return all(token.kind is TokenKind.WORD for token in tokens) and not parse(tokens, REGISTRY).faults
