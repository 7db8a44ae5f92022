"""A configuration that was read anew, put into force as far as a running node can take it.

What can be taken is listed in ``APPLIED``; all else needs a restart, and is named.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

from msgspec import Struct, structs

from mipsh.mobility.effects import Effect
from mipsh.mobility.node import Node
from mipsh.node.build import understand
from mipsh.node.config import NodeConfig

APPLIED = {
    "correspondent": ("max_lifetime_s",),
    "home_agent": ("max_lifetime_s", "allowed", "denied", "refresh_share", "detects_duplicates"),
    "mobile_node": (
        "home_lifetime_s",
        "correspondent_lifetime_s",
        "optimise",
        "peers",
        "acknowledge_correspondents",
    ),
    "interfaces": ("advertise",),
}
"""The fields that a running node takes, by the table that they are in."""


class Reloaded(NamedTuple):
    """What came of it: the configuration in force, and by their names the fields taken and those that were not."""

    config: NodeConfig
    applied: tuple[str, ...]
    needs_restart: tuple[str, ...]
    effects: list[Effect]


def reload(node: Node, config: NodeConfig, wanted: NodeConfig, now: float) -> Reloaded:
    """Let a node that was built from a configuration go on by another one; raises FieldError."""
    understand(wanted)
    merged = _merged(config, wanted)
    plan = understand(merged)
    effects = node.reconfigure(plan.parameters, now)
    for link, before in zip(plan.links, understand(config).links, strict=True):
        if link.advertising != before.advertising:
            effects += node.advertise(link.name, link.advertising, now)
    home_agent, in_force = plan.parameters.home_agent, node.parameters.home_agent
    if home_agent is not None and in_force is not None and home_agent.links != in_force.links:
        effects += node.set_home_prefixes(home_agent.links, now)
    applied, needs_restart = tuple(changes(config, merged)), tuple(changes(merged, wanted))
    return Reloaded(merged, applied, needs_restart, effects)


def _merged(config: NodeConfig, wanted: NodeConfig) -> NodeConfig:
    """Return the configuration with what a running node can take of another one."""
    taken: dict[str, object] = {}
    for table in ("correspondent", "home_agent", "mobile_node"):
        before, after = getattr(config, table), getattr(wanted, table)
        if before is not None and after is not None:
            taken[table] = _with(before, after, table)
    names = [[link.name for link in one.interfaces] for one in (config, wanted)]
    if names[0] == names[1]:
        pairs = zip(config.interfaces, wanted.interfaces, strict=True)
        taken["interfaces"] = tuple(_with(before, after, "interfaces") for before, after in pairs)
    return structs.replace(config, **taken)


def _with(before: Struct, after: Struct, table: str) -> Struct:
    return structs.replace(before, **{name: getattr(after, name) for name in APPLIED[table]})


def changes(before: object, after: object, field: str = "") -> Iterator[str]:
    """Yield the fields in which two configurations differ, as deep as both have them."""
    if before == after:
        return
    if isinstance(before, Struct) and type(before) is type(after):
        for name in before.__struct_fields__:
            yield from changes(getattr(before, name), getattr(after, name), f"{field}.{name}" if field else name)
    elif _is_list_of_tables(before) and _is_list_of_tables(after) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changes(one, other, f"{field}[{index}]")
    else:
        yield field


def _is_list_of_tables(value: object) -> TypeGuard[tuple[Struct, ...]]:
    return isinstance(value, tuple) and bool(value) and all(isinstance(item, Struct) for item in value)
