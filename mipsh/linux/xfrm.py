"""The kernel's XFRM states and policies, read over netlink as ``ip xfrm state`` and ``ip xfrm policy`` do.

They are those of the network namespace that the thread is in. What is read is decoded datagram by datagram,
and no more than ``MOST`` of a table; what of it cannot be read is said. Dumps of them can be in files, too.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from mipsh.errors import CapabilityMissing, DeadlineError, EngineError, MipshError, RefusedError, UsageError
from mipsh.linux import xfrm_messages as wire
from mipsh.model.xfrm import Tables
from mipsh.wire.fault import Fault

NETLINK_XFRM = 6
REQUEST, DUMP = 0x1, 0x300
LARGEST = 1 << 18
"""Bytes of the largest datagram that is read."""
LONGEST_S = 5.0
MOST = 100_000
MOST_FAULTS = 20
TRIES = 3
"""How often a table is asked for that changes while it is read."""
STATES_SUFFIX, POLICIES_SUFFIX = ".getsa.nl", ".getpolicy.nl"
LARGEST_FILE = 64 * 1024 * 1024

Row = TypeVar("Row")
Decode = Callable[[wire.Message], Row | Fault]


class Changed(Exception):
    """The table changed while it was read."""


def read() -> Tables:
    """Return what the kernel has now.

    Raises CapabilityMissing for a kernel without XFRM, RefusedError without CAP_NET_ADMIN, DeadlineError
    for one that does not answer, EngineError for what else it refuses.
    """
    states, state_faults = _asked(wire.GET_STATE, wire.NEW_STATE, wire.state)
    policies, policy_faults = _asked(wire.GET_POLICY, wire.NEW_POLICY, wire.policy)
    return Tables(tuple(states), tuple(policies), (*state_faults, *policy_faults))


def recorded(folder: str | os.PathLike[str], node: str = "") -> Tables:
    """Return what the kernel had, from its answers in ``NODE.getsa.nl`` and ``NODE.getpolicy.nl``.

    ``node`` may be left out where there is one. Raises UsageError for a folder without them, or with none of it.
    """
    found = nodes(folder)
    if not found:
        raise UsageError(f"'{os.fspath(folder)}' holds no NODE{STATES_SUFFIX}", "it is the answer to a dump of states")
    if node not in found and (node or len(found) > 1):
        what = f"has no '{node}'" if node else f"holds those of {', '.join(found)}"
        raise UsageError(f"'{os.fspath(folder)}' {what}", f"name one: {os.fspath(folder)}/{found[0]}")
    stem = Path(folder) / (node or found[0])
    states, state_faults = collect([_file(f"{stem}{STATES_SUFFIX}")], wire.NEW_STATE, wire.state)
    policies, policy_faults = collect([_file(f"{stem}{POLICIES_SUFFIX}")], wire.NEW_POLICY, wire.policy)
    return Tables(tuple(states), tuple(policies), (*state_faults, *policy_faults))


def nodes(folder: str | os.PathLike[str]) -> list[str]:
    """Return of which nodes a folder has both dumps; raises UsageError for one that cannot be read."""
    try:
        names = {entry.name for entry in Path(folder).iterdir()}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot read '{os.fspath(folder)}': {why}") from error
    stems = (name.removesuffix(STATES_SUFFIX) for name in names if name.endswith(STATES_SUFFIX))
    return sorted(stem for stem in stems if stem and f"{stem}{POLICIES_SUFFIX}" in names)


def collect(datagrams: Iterable[bytes], kind: int, decode: Decode[Row]) -> tuple[list[Row], list[str]]:
    """Return the rows of a dump, and what of it could not be read, in words; raises OSError with the kernel's error."""
    rows: list[Row] = []
    faults: list[str] = []
    for found in _decoded(datagrams, kind, decode):
        if isinstance(found, Fault):
            faults.append(str(found))
        elif len(rows) < MOST:
            rows.append(found)
        else:
            faults.append(f"there are more than {MOST} rows")
        if len(faults) == MOST_FAULTS:
            faults.append("the rest is not read")
            break
    return rows, faults


def _decoded(datagrams: Iterable[bytes], kind: int, decode: Decode[Row]) -> Iterator[Row | Fault]:
    """Yield what the messages say, up to the end of the dump; raises OSError, Changed."""
    for datagram in datagrams:
        for message in wire.messages(datagram):
            if isinstance(message, Fault):
                yield message
                break
            if message.flags & wire.INTERRUPTED:
                raise Changed
            if message.kind in (wire.NLMSG_ERROR, wire.NLMSG_DONE):
                yield from _end(message)
                return
            if message.kind == kind:
                yield decode(message)
            else:
                yield Fault(message.at, "netlink message type", str(kind), str(message.kind))


def _end(message: wire.Message) -> Iterator[Fault]:
    """Raise OSError where the dump ends with one; yield what is wrong with the message."""
    code = wire.error_of(message)
    if isinstance(code, Fault):
        yield code
    elif code > 0:
        raise OSError(code, os.strerror(code))


def _asked(request: int, kind: int, decode: Decode[Row]) -> tuple[list[Row], list[str]]:
    """Ask for a table, again where it changes meanwhile.

    What is behind the header of a request for all rows are attributes, of which there are none here (Linux:
    net/xfrm/xfrm_user.c, xfrm_dump_sa).
    """
    for _ in range(TRIES):
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM) as kernel:
                kernel.settimeout(LONGEST_S)
                kernel.sendto(wire.HEADER.pack(wire.HEADER.size, request, REQUEST | DUMP, 1, 0), (0, 0))
                return collect(iter(lambda: kernel.recv(LARGEST), b""), kind, decode)
        except Changed:
            continue
        except TimeoutError:
            raise DeadlineError(f"the kernel does not answer about XFRM within {LONGEST_S:g} s") from None
        except OSError as error:
            raise _explained(error) from None
    return [], [f"the table changed each of the {TRIES} times that it was read"]


def _explained(error: OSError) -> MipshError:
    if error.errno in (errno.EPERM, errno.EACCES):
        return RefusedError(
            "reading the kernel's XFRM needs CAP_NET_ADMIN, and this process has not",
            "run mipsh with sudo, or give its Python the capability: setcap cap_net_admin+ep FILE",
        )
    if error.errno in (errno.EPROTONOSUPPORT, errno.ECONNREFUSED, errno.EAFNOSUPPORT, errno.ENOENT):
        return CapabilityMissing(
            "this kernel has no XFRM that could be read", "it needs CONFIG_XFRM_USER: modprobe xfrm_user"
        )
    return EngineError(f"cannot read the kernel's XFRM: {error.strerror}")


def _file(path: str) -> bytes:
    """Return a file's content; raises UsageError."""
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > LARGEST_FILE:
        raise UsageError(f"{path} is too large: expected at most {LARGEST_FILE} bytes")
    return data
