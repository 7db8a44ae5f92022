"""XFRM messages that are not as they should be, and the kernel of this machine."""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import MipshError, UsageError
from mipsh.linux import xfrm, xfrm_messages
from mipsh.linux.xfrm_messages import Message
from mipsh.model.xfrm import Policy, State, purpose
from mipsh.wire.fault import Fault

FOLDER = Path(__file__).parent.parent / "recordings" / "mip6d-1.0" / "ipsec"
Decode = Callable[[Message], State | Policy | Fault]
STATES, POLICIES = (FOLDER / "mn.getsa.nl").read_bytes(), (FOLDER / "mn.getpolicy.nl").read_bytes()
KINDS: dict[str, tuple[bytes, int, Decode]] = {
    "states": (STATES, xfrm_messages.NEW_STATE, xfrm_messages.state),
    "policies": (POLICIES, xfrm_messages.NEW_POLICY, xfrm_messages.policy),
}
HEADER = 16


def message(kind: int, body: bytes, flags: int = 2) -> bytes:
    """Return a netlink message."""
    return struct.pack("=IHHII", HEADER + len(body), kind, flags, 1, 0) + body


def first(data: bytes) -> bytes:
    """Return the first message of a dump."""
    return data[: int.from_bytes(data[:4], "little")]


def faults(data: bytes, which: str = "states") -> list[str]:
    """Return what cannot be read of a dump."""
    _, kind, decode = KINDS[which]
    return xfrm.collect([data], kind, decode)[1]


@pytest.mark.parametrize("which", KINDS)
def test_every_cut_is_a_fault_or_a_shorter_table(which: str) -> None:
    """A dump that ends somewhere has the rows before that, and one fault unless it ends between two messages."""
    data, kind, decode = KINDS[which]
    whole = xfrm.collect([data], kind, decode)[0]
    for size in range(0, len(data), 3):
        rows, said = xfrm.collect([data[:size]], kind, decode)
        assert rows == whole[: len(rows)] and len(said) <= 1


@pytest.mark.parametrize("which", KINDS)
@given(data=st.data())
def test_changed_bytes_raise_nothing(which: str, data: st.DataObject) -> None:
    """Whatever is in a dump, it is rows, faults, or an error of the kernel."""
    dump, kind, decode = KINDS[which]
    spoilt = bytearray(dump)
    for at in data.draw(st.lists(st.integers(0, len(dump) - 1), max_size=20)):
        spoilt[at] = data.draw(st.integers(0, 255))
    assert_read(bytes(spoilt), kind, decode)


@given(st.binary(max_size=2000))
def test_any_bytes_raise_nothing(data: bytes) -> None:
    """Nor does what is no dump at all, as a datagram, or as the body of a message."""
    for _, kind, decode in KINDS.values():
        assert_read(data, kind, decode)
        assert_read(message(kind, data), kind, decode)


def assert_read(data: bytes, kind: int, decode: Decode) -> None:
    """Hold that data can be read without an exception but those that are declared."""
    try:
        rows, said = xfrm.collect([data], kind, decode)
    except OSError as error:
        assert error.errno is not None
    except xfrm.Changed:
        assert any(isinstance(found, Message) and found.flags & 0x10 for found in xfrm_messages.messages(data))
    else:
        assert all(isinstance(row, State | Policy) for row in rows) and all(said)


def test_faults_say_where_and_what() -> None:
    """Each in one line with the offset in the dump."""
    one = first(STATES)
    assert faults(one[:10]) == ["netlink message at offset 0: expected 16 bytes of header, found 10 bytes"]
    assert faults(one[:100]) == [f"netlink message length at offset 0: expected 16 to 100, found {len(one)}"]
    assert faults(message(0x10, one[HEADER : HEADER + 100])) == [
        "XFRM state at offset 16: expected 224 bytes, found 100 bytes"
    ]
    assert faults(message(0x13, b"")) == ["netlink message type at offset 16: expected 16, found 19"]
    assert faults(message(0x13, bytes(10)), "policies") == [
        "XFRM policy at offset 16: expected 168 bytes, found 10 bytes"
    ]
    wrong = message(0x10, one[HEADER : HEADER + 224] + struct.pack("=HH", 99, 14))
    assert faults(wrong) == ["XFRM attribute 14 length at offset 240: expected 4 to 4, found 99"]
    templates = struct.pack("=HH", 14, 5) + bytes(12)
    said = faults(message(0x13, first(POLICIES)[HEADER : HEADER + 168] + templates), "policies")
    assert said == ["XFRM templates at offset 16: expected up to 6 times 64 bytes, found 10 bytes"]
    assert faults(message(3, b"")) == ["netlink error at offset 16: expected 4 bytes, found 0 bytes"]


