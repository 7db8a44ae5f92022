"""The packet filter of this network namespace, for checks: nftables read over netlink (linux/netfilter/nf_tables.h).

Rules of ip6tables are among them where they are nftables underneath. It is only asked, never changed. What the
kernel says is bounded; what is not read is said.
"""

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress

from msgspec import structs

from mipsh.checks.sources import Chain, Element, Expression, FilterRule, Ruleset
from mipsh.linux.facts_files import NET, words
from mipsh.linux.facts_netlink import ask, attributes
from mipsh.linux.rtnetlink import DUMP

NETLINK_NETFILTER = 12
SUBSYSTEM = 10 << 8
GET_CHAIN, GET_RULE, GET_SET, GET_ELEMENT = (SUBSYSTEM | number for number in (4, 7, 10, 13))
FAMILIES = {1: "inet", 5: "netdev", 10: "ip6"}
HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
VERDICTS = {
    **{0: "drop", 1: "accept", 2: "stolen", 3: "queue"},
    **{-1: "continue", -2: "break", -3: "jump", -4: "goto", -5: "return"},
}
MOST_RULES, MOST_SETS, MOST_ELEMENTS = 50_000, 1000, 10_000

NUMBER, BYTE, LONG, TEXT, DATA, BYTES = "number", "byte", "long", "text", "data", "bytes"
Declared = Mapping[int, tuple[str, str]]
EXPRESSIONS: Mapping[str, Declared] = {
    "meta": {1: ("dreg", NUMBER), 2: ("key", NUMBER), 3: ("sreg", NUMBER)},
    "payload": {
        **{1: ("dreg", NUMBER), 2: ("base", NUMBER), 3: ("offset", NUMBER), 4: ("len", NUMBER), 5: ("sreg", NUMBER)}
    },
    "exthdr": {
        **{1: ("dreg", NUMBER), 2: ("type", BYTE), 3: ("offset", NUMBER), 4: ("len", NUMBER), 5: ("flags", NUMBER)},
        **{6: ("op", NUMBER), 7: ("sreg", NUMBER)},
    },
    "cmp": {1: ("sreg", NUMBER), 2: ("op", NUMBER), 3: ("data", DATA)},
    "range": {1: ("sreg", NUMBER), 2: ("op", NUMBER), 3: ("from", DATA), 4: ("to", DATA)},
    "immediate": {1: ("dreg", NUMBER), 2: ("data", DATA)},
    "lookup": {1: ("set", TEXT), 2: ("sreg", NUMBER), 3: ("dreg", NUMBER), 5: ("flags", NUMBER)},
    "bitwise": {
        **{1: ("sreg", NUMBER), 2: ("dreg", NUMBER), 3: ("len", NUMBER), 4: ("mask", DATA), 5: ("xor", DATA)},
        **{6: ("op", NUMBER), 7: ("data", DATA)},
    },
    "ct": {1: ("dreg", NUMBER), 2: ("key", NUMBER), 3: ("direction", BYTE), 4: ("sreg", NUMBER)},
    "counter": {1: ("bytes", LONG), 2: ("packets", LONG)},
    "reject": {1: ("type", NUMBER), 2: ("icmp_code", BYTE)},
    "match": {1: ("name", TEXT), 2: ("rev", NUMBER), 3: ("info", BYTES)},
    "target": {1: ("name", TEXT), 2: ("rev", NUMBER), 3: ("info", BYTES)},
}
_GENERIC = struct.Struct("!BBH")
_ATTRIBUTE = struct.Struct("=HH")


def ruleset() -> tuple[Ruleset, str]:
    """Return the chains with their rules, and the sets that they look into; raises OSError."""
    unread: list[str] = []
    legacy = _legacy()
    try:
        chains = [one for body in _dump(GET_CHAIN) if (one := read_chain(body)) is not None]
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.EPROTONOSUPPORT, errno.ENOENT):
            raise
        return Ruleset(legacy=legacy, unread=("this kernel has no nftables",)), "netlink"
    rules: dict[tuple[str, str, str], list[FilterRule]] = {}
    if chains:
        for count, body in enumerate(_dump(GET_RULE)):
            if count == MOST_RULES:
                unread.append(f"there are more than {MOST_RULES} rules")
                break
            found = read_rule(body)
            if found is not None:
                rules.setdefault(found[0], []).append(found[1])
    whole = tuple(
        structs.replace(chain, rules=tuple(rules.get((chain.family, chain.table, chain.name), ()))) for chain in chains
    )
    return Ruleset(whole, _sets(unread) if rules else {}, legacy, tuple(unread)), "netlink (NETLINK_NETFILTER)"


def _dump(kind: int, family: int = 0, said: bytes = b"") -> Iterator[bytes]:
    for _, body in ask(NETLINK_NETFILTER, kind, DUMP, _GENERIC.pack(family, 0, 0) + said):
        if len(body) >= _GENERIC.size:
            yield body


