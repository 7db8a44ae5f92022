"""Finding a lab that is there, by its name or because it is the only one, and holding it for a change."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct

from mipsh.errors import EngineError, UsageError
from mipsh.lab.namespaces import Ground
from mipsh.lab.plan import DEFAULT_NAME, check_name
from mipsh.lab.state import Kind, LabState, Place, labs, sockets_folder
from mipsh.linux import namespaces, user_namespaces

NAMESPACES = "netns"
"""The folder of a lab's namespaces among its files, where it has its own mount namespace."""


class Existing(Struct, frozen=True):
    """A lab that is there."""

    ground: Ground
    state: LabState


def place_of(variables: Mapping[str, str], name: str) -> Place:
    """Return where a lab of a name is, or would be; raises UsageError for what is no name."""
    return Place(sockets_folder(variables), check_name(name))


def ground_of(place: Place, kind: Kind) -> Ground:
    """Return where the namespaces of a lab of that kind are."""
    return Ground(place, str(place.folder / NAMESPACES)) if kind is Kind.USER else Ground(place)


def choose(variables: Mapping[str, str], name: str = "") -> str:
    """Return the name of the lab that is meant: the one named, else the only one; raises UsageError."""
    if name:
        return check_name(name)
    found = labs(sockets_folder(variables))
    if len(found) > 1 and DEFAULT_NAME not in found:
        raise UsageError(f"there are several labs: {', '.join(found)}", "choose one with --name NAME")
    return found[0] if len(found) == 1 else DEFAULT_NAME


def free_name(variables: Mapping[str, str], name: str) -> str:
    """Return a name that no lab has: the one given, or with a number behind it."""
    taken = {*labs(sockets_folder(variables)), *(found.split("-")[1] for found in _named_namespaces())}
    names = (f"{name}{number or ''}" for number in range(len(taken) + 1))
    return next(candidate for candidate in names if candidate not in taken)


def _named_namespaces() -> list[str]:
    return [name for name in namespaces.names() if re.fullmatch(r"mipsh-[^-]+-[^-]+", name)]


def look(variables: Mapping[str, str], name: str = "") -> Existing:
    """Return the lab that is meant, whole or not; raises EngineError where there is none."""
    chosen = choose(variables, name)
    place = place_of(variables, chosen)
    state = place.load()
    if state is None:
        raise EngineError(f"there is no lab '{chosen}'", "'mipsh lab up' builds one")
    return Existing(ground_of(place, state.kind), state)


def inside(variables: Mapping[str, str], name: str = "") -> Existing:
    """Return the lab that is meant, its namespaces within reach; raises EngineError."""
    found = look(variables, name)
    if not found.state.is_whole:
        chosen = found.state.name
        raise EngineError(f"the lab '{chosen}' was not built to the end", f"mipsh lab down --name {chosen}")
    if found.state.kind is Kind.USER and found.state.keeper is not None:
        user_namespaces.enter(found.state.keeper)
    return found


@contextmanager
def held(variables: Mapping[str, str], name: str = "") -> Iterator[Existing]:
    """Hold the lab that is meant, for a change; raises EngineError where there is none, or not a whole one."""
    chosen = inside(variables, name)
    with chosen.ground.place.locked():
        yield inside(variables, chosen.state.name)
