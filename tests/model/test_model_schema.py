"""The JSON Schema of a table's document holds for the documents, and for nothing else."""

from copy import deepcopy
from typing import Any

import jsonschema
import pytest

from mipsh.model import tables as known
from mipsh.model.columns import Table
from mipsh.model.records import BINDING_CACHE, BindingCacheEntry, EngineInfo
from mipsh.model.schema import document_schema
from mipsh.render.format import Document
from mipsh.result import Change, Notice, Result

TABLES = [*known.TABLES.values()]
TIME = "2024-01-01T00:00:00.000Z"


def document(result: Result) -> Any:
    """Return a result's document as a program reads it."""
    from msgspec import json

    whole = Document("bc --json", TIME, result)
    return json.decode(json.encode({**whole.envelope(), "data": whole.data()}))


def checker(found: Table) -> jsonschema.Draft202012Validator:
    """Return what checks documents of a table."""
    return jsonschema.Draft202012Validator(document_schema(found))


@pytest.mark.parametrize("found", TABLES, ids=lambda found: found.name)
def test_every_table_has_a_schema(found: Table) -> None:
    """It is a schema, names the table, and describes every column."""
    schema = document_schema(found)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert (schema["title"], schema["description"]) == (found.title, found.meaning)
    fields = schema["$defs"][found.record.__name__]
    assert {name: field.get("description") for name, field in fields["properties"].items()} == {
        column.name: column.meaning for column in found.columns
    }
    assert fields["required"] == list(found.record.__struct_fields__)
    assert checker(found).is_valid(document(Result(found)))


ROW = BindingCacheEntry("::1", None, "cached", ("A",), 5, extra={"BID": "1"})
FULL = Result(
    BINDING_CACHE,
    [ROW, ROW],
    EngineInfo("umip", "umip://[::1]:7777", "ha"),
    0.0,
    errors=(Notice("failed", "it failed"),),
    warnings=(Notice("old", "it is old", "look again"),),
    changes=(Change("::1", "changed", ("status",)),),
)


def test_a_document_fits_its_schema() -> None:
    """With rows, notices and changes; and with nothing at all."""
    checker(BINDING_CACHE).validate(document(FULL))
    checker(BINDING_CACHE).validate(document(Result(BINDING_CACHE)))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("schema",), "mipsh/2"),
        (("table",), "statistics"),
        (("time",), 5),
        (("engine",), {}),
        (("status",), "0"),
        (("data", 0, "sequence"), "5"),
        (("data", 0, "home_address"), None),
        (("data", 0, "surprise"), 1),
        (("errors", 0, "code"), None),
        (("changes", 0, "change"), "moved"),
        (("surprise",), None),
    ],
)
def test_a_document_that_differs_does_not_fit(place: tuple[str | int, ...], value: object) -> None:
    """A wrong type, a wrong name, a field too many."""
    whole = deepcopy(document(FULL))
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert not checker(BINDING_CACHE).is_valid(whole)


@pytest.mark.parametrize("missing", ["schema", "command", "data", "errors"])
def test_nothing_may_be_missing(missing: str) -> None:
    """Of the document, and of a row."""
    whole = document(FULL)
    del whole[missing]
    assert not checker(BINDING_CACHE).is_valid(whole)
    whole = document(FULL)
    del whole["data"][1]["status"]
    assert not checker(BINDING_CACHE).is_valid(whole)
