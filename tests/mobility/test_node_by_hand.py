"""A whole mobile node whose care-of address an administrator takes away and gives back: it registers anew."""

from node_world import away

from mipsh.lab.topology import Lab
from mipsh.mobility.effects import AddressAdded, AddressRemoved, Effect, Transmit
from mipsh.mobility.mobile.home_machine import State
from mipsh.wire.address import parse
from mipsh.wire.mobility import BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, decode


def state(lab: Lab) -> State:
    """Return the state of the home registration."""
    mobile_node = lab.node("mn").roles.mobile_node
    assert mobile_node is not None
    return mobile_node.registrations[0].state


def updates(effects: list[Effect]) -> list[BindingUpdate]:
    """Return the Binding Updates that were put on a link."""
    packets = [decode(effect.data) for effect in effects if isinstance(effect, Transmit)]
    uppers = [packet.upper for packet in packets if isinstance(packet, Packet)]
    messages = [upper.message for upper in uppers if isinstance(upper, MobilityHeader)]
    return [message for message in messages if isinstance(message, BindingUpdate)]


def perform(lab: Lab, effects: list[Effect]) -> list[Effect]:
    """Let the network carry out what a call into the mobile node returned."""
    lab.network.stations["mn"].perform(effects)
    return effects


def test_a_care_of_address_goes_and_comes() -> None:
    """The home agent has it still, and is told of it all the same; there is no tunnel in between."""
    lab = away()
    node = lab.node("mn")
    care_of_address = lab.registered_at("mn")
    assert care_of_address is not None
    lost = perform(lab, node.lose_address(care_of_address, lab.network.clock.now))
    assert AddressRemoved(care_of_address, "eth0") in lost
    assert (state(lab), node.owns(care_of_address)) == (State.NOWHERE, False)
    lab.network.run_for(10.0)
    assert state(lab) is State.NOWHERE
    effects = perform(lab, node.regain_address(care_of_address, lab.network.clock.now))
    assert len(updates(effects)) == 1 or AddressAdded(care_of_address, "eth0") not in effects
    lab.network.run_for(5.0)
    assert state(lab) is State.REGISTERED
    assert lab.registered_at("mn") == care_of_address
    assert node.owns(care_of_address)


def test_another_address_is_taken() -> None:
    """Which an administrator chose, and which then is the care-of address."""
    lab = away()
    node, now = lab.node("mn"), lab.network.clock.now
    care_of_address = lab.registered_at("mn")
    assert care_of_address is not None
    chosen = care_of_address[:8] + parse("::77")[8:]
    perform(lab, node.regain_address(chosen, now))
    lab.network.run_for(5.0)
    assert lab.registered_at("mn") == care_of_address
    perform(lab, node.lose_address(care_of_address, lab.network.clock.now))
    lab.network.run_for(5.0)
    assert lab.registered_at("mn") == chosen


def test_other_addresses_are_not_lost() -> None:
    """The home address, one of a router, and one of nobody; nor are any regained that fit nowhere."""
    lab = away()
    now = lab.network.clock.now
    node, home = lab.node("mn"), lab.mobile_nodes["mn"]
    assert node.lose_address(home, now) == []
    assert node.lose_address(parse("2001:db8:77::1"), now) == []
    assert node.regain_address(home, now) == []
    router = lab.node("r1")
    own = next(iter(router.interfaces.values())).addresses[0].address
    assert router.lose_address(own, now) == []
    assert router.owns(own)


def test_a_link_that_comes_back_is_no_movement_and_the_registration_is_made_sure_of() -> None:
    """The tunnel is there at once, and one Binding Update follows: what the home agent said meanwhile was not heard."""
    lab = away()
    node, now = lab.node("mn"), lab.network.clock.now
    mobile_node = node.roles.mobile_node
    assert mobile_node is not None
    before = mobile_node.registrations[0].updates.sequence
    perform(lab, node.set_link("eth0", False, now))
    perform(lab, node.set_link("eth0", True, now + 0.1))
    lab.network.run_for(5.0)
    assert state(lab) is State.REGISTERED
    assert mobile_node.registrations[0].updates.sequence == (before + 1) % 65536
