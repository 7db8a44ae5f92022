"""The window of sequence numbers at a home agent (RFC 6275 sections 9.5.1 and 9.5.4)."""

import pytest
from home_playbook import AH, COA, COA2, STRICT, VIRTUAL, HomeAgentScene, Update

from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.mobility import HOME

RHL, VHL = STRICT, VIRTUAL


@pytest.mark.parametrize(
    ("parameters", "first", "then", "flags"),
    [
        pytest.param(RHL, 15, 32782, AH, id="HA_2_5_2"),
        pytest.param(VHL, 15, 32782, AH, id="HA_2_5_4"),
        pytest.param(RHL, 15, 16, HOME, id="HA_2_5_5"),
        pytest.param(VHL, 15, 16, HOME, id="HA_2_5_7"),
        pytest.param(VHL, 15, 32782, HOME, id="HA_2_5_8"),
        pytest.param(RHL, 32783, 32784, AH, id="HA_2_7_1"),
        pytest.param(RHL, 32783, 14, AH, id="HA_2_7_2"),
        pytest.param(VHL, 32783, 32784, AH, id="HA_2_7_3"),
        pytest.param(VHL, 32783, 14, AH, id="HA_2_7_4"),
        pytest.param(RHL, 32783, 32784, HOME, id="HA_2_7_5"),
        pytest.param(RHL, 32783, 14, HOME, id="HA_2_7_6"),
        pytest.param(VHL, 32783, 32784, HOME, id="HA_2_7_7"),
        pytest.param(VHL, 32783, 14, HOME, id="HA_2_7_8"),
    ],
)
def test_a_number_that_is_greater(parameters: HomeAgentParameters, first: int, then: int, flags: int) -> None:
    """It moves the binding to where the update came from."""
    scene = HomeAgentScene(parameters)
    scene.hreg(first)
    scene.accepted(Update(then, flags=flags, source=COA2))
    scene.chk_plus(COA2)
    scene.chk0(COA)


@pytest.mark.parametrize(
    ("parameters", "first", "then", "flags"),
    [
        pytest.param(RHL, 15, 14, AH, id="HA_2_6_1"),
        pytest.param(RHL, 15, 32783, AH, id="HA_2_6_3"),
        pytest.param(RHL, 15, 14, HOME, id="HA_2_6_4"),
        pytest.param(RHL, 15, 15, HOME, id="HA_2_6_5"),
        pytest.param(VHL, 15, 14, AH, id="HA_2_6_7"),
        pytest.param(VHL, 15, 15, AH, id="HA_2_6_8"),
        pytest.param(VHL, 15, 32783, AH, id="HA_2_6_9"),
        pytest.param(VHL, 15, 14, HOME, id="HA_2_6_10"),
        pytest.param(VHL, 15, 32783, HOME, id="HA_2_6_12"),
        pytest.param(RHL, 32783, 32782, AH, id="HA_2_8_1"),
        pytest.param(RHL, 32783, 32783, AH, id="HA_2_8_2"),
        pytest.param(RHL, 32783, 32782, HOME, id="HA_2_8_4"),
        pytest.param(RHL, 32783, 32783, HOME, id="HA_2_8_5"),
        pytest.param(VHL, 32783, 32783, AH, id="HA_2_8_8"),
        pytest.param(VHL, 32783, 32782, HOME, id="HA_2_8_10"),
        pytest.param(VHL, 32783, 15, HOME, id="HA_2_8_12"),
    ],
)
def test_a_number_that_is_not_greater(parameters: HomeAgentParameters, first: int, then: int, flags: int) -> None:
    """Status 135 tells the last accepted one, also where no answer was asked for; the binding stays."""
    scene = HomeAgentScene(parameters)
    scene.hreg(first)
    scene.rejected(Update(then, flags=flags, source=COA2), 135, s=first)
    scene.chk0(COA2)
    scene.chk_plus(COA)