def test_many_attributes_and_many_faults_end() -> None:
    """What never ends is not read to the end."""
    attributes = b"".join(struct.pack("=HH", 4, kind) for kind in range(300))
    assert faults(message(0x10, bytes(224) + attributes))[0].endswith("expected at most 256, found more")
    assert faults(message(0x13, b"") * 1000)[-1] == "the rest is not read"


def test_too_many_rows_are_left_out_and_said() -> None:
    """The table ends at its bound."""

    def endless() -> Iterator[bytes]:
        while True:
            yield first(STATES) * 100

    rows, said = xfrm.collect(endless(), xfrm_messages.NEW_STATE, xfrm_messages.state)
    assert len(rows) == xfrm.MOST
    assert said[0] == f"there are more than {xfrm.MOST} rows" and said[-1] == "the rest is not read"


def test_the_kernels_errors_are_raised() -> None:
    """As they are, and an end without one is an end."""
    with pytest.raises(OSError) as raised:
        faults(message(2, struct.pack("=i", -errno.EPERM)))
    assert raised.value.errno == errno.EPERM
    assert faults(message(3, struct.pack("=i", 0)) + b"not read") == []
    with pytest.raises(xfrm.Changed):
        faults(message(0x10, first(STATES)[HEADER:], flags=0x12))


def test_unknown_attributes_are_kept_by_number() -> None:
    """With their size alone, since what is in them may be a secret."""
    state = xfrm_messages.state(Message(0x10, 2, 0, bytes(224) + struct.pack("=HH4s", 8, 77, b"abcd")))
    assert isinstance(state, State) and state.others == {77: 4} and "abcd" not in repr(state)


def test_marks_interface_ids_and_extra_flags() -> None:
    """They are read where they are there."""
    words = struct.pack("=HHII", 12, 21, 7, 0xFF) + struct.pack("=HHI", 8, 31, 9) + struct.pack("=HHI", 8, 24, 3)
    state = xfrm_messages.state(Message(0x10, 2, 0, bytes(224) + words))
    assert isinstance(state, State)
    assert (state.mark, state.interface_id, state.extra_flags) == ((7, 0xFF), 9, 3)
    policy = xfrm_messages.policy(Message(0x13, 2, 0, bytes(168) + words))
    assert isinstance(policy, Policy) and (policy.mark, policy.interface_id, policy.others) == ((7, 0xFF), 9, {24: 4})


def test_ipv4_is_shown_as_ipv4() -> None:
    """A state of other people's IPsec is shown as what it is."""
    body = bytearray(224)
    body[56:60], body[80:84] = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))
    body[212:214] = (2).to_bytes(2, "little")
    state = xfrm_messages.state(Message(0x10, 2, 0, bytes(body)))
    assert isinstance(state, State) and (state.source, state.destination) == ("192.0.2.2", "192.0.2.1")


def test_priorities_have_names() -> None:
    """Those of mip6d; another's have none."""
    found = xfrm.recorded(FOLDER, "mn").policies
    names = {row.priority: purpose(row) for row in found}
    assert names[2] == "home signalling" and names[13] == "no RO data" and names[18] == "RO trigger"
    assert purpose(Policy(found[0].selector, 1, 0, 4711, 1)) == ""


def test_folders_that_hold_no_dump(tmp_path: Path) -> None:
    """Each says what is wanted."""
    for folder, node, said in (
        (tmp_path, "", "holds no NODE.getsa.nl"),
        (tmp_path / "none", "", "No such file"),
        (FOLDER, "", "holds those of cn, ha, mn"),
        (FOLDER, "mn9", "has no 'mn9'"),
    ):
        with pytest.raises(UsageError, match=said):
            xfrm.recorded(folder, node)


def test_one_node_needs_no_name(tmp_path: Path) -> None:
    """A folder with one node is read without its name."""
    (tmp_path / "mn.getsa.nl").write_bytes(STATES)
    (tmp_path / "mn.getpolicy.nl").write_bytes(POLICIES)
    assert len(xfrm.recorded(tmp_path).states) == 10


def test_this_machines_kernel() -> None:
    """It is read, or it is said why not."""
    try:
        found = xfrm.read()
    except MipshError as error:
        assert error.hint and os.strerror(errno.ENOENT) not in error.message
    else:
        assert found.unread == ()
