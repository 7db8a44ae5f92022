"""Values in the registers of nftables of which some bits may not be known, and what comparing them tells.

An answer is True, False, or None: it depends on bits that are not known. Values are numbers in the order of their
bytes, as nftables compares them (net/netfilter/nft_cmp.c).
"""

from msgspec import Struct

EQUAL, UNEQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL = range(6)
PIECE, WIDE_PIECE, FIRST_PIECE = 4, 16, 8
"""Sizes of registers in bytes, and the number of the first small one (NFT_REG32_00)."""


class Word(Struct, frozen=True, gc=False):
    """A value of ``size`` bytes; of ``value``, only the bits of ``known`` mean something, and the rest are 0."""

    value: int
    known: int
    size: int

    @property
    def is_known(self) -> bool:
        """Tell whether all of it is known."""
        return self.known == whole(self.size)

    @property
    def most(self) -> int:
        """Return the greatest value that it may have; ``value`` is the least."""
        return self.value | whole(self.size) ^ self.known

    def part(self, start: int, size: int) -> "Word":
        """Return some of its bytes; beyond its end there are zeros, as the kernel pads registers."""
        shift = (self.size - start - size) * 8
        mask = whole(size)
        if shift >= 0:
            return Word(self.value >> shift & mask, self.known >> shift & mask, size)
        return Word(self.value << -shift & mask, (self.known << -shift | whole(-shift // 8)) & mask, size)

    def joined(self, other: "Word") -> "Word":
        """Return a value with another one behind it."""
        shift = other.size * 8
        return Word(self.value << shift | other.value, self.known << shift | other.known, self.size + other.size)


def whole(size: int) -> int:
    """Return a mask of all bits of so many bytes."""
    return (1 << size * 8) - 1


def word(data: bytes, unsure: bytes = b"") -> Word:
    """Return bytes as a value; ``unsure`` has the bits that are not known, and none where it is empty."""
    known = whole(len(data)) ^ int.from_bytes(unsure[: len(data)].ljust(len(data), b"\0"), "big")
    return Word(int.from_bytes(data, "big") & known, known, len(data))


def unknown_word(size: int) -> Word:
    """Return a value of which nothing is known."""
    return Word(0, 0, size)


def is_equal(one: Word, data: bytes) -> bool | None:
    """Tell whether a value is the given bytes."""
    if (one.value ^ int.from_bytes(data, "big")) & one.known:
        return False
    return True if one.is_known else None


def is_at_most(one: Word, limit: int) -> bool | None:
    """Tell whether a value is no greater than a number."""
    if one.most <= limit:
        return True
    return False if one.value > limit else None


def opposite(answer: bool | None) -> bool | None:
    """Return the other answer; what is not known stays so."""
    return None if answer is None else not answer


def both(one: bool | None, other: bool | None) -> bool | None:
    """Tell whether two things hold."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def compare(one: Word, operator: int, data: bytes) -> bool | None:
    """Return what an expression ``cmp`` tells; None for an operator that is not known, too."""
    limit = int.from_bytes(data, "big")
    if operator == EQUAL:
        return is_equal(one, data)
    if operator == UNEQUAL:
        return opposite(is_equal(one, data))
    if operator in (LESS, GREATER_OR_EQUAL):
        found = is_at_most(one, limit - 1)
    elif operator in (LESS_OR_EQUAL, GREATER):
        found = is_at_most(one, limit)
    else:
        return None
    return found if operator in (LESS, LESS_OR_EQUAL) else opposite(found)


def masked(one: Word, mask: bytes, flipped: bytes) -> Word:
    """Return ``value & mask ^ flipped``: bits that the mask clears are known."""
    kept, turned = (int.from_bytes(data.ljust(one.size, b"\0")[: one.size], "big") for data in (mask, flipped))
    known = one.known | whole(one.size) ^ kept
    return Word((one.value & kept ^ turned) & known, known, one.size)


class Registers:
    """The registers of a rule; what nothing was loaded into is not known."""

    def __init__(self) -> None:
        self._words: dict[int, Word] = {}

    def load(self, register: int, one: Word) -> None:
        """Put a value into a register, and those that follow where it does not fit."""
        start = _place(register)
        end = start + _padded(one.size)
        for at in [at for at, old in self._words.items() if at < end and start < at + _padded(old.size)]:
            del self._words[at]
        self._words[start] = one

    def read(self, register: int, size: int) -> Word:
        """Return bytes from a register on."""
        at = _place(register)
        first = self._words.get(at)
        if first is not None and size <= _padded(first.size):
            return first.part(0, size)
        found = Word(0, 0, 0)
        while found.size < size:
            piece = self._words.get(at + found.size)
            left = size - found.size
            step = min(left, PIECE if piece is None or not piece.size else _padded(piece.size))
            found = found.joined(unknown_word(step) if piece is None else piece.part(0, step))
        return found


def _place(register: int) -> int:
    """Return where a register begins, in bytes (enum nft_registers)."""
    return (register - FIRST_PIECE) * PIECE if register >= FIRST_PIECE else (register - 1) * WIDE_PIECE


def _padded(size: int) -> int:
    return size + -size % PIECE
