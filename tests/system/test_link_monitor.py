"""The state of interfaces is told as it changes, and nothing stays untold when the kernel had to drop messages."""

import selectors
from collections.abc import Iterator
from functools import partial

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.addresses import Address, add_address, delete_address, set_up
from mipsh.linux.link_monitor import LinkMonitor
from mipsh.wire.address import parse

pytestmark = [pytest.mark.system, needs_namespaces]

FLOOD = 600


@pytest.fixture
def netns() -> Iterator[Netns]:
    """Two namespaces with a cable between them."""
    with Netns("here", "there") as made:
        made.cable(("here", "eth0"), ("there", "eth0"))
        yield made


@pytest.fixture
def monitor(netns: Netns) -> Iterator[LinkMonitor]:
    """What listens in one of them, and has heard of the links that are there."""
    with netns.inside("here", LinkMonitor) as made:
        assert set(told_until(made, ("eth0", True))) == {("lo", True), ("eth0", True)}
        yield made


def told_until(monitor: LinkMonitor, last: tuple[str, bool]) -> list[tuple[str, bool]]:
    """Return what is told, up to a change."""
    told: list[tuple[str, bool]] = []
    with selectors.DefaultSelector() as selector:
        selector.register(monitor, selectors.EVENT_READ)
        while last not in told:
            assert selector.select(DEADLINE_S)
            told += monitor.changes()
    return told


def test_a_carrier_that_goes_and_comes(netns: Netns, monitor: LinkMonitor) -> None:
    """It depends on the other end."""
    netns.inside("there", lambda: links.set_up("eth0", is_up=False))
    assert told_until(monitor, ("eth0", False)) == [("eth0", False)]
    netns.inside("there", lambda: links.set_up("eth0"))
    assert told_until(monitor, ("eth0", True)) == [("eth0", True)]
    assert monitor.changes() == []


def test_an_interface_that_is_switched_off(netns: Netns, monitor: LinkMonitor) -> None:
    """It has no link, whatever the other end does."""
    netns.inside("here", lambda: links.set_up("eth0", is_up=False))
    assert told_until(monitor, ("eth0", False)) == [("eth0", False)]


def test_one_that_was_away_for_a_moment_is_told_as_both(netns: Netns, monitor: LinkMonitor) -> None:
    """It may be on another link now."""

    def blink() -> None:
        links.set_up("eth0", is_up=False)
        links.set_up("eth0")

    netns.inside("there", blink)
    told = told_until(monitor, ("eth0", True))
    assert told[-2:] == [("eth0", False), ("eth0", True)]


def test_an_interface_that_is_new_and_one_that_is_gone(netns: Netns, monitor: LinkMonitor) -> None:
    """As if it had lost its link."""
    netns.cable(("here", "eth1"), ("there", "eth1"))
    assert told_until(monitor, ("eth1", True)) == [("eth1", True)]
    netns.inside("there", remove)
    assert told_until(monitor, ("eth1", False)) == [("eth1", False)]


def remove() -> None:
    """Remove an interface."""
    from pyroute2 import IPRoute

    with IPRoute() as kernel:
        kernel.link("del", ifname="eth1")


def test_messages_that_were_lost_are_made_up_for(netns: Netns, monitor: LinkMonitor) -> None:
    """More happens than the kernel keeps; the state at the end is told."""

    def flood() -> None:
        for number in range(FLOOD):
            links.set_mtu("eth0", 1300 + number % 2)

    netns.inside("here", flood)
    netns.inside("there", lambda: links.set_up("eth0", is_up=False))
    assert told_until(monitor, ("eth0", False)) == [("eth0", False)]


# Addresses of one interface.

ONE, OTHER = "2001:db8::1", "2001:db8::2"


@pytest.fixture
def watching(netns: Netns) -> Iterator[LinkMonitor]:
    """What listens to the addresses of eth0, too, and has heard of the links."""
    with netns.inside("here", lambda: LinkMonitor("eth0")) as made:
        told_until(made, ("eth0", True))
        yield made


def addresses_until(monitor: LinkMonitor, last: tuple[bytes, bool]) -> list[tuple[bytes, bool]]:
    """Return what is told of global addresses, up to a change."""
    told: list[tuple[bytes, bool]] = []
    with selectors.DefaultSelector() as selector:
        selector.register(monitor, selectors.EVENT_READ)
        while last not in told:
            assert selector.select(DEADLINE_S)
            monitor.changes()
            told += [change for change in monitor.addresses() if change[0][:1] == b"\x20"]
    return told


def test_addresses_that_come_and_go(netns: Netns, watching: LinkMonitor) -> None:
    """Those of the interface alone."""
    elsewhere, here = Address(OTHER, 128, "lo"), Address(ONE, 128, "eth0", ("nodad",))
    for change, is_there in ((add_address, True), (delete_address, False)):
        netns.inside("here", partial(change, elsewhere))
        netns.inside("here", partial(change, here))
        # The kernel tells of an address some time after it was given, unless it is gone by then.
        assert addresses_until(watching, (parse(ONE), is_there)) == [(parse(ONE), is_there)]
    assert watching.addresses() == []


def test_addresses_of_an_interface_that_is_switched_off_are_not_told(netns: Netns, watching: LinkMonitor) -> None:
    """They are all gone; those that come when it is on again are told."""
    here, other = Address(ONE, 128, "eth0", ("nodad",)), Address(OTHER, 128, "eth0", ("nodad",))

    def blink() -> None:
        set_up("eth0", False)
        set_up("eth0", True)
        add_address(other)

    netns.inside("here", partial(add_address, here))
    told = addresses_until(watching, (parse(ONE), True))
    netns.inside("here", blink)
    told += addresses_until(watching, (parse(OTHER), True))
    netns.inside("here", partial(delete_address, other))
    told += addresses_until(watching, (parse(OTHER), False))
    assert (parse(ONE), False) not in told


def test_an_interface_whose_addresses_may_have_changed_unheard_is_told(netns: Netns, watching: LinkMonitor) -> None:
    """As if it had been off."""

    def flood() -> None:
        for number in range(FLOOD):
            links.set_mtu("eth0", 1300 + number % 2)

    netns.inside("here", flood)
    assert told_until(watching, ("eth0", True))[-2:] == [("eth0", False), ("eth0", True)]


def test_an_interface_that_is_not_there_is_not_listened_to(netns: Netns) -> None:
    """It is said so."""
    with pytest.raises(MipshError, match="listen to the state of the interfaces"):
        netns.inside("here", lambda: LinkMonitor("nosuch0"))
