"""What mipsh brings: the static tables, the package's metadata and each declaration say the same."""

import inspect
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from mipsh.builtin import ALIASES, BUILT_IN, COMMANDS, ENGINES, FORMATS, PHRASES
from mipsh.grammar.declare import COMMON_OPTIONS, Command
from mipsh.model.tables import TABLES
from mipsh.process import PROGRAM
from mipsh.registry import Registry

ROOT = Path(__file__).parents[1]
REGISTRY = Registry(plugins=False)


def test_the_package_s_entry_points_are_the_static_tables() -> None:
    """Every name and target, in every group."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"]
    assert {group: names for group, names in BUILT_IN.items() if names} == declared


def test_no_file_of_commands_and_plugins_is_forgotten() -> None:
    """Each module that declares something is in the tables."""
    targets = {target.partition(":")[0] for names in BUILT_IN.values() for target in names.values()}
    for folder, sign in (("commands", "COMMAND ="), ("plugins/formats", "FORMAT ="), ("plugins/engines", "ENGINE =")):
        for path in (ROOT / folder).glob("*.py"):
            if f"\n{sign}" in path.read_text(encoding="utf-8"):
                assert f"mipsh.{folder.replace('/', '.')}.{path.stem}" in targets


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_declaration_is_that_of_the_tables(name: str) -> None:
    """Its name, its aliases, and the table that its rows are of."""
    command = REGISTRY.command(name)
    assert command.name == name
    assert set(command.aliases) == {alias for alias, meant in ALIASES.items() if meant == name}
    assert len(set(command.aliases)) == len(command.aliases)
    assert command.table == "" or command.table in TABLES
    assert command.summary
    assert not command.summary.endswith(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_s_function_takes_what_is_declared(name: str) -> None:
    """The session, then each argument and option by name; whatever may be left out has a default."""
    command = REGISTRY.command(name)
    assert taken_by(command.run) == declared_by(command)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_how_it_is_done_from_the_same_values(name: str) -> None:
    """By each name, or by all of them at once where none of them matters."""
    command = REGISTRY.command(name)
    assert command.how is not None
    parameters = inspect.signature(command.how).parameters.values()
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD and not get_args(p.annotation) for p in parameters):
        assert taken_by(command.how) == declared_by(command)


def taken_by(function: Callable[..., object]) -> dict[str, bool]:
    """Return the names that a function takes behind the session, and whether each may be left out.

    Those of a typed dictionary that it takes as ``**options`` are among them, and may be left out.
    """
    session, *parameters = inspect.signature(function).parameters.values()
    assert session.name == "session"
    taken: dict[str, bool] = {}
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            (options,) = get_args(parameter.annotation)
            taken |= dict.fromkeys(options.__optional_keys__, True)
        else:
            taken[parameter.name] = parameter.default is not inspect.Parameter.empty
    return taken


def declared_by(command: Command) -> dict[str, bool]:
    """Return the names that a command declares, and whether each may be left out."""
    declared = {argument.name: not argument.required for argument in command.arguments}
    return declared | {option.key: True for option in command.options}


TAKEN_OVER = {"ping6": {"-t"}}
"""Letters that every command has, and that mean something else where hands know another program."""


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_told_apart(name: str) -> None:
    """No option has a name or a letter twice, and none those that every command takes."""
    own, common = REGISTRY.command(name).options, [o.short for o in COMMON_OPTIONS if o.short]
    options = (*own, *COMMON_OPTIONS)
    left = [short for short in common if short not in TAKEN_OVER.get(name, ())]
    for names in ([o.name for o in options], [*(o.short for o in own if o.short), *left]):
        assert len(set(names)) == len(names)
    assert all(option.meaning and (option.takes is None or option.metavar) for option in options)


def test_the_program_s_options_are_told_apart() -> None:
    """Those before a command stand beside those of every command."""
    options = (*PROGRAM.options, *COMMON_OPTIONS)
    for names in ([o.name for o in options], [o.short for o in options if o.short]):
        assert len(set(names)) == len(names)


def test_engines_and_formats_are_called_what_they_are() -> None:
    """The name in the table is the name that each gives itself."""
    assert [REGISTRY.engine(scheme).scheme for scheme in ENGINES] == list(ENGINES)
    assert [REGISTRY.format(name).name for name in FORMATS] == list(FORMATS)
    assert all(REGISTRY.format(name).summary for name in FORMATS)


def test_every_phrase_leads_to_a_command() -> None:
    """Names and aliases, cut into words."""
    assert set(PHRASES.values()) == set(COMMANDS)
    assert len(PHRASES) == len(COMMANDS) + len(ALIASES)
