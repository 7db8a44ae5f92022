"""Rtnetlink's messages, read from whatever bytes there are, and the state of this machine's interfaces."""

import errno
import selectors
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import EngineError, RefusedError, UsageError
from mipsh.linux import links
from mipsh.linux.link_monitor import LinkMonitor
from mipsh.linux.rtnetlink import (
    ADDRESS,
    ADDRESS_LOCAL,
    CARRIER_DOWNS,
    CARRIER_UPS,
    DELETE_ADDRESS,
    DELETE_LINK,
    HAS_LINK,
    IFF_LOWER_UP,
    IFF_RUNNING,
    IFF_UP,
    LINK_NAME,
    NEW_ADDRESS,
    NEW_LINK,
    OPERATION,
    AddressState,
    LinkState,
    RtNetlink,
    address_states,
    attribute,
    attributes,
    link_states,
    messages,
    number,
)


def message(kind: int, flags: int, *said: bytes) -> bytes:
    """Return a message about an interface."""
    body = struct.pack("=BxHiII", 0, 1, 7, flags, 0) + b"".join(said)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


NAME = attribute(LINK_NAME, b"eth0\0")


def test_attributes_are_padded_and_read_again() -> None:
    """Their length is without the padding."""
    data = attribute(1, b"abc") + attribute(2, number(7))
    assert len(data) == 16
    assert attributes(data) == {1: b"abc", 2: number(7)}


@pytest.mark.parametrize(
    ("kind", "flags", "is_up"),
    [
        (NEW_LINK, HAS_LINK, True),
        (NEW_LINK, HAS_LINK & ~IFF_UP, False),
        (NEW_LINK, HAS_LINK & ~IFF_RUNNING, False),
        (NEW_LINK, HAS_LINK & ~IFF_LOWER_UP, False),
        (DELETE_LINK, HAS_LINK, False),
    ],
)
def test_an_interface_has_a_link_when_it_is_on_and_has_a_carrier(kind: int, flags: int, is_up: bool) -> None:
    """And has none any more when it is gone."""
    assert list(link_states(message(kind, flags, NAME))) == [LinkState("eth0", is_up)]


@pytest.mark.parametrize(("operation", "ups", "is_up"), [(0, 1, False), (6, 1, True), (0, 0, True), (6, 0, True)])
def test_a_carrier_that_the_kernel_has_yet_to_note_is_no_link(operation: int, ups: int, is_up: bool) -> None:
    """It would send nothing; where there never was a change of carrier, the state stays unknown."""
    said = attribute(OPERATION, bytes((operation,))) + attribute(CARRIER_UPS, number(ups))
    assert [state.is_up for state in link_states(message(NEW_LINK, HAS_LINK, NAME, said))] == [is_up]


def test_losses_of_the_carrier_are_counted() -> None:
    """Kernels say how many there were."""
    data = message(NEW_LINK, 0, NAME, attribute(CARRIER_DOWNS, number(3)))
    assert list(link_states(data * 2)) == [LinkState("eth0", False, 3)] * 2


ADDRESS_BYTES = bytes.fromhex("20010db8000000000000000000000001")


def about_address(kind: int, *said: bytes, family: int = socket.AF_INET6) -> bytes:
    """Return a message about an address of the interface 7."""
    body = struct.pack("=BBBBi", family, 128, 0, 0, 7) + b"".join(said)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


@pytest.mark.parametrize(("kind", "is_there"), [(NEW_ADDRESS, True), (DELETE_ADDRESS, False)])
@pytest.mark.parametrize("attribute_kind", [ADDRESS, ADDRESS_LOCAL])
def test_an_address_comes_and_goes(kind: int, is_there: bool, attribute_kind: int) -> None:
    """The interface's own end is what counts, where another one is named too."""
    data = about_address(kind, attribute(attribute_kind, ADDRESS_BYTES))
    assert list(address_states(data)) == [AddressState(7, ADDRESS_BYTES, is_there)]
    both = about_address(kind, attribute(ADDRESS, bytes(16)), attribute(ADDRESS_LOCAL, ADDRESS_BYTES))
    assert [state.address for state in address_states(both)] == [ADDRESS_BYTES]


