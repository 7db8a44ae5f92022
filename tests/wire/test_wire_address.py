"""Addresses as 16 bytes."""

import pytest

from mipsh.wire.address import (
    ALL_NODES,
    LOOPBACK,
    UNSPECIFIED,
    home_agents_anycast,
    in_prefix,
    interface_identifier,
    is_link_local,
    is_multicast,
    is_unicast_routable,
    parse,
    solicited_node,
    text,
)


def test_text_and_back() -> None:
    """RFC 5952 out, any form in."""
    assert text(parse("2001:0DB8:0:0:1:0:0:1")) == "2001:db8::1:0:0:1"
    with pytest.raises(ValueError, match="not an IPv6 address"):
        parse("2001:db8::g")


@pytest.mark.parametrize(
    ("address", "multicast", "link_local", "routable"),
    [
        ("ff02::1", True, False, False),
        ("fe80::1", False, True, False),
        ("febf::1", False, True, False),
        ("fec0::1", False, False, True),
        ("2001:db8::1", False, False, True),
        ("::", False, False, False),
        ("::1", False, False, False),
        ("::ffff:192.0.2.1", False, False, False),
    ],
)
def test_scopes(address: str, multicast: bool, link_local: bool, routable: bool) -> None:
    """What can be a home address or a care-of address, and what not."""
    packed = parse(address)
    assert (is_multicast(packed), is_link_local(packed), is_unicast_routable(packed)) == (
        multicast,
        link_local,
        routable,
    )


def test_addresses_made_from_others() -> None:
    """Solicited-node (RFC 4291 2.7.1), home agents anycast (RFC 2526), EUI-64 (RFC 4291 appendix A)."""
    assert text(solicited_node(parse("2001:db8::1:203:405"))) == "ff02::1:ff03:405"
    assert text(home_agents_anycast(parse("2001:db8:1:2::5"))) == "2001:db8:1:2:fdff:ffff:ffff:fffe"
    assert interface_identifier(bytes.fromhex("020000000001")).hex() == "000000fffe000001"
    assert (text(UNSPECIFIED), text(LOOPBACK), text(ALL_NODES)) == ("::", "::1", "ff02::1")


@pytest.mark.parametrize(
    ("address", "prefix", "length", "inside"),
    [
        ("2001:db8:1::5", "2001:db8:1::", 64, True),
        ("2001:db8:1:1::5", "2001:db8:1::", 64, False),
        ("2001:db8:1:1::5", "2001:db8:1::", 63, True),
        ("::5", "ff00::", 0, True),
        ("::5", "::5", 128, True),
        ("::5", "::4", 128, False),
    ],
)
def test_prefixes(address: str, prefix: str, length: int, inside: bool) -> None:
    """Any length, also none and all."""
    assert in_prefix(parse(address), parse(prefix), length) == inside
