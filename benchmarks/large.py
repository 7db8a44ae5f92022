"""A binding cache of 100,000 entries from an engine to standard output, as one command."""

import socket
from functools import partial

from measure import Row, elapsed_s, interleaved, report
from processes import HERE, MIPSH, PYTHON, home, run_s, serving

ENTRIES = 100_000
ROUNDS = 5
NDJSON_BAR_S = 3.0


def fetch(engine: str) -> None:
    """Read the reply to its end and do nothing with it: the least that any client does."""
    with socket.create_connection(("127.0.0.1", int(engine.rpartition(":")[2]))) as client:
        client.recv(64)
        client.sendall(b"bc\r\n")
        while not client.recv(1 << 20).endswith(b"\0"):
            continue


def main() -> str:
    """Measure and return the report."""
    with home() as environment, serving([PYTHON, str(HERE / "bindings.py"), str(ENTRIES)]) as engine:
        run = partial(run_s, environment=environment)
        formats = ("ndjson", "json", "csv", "table")
        medians = interleaved(
            {
                "fetch": lambda: elapsed_s(lambda: fetch(engine)),
                **{name: partial(run, [MIPSH, "-e", engine, "-t", "60", "bc", "-o", name]) for name in formats},
            },
            ROUNDS,
        )
    peer = medians["fetch"]
    rows = [
        Row(
            f"mipsh bc -o {name}",
            f"{medians[name]:.2f} s",
            "reading the reply alone",
            f"{peer:.2f} s",
            medians[name] / peer,
            f"<= {NDJSON_BAR_S:g} s" if name == "ndjson" else "",
            medians[name] <= NDJSON_BAR_S if name == "ndjson" else None,
        )
        for name in formats
    ]
    notes = [f"{ENTRIES:,} bindings served by another process, {ROUNDS} interleaved runs, output read and dropped"]
    return report("A large binding cache, from engine to output", notes, rows)
