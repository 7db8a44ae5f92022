"""What a mobile node takes from Router Advertisements."""

from mobile_home_world import HOME_PREFIX, R1, R1_GLOBAL, R1_PREFIX, R2_GLOBAL, advertisement, prefix_option

from mipsh.mobility.mobile.routers import (
    FOREVER,
    MOST_ADDRESSES,
    MOST_PREFIXES,
    Prefix,
    Router,
    end_of,
    global_addresses,
    leading_bits,
    read_prefixes,
)
from mipsh.wire import ndp
from mipsh.wire.address import parse


def router() -> Router:
    """Return a router that was just heard for the first time."""
    return Router(R1, 0.0, 0.0, 0.0)


def test_prefixes_have_zeros_behind_them_and_ends() -> None:
    """A prefix may be advertised as a whole address; link-local, multicast and overlong ones say nothing."""
    options = (
        prefix_option(R1_GLOBAL, valid_s=100),
        prefix_option(parse("fe80::")),
        prefix_option(parse("ff02::")),
        prefix_option(HOME_PREFIX, length=129),
        ndp.Mtu(1500),
    )
    assert list(read_prefixes(options, 10.0)) == [Prefix(R1_PREFIX, 64, True, 110.0, 110.0)]
    assert end_of(ndp.INFINITY, 5.0) == FOREVER
    assert leading_bits(R1_GLOBAL, 0) == bytes(16)


def test_prefixes_come_and_go() -> None:
    """A lifetime of zero ends one; there are no more than so many."""
    heard = router()
    heard.hear(advertisement(R1_PREFIX), 1.0)
    assert list(heard.prefixes) == [(R1_PREFIX, 64)]
    heard.hear(advertisement(R1_PREFIX, valid_s=0), 2.0)
    assert heard.prefixes == {}
    for number in range(MOST_PREFIXES + 5):
        heard.hear(advertisement(parse(f"2001:db8:1:{number:x}::")), 3.0)
    assert len(heard.prefixes) == MOST_PREFIXES
    heard.hear(advertisement(parse("2001:db8:1::"), valid_s=5), 4.0)
    assert heard.prefixes[parse("2001:db8:1::"), 64].valid_until == 9


def test_addresses_of_a_router() -> None:
    """From the R flag; they are what it is confirmed by, and there are no more than so many."""
    heard = router()
    assert heard.confirmed_at == R1
    heard.hear(advertisement(R1_GLOBAL, R2_GLOBAL), 1.0)
    assert heard.confirmed_at == R1_GLOBAL
    assert heard.is_at(R2_GLOBAL)
    assert heard.is_at(R1)
    assert not heard.is_at(HOME_PREFIX)
    many = advertisement(*(parse(f"2001:db8:1:{number:x}::1") for number in range(20)))
    assert len(global_addresses(many)) == MOST_ADDRESSES
    for _ in range(5):
        heard.hear(many, 2.0)
    assert len(heard.addresses) <= 2 * MOST_ADDRESSES


def test_when_a_router_goes_missing() -> None:
    """After three of the intervals that it promised; a promise of none is not believed."""
    heard = router()
    assert (heard.missing_at, heard.interval_s) == (None, None)
    heard.hear(advertisement(options=(ndp.AdvertisementInterval(1000),)), 10.0)
    assert heard.missing_at == 13
    heard.hear(advertisement(options=(ndp.AdvertisementInterval(0),)), 10.0)
    assert (heard.missing_at or 0) > 10
