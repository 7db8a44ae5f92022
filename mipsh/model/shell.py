"""The records of the shell's own commands."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table


class StatusReport(Struct, frozen=True):
    """The engine in use, and how full its tables are."""

    engine: Annotated[str, column("Engine", "kind of engine")]
    address: Annotated[str, column("Address", "where it answers")]
    role: Annotated[str | None, column("Role", "mn (mobile node), ha (home agent), cn (correspondent node)")]
    version: Annotated[str | None, column("Version", "version the engine says it is")]
    bindings: Annotated[int | None, column("Bindings", "entries of the binding cache", Kind.INTEGER)] = None
    registered: Annotated[int | None, column("Registered", "home registrations among them", Kind.INTEGER)] = None
    updates: Annotated[int | None, column("Updates", "entries of the binding update list", Kind.INTEGER)] = None
    bound: Annotated[
        int | None, column("Bound", "entries of the binding update list that are acknowledged", Kind.INTEGER)
    ] = None
    home_agents: Annotated[int | None, column("Home agents", "entries of the home agents list", Kind.INTEGER)] = None
    answer_ms: Annotated[
        float | None, column("Answered in", "time the engine took to answer", Kind.INTEGER, unit="ms")
    ] = None
    capabilities: Annotated[tuple[str, ...], column("Tables", "tables that the engine keeps", Kind.FLAGS)] = ()


class ColumnReport(Struct, frozen=True):
    """A column of a table, as it is declared."""

    table: Annotated[str, column("Table", "table the column belongs to")]
    column: Annotated[str, column("Column", "name in JSON, --columns and --where")]
    title: Annotated[str, column("Title", "header in tables")]
    kind: Annotated[str, column("Kind", "what the values are")]
    unit: Annotated[str | None, column("Unit", "unit of the values")]
    meaning: Annotated[str, column("Meaning", "what it says")]
    source: Annotated[str | None, column("Source", "where it comes from", shown=Shown.WIDE)]
    alias: Annotated[str | None, column("Alias", "short name", shown=Shown.ALWAYS)]


class TableReport(Struct, frozen=True):
    """A table that can be asked for."""

    table: Annotated[str, column("Table", "name of the table")]
    command: Annotated[str, column("Command", "command that shows it")]
    columns: Annotated[int, column("Columns", "number of columns", Kind.INTEGER)]
    meaning: Annotated[str, column("Meaning", "what its rows are")]


class SchemaReport(Struct, frozen=True):
    """A JSON Schema, as text."""

    table: Annotated[str, column("Table", "table whose document it describes")]
    schema: Annotated[str, column("Schema", "the JSON Schema (2020-12)")]


class RawReply(Struct, frozen=True):
    """What the engine said, framing removed."""

    command: Annotated[str, column("Command", "what the engine was asked")]
    reply: Annotated[str, column("Reply", "its answer")]


class SettingReport(Struct, frozen=True):
    """A setting of the shell."""

    setting: Annotated[str, column("Setting", "name of the setting")]
    value: Annotated[str, column("Value", "value in force")]
    default: Annotated[str, column("Default", "value when nothing sets it")]
    meaning: Annotated[str, column("Meaning", "what it does")]


class AliasReport(Struct, frozen=True):
    """A word that stands for a line."""

    alias: Annotated[str, column("Alias", "the word")]
    line: Annotated[str, column("Line", "what it stands for")]


class HistoryReport(Struct, frozen=True):
    """A line typed before."""

    number: Annotated[int, column("No.", "place in the history, from 1", Kind.INTEGER)]
    line: Annotated[str, column("Line", "the line")]


class AssertionReport(Struct, frozen=True):
    """One condition of an assertion on one row: met, not met, or not to be told."""

    verdict: Annotated[str, column("Verdict", "yes, no, or unknown")]
    row: Annotated[str, column("Row", "key of the row")]
    column: Annotated[str | None, column("Column", "column looked at")]
    expected: Annotated[str, column("Expected", "condition that should hold")]
    found: Annotated[str | None, column("Found", "value that was there")]


class HelpPage(Struct, frozen=True):
    """Help on one topic."""

    topic: Annotated[str, column("Topic", "command or subject")]
    summary: Annotated[str, column("Summary", "what it is for, in a line")]
    text: Annotated[str, column("Text", "the whole help")]


class CommandReport(Struct, frozen=True):
    """A command of the shell."""

    command: Annotated[str, column("Command", "name")]
    summary: Annotated[str, column("Summary", "what it is for")]
    aliases: Annotated[tuple[str, ...], column("Also", "other names", Kind.FLAGS, shown=Shown.WIDE)] = ()


class PluginReport(Struct, frozen=True):
    """Something that can be named: a command, an engine, a check or a format."""

    kind: Annotated[str, column("Kind", "command, engine, check or format")]
    name: Annotated[str, column("Name", "its name")]
    package: Annotated[str, column("Package", "package that brings it")]
    version: Annotated[str | None, column("Version", "version of that package")]
    state: Annotated[str, column("State", "ok, or broken")]
    problem: Annotated[str | None, column("Problem", "why it cannot be used")] = None
    summary: Annotated[str | None, column("Summary", "what it is for", shown=Shown.WIDE)] = None


class VersionReport(Struct, frozen=True):
    """Versions, as a bug report wants them."""

    program: Annotated[str, column("Program", "program or library")]
    version: Annotated[str, column("Version", "its version")]


class FileReport(Struct, frozen=True):
    """A file that was written."""

    path: Annotated[str, column("File", "path of the file")]
    contents: Annotated[str, column("Contents", "what is in it")]
    size: Annotated[int, column("Size", "bytes", Kind.INTEGER, unit="B")]


class ServiceReport(Struct, frozen=True):
    """A service that mipsh runs."""

    address: Annotated[str, column("Address", "where it listens")]
    serves: Annotated[str, column("Serves", "what it serves")]
    role: Annotated[str | None, column("Role", "role of the recorded node")] = None


class ScriptReport(Struct, frozen=True):
    """A script for another program, as text."""

    shell: Annotated[str, column("Shell", "program it is for")]
    script: Annotated[str, column("Script", "its text")]


class WordReport(Struct, frozen=True):
    """A word that could stand at the end of a command line."""

    word: Annotated[str, column("Word", "the word, quoted where it must be")]
    meaning: Annotated[str, column("Meaning", "what it is")]


class LabNodeReport(Struct, frozen=True):
    """A node of a lab: where it is, and how it is reached there."""

    lab: Annotated[str, column("Lab", "name of the lab", shown=Shown.WIDE)]
    node: Annotated[str, column("Node", "name of the node")]
    role: Annotated[str, column("Role", "mn (mobile node), ha (home agent), cn (correspondent node), router")]
    links: Annotated[tuple[str, ...], column("Link", "links that it is on", Kind.FLAGS)]
    state: Annotated[
        str, column("State", "home, registered, away (not registered yet), running (no mobile node), silent, down")
    ]
    home_address: Annotated[str | None, column("Home address", "home address of a mobile node", Kind.ADDRESS)] = None
    care_of_address: Annotated[
        str | None, column("Care-of address", "where its home agent tunnels its packets to", Kind.ADDRESS)
    ] = None
    direct: Annotated[tuple[str, ...], column("Direct", "nodes with which the route is optimised", Kind.FLAGS)] = ()
    address: Annotated[str | None, column("Address", "where its mipd answers", shown=Shown.WIDE)] = None
    namespace: Annotated[str | None, column("Namespace", "its network namespace", shown=Shown.WIDE)] = None
    pid: Annotated[int | None, column("PID", "process of its mipd", Kind.INTEGER, shown=Shown.WIDE)] = None


class LabLinkReport(Struct, frozen=True):
    """A link of a lab, and what is wrong with it."""

    link: Annotated[str, column("Link", "name of the link")]
    prefix: Annotated[str, column("Prefix", "its prefix", Kind.PREFIX)]
    nodes: Annotated[tuple[str, ...], column("Nodes", "nodes that are on it", Kind.FLAGS)]
    loss_percent: Annotated[float, column("Loss", "share of frames that are lost on it", Kind.INTEGER, unit="%")]
    delay_ms: Annotated[float, column("Delay", "added delay one way", Kind.INTEGER, unit="ms")]


class EchoReport(Struct, frozen=True):
    """An echo request that a node of a lab sent."""

    node: Annotated[str, column("Node", "node that sent it", shown=Shown.WIDE)]
    sequence: Annotated[int, column("Seq", "its number", Kind.INTEGER)]
    destination: Annotated[str, column("Destination", "address that it was sent to", Kind.ADDRESS)]
    source: Annotated[str | None, column("Answered by", "address that answered, unknown for none", Kind.ADDRESS)]
    rtt_ms: Annotated[float | None, column("Round trip", "time to the answer", Kind.INTEGER, unit="ms")]


class FaultReport(Struct, frozen=True):
    """A fault that a lab can have on purpose."""

    fault: Annotated[str, column("Fault", "its name")]
    state: Annotated[str, column("State", "on, off, or done for what happens once")]
    meaning: Annotated[str, column("Meaning", "what goes wrong")]


class How(Struct, frozen=True):
    """A step of what a command does, as one would do it by hand."""

    step: Annotated[str, column("Step", "what is done")]
    via: Annotated[str, column("Via", "vt, json-rpc, netlink, packet, file, process, or none")]
    equivalent: Annotated[str | None, column("By hand", "the line, command or packet; unknown where there is none")]
    reference: Annotated[str | None, column("Reference", "the clause that it follows")] = None


class AuditReport(Struct, frozen=True):
    """A change to a node, as it was written down before and after."""

    time: Annotated[str, column("Time", "when it began (RFC 3339)")]
    user: Annotated[str, column("User", "who; with sudo, who called it")]
    engine: Annotated[str | None, column("Engine", "address of the engine")]
    command: Annotated[str, column("Command", "the line, as typed")]
    steps: Annotated[tuple[str, ...], column("Steps", "what it was to do", Kind.LINES, shown=Shown.WIDE)]
    result: Annotated[str, column("Result", "what came of it; 'not finished' where no end was written")]
    status: Annotated[int | None, column("Status", "exit status, unknown where it did not end", Kind.INTEGER)]
    before: Annotated[str | None, column("Before", "what was to be changed, as it was", shown=Shown.WIDE)] = None
    after: Annotated[str | None, column("After", "the same, afterwards", shown=Shown.WIDE)] = None
    ended: Annotated[str | None, column("Ended", "when it ended (RFC 3339)", shown=Shown.WIDE)] = None
    host: Annotated[str | None, column("Host", "name of the machine", shown=Shown.WIDE)] = None
    netns: Annotated[str | None, column("Namespace", "network namespace, where one was named", shown=Shown.WIDE)] = None
    uid: Annotated[int | None, column("UID", "number of the user", Kind.INTEGER, shown=Shown.WIDE)] = None
    pid: Annotated[int | None, column("PID", "process of mipsh", Kind.INTEGER, shown=Shown.WIDE)] = None
    id: Annotated[str, column("ID", "what its beginning and its end have in common", shown=Shown.WIDE)] = ""


STATUS = table("status", StatusReport, "Status", key=("address",))
COLUMNS = table("columns", ColumnReport, "Columns", key=("table", "column"))
TABLES = table("tables", TableReport, "Tables", key=("table",))
SCHEMAS = table("schema", SchemaReport, "JSON Schema", key=("table",), prose=True)
RAW = table("raw", RawReply, "Raw reply", key=("command",), prose=True)
SETTINGS = table("settings", SettingReport, "Settings", key=("setting",))
ALIASES = table("aliases", AliasReport, "Aliases", key=("alias",))
HISTORY = table("history", HistoryReport, "History", key=("number",))
ASSERTIONS = table("assertions", AssertionReport, "Assertion", key=("row", "expected"))
HELP = table("help", HelpPage, "Help", key=("topic",), prose=True)
COMMANDS = table("commands", CommandReport, "Commands", key=("command",))
PLUGINS = table("plugins", PluginReport, "Plugins", key=("kind", "name"))
VERSIONS = table("versions", VersionReport, "Versions", key=("program",))
FILES = table("files", FileReport, "Files", key=("path",))
SERVICES = table("services", ServiceReport, "Services", key=("address",))
WORDS = table("words", WordReport, "Words", key=("word",))
LAB_NODES = table("lab_nodes", LabNodeReport, "Nodes of the lab", key=("lab", "node"))
LAB_LINKS = table("lab_links", LabLinkReport, "Links of the lab", key=("link",))
ECHOES = table("echoes", EchoReport, "Echo requests", key=("node", "sequence"))
FAULTS = table("faults", FaultReport, "Faults", key=("fault",))
HOW = table("how", How, "How it is done by hand", key=("step", "equivalent"))
AUDIT = table("audit", AuditReport, "Changes to nodes", key=("id",))
SCRIPTS = table("script", ScriptReport, "Script", key=("shell",), prose=True)

SHELL_TABLES = {
    found.name: found
    for found in (
        STATUS,
        COLUMNS,
        TABLES,
        SCHEMAS,
        RAW,
        SETTINGS,
        ALIASES,
        HISTORY,
        ASSERTIONS,
        HELP,
        COMMANDS,
        PLUGINS,
        VERSIONS,
        FILES,
        SERVICES,
        SCRIPTS,
        WORDS,
        LAB_NODES,
        LAB_LINKS,
        ECHOES,
        FAULTS,
        HOW,
        AUDIT,
    )
}
