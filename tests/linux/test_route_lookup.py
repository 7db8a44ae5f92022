"""What this machine's routing says, asked over netlink."""

import pytest

from mipsh.linux.addresses import global_addresses
from mipsh.linux.route_lookup import lookup


def test_the_loopback_is_local() -> None:
    """It is never the way out."""
    found = lookup("", "::1")
    assert (found.kind, found.interface, found.leads_out) == ("local", "lo", False)


def test_own_addresses_are_local() -> None:
    """Whatever this machine has."""
    for one in global_addresses():
        if "tentative" not in one.flags:
            assert lookup("", one.address).kind == "local"


@pytest.mark.parametrize("source", ["", "::1"])
def test_elsewhere_has_an_answer(source: str) -> None:
    """A route, or the word for none."""
    found = lookup(source, "2001:db8:ffff::1")
    assert found.kind in ("unicast", "unreachable", "blackhole", "prohibit")
    assert found.leads_out is (found.kind == "unicast" and found.interface not in ("", "lo"))
