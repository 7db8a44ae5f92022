"""The shell's settings: declared once, for ``set``, the configuration file and completion."""

from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, convert, structs

from mipsh.errors import UsageError
from mipsh.grammar.phrases import nearest
from mipsh.grammar.words import seconds
from mipsh.model.text import plain

Choice = dict[str, tuple[str, ...]]

CHOICES: Choice = {
    "color": ("auto", "always", "never"),
    "completion": ("live", "tab", "off"),
    "pager": ("on", "off"),
    "wide": ("on", "off"),
    "headers": ("on", "off"),
}


class Settings(Struct, frozen=True):
    """What the user may set; each field's description is its help."""

    output: Annotated[str, Meta(description="format of results (see 'plugins')")] = "table"
    engine: Annotated[str, Meta(description="engine to ask; empty: try the usual places")] = ""
    timeout: Annotated[float, Meta(gt=0, le=3600, description="seconds that an engine has to answer")] = 5.0
    wait: Annotated[float, Meta(ge=0, le=86400, description="seconds to wait for the engine to be there")] = 0.0
    wide: Annotated[bool, Meta(description="show every column")] = False
    headers: Annotated[bool, Meta(description="show header lines")] = True
    color: Annotated[str, Meta(pattern="^(auto|always|never)$", description="when to colour")] = "auto"
    pager: Annotated[bool, Meta(description="page long results on a terminal")] = True
    completion: Annotated[
        str, Meta(pattern="^(live|tab|off)$", description="complete while typing, on Tab, or never")
    ] = "live"
    verbosity: Annotated[int, Meta(ge=-1, le=3, description="-1: no warnings; 1: whole traces of bugs")] = 0
    prompt: Annotated[str, Meta(description="prompt: {role} {engine} {address} are filled in")] = (
        "{role}@{engine} {address}> "
    )


_TIMES = ("timeout", "wait")
_BOOLEANS = {
    "on": True,
    "yes": True,
    "true": True,
    "1": True,
    "off": False,
    "no": False,
    "false": False,
    "0": False,
}


def meaning(name: str) -> str:
    """Return the help of a setting."""
    return Settings.__annotations__[name].__metadata__[0].description or ""


def assign(settings: Settings, name: str, text: str) -> Settings:
    """Return the settings with one changed, from words typed; raises UsageError."""
    if name not in Settings.__struct_fields__:
        near = nearest(name, Settings.__struct_fields__)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(Settings.__struct_fields__)}"
        raise UsageError(f"there is no setting '{name}'", hint)
    return checked(settings, {name: seconds(text, name) if name in _TIMES else text})


def checked(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return the settings with some changed; raises UsageError for a value that does not fit."""
    return structs.replace(settings, **{name: _fitting(name, value) for name, value in changes.items()})


def _fitting(name: str, value: object) -> object:
    if isinstance(value, str) and isinstance(getattr(Settings(), name), bool):
        value = _BOOLEANS.get(value.lower(), value)
    try:
        return getattr(convert({name: value}, Settings, strict=isinstance(value, bool)), name)
    except ValidationError as error:
        choices = CHOICES.get(name)
        expected = f"it can be {', '.join(choices)}" if choices else str(error).split(" - at")[0]
        raise UsageError(f"{name} cannot be {_shown(value)}", expected) from None


def _shown(value: object) -> str:
    try:
        return f"'{plain(value)}'"
    except ValueError:  # Python writes no number of thousands of digits
        return "so large a number"
