"""Handovers come within five percent of what round trips, address detection and movement detection allow."""

import pytest

from mipsh.lab import handover
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import Lab, LabParameters
from mipsh.lab.trace_log import TraceLog
from mipsh.mobility.mobile.parameters import MobileNodeParameters, Optimisation

WORST = 1.05
BEST = 0.9


@pytest.mark.parametrize("access_routers", [False, True])
@pytest.mark.parametrize("is_optimistic", [False, True])
@pytest.mark.parametrize("optimisation", list(Optimisation))
@pytest.mark.parametrize("delay_s", [0.01, 0.04])
def test_handover(delay_s: float, optimisation: Optimisation, is_optimistic: bool, access_routers: bool) -> None:
    """The steps come in order, and the last one in time.

    The other mobile node made the routers know each other.
    """
    link, log = LinkParameters(delay_s=delay_s), TraceLog()
    parameters = LabParameters(
        is_optimistic=is_optimistic,
        access_routers=access_routers,
        home=link,
        foreign=link,
        backbone=link,
        mobile_node=MobileNodeParameters((), optimisation=optimisation),
    )
    lab = Lab(parameters, log)
    name, _ = lab.add_mobile_node("foreign1"), lab.add_mobile_node("foreign2")
    lab.network.run_for(10.0)
    seen = handover.run(lab, log, name, "foreign2", interval_s=delay_s / 2)
    steps = list(seen.steps_ms.values())
    assert steps[:5] == sorted(steps[:5])
    assert seen.steps_ms["link up"] == 50
    assert BEST < seen.ratio <= WORST, seen.report()
    assert seen.lost > 0
    assert "the bound" in seen.report()


def test_a_handover_that_does_not_come() -> None:
    """Where no router is heard, there is nothing to report."""
    log = TraceLog()
    lab = Lab(LabParameters(), log)
    name = lab.add_mobile_node("foreign1")
    lab.network.run_for(10.0)
    lab.network.links["foreign2"].partition([name])
    with pytest.raises(LookupError):
        handover.run(lab, log, name, "foreign2", interval_s=0.1)


def test_a_handover_to_where_it_was() -> None:
    """A move to the same link changes no care-of address, and there is no handover to be reported."""
    log = TraceLog()
    lab = Lab(LabParameters(), log)
    name = lab.add_mobile_node("foreign1")
    lab.network.run_for(10.0)
    with pytest.raises(LookupError):
        handover.run(lab, log, name, "foreign1", interval_s=0.1)
