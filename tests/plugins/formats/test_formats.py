"""Every format: a valid document for data, nothing, errors and interrupts, and the same exit status."""

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from harness import NODES, ROUTE_OPTIMISED, Mipsh, Ran, Replay
from jsonschema import Draft202012Validator
from msgspec import convert

from mipsh.builtin import FORMATS
from mipsh.grammar.declare import Command
from mipsh.model.columns import Table
from mipsh.model.schema import document_schema
from mipsh.model.tables import TABLES
from mipsh.model.text import plain
from mipsh.plugins.engines.umip import open_umip
from mipsh.registry import Plugin, Registry
from mipsh.session import Session

COMMANDS = {
    "bc": "binding_cache",
    "bul": "binding_update_list",
    "rr": "return_routability",
    "hal": "home_agents",
    "pl": "prefixes",
    "stats": "statistics",
    "nonce": "nonces",
}
VOID = {"meta"}
SAMPLE = re.compile(r'[a-z_0-9]+(\{(\w+="(\\.|[^"\\])*",?)*\})? -?[0-9.]+')
NOWHERE = "umip:///nowhere/mip6d.sock"

# A case: the words after the engine's options, the node, and the status in every format.
CASES: dict[str, tuple[str, tuple[str, ...], int]] = {
    "data": ("mn", ("bul",), 0),
    "columns": ("mn", ("bul", "--columns", "cn,state"), 0),
    "wide": ("mn", ("bul", "--wide"), 0),
    "one row": ("ha", ("bc",), 0),
    "empty": ("ha", ("nonce",), 0),
    "filtered to nothing": ("mn", ("bul", "--where", "state=unreachable"), 0),
    "count": ("mn", ("bul", "|", "count"), 0),
    "prose": ("mn", ("raw", "bul"), 0),
    "not met": ("mn", ("assert", "bul", "has", "state=expired"), 1),
    "not to be told": ("cn", ("bul",), 3),
    "no words": ("mn", ("bul", "--bogus"), 64),
    "no column": ("mn", ("bul", "--where", "bogus=1"), 64),
    "no engine": ("mn", ("bul", "-e", NOWHERE), 69),
}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed, in order; keeps the cells and the notices."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.notices: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "p":
            self.notices.append("")

    def handle_endtag(self, tag: str) -> None:
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text of a cell or of a paragraph."""
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        if "p" in self.open:
            self.notices[-1] += data


def page(text: str) -> Page:
    """Read a whole page."""
    found = Page()
    found.feed(text)
    found.close()
    assert text.startswith("<!DOCTYPE html>\n")
    assert found.open == []
    return found


def check_json(text: str) -> None:
    """One object, that says of which table it is and follows that table's schema."""
    document = json.loads(text)
    assert validate(document) == []


def validate(document: dict[str, Any]) -> list[str]:
    """Return how a document departs from the schema of its table; of selected columns, only the envelope counts."""
    schema = document_schema(TABLES.get(document["table"] or "engine", TABLES["engine"]))
    if document["table"] not in TABLES or "--columns" in document["command"]:
        schema["properties"].update(table={}, data={"type": "array", "items": {"type": "object"}})
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


def check_ndjson(text: str) -> None:
    """An object a line; an envelope, if any, comes last."""
    lines = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(line, dict) for line in lines)
    assert lines
    assert not any("errors" in line for line in lines[:-1])


def check_csv(text: str) -> None:
    """Fields of one number, in lines that end as RFC 4180 has them."""
    rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    assert len({len(row) for row in rows}) <= 1
    assert text.count("\r\n") == len(rows)


def check_tsv(text: str) -> None:
    """Fields of one number."""
    assert len({line.count("\t") for line in text.splitlines()}) <= 1


def check_yaml(text: str) -> None:
    """The document that JSON writes."""
    check_json(json.dumps(yaml.safe_load(text)))


