"""``describe``: tables, their columns, and the schema of their documents."""

from msgspec import json

from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.grammar.phrases import nearest
from mipsh.listing import TABLE_WORDS, table_of
from mipsh.model.columns import Table
from mipsh.model.records import ENGINE, ENGINE_TABLES
from mipsh.model.schema import document_schema
from mipsh.model.shell import COLUMNS, SCHEMAS, SHELL_TABLES, TABLES, ColumnReport, SchemaReport, TableReport
from mipsh.result import Result
from mipsh.session import Session

ALL = {**ENGINE_TABLES, ENGINE.name: ENGINE, **SHELL_TABLES}


def run(session: Session, table: str = "", schema: bool = False) -> Result:
    """Describe one table, or list those there are."""
    if not table:
        by_table = {table_of(word): word for word in TABLE_WORDS}
        rows = [TableReport(t.name, by_table.get(t.name, t.name), len(t.columns), t.meaning) for t in ALL.values()]
        return Result(TABLES, rows)
    found = find(table)
    if schema:
        text = json.format(json.encode(document_schema(found)), indent=2).decode()
        return Result(SCHEMAS, [SchemaReport(found.name, text)])
    return Result(COLUMNS, [report(found, name) for name in range(len(found.columns))])


def find(word: str) -> Table:
    """Return the table that a word means; raises UsageError."""
    name = table_of(word)
    if name not in ALL:
        near = nearest(word, [*ALL, *TABLE_WORDS])
        hint = f"did you mean {' or '.join(near)}?" if near else f"tables: {', '.join(ALL)}"
        raise UsageError(f"there is no table '{word}'", hint)
    return ALL[name]


def report(table: Table, number: int) -> ColumnReport:
    """Return a column as it is declared."""
    column = table.columns[number]
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
    (Option("--schema", "the JSON Schema of its documents"),),
    examples=(("describe bul", "what each column means"), ("describe bc --schema", "for a validator")),
)
