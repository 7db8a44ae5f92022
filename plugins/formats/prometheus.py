"""Prometheus' text format, as its node exporter reads files: findings, or the numbers of any table, as gauges."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

from mipsh.model.columns import Column, Kind, Table
from mipsh.model.findings import FINDINGS, Finding, Verdict
from mipsh.model.text import escape, plain
from mipsh.render.format import Document, Format, Style

NUMERIC = (Kind.INTEGER, Kind.SECONDS)
Sample = tuple[Mapping[str, str], float]


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the exit status, when it was, how many errors, and the rows."""
    result = document.result
    yield _gauge("mipsh_exit_status", "exit status of the command", [({}, int(result.status))])
    with suppress(ValueError):
        yield _gauge("mipsh_run_timestamp_seconds", "when it was run", [({}, _seconds(document.time))])
    yield _gauge("mipsh_errors", "errors of the command", [({}, len(result.errors))])
    if result.table is FINDINGS:
        yield from _findings([row for row in result.rows if isinstance(row, Finding)])
    elif result.table is not None and not result.table.prose:
        yield from _numbers(document, result.table)


def _findings(found: list[Finding]) -> Iterator[str]:
    numbers = Counter(finding.verdict for finding in found)
    counted: list[Sample] = [({"verdict": verdict.value}, numbers[verdict]) for verdict in Verdict]
    yield _gauge("mipsh_check_findings", "findings by verdict", counted)
    rows: list[Sample] = [
        (
            {
                "id": one.id,
                "subject": one.subject,
                "area": one.area,
                "severity": one.severity,
                "verdict": one.verdict,
                "counts": "true" if one.counts else "false",
            },
            1,
        )
        for one in found
    ]
    yield _gauge("mipsh_check_finding", "a finding; its verdict is a label", rows)


def _numbers(document: Document, table: Table) -> Iterator[str]:
    yield _gauge(f"mipsh_{table.name}_rows", f"rows: {table.title}", [({}, len(document.result.rows))])
    for column in document.columns:
        if column.kind in NUMERIC:
            rows = list(_samples(document, column, table.key))
            if rows:
                yield _gauge(f"mipsh_{table.name}_{column.name}", column.meaning, rows)


def _samples(document: Document, column: Column, key: tuple[str, ...]) -> Iterator[Sample]:
    """Yield the numbers of a column, each with its row's key; unknown is none, and the first of a key counts."""
    known: set[tuple[tuple[str, str], ...]] = set()
    for row in document.result.rows:
        value: object = getattr(row, column.name)
        labels = {name: plain(getattr(row, name)) for name in key if name != column.name}
        marked = tuple(labels.items())
        if isinstance(value, int | float) and marked not in known:
            known.add(marked)
            yield labels, value


def _gauge(name: str, meaning: str, samples: Iterable[Sample]) -> str:
    text = escape(meaning).replace("\\", "\\\\")
    lines = [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        said = ",".join(f'{label}="{_label(text)}"' for label, text in labels.items())
        lines.append(f"{name}{{{said}}} {_number(value)}" if said else f"{name} {_number(value)}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return f"{value:.3f}" if value % 1 else str(int(value))


def _label(text: str) -> str:
    return escape(text).replace("\\", "\\\\").replace('"', '\\"')


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


FORMAT = Format("prometheus", "Prometheus' text format: findings, or a table's numbers, as gauges", render)
