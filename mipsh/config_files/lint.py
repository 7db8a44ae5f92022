"""What is wrong with a file statement by statement, whatever the daemon: names, types, ranges, roles, repetitions."""

from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct, structs

from mipsh.config_files.findings import Finding, Severity
from mipsh.config_files.options import Misfit, Option
from mipsh.config_files.syntax import BOM
from mipsh.config_files.tree import Document, Place, Statement
from mipsh.grammar.phrases import nearest

LONGEST_SHOWN = 60
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Dialect(Struct, frozen=True):
    """How a daemon's file is read.

    ``find`` returns the option that a statement is in a block, ``names`` those that may stand there,
    ``elsewhere`` what to say of a name that is not among them, as problem and advice. ``closes`` is what a
    closing brace is followed by. ``reference`` is what a refused file leads to.
    """

    daemon: str
    find: Callable[[Statement, str], Option | None]
    names: Callable[[str], list[str]]
    elsewhere: Callable[[str, str], tuple[str, str] | None]
    closes: str = ""
    reference: str = ""


class Linter:
    """Goes through the statements of a file."""

    def __init__(self, dialect: Dialect, role: str = "") -> None:
        self._dialect = dialect
        self._role = role

    def all(self, statements: tuple[Statement, ...], block: str = "", inside: str = "") -> Iterator[Finding]:
        """Yield what is wrong with the statements of a block; ``inside`` is the block with its name."""
        seen: dict[str, Statement] = {}
        before: Statement | None = None
        for statement in statements:
            if statement.head is None:
                yield from self._semicolon(statement, before)
                before = statement
                continue
            yield from self._unclosed(before)
            before = statement
            option = self._dialect.find(statement, block)
            if option is None:
                yield self._unknown(statement, block)
                continue
            yield from self._known(statement, option, inside)
            yield from self._repeated(statement, option, seen)
            if statement.body is not None and option.has_body:
                yield from self.all(statement.body, option.name, statement.written)
        yield from self._unclosed(before)

    def _semicolon(self, statement: Statement, before: Statement | None) -> Iterator[Finding]:
        """A semicolon alone: wanted behind a brace by some, and by others nowhere."""
        if self._dialect.closes and before is not None and before.body is not None:
            return
        yield self._error(
            "stray-semicolon", statement.place, "", f"{self._dialect.daemon} takes no ';' here", "remove it"
        )

    def _unclosed(self, before: Statement | None) -> Iterator[Finding]:
        if self._dialect.closes and before is not None and before.body is not None:
            problem = f"{self._dialect.daemon} wants a ';' behind this brace"
            yield self._error("missing-semicolon", before.end.place, before.name, problem, "write };")

    def _known(self, statement: Statement, option: Option, inside: str) -> Iterator[Finding]:
        """What is wrong with an option that there is."""
        name = " ".join(part for part in (inside, statement.name) if part)
        if (statement.body is not None) and not option.has_body:
            yield self._error(
                "unexpected-block", statement.place, name, f"{statement.name} has no braces", "end it with ';'"
            )
        elif statement.body is not None and not any(inner.head for inner in statement.body):
            yield from self._empty(statement, name)
        missing = self._missing_semicolon(statement, name)
        if missing is not None:
            yield missing
            return
        misfit = option.shape(statement)
        if misfit is not None:
            yield self._misfit(statement, misfit, name)
        if self._role and option.roles and self._role not in option.roles:
            readers = " and ".join(option.roles)
            yield Finding(
                "other-role",
                WARNING,
                statement.place,
                name,
                f"{statement.name} is for {readers}, and this is {self._role}",
                f"options of {self._role}",
                "remove it, or give NodeConfig the role that is meant",
            )

    def _empty(self, statement: Statement, name: str) -> Iterator[Finding]:
        """A block without anything: some daemons refuse it."""
        if not self._dialect.closes:
            problem = f"there is nothing in the braces of {statement.name}"
            yield self._error("empty-block", statement.place, name, problem, "write at least one option, or no braces")

    def _missing_semicolon(self, statement: Statement, name: str) -> Finding | None:
        """A value that is an option's name, on a line of its own, says that a semicolon is missing before it."""
        line = statement.place.line
        for before, value in zip((statement.head, *statement.values), statement.values, strict=False):
            is_name = value.text in self._dialect.names("") or value.text in self._dialect.names(statement.name)
            if before is not None and value.place.line > line and is_name:
                problem = f"{value.text} begins a line in the middle of {statement.name}"
                advice = f"end {before.written} in line {before.place.line} with ';'"
                return self._error("missing-semicolon", value.place, name, problem, advice)
        return None

    def _misfit(self, statement: Statement, misfit: Misfit, name: str) -> Finding:
        place = statement.place if misfit.value is None else misfit.value.place
        found = "nothing" if misfit.value is None else shortened(misfit.value.written)
        code = "out-of-range" if misfit.is_range else "wrong-type"
        if misfit.is_taken:
            problem = f"{self._dialect.daemon}'s grammar may refuse {found}"
            return Finding(code, WARNING, place, name, problem, misfit.expected, "write it so")
        problem = f"{statement.name} is not {found}" if misfit.value is not None else f"{statement.name} lacks a value"
        return Finding(code, ERROR, place, name, problem, misfit.expected, "correct it", self._dialect.reference)

    def _unknown(self, statement: Statement, block: str) -> Finding:
        """Return what is said of a name that does not belong there, with what was probably meant."""
        name, names = statement.name, self._dialect.names(block)
        where = f" in {block}" if block else ""
        said = self._dialect.elsewhere(name, block)
        if said is not None:
            return self._error("unknown-option", statement.place, shortened(name), *said)
        near = nearest(name[:LONGEST_SHOWN], names)
        problem = f"there is no option {shortened(name)}{where}"
        advice = f"did you mean {' or '.join(near)}?" if near else "remove it"
        expected = ", ".join(names) if len(names) < 12 else ""
        found = self._error("unknown-option", statement.place, shortened(name), problem, advice)
        return structs.replace(found, expected=expected)

    def _repeated(self, statement: Statement, option: Option, seen: dict[str, Statement]) -> Iterator[Finding]:
        """The same again: an option, or a block of the same name."""
        if option.many and not (option.has_body and statement.values):
            return
        key = option.name if not option.many else f"{option.name} {statement.written}"
        first = seen.setdefault(key, statement)
        if first is not statement:
            where = first.place.line if first.place.file == statement.place.file else first.place
            at = f"line {where}" if isinstance(where, int) else str(where)
            problem = f"{shortened(statement.written)} is there twice, first at {at}"
            advice = "remove one: the last counts" if not option.many else "make one of both"
            yield Finding("duplicate", WARNING, statement.place, option.name, problem, "once", advice)

    def _error(self, code: str, place: Place, option: str, problem: str, advice: str) -> Finding:
        return Finding(code, ERROR, place, option, problem, "", advice, self._dialect.reference)


def of_text(documents: Iterable[Document], daemon: str) -> Iterator[Finding]:
    """Yield what an editor of another system left in the files."""
    for document in documents:
        text = document.text
        start = Place(document.path, 1, 1)
        if text.startswith(BOM):
            problem = "the file begins with a byte order mark"
            yield Finding(
                "byte-order-mark", ERROR, start, "", f"{problem}, which {daemon} takes for a word", "", "remove it"
            )
        if "\r" in text:
            line = text.count("\n", 0, text.index("\r")) + 1
            column = text.index("\r") - (text.rfind("\n", 0, text.index("\r")) + 1) + 1
            problem = f"carriage returns, which {daemon} may refuse"
            place = Place(document.path, line, column)
            yield Finding(
                "carriage-return", WARNING, place, "", problem, "lines that end with a line feed", "sed -i 's/\\r$//'"
            )


def shortened(text: str) -> str:
    """Return a text, shortened where it is long."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
