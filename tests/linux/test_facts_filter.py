"""The packet filter as nftables says it: chains, rules and sets, from messages as the kernel writes them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.checks.sources import Element, Expression
from mipsh.linux import facts_filter
from mipsh.linux.facts_filter import expression, read_chain, read_elements, read_rule

IP6, INET = 10, 1


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def number(kind: int, value: int) -> bytes:
    """Return an attribute with a number in network byte order."""
    return attribute(kind, struct.pack("!I", value & 0xFFFFFFFF))


def text(kind: int, value: str) -> bytes:
    """Return an attribute with a text."""
    return attribute(kind, value.encode() + b"\0")


def body(*attributes: bytes, family: int = IP6) -> bytes:
    """Return the body of a message."""
    return struct.pack("!BBH", family, 0, 0) + b"".join(attributes)


def made(name: str, *values: bytes) -> bytes:
    """Return an expression, as an element of a list."""
    return attribute(1, text(1, name) + attribute(2, b"".join(values)))


def value(kind: int, data: bytes) -> bytes:
    """Return a value of an expression."""
    return attribute(kind, attribute(1, data))


def verdict(kind: int, code: int, chain: str = "") -> bytes:
    """Return a verdict of an expression."""
    return attribute(kind, attribute(2, number(1, code) + (text(2, chain) if chain else b"")))


def test_a_base_chain_has_its_hook_and_its_policy() -> None:
    """And one that is jumped to has neither."""
    hook = attribute(4, number(1, 1) + number(2, -150))
    found = read_chain(body(text(1, "filter"), text(3, "in"), hook, number(5, 0), text(7, "filter")))
    assert found is not None
    assert (found.table, found.name, found.family, found.hook) == ("filter", "in", "ip6", "input")
    assert (found.priority, found.policy, found.kind) == (-150, "drop", "filter")
    other = read_chain(body(text(1, "filter"), text(3, "more"), family=INET))
    assert other is not None
    assert (other.hook, other.policy, other.family) == ("", "accept", "inet")
    assert read_chain(body(text(1, "filter"), family=2)) is None


def test_a_rule_is_its_expressions_with_names() -> None:
    """``meta l4proto 135 counter drop``."""
    listed = (
        made("meta", number(1, 1), number(2, 16))
        + made("cmp", number(1, 1), number(2, 0), value(3, b"\x87"))
        + made("counter", attribute(1, struct.pack("!Q", 80)), attribute(2, struct.pack("!Q", 2)))
        + made("immediate", number(1, 0), verdict(2, 0))
    )
    rule = body(text(1, "filter"), text(2, "in"), attribute(3, struct.pack("!Q", 7)), attribute(4, listed))
    found = read_rule(rule)
    assert found is not None
    place, said = found
    assert place == ("ip6", "filter", "in")
    assert (said.handle, said.packets) == (7, 2)
    assert said.expressions == (
        Expression("meta", {"dreg": 1, "key": 16}),
        Expression("cmp", {"sreg": 1, "op": 0, "data": b"\x87"}),
        Expression("counter", {"bytes": 80, "packets": 2}),
        Expression("immediate", {"dreg": 0, "verdict": "drop"}),
    )


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (made("immediate", number(1, 0), verdict(2, -3, "more")), {"dreg": 0, "verdict": "jump", "chain": "more"}),
        (made("exthdr", number(1, 1), attribute(2, b"\x3c"), number(5, 1)), {"dreg": 1, "type": 60, "flags": 1}),
        (made("lookup", text(1, "__set0"), number(2, 1)), {"set": "__set0", "sreg": 1}),
        (made("match", text(1, "mh"), number(2, 0), attribute(3, b"\x05\x05")), None),
        (made("quota", attribute(9, b"\1")), {"attribute 9": b"\1"}),
    ],
)
def test_expressions_are_read_by_what_is_declared_of_them(data: bytes, found: dict[str, object] | None) -> None:
    """Others keep their attributes by their numbers."""
    said = expression(data[4:])
    assert said.values == (found or {"name": "mh", "rev": 0, "info": b"\x05\x05"})


def test_the_elements_of_sets_and_verdict_maps_are_read() -> None:
    """With the ends of intervals."""
    one = attribute(1, value(1, b"\x87"))
    end = attribute(1, value(1, b"\x88") + number(3, 1))
    mapped = attribute(1, value(1, b"\x05") + verdict(2, 1))
    found = read_elements(body(text(1, "filter"), text(2, "__set0"), attribute(3, one + end + mapped)))
    assert found == [Element(b"\x87"), Element(b"\x88", ends_interval=True), Element(b"\x05", verdict="accept")]


def test_the_filter_of_this_machine_can_be_read_or_says_why_not() -> None:
    """It is never changed by that."""
    try:
        found, origin = facts_filter.ruleset()
    except PermissionError as error:
        assert error.errno
    else:
        assert origin
        assert isinstance(found.chains, tuple)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_left_out(data: bytes) -> None:
    """Nothing is raised, since what is filtered may be named by anybody."""
    whole = body() + data
    read_chain(whole)
    read_rule(whole)
    read_elements(whole)
    assert isinstance(expression(data).name, str)
