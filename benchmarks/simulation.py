"""Simulated networks: mobile nodes that register and all move once, and how close a handover comes to its bound.

Foreign links have up to two hundred mobile nodes each, and a router of their own. Two hundred
mobile nodes a second arrive and, later, leave for the next link, one link after the other, as
trains reach stations; routers advertise as RFC 4861 has it, to a whole link. The times are
those of the whole simulation: every packet of every node, neighbour discovery and all, encoded and
decoded at each hop.
"""

import gc
from itertools import product
from pathlib import Path
from typing import NamedTuple

from measure import Row, elapsed_s, ms, report

from mipsh.lab import handover
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import ETHERNET, Lab, LabParameters
from mipsh.lab.trace_log import TraceLog
from mipsh.mobility.host.parameters import Advertising
from mipsh.mobility.mobile.parameters import MobileNodeParameters, Optimisation

SIZES = (10, 100, 1_000, 10_000)
BAR_S = 60.0
BAR_RATIO = 1.05
ON_A_LINK = 200
ARRIVALS_PER_S = 200.0
SETTLE_S = 10.0
PAGE = 4096
DELAYS_S = (0.001, 0.01, 0.05)


class Run(NamedTuple):
    """What a network cost; ``arrived`` counts the mobile nodes that were registered at their new link in the end."""

    mobile_nodes: int
    arrived: int
    wall_s: float
    events: int
    simulated_s: float
    memory: int


def resident() -> int:
    """Return the process's resident memory in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def network(count: int) -> Run:
    """Let mobile nodes register and move once."""
    before = resident()
    links = max(2, count // ON_A_LINK)
    parameters = LabParameters(
        foreign_links=links,
        access_routers=True,
        most_bindings=2 * count,
        advertising=Advertising(),
    )
    lab = Lab(parameters)
    net, clock, foreign = lab.network, lab.network.clock, lab.foreign_links
    first: dict[str, bytes | None] = {}

    def run() -> None:
        clock.run_until(1.0)
        for number in range(count):
            clock.schedule(1.0 + number / ARRIVALS_PER_S, lab.add_mobile_node, foreign[number // ON_A_LINK % links])
        clock.run_until(1.0 + count / ARRIVALS_PER_S + SETTLE_S)
        first.update({name: lab.registered_at(name) for name in lab.mobile_nodes})
        began = clock.now
        for number, name in enumerate(lab.mobile_nodes):
            at = began + number / ARRIVALS_PER_S
            clock.schedule(at, net.move, name, ETHERNET, foreign[(number // ON_A_LINK + 1) % links], 0.05)
        clock.run_until(began + count / ARRIVALS_PER_S + SETTLE_S)

    wall_s = elapsed_s(run)
    arrived = sum(lab.registered_at(name) not in (None, where) for name, where in first.items() if where is not None)
    return Run(count, arrived, wall_s, clock.events, clock.now, resident() - before)


def handovers() -> list[Row]:
    """Measure handovers against their bound: through the tunnel and not, optimistic and not, at several delays."""
    rows = []
    for optimisation, is_optimistic, delay_s in product(Optimisation, (False, True), DELAYS_S):
        link, log = LinkParameters(delay_s=delay_s), TraceLog()
        mobile_node = MobileNodeParameters((), optimisation=optimisation)
        parameters = LabParameters(
            is_optimistic=is_optimistic, home=link, foreign=link, backbone=link, mobile_node=mobile_node
        )
        lab = Lab(parameters, log)
        name = lab.add_mobile_node("foreign1")
        lab.network.run_for(SETTLE_S)
        seen = handover.run(lab, log, name, "foreign2", interval_s=delay_s / 2)
        way = "optimised" if optimisation is Optimisation.ALLOWED else "tunnelled"
        kind = "optimistic" if is_optimistic else "with DAD"
        subject = f"handover, {way}, {kind}, {ms(delay_s)} a link, {seen.lost} lost"
        bound = ms(seen.bound_s)
        is_met = seen.ratio <= BAR_RATIO
        rows.append(Row(subject, ms(seen.measured_s), "bound", bound, seen.ratio, f"<= {BAR_RATIO}", is_met))
    return rows


def main() -> str:
    """Measure and return the report."""
    rows, notes = [], []
    runs = [network(count) for count in SIZES]
    for run in runs:
        is_largest = run is runs[-1]
        rows.append(
            Row(
                f"{run.mobile_nodes:,} mobile nodes",
                f"{run.wall_s:.2f} s",
                bar=f"< {BAR_S:.0f} s" if is_largest else "",
                met=run.wall_s < BAR_S and run.arrived == run.mobile_nodes if is_largest else None,
            )
        )
        notes.append(
            f"{run.mobile_nodes:>6,} mobile nodes: {run.arrived:,} arrived, {run.events:,} events, "
            f"{run.wall_s / run.events * 1e6:.0f} us an event, {run.wall_s / run.mobile_nodes * 1e3:.2f} ms and "
            f"{run.memory / run.mobile_nodes / 1024:.1f} KiB a mobile node, {run.simulated_s:.0f} s simulated"
        )
    large, small = runs[-1], runs[-2]
    growth = large.wall_s / small.wall_s / (large.mobile_nodes / small.mobile_nodes)
    rows.append(Row("cost of ten times as many", f"{growth * 10:.1f} x"))
    notes.append("what a handover is measured against is said in mipsh/lab/handover.py")
    return report("Simulated networks", notes, [*rows, *handovers()])
