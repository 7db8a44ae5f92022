"""Writes captures of the pcapng format: several interfaces with their names, times in nanoseconds, directions."""

import struct
from collections.abc import Callable

from mipsh.captures.blocks import ENHANCED, FLAGS, INBOUND, INTERFACE, MAGIC, NAME, OUTBOUND, RESOLUTION, SECTION
from mipsh.captures.frames import Frame

SNAPSHOT = 262144
APPLICATION = 4
LONGEST_NAME = 255
_NANOSECONDS = 9


class Writer:
    """A capture that is written: ``write`` takes its bytes, and the first of them at once.

    An interface is described when its first frame comes. What ``write`` raises is its caller's.
    """

    def __init__(self, write: Callable[[bytes], object], application: str = "mipsh") -> None:
        self._write = write
        self._numbers: dict[tuple[str, int], int] = {}
        self.frames = 0
        """How many frames were written."""
        section = struct.pack("<IHHq", MAGIC, 1, 0, -1) + _options((APPLICATION, application.encode()))
        write(_block(SECTION, section))

    def frame(self, frame: Frame) -> None:
        """Write a frame; one without a time gets the beginning of 1970."""
        key = frame.interface, frame.link_type
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers)
            self._write(_block(INTERFACE, _interface(frame)))
        time = max(frame.time_ns or 0, 0)
        size = len(frame.data)
        body = struct.pack("<IIIII", number, time >> 32 & 0xFFFFFFFF, time & 0xFFFFFFFF, size, frame.length)
        body += frame.data + bytes(-size % 4)
        if frame.outgoing is not None:
            body += _options((FLAGS, struct.pack("<I", OUTBOUND if frame.outgoing else INBOUND)))
        self._write(_block(ENHANCED, body))
        self.frames += 1


def _interface(frame: Frame) -> bytes:
    options = [(RESOLUTION, bytes((_NANOSECONDS,)))]
    if frame.interface:
        options.insert(0, (NAME, frame.interface.encode("utf-8", "replace")[:LONGEST_NAME]))
    return struct.pack("<HHI", frame.link_type, 0, SNAPSHOT) + _options(*options)


def _options(*options: tuple[int, bytes]) -> bytes:
    parts = [struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options]
    return b"".join((*parts, bytes(4)))


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)
