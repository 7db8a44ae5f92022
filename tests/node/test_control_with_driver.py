"""Control socket and terminal in the loop of a real driver: asked, told of events, and let go of."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from mipsh.mobility.host.interface import Interface
from mipsh.mobility.node import Node
from mipsh.node.control import ControlServer
from mipsh.node.counting import CountingTrace
from mipsh.node.driver import Driver
from mipsh.node.vt_front import VtFront
from mipsh.plugins.engines.mipd import open_mipd
from mipsh.plugins.engines.umip import open_umip

INTERFACE = "eth0"


class NoLinks:
    """A source of links that never changes any."""

    def __init__(self) -> None:
        self._descriptor = os.eventfd(0, os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return a descriptor on which nothing comes."""
        return self._descriptor

    def changes(self) -> list[tuple[str, bool]]:
        """Return nothing."""
        return []

    def addresses(self) -> list[tuple[bytes, bool]]:
        """Return nothing."""
        return []

    def close(self) -> None:
        """Close it."""
        os.close(self._descriptor)


class Running:
    """A node that runs in a thread, with both of its servers."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.trace = CountingTrace("cn")
        link = Interface(INTERFACE, bytes.fromhex("020000000001"), os.urandom)
        node = Node("cn", [link], os.urandom, None, self.trace)
        self.trace.follow(node)
        self.path = path
        driver = stack.enter_context(Driver(node, {}, None, NoLinks()))
        server, self.front = ControlServer(node, driver, path), VtFront(node, driver, 0)
        for opened in (server, self.front):
            opened.open()
            stack.callback(opened.close)
        thread = threading.Thread(target=driver.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(driver.stop)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Give a node that runs; nothing is left of it afterwards."""
    path = tmp_path / "run" / "cn.sock"
    with ExitStack() as stack:
        yield Running(path, stack)
    assert not path.exists()


def test_both_connectors_reach_it(running: Running) -> None:
    """As what it is, with the tables that it keeps."""
    mipd = open_mipd(f"mipd://{running.path}")
    info = mipd.connect()
    assert (info.role, info.capabilities) == ("cn", ("binding_cache", "nonces", "statistics"))
    assert mipd.binding_cache().rows == []
    assert running.front.address is not None
    host, port = running.front.address
    umip = open_umip(f"umip://[{host}]:{port}" if ":" in host else f"umip://{host}:{port}")
    assert umip.connect().capabilities == info.capabilities
    assert umip.statistics().unread == ()


def test_what_happens_is_heard(running: Running) -> None:
    """A link that comes up by one client's word, and the address that follows, by another's ears."""
    mipd = open_mipd(f"mipd://{running.path}")
    setter = threading.Timer(0.1, mipd.set_link, (INTERFACE,), {"is_up": True})
    with closing(open_mipd(f"mipd://{running.path}").events()) as events:
        setter.start()
        event = next(events)
        setter.join()
    assert (event.event, event.interface, event.address) == ("addressAdded", INTERFACE, "fe80::ff:fe00:1")
