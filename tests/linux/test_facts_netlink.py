"""What the kernel says of this network namespace, held against what ``ip`` prints of it, and against anything else."""

import json
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.linux import facts_netlink as netlink
from mipsh.linux import facts_sockets

IP = shutil.which("ip") or ""


def printed(*words: str) -> list[dict[str, Any]]:
    """Return what ``ip -j`` prints."""
    if not IP:
        pytest.skip("iproute2 is not installed")
    done = subprocess.run([IP, "-j", *words], capture_output=True, text=True, check=True, timeout=20)
    found = json.loads(done.stdout or "[]")
    return [one for one in found if one]


def test_links_are_those_of_ip() -> None:
    """By name, with index, MTU and state."""
    found = {(link.name, link.index, link.mtu, link.is_up) for link in netlink.links()}
    assert found == {(one["ifname"], one["ifindex"], one["mtu"], "UP" in one["flags"]) for one in printed("-d", "link")}


def test_addresses_are_those_of_ip() -> None:
    """By interface, with length and scope."""
    found = {(one.interface, one.address, one.length, one.scope) for one in netlink.addresses()}
    assert found == {
        (link["ifname"], one["local"], one["prefixlen"], one["scope"])
        for link in printed("-6", "addr")
        for one in link["addr_info"]
    }


def test_routes_are_those_of_ip() -> None:
    """Of all tables."""
    found = sorted((one.interface, one.gateway, one.metric, one.kind) for one in netlink.routes())
    listed = printed("-d", "-6", "route", "show", "table", "all")
    assert found == sorted(
        (one.get("dev", ""), one.get("gateway", ""), one["metric"], one.get("type", "unicast")) for one in listed
    )


def test_rules_are_those_of_ip() -> None:
    """By priority."""
    assert [one.priority for one in netlink.rules()] == [one["priority"] for one in printed("-6", "rule")]


def test_a_route_is_looked_up_and_no_route_is_none() -> None:
    """As ``ip -6 route get`` does."""
    found = netlink.route_to("::1")
    assert found is not None
    assert (found.interface, found.kind) == ("lo", "local")
    assert netlink.route_to("::1", "::1") is not None


def test_sockets_are_listed_with_their_ports() -> None:
    """One that listens is among them, with its owner."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("::1", port)) as client:
            found = [one for one in facts_sockets.sockets() if port in (one.local_port, one.remote_port)]
            own = client.getsockname()[1]
    assert {(one.local, one.local_port, one.state) for one in found} >= {
        ("::1", port, "LISTEN"),
        ("::1", own, "ESTABLISHED"),
    }
    (listening,) = [one for one in found if one.state == "LISTEN"]
    assert listening.owner is not None
    assert "(pid " in listening.owner
    (connected,) = [one for one in found if one.local_port == own]
    assert connected.info is not None
    assert connected.info.segments_out is not None


READS: list[Callable[[], tuple[object, ...]]] = [netlink.neighbours, netlink.proxies, netlink.links]


@pytest.mark.parametrize("read", READS)
def test_every_table_can_be_read(read: Callable[[], tuple[object, ...]]) -> None:
    """Whatever is in it."""
    assert isinstance(read(), tuple)


@given(st.binary(max_size=300))
def test_attributes_of_any_bytes_are_some_or_none(data: bytes) -> None:
    """No length leads out of the data."""
    assert sum(map(len, netlink.attributes(data).values())) <= len(data)


def test_marks_of_nesting_are_left_out_of_kinds() -> None:
    """A nested attribute is known by its kind."""
    assert netlink.attributes(struct.pack("=HH4s", 8, 0x8012, b"abcd")) == {0x12: b"abcd"}


def test_a_refused_question_raises_the_kernels_error() -> None:
    """A type that there is not."""
    with pytest.raises(OSError, match="not supported"):
        list(netlink.ask(socket.NETLINK_ROUTE, 0x7FF0, 0x4, bytes(16)))
