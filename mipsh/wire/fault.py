"""What is wrong with bytes, as a value."""

from msgspec import Struct


class Fault(Struct, frozen=True):
    """A malformed field: where it is, what was expected there, and what was found."""

    offset: int
    field: str
    expected: str
    found: str

    def __str__(self) -> str:
        """Return the fault as one line."""
        return f"{self.field} at offset {self.offset}: expected {self.expected}, found {self.found}"


class Undecodable(Struct, frozen=True):
    """Bytes that could not be understood, kept as they are."""

    data: bytes

    def encode(self) -> bytes:
        """Return the bytes."""
        return self.data
