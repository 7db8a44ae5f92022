"""Whom an echo is for and from, by the words of a person; and which echo an error is about."""

import pytest

from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.linux.addresses import Address
from mipsh.linux.echo_ends import home_addresses, known, target, warning
from mipsh.linux.echo_socket import Target, sequence_of
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Packet

HOME, CARE_OF, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"
OWN = [
    Address("2001:db8:2::9", 64, "mip0", ("tentative",)),
    Address(CARE_OF, 128, "mip0"),
    Address(HOME, 128, "mip0", ("home",)),
]


@pytest.mark.parametrize(
    ("host", "source", "expected"),
    [
        (PEER, "", Target(PEER)),
        ("2001:DB8:4:0::2", "", Target(PEER)),
        ("fe80::1%eth0", "", Target("fe80::1", "", "eth0")),
        (PEER, "home", Target(PEER, HOME)),
        (PEER, "coa", Target(PEER, CARE_OF)),
        (PEER, "2001:DB8::1", Target(PEER, "2001:db8::1")),
        (PEER, "eth1", Target(PEER, "", "eth1")),
        ("ip6-localhost%lo", "", Target("::1", "", "lo")),
    ],
)
def test_who_is_meant(host: str, source: str, expected: Target) -> None:
    """Addresses in any form, names, zones, the words for one's own addresses, an interface."""
    if host.startswith("ip6-localhost"):
        host = "::1%lo"
    assert target(host, source, OWN, [HOME], None) == expected


@pytest.mark.parametrize("host", ["", "%eth0", "2001:db8::/32", "a/b", "nul\0"])
def test_what_is_no_host(host: str) -> None:
    """It is said what it could be."""
    with pytest.raises(UsageError, match="neither an address nor a name"):
        target(host, "", OWN, [HOME], None)


@pytest.mark.parametrize("host", ["no-such-name.invalid", "x" * 300, "a..b"])
def test_a_name_that_nobody_knows(host: str) -> None:
    """It is an error, not a bug."""
    with pytest.raises(MipshError, match="no IPv6 address is known"):
        target(host, "", OWN, [HOME], None)


def test_an_address_of_its_own_that_it_has_not() -> None:
    """No home address, or none but that; a hop limit that there is not."""
    with pytest.raises(CannotTell, match="home address"):
        target(PEER, "home", OWN, [], None)
    with pytest.raises(CannotTell, match="no address but"):
        target(PEER, "care-of", OWN[2:], [HOME], None)
    with pytest.raises(UsageError, match="hop limit"):
        target(PEER, "", OWN, [HOME], 256)


def test_home_addresses_are_those_of_this_node() -> None:
    """The kernel's first; what an engine elsewhere names does not count."""
    assert home_addresses(OWN, [PEER, CARE_OF, HOME]) == [HOME, CARE_OF]
    assert known(OWN, [HOME]).home_addresses == frozenset({parse(HOME)})
    assert parse(CARE_OF) in known(OWN, [HOME]).addresses


def test_a_source_from_which_nothing_is_optimised() -> None:
    """Only where there is a home address that could be used."""
    assert warning(CARE_OF, PEER, OWN, [HOME]) is not None
    assert warning(HOME, PEER, OWN, [HOME]) is None
    assert warning(CARE_OF, PEER, OWN, []) is None
    assert warning(CARE_OF, HOME, OWN, [HOME]) is None


def test_which_request_an_error_is_about() -> None:
    """Whatever is around it; another packet, or half of one, is none of ours."""
    message = Icmpv6(EchoRequest(7, 3, bytes(8)))
    plain = Packet(parse(HOME), parse(PEER), message)
    optimised = Packet(parse(CARE_OF), parse(PEER), message, (carrying(HomeAddress(parse(HOME))),))
    tunnelled = Packet(parse(CARE_OF), parse("2001:db8:1::1"), plain)
    for packet in (plain, optimised, tunnelled):
        assert sequence_of(packet.encode(), 7) == 3
        assert sequence_of(packet.encode(), 8) is None
    assert sequence_of(plain.encode()[:48], 7) == 3
    assert sequence_of(plain.encode()[:44], 7) is None
    assert sequence_of(Packet(parse(HOME), parse(PEER), Icmpv6(EchoReply(7, 3))).encode(), 7) is None
    assert sequence_of(b"", 7) is None
