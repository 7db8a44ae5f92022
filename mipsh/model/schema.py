"""The JSON Schema of a table's document: the envelope, and the records in ``data``."""

from typing import Any

from msgspec import json

from mipsh.model.columns import Table
from mipsh.model.records import EngineInfo

TEMPLATE = "#/$defs/{name}"


def document_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of what ``-o json`` writes for a table."""
    (record, engine), definitions = json.schema_components((table.record, EngineInfo), ref_template=TEMPLATE)
    for definition in definitions.values():
        definition["required"] = list(definition["properties"])
        definition["additionalProperties"] = False
    notice = {name: {"type": "string"} for name in ("code", "message", "hint")}
    definitions["Notice"] = _object("An error or a warning: a stable code, a message, and what to do next.", notice)
    change = {
        "key": {"type": "string", "description": "what tells the row from others"},
        "change": {"enum": ["added", "removed", "changed"]},
        "columns": {"type": "array", "items": {"type": "string"}, "description": "the columns that changed"},
    }
    definitions["Change"] = _object("How a row differs from one look earlier.", change)
    notices = _array("Notice")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"mipsh/1/{table.name}",
        "title": table.title,
        "description": table.meaning,
        "type": "object",
        "properties": {
            "schema": {"const": "mipsh/1"},
            "command": {"type": "string", "description": "the line that was run"},
            "table": {"enum": [table.name, None], "description": "null for words that were not understood"},
            "engine": {"anyOf": [engine, {"type": "null"}]},
            "time": {"type": "string", "format": "date-time", "description": "when the engine answered, UTC"},
            "status": {"type": "integer", "description": "the exit status of the command"},
            "data": {"type": "array", "items": record},
            "errors": notices,
            "warnings": notices,
            "changes": {**_array("Change"), "description": "with watch --diff only"},
        },
        "required": ["schema", "command", "table", "engine", "time", "status", "data", "errors", "warnings"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _object(meaning: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": meaning,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _array(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": TEMPLATE.format(name=name)}}
