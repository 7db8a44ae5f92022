"""The shipped JSON Schemas: what is generated, and what documents follow."""

import json
from pathlib import Path
from typing import Any

import pytest
from harness import Mipsh
from jsonschema import Draft202012Validator

from mipsh.model.records import BINDING_CACHE
from mipsh.model.schema import document_schema
from mipsh.model.tables import TABLES

SHIPPED = Path(__file__).parents[1] / "mipsh" / "schemas"
PATHS = sorted(SHIPPED.glob("*.json"))


def test_the_shipped_schemas_are_those_of_the_tables(mipsh: Mipsh, tmp_path: Path) -> None:
    """A change of a record shows here; ``make schemas`` writes them anew."""
    ran = mipsh("describe", "--all", "--schema", "--directory", str(tmp_path), "--json")
    written = {Path(row["path"]).name: row["size"] for row in ran.rows}
    assert written == {path.name: path.stat().st_size for path in PATHS}
    for path in PATHS:
        assert path.read_text(encoding="utf-8") == (tmp_path / path.name).read_text(encoding="utf-8"), path.name
    assert {path.stem for path in PATHS} >= set(TABLES)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_schema_is_one_and_says_what_each_field_is(path: Path) -> None:
    """Valid itself; every field of a record has a title and a meaning, and no other field is allowed."""
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["description"]
    name = schema["properties"]["data"]["items"]["$ref"].rpartition("/")[2]
    record = schema["$defs"][name]
    assert record["additionalProperties"] is False
    assert set(record["required"]) == set(record["properties"])
    assert all(field["title"] and field["description"] for field in record["properties"].values())


def test_a_document_that_departs_is_told() -> None:
    """A field too many, one too few, a wrong type: each is an error of the schema."""
    row: dict[str, Any] = {column.name: None for column in BINDING_CACHE.columns}
    row |= {"home_address": "2001:db8::1", "flags": [], "mobile_network_prefixes": [], "extra": {}}
    good: dict[str, Any] = {"schema": "mipsh/1", "command": "bc", "table": "binding_cache", "engine": None, "status": 0}
    good |= {"time": "2026-01-01T00:00:00.000Z", "data": [row], "errors": [], "warnings": []}
    validator = Draft202012Validator(document_schema(BINDING_CACHE))
    assert list(validator.iter_errors(good)) == []
    for bad in (
        {**good, "more": 1},
        {name: value for name, value in good.items() if name != "errors"},
        {**good, "table": "prefixes"},
        {**good, "schema": "mipsh/2"},
        {**good, "data": [{**row, "sequence": "3"}]},
        {**good, "data": [{**row, "more": 1}]},
        {**good, "data": [{"home_address": "2001:db8::1"}]},
        {**good, "errors": [{"code": "x"}]},
        {**good, "changes": [{"key": "x", "change": "moved", "columns": []}]},
    ):
        assert list(validator.iter_errors(bad)) != []
