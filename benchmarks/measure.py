"""How a benchmark measures and reports: interleaved runs, medians, a peer beside each subject.

Absolute times do not travel between machines, so every row stands beside a peer that was
measured in the same minute, turn by turn, and shows the ratio.
"""

import gc
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the report; ``ratio`` is subject over peer, ``met`` None where there is no bar."""

    subject: str
    value: str
    peer: str = ""
    peer_value: str = ""
    ratio: float | None = None
    bar: str = ""
    met: bool | None = None


HEADERS = ("measured", "median", "beside", "its median", "ratio", "bar", "met")
VERDICTS = {True: "yes", False: "NO", None: ""}


def elapsed_s(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    gc.collect()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def interleaved(subjects: Mapping[str, Callable[[], float]], rounds: int, warm: int = 1) -> dict[str, float]:
    """Measure every subject once a round, in turn; return the median of each, without the warm rounds."""
    seen: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(warm + rounds):
        for name, measure in subjects.items():
            value = measure()
            if number >= warm:
                seen[name].append(value)
    return {name: median(values) for name, values in seen.items()}


def ms(seconds: float) -> str:
    """Return seconds as milliseconds with their unit."""
    return f"{seconds * 1000:.1f} ms"


def machine() -> str:
    """Return the machine in general terms."""
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def report(title: str, notes: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a part's results as text."""
    cells = [HEADERS, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADERS))]
    table = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    table.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([title, machine(), *notes, "", *table]) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    return (row.subject, row.value, row.peer, row.peer_value, ratio, row.bar, VERDICTS[row.met])
