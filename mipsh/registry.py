"""Which commands, engines, checks and formats there are: find, load, classify.

Built-in ones are known by name, so that starting scans nothing; the entry-point groups
``mipsh.commands``, ``mipsh.engines``, ``mipsh.checks`` and ``mipsh.formats`` are scanned only
when a name is not built in, and for ``plugins``, help and completion. A plugin that cannot be
loaded is named with its package and left out; the rest goes on. A built-in name always wins.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from msgspec import Struct

from mipsh.builtin import BUILT_IN, PHRASES
from mipsh.engine import EngineKind
from mipsh.errors import PluginError, UsageError
from mipsh.grammar.declare import Command
from mipsh.grammar.phrases import Phrases, nearest
from mipsh.render.format import Format

GROUPS = ("mipsh.commands", "mipsh.engines", "mipsh.checks", "mipsh.formats")
KINDS: dict[str, type[Struct] | None] = {
    "mipsh.commands": Command,
    "mipsh.engines": EngineKind,
    "mipsh.formats": Format,
    "mipsh.checks": None,
}


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
        return {tuple(p.name.split()): p.name for p in self.found() if p.group == "mipsh.commands"}

    def command(self, name: str) -> Command:
        """Return a command's declaration; raises UsageError or PluginError."""
        found = self.get("mipsh.commands", name)
        if not isinstance(found, Command):
            raise PluginError(f"the command '{name}' is not declared as a command")
        return found

    def engine(self, scheme: str) -> EngineKind:
        """Return a kind of engine; raises UsageError or PluginError."""
        found = self.get("mipsh.engines", scheme)
        if not isinstance(found, EngineKind):
            raise PluginError(f"the engine '{scheme}' is not declared as an engine")
        return found

    def format(self, name: str) -> Format:
        """Return an output format; raises UsageError or PluginError."""
        found = self.get("mipsh.formats", name)
        if not isinstance(found, Format):
            raise PluginError(f"the format '{name}' is not declared as a format")
        return found

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
        plugin = next((p for p in self.found() if (p.group, p.name) == (group, name)), None)
        if plugin is None:
            what = group.removeprefix("mipsh.").removesuffix("s")
            near = nearest(name, self.names(group))
            known = ", ".join(self.names(group))
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {known}"
            raise UsageError(f"there is no {what} '{name}'", hint)
        if not plugin.problem and plugin.value is None:
            load(plugin)
        if plugin.problem:
            raise PluginError(
                f"the plugin '{plugin.name}' of the package {plugin.package} cannot be used: {plugin.problem}",
                "run with --no-plugins, or remove the package",
            )
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

    Whatever a plugin's import raises is its problem and not the shell's: this is one of the
    places where everything is caught.
    """
    try:
        value = load_target(plugin.target)
    except Exception as error:
        plugin.problem = f"{type(error).__name__}: {error}"
        return
    kind = KINDS[plugin.group]
    if kind is None or isinstance(value, kind):
        plugin.value = value
    else:
        plugin.problem = f"'{plugin.target}' is a {type(value).__name__}, not a {kind.__name__}"


def load_target(target: str) -> Any:
    """Import ``module:attribute``; raises PluginError where the attribute is not there."""
    module_name, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module_name), attribute)
    except AttributeError:
        raise PluginError(f"'{module_name}' has no '{attribute}'") from None
