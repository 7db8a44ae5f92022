"""The records of ``config``: options as they count, findings, and what changes."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

INTEGER, BOOLEAN, WIDE = Kind.INTEGER, Kind.BOOLEAN, Shown.WIDE


class ConfigSetting(Struct, frozen=True):
    """An option of a configuration file as it counts: as it is set, or its default."""

    option: Annotated[str, column("Option", "its name, behind the block that it stands in")]
    value: Annotated[str | None, column("Value", "what counts; none: it is a block, or has no value")]
    default: Annotated[str | None, column("Default", "what counts where nothing is set")] = None
    is_default: Annotated[bool, column("By default", "whether it is not set in the file", BOOLEAN, shown=WIDE)] = False
    file: Annotated[str | None, column("File", "where it is set; none: it is not", shown=WIDE)] = None
    line: Annotated[int | None, column("Line", "line of that file, from 1", INTEGER)] = None
    col: Annotated[int | None, column("Column", "column of that line, from 1", INTEGER, shown=WIDE)] = None
    roles: Annotated[tuple[str, ...], column("Roles", "roles that read it; none: all", Kind.FLAGS)] = ()
    takes: Annotated[
        str, column("A change takes", "reload (SIGHUP), restart, nothing (it has no effect), or refused (unknown)")
    ] = "reload"
    unit: Annotated[str, column("Unit", "unit of the value", shown=WIDE)] = ""
    meaning: Annotated[str, column("Meaning", "what it is for", shown=WIDE)] = ""
    note: Annotated[str, column("Note", "what is to know of a reload", shown=WIDE)] = ""


class ConfigFinding(Struct, frozen=True):
    """Something that is wrong with a configuration file, contradicts itself, or is good to know."""

    file: Annotated[str, column("File", "the file")]
    line: Annotated[int, column("Line", "its line, from 1", INTEGER)]
    col: Annotated[int, column("Column", "column of that line, from 1", INTEGER)]
    severity: Annotated[
        str,
        column("Severity", "error (refused, or cannot work), warning (does otherwise than meant), info (good to know)"),
    ]
    code: Annotated[str, column("Code", "what kind of finding: stable", shown=WIDE)]
    option: Annotated[str, column("Option", "the option that it is about")]
    message: Annotated[str, column("Finding", "what was found")]
    expected: Annotated[str, column("Expected", "what may stand there", shown=WIDE)] = ""
    advice: Annotated[str, column("Do", "what to do about it")] = ""
    reference: Annotated[str, column("Reference", "the known condition (MIP-…)")] = ""


class ConfigChange(Struct, frozen=True):
    """An option that is not the same in two configurations."""

    option: Annotated[str, column("Option", "its name, behind the block that it stands in")]
    before: Annotated[str | None, column("Before", "its value in the first; none: it has none")]
    after: Annotated[str | None, column("After", "its value in the second; none: it has none")]
    change: Annotated[str, column("Change", "added, removed or changed", shown=WIDE)]
    takes: Annotated[str, column("Takes", "what it takes: reload (SIGHUP), restart, nothing (it has no effect)")]
    note: Annotated[str, column("Note", "what is to know of a reload")] = ""
    before_at: Annotated[str | None, column("Before at", "file:line:column; none: it is not set there", shown=WIDE)] = (
        None
    )
    after_at: Annotated[str | None, column("After at", "file:line:column; none: it is not set there", shown=WIDE)] = (
        None
    )


CONFIG_SETTINGS = table("config_settings", ConfigSetting, "Options", key=("option", "file", "line"))
CONFIG_FINDINGS = table("config_findings", ConfigFinding, "Findings", key=("file", "line", "col", "code"))
CONFIG_CHANGES = table("config_changes", ConfigChange, "Changes", key=("option",))
CONFIG_TABLES = {found.name: found for found in (CONFIG_SETTINGS, CONFIG_FINDINGS, CONFIG_CHANGES)}
