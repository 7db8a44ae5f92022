"""The messages of the kernel about XFRM (linux/xfrm.h), decoded into values without keys.

What is decoded may come from a file: sizes are checked, and what is wrong is a Fault with the place.
Keys are left out here: of an algorithm only its name is read.
"""

import struct
import sys
from collections.abc import Iterator
from socket import AF_INET6, inet_ntop

from msgspec import Struct

from mipsh.model.xfrm import Lifetimes, Policy, Replay, Selector, State, Template, Use
from mipsh.wire.address import text
from mipsh.wire.fault import Fault

NEW_STATE, GET_STATE, NEW_POLICY, GET_POLICY = 0x10, 0x12, 0x13, 0x15
NLMSG_ERROR, NLMSG_DONE = 2, 3
INTERRUPTED = 0x10
"""The flag of a dump during which the table changed."""
AUTH, CRYPT, COMP, TEMPLATES, REPLAY, CARE_OF, LAST_USED, POLICY_TYPE = 1, 2, 3, 5, 10, 14, 15, 16
AEAD, AUTH_TRUNCATED, MARK, EXTRA_FLAGS, INTERFACE_ID = 18, 20, 21, 24, 31
ALGORITHMS = {AUTH: "auth", CRYPT: "enc", COMP: "comp", AEAD: "aead", AUTH_TRUNCATED: "auth-trunc"}
NAME_SIZE = 64
MOST_TEMPLATES = 6
"""As many as the kernel takes (XFRM_MAX_DEPTH)."""
MOST_ATTRIBUTES = 256
NO_LIMIT = 0xFFFFFFFFFFFFFFFF
IPV4, IPV6 = 2, 10

HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_PORTS = struct.Struct("!HHHH")
_SELECTOR = struct.Struct("=16s16s8sHBBB3xiI")
_ID = struct.Struct("=16s4sB3x")
_LIMITS = struct.Struct("=8Q")
_USE = struct.Struct("=4Q")
_STATE_REST = struct.Struct("=IIIIIHBBB7x")
_POLICY_REST = struct.Struct("=IIBBBB4x")
_TEMPLATE = struct.Struct("=16s4sB3xH2x16sIBBBxIII")
_REPLAY = struct.Struct("=III")
_PAIR = struct.Struct("=II")
_U32 = struct.Struct("=I")
_U64 = struct.Struct("=Q")
_ERROR = struct.Struct("=i")

_UNLIMITED = _LIMITS.pack(*[NO_LIMIT] * 4, 0, 0, 0, 0)
_NEARLY_IPV4 = bytes(10)
"""How addresses begin that are written as ones of IPv4 by some."""

_ID_AT = _SELECTOR.size
_SOURCE_AT = _ID_AT + _ID.size
_STATE_LIMITS_AT = _SOURCE_AT + 16
_STATE_SIZE = _STATE_LIMITS_AT + _LIMITS.size + _USE.size + _STATE_REST.size
_POLICY_SIZE = _SELECTOR.size + _LIMITS.size + _USE.size + _POLICY_REST.size


class Message(Struct, frozen=True):
    """A netlink message: its type, its flags, where its body begins in the data, and the body."""

    kind: int
    flags: int
    at: int
    body: bytes


def messages(data: bytes) -> Iterator[Message | Fault]:
    """Yield the messages of a datagram, or of many in a row; a Fault is the last."""
    at = 0
    while at < len(data):
        if at + HEADER.size > len(data):
            yield Fault(at, "netlink message", f"{HEADER.size} bytes of header", f"{len(data) - at} bytes")
            return
        size, kind, flags, *_ = HEADER.unpack_from(data, at)
        if size < HEADER.size or at + size > len(data):
            yield Fault(at, "netlink message length", f"{HEADER.size} to {len(data) - at}", str(size))
            return
        yield Message(kind, flags, at + HEADER.size, data[at + HEADER.size : at + size])
        at += size + -size % 4


def error_of(message: Message) -> int | Fault:
    """Return the number of an error that the kernel answers, 0 for none, from a message of the type error or done."""
    if len(message.body) < _ERROR.size:
        return Fault(message.at, "netlink error", f"{_ERROR.size} bytes", f"{len(message.body)} bytes")
    return -int(_ERROR.unpack_from(message.body)[0])


def state(message: Message) -> State | Fault:
    """Decode a state (XFRM_MSG_NEWSA)."""
    body = message.body
    if len(body) < _STATE_SIZE:
        return Fault(message.at, "XFRM state", f"{_STATE_SIZE} bytes", f"{len(body)} bytes")
    said = _attributes(body, _STATE_SIZE, message.at)
    if isinstance(said, Fault):
        return said
    at = _STATE_LIMITS_AT + _LIMITS.size + _USE.size
    too_old, replays, not_authentic, sequence, reqid, family, mode, window, flags = _STATE_REST.unpack_from(body, at)
    destination, spi, protocol = _ID.unpack_from(body, _ID_AT)
    care_of, last_used = said.get(CARE_OF, b""), said.get(LAST_USED, b"")
    return State(
        _address(body[_SOURCE_AT : _SOURCE_AT + 16], family),
        _address(destination, family),
        protocol,
        int.from_bytes(spi),
        reqid,
        mode,
        _selector(body),
        flags,
        window,
        sequence,
        _address(care_of, IPV6) if len(care_of) == 16 else None,
        _U64.unpack(last_used)[0] if len(last_used) == _U64.size else None,
        _limits(body, _STATE_LIMITS_AT),
        _use(body, _STATE_LIMITS_AT + _LIMITS.size),
        _replay(said.get(REPLAY, b"")),
        replays,
        too_old,
        not_authentic,
        _pair(said.get(MARK, b"")),
        _u32(said.get(EXTRA_FLAGS, b"")) or 0,
        _u32(said.get(INTERFACE_ID, b"")),
        {name: _algorithm(said[kind]) for kind, name in ALGORITHMS.items() if kind in said},
        _others(said, (REPLAY, CARE_OF, LAST_USED, MARK, EXTRA_FLAGS, INTERFACE_ID, *ALGORITHMS)),
    )


