"""The connector to the kernel: what it keeps by what can be read, and why not otherwise."""

from pathlib import Path

import pytest
from harness import RECORDINGS, Mipsh

from mipsh.checks.sources import Key, Unreadable
from mipsh.engine import Capability
from mipsh.errors import CapabilityMissing, UsageError
from mipsh.kernel_view.view import View, look
from mipsh.linux.facts_recorded import RecordedSource
from mipsh.plugins.engines.kernel import ADDRESS, LINES, moment, open_kernel, why_not
from mipsh.status import ExitStatus

REGISTERED = RECORDINGS / "03-route-optimised"


def test_what_can_be_seen() -> None:
    """Bindings where states and policies were read and are of Mobile IPv6."""
    assert why_not(look(RecordedSource(REGISTERED, "mn"))) is None


def test_without_the_privilege() -> None:
    """The reason and what would help."""
    view = View(unread=(Unreadable(Key.XS, "not permitted", "CAP_NET_ADMIN"),))
    found = why_not(view)
    assert found is not None
    assert "not permitted" in found.message and "CAP_NET_ADMIN" in found.hint


def test_without_mobile_ipv6() -> None:
    """It says whether the kernel was built without it, or nobody uses it."""
    found = why_not(View(states=(), policies=()))
    assert isinstance(found, CapabilityMissing)
    assert "CONFIG_IPV6_MIP6" in found.message or "no state or policy of Mobile IPv6" in found.message


def test_this_machine() -> None:
    """Nothing is made up: tables that it does not keep are missing with a reason, others are never there."""
    connector = open_kernel(ADDRESS)
    info = connector.connect()
    assert info.engine == "kernel" and not connector.has_sequence_numbers
    for capability in Capability:
        if capability.value not in info.capabilities:
            with pytest.raises(CapabilityMissing):
                getattr(connector, capability.value)()
    assert connector.said(Capability.BINDING_CACHE) == LINES
    with pytest.raises(CapabilityMissing):
        connector.said("raw", "help")


def test_status_says_what_there_is(mipsh: Mipsh, tmp_path: Path) -> None:
    """With no binding to be seen it is a kernel all the same."""
    ran = mipsh("--no-config", "-e", "kernel:", "status", "--json")
    assert ran.status == 0 and ran.rows[0]["engine"] == "kernel"


def test_moments() -> None:
    """RFC 3339; what is no moment is a number."""
    assert moment(1795416960) == "2026-11-23T06:56:00Z"
    assert moment(1 << 62).endswith("since the epoch")


@pytest.mark.parametrize("uri", ["kernel:eth0", "kernel://host", "kernel:///x"])
def test_it_has_one_address(uri: str) -> None:
    """There is one kernel, that of the namespace."""
    with pytest.raises(UsageError, match="kernel:"):
        open_kernel(uri)


def test_a_host_is_no_mobile_node(mipsh: Mipsh) -> None:
    """Where no address is a home address, no Binding Update can be asked for, and nothing is done."""
    ran = mipsh("-e", "kernel:", "bu", "home", "--write", "--yes")
    assert ran.status == ExitStatus.COULD_NOT_TELL
    assert "no address here is a home address" in ran.stderr
