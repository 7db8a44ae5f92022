"""Type-length-value options, as destination options and mobility options have them.

A length counts the value's bytes. Type 0 is a single byte of padding, type 1 is padding with a
length (RFC 8200 section 4.2, RFC 6275 section 6.2).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from mipsh.wire.fault import Fault, Undecodable


class Option(Protocol):
    """An option of any kind: it knows its bytes."""

    def encode(self) -> bytes:
        """Return the option with type and length."""


class Pad1(Struct, frozen=True, gc=False):
    """One byte of padding."""

    def encode(self) -> bytes:
        """Return the option."""
        return b"\0"


class PadN(Struct, frozen=True, gc=False):
    """Two or more bytes of padding; ``data`` is zero when sent and ignored when received."""

    data: bytes = b""

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((1, len(self.data))) + self.data


class UnknownOption(Struct, frozen=True, gc=False):
    """An option of a type that is not known here, or of a length that its type does not have."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((self.type, len(self.data))) + self.data


class Layout(Struct, frozen=True):
    """How an option type is read: its name, how its value is decoded, and how long that may be."""

    name: str
    decode: Callable[[bytes], Option]
    least: int = 0
    most: int = 255

    def expected(self) -> str:
        """Return the lengths that are right, in words."""
        return str(self.least) if self.least == self.most else f"{self.least} to {self.most}"


PAD1 = Pad1()


def read_options(
    data: bytes, start: int, end: int, layouts: Mapping[int, Layout], faults: list[Fault]
) -> tuple[Option, ...]:
    """Read the options in ``data[start:end]``; what overruns the end is kept as Undecodable."""
    options: list[Option] = []
    at = start
    while at < end:
        kind = data[at]
        if kind == 0:
            options.append(PAD1)
            at += 1
            continue
        length = data[at + 1] if at + 1 < end else None
        if length is None or at + 2 + length > end:
            found = "none" if length is None else str(length)
            faults.append(Fault(at + 1, f"option type {kind} length", f"at most {max(end - at - 2, 0)}", found))
            options.append(Undecodable(data[at:end]))
            break
        options.append(_one(kind, data[at + 2 : at + 2 + length], at, layouts, faults))
        at += 2 + length
    return tuple(options)


def _one(kind: int, value: bytes, at: int, layouts: Mapping[int, Layout], faults: list[Fault]) -> Option:
    layout = layouts.get(kind)
    if layout is None:
        return PadN(value) if kind == 1 else UnknownOption(kind, value)
    if not layout.least <= len(value) <= layout.most:
        faults.append(Fault(at + 1, f"{layout.name} length", layout.expected(), str(len(value))))
        return UnknownOption(kind, value)
    return layout.decode(value)


def encode_options(options: Iterable[Option]) -> bytes:
    """Return options one behind the other, exactly as given."""
    return b"".join([option.encode() for option in options])


def padding(length: int) -> tuple[Option, ...]:
    """Return so many bytes of padding."""
    if length == 0:
        return ()
    return (PAD1,) if length == 1 else (PadN(bytes(length - 2)),)


def lay_out(options: Sequence[Option], start: int, alignments: Mapping[type, tuple[int, int]]) -> tuple[Option, ...]:
    """Put padding between options so that each stands where it must, and the end at a multiple of 8.

    ``start`` is the offset of the first option in its header. ``alignments`` gives, for a type of
    option, ``(n, m)`` of the RFCs' "xn+y" notation: offset modulo n is m.
    """
    placed: list[Option] = []
    at = start
    for option in options:
        n, m = alignments.get(type(option), (1, 0))
        gap = (m - at) % n
        placed += [*padding(gap), option]
        at += gap + len(option.encode())
    return (*placed, *padding(-at % 8))
