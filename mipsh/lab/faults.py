"""Faults that a lab can have on purpose: what they are, and how they come and go.

Some are in how a node is configured, which then begins anew with nothing in its tables; some happen once.
"""

import tomllib
from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import structs

from mipsh.errors import UsageError
from mipsh.lab import changes, namespaces
from mipsh.lab.existing import Existing
from mipsh.lab.toml_text import dumps
from mipsh.node.config import NodeConfig


class Fault(StrEnum):
    """A fault, by its name."""

    INTER_MN = "MIP-001"
    HOME_AGENT_DEAD = "ha-dead"
    CORRESPONDENT_RESTARTED = "cn-restart"


MEANINGS: Mapping[Fault, str] = {
    Fault.INTER_MN: "mobile nodes use a binding with each other before both ends have it, and lose packets",
    Fault.HOME_AGENT_DEAD: "the home agent is gone, without a word",
    Fault.CORRESPONDENT_RESTARTED: "the correspondent begins anew and has forgotten every binding",
}
ONCE = frozenset({Fault.CORRESPONDENT_RESTARTED})


def find(word: str) -> Fault:
    """Return the fault of a name, in whatever case; raises UsageError."""
    for fault in Fault:
        if fault.lower() == word.lower():
            return fault
    raise UsageError(f"there is no fault '{word}'", f"there are: {', '.join(Fault)}")


def bring(lab: Existing, fault: Fault, variables: Mapping[str, str]) -> None:
    """Let a fault happen."""
    if fault is Fault.INTER_MN:
        changes.need_namespaces(lab, fault.value)
        _configure(lab, True, variables)
    elif fault is Fault.HOME_AGENT_DEAD:
        changes.stop(lab, "ha")
    else:
        changes.restart(lab, "cn", variables)
    _note(lab, {*lab.state.faults, fault} - ONCE)


def mend(lab: Existing, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Let no fault be left; return those that were there."""
    were = lab.state.faults
    if Fault.INTER_MN in were:
        _configure(lab, False, variables)
    if lab.state.node("ha").process is None:
        changes.restart(lab, "ha", variables)
    _note(lab, set())
    return were


def _note(lab: Existing, faults: set[str]) -> None:
    lab.state.faults = tuple(sorted(faults))
    lab.ground.place.save(lab.state)


def _configure(lab: Existing, is_on: bool, variables: Mapping[str, str]) -> None:
    """Change how the mobile nodes optimise routes, and let them begin anew."""

    def change(text: str) -> str:
        config = msgspec.convert(tomllib.loads(text), NodeConfig)
        if config.mobile_node is None:
            return text
        mobile = structs.replace(config.mobile_node, optimise_before_complete=is_on)
        return dumps(structs.replace(config, mobile_node=mobile))

    for node in lab.state.nodes.values():
        if node.role == "mn":
            namespaces.rewrite(lab.ground, node.name, change)
            namespaces.restart(lab.ground, lab.state, node.name, variables)
