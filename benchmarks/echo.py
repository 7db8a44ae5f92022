"""ping6 beside iputils ping on the same path, in a lab of real namespaces: round trips, losses, and what it costs.

They take turns, so that both see the same machine.
"""

import re
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from shutil import which
from statistics import median

from lab import BESIDE, NEAR, NEAR_ROUTER, host
from labs import CORRESPONDENT, NOT_MEASURED, built, is_possible, runtime, until
from measure import Row, report

from mipsh.linux import echo_ends, lab_links
from mipsh.linux.addresses import global_addresses
from mipsh.linux.echo_socket import Target
from mipsh.linux.echoes import Pace, Prober, Settled
from mipsh.paths.statistics import RO

TITLE = "Echoes and their paths"
ROUNDS, OF_A_ROUND, EVERY_S = 20, 10, 0.02
HOSTS = tuple((name, "correspondent", at, NEAR_ROUTER) for name, at in (("near", NEAR), ("beside", BESIDE)))
SHARE, FLOOR_MS = 0.05, 0.020
MANY, SOON_S = 10_000, 0.001
SECONDS = 20
CPU_BAR = 0.01
TIME = re.compile(rb"time=([\d.]+) ms")
NEVER: Callable[[], bool] = bool


def main() -> str:
    """Measure and return the report."""
    if not is_possible() or which("ping") is None:
        return report(TITLE, [NOT_MEASURED], [])
    with ExitStack() as stack:
        lab, variables = stack.enter_context(built()), stack.enter_context(runtime())
        path = lab.state.node("mn").namespace
        near, _ = (stack.enter_context(host(lab, *one)) for one in HOSTS)
        probe(near, BESIDE, 3, EVERY_S)
        until(lambda: probe(path, CORRESPONDENT, 3, EVERY_S)[-1].outcome.path.name == RO, "route optimisation")
        return report(
            TITLE,
            [f"{ROUNDS} rounds of {OF_A_ROUND} echoes of each in turns, {EVERY_S * 1000:g} ms apart"],
            [
                trips(near, BESIDE, "between two kernels", has_bar=True),
                trips(path, CORRESPONDENT, "optimised, between two mipd", has_bar=False),
                many(path),
                cost(path, variables),
            ],
        )


def probe(path: str, destination: str, count: int, interval_s: float) -> list[Settled]:
    """Send echoes from a namespace; return what became of each."""

    def go() -> list[Settled]:
        own = global_addresses()
        known = echo_ends.known(own, echo_ends.home_addresses(own, ()))
        with Prober(Target(destination), Pace(count, interval_s), known) as prober:
            return list(prober.run(NEVER))

    return lab_links.inside(path, go)


def trips(path: str, destination: str, way: str, *, has_bar: bool) -> Row:
    """Compare the round trips, in turns."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        found = probe(path, destination, OF_A_ROUND, EVERY_S)
        ours += [one.outcome.rtt_ms for one in found if one.outcome.rtt_ms is not None]
        theirs += ping(path, destination, OF_A_ROUND, EVERY_S)
    mine, peer = median(ours), median(theirs)
    is_met = abs(mine - peer) <= max(SHARE * peer, FLOOR_MS)
    bar = "within 5 % or 20 us" if has_bar else ""
    shown = f"{mine:.3f} ms", "iputils ping", f"{peer:.3f} ms"
    return Row(f"round trip, {way}", *shown, mine / peer, bar, is_met if has_bar else None)


def ping(path: str, destination: str, count: int, interval_s: float) -> list[float]:
    """Let iputils ping do the same; return its round trips in milliseconds."""
    words = ["ping", "-6", "-n", "-c", str(count), "-i", str(interval_s), destination]
    done = lab_links.inside(path, lambda: subprocess.run(words, capture_output=True, check=True))
    return [float(found) for found in TIME.findall(done.stdout)]


def many(path: str) -> Row:
    """Count what the tool loses of very many echoes in a short time: replies, and ways that it does not know."""
    found = probe(path, CORRESPONDENT, MANY, SOON_S)
    unseen = sum("?" in one.outcome.path.name for one in found)
    unanswered = sum(not one.outcome.is_answered for one in found)
    left_out = MANY - len(found)
    text = f"{left_out} lost, {unseen} not seen"
    return Row(
        f"{MANY} echoes, {SOON_S * 1000:g} ms apart: lost to the tool",
        text,
        "unanswered",
        str(unanswered),
        bar="0",
        met=not (left_out or unseen),
    )


def cost(path: str, variables: dict[str, str]) -> Row:
    """Return what share of a processor an echo a second takes, start and end left aside."""
    began = cpu_s(path, variables, 1)
    took = cpu_s(path, variables, 1 + SECONDS)
    share = max(took - began, 0.0) / SECONDS
    return Row(
        "processor, an echo a second",
        f"{share * 100:.2f} %",
        "start and end",
        f"{began:.2f} s",
        bar=f"< {CPU_BAR * 100:g} %",
        met=share < CPU_BAR,
    )


def cpu_s(path: str, variables: dict[str, str], count: int) -> float:
    """Return the processor time of a ping6 of so many echoes, as a stream of JSON."""
    words = [sys.executable, "-m", "mipsh", "--no-config", "ping6", CORRESPONDENT, "-c", str(count), "--json-stream"]
    before = _children_s()
    lab_links.inside(path, lambda: subprocess.run(words, env=variables, capture_output=True, check=True))
    return _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
