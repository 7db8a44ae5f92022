"""``describe``: tables, their columns, and the schema of their documents."""

from pathlib import Path

from msgspec import json

from mipsh.errors import OutputError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.grammar.phrases import nearest
from mipsh.listing import TABLE_WORDS, table_of
from mipsh.model.columns import Column, Table
from mipsh.model.schema import document_schema
from mipsh.model.shell import COLUMNS, FILES, SCHEMAS, ColumnReport, FileReport, How, SchemaReport, TableReport
from mipsh.model.shell import TABLES as LIST
from mipsh.model.tables import TABLES
from mipsh.result import Result
from mipsh.session import Session
from mipsh.stages import COUNT

DESCRIBED = {**TABLES, COUNT.name: COUNT}


def run(session: Session, table: str = "", all: bool = False, schema: bool = False, directory: str = "") -> Result:
    """Describe one table or all of them, or list those there are."""
    if table and all:
        raise UsageError(f"'{table}' is one table, --all is every one", "write one of them")
    if directory and not schema:
        raise UsageError("--directory is for schemas", "write --schema --directory DIR")
    if not (table or all):
        if schema:
            raise UsageError("--schema needs a table", "write describe TABLE --schema, or --all")
        return overview()
    tables = list(DESCRIBED.values()) if all else [find(table)]
    if directory:
        return Result(FILES, [write(found, Path(directory)) for found in tables])
    if schema:
        return Result(SCHEMAS, [SchemaReport(found.name, schema_text(found)) for found in tables])
    return Result(COLUMNS, [report(found, column) for found in tables for column in found.columns])


def how(session: Session, table: str = "", all: bool = False, schema: bool = False, directory: str = "") -> list[How]:
    """Say that nobody is asked, and which files are written."""
    tables = list(DESCRIBED.values()) if all else [find(table)] if table else []
    if directory and schema:
        files = [f"{Path(directory) / found.name}.json" for found in tables]
        return [
            How("write a JSON Schema", "file", f"mipsh describe {f.name} --schema > {p}")
            for f, p in zip(tables, files, strict=True)
        ]
    return [How("print what the tables declare", "none", "nothing is sent")]


def overview() -> Result:
    """List the tables, each with the command that shows it."""
    by_table = {table_of(word): word for word in TABLE_WORDS}
    rows = [TableReport(t.name, by_table.get(t.name, t.name), len(t.columns), t.meaning) for t in DESCRIBED.values()]
    return Result(LIST, rows)


def find(word: str) -> Table:
    """Return the table that a word means; raises UsageError."""
    name = table_of(word)
    if name not in DESCRIBED:
        near = nearest(word, [*DESCRIBED, *TABLE_WORDS])
        hint = f"did you mean {' or '.join(near)}?" if near else f"tables: {', '.join(DESCRIBED)}"
        raise UsageError(f"there is no table '{word}'", hint)
    return DESCRIBED[name]


def schema_text(table: Table) -> str:
    """Return the JSON Schema of a table's documents."""
    return json.format(json.encode(document_schema(table)), indent=2).decode() + "\n"


def write(table: Table, directory: Path) -> FileReport:
    """Write a table's JSON Schema into a folder, and say so; raises OutputError."""
    path, text = directory / f"{table.name}.json", schema_text(table)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "name another folder") from None
    return FileReport(str(path), f"JSON Schema of {table.name}", len(text.encode()))


def report(table: Table, column: Column) -> ColumnReport:
    """Return a column as it is declared."""
    return ColumnReport(
        table.name,
        column.name,
        column.title,
        column.kind.value,
        column.unit or None,
        column.meaning,
        column.source or None,
        column.alias or None,
    )


COMMAND = Command(
    "describe",
    "show the tables, or a table's columns and schema",
    run,
    (Argument("table", Takes.TABLE, "table or its command; none: list the tables", required=False),),
    (
        Option("--all", "every table"),
        Option("--schema", "the JSON Schema of its documents"),
        Option("--directory", "write each schema into a file of this folder", Takes.DIRECTORY, metavar="DIR"),
    ),
    examples=(
        ("describe bul", "what each column means"),
        ("describe bc --schema", "for a validator"),
        ("describe --all --schema --directory schemas", "all of them, as files"),
    ),
    how=how,
    changes=Changes.OWN,
)
