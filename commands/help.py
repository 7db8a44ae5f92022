"""``help``: what there is, and how each of it works."""

import textwrap
from collections.abc import Iterable, Iterator

from mipsh.by_hand import here
from mipsh.errors import UsageError
from mipsh.grammar.declare import COMMON_OPTIONS, Argument, Changes, Command, Option, Takes
from mipsh.grammar.phrases import nearest, resolve
from mipsh.model.shell import COMMANDS, HELP, CommandReport, HelpPage
from mipsh.process import PROGRAM
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import MEANINGS

WIDTH = 78
LISTED = " " * 10
"""How far the second line of what is listed in details stands in."""
WIDEST_LEFT = 40

FILTERS = """\
Every table can be filtered, ordered and cut, in every format:

  --where COND       FIELD=VALUE, FIELD!=VALUE, FIELD>N, FIELD<N, FIELD~REGEX,
                     FIELD!~REGEX. An address is compared as an address, and
                     lies =IN/A/PREFIX. null is an unknown value. May be given
                     again: all must hold.
  --columns A,B      only these columns; 'all' for every one
  --sort A,-B        by A, then by B downwards
  --wide             every column that has a value

  | include RE       rows in which a regular expression is found
  | exclude RE       rows in which it is not
  | first N, last N  the first or last rows
  | count            how many
  | !command         the text, through a shell command (to the end of the line)
  > FILE, >> FILE    into a file; it is replaced only by a whole result

'describe TABLE' lists the columns. Names may be cut to a unique beginning."""

GRAMMAR = """\
A line holds statements, with ; between. # begins a comment. Words are quoted
as in a POSIX shell. Commands and options may be cut to a unique beginning.
? shows what can stand at a place. The words of a command line are the same as
those at the prompt:

  mipsh bc --json         mipsh -c 'bc --json'         mn@umip> bc --json

A file of lines runs with 'source FILE' or 'mipsh -f FILE'. A line that is not
fine ends it."""


def run(session: Session, words: list[str] | None = None) -> Result:
    """Show all commands, or the help of a command or topic."""
    if not words:
        return overview(session)
    topic = " ".join(words)
    words = topic.split()
    if topic == PROGRAM.name:
        return Result(HELP, [HelpPage(topic, PROGRAM.summary, program(session))])
    if topic in TOPICS:
        summary, text = TOPICS[topic]
        return Result(HELP, [HelpPage(topic, summary, text)])
    name = find(session, words)
    command = session.registry.command(name)
    return Result(HELP, [HelpPage(command.name, command.summary, page(command))])


def commands(session: Session) -> list[Command]:
    """Return every command that can be used."""
    session.registry.broken()
    return [session.registry.command(name) for name in session.registry.names("mipsh.commands")]


def overview(session: Session) -> Result:
    """List the commands, aliases and topics."""
    rows = [CommandReport(command.name, command.summary, command.aliases) for command in commands(session)]
    rows += [CommandReport(alias, f"alias: {line}") for alias, line in sorted(session.aliases.items())]
    topics = ", ".join(TOPICS)
    return Result(COMMANDS, rows, summary=f"Topics of 'help NAME': {topics}.")


def find(session: Session, words: list[str]) -> str:
    """Return the command that words mean; raises UsageError."""
    registry = session.registry
    for phrases in (registry.phrases(), registry.plugin_phrases()):
        found = resolve(words, phrases)
        if found.name:
            return found.name
        if found.ambiguous:
            raise UsageError(f"'{words[found.used]}' may be {', '.join(found.ambiguous)}", "type more of it")
        if found.used:
            raise UsageError(f"'{' '.join(words)}' goes on with {', '.join(found.next_words)}", "type more of it")
    if words[0] in session.aliases:
        raise UsageError(f"'{words[0]}' is an alias of: {session.aliases[words[0]]}", "ask for help on that")
    known = [*registry.names("mipsh.commands"), *TOPICS]
    near = nearest(words[0], known)
    hint = f"did you mean {' or '.join(near)}?" if near else "'help' lists what there is"
    raise UsageError(f"there is no help on '{words[0]}'", hint)


def program(session: Session) -> str:
    """Return the help of mipsh itself: its options, the commands, the topics."""
    return "\n".join(
        [
            f"{PROGRAM.name}: {PROGRAM.summary}",
            "",
            f"  {PROGRAM.name} [options] [COMMAND …]",
            "",
            "Without a command the shell opens; off a terminal, standard input is run.",
            "",
            *_listed((option_words(o), _meaning(o)) for o in PROGRAM.options),
            "",
            "Commands:",
            *_listed((command.name, command.summary) for command in commands(session)),
            "",
            "-o FORMAT, -e ENGINE and what else every command takes: 'help options'.",
            f"Topics of 'help NAME': {', '.join(TOPICS)}.\n",
        ]
    )


