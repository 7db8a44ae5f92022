"""Matches and targets of ip6tables that its rules keep as such in nftables, with their binary structures.

See include/uapi/linux/netfilter_ipv6/ and netfilter/xt_conntrack.h. A match tells True, False, or None for what is
not known here.
"""

import struct
from collections.abc import Callable, Mapping

from mipsh.checks.filter_trial import STATES, View
from mipsh.checks.filter_values import Word, both, is_at_most, is_equal, opposite

ROUTING, DESTINATION, HOP_BY_HOP, MOBILITY, ICMPV6 = 43, 60, 0, 135, 58
STATE_FLAG, STATE_AT, UNTRACKED_BIT, OLD_UNTRACKED_BIT = 1, 146, 256, 64
TYPE_FLAG, LEFT_FLAG = 1, 2
PRESENCE = {0: 128, 60: 64, 43: 32, 44: 16, 51: 8, 50: 4, 59: 2}
"""The bits of ``ipv6header`` by the number of the header; 1 is a protocol behind them."""

ACCEPT, DROP, REJECT, QUEUE, OTHER = "accept", "drop", "reject", "queue", "something else"
TARGETS: Mapping[str, str] = {
    **dict.fromkeys(("LOG", "NFLOG", "ULOG", "MARK", "CONNMARK", "TCPMSS", "CLASSIFY", "DSCP", "TOS", "HL"), ""),
    **dict.fromkeys(("SECMARK", "CONNSECMARK", "TRACE", "AUDIT", "SET", "TEE", "CHECKSUM", "NOTRACK", "CT"), ""),
    **dict.fromkeys(("ACCEPT", "MASQUERADE", "SNAT", "DNAT", "REDIRECT", "NETMAP"), ACCEPT),
    **{"DROP": DROP, "REJECT": REJECT, "NFQUEUE": QUEUE, "QUEUE": QUEUE},
}
"""What becomes of a packet by a target; empty: the next rule is looked at."""


def match(name: str, info: bytes, view: View) -> bool | None:
    """Tell whether a match takes a packet; None where that is not known."""
    known = MATCHES.get(name)
    try:
        return known(info, view) if known is not None else None
    except (struct.error, IndexError):
        return None


def leaves_untracked(name: str, info: bytes) -> bool:
    """Tell whether a target keeps a packet from being tracked."""
    return name == "NOTRACK" or (name == "CT" and len(info) > 1 and bool(struct.unpack_from("=H", info)[0] & 1))


def _comment(info: bytes, view: View) -> bool | None:
    return True


def _state_in(wanted: int, view: View, untracked: int) -> bool | None:
    if view.state not in STATES:
        return None
    bit = untracked if view.state == "untracked" else STATES[view.state]
    return bool(wanted & bit)


def _conntrack(info: bytes, view: View) -> bool | None:
    flags, inverted, wanted = struct.unpack_from("=HHH", info, STATE_AT)
    if flags != STATE_FLAG:
        return None
    found = _state_in(wanted, view, UNTRACKED_BIT)
    return opposite(found) if inverted & STATE_FLAG else found


def _state(info: bytes, view: View) -> bool | None:
    return _state_in(struct.unpack_from("=I", info)[0], view, OLD_UNTRACKED_BIT)


def _between(one: Word | None, first: int, last: int) -> bool | None:
    if one is None:
        return False
    below = is_at_most(one, first - 1) if first else False
    return both(is_at_most(one, last), opposite(below))


def _mobility(info: bytes, view: View) -> bool | None:
    found = _between(view.header(MOBILITY, 2, 1), info[0], info[1])
    return opposite(found) if info[2] & 1 else found


def _icmpv6(info: bytes, view: View) -> bool | None:
    if view.protocol != ICMPV6:
        return False
    kind = view.header(ICMPV6, 0, 1)
    right = True if info[0] == 255 else False if kind is None else is_equal(kind, info[:1])
    found = both(right, _between(view.header(ICMPV6, 1, 1), info[1], info[2]))
    return opposite(found) if info[3] & 1 else found


def _routing(info: bytes, view: View) -> bool | None:
    kind, first, last, _, flags, inverted = struct.unpack_from("=IIIIBB", info)
    if ROUTING not in view.headers:
        return False
    found: bool | None = True
    if flags & TYPE_FLAG:
        right = _between(view.header(ROUTING, 2, 1), kind, kind)
        found = opposite(right) if inverted & TYPE_FLAG else right
    left = _between(view.header(ROUTING, 3, 1), first, last)
    if flags & LEFT_FLAG:
        found = both(found, opposite(left) if inverted & LEFT_FLAG else left)
    return found if not flags & ~(TYPE_FLAG | LEFT_FLAG) else both(found, None)


def _options(number: int) -> Callable[[bytes, View], bool | None]:
    def look(info: bytes, view: View) -> bool | None:
        if number not in view.headers:
            return False
        return None if info[4] else True

    return look


def _headers(info: bytes, view: View) -> bool | None:
    wanted, inverted, is_soft = info[0], info[1], info[2]
    if not is_soft:
        return None
    there = sum(bit for number, bit in PRESENCE.items() if number in view.headers)
    there |= 0 if view.protocol in PRESENCE else 1
    return not (there ^ wanted ^ inverted) & wanted


MATCHES: Mapping[str, Callable[[bytes, View], bool | None]] = {
    "comment": _comment,
    "conntrack": _conntrack,
    "state": _state,
    "mh": _mobility,
    "icmp6": _icmpv6,
    "rt": _routing,
    "dst": _options(DESTINATION),
    "hbh": _options(HOP_BY_HOP),
    "ipv6header": _headers,
}