def test_other_messages_say_nothing_of_addresses() -> None:
    """Links, another family, no address, and one that is too short."""
    assert not list(address_states(message(NEW_LINK, 0, NAME)))
    assert not list(address_states(about_address(NEW_ADDRESS, attribute(ADDRESS, bytes(4)), family=socket.AF_INET)))
    assert not list(address_states(about_address(NEW_ADDRESS)))
    assert not list(address_states(struct.pack("=IHHII", 18, NEW_ADDRESS, 0, 1, 0) + bytes(2)))


def test_an_address_that_is_there_and_one_that_is_not() -> None:
    """The kernel is asked for it."""
    with RtNetlink() as kernel:
        assert not kernel.has_address(socket.if_nametoindex("lo"), ADDRESS_BYTES)


def test_other_messages_say_nothing_of_links() -> None:
    """Nor do those that are too short."""
    assert not list(link_states(message(NEW_ADDRESS, 0, NAME)))
    assert not list(link_states(struct.pack("=IHHII", 20, NEW_LINK, 0, 1, 0) + bytes(4)))


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(data: bytes) -> None:
    """Reading ends, and never raises."""
    assert all(len(body) <= len(data) for _, body in messages(data))
    assert all(len(value) <= len(data) for value in attributes(data).values())
    list(link_states(data))
    list(link_states(message(NEW_LINK, 0, data)))
    list(address_states(data))
    list(address_states(about_address(NEW_ADDRESS, data)))


def test_the_kernel_says_what_it_has_against_a_request() -> None:
    """As the error of a system call."""
    with RtNetlink() as kernel, pytest.raises(OSError, match=r".") as caught:
        kernel.ask(NEW_LINK, 0, struct.pack("=BxHiII", 0, 0, 2**31 - 1, 0, 0))
    assert caught.value.errno in (errno.ENODEV, errno.EPERM, errno.EINVAL)


def test_what_there_is_already_comes_as_a_change() -> None:
    """Each interface with a link once; nothing more where nothing happens."""
    with LinkMonitor() as monitor, selectors.DefaultSelector() as selector:
        selector.register(monitor, selectors.EVENT_READ)
        assert selector.select(5)
        told = monitor.changes()
        assert {name for name, _ in told} <= set(links.names())
        assert all(is_up for _, is_up in told)
        assert len(set(told)) == len(told)


def test_a_name_that_no_interface_can_have_is_not_there() -> None:
    """It is not cut off."""
    for name in ("", "a" * 16, "nosuch0"):
        with pytest.raises(OSError, match=r"No such device"):
            links.mtu(name)


def test_the_loopback_is_no_ethernet() -> None:
    """A node cannot live on it."""
    with pytest.raises(UsageError, match="is not an Ethernet"):
        links.link_layer("lo")
    assert links.mtu("lo") > 1280


@pytest.mark.parametrize(
    ("number_", "kind", "hint"),
    [
        (errno.EPERM, RefusedError, "CAP_NET_ADMIN"),
        (errno.EACCES, RefusedError, "CAP_NET_ADMIN"),
        (errno.ENODEV, UsageError, "there are: "),
        (errno.ENOMEM, EngineError, ""),
    ],
)
def test_the_kernels_refusals_are_explained(number_: int, kind: type[Exception], hint: str) -> None:
    """By what is missing."""
    error = links.explained(OSError(number_, "why"), "do it")
    assert type(error) is kind
    assert error.message == "cannot do it: why"
    assert hint in error.hint


def test_an_interface_that_is_not_there_cannot_be_prepared() -> None:
    """The message names it, the hint those that are there."""
    with pytest.raises(UsageError, match="cannot set up the interface 'nosuch0': No such device") as caught:
        links.prepare("nosuch0")
    assert all(name in caught.value.hint for _, name in socket.if_nameindex())
