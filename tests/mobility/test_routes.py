"""Configured routes: the longest prefix wins."""

from mipsh.mobility.routes import Route, Routes
from mipsh.wire.address import parse

DEFAULT, SITE, HOST = Route("eth0", parse("fe80::1")), Route("eth1"), Route("eth2", parse("fe80::2"))


def test_the_longest_prefix_wins() -> None:
    """A host route before a site's, that before the default route."""
    routes = Routes()
    assert routes.find(parse("2001:db8::1")) is None
    routes.add(bytes(16), 0, DEFAULT)
    routes.add(parse("2001:db8::1"), 128, HOST)
    routes.add(parse("2001:db8::"), 32, SITE)
    assert len(routes) == 3
    assert routes.find(parse("2001:db8::1")) is HOST
    assert routes.find(parse("2001:db8::2")) is SITE
    assert routes.find(parse("2001:db9::1")) is DEFAULT


def test_a_route_is_replaced_and_removed() -> None:
    """What is behind the prefix in the address that names it does not count."""
    routes = Routes()
    routes.add(parse("2001:db8::7"), 64, SITE)
    routes.add(parse("2001:db8::8"), 64, HOST)
    assert len(routes) == 1
    assert routes.find(parse("2001:db8::9")) is HOST
    routes.remove(parse("2001:db8::"), 64)
    routes.remove(parse("2001:db8::"), 64)
    routes.remove(parse("2001:db8::"), 48)
    assert routes.find(parse("2001:db8::9")) is None
    assert len(routes) == 0
