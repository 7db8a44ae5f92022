"""docs/mipd.md says what a node's file may hold: the same fields, defaults and options as the code."""

import re
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from msgspec import NODEFAULT, Struct, structs

from mipsh.node import mip6d_conf
from mipsh.node.config import NodeConfig
from mipsh.node.config_file import parse
from mipsh.node.mip6d_options import FIXED, SCALARS
from mipsh.node.reload import APPLIED

PAGE = (Path(__file__).parents[2] / "docs" / "mipd.md").read_text("utf-8")
HEADINGS = re.compile(r"^### (?:`\[+(.*?)\]+`|The node)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)


def tables(kind: type[Struct] = NodeConfig, name: str = "") -> dict[str, type[Struct]]:
    """Return the tables of a file, by their names: those of a Struct, and those in it."""
    found = {name: kind}
    for field, hint in get_type_hints(kind, include_extras=False).items():
        inner = next((one for one in flat(hint) if isinstance(one, type) and issubclass(one, Struct)), None)
        if inner is not None:
            found |= tables(inner, f"{name}.{field}" if name else field)
    return found


def flat(hint: Any) -> list[Any]:
    """Return a type and all that it is made of."""
    return [hint, *(inner for one in get_args(hint) if one not in (NoneType, ...) for inner in flat(one))]


TABLES = tables()
SAID = dict(HEADINGS.findall(PAGE))


def rows(text: str) -> dict[str, list[str]]:
    """Return the cells of the rows of a table, by their field."""
    lines = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in lines}


def default(field: structs.FieldInfo) -> str:
    """Return a field's default as TOML has it; nothing where there is none."""
    value = field.default
    if value is NODEFAULT or value is None or isinstance(value, Struct):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"


def test_every_table_has_its_section() -> None:
    """And there is no other one."""
    assert len(TABLES) == 13
    assert set(SAID) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_field_is_there_with_its_default(name: str) -> None:
    """In the order of the file's declaration."""
    said = rows(SAID[name])
    assert list(said) == [field.name for field in structs.fields(TABLES[name])]
    assert {field: cells[0] for field, cells in said.items()} == {
        field.name: default(field) for field in structs.fields(TABLES[name])
    }


@pytest.mark.parametrize("name", TABLES)
def test_what_is_taken_at_once_is_marked(name: str) -> None:
    """Those that SIGHUP puts into force, with all that is in them."""
    table, _, rest = name.partition(".")
    taken = APPLIED.get(table, ())
    marked = {field for field, cells in rows(SAID[name]).items() if cells[1] == "yes"}
    is_taken = rest.partition(".")[0] in taken
    inside = TABLES[name].__struct_fields__ if is_taken else ()
    assert marked == set(inside if rest else taken)


def test_the_shown_files_are_right() -> None:
    """Both of them are what a node would read."""
    shown = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert [parse(text.encode(), "mipd.toml").name for text in shown] == ["mn", "ha"]


def test_every_option_of_mip6d_conf_is_there() -> None:
    """With the only value, where there is only one."""
    section = PAGE[PAGE.index("## mip6d.conf") :]
    named = set(re.findall(r"`(\w+)", "\n".join(line for line in section.splitlines() if line.startswith("|"))))
    inner = {*mip6d_conf.IN_INTERFACE, *mip6d_conf.IN_HOME_LINK}
    for option in (*SCALARS, *FIXED, *mip6d_conf.BLOCKS, *inner):
        assert option in named, option
    for option, fixed in FIXED.items():
        row = next(line for line in section.splitlines() if line.startswith("|") and f"`{option}`" in line)
        assert f"`{fixed.value}`" in row
