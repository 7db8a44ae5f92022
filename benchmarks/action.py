"""Asking for a Binding Update: from the line at a prompt to the verdict with its evidence, in a lab of real namespaces.

The session is warm, as a shell is; the engine is idle between two lines. A line is permitted, written
down before and after, carried out over the control socket, and judged by the engine's events. Beside
it stands an echo from the mobile node to its home agent: the way of the Binding Update and back.
"""

import time
from contextlib import ExitStack
from io import StringIO

from lab import Trips, warm
from labs import NOT_MEASURED, built, is_possible, runtime
from measure import Row, interleaved, ms, report

from mipsh.environment import Environment
from mipsh.execute import Runner
from mipsh.lab.topology import HOME_AGENT_ADDRESS
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.status import ExitStatus
from mipsh.wire.address import text

TITLE = "Asking for a Binding Update"
ROUNDS = 15
IDLE_S = 0.5
"""A node sends a peer no more than three Binding Updates a second (RFC 6275 section 12, MAX_UPDATE_RATE)."""
BAR_S = 0.020
LINE = "bu home --write --yes"
READING = "bul"


def main() -> str:
    """Measure and return the report."""
    if not is_possible():
        return report(TITLE, [NOT_MEASURED], [])
    with ExitStack() as stack:
        lab, variables = stack.enter_context(built()), stack.enter_context(runtime())
        node = lab.state.node("mn")
        environment = Environment(variables, StringIO(), StringIO(), StringIO())
        session = stack.enter_context(Session(environment, Registry(plugins=False)))
        session.connect(f"mipd://{node.control}")
        runner = Runner(session)
        trips = Trips(stack, node.namespace, text(HOME_AGENT_ADDRESS))
        warm(trips)

        def run(line: str) -> float:
            time.sleep(IDLE_S)
            began = time.perf_counter()
            status = runner.run(line)
            elapsed_s = time.perf_counter() - began
            if status is not ExitStatus.OK:
                raise RuntimeError(f"{line}: {status}")
            return elapsed_s

        def trip() -> float:
            time.sleep(IDLE_S)
            return trips.one()

        seen = interleaved({"line": lambda: run(LINE), "reading": lambda: run(READING), "trip": trip}, ROUNDS)
    over_s = seen["line"] - seen["trip"]
    peer = "an echo to the home agent"
    return report(
        TITLE,
        [f"{ROUNDS} interleaved runs, {IDLE_S:g} s of rest before each"],
        [
            Row(
                f"'bu home' to its verdict, {ms(over_s)} over the round trip",
                ms(seen["line"]),
                peer,
                ms(seen["trip"]),
                seen["line"] / seen["trip"],
                f"<= {ms(BAR_S)} over",
                over_s <= BAR_S,
            ),
            Row("'bul', which only looks", ms(seen["reading"]), peer, ms(seen["trip"]), seen["reading"] / seen["trip"]),
        ],
    )
