"""A small world for the grammar's tests: commands of every shape, and a lookup that knows a few names."""

from collections.abc import Iterable

from mipsh.errors import PluginError
from mipsh.grammar.declare import Argument, Command, Fault, Option, Takes
from mipsh.grammar.lines import Parsed, Statement, parse
from mipsh.grammar.phrases import Phrases
from mipsh.grammar.tokens import tokenize
from mipsh.grammar.words import Expect, Role, Words
from mipsh.model.columns import Table
from mipsh.model.records import BINDING_CACHE
from mipsh.registry import Registry

REGISTRY = Registry(plugins=False)
ADDRESS = "2001:db8:1::100"


def nothing(session: object) -> None:
    """Do nothing: these commands are only read, never run."""


class Plugins:
    """A catalogue with commands from plugins beside the built-in ones; one of them is broken."""

    def __init__(self) -> None:
        self.asked = 0

    def phrases(self) -> Phrases:
        """Return the built-in phrases."""
        return REGISTRY.phrases()

    def plugin_phrases(self) -> Phrases:
        """Return the phrases of the plugins, and count how often they were asked for."""
        self.asked += 1
        return {("probe", "path"): "probe path", ("show", "weather"): "show weather", ("broken",): "broken"}

    def command(self, name: str) -> Command:
        """Return a command; the broken one cannot be used."""
        if name == "broken":
            raise PluginError("the plugin 'broken' cannot be used", "remove it")
        if name in ("probe path", "show weather"):
            return Command(name, "from a plugin", nothing, (Argument("peer", Takes.ADDRESS, "the peer"),))
        return REGISTRY.command(name)


class Names:
    """A lookup that knows two aliases, one table's values, and a word for each kind of value."""

    def command_meaning(self, name: str) -> str:
        """Return a command's summary."""
        return REGISTRY.command(name).summary

    def first_words(self) -> Iterable[tuple[str, str]]:
        """Return the aliases."""
        return [("mine", "alias: bul"), ("peer", "alias: bul --where cn=$1")]

    def candidates(self, expect: Expect, words: Words | None) -> Iterable[tuple[str, str]]:
        """Return a word or two for each kind of value."""
        return {
            Takes.ADDRESS: [(ADDRESS, "Home address"), ("fe80::1", "Peer")],
            Takes.FORMAT: [("json", ""), ("ndjson", ""), ("table", "")],
            Takes.PATH: [("notes.txt", "file"), ("two words", "file")],
            Takes.DIRECTORY: [("folder/", "folder")],
            Takes.SETTING: [("output", "format"), ("wide", "columns")],
            Takes.ENGINE: [("umip://[::1]:7777", "usual")],
            Takes.TABLE: [("bc", "Binding cache"), ("bul", "Binding update list")],
            Takes.COMMAND: [("bc", ""), ("help", "")],
        }.get(expect.takes, [])

    def values(self, table: str, column: str) -> Iterable[tuple[str, str]]:
        """Return the values of the last reading."""
        known = {"status": ["registered", "dying", "two words"], "home_address": [ADDRESS]}
        return [(value, "") for value in known.get(column, [])] if table == "binding_cache" else []

    def table(self, word: str) -> Table | None:
        """Return the one table there is."""
        return BINDING_CACHE if word in ("bc", "binding_cache") else None


def command(*arguments: Argument, options: tuple[Option, ...] = (), name: str = "try") -> Command:
    """Declare a command that does nothing."""
    return Command(name, "try something", nothing, arguments, options)


def read(text: str, aliases: dict[str, str] | None = None, complete: bool = True) -> Parsed:
    """Read a line with the built-in commands."""
    return parse(text, REGISTRY, aliases, complete)


def good(text: str, aliases: dict[str, str] | None = None) -> list[Statement]:
    """Read a line in which nothing is wrong."""
    parsed = read(text, aliases)
    assert parsed.faults == []
    return parsed.statements


def one(text: str, aliases: dict[str, str] | None = None) -> Statement:
    """Read a line that is one good statement."""
    statements = good(text, aliases)
    assert len(statements) == 1
    return statements[0]


def wrong(text: str, aliases: dict[str, str] | None = None) -> Fault:
    """Read a line in which one thing is wrong."""
    faults = read(text, aliases).faults
    assert len(faults) == 1, faults
    return faults[0]


def at(text: str, fault: Fault) -> str:
    """Return the piece of a text that a fault points at."""
    return text[fault.start : fault.end]


def roles(text: str, parsed: Parsed) -> list[tuple[Role, str]]:
    """Return what is coloured, and how."""
    return [(mark.role, text[mark.start : mark.end]) for mark in parsed.marks]


def words_of(text: str) -> list[str]:
    """Return the meanings of a line's tokens."""
    return [token.text for token in tokenize(text)]
