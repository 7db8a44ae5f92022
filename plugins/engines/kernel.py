"""The kernel without a mobility daemon that could be asked: what its addresses say, and nothing of bindings.

A home address is one that the kernel was told to be one (IFA_F_HOMEADDRESS). What becomes of a Binding
Update that is asked for is known by the packets on the links alone.
"""

import os

from mipsh.engine import Connector, EngineKind
from mipsh.errors import UsageError
from mipsh.linux.addresses import Address, global_addresses
from mipsh.model.records import EngineInfo

SCHEME = "kernel"
ADDRESS = f"{SCHEME}:"


class KernelConnector(Connector):
    """A connector to the kernel of the network namespace that mipsh is in; see Connector for the contract."""

    def __init__(self) -> None:
        self._addresses: tuple[Address, ...] = ()

    def connect(self) -> EngineInfo:
        """Learn from the addresses whether this is a mobile node; the role is unknown otherwise."""
        self._addresses = tuple(global_addresses())
        self.home_addresses = tuple(one.address for one in self._addresses if one.is_home)
        role = "mn" if self.home_addresses else None
        self.info = EngineInfo(SCHEME, ADDRESS, role, f"Linux {os.uname().release}")
        return self.info

    def place(self) -> tuple[str, str]:
        """Return the interface and the care-of address that the node seems to be at; empty where there are none."""
        usable = [one for one in self._addresses if not one.is_home and "tentative" not in one.flags]
        return (usable[0].interface, usable[0].address) if usable else ("", "")


def open_kernel(uri: str) -> KernelConnector:
    """Make a connector for ``kernel:``; raises UsageError for more than that."""
    if uri not in (ADDRESS, f"{ADDRESS}//"):
        raise UsageError(f"'{uri}' is not the kernel's address", f"write {ADDRESS} (another namespace: -N NAME)")
    return KernelConnector()


ENGINE = EngineKind(SCHEME, "the kernel, where no daemon can be asked", open_kernel, example=ADDRESS)
