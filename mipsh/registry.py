"""Which commands, engines, checks and formats there are: find, load, classify.

Built-in ones are known by name, so that starting scans nothing; the entry-point groups
``mipsh.commands``, ``mipsh.engines``, ``mipsh.checks`` and ``mipsh.formats`` are scanned only
when a name is not built in, and for ``plugins``, help and completion. A plugin that cannot be
used is named with its package, and the rest goes on. A built-in name always wins.
"""

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from msgspec import Struct

from mipsh.builtin import BUILT_IN, PHRASES
from mipsh.checks.check import Area
from mipsh.engine import EngineKind
from mipsh.errors import MipshError, PluginError, UsageError
from mipsh.grammar.declare import Command
from mipsh.grammar.phrases import Phrases, nearest
from mipsh.render.format import Format

COMMANDS, ENGINES, CHECKS, FORMATS = "mipsh.commands", "mipsh.engines", "mipsh.checks", "mipsh.formats"
GROUPS = (COMMANDS, ENGINES, CHECKS, FORMATS)
KINDS: dict[str, type[Struct]] = {COMMANDS: Command, ENGINES: EngineKind, CHECKS: Area, FORMATS: Format}


class Plugin(Struct):
    """Something found: where it comes from, and what became of it.

    ``problem`` says why it cannot be used; ``value`` is the loaded object.
    """

    group: str
    name: str
    target: str
    package: str
    version: str
    value: Any = None
    problem: str = ""


class Registry:
    """All that can be named: loaded when first used, never before."""

    def __init__(self, plugins: bool = True, scan: Callable[[], list[Plugin]] | None = None) -> None:
        self.plugins_allowed = plugins
        self._scan = scan or scan_entry_points
        self._found: list[Plugin] | None = None
        self._loaded: dict[tuple[str, str], Any] = {}

    def phrases(self) -> Phrases:
        """Return the phrases of the built-in commands."""
        return PHRASES

    def plugin_phrases(self) -> Phrases:
        """Return the phrases of the commands that plugins bring."""
        return {tuple(p.name.split()): p.name for p in self.found() if p.group == COMMANDS}

    def is_command(self, word: str) -> bool:
        """Tell whether a word begins a built-in command, by its name or one of its aliases."""
        return any(phrase[0] == word for phrase in PHRASES)

    def command(self, name: str) -> Command:
        """Return a command's declaration; raises UsageError or PluginError."""
        found: Command = self.get(COMMANDS, name)
        return found

    def engine(self, scheme: str) -> EngineKind:
        """Return a kind of engine; raises UsageError or PluginError."""
        found: EngineKind = self.get(ENGINES, scheme)
        return found

    def format(self, name: str) -> Format:
        """Return an output format; raises UsageError or PluginError."""
        found: Format = self.get(FORMATS, name)
        return found

    @contextmanager
    def calling(self, group: str, name: str) -> Iterator[None]:
        """Call what a name stands for: what it raises beyond its contract becomes a PluginError.

        This is the place where everything is caught that a command, an engine or a format
        raises; the error names it, the package at fault and the line, and has the cause.
        """
        try:
            yield
        except MipshError:
            raise
        except Exception as error:
            raise self._bug(group, name, error) from error

    def _bug(self, group: str, name: str, error: Exception) -> PluginError:
        plugin = self._plugin(group, name)
        package = plugin.package if plugin else self._package_of(error)
        where = traceback.extract_tb(error.__traceback__)[-1]
        return PluginError(
            f"the {singular(group)} '{name}' failed{f' in the package {package}' if package else ''}: "
            f"{type(error).__name__}: {error} (in {where.name}, line {where.lineno})",
            f"this is a bug in {package or 'mipsh'}: run it again with -v for the whole trace, and report it",
        )

    def _package_of(self, error: Exception) -> str:
        """Return the package of the plugin in which an error arose, the innermost; empty for none."""
        packages = {plugin.target.partition(":")[0].partition(".")[0]: plugin.package for plugin in self.found()}
        found = ""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            module = str(frame.f_globals.get("__name__", ""))
            found = packages.get(module.partition(".")[0], found)
        return found

    def _plugin(self, group: str, name: str) -> Plugin | None:
        """Return the plugin of another package that a name stands for."""
        if name in BUILT_IN[group]:
            return None
        return next((p for p in self.found() if (p.group, p.name) == (group, name)), None)

    def names(self, group: str, plugins: bool = True) -> list[str]:
        """Return all names of a group, built-in ones first."""
        names = list(BUILT_IN[group])
        if plugins:
            names += [p.name for p in self.found() if p.group == group and not p.problem]
        return names

    def get(self, group: str, name: str) -> Any:
        """Return what a name stands for, loading it when first asked."""
        if (group, name) not in self._loaded:
            self._loaded[group, name] = self._load(group, name)
        return self._loaded[group, name]

    def _load(self, group: str, name: str) -> Any:
        target = BUILT_IN[group].get(name)
        if target is not None:
            return load_target(target)
        plugin = self._plugin(group, name)
        if plugin is None:
            near = nearest(name, self.names(group))
            known = ", ".join(self.names(group))
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {known}"
            raise UsageError(f"there is no {singular(group)} '{name}'", hint)
        if not plugin.problem and plugin.value is None:
            load(plugin)
        if plugin.problem:
            raise PluginError(unusable(plugin), "run with --no-plugins, or remove the package")
        return plugin.value

    def found(self) -> list[Plugin]:
        """Return the plugins of other packages, each once; the first one of a name wins."""
        if not self.plugins_allowed:
            return []
        if self._found is None:
            self._found = []
            taken = {(group, name) for group, names in BUILT_IN.items() for name in names}
            for plugin in self._scan():
                if plugin.package == "mipsh":
                    continue
                if (plugin.group, plugin.name) in taken:
                    plugin.problem = "the name is taken already"
                taken.add((plugin.group, plugin.name))
                self._found.append(plugin)
        return self._found

    def broken(self) -> list[Plugin]:
        """Load every plugin found and return those that cannot be used."""
        for plugin in self.found():
            if not plugin.problem and plugin.value is None:
                load(plugin)
        return [p for p in self.found() if p.problem]


