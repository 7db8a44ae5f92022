"""Network interfaces of the network namespace that the thread is in: asked and set up by plain system calls."""

import errno
import fcntl
import os
import socket
import struct
from contextlib import ExitStack
from pathlib import Path

from mipsh.errors import EngineError, MipshError, RefusedError, UsageError

LONGEST_NAME = 15
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
SIOCGIFMTU, SIOCSIFMTU, SIOCGIFHWADDR = 0x8921, 0x8922, 0x8927
IFF_UP = 0x1
ARPHRD_ETHER = 1
SETTINGS = "/proc/sys/net/ipv6/conf"


def explained(error: OSError, what: str) -> MipshError:
    """Return the kernel's refusal to do something as an error with a hint."""
    message = f"cannot {what}: {error.strerror}"
    if error.errno in (errno.EPERM, errno.EACCES):
        return RefusedError(message, "it needs CAP_NET_ADMIN and CAP_NET_RAW: run as root, or in a user namespace")
    if error.errno in (errno.ENODEV, errno.ENXIO):
        return UsageError(message, f"there are: {', '.join(names()) or 'none'}")
    return EngineError(message)


def names() -> list[str]:
    """Return the names of the interfaces."""
    return [name for _, name in socket.if_nameindex()]


def _ask(interface: str, request: int, data: bytes = b"") -> bytes:
    """Put an interface request to the kernel (netdevice(7)); raises OSError."""
    name = interface.encode()
    if not name or len(name) > LONGEST_NAME:
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        return fcntl.ioctl(asking, request, struct.pack("=16s24s", name, data))[16:]


def link_layer(interface: str) -> bytes:
    """Return the 6-byte address of an Ethernet interface; raises OSError, or UsageError for one of another kind."""
    answer = _ask(interface, SIOCGIFHWADDR)
    (family,) = struct.unpack_from("=H", answer)
    if family != ARPHRD_ETHER:
        raise UsageError(f"the interface '{interface}' is not an Ethernet")
    return answer[2:8]


def mtu(interface: str) -> int:
    """Return the largest packet that an interface takes, in bytes; raises OSError."""
    return int(struct.unpack_from("=i", _ask(interface, SIOCGIFMTU))[0])


def set_mtu(interface: str, size: int) -> None:
    """Set the largest packet that an interface takes; raises OSError."""
    _ask(interface, SIOCSIFMTU, struct.pack("=i", size))


def set_up(interface: str, is_up: bool = True) -> None:
    """Switch an interface on or off; raises OSError."""
    (flags,) = struct.unpack_from("=H", _ask(interface, SIOCGIFFLAGS))
    _ask(interface, SIOCSIFFLAGS, struct.pack("=H", flags | IFF_UP if is_up else flags & ~IFF_UP))


def configure(interface: str, setting: str, value: int) -> None:
    """Set one of the kernel's IPv6 settings of an interface; raises OSError."""
    Path(SETTINGS, interface, setting).write_text(f"{value}\n", encoding="ascii")


def disable_ipv6(interface: str) -> None:
    """Let the kernel have no IPv6 on an interface, from now on; raises OSError."""
    if Path(SETTINGS, interface, "disable_ipv6").read_text(encoding="ascii").strip() != "1":
        configure(interface, "disable_ipv6", 1)


def prepare(interface: str) -> None:
    """Make an interface fit for a node: kernel IPv6 off, switched on; raises MipshError."""
    try:
        disable_ipv6(interface)
        set_up(interface)
    except FileNotFoundError:
        error = OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        raise explained(error, f"set up the interface '{interface}'") from None
    except OSError as error:
        raise explained(error, f"set up the interface '{interface}'") from None


def add_pair(one: tuple[str, str], other: tuple[str, str]) -> None:
    """Join two network namespaces by a pair of interfaces; each end is the path of its namespace and a name.

    Raises MipshError.
    """
    from pyroute2 import IPRoute
    from pyroute2.netlink.exceptions import NetlinkError

    try:
        with ExitStack() as stack:
            here, there = (_opened(stack, path) for path, _ in (one, other))
            kernel = stack.enter_context(IPRoute())
            peer = {"ifname": other[1], "net_ns_fd": there}
            kernel.link("add", ifname=one[1], kind="veth", net_ns_fd=here, peer=peer)
    except NetlinkError as error:
        number = error.args[0]
        raise explained(OSError(number, os.strerror(number)), f"make the interface '{one[1]}'") from None
    except OSError as error:
        raise explained(error, f"make the interface '{one[1]}'") from None


def _opened(stack: ExitStack, path: str) -> int:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    stack.callback(os.close, handle)
    return handle
