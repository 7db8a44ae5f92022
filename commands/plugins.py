"""``plugins``: everything that can be named, and the plugins that cannot be used."""

from mipsh import __version__
from mipsh.builtin import BUILT_IN
from mipsh.by_hand import here
from mipsh.grammar.declare import Command
from mipsh.model.shell import PLUGINS, PluginReport
from mipsh.registry import singular, unusable
from mipsh.result import Notice, Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Load everything and list it."""
    registry = session.registry
    rows = []
    for group, names in BUILT_IN.items():
        for name in names:
            summary = summary_of(registry.get(group, name))
            rows.append(PluginReport(singular(group), name, "mipsh", __version__, "ok", None, summary))
    broken = registry.broken()
    for plugin in registry.found():
        rows.append(
            PluginReport(
                singular(plugin.group),
                plugin.name,
                plugin.package,
                plugin.version or None,
                "broken" if plugin.problem else "ok",
                plugin.problem or None,
                summary_of(plugin.value),
            )
        )
    warnings = tuple(Notice("plugin", unusable(plugin)) for plugin in broken)
    return Result(PLUGINS, rows, warnings=warnings)


def summary_of(value: object) -> str | None:
    """Return what something is for, in its own words: an area of checks has a title."""
    found = getattr(value, "summary", None) or getattr(value, "title", None)
    return None if found is None else str(found)


COMMAND = Command(
    "plugins",
    "list commands, engines, checks and formats, and who brings them",
    run,
    table="plugins",
    details="A plugin that cannot be used is named with its package and the reason; the shell goes on without it.",
    examples=(("plugins --where kind=format", "formats for --output"),),
    how=here("list the entry points of the packages that are installed", "pip inspect"),
)