def check_markdown(text: str) -> None:
    """A table with as many cells in each line, or a block of code; then quoted notices."""
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table}) <= 1
    for line in text.splitlines():
        assert line == "" or line.startswith(("| ", "    ", "> **error:** ", "> **warning:** "))


def check_html(text: str) -> None:
    """A page whose rows have as many cells."""
    assert len({len(row) for row in page(text).rows}) <= 1


def check_junit(text: str) -> None:
    """One suite, whose numbers are those of its cases."""
    (suite,) = ElementTree.fromstring(text)
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases) > 0
    for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == len(suite.findall(f"testcase/{element}"))


def check_nagios(text: str) -> None:
    """A line with a status and a sentence, performance data behind the only bar, and more lines."""
    first, *more = text.split("\n")
    assert re.fullmatch(r"MIPSH (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+?( \| (\w+=[\d.]+s?;;;0(;\d+)?( |$))+)?", first), (
        first
    )
    assert not any("|" in line for line in more)


def check_prometheus(text: str) -> None:
    """Every metric is announced once, and each series is there once."""
    lines = text.splitlines()
    announced = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
    series = [line.rpartition(" ")[0] for line in lines if not line.startswith("#")]
    assert len(set(announced)) == len(announced)
    assert len(set(series)) == len(series)
    for line in lines:
        assert line.startswith("# ") or SAMPLE.fullmatch(line), line
    assert {re.split("[ {]", one)[0] for one in series} == set(announced)


def check_tap(text: str) -> None:
    """A plan, and as many lines as it says, numbered; the rest are comments."""
    version, plan, *lines = text.splitlines()
    assert version == "TAP version 13"
    points = [line for line in lines if not line.startswith("#")]
    assert plan == f"1..{len(points)}"
    for number, line in enumerate(points, 1):
        assert re.match(rf"(not )?ok {number} - ", line), line


def check_people(text: str) -> None:
    """Whole lines without control characters."""
    assert text == "" or text.endswith("\n")
    assert all(line.isprintable() for line in text.split("\n"))


CHECKS: dict[str, Callable[[str], None]] = {
    "table": check_people,
    "vertical": check_people,
    "json": check_json,
    "ndjson": check_ndjson,
    "csv": check_csv,
    "tsv": check_tsv,
    "markdown": check_markdown,
    "yaml": check_yaml,
    "html": check_html,
    "junit": check_junit,
    "nagios": check_nagios,
    "prometheus": check_prometheus,
    "tap": check_tap,
}


def test_every_format_is_checked() -> None:
    """A new format needs a check of its documents."""
    assert CHECKS.keys() == FORMATS.keys()


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("case", CASES)
def test_every_case_is_a_valid_document_with_its_status(mipsh: Mipsh, replay: Replay, case: str, format_: str) -> None:
    """Whatever the format, the status is the same, errors are on stderr and nothing else is."""
    node, words, status = CASES[case]
    ran = mipsh("-e", replay(ROUTE_OPTIMISED, node).uri, "-o", format_, *words)
    assert ran.status == status
    assert ran.stderr.startswith("mipsh: error: ") if status else ran.stderr == ""
    CHECKS[format_](ran.stdout)


def interrupt(session: Session) -> None:
    """Be interrupted."""
    raise KeyboardInterrupt


INTERRUPTED = Command("interrupted", "is interrupted", interrupt, table="binding_cache")


