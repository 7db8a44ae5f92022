"""What a node knows, as the records that the shell shows."""

from collections.abc import Callable, Iterable
from typing import Literal

from msgspec import Struct

from mipsh.mobility.node import Node

Rows = Callable[[Node, float], Iterable[Struct]]
Role = Literal["mn", "ha", "cn"]

READINGS: dict[str, Rows] = {}


def role(node: Node) -> Role:
    """Return the role of a node that matters most."""
    if node.roles.mobile_node is not None:
        return "mn"
    return "cn" if node.roles.home_agent is None else "ha"


def of(node: Node) -> dict[str, Rows]:
    """Return the tables that a node keeps."""
    return READINGS


def update_state(node: Node, home_address: bytes, peer: bytes | None, now: float) -> str | None:
    """Return how far a binding update is; None where none is under way."""
    return None
