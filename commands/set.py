"""``set``: the shell's settings."""

from mipsh.by_hand import here
from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.shell import SETTINGS, SettingReport
from mipsh.model.text import plain
from mipsh.result import Result
from mipsh.session import Session
from mipsh.settings import Settings, assign, meaning


def run(session: Session, setting: str = "", value: str | None = None) -> Result:
    """Change a setting, or show one or all."""
    if setting and value is not None:
        changed = assign(session.base, setting, value)
        if setting == "output":
            session.registry.format(value)
        session.set(changed)
        return Result()
    names = Settings.__struct_fields__
    if setting and setting not in names:
        raise UsageError(f"there is no setting '{setting}'", f"there are: {', '.join(names)}")
    return Result(SETTINGS, [report(session.base, name) for name in names if setting in ("", name)])


def report(settings: Settings, name: str) -> SettingReport:
    """Return a setting with its value and default."""
    value, default = plain(getattr(settings, name)), plain(getattr(Settings(), name))
    return SettingReport(name, value, default, meaning(name))


COMMAND = Command(
    "set",
    "show or change the shell's settings",
    run,
    (
        Argument("setting", Takes.SETTING, "name of the setting", required=False),
        Argument("value", Takes.VALUE, "its new value", required=False),
    ),
    table="settings",
    examples=(("set", "all settings"), ("set output json", "JSON from now on")),
    how=here("change the shell, as long as it lasts", "the configuration file lasts"),
)
