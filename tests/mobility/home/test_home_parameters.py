"""What a home agent is configured with: anycast addresses, links by address, policy, protection."""

import pytest

from mipsh.mobility.effects import Protection, Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink, HomeLinks
from mipsh.wire.address import parse
from mipsh.wire.ndp import ON_LINK, ROUTER_ADDRESS

PREFIX, ADDRESS = parse("2001:db8:0:1::"), parse("2001:db8:0:1::1")
LINK = HomeLink("eth0", ADDRESS, PREFIX)
HOME = parse("2001:db8:0:1::aa")


@pytest.mark.parametrize(
    ("prefix", "length", "expected"),
    [
        ("2001:db8:0:1::", 64, "2001:db8:0:1:fdff:ffff:ffff:fffe"),
        ("2001:db8:0:1::", 80, "2001:db8:0:1:0:ffff:ffff:fffe"),
        ("2001:db8::", 48, "2001:db8:0:ffff:ffff:ffff:ffff:fffe"),
        ("2001:db8::", 120, "2001:db8::fe"),
    ],
)
def test_anycast_addresses(prefix: str, length: int, expected: str) -> None:
    """RFC 2526: behind a /64 with the universal bit clear, else ones but for the last 7 bits."""
    assert HomeLink("eth0", ADDRESS, parse(prefix), length).anycast == parse(expected)


@pytest.mark.parametrize(("flags", "shown"), [(ON_LINK, PREFIX), (ON_LINK | ROUTER_ADDRESS, ADDRESS)])
def test_the_prefix_information(flags: int, shown: bytes) -> None:
    """RFC 6275 section 7.2: with the R flag it holds the whole address."""
    information = HomeLink("eth0", ADDRESS, PREFIX, valid_s=20, preferred_s=10, flags=flags).information
    assert (information.prefix, information.length, information.flags) == (shown, 64, flags)
    assert (information.valid_s, information.preferred_s) == (20, 10)


def test_links_by_address() -> None:
    """The first that fits; a prefix that is not valid any more is none."""
    wide = HomeLink("eth1", parse("2001:db8::1"), parse("2001:db8::"), 32)
    gone = HomeLink("eth2", parse("2001:db9::1"), parse("2001:db9::"), valid_s=0)
    links = HomeLinks((LINK, wide, gone))
    assert links.of(HOME) == LINK
    assert links.of(parse("2001:db8:5::1")) == wide
    assert links.of(parse("2001:db9::2")) is None
    assert links.of(parse("2001:dba::2")) is None
    assert links.on("eth1") == [wide]
    assert links.interfaces == ("eth0", "eth1", "eth2")


def test_reserved_addresses() -> None:
    """The home agent's own, and the anycast addresses of home agents and routers."""
    links = HomeLinks((LINK,))
    assert [links.is_reserved(a) for a in (ADDRESS, LINK.anycast, PREFIX, HOME)] == [True, True, True, False]


@pytest.mark.parametrize(
    ("denied", "allowed", "expected"),
    [
        ((), (), True),
        (((PREFIX, 64),), (), False),
        (((ADDRESS, 128),), (), True),
        ((), ((PREFIX, 64),), True),
        ((), ((ADDRESS, 128),), False),
        (((HOME, 128),), ((PREFIX, 64),), False),
    ],
)
def test_policy(denied: tuple[tuple[bytes, int], ...], allowed: tuple[tuple[bytes, int], ...], expected: bool) -> None:
    """What is denied is refused although it is allowed; allowed is everything where nothing is named."""
    assert HomeAgentParameters((LINK,), denied=denied, allowed=allowed).permits(HOME) == expected


def test_protection() -> None:
    """Only what is required is asked for; another mobile node's association never fits."""
    open_to_all = HomeAgentParameters((LINK,))
    strict = HomeAgentParameters((LINK,), required=frozenset((Purpose.REGISTRATION,)))
    right = Protection(Purpose.REGISTRATION, HOME)
    wrong = Protection(Purpose.REGISTRATION, ADDRESS), Protection(Purpose.PAYLOAD, HOME)
    assert strict.protection(Purpose.REGISTRATION, HOME) == right
    assert strict.protection(Purpose.PAYLOAD, HOME) is None
    assert open_to_all.protection(Purpose.REGISTRATION, HOME) is None
    for parameters in (open_to_all, strict):
        assert parameters.is_protected(right, Purpose.REGISTRATION, HOME)
        assert not any(parameters.is_protected(other, Purpose.REGISTRATION, HOME) for other in wrong)
    assert open_to_all.is_protected(None, Purpose.REGISTRATION, HOME)
    assert not strict.is_protected(None, Purpose.REGISTRATION, HOME)
