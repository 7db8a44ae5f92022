"""What can go wrong with an engine's terminal, as strategies that a VtServer follows.

A trouble sees what the server is about to send and says what is sent instead; it never sees a
socket. Each is used for tests of a client and for teaching.
"""

from collections.abc import Iterable
from itertools import repeat

from msgspec import Struct

_ENDLESS_TEXT = b"hoa 2001:db8:0:0:0:0:0:1 status cached\n" * 64


class Sending(Struct, frozen=True):
    """Bytes to send, in chunks; how long to wait before the first; whether to hang up afterwards."""

    chunks: Iterable[bytes] = ()
    delay_s: float = 0.0
    hang_up: bool = False


class Trouble(Struct, frozen=True):
    """The base of all troubles: none."""

    def greeting(self, greeting: bytes) -> Sending:
        """Return what a new client is sent, given the proper greeting."""
        return Sending((greeting,))

    def reply(self, reply: bytes) -> Sending:
        """Return what answers a command, given the proper reply to its last byte."""
        return Sending((reply,))


class Delay(Trouble, frozen=True):
    """Every reply comes late by so many seconds; the greeting does not."""

    delay_s: float

    def reply(self, reply: bytes) -> Sending:
        """Return the reply, late."""
        return Sending((reply,), delay_s=self.delay_s)


class DiesAfter(Trouble, frozen=True):
    """The engine goes away after so many bytes of a reply; a reply no longer than that is whole."""

    size: int

    def reply(self, reply: bytes) -> Sending:
        """Return the reply, or its beginning and the end of the connection."""
        return Sending((reply[: self.size],), hang_up=len(reply) > self.size)


class Silent(Trouble, frozen=True):
    """The engine greets and never answers."""

    def reply(self, reply: bytes) -> Sending:
        """Return nothing."""
        return Sending()


class Mute(Silent, frozen=True):
    """The engine accepts and says nothing at all."""

    def greeting(self, greeting: bytes) -> Sending:
        """Return nothing."""
        return Sending()


class Garbage(Trouble, frozen=True):
    """Something greets that is not the engine."""

    text: bytes = b"SSH-2.0-OpenSSH_9.2\r\n"

    def greeting(self, greeting: bytes) -> Sending:
        """Return the other greeting."""
        return Sending((self.text,))


class Endless(Trouble, frozen=True):
    """A reply goes on without its NUL until the client leaves."""

    def reply(self, reply: bytes) -> Sending:
        """Return text without end."""
        return Sending(repeat(_ENDLESS_TEXT))
