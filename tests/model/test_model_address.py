"""Addresses and prefixes as text: one form for each, whatever form was typed or printed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.model.address import canonical, within

ADDRESSES = st.ip_addresses(v=6).map(str)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2001:0db8:0001:0000:0000:0000:0000:0100", "2001:db8:1::100"),
        ("2001:db8:1:0:0:0:0:100", "2001:db8:1::100"),
        ("2001:DB8::A", "2001:db8::a"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("fe80:0::1%eth0", "fe80::1%eth0"),
        ("2001:db8:0::/32", "2001:db8::/32"),
        ("2001:db8::5/064", "2001:db8::5/64"),
        ("fe80:0::1%eth0/64", "fe80::1%eth0/64"),
        ("::/0", "::/0"),
    ],
)
def test_the_form_of_rfc_5952(text: str, form: str) -> None:
    """Shortest, lower case; a zone and the host bits of a prefix are kept."""
    assert canonical(text) == form
    assert canonical(form) == form


@pytest.mark.parametrize(
    "text",
    ["", "/", "x", "1.2.3.4", "::1/", "::1/129", "::1/-1", "::1/ 64", "/64", "::g", "::1%", "::1/64/64", "1::2::3"],
)
def test_what_is_no_address(text: str) -> None:
    """Nothing is guessed."""
    assert canonical(text) is None


def test_a_mapped_address_has_one_form() -> None:
    """However it was written."""
    assert canonical("::ffff:1.2.3.4") == canonical("::ffff:102:304") == canonical("::FFFF:1.2.3.4")


@given(st.ip_addresses(v=6))
def test_every_form_of_an_address_is_one(address: ipaddress.IPv6Address) -> None:
    """Written in full or short, it comes out the same, and means the same."""
    form = canonical(address.exploded)
    assert form == canonical(str(address)) == canonical(str(address).upper())
    assert form is not None and ipaddress.IPv6Address(form) == address


@given(st.text("0123456789abcdef:/%. ", max_size=30) | st.text())
def test_any_text_is_one_or_is_none(text: str) -> None:
    """Nothing raises, and a form is final."""
    form = canonical(text)
    assert form is None or canonical(form) == form
    assert within(text, "::/0") in (True, False)
    assert within("::1", text) in (True, False)


@pytest.mark.parametrize(
    ("address", "prefix", "inside"),
    [
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("2001:db8::1", "2001:db8::99/64", True),
        ("2001:db8::1/64", "2001:db8::/32", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("::1", "::1/128", True),
        ("::1", "::/0", True),
        ("x", "::/0", False),
        ("", "::/0", False),
        ("::1", "x", False),
        ("::1", "::/129", False),
        ("::1", "", False),
    ],
)
def test_within(address: str, prefix: str, inside: bool) -> None:
    """Host bits of the prefix do not matter; what is no address is nowhere."""
    assert within(address, prefix) is inside


@given(ADDRESSES, ADDRESSES, st.integers(0, 128))
def test_within_compares_the_first_bits(left: str, right: str, length: int) -> None:
    """An address lies in a prefix exactly when their first bits are the same."""
    shift = 128 - length
    same = int(ipaddress.IPv6Address(left)) >> shift == int(ipaddress.IPv6Address(right)) >> shift
    assert within(left, f"{right}/{length}") is same
