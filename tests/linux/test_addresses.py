"""What is done to addresses has its command; the addresses of this machine can be read by anybody."""

import pytest

from mipsh.linux.addresses import (
    Address,
    add_command,
    delete_command,
    global_addresses,
    set_up_command,
)
from mipsh.wire.address import is_link_local, parse


@pytest.mark.parametrize(
    ("address", "command"),
    [
        (Address("2001:db8::1", 64, "eth0"), "ip -6 addr replace 2001:db8::1/64 dev eth0"),
        (
            Address("2001:db8::1", 128, "eth0", ("nodad", "home", "permanent")),
            "ip -6 addr replace 2001:db8::1/128 dev eth0 nodad home",
        ),
        (
            Address("2001:db8::1", 64, "eth0", ("mngtmpaddr", "noprefixroute"), 500, 400),
            "ip -6 addr replace 2001:db8::1/64 dev eth0 valid_lft 500 preferred_lft 400 mngtmpaddr noprefixroute",
        ),
        (
            Address("2001:db8::1", 64, "eth0", (), 500, None),
            "ip -6 addr replace 2001:db8::1/64 dev eth0 valid_lft 500 preferred_lft 500",
        ),
        (
            Address("2001:db8::1", 64, "eth0", ("deprecated",), None, 0),
            "ip -6 addr replace 2001:db8::1/64 dev eth0 preferred_lft 0",
        ),
    ],
)
def test_the_command_that_gives_an_address_back(address: Address, command: str) -> None:
    """With what can be asked for; what the kernel makes of an address is left to it."""
    assert add_command(address) == command


def test_the_other_commands() -> None:
    """They take away, and switch on and off."""
    assert delete_command(Address("2001:db8::1", 64, "eth0")) == "ip -6 addr del 2001:db8::1/64 dev eth0"
    assert set_up_command("eth0", True) == "ip link set dev eth0 up"
    assert set_up_command("eth0", False) == "ip link set dev eth0 down"


def test_this_machines_addresses() -> None:
    """Global ones only, none of the loopback; those of one interface are some of all."""
    found = global_addresses()
    assert not any(is_link_local(parse(one.address)) or one.interface == "lo" for one in found)
    assert all(0 <= one.length <= 128 for one in found)
    for one in found:
        assert one in global_addresses(one.interface)
    assert global_addresses("nosuch0") == []
