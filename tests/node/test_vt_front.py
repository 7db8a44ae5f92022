"""A node behind mip6d's virtual terminal: its manners, and its text as the connector to mip6d reads it."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec import structs
from node_world import DEADLINE_S, TurningLoop, optimised, turning

from mipsh.engine import Capability
from mipsh.errors import EngineBusy, RefusedError, UsageError
from mipsh.lab.topology import CORRESPONDENT, ETHERNET, HOME, HOME_AGENT_ADDRESS, HOME_PREFIX, Lab, LabParameters, at
from mipsh.mobility.home.cache import HomeBinding, Input
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising
from mipsh.node import readings
from mipsh.node.counting import CountingTrace
from mipsh.node.vt_front import COMMANDS, VtFront
from mipsh.plugins.engines.umip import UmipConnector, open_umip
from mipsh.recording import PROMPT
from mipsh.wire.address import parse

MANY, VERY_MANY = 2_000, 60_000
TURNS = 1000
NOT_PRINTED = {
    "binding_cache": ("mpa_next_s", "mpa_retries"),
    "nonces": ("mpa_next_s", "mpa_retries"),
    "binding_update_list": ("mps_next_s",),
    "return_routability": (),
    "home_agents": (),
    "prefixes": (),
    "statistics": (),
}
"""What mip6d's text has no place for where its interval is not known; nor has it one for flag R."""


@contextmanager
def front(lab: Lab, name: str) -> Iterator[UmipConnector]:
    """Serve a node's terminal; return a connector to it."""
    loop = TurningLoop()
    served = VtFront(lab.node(name), loop, 0, clock=lambda: lab.network.clock.now)
    served.open()
    assert served.address is not None
    host, port = served.address
    try:
        with turning(loop):
            yield open_umip(f"umip://[{host}]:{port}" if ":" in host else f"umip://{host}:{port}")
    finally:
        served.close()
        served.close()
        assert loop.watched == 0
        loop.close()


def counted(lab: Lab, *names: str) -> Lab:
    """Let nodes count."""
    for name in names:
        node = lab.node(name)
        node.trace = CountingTrace(name)
        node.trace.follow(node)
    return lab


def moved_home() -> Lab:
    """Return a network whose mobile node came home from an optimised route, so that nonces are remembered."""
    lab = counted(optimised(), "mn", "ha", "cn")
    lab.network.move("mn", ETHERNET, HOME)
    lab.network.run_for(3.0)
    return lab


def unanswered() -> Lab:
    """Return a network in which a correspondent does not answer tests, and an update is to be acknowledged."""
    lab = optimised(LabParameters(correspondents=2))
    lab.network.links[CORRESPONDENT].parameters = structs.replace(lab.network.links[CORRESPONDENT].parameters, loss=1.0)
    now = lab.network.clock.now
    home = lab.mobile_nodes["mn"]
    lab.network.stations["mn"].perform(lab.node("mn").trigger(home, lab.correspondent_address(2), now))
    lab.network.stations["mn"].perform(lab.node("mn").trigger(home, None, now))
    return lab


def given_up() -> Lab:
    """Return a network in which a correspondent was given up, and home agents hear of another one."""
    lab = unanswered()
    told = AdvertisedPrefix(parse("2001:db8:1::"), router_address=parse("2001:db8:1::fe"))
    saying = Advertising((told,), is_home_agent=True, preference=7, interval_s=(1.0, 3.0))
    lab.network.stations["r1"].perform(lab.node("r1").advertise(HOME, saying, lab.network.clock.now))
    lab.network.run_for(100.0)
    return lab


def mobile_router() -> Lab:
    """Return a network whose mobile node is a mobile router."""
    return optimised(LabParameters(mobile_routers=1))


def shown(row: Any, table: str) -> dict[str, Any]:
    """Return a row as far as mip6d's text can tell it."""
    values = structs.asdict(row)
    for name in (*NOT_PRINTED[table], "extra", "source_line"):
        values.pop(name, None)
    if table == "binding_update_list":
        values["delay_s"] = None
        if row.last_care_of_address is None:
            values["interface"] = None
    if table == "binding_cache":
        values["flags"] = tuple(flag for flag in row.flags if flag != "R")
    return values


