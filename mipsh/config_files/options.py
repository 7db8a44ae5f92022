"""What an option of a configuration file is: where it stands, what it may hold, its default, who reads it.

Each daemon has a table of these; nothing here knows a daemon.
"""

from collections.abc import Callable, Mapping
from enum import Enum

from msgspec import Struct, structs

from mipsh.config_files.tree import Kind, Statement, Value
from mipsh.errors import UsageError
from mipsh.wire.address import parse as parse_address

LONGEST_PREFIX = 128


class Reload(Enum):
    """What it takes until a change of an option counts."""

    RELOAD = "reload"
    RESTART = "restart"
    NOTHING = "nothing"


class Misfit(Struct, frozen=True):
    """A value that does not fit: which one, what was expected, and whether the daemon takes it all the same.

    ``is_range`` where it is of the right type, and too small or too large.
    """

    value: Value | None
    expected: str
    is_range: bool = False
    is_taken: bool = False


Shape = Callable[[Statement], Misfit | None]


class Option(Struct, frozen=True):
    """An option: its name, the block that it stands in, and what is known of it.

    ``shape`` says what of a statement does not fit. ``default`` is what counts where nothing is said, None
    where there is none. ``roles`` are those whose daemon reads it. ``many`` may be given again. ``note`` says
    what is to know of a reload.
    """

    name: str
    block: str
    shape: Shape
    meaning: str
    default: str | None = None
    roles: tuple[str, ...] = ()
    reload: Reload = Reload.RELOAD
    many: bool = False
    has_body: bool = False
    unit: str = ""
    note: str = ""


Options = Mapping[tuple[str, str], Option]
"""The options of a daemon, by block and name."""


def one(expected: str, fits: Callable[[Value], bool], taken: Callable[[Value], bool] | None = None) -> Shape:
    """Return the shape of an option with one value."""

    def shape(statement: Statement) -> Misfit | None:
        if len(statement.values) != 1:
            return Misfit(statement.values[1] if statement.values else None, f"one value: {expected}")
        value = statement.values[0]
        if fits(value):
            return None
        return Misfit(value, expected, is_taken=taken is not None and taken(value))

    return shape


def words(*allowed: str, folded: bool = False) -> Shape:
    """Return the shape of an option with one of some words; ``folded`` where case does not matter."""
    expected = f"{', '.join(allowed[:-1])} or {allowed[-1]}" if len(allowed) > 1 else allowed[0]

    def fits(value: Value) -> bool:
        return value.kind is Kind.WORD and (value.text.lower() if folded else value.text) in allowed

    return one(expected, fits)


def whole(least: int, most: int, unit: str = "") -> Shape:
    """Return the shape of an option with a whole number."""
    expected = f"a whole number{f' of {unit}' if unit else ''} from {least} to {most}"
    return ranged(
        one(expected, lambda value: value.kind is Kind.NUMBER and least <= number(value) <= most), Kind.NUMBER
    )


def ranged(shape: Shape, *kinds: Kind) -> Shape:
    """Return a shape that tells values of the right kinds, which are too small or too large, from others."""

    def found(statement: Statement) -> Misfit | None:
        misfit = shape(statement)
        if misfit is None or misfit.value is None or len(statement.values) != 1:
            return misfit
        return structs.replace(misfit, is_range=misfit.value.kind in kinds)

    return found


def is_between(value: Value, least: float, most: float) -> bool:
    """Tell whether a value is a number, whole or decimal, in a range."""
    return value.kind in (Kind.NUMBER, Kind.DECIMAL) and least <= number(value) <= most


def number(value: Value) -> float:
    """Return the number that a value is; infinite where it has more digits than any."""
    return float(value.text) if len(value.text) < 16 else float("inf")


def is_string(value: Value) -> bool:
    """Tell whether a value is a name in quotes, not empty."""
    return value.kind is Kind.STRING and bool(value.text)


def is_address(value: Value) -> bool:
    """Tell whether a value is an IPv6 address."""
    return value.kind is Kind.ADDRESS and address_in(value.text) is not None


def is_prefix(value: Value) -> bool:
    """Tell whether a value is an IPv6 address with a length of 0 to 128."""
    return value.kind is Kind.PREFIX and prefix_in(value.text) is not None


def address_in(text: str) -> bytes | None:
    """Return the address of a text; None for anything else."""
    try:
        return parse_address(text)
    except (UsageError, ValueError):
        return None


def prefix_in(text: str) -> tuple[bytes, int] | None:
    """Return address and length of a text; None for anything else."""
    first, slash, length = text.partition("/")
    address = address_in(first)
    if address is None or not slash or not length.isdecimal() or len(length) > 3 or int(length) > LONGEST_PREFIX:
        return None
    return address, int(length)


def cut(address: bytes, length: int) -> bytes:
    """Return the first bits of an address, zeros behind."""
    kept = int.from_bytes(address, "big") >> (LONGEST_PREFIX - length) << (LONGEST_PREFIX - length)
    return kept.to_bytes(16, "big")


def is_in(address: bytes, prefix: tuple[bytes, int]) -> bool:
    """Tell whether an address is in a prefix."""
    return cut(address, prefix[1]) == cut(*prefix)


def nothing(statement: Statement) -> Misfit | None:
    """Take a statement without values."""
    return Misfit(statement.values[0], "nothing before the brace") if statement.values else None


ADDRESS = one("an IPv6 address", is_address)
PREFIX = one("an IPv6 address/length, of 0 to 128", is_prefix)
STRING = one("a name in quotes", is_string)
