"""The witness sees what is on a node's links, and what is sent through the kernel or past it arrives as it was made."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

from mipsh.craft import stimuli
from mipsh.errors import MipshError, UsageError
from mipsh.linux import addresses, links, raw_socket
from mipsh.linux.addresses import Address
from mipsh.linux.tun import Tun
from mipsh.linux.witness import Seen, Witness
from mipsh.wire import mobility, ndp
from mipsh.wire.address import parse
from mipsh.wire.packet import Esp, Packet, decode

pytestmark = [pytest.mark.system, needs_namespaces]

HERE, THERE, HOME = "2001:db8::1", "2001:db8::2", "2001:db8:1::100"


@pytest.fixture
def netns() -> Iterator[Netns]:
    """Two kernels with a cable between them."""
    with Netns("here", "there") as made:
        made.cable(("here", "eth0"), ("there", "eth0"))
        made.host("here", "eth0", f"{HERE}/64", THERE)
        made.host("there", "eth0", f"{THERE}/64", HERE)
        yield made


@pytest.fixture
def witnesses(netns: Netns) -> Iterator[tuple[Witness, Witness]]:
    """A witness at each end."""
    with netns.inside("here", Witness) as here, netns.inside("there", Witness) as there:
        yield here, there


def first(witness: Witness, is_wanted: Callable[[Seen], bool]) -> Seen:
    """Return the first message that is wanted."""
    until = time.monotonic() + DEADLINE_S
    while (seen := witness.next(until)) is not None:
        if is_wanted(seen):
            return seen
    raise AssertionError("it was not seen")


def refresh(seen: Seen) -> bool:
    """Tell whether a Binding Refresh Request was seen."""
    return isinstance(seen.message, mobility.BindingRefreshRequest)


def test_a_packet_is_seen_at_both_ends(netns: Netns, witnesses: tuple[Witness, Witness]) -> None:
    """With its time, its direction, and whom it is about."""
    before = time.time(), time.monotonic()
    netns.inside("here", lambda: raw_socket.send(stimuli.refresh_request(HERE, THERE)))
    out, came = (first(witness, refresh) for witness in witnesses)
    after = time.time(), time.monotonic()
    assert (out.is_outgoing, came.is_outgoing) == (True, False)
    for seen in (out, came):
        assert (seen.interface, seen.source, seen.destination) == ("eth0", HERE, THERE)
        assert (seen.home_address, seen.care_of_address) == (THERE, None)
        assert seen.is_sound
        assert before[0] - 0.1 <= seen.time <= after[0] + 0.1
        assert before[1] - 0.1 <= seen.monotonic <= after[1] + 0.1
    assert [witness.lost for witness in witnesses] == [0, 0]


def test_a_packet_from_any_address_of_the_node(netns: Netns, witnesses: tuple[Witness, Witness]) -> None:
    """And from one that it has not: the kernel routes what it is given."""
    for source in (HOME, "2001:db8:9::9"):
        netns.inside("here", partial(raw_socket.send, stimuli.refresh_request(source, THERE)))
        assert first(witnesses[1], refresh).source == source


def test_a_tunnel_and_what_is_below_it_are_one(netns: Netns, witnesses: tuple[Witness, Witness]) -> None:
    """A packet that goes into a TUN and out of the interface is told once; sent again, again."""

    def through() -> None:
        packet = stimuli.refresh_request(HOME, "2001:db8:2::2")
        raw_socket.send_on("mip0", packet, b"")
        inner = decode(packet)
        assert isinstance(inner, Packet)
        raw_socket.send(Packet(parse(HERE), parse(THERE), inner).encode())

    def both() -> list[Seen]:
        tun = Tun("mip0", 1400)
        try:
            through()
            through()
            raw_socket.send(stimuli.binding_error(HERE, THERE))
            return [first(witnesses[0], _is_ours) for _ in range(3)]
        finally:
            tun.close()

    seen = netns.inside("here", both)
    assert [(one.interface, type(one.message).__name__) for one in seen] == [
        ("mip0", "BindingRefreshRequest"),
        ("mip0", "BindingRefreshRequest"),
        ("eth0", "BindingError"),
    ]
    arrived = first(witnesses[1], refresh)
    assert (arrived.source, arrived.is_tunnelled) == (HOME, True)


def _is_ours(seen: Seen) -> bool:
    return isinstance(seen.message, mobility.BindingRefreshRequest | mobility.BindingError)


def test_encrypted_packets_are_counted(netns: Netns, witnesses: tuple[Witness, Witness]) -> None:
    """That there was something, but not what."""
    hidden = Packet(parse(HERE), parse(THERE), Esp(7, 1, bytes(24))).encode()
    netns.inside("here", lambda: raw_socket.send(hidden))
    netns.inside("here", lambda: raw_socket.send(stimuli.refresh_request(HERE, THERE)))
    first(witnesses[1], refresh)
    assert witnesses[1].esp == 1


def test_a_router_solicitation_without_the_kernels_own_ipv6(netns: Netns, witnesses: tuple[Witness, Witness]) -> None:
    """It goes out by the interface that is named, to the group's link-layer address."""
    netns.inside("here", lambda: links.disable_ipv6("eth0"))
    netns.inside("here", lambda: raw_socket.send_on("eth0", stimuli.router_solicitation()))
    seen = first(witnesses[1], lambda seen: isinstance(seen.message, ndp.RouterSolicitation) and seen.source == "::")
    assert (seen.destination, seen.is_sound) == ("ff02::2", True)


def test_a_witness_of_some_interfaces(netns: Netns) -> None:
    """It hears no others, and refuses one that is not there."""
    with netns.inside("here", lambda: Witness(["lo"])) as witness:
        netns.inside("here", lambda: raw_socket.send(stimuli.refresh_request(HERE, THERE)))
        assert witness.next(time.monotonic() + 0.05) is None
    with pytest.raises(UsageError, match="cannot watch packets: No such device"):
        netns.inside("here", lambda: Witness(["eth7"]))


