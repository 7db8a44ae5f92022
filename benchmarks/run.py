"""Runs the benchmarks and keeps their results as text: ``make bench``, or ``make bench PARTS=parsing``."""

import sys
from pathlib import Path

import action
import captures
import core
import echo
import forwarding
import lab
import large
import parsing
import prompt
import simulation
import soak
import startup
import wire
import xfrm

RESULTS = Path(__file__).parent / "results"
PARTS = {
    "startup": startup.main,
    "prompt": prompt.main,
    "parsing": parsing.main,
    "large": large.main,
    "wire": wire.main,
    "fuzz": wire.fuzz,
    "core": core.main,
    "assault": core.assault,
    "simulation": simulation.main,
    "forwarding": forwarding.main,
    "lab": lab.main,
    "action": action.main,
    "echo": echo.main,
    "captures": captures.main,
    "xfrm": xfrm.main,
    "soak": soak.main,
    "storm": soak.storm,
}
TAKE_MINUTES = "soak", "storm"
"""The parts that run only where they are named."""


def main(words: list[str]) -> int:
    """Run the parts named, without a name all but the long ones; 1 when a bar is missed, 64 for a part there is not."""
    unknown = [word for word in words if word not in PARTS]
    if unknown:
        sys.stderr.write(f"there is no part '{unknown[0]}'; there are: {', '.join(PARTS)}\n")
        return 64
    missed = 0
    RESULTS.mkdir(exist_ok=True)
    for name in words or (name for name in PARTS if name not in TAKE_MINUTES):
        text = PARTS[name]()
        (RESULTS / f"{name}.txt").write_text(text, encoding="utf-8")
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
        missed += any(line.endswith("  NO") for line in text.splitlines())
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