def scan_entry_points() -> list[Plugin]:
    """Find the entry points of all installed packages in mipsh's groups; load nothing."""
    from importlib.metadata import entry_points

    found = []
    for group in GROUPS:
        for point in entry_points(group=group):
            package = point.dist.name if point.dist is not None else "unknown"
            version = point.dist.version if point.dist is not None else ""
            found.append(Plugin(group, point.name, point.value, package, version))
    return found


def load(plugin: Plugin) -> None:
    """Load and classify a plugin, into ``value`` or ``problem``.

    Whatever a plugin's import raises is its problem and not the shell's, an attempt to exit too:
    this is one of the places where everything is caught.
    """
    try:
        value = load_target(plugin.target)
    except PluginError as error:
        plugin.problem = error.message
        return
    except SystemExit:
        plugin.problem = f"importing '{plugin.target}' ends the process"
        return
    except Exception as error:
        plugin.problem = f"{type(error).__name__}: {error}"
        return
    kind = KINDS.get(plugin.group)
    if kind is not None and not isinstance(value, kind):
        plugin.problem = f"'{plugin.target}' is a {type(value).__name__}, not a {kind.__name__}"
        return
    own = getattr(value, "scheme" if plugin.group == ENGINES else "name", plugin.name)
    if own != plugin.name:
        plugin.problem = f"it calls itself '{own}'"
        return
    plugin.value = value


def load_target(target: str) -> Any:
    """Import ``module:attribute``; raises PluginError where the attribute is not there."""
    module_name, _, attribute = target.partition(":")
    module = import_module(module_name)
    if not hasattr(module, attribute):
        raise PluginError(f"'{module_name}' has no '{attribute}'")
    return getattr(module, attribute)


def unusable(plugin: Plugin) -> str:
    """Return the sentence that names a plugin, its package and its problem."""
    what = f"the {singular(plugin.group)} '{plugin.name}' of the package {plugin.package}"
    return f"{what} cannot be used: {plugin.problem}"


def singular(group: str) -> str:
    """Return what one thing of a group is called: command, engine, check or format."""
    return group.removeprefix("mipsh.").removesuffix("s")
