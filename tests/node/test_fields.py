"""Addresses, prefixes and their lengths as text."""

from collections.abc import Callable

import pytest

from mipsh.node import fields
from mipsh.node.fields import FieldError
from mipsh.wire.address import parse


def test_texts_are_understood() -> None:
    """Each becomes bytes, with a length where there is one."""
    assert fields.address("fe80::1", "f") == parse("fe80::1")
    assert fields.node_address("2001:db8::1", "f") == parse("2001:db8::1")
    assert fields.own_address("2001:db8::1/64", "f") == (parse("2001:db8::1"), 64)
    assert fields.prefix("2001:db8::/32", "f") == (parse("2001:db8::"), 32)
    assert fields.prefix("::/0", "f") == (bytes(16), 0)
    assert fields.shown(parse("2001:db8::"), 32) == "2001:db8::/32"


@pytest.mark.parametrize(
    ("understand", "text", "problem"),
    [
        (fields.address, "10.0.0.1", "expected an IPv6 address, found '10.0.0.1'"),
        (fields.address, "fe80::1%eth0", "expected an IPv6 address without a zone, found 'fe80::1%eth0'"),
        (fields.node_address, "ff02::1", "expected a global unicast address, found 'ff02::1'"),
        (fields.own_address, "2001:db8::1", "expected an IPv6 address/length, found '2001:db8::1'"),
        (fields.own_address, "2001:db8::1/129", "expected an IPv6 address/length, found '2001:db8::1/129'"),
        (fields.own_address, "2001:db8::1/", "expected an IPv6 address/length, found '2001:db8::1/'"),
        (fields.own_address, "2001:db8::1/²", "expected an IPv6 address/length, found '2001:db8::1/²'"),
        (fields.own_address, "2001:db8::1/" + "9" * 9999, "expected an IPv6 address/length, found"),
        (fields.own_address, "fe80::1/64", "expected a global unicast address, found 'fe80::1/64'"),
        (fields.prefix, "2001:db8::1/64", "expected a prefix with zeros behind it, found '2001:db8::1/64'"),
        (fields.prefix, "nothing", "expected an IPv6 prefix/length, found 'nothing'"),
    ],
)
def test_texts_are_refused(understand: Callable[[str, str], object], text: str, problem: str) -> None:
    """The field is named, what was expected, and what was found."""
    with pytest.raises(FieldError) as caught:
        understand(text, "routes[0].to")
    assert caught.value.field == "routes[0].to"
    assert caught.value.problem.startswith(problem)
    assert caught.value.message == f"routes[0].to: {caught.value.problem}"