@pytest.mark.parametrize("format_", FORMATS)
def test_an_interrupted_run_is_a_valid_document(mipsh: Mipsh, format_: str) -> None:
    """Status 130, and where the format carries errors, it says so."""
    plugin = Plugin("mipsh.commands", "interrupted", f"{__name__}:INTERRUPTED", "test", "1")
    ran = mipsh.lines(Registry(scan=lambda: [plugin]), f"interrupted -o {format_}")
    assert (ran.status, ran.stderr.splitlines()[0]) == (130, "mipsh: error: interrupted")
    CHECKS[format_](ran.stdout)
    if format_ == "json":
        assert (ran.document["status"], ran.document["errors"][0]["code"]) == (130, "interrupted")


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_every_recorded_table_is_the_same_records_again(mipsh: Mipsh, replay: Replay, folder: str, node: str) -> None:
    """The JSON of every node follows its schema, and read back it is what the connector read."""
    uri = replay(folder, node).uri
    connector = open_umip(uri)
    kept = connector.connect().capabilities
    for command, name in COMMANDS.items():
        ran = mipsh("-e", uri, command, "--json")
        assert (ran.status, ran.document["status"]) == ((0, 0) if name in kept else (3, 3))
        assert validate(ran.document) == []
        assert (ran.document["table"], ran.document["command"]) == (name, f"{command} --json")
        rows = list(getattr(connector, name)().rows) if name in kept else []
        assert [convert(row, TABLES[name].record) for row in ran.rows] == rows


def values(ran: Ran, format_: str, table: Table) -> list[list[str]]:
    """Return the rows of a document as texts, column by column."""
    if format_ == "csv":
        return list(csv.reader(StringIO(ran.stdout, newline=""), strict=True))[1:]
    if format_ == "tsv":
        return [line.split("\t") for line in ran.stdout.splitlines()[1:]]
    found: list[Any] = []
    if format_ == "yaml":
        found = yaml.safe_load(ran.stdout)["data"]
    elif format_ == "ndjson":
        found = [json.loads(line) for line in ran.stdout.splitlines()]
    return texts(found, table)


def texts(data: list[Any], table: Table) -> list[list[str]]:
    """Return the rows of a JSON document as texts, column by column."""
    records = [convert(row, table.record) for row in data]
    return [[plain(getattr(row, column.name)) for column in table.columns] for row in records]


@pytest.mark.parametrize("format_", ["csv", "tsv", "yaml", "ndjson"])
def test_programs_read_the_same_in_every_format(mipsh: Mipsh, replay: Replay, format_: str) -> None:
    """All columns and values of every table, in the columns' order."""
    for node, command in (("mn", "bul"), ("mn", "rr"), ("mn", "stats"), ("ha", "bc"), ("ha", "hal"), ("ha", "pl")):
        uri = replay(ROUTE_OPTIMISED, node).uri
        table = TABLES[COMMANDS[command]]
        expected = texts(mipsh("-e", uri, command, "--json").rows, table)
        assert values(mipsh("-e", uri, command, "-o", format_), format_, table) == expected
        assert expected


def test_a_page_shows_what_the_table_shows(mipsh: Mipsh, replay: Replay) -> None:
    """Header and cells of HTML are those of the table for people."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    cells = page(mipsh("-e", uri, "bul", "-o", "html").stdout).rows
    lines = [re.split(r" {2,}", line) for line in mipsh("-e", uri, "bul").stdout.splitlines()]
    assert sorted(map(sorted, cells)) == sorted(map(sorted, lines))
    error = page(mipsh("-e", uri, "hal", "-o", "html").stdout).notices
    assert error[0].startswith("error: the home agents list is kept by home agents; this is a mobile node")


def test_headers_can_be_left_out(mipsh: Mipsh, replay: Replay) -> None:
    """Only the header line goes."""
    uri = replay(ROUTE_OPTIMISED, "ha").uri
    for format_ in ("table", "csv", "tsv"):
        whole = mipsh("-e", uri, "hal", "-o", format_).stdout.splitlines()
        bare = mipsh("-e", uri, "hal", "-o", format_, "--no-headers").stdout.splitlines()
        assert [line.split() for line in bare] == [line.split() for line in whole[1:]]
        assert len(bare) == 1


def test_an_unknown_format_is_a_usage_error(mipsh: Mipsh, replay: Replay) -> None:
    """The nearest one is named, and nobody is asked."""
    ran = mipsh("-e", NOWHERE, "bc", "-o", "jsno")
    assert (ran.status, ran.stdout) == (64, "")
    assert "there is no format 'jsno'" in ran.stderr
    assert "did you mean json" in ran.stderr
