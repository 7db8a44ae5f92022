"""Global IPv6 addresses of a network namespace: read, taken away, and given back as they were (rtnetlink(7)).

Each change comes with the ``ip`` command that does the same by hand. Everything is of the network
namespace that the thread is in. Raises MipshError for what the kernel refuses.
"""

import errno
import socket
import struct
import sys
from collections.abc import Iterator

from msgspec import Struct

from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.rtnetlink import (
    ADDRESS,
    ADDRESS_FLAGS,
    CREATE,
    DELETE_ADDRESS,
    DUMP,
    NEW_ADDRESS,
    NLMSG_DONE,
    NLMSG_ERROR,
    REPLACE,
    RtNetlink,
    attribute,
    attributes,
    messages,
    number,
)
from mipsh.wire.address import parse, text

GET_ADDRESS = 22
LOCAL, CACHE_INFORMATION = 2, 6
SCOPE_GLOBAL = 0
FOREVER = 0xFFFFFFFF
"""A lifetime without an end."""
FLAGS = {
    0x02: "nodad",
    0x04: "optimistic",
    0x08: "dadfailed",
    0x10: "home",
    0x20: "deprecated",
    0x40: "tentative",
    0x80: "permanent",
    0x01: "temporary",
    0x100: "mngtmpaddr",
    0x200: "noprefixroute",
}
"""The flags by the names that ``ip`` has for them, ``permanent`` and ``temporary`` being what it shows otherwise."""
GIVEN = ("home", "nodad", "optimistic", "mngtmpaddr", "noprefixroute")
"""The flags that can be asked for; the others are what the kernel makes of an address."""

_HEAD = struct.Struct("=BBBBi")
_LIFETIMES = struct.Struct("=IIII")


class Address(Struct, frozen=True):
    """A global address on an interface; lifetimes are in seconds, None without an end.

    ``flags`` are words of ``FLAGS``; ``home`` marks a home address (IFA_F_HOMEADDRESS).
    """

    address: str
    length: int
    interface: str
    flags: tuple[str, ...] = ()
    valid_s: int | None = None
    preferred_s: int | None = None

    @property
    def is_home(self) -> bool:
        """Tell whether the kernel was told that it is a home address."""
        return "home" in self.flags


def global_addresses(interface: str = "") -> list[Address]:
    """Return the global addresses of an interface, or of all but the loopback, in the kernel's order."""
    names = dict(socket.if_nameindex())
    try:
        with RtNetlink() as kernel:
            kernel.put(GET_ADDRESS, DUMP, _HEAD.pack(socket.AF_INET6, 0, 0, 0, 0))
            found = [one for body in _dumped(kernel) if (one := _read(body, names)) is not None]
    except OSError as error:
        raise links.explained(error, "read the addresses of this node") from None
    return [one for one in found if interface in ("", one.interface)]


def delete_address(address: Address) -> None:
    """Take an address away from its interface; raises MipshError where it is not there."""
    try:
        with RtNetlink() as kernel:
            kernel.ask(DELETE_ADDRESS, 0, _body(address))
    except OSError as error:
        raise _explained(error, f"take the address {address.address} from '{address.interface}'") from None


def add_address(address: Address) -> None:
    """Give an address to its interface, with its length, flags and lifetimes; one that is there gets these."""
    valid = FOREVER if address.valid_s is None else address.valid_s
    preferred = FOREVER if address.preferred_s is None else address.preferred_s
    flags = sum(bit for bit, name in FLAGS.items() if name in GIVEN and name in address.flags)
    said = attribute(ADDRESS_FLAGS, number(flags))
    said += attribute(CACHE_INFORMATION, _LIFETIMES.pack(min(preferred, valid), valid, 0, 0))
    try:
        with RtNetlink() as kernel:
            kernel.ask(NEW_ADDRESS, CREATE | REPLACE, _body(address) + said)
    except OSError as error:
        raise _explained(error, f"give the address {address.address} to '{address.interface}'") from None


def set_up(interface: str, is_up: bool) -> None:
    """Switch an interface on or off."""
    try:
        links.set_up(interface, is_up)
    except OSError as error:
        raise _explained(error, f"switch '{interface}' {'on' if is_up else 'off'}") from None


def delete_command(address: Address) -> str:
    """Return the command that does what ``delete_address`` does."""
    return f"ip -6 addr del {address.address}/{address.length} dev {address.interface}"


def add_command(address: Address) -> str:
    """Return the command that does what ``add_address`` does."""
    words = [f"ip -6 addr replace {address.address}/{address.length} dev {address.interface}"]
    if address.valid_s is not None:
        preferred = address.valid_s if address.preferred_s is None else address.preferred_s
        words.append(f"valid_lft {address.valid_s} preferred_lft {min(preferred, address.valid_s)}")
    elif address.preferred_s is not None:
        words.append(f"preferred_lft {address.preferred_s}")
    return " ".join([*words, *(flag for flag in address.flags if flag in GIVEN)])


def set_up_command(interface: str, is_up: bool) -> str:
    """Return the command that does what ``set_up`` does."""
    return f"ip link set dev {interface} {'up' if is_up else 'down'}"


def _dumped(kernel: RtNetlink) -> Iterator[bytes]:
    """Yield the bodies of all messages about addresses, until the kernel says that it is done; raises OSError."""
    while True:
        for kind, body in messages(kernel.receive()):
            if kind == NLMSG_DONE:
                return
            if kind == NLMSG_ERROR:
                raise OSError(errno.EIO, "the kernel did not answer")
            if kind == NEW_ADDRESS:
                yield body


def _read(body: bytes, names: dict[int, str]) -> Address | None:
    """Read a message about an address; None where it is not a global one of an interface that is known."""
    if len(body) < _HEAD.size:
        return None
    family, length, few_flags, scope, index = _HEAD.unpack_from(body)
    said = attributes(body[_HEAD.size :])
    found = said.get(LOCAL) or said.get(ADDRESS, b"")
    interface = names.get(index)
    if family != socket.AF_INET6 or scope != SCOPE_GLOBAL or len(found) != 16 or interface in (None, "lo"):
        return None
    flags = int.from_bytes(said[ADDRESS_FLAGS], sys.byteorder) if ADDRESS_FLAGS in said else few_flags
    cache = said.get(CACHE_INFORMATION, b"")
    preferred, valid = _LIFETIMES.unpack_from(cache)[:2] if len(cache) >= _LIFETIMES.size else (FOREVER, FOREVER)
    return Address(
        text(found),
        length,
        interface,
        tuple(name for bit, name in FLAGS.items() if flags & bit),
        None if valid == FOREVER else valid,
        None if preferred == FOREVER else preferred,
    )


def _body(address: Address) -> bytes:
    """Return what a request about an address says of it; raises OSError where there is no such interface."""
    index = socket.if_nametoindex(address.interface)
    packed = parse(address.address)
    head = _HEAD.pack(socket.AF_INET6, address.length, 0, SCOPE_GLOBAL, index)
    return head + attribute(LOCAL, packed) + attribute(ADDRESS, packed)


def _explained(error: OSError, what: str) -> MipshError:
    """Return the kernel's refusal as an error with a hint."""
    if error.errno == errno.EADDRNOTAVAIL:
        return MipshError(f"cannot {what}: it is not there", "'ip -6 address' lists what is")
    if error.errno is None or error.errno == errno.ENODEV:
        return links.explained(OSError(errno.ENODEV, "there is no such interface"), what)
    return links.explained(error, what)