@pytest.mark.parametrize("make", [optimised, moved_home, unanswered, given_up, mobile_router])
@pytest.mark.parametrize("name", ["mn", "ha", "cn"])
def test_the_connector_to_mip6d_reads_every_line(make: Any, name: str) -> None:
    """The role, every table, every row: what it reads is what the node knows, and nothing is unread."""
    lab = make()
    with front(lab, name) as connector:
        info = connector.connect()
        assert info.role == name
        for capability in map(Capability, info.capabilities):
            reading = getattr(connector, capability.value)()
            assert reading.unread == ()
            rows = list(readings.READINGS[capability.value](lab.node(name), lab.network.clock.now))
            if capability is not Capability.STATISTICS:
                told = [shown(row, capability.value) for row in reading.rows]
                assert told == [shown(row, capability.value) for row in rows]
        transcript = connector.transcript()
        assert all(exchange.reply.endswith("\0") for exchange in transcript)


def test_counters_are_read() -> None:
    """By the names that they have everywhere."""
    lab = moved_home()
    with front(lab, "mn") as connector:
        rows: list[Any] = list(connector.statistics().rows)
    read = {(row.direction, row.name): row.value for row in rows if row.value}
    known = readings.statistics(lab.node("mn"), 0.0)
    assert read == {(row.direction, row.name): row.value for row in known if row.value}
    assert read["sent", "binding_updates"] >= 1


def talk(connector: UmipConnector, *commands: bytes) -> list[bytes]:
    """Return what a terminal says to commands typed one after the other, the greeting first."""
    address = connector.address
    with socket.create_connection((address.host, address.port), DEADLINE_S) as connection:
        said = [connection.recv(len(PROMPT))]
        for command in commands:
            connection.sendall(command)
            reply = b""
            while not reply.endswith(b"\0"):
                piece = connection.recv(65536)
                if not piece:
                    return [*said, reply]
                reply += piece
            said.append(reply)
    return said


def test_the_manners_of_the_terminal() -> None:
    """Greeting, prompt, options, colours, help, complaints and leaving, as mip6d has them."""
    with front(optimised(), "cn") as connector:
        greeting, plain, helped, unknown, empty, fancy, none = talk(
            connector, b"bc\r\n", b"help\r\n", b"bul\r\n", b"\r\n", b"fancy no\r\n", b"prompt no\r\n"
        )
        assert greeting == PROMPT.encode()
        assert plain.startswith(b"\x1b[1;4mhoa 2001:db8:1:0:0:0:0:100\x1b[0m\x1b[1m status cached\x1b[0m\n coa ")
        assert plain.endswith(b"\nmip6d> \0")
        assert helped == b"bc fancy nonce prompt quit stats verbose\nmip6d> \0"
        assert unknown == b'unknown command: "bul"\nmip6d> \0'
        assert empty == b"mip6d> \0"
        assert (fancy, none) == (b"no\nmip6d> \0", b"no\n\0")
        assert talk(connector, b"quit\r\n") == [PROMPT.encode(), b""]
        _, _, lines = talk(connector, b"fancy no\r\n", b"bc\r\n")
        assert lines.startswith(b"hoa 2001:db8:1:0:0:0:0:100 status cached\n")


def test_one_client_at_a_time() -> None:
    """Another one is accepted and left; when the first is gone, the next one is served."""
    with front(optimised(), "cn") as connector:
        with socket.create_connection((connector.address.host, connector.address.port), DEADLINE_S) as holder:
            assert holder.recv(len(PROMPT)) == PROMPT.encode()
            connector.timeout_s = 1.0
            with pytest.raises(EngineBusy):
                connector.connect()
        connector.timeout_s = DEADLINE_S
        assert connector.connect().role == "cn"


