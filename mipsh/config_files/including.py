"""A configuration file with what it includes: patterns, a limit of depth and of number, and loops found.

mip6d puts the text of included files where ``include`` stands, five levels deep at most; a pattern that
matches nothing is a warning to it.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct, structs

from mipsh.config_files.findings import UNREADABLE, Finding, Severity, of_fault
from mipsh.config_files.syntax import parse
from mipsh.config_files.tree import Document, Fault, Place, Statement
from mipsh.errors import MipshError

DEEPEST_INCLUDE = 5
MOST_FILES = 128
MOST_CHARACTERS = 1_048_576


class Files(Protocol):
    """The files that a configuration may be in."""

    def read(self, path: str) -> str:
        """Return the text of a file; raises Fault, CannotTell, RefusedError."""

    def matching(self, pattern: str, beside: str) -> Sequence[str]:
        """Return the files that a pattern in a file matches, in order; raises CannotTell."""

    def identity(self, path: str) -> str:
        """Return the one name of a file that may have several."""


class Whole(Struct, frozen=True):
    """A configuration with all that it includes.

    ``statements`` has what is included in the place of ``include``; ``documents`` the files as they are, the
    first the one that was asked for. Where ``is_complete`` is false, a file is missing from them, and
    ``findings`` say why.
    """

    path: str
    statements: tuple[Statement, ...]
    documents: tuple[Document, ...]
    findings: tuple[Finding, ...] = ()
    is_complete: bool = True

    @property
    def start(self) -> Place:
        """Where the first file begins."""
        return Place(self.path, 1, 1)


def read_whole(path: str, files: Files) -> Whole:
    """Read a configuration and what it includes; raises CannotTell or RefusedError of the first file only."""
    reader = _Reader(files)
    statements = reader.file(path)
    return Whole(path, statements, tuple(reader.documents), tuple(reader.findings), reader.is_complete)


class _Reader:
    """Collects files and findings."""

    def __init__(self, files: Files) -> None:
        self.documents: list[Document] = []
        self.findings: list[Finding] = []
        self.is_complete = True
        self._files = files
        self._chain: list[str] = []
        self._characters = 0

    def file(self, path: str) -> tuple[Statement, ...]:
        """Return the statements of a file, with what it includes in place."""
        try:
            text = self._files.read(path)
            self._characters += len(text)
            document = parse(text, path)
        except Fault as fault:
            self._note(of_fault(fault))
            return ()
        self.documents.append(document)
        self._chain.append(self._files.identity(path))
        statements = self._inside(document.statements)
        self._chain.pop()
        return statements

    def _inside(self, statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
        found: list[Statement] = []
        for statement in statements:
            if statement.is_include:
                found += self._included(statement)
            elif statement.body:
                found.append(structs.replace(statement, body=self._inside(statement.body)))
            else:
                found.append(statement)
        return tuple(found)

    def _included(self, statement: Statement) -> list[Statement]:
        pattern, place = statement.values[0].text, statement.place
        if not pattern.startswith("/"):
            self._add(
                Finding(
                    "relative-include",
                    Severity.WARNING,
                    place,
                    "include",
                    f"'{pattern}' is relative to where mip6d is started; it was looked for beside {place.file}",
                    "an absolute path",
                    "write the whole path",
                )
            )
        if len(self._chain) > DEEPEST_INCLUDE:
            self._refuse("include-depth", statement, f"more than {DEEPEST_INCLUDE} files include each other")
            return []
        try:
            paths = self._files.matching(pattern, place.file)
        except MipshError as error:
            self._note(Finding(UNREADABLE, Severity.ERROR, place, "include", error.message, advice=error.hint))
            return []
        if not paths:
            self._add(Finding("no-such-file", Severity.WARNING, place, "include", f"'{pattern}' matches no file"))
        found: list[Statement] = []
        for path in paths:
            found += self._one(statement, path)
        return found

    def _one(self, statement: Statement, path: str) -> tuple[Statement, ...]:
        name = self._files.identity(path)
        if name in self._chain:
            loop = " → ".join((*self._chain[self._chain.index(name) :], name))
            self._refuse("include-loop", statement, f"{path} includes itself: {loop}")
            return ()
        if len(self.documents) >= MOST_FILES or self._characters > MOST_CHARACTERS:
            self._refuse("too-much", statement, f"more than {MOST_FILES} files or {MOST_CHARACTERS} characters")
            return ()
        try:
            return self.file(path)
        except MipshError as error:
            severity, place = Severity.ERROR, statement.place
            self._note(Finding(UNREADABLE, severity, place, "include", error.message, advice=error.hint))
            return ()

    def _refuse(self, code: str, statement: Statement, message: str) -> None:
        advice = "remove the include, or name the files one by one"
        self._note(Finding(code, Severity.ERROR, statement.place, "include", message, advice=advice))

    def _note(self, finding: Finding) -> None:
        """Keep a finding of a file that is not in what was read."""
        self._add(finding)
        self.is_complete = False

    def _add(self, finding: Finding) -> None:
        if len(self.findings) < MOST_FILES:
            self.findings.append(finding)
