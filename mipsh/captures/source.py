"""A stream of bytes seen through a window, so that a reader holds no more of it than a block."""

from collections.abc import Callable

from mipsh.wire.fault import Fault

CHUNK = 1 << 18
"""How many bytes are asked for at once."""
LONGEST = 1 << 20
"""The longest block, and the longest frame, that is kept."""

Read = Callable[[int], bytes]
"""Returns at most so many of the next bytes, those that are there; none at the end."""


class Malformed(ValueError):
    """A capture that is none, or that breaks off: ``fault`` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Source:
    """The window: ``data`` are its bytes, of which the first is number ``offset`` of the stream."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.data = b""
        self.offset = 0

    def more(self, used: int, wanted: int) -> int:
        """Let go of the first bytes; have so many others if the stream has them, and return how many there are."""
        parts = [self.data[used:]]
        self.offset += used
        there = len(parts[0])
        while there < wanted:
            part = self._read(max(CHUNK, wanted - there))
            if not part:
                break
            parts.append(part)
            there += len(part)
        self.data = b"".join(parts)
        return there

    def skip(self, at: int, size: int) -> int:
        """Go on to ``size`` bytes behind ``at`` without keeping what is between; return how many were not there."""
        while size > len(self.data) - at:
            size -= len(self.data) - at
            at = 0
            if not self.more(len(self.data), 1):
                return size
        self.more(at + size, 0)
        return 0

    def fault(self, at: int, field: str, expected: str, found: object) -> Malformed:
        """Return the error about a field that begins at a place of the window."""
        return Malformed(Fault(self.offset + at, field, expected, str(found)))
