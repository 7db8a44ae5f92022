"""Sequence numbers of Binding Updates, modulo 65536 (RFC 6275 section 9.5.1)."""

MODULUS = 1 << 16
WINDOW = 1 << 15


def newer(number: int, last: int) -> bool:
    """Tell whether a sequence number is greater than the last accepted one.

    The 32768 numbers before and including ``last`` are not.
    """
    return 0 < (number - last) % MODULUS < WINDOW


def following(number: int) -> int:
    """Return the next sequence number."""
    return (number + 1) % MODULUS
