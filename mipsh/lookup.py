"""Names and live values for completion, from what the session knows already: never the network."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from mipsh.errors import MipshError
from mipsh.grammar.declare import Takes
from mipsh.grammar.words import Expect, Words
from mipsh.listing import TABLE_WORDS, table_of
from mipsh.model.columns import Kind, Table
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.text import escape, plain
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.settings import CHOICES, Settings, meaning

SCANNED_ROWS = 2000
LISTED_FILES = 200


class SessionLookup:
    """Looks names and values up in a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def command_meaning(self, name: str) -> str:
        """Return a command's summary; empty for one that cannot be loaded."""
        try:
            return self.session.registry.command(name).summary
        except MipshError:
            return ""

    def first_words(self) -> Iterator[tuple[str, str]]:
        """Return aliases and the commands of plugins."""
        for alias, line in self.session.aliases.items():
            yield alias, f"alias: {line}"
        for phrase, name in self.session.registry.plugin_phrases().items():
            yield phrase[0], self.command_meaning(name)

    def candidates(self, expect: Expect, words: Words | None) -> Iterable[tuple[str, str]]:
        """Return what an argument or an option's value could be."""
        match expect.takes:
            case Takes.ADDRESS:
                return self.addresses()
            case Takes.ENGINE:
                return self.engines()
            case Takes.SETTING:
                return [(name, meaning(name)) for name in Settings.__struct_fields__]
            case Takes.VALUE:
                return self.setting_values(words)
            case Takes.ALIAS:
                return list(self.session.aliases.items())
            case Takes.TABLE:
                return [(word, ENGINE_TABLES[table_of(word)].title) for word in TABLE_WORDS]
            case Takes.FORMAT | Takes.COMMAND:
                return self._registered(self.session.registry, expect.takes)
        return self._outside(expect, words)

    def _registered(self, registry: Registry, takes: Takes) -> list[tuple[str, str]]:
        if takes is Takes.FORMAT:
            return self.formats()
        return [(name, self.command_meaning(name)) for name in registry.names("mipsh.commands")]

    def _outside(self, expect: Expect, words: Words | None) -> Iterable[tuple[str, str]]:
        """Return what the machine or the engine calls its own: namespaces, files, its words."""
        if expect.takes is Takes.NETNS:
            from mipsh.linux.namespaces import names

            return [(name, "network namespace") for name in names()]
        if expect.takes is Takes.FIELD and words is not None:
            return self.fields(expect, words)
        if expect.takes in (Takes.PATH, Takes.DIRECTORY):
            return files(expect.begun, expect.takes is Takes.DIRECTORY)
        if words is not None and words.command.name == "raw":
            return [(word, "") for word in getattr(self.session.connector, "words", ())]
        return ()

    def fields(self, expect: Expect, words: Words) -> list[tuple[str, str]]:
        """Return the fields of the message that was named, or behind ``=`` the values of one."""
        from mipsh.craft.fields import candidates, takes_address

        message, given = str(words.values.get("message", "")), words.values.get("fields")
        name, equals, _ = expect.begun.partition("=")
        if equals and takes_address(message, name):
            return [(f"{name}={address}", title) for address, title in self.addresses()]
        return candidates(message, expect.begun, given if isinstance(given, list) else [])

    def formats(self) -> list[tuple[str, str]]:
        """Return the output formats; one that cannot be loaded has no meaning."""
        found = []
        for name in self.session.registry.names("mipsh.formats"):
            try:
                found.append((name, self.session.registry.format(name).summary))
            except MipshError:
                found.append((name, ""))
        return found

    def addresses(self) -> list[tuple[str, str]]:
        """Return the addresses of all last readings, each with the column it was first seen in."""
        found: dict[str, str] = {}
        for reading in self.session.readings.values():
            columns = [c for c in reading.table.columns if c.kind is Kind.ADDRESS]
            for row in reading.rows[:SCANNED_ROWS]:
                for column in columns:
                    value = getattr(row, column.name)
                    if value:
                        found.setdefault(value, column.title)
        return list(found.items())

    def values(self, table: str, column: str) -> list[tuple[str, str]]:
        """Return the values of a column in the last reading; for an address column, any address."""
        reading = self.session.readings.get(table)
        found: dict[str, str] = {}
        if reading is not None:
            for row in reading.rows[:SCANNED_ROWS]:
                value = getattr(row, column)
                if value is not None and value != ():
                    found.setdefault(plain(value), "")
        declared = ENGINE_TABLES[table].column(column) if table in ENGINE_TABLES else None
        if declared is not None and declared.kind is Kind.ADDRESS:
            for address, title in self.addresses():
                found.setdefault(address, title)
        return [(escape(text), meaning) for text, meaning in found.items()]

    def engines(self) -> list[tuple[str, str]]:
        """Return the addresses at which engines are usually found, and the one in use."""
        registry = self.session.registry
        connector = self.session.connector
        pairs = [(connector.info.address, "in use")] if connector is not None and connector.info is not None else []
        for scheme in registry.names("mipsh.engines"):
            try:
                kind = registry.engine(scheme)
            except MipshError:
                continue
            found = () if kind.find is None else kind.find(self.session.environment.variables)
            pairs += [(address, kind.summary) for address in (*kind.defaults, *found, kind.example) if address]
        return list(dict(reversed(pairs)).items())

    def setting_values(self, words: Words | None) -> list[tuple[str, str]]:
        """Return the values of the setting that was named before."""
        setting = words.values.get("setting") if words is not None else None
        if setting == "output":
            return self.formats()
        if setting == "engine":
            return self.engines()
        return [(choice, "") for choice in CHOICES.get(str(setting), ())]

    def table(self, word: str) -> Table | None:
        """Return the table that a word means."""
        from mipsh.model.tables import TABLES

        return TABLES.get(table_of(word))


def files(begun: str, folders_only: bool) -> list[tuple[str, str]]:
    """Return the files and folders that a path begun could go on with; hidden ones when asked for."""
    folder, slash, name = begun.rpartition("/")
    place = Path(f"{folder}{slash}" or ".")
    try:
        entries = sorted((place.expanduser() if begun.startswith("~/") else place).iterdir())
        listed = [(entry.name, entry.is_dir()) for entry in entries]
    except OSError:
        return []
    found = []
    for entry_name, is_folder in listed:
        hidden = entry_name.startswith(".") and not name.startswith(".")
        if entry_name.startswith(name) and not hidden and (is_folder or not folders_only):
            path = f"{folder}{slash}{entry_name}"
            found.append((f"{path}/" if is_folder else path, "folder" if is_folder else "file"))
    return found[:LISTED_FILES]