def policy(message: Message) -> Policy | Fault:
    """Decode a policy (XFRM_MSG_NEWPOLICY)."""
    body = message.body
    if len(body) < _POLICY_SIZE:
        return Fault(message.at, "XFRM policy", f"{_POLICY_SIZE} bytes", f"{len(body)} bytes")
    said = _attributes(body, _POLICY_SIZE, message.at)
    if isinstance(said, Fault):
        return said
    templates = _templates(said.get(TEMPLATES, b""), message.at)
    if isinstance(templates, Fault):
        return templates
    at = _SELECTOR.size + _LIMITS.size + _USE.size
    priority, index, direction, action, flags, share = _POLICY_REST.unpack_from(body, at)
    return Policy(
        _selector(body),
        direction,
        action,
        priority,
        index,
        (said.get(POLICY_TYPE) or b"\0")[0],
        templates,
        flags,
        share,
        _limits(body, _SELECTOR.size),
        _use(body, _SELECTOR.size + _LIMITS.size),
        _pair(said.get(MARK, b"")),
        _u32(said.get(INTERFACE_ID, b"")),
        _others(said, (TEMPLATES, POLICY_TYPE, MARK, INTERFACE_ID)),
    )


def _attributes(body: bytes, at: int, offset: int) -> dict[int, bytes] | Fault:
    """Return the attributes behind the fixed part of a message; ``offset`` is where the body begins in the data."""
    found: dict[int, bytes] = {}
    while at + _ATTRIBUTE.size <= len(body):
        size, kind = _ATTRIBUTE.unpack_from(body, at)
        if size < _ATTRIBUTE.size or at + size > len(body):
            expected = f"{_ATTRIBUTE.size} to {len(body) - at}"
            return Fault(offset + at, f"XFRM attribute {kind} length", expected, str(size))
        if len(found) == MOST_ATTRIBUTES:
            return Fault(offset + at, "XFRM attributes", f"at most {MOST_ATTRIBUTES}", "more")
        found[kind & 0x3FFF] = body[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
    return found


def _templates(data: bytes, offset: int) -> tuple[Template, ...] | Fault:
    if len(data) % _TEMPLATE.size or len(data) > MOST_TEMPLATES * _TEMPLATE.size:
        expected = f"up to {MOST_TEMPLATES} times {_TEMPLATE.size} bytes"
        return Fault(offset, "XFRM templates", expected, f"{len(data)} bytes")
    return tuple(_template(data, at) for at in range(0, len(data), _TEMPLATE.size))


def _template(data: bytes, at: int) -> Template:
    said = _TEMPLATE.unpack_from(data, at)
    destination, spi, protocol, family, source, reqid, mode, share, optional, *algorithms = said
    return Template(
        _address(source, family),
        _address(destination, family),
        protocol,
        int.from_bytes(spi),
        reqid,
        mode,
        bool(optional),
        share,
        family,
        (algorithms[0], algorithms[1], algorithms[2]),
    )


def _selector(body: bytes) -> Selector:
    destination, source, ports, family, to_length, from_length, protocol, index, user = _SELECTOR.unpack_from(body)
    to_port, to_mask, from_port, from_mask = _PORTS.unpack(ports)
    return Selector(
        _address(source, family),
        from_length,
        _address(destination, family),
        to_length,
        protocol,
        from_port,
        from_mask,
        to_port,
        to_mask,
        index,
        user,
        family,
    )


def _limits(body: bytes, at: int) -> Lifetimes:
    if body.startswith(_UNLIMITED, at):
        return Lifetimes()
    said = _LIMITS.unpack_from(body, at)
    bounds = [None if value == NO_LIMIT else value for value in said[:4]]
    return Lifetimes((bounds[0], bounds[1]), (bounds[2], bounds[3]), (said[4], said[5]), (said[6], said[7]))


def _use(body: bytes, at: int) -> Use:
    size, packets, added, used = _USE.unpack_from(body, at)
    return Use(size, packets, added or None, used or None)


def _replay(data: bytes) -> Replay | None:
    if len(data) < _REPLAY.size:
        return None
    sent, received, bitmap = _REPLAY.unpack_from(data)
    return Replay(received, sent, bitmap)


def _algorithm(data: bytes) -> str:
    """Return the name of an algorithm, and nothing of its key."""
    return data[:NAME_SIZE].partition(b"\0")[0].decode("ascii", "replace")


def _others(said: dict[int, bytes], known: tuple[int, ...]) -> dict[int, int]:
    return {kind: len(value) for kind, value in said.items() if kind not in known}


def _address(data: bytes, family: int) -> str:
    """Return an address as text: of IPv4 where the message says so, of IPv6 otherwise.

    The C library writes IPv6 as RFC 5952 has it, and much faster, but for what may hold an address of IPv4.
    """
    if family == IPV4:
        return ".".join(str(byte) for byte in data[:4])
    return text(data) if data.startswith(_NEARLY_IPV4) else inet_ntop(AF_INET6, data)


def _pair(data: bytes) -> tuple[int, int] | None:
    return None if len(data) < _PAIR.size else _PAIR.unpack_from(data)


def _u32(data: bytes) -> int | None:
    return int.from_bytes(data, sys.byteorder) if len(data) == _U32.size else None
