"""Sequence numbers of Binding Updates, modulo 65536 (RFC 6275 section 9.5.1)."""

MODULUS = 1 << 16
WINDOW = 1 << 15
RECENT = 64
"""How many numbers before the last one count as sent a moment ago."""


def newer(number: int, last: int) -> bool:
    """Tell whether a sequence number is greater than the last accepted one.

    The 32768 numbers before and including ``last`` are not.
    """
    return 0 < (number - last) % MODULUS < WINDOW


def following(number: int) -> int:
    """Return the next sequence number."""
    return (number + 1) % MODULUS


def is_overtaken(number: int, last: int) -> bool:
    """Tell whether a rejection that names a number was on its way when the last update was sent.

    A peer whose last accepted number is a little before ``last`` would not reject that: it had not
    come yet, and an update that came twice was rejected the second time.
    """
    return 0 < (last - number) % MODULUS <= RECENT
