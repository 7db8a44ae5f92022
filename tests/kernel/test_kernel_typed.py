"""Which kernel it is, by what it does: from 6.7 on, policies for a type of Mobility Header meet nothing coming in."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kernel_messages import LONGEST_S, open_socket, receives, send_update
from kernel_nodes import ANY, CN, MH, MN, Nodes, bound, nodes, on_kernel, policy, template

from mipsh.wire.mobility import BindingUpdate

pytestmark = [pytest.mark.system, on_kernel]
FIRST_WITHOUT = (6, 7)
UNTYPED = policy("in", (ANY, ANY), 10, template("hao"), upper=MH)
OPTIONS = ("IPV6_MIP6", "XFRM_SUB_POLICY", "IPV6_SUBTREES", "IPV6_MULTIPLE_TABLES", "XFRM_STATISTICS", "XFRM_MIGRATE")


@pytest.fixture(scope="module")
def built() -> Iterator[Nodes]:
    """Lay out the nodes."""
    with nodes() as made:
        yield made


def takes_updates(built: Nodes) -> tuple[bool, int]:
    """Tell whether the correspondent gets a Binding Update with a Home Address option, and how many were dropped."""
    with open_socket(built, "cn") as opened, built.laid({"mn": bound(MN, CN)}):
        before = built.counter("cn", "XfrmInNoPols")
        send_update(built, MN, CN)
        until = time.monotonic() + LONGEST_S
        dropped, data = 0, b""
        while not data and not dropped and time.monotonic() < until:
            data = receives(opened, 0.2)
            dropped = built.counter("cn", "XfrmInNoPols") - before
    return data[2:3] == bytes((BindingUpdate.TYPE,)), dropped


def series() -> tuple[int, int]:
    """Return the kernel's series."""
    major, minor = re.findall(r"\d+", os.uname().release)[:2]
    return int(major), int(minor)


def test_typed_policies(built: Nodes) -> None:
    """mip6d's policy for Binding Updates is met up to 6.6, and not after: the message is dropped, and counted."""
    has_types = series() < FIRST_WITHOUT
    assert takes_updates(built) == (has_types, 0 if has_types else 1)


def test_untyped_policies(built: Nodes) -> None:
    """A policy for all Mobility Headers is met on every kernel."""
    with built.laid({"cn": [UNTYPED]}):
        assert takes_updates(built) == (True, 0)


def test_the_kernel_has_what_mobility_needs() -> None:
    """By its configuration file, which is where checks look for it."""
    text = Path(f"/boot/config-{os.uname().release}").read_text("utf-8")
    assert [name for name in OPTIONS if not re.search(rf"^CONFIG_{name}=[ym]$", text, re.M)] == []