def read_chain(body: bytes) -> Chain | None:
    """Return a chain from a message's body; None for one of a family that IPv6 packets do not pass."""
    family = FAMILIES.get(body[0])
    if family is None:
        return None
    said = attributes(body[_GENERIC.size :])
    hook = attributes(said.get(4, b""))
    number = _number(hook.get(1, b""))
    name = "ingress" if family == "netdev" else HOOKS[number] if 4 in said and number < len(HOOKS) else ""
    return Chain(
        _text(said.get(1, b"")),
        _text(said.get(3, b"")),
        family,
        name,
        int.from_bytes(hook.get(2, b""), "big", signed=True),
        VERDICTS.get(_number(said[5]), "accept") if 5 in said else "accept",
        _text(said.get(7, b"")) or "filter",
    )


def read_rule(body: bytes) -> tuple[tuple[str, str, str], FilterRule] | None:
    """Return a rule from a message's body, with the family, table and name of its chain."""
    family = FAMILIES.get(body[0])
    if family is None:
        return None
    said = attributes(body[_GENERIC.size :])
    listed = tuple(expression(one) for one in _list(said.get(4, b"")))
    packets = next((one.values.get("packets") for one in listed if one.name == "counter"), None)
    place = family, _text(said.get(1, b"")), _text(said.get(2, b""))
    return place, FilterRule(_number(said.get(3, b"")), listed, packets if isinstance(packets, int) else None)


def expression(data: bytes) -> Expression:
    """Return an expression; attributes that are not known are kept by their number, as ``attribute N``."""
    said = attributes(data)
    name = _text(said.get(1, b""))
    declared = EXPRESSIONS.get(name, {})
    values: dict[str, int | str | bytes] = {}
    for kind, raw in attributes(said.get(2, b"")).items():
        word, shape = declared.get(kind, (f"attribute {kind}", BYTES))
        if shape == DATA:
            values.update(_data(word, raw))
        elif shape in (NUMBER, LONG, BYTE):
            values[word] = _number(raw)
        else:
            values[word] = _text(raw) if shape == TEXT else raw
    return Expression(name, values)


def _data(word: str, raw: bytes) -> dict[str, int | str | bytes]:
    """Return a value, or a verdict and where it leads."""
    said = attributes(raw)
    if 2 not in said:
        return {word: said.get(1, b"")}
    verdict = attributes(said[2])
    code = int.from_bytes(verdict.get(1, b""), "big", signed=True)
    found: dict[str, int | str | bytes] = {"verdict": VERDICTS.get(code, str(code))}
    return {**found, "chain": _text(verdict[2])} if 2 in verdict else found


def _sets(unread: list[str]) -> dict[tuple[str, str, str], tuple[Element, ...]]:
    """Return the elements of all sets; what is too much is said in ``unread``."""
    found: dict[tuple[str, str, str], tuple[Element, ...]] = {}
    for count, body in enumerate(list(_dump(GET_SET))):
        if count == MOST_SETS:
            unread.append(f"there are more than {MOST_SETS} sets")
            break
        said = attributes(body[_GENERIC.size :])
        table, name = said.get(1, b""), said.get(2, b"")
        family = FAMILIES.get(body[0])
        if family is None:
            continue
        elements: list[Element] = []
        for answer in _dump(GET_ELEMENT, body[0], _attribute(1, table) + _attribute(2, name)):
            elements += read_elements(answer)
            if len(elements) > MOST_ELEMENTS:
                unread.append(f"the set {_text(name)} has more than {MOST_ELEMENTS} elements")
                break
        found[family, _text(table), _text(name)] = tuple(elements[:MOST_ELEMENTS])
    return found


def read_elements(body: bytes) -> list[Element]:
    """Return the elements of a set from a message's body."""
    listed = _list(attributes(body[_GENERIC.size :]).get(3, b""))
    return [_element(attributes(one)) for one in listed]


def _element(said: dict[int, bytes]) -> Element:
    key = attributes(said.get(1, b"")).get(1, b"")
    target = _data("data", said[2]) if 2 in said else {}
    ends = bool(_number(said.get(3, b"")) & 1)
    return Element(key, ends, str(target.get("verdict", "")), str(target.get("chain", "")))


def _list(data: bytes) -> Iterator[bytes]:
    """Yield the elements of a list: attributes that are all of one kind."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        size, _ = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or at + size > len(data):
            return
        yield data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4


def _attribute(kind: int, value: bytes) -> bytes:
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def _legacy() -> tuple[str, ...]:
    """Return the tables of ip6_tables that there are."""
    with suppress(OSError):
        return tuple(words(NET / "ip6_tables_names").split())
    return ()


def _number(data: bytes) -> int:
    """Return a number in network byte order, 0 for none."""
    return int.from_bytes(data[:8], "big")


def _text(data: bytes) -> str:
    return os.fsdecode(data.partition(b"\0")[0])
