"""From nothing to an answer: what one run costs over the bare interpreter."""

from functools import partial

from measure import Row, interleaved, ms, report
from processes import HERE, MIPSH, PYTHON, home, run_s, serving

ROUNDS = 31
VERSION_BAR_S = 0.060
JSON_BAR_S = 0.110


def main() -> str:
    """Measure and return the report."""
    with home() as environment, serving([PYTHON, str(HERE / "bindings.py"), "1"]) as engine:
        run = partial(run_s, environment=environment)
        medians = interleaved(
            {
                "bare": lambda: run([PYTHON, "-c", "pass"]),
                "version": lambda: run([MIPSH, "--version"]),
                "msgspec": lambda: run([PYTHON, "-c", "import socket, msgspec"]),
                "json": lambda: run([MIPSH, "-e", engine, "bc", "-o", "json"]),
                "table": lambda: run([MIPSH, "-e", engine, "bc"]),
            },
            ROUNDS,
        )
    bare = medians["bare"]

    def row(name: str, subject: str, bar_s: float | None) -> Row:
        value = medians[name]
        bar = "" if bar_s is None else f"<= {bar_s * 1000:.0f} ms over bare"
        met = None if bar_s is None else value - bare <= bar_s
        over = f"{ms(value)} ({ms(value - bare)} over bare)"
        return Row(subject, over, "python -c pass", ms(bare), value / bare, bar, met)

    rows = [
        row("version", "mipsh --version", VERSION_BAR_S),
        row("json", "mipsh bc -o json", JSON_BAR_S),
        row("table", "mipsh bc", None),
        row("msgspec", "python -c 'import socket, msgspec'", None),
    ]
    return report("Start-up of one command", [f"{ROUNDS} interleaved runs, replayed engine"], rows)