def page(command: Command) -> str:
    """Return the whole help of a command."""
    return "\n".join(_page(command)) + "\n"


def _page(command: Command) -> Iterator[str]:
    yield f"{command.name}: {command.summary}"
    yield ""
    yield f"  {usage(command)}"
    if command.details:
        yield ""
        for line in command.details.splitlines():
            yield from _wrapped(line, LISTED if line.startswith("  ") else "")
    if command.changes is Changes.NODE:
        yield ""
        yield "It may change the node: 'enable' permits it, or --write ('help changes')."
    if command.arguments:
        yield ""
        yield from _listed((a.name.upper(), a.meaning) for a in command.arguments)
    if command.options:
        yield ""
        yield from _listed((option_words(o), _meaning(o)) for o in command.options)
    if command.aliases:
        yield ""
        yield from _wrapped(f"Also: {', '.join(command.aliases)}", "  ")
    if command.examples:
        yield ""
        yield "Examples:"
        yield from _listed((line, meaning) for line, meaning in command.examples)
    yield ""
    yield "'help filters' and 'help options' show what every command takes."


def usage(command: Command) -> str:
    """Return a command's form in one line."""
    words = [command.name]
    if command.options:
        words.append("[options]")
    for argument in command.arguments:
        word = argument.name.upper() + (" …" if argument.many else "")
        words.append(word if argument.required else f"[{word}]")
    return " ".join(words)


def option_words(option: Option) -> str:
    """Return an option as it is typed."""
    names = f"{option.short}, {option.name}" if option.short else option.name
    return f"{names} {option.metavar or 'VALUE'}" if option.takes is not None else names


def _meaning(option: Option) -> str:
    choices = f" ({', '.join(option.choices)})" if option.choices else ""
    return option.meaning + choices


def _listed(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield two columns, the right one wrapped; a left word that is too long has a line of its own."""
    listed = list(rows)
    indent = min(max(len(left) for left, _ in listed), WIDEST_LEFT)
    for left, right in listed:
        long = len(left) > indent
        if long:
            yield f"  {left}"
        for number, line in enumerate(textwrap.wrap(right, WIDTH - indent - 4) or [""]):
            yield f"  {'' if long or number else left:<{indent}}  {line}".rstrip()


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def _options_text() -> str:
    yours = "\n".join(_listed((option_words(o), _meaning(o)) for o in COMMON_OPTIONS))
    program = "\n".join(_listed((option_words(o), _meaning(o)) for o in PROGRAM.options))
    return f"Every command takes:\n\n{yours}\n\nmipsh itself takes these too, before the command:\n\n{program}"


KEYS = """\
  Tab             complete the word; Tab and the arrows choose in the menu
  ?               what can stand here; within quotes it is a character
  Ctrl-R          search the lines typed before; Up and Down walk through them
  Ctrl-C          drop the line; end the command that runs, or a watch
  Ctrl-D          leave, at an empty prompt
  Ctrl-Z          put the shell aside until 'fg'
  Alt-B, Alt-F    a word back, a word forward
  Ctrl-A, Ctrl-E  to the beginning of the line, to its end
  Ctrl-W, Ctrl-U  delete the word before the cursor, all before it
  Ctrl-L          clear the screen

'set completion tab' completes on Tab only, 'set completion off' never.
A line that begins with a space is not remembered."""

CHANGES = """\
A shell only looks, until it is told otherwise:

  enable           commands may change the node, until 'disable' or the end
  --write          one command may; before a command line, all of its lines
  --yes            do not ask; needed off a terminal
  --dry-run        say what would be done, and do nothing
  --how            say how the same is done by hand, and do nothing

Where commands may change the node, the prompt ends in # and the toolbar says
WRITE. What takes something away asks first; all but y is no. No configuration
file can grant any of it.

Every change is written down before it is made, with its end behind it, in
XDG_STATE_HOME/mipsh/audit.log, which only its owner may read; what cannot be
written down is not done. 'audit' shows it."""

TOPICS = {
    "keys": ("keys of the shell", KEYS),
    "filters": ("filter, order and cut tables", FILTERS),
    "changes": ("what may change a node, and how it is permitted", CHANGES),
    "grammar": ("how lines are read", GRAMMAR),
    "options": ("options of every command, and of mipsh", _options_text()),
    "exit-status": (
        "what exit statuses mean",
        "\n".join(f"  {int(status):>3}  {text}" for status, text in MEANINGS.items()),
    ),
}

COMMAND = Command(
    "help",
    "show what there is, and how it works",
    run,
    (Argument("words", Takes.COMMAND, "a command or a topic", required=False, many=True),),
    aliases=("?",),
    examples=(("help", "all commands"), ("help assert", "one of them"), ("help filters", "a topic")),
    how=here("print what the commands declare"),
)
