"""The connector to the kernel alone: it says what addresses say, and keeps no tables."""

import pytest
from harness import Mipsh

from mipsh.engine import Capability
from mipsh.errors import CapabilityMissing, UsageError
from mipsh.plugins.engines.kernel import open_kernel
from mipsh.status import ExitStatus


def test_it_keeps_no_tables() -> None:
    """Every reading is missing, and said to be."""
    connector = open_kernel("kernel:")
    info = connector.connect()
    assert (info.engine, info.capabilities) == ("kernel", ())
    assert info.version is not None
    for capability in Capability:
        with pytest.raises(CapabilityMissing):
            getattr(connector, capability.value)()


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