def crowd(lab: Lab, many: int) -> None:
    """Register many mobile nodes at the home agent."""
    home_agent = lab.node("ha").roles.home_agent
    assert home_agent is not None
    home_agent.cache.limit = 2 * many
    for number in range(many):
        home = at(HOME_PREFIX, 0x10000 + number)
        binding = HomeBinding(HOME_AGENT_ADDRESS, home, home, "eth0", 1, 0xC000, 10_000.0, 3600.0)
        home_agent.cache.step(binding, Input.UPDATE)


def test_a_large_table_is_printed_in_pieces() -> None:
    """All of it, and not at once."""
    lab = optimised()
    crowd(lab, MANY)
    with front(lab, "ha") as connector:
        reading = connector.binding_cache()
    assert len(reading.rows) == MANY + 1
    assert reading.unread == ()


def test_a_client_that_leaves_in_the_middle() -> None:
    """Of a reply or before it: the next one finds the slot free."""
    with front(optimised(), "cn") as connector:
        for said in (b"", b"bc\r\n"):
            with socket.create_connection((connector.address.host, connector.address.port), DEADLINE_S) as leaving:
                leaving.recv(1)
                leaving.sendall(said or b" ")
        assert connector.connect().role == "cn"


def test_clients_that_do_not_read() -> None:
    """They hold the slot, as mip6d's do, and nothing piles up; one that leaves so is forgotten."""
    lab = optimised()
    crowd(lab, VERY_MANY)
    loop = TurningLoop()
    served = VtFront(lab.node("ha"), loop, 0, clock=lambda: lab.network.clock.now)
    served.open()
    assert served.address is not None
    for way in (socket.SHUT_RDWR, None):
        with socket.socket(socket.AF_INET6 if ":" in served.address[0] else socket.AF_INET) as client:
            client.settimeout(DEADLINE_S)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(served.address)
            loop.turn(DEADLINE_S)
            loop.turn(DEADLINE_S)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"bc\r\n")
            while loop.turn(0.05):
                continue
            for _ in range(TURNS):
                loop.call_all()
            if way is not None:
                client.shutdown(way)
        for _ in range(TURNS):
            loop.call_all()
        with socket.create_connection(served.address, DEADLINE_S) as following:
            while not loop.turn(0.05):
                continue
            loop.turn(DEADLINE_S)
            assert following.recv(len(PROMPT)) == PROMPT.encode()
            served.close()
            served.open()
    served.close()
    loop.close()


def test_a_client_that_is_gone_while_it_is_waited_for() -> None:
    """Whether it hung up or broke off; a loop that wakes for nothing does no harm."""
    loop = TurningLoop()
    served = VtFront(optimised().node("cn"), loop, 0)
    served.open()
    assert served.address is not None
    with socket.create_connection(served.address, DEADLINE_S) as client:
        for _ in range(4):
            loop.turn(DEADLINE_S if loop.watched == 1 else 0.05)
        loop.call_all()
        assert loop.watched == 2
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    loop.turn(DEADLINE_S)
    assert loop.watched == 1
    for _ in range(2):
        with socket.create_connection(served.address, DEADLINE_S) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            loop.turn(DEADLINE_S)
    served.close()
    loop.close()


def test_ports_that_cannot_be() -> None:
    """A taken one is refused; without IPv6 the next address is used; an address of nowhere is none."""
    node = optimised().node("cn")
    loop = TurningLoop()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        front_there = VtFront(node, loop, taken.getsockname()[1], hosts=("127.0.0.1",))
        with pytest.raises(RefusedError):
            front_there.open()
    with pytest.raises(UsageError):
        VtFront(node, loop, 0, hosts=("2001:db8::1",)).open()
    served = VtFront(node, loop, 0, hosts=("2001:db8::1", "127.0.0.1"))
    served.open()
    served.open()
    assert served.address is not None
    assert served.address[0] == "127.0.0.1"
    served.close()
    loop.close()


def test_commands_are_the_tables() -> None:
    """All of them."""
    assert set(COMMANDS.values()) == set(readings.READINGS)
