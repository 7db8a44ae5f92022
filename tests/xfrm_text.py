"""What ``ip -s xfrm state`` and ``ip -s xfrm policy`` of iproute2 6.1 print, for values that were decoded.

The keys, which are not decoded, are left out; ``without_keys`` leaves them out of the real text.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from mipsh.model import xfrm
from mipsh.model.xfrm import Lifetimes, Policy, Selector, State, Template, Use

KEY = re.compile(r"^(\t(?:auth|auth-trunc|enc|aead|comp) \S+) 0x.*$")
PROTOCOLS = {58: "ipv6-icmp", 135: "mobility-header", 6: "tcp", 17: "udp"}


def without_keys(text: str) -> list[str]:
    """Return the lines, with nothing of an algorithm but its name."""
    return [KEY.sub(r"\1", line) for line in text.splitlines()]


def states(rows: tuple[State, ...], interfaces: Mapping[int, str]) -> list[str]:
    """Return the lines for states."""
    return [line for row in rows for line in _state(row, interfaces)]


def policies(rows: tuple[Policy, ...], interfaces: Mapping[int, str]) -> list[str]:
    """Return the lines for policies."""
    return [line for row in rows for line in _policy(row, interfaces)]


def _state(row: State, interfaces: Mapping[int, str]) -> Iterator[str]:
    yield f"src {row.source} dst {row.destination}"
    yield f"\t{_id(row)}"
    flags = " ".join(xfrm.bits(xfrm.STATE_FLAGS, row.flags))
    yield f"\treplay-window {row.replay_window} seq 0x{row.sequence:08x} flag {flags} (0x{row.flags:08b})"
    if row.care_of_address is not None:
        yield f"\tcoa {row.care_of_address}"
    if row.last_used is not None:
        yield f"\tlastused {_time(row.last_used)}"
    names = dict(row.algorithms)
    if "auth-trunc" in names:
        names.pop("auth", None)
    yield from (f"\t{use} {names[use]}" for use in ("auth-trunc", "auth", "enc", "aead", "comp") if use in names)
    if row.replay is not None:
        found = row.replay
        yield f"\tanti-replay context: seq 0x{found.received:x}, oseq 0x{found.sent:x}, bitmap 0x{found.bitmap:08x}"
    yield f"\tsel {_selector(row.selector, interfaces)}"
    yield from _use(row.lifetimes, row.use)
    yield "\tstats:"
    yield f"\t  replay-window {row.too_old} replay {row.replays} failed {row.not_authentic}"


def _policy(row: Policy, interfaces: Mapping[int, str]) -> Iterator[str]:
    yield _selector(row.selector, interfaces)
    direction, action = xfrm.word(xfrm.DIRECTIONS, row.direction), xfrm.word(xfrm.ACTIONS, row.action)
    kind, flags = xfrm.word(xfrm.TYPES, row.kind), " ".join(xfrm.bits(xfrm.POLICY_FLAGS, row.flags))
    yield (
        f"\tdir {direction} action {action} index {row.index} priority {row.priority} ptype {kind} "
        f"share {_share(row.share)} flag {flags} (0x{row.flags:08b})"
    )
    yield from _use(row.lifetimes, row.use)
    for template in row.templates:
        yield from _template(template)


def _template(row: Template) -> Iterator[str]:
    yield f"\ttmpl src {row.source} dst {row.destination}"
    yield f"\t\t{_id(row)}"
    yield f"\t\tlevel {xfrm.word(xfrm.LEVELS, row.is_optional)} share {_share(row.share)} "
    auth, enc, comp = row.algorithms
    yield f"\t\tenc-mask {enc:08x} auth-mask {auth:08x} comp-mask {comp:08x}"


def _id(row: State | Template) -> str:
    mode = xfrm.word(xfrm.MODES, row.mode)
    name = xfrm.protocol_word(row.protocol)
    return f"proto {name} spi 0x{row.spi:08x}({row.spi}) reqid {row.reqid}(0x{row.reqid:08x}) mode {mode}"


def _selector(row: Selector, interfaces: Mapping[int, str]) -> str:
    words = [f"src {row.source}/{row.source_length} dst {row.destination}/{row.destination_length}"]
    if row.protocol:
        words.append(f"proto {PROTOCOLS[row.protocol]}")
    if row.source_mask:
        words.append(f"type {row.source_port}")
    if row.destination_mask:
        is_code = row.protocol == xfrm.ICMPV6
        words.append(f"code {row.destination_port}" if is_code else f"(dport) 0x{row.destination_port:04x}")
    if row.interface_index:
        words.append(f"dev {interfaces[row.interface_index]}")
    return f"{' '.join(words)} uid {row.user}"


def _use(limits: Lifetimes, use: Use) -> Iterator[str]:
    yield "\tlifetime config:"
    for name, bounds in (("bytes", limits.bytes), ("packets", limits.packets)):
        soft, hard = ("(INF)" if bound is None else str(bound) for bound in bounds)
        yield f"\t  limit: soft {soft}({name}), hard {hard}({name})"
    yield f"\t  expire add: soft {limits.added_s[0]}(sec), hard {limits.added_s[1]}(sec)"
    yield f"\t  expire use: soft {limits.used_s[0]}(sec), hard {limits.used_s[1]}(sec)"
    yield "\tlifetime current:"
    yield f"\t  {use.bytes}(bytes), {use.packets}(packets)"
    yield f"\t  add {_time(use.added)} use {_time(use.used)}"


def _time(seconds: int | None) -> str:
    return "-" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _share(number: int) -> str:
    return ("any", "session", "user", "unique")[number]
