"""Text of a node's configuration into addresses, prefixes and links; an error names the field."""

from ipaddress import AddressValueError, IPv6Address

from mipsh.errors import ConfigError
from mipsh.wire import address as addresses

Prefix = tuple[bytes, int]
BITS = 128


class FieldError(ConfigError):
    """A value does not fit its field, as ``interfaces[0].addresses[1]``."""

    def __init__(self, field: str, problem: str, hint: str = "") -> None:
        super().__init__(f"{field}: {problem}", hint)
        self.field = field
        self.problem = problem


def expected(field: str, what: str, found: str, hint: str = "") -> FieldError:
    """Return the error for a text that is something else than it should be."""
    return FieldError(field, f"expected {what}, found '{found}'", hint)


def address(text: str, field: str) -> bytes:
    """Return an IPv6 address; raises FieldError."""
    return _address(text, text, field, "an IPv6 address")


def node_address(text: str, field: str) -> bytes:
    """Return an address that a node can have and others can reach beyond the link; raises FieldError."""
    return _routable(address(text, field), text, field)


def own_address(text: str, field: str) -> Prefix:
    """Return a node's address with the length of its prefix; raises FieldError."""
    value, length = _with_length(text, field, "an IPv6 address/length")
    return _routable(value, text, field), length


def prefix(text: str, field: str) -> Prefix:
    """Return a prefix with zeros behind it, and its length; raises FieldError."""
    value, length = _with_length(text, field, "an IPv6 prefix/length")
    clean = cut(value, length)
    if clean != value:
        raise expected(field, "a prefix with zeros behind it", text, f"write {shown(clean, length)}")
    return clean, length


def cut(value: bytes, length: int) -> bytes:
    """Return the first bits of an address, with zeros behind them."""
    shift = BITS - length
    return (int.from_bytes(value) >> shift << shift).to_bytes(16)


def shown(value: bytes, length: int) -> str:
    """Return an address or a prefix with its length, as text."""
    return f"{addresses.text(value)}/{length}"


def _with_length(text: str, field: str, what: str) -> Prefix:
    before, slash, digits = text.partition("/")
    if not slash or not digits.isascii() or not digits.isdecimal() or int(digits[:4]) > BITS:
        hint = "write the length of its prefix behind it: /64" if not slash else ""
        raise expected(field, what, text, hint)
    return _address(before, text, field, what), int(digits)


def _address(text: str, whole: str, field: str, what: str) -> bytes:
    try:
        parsed = IPv6Address(text)
    except AddressValueError:
        raise expected(field, what, whole) from None
    if parsed.scope_id is not None:
        raise expected(field, f"{what} without a zone", whole)
    return parsed.packed


def _routable(value: bytes, text: str, field: str) -> bytes:
    if not addresses.is_unicast_routable(value):
        raise expected(field, "a global unicast address", text)
    return value
