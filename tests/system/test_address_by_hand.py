"""Addresses that an administrator takes from a node's TUN interface, or gives it: the node follows, and says so."""

from collections.abc import Iterator

import pytest
from lab_grounds import needs_root
from scenario import HOME_AGENT, Scenario, scenario

from mipsh.linux import addresses
from mipsh.linux.addresses import Address
from mipsh.wire.address import parse
from mipsh.wire.mobility import BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet

pytestmark = [pytest.mark.system, needs_root]

LINK = "foreign1"
BY_HAND = "2001:db8:2::77"


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario() as built:
        yield built


def on_tun(lab: Scenario) -> dict[str, Address]:
    """Return the addresses of the mobile node's TUN interface."""
    found = lab.inside("mn", addresses.global_addresses)
    return {one.address: one for one in found}


def care_of(lab: Scenario) -> Address:
    """Return the care-of address as the mobile node's kernel has it."""
    lab.settle("mn", LINK)
    registered = lab.care_of_address("mn")
    assert registered is not None
    return on_tun(lab)[registered]


def sequence(lab: Scenario) -> int:
    """Return the number of the last Binding Update that the home agent took."""
    return int(lab.bindings("ha")[lab.home_address("mn")]["sequence"])


def updates(packets: list[Packet]) -> list[Packet]:
    """Return the Binding Updates among some packets."""
    found = []
    for packet in packets:
        upper = packet.upper
        if isinstance(upper, MobilityHeader) and isinstance(upper.message, BindingUpdate):
            found.append(packet)
    return found


def test_a_care_of_address_that_goes_and_comes_is_registered_anew(lab: Scenario) -> None:
    """Though the home agent had it all the time; the Binding Update is on the link."""
    was = care_of(lab)
    before = sequence(lab)
    with lab.heard(LINK) as packets:
        lab.inside("mn", lambda: addresses.delete_address(was))
        lab.until(lambda: not lab.peers("mn") or lab.peers("mn")[HOME_AGENT]["interface"] is None, "loss")
        assert was.address not in on_tun(lab)
        assert sequence(lab) == before
        lab.inside("mn", lambda: addresses.add_address(was))
        lab.until(lambda: sequence(lab) != before, "another Binding Update")
        lab.await_registered()
    (sent, *_) = updates(packets)
    assert sent.source == parse(was.address)
    assert was.address in on_tun(lab)
    assert lab.ping("mn", HOME_AGENT).lost == 0


def test_an_address_that_goes_and_comes_at_once(lab: Scenario) -> None:
    """The node is not deceived by its being there when it looks."""
    was = care_of(lab)
    before = sequence(lab)

    def both() -> None:
        addresses.delete_address(was)
        addresses.add_address(was)

    lab.inside("mn", both)
    lab.until(lambda: sequence(lab) != before, "another Binding Update")
    lab.await_registered()
    assert lab.ping("mn", HOME_AGENT).lost == 0


def test_an_address_that_goes_does_not_come_back_by_itself(lab: Scenario) -> None:
    """Advertisements do not bring it back, but another one that is given is used, and after a move all is as ever."""
    was = care_of(lab)
    chosen = Address(BY_HAND, 128, was.interface, ("nodad",))
    lab.inside("mn", lambda: addresses.delete_address(was))
    lab.inside("mn", lambda: addresses.add_address(chosen))
    lab.until(lambda: lab.care_of_address("mn") == BY_HAND, "registration of the chosen address")
    assert was.address not in on_tun(lab)
    lab.settle("mn", "foreign2")
    lab.settle("mn", LINK)
    assert lab.care_of_address("mn") == was.address


def test_a_home_address_is_put_back(lab: Scenario) -> None:
    """It is the configuration's."""
    care_of(lab)
    home = on_tun(lab)[lab.home_address("mn")]
    before = sequence(lab)
    lab.inside("mn", lambda: addresses.delete_address(home))
    lab.until(lambda: home.address in on_tun(lab), "home address")
    assert sequence(lab) == before
    assert lab.ping("mn", HOME_AGENT).lost == 0


def test_an_interface_that_was_off_is_no_administrators_wish(lab: Scenario) -> None:
    """The kernel takes all addresses away then; they are all given again, and nothing is sent."""
    was = care_of(lab)
    before = sequence(lab)

    def blink() -> None:
        addresses.set_up(was.interface, False)
        addresses.set_up(was.interface, True)

    lab.inside("mn", blink)
    lab.until(lambda: set(on_tun(lab)) == {was.address, lab.home_address("mn")}, "addresses")
    assert lab.ping("mn", HOME_AGENT).lost == 0
    assert sequence(lab) == before


def test_an_address_that_fits_nowhere_is_left_alone(lab: Scenario) -> None:
    """It is none of the node's."""
    was = care_of(lab)
    before = sequence(lab)
    strange = Address("2001:db8:77::1", 128, was.interface, ("nodad",))
    lab.inside("mn", lambda: addresses.add_address(strange))
    assert lab.ping("mn", HOME_AGENT).lost == 0
    lab.inside("mn", lambda: addresses.delete_address(strange))
    assert (sequence(lab), lab.care_of_address("mn")) == (before, was.address)