def test_what_cannot_be_sent_is_explained(netns: Netns) -> None:
    """No route, no interface, an interface that is off, nobody who is meant, nothing that is a packet."""
    packet = stimuli.refresh_request(HERE, THERE)

    def refused(what: Callable[[], None]) -> MipshError:
        with pytest.raises(MipshError) as caught:
            netns.inside("here", what)
        return caught.value

    assert "there is no interface 'eth7'" in refused(lambda: raw_socket.send(packet, "eth7")).message
    assert "No such device" in refused(lambda: raw_socket.send_on("eth7", packet, bytes(6))).message
    assert "nothing says which neighbour" in refused(lambda: raw_socket.send_on("eth0", packet)).message
    assert "nothing says on which" in refused(lambda: raw_socket.send(stimuli.router_solicitation())).message
    assert "5 bytes are no IPv6 packet" in refused(lambda: raw_socket.send(b"hello")).message
    huge = stimuli.poke(HERE, THERE)[:40] + bytes(3000)
    assert "larger than the link's MTU" in refused(lambda: raw_socket.send(huge)).message
    netns.inside("here", lambda: addresses.set_up("eth0", False))
    down = refused(lambda: raw_socket.send_on("eth0", packet, bytes(6)))
    assert (down.message.endswith("the interface 'eth0' is down"), down.hint) == (True, "ip link set dev eth0 up")
    lost = refused(lambda: raw_socket.send(packet))
    assert lost.message == f"cannot send a packet to {THERE}: no route"
    assert f"ip -6 route get {THERE}" in lost.hint


def test_an_address_is_taken_and_given_back_as_it_was(netns: Netns) -> None:
    """With length, flags and lifetimes; the commands do the same."""
    given = Address(HOME, 128, "eth0", ("home", "nodad"), 500, 400)

    def changed() -> list[Address]:
        addresses.add_address(given)
        (before,) = [one for one in addresses.global_addresses("eth0") if one.address == HOME]
        addresses.delete_address(before)
        assert HOME not in [one.address for one in addresses.global_addresses()]
        addresses.add_address(before)
        return [before, *(one for one in addresses.global_addresses() if one.address == HOME)]

    before, after = netns.inside("here", changed)
    assert before.is_home
    assert set(before.flags) == {"home", "nodad"} == set(after.flags)
    for one in (before, after):
        assert (one.length, one.interface) == (128, "eth0")
        assert 490 <= (one.valid_s or 0) <= 500
        assert 390 <= (one.preferred_s or 0) <= 400
    netns.run("here", *addresses.delete_command(after).split())
    with pytest.raises(MipshError, match="it is not there"):
        netns.inside("here", lambda: addresses.delete_address(after))
    netns.run("here", *addresses.add_command(after).split())
    (again,) = [one for one in netns.inside("here", addresses.global_addresses) if one.address == HOME]
    assert set(again.flags) == {"home", "nodad"}


def test_an_interface_that_is_not_there_has_no_address(netns: Netns) -> None:
    """It is named, with those that are."""
    for work in (
        lambda: addresses.add_address(Address(HOME, 64, "eth7")),
        lambda: addresses.delete_address(Address(HOME, 64, "eth7")),
        lambda: addresses.set_up("eth7", True),
    ):
        with pytest.raises(UsageError, match=r"eth7|o such") as caught:
            netns.inside("here", work)
        assert caught.value.hint == "there are: lo, eth0"


NOBODY = """
import codecs, os
codecs.lookup("ascii")  # nobody may not read Python's own files everywhere
from mipsh.errors import MipshError
from mipsh.linux import addresses, raw_socket
from mipsh.linux.addresses import Address
from mipsh.linux.witness import Witness
packet = bytes((0x60, 0, 0, 0, 0, 0, 59, 64)) + bytes(15) + bytes((1,)) + bytes(15) + bytes((1,))
os.setgroups([])
os.setuid(65534)
for work in (
    lambda: raw_socket.send(packet),
    lambda: raw_socket.send_on("lo", packet, b""),
    Witness,
    lambda: addresses.add_address(Address("2001:db8::1", 64, "lo")),
):
    try:
        work()
    except MipshError as error:
        print(int(error.status), error.message, error.hint, sep="; ")
"""


def test_without_privileges_everything_is_refused_with_a_hint(netns: Netns) -> None:
    """What is missing is named, and how it is granted."""
    said = netns.python("here", NOBODY).communicate(timeout=DEADLINE_S)[0].splitlines()
    assert [line.partition("; ")[0] for line in said] == ["77"] * 4
    assert all("CAP_NET_" in line for line in said)
    assert "setcap cap_net_raw+ep" in said[0]


def test_what_is_made_is_sent(netns: Netns, witnesses: tuple[Witness, Witness], tmp_path: Path) -> None:
    """By the command, out of the interface that is named; with a checksum that was asked to be wrong."""
    words = ("--no-config", "--write", "craft", "bu", f"src={HERE}", f"dst={THERE}", f"hoa={HOME}", "checksum=1")
    program = (sys.executable, "-m", "mipsh", *words, "--send", "--yes", "--interface", "eth0")
    variables = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PATH": os.defpath}
    output, _ = netns.start("here", *program, variables=variables).communicate(timeout=DEADLINE_S)
    assert "80 bytes were sent on eth0" in output
    seen = first(witnesses[1], lambda seen: isinstance(seen.message, mobility.BindingUpdate))
    assert (seen.home_address, seen.care_of_address, seen.is_sound) == (HOME, HERE, False)
