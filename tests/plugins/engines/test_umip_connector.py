"""The connector to mip6d: what it reads, what it holds, and what it says when something is wrong."""

import os
import socket
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path

import pytest
from harness import NODES, RECORDINGS, ROUTE_OPTIMISED, Mipsh, Replay, Scripted

from mipsh.engine import Capability, Connector, missing
from mipsh.errors import (
    CapabilityMissing,
    DeadlineError,
    EngineBusy,
    EngineComplaint,
    EngineLost,
    EngineRefused,
    MipshError,
    NotThisEngine,
    RefusedError,
    UsageError,
)
from mipsh.model.reading import Reading
from mipsh.model.records import BindingCacheEntry, EngineInfo
from mipsh.node.faults import Delay, DiesAfter, Endless, Garbage, Mute, Sending, Silent, Trouble
from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.plugins.engines.umip import READINGS, UmipConnector, open_umip
from mipsh.plugins.engines.umip_vt import VtAddress, VtClient, parse_address
from mipsh.recording import VtOptions, load

ASKED = VtOptions(prompt=False, verbose=True, fancy=False)
KEPT = {
    "mn": {"binding_cache", "binding_update_list", "return_routability", "nonces", "statistics"},
    "ha": {"binding_cache", "nonces", "home_agents", "prefixes", "statistics"},
    "cn": {"binding_cache", "nonces", "statistics"},
}
LACKED = {
    ("cn", "binding_update_list"): "the binding update list is kept by mobile nodes; this is a correspondent node",
    ("ha", "return_routability"): "return routability is run by mobile nodes; this is a home agent",
    ("mn", "home_agents"): "the home agents list is kept by home agents; this is a mobile node",
    ("cn", "prefixes"): "the home prefix list is kept by home agents; this is a correspondent node",
}


class Flood(Trouble, frozen=True):
    """A reply goes on in large pieces, without its NUL."""

    def reply(self, reply: bytes) -> Sending:
        """Return text without end."""
        return Sending(repeat(b"x" * (1 << 20)))


class Ungreeting(Trouble, frozen=True):
    """The engine answers and does not greet, as mip6d on a unix socket."""

    def greeting(self, greeting: bytes) -> Sending:
        """Return nothing."""
        return Sending()


@pytest.fixture
def connector(replay: Replay) -> UmipConnector:
    """Return a connector to the recorded correspondent node."""
    return open_umip(replay(ROUTE_OPTIMISED, "cn").uri)


@pytest.fixture
def vacant() -> Iterator[str]:
    """Give the address of a port that is taken and at which nothing listens."""
    with socket.socket(socket.AF_INET) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"umip://127.0.0.1:{taken.getsockname()[1]}"


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def ask(connector: Connector, table: str) -> Reading:
    """Ask a connector for a table by its name."""
    reading: Reading = getattr(connector, Capability(table).value)()
    return reading


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_every_recorded_node_is_read_whole(replay: Replay, folder: str, node: str) -> None:
    """Role, tables and texts come out as the node said them, and no line is left unread."""
    connector = open_umip(replay(folder, node).uri)
    recording = load(RECORDINGS / folder, node)
    info = connector.connect()
    assert info.role == node.rstrip("2")
    assert set(info.capabilities) == KEPT[info.role]
    for capability, (word, table, parse) in READINGS.items():
        if capability in info.capabilities:
            reading = ask(connector, capability)
            assert (reading.table, reading.engine, reading.unread) == (table, info, ())
            assert reading.raw.removesuffix("\0") == recording.answers(word, ASKED)
            assert list(reading.rows) == list(parse(reading.raw).rows)


def test_a_binding_is_read_field_by_field(connector: UmipConnector) -> None:
    """One record, next to what the console said: ``lifetime 404 / 420 seq 28030``."""
    (row,) = connector.binding_cache().rows
    assert isinstance(row, BindingCacheEntry)
    assert (row.home_address, row.care_of_address) == ("2001:db8:1::100", "2001:db8:2:0:f809:44ff:fec8:30f9")
    assert (row.status, row.flags, row.sequence) == ("cached", ("A",), 28030)
    assert (row.lifetime_remaining_s, row.lifetime_granted_s, row.age_s) == (404, 420, 16)


@pytest.mark.parametrize(("node", "table"), LACKED)
def test_a_table_of_another_role_is_said_to_be_kept_elsewhere(replay: Replay, node: str, table: str) -> None:
    """The error says who keeps it and what this node is, and nothing is asked."""
    connector = open_umip(replay(ROUTE_OPTIMISED, node).uri)
    with pytest.raises(CapabilityMissing) as caught:
        ask(connector, table)
    assert caught.value.message == LACKED[node, table]
    assert caught.value.hint.startswith("it keeps: binding_cache, ")


def test_an_unknown_role_is_an_engine_without_it() -> None:
    """No role, an unknown one and no engine at all read as a sentence too."""
    for info in (None, EngineInfo("x", "x://"), EngineInfo("x", "x://", "router", None, ("nonces",))):
        error = missing(Capability.PREFIXES, info)
        assert error.message == "the home prefix list is kept by home agents; this is an engine without it"
        assert error.hint == ("it keeps: nonces" if info and info.role else "")


def test_the_base_of_all_connectors_has_nothing() -> None:
    """Whatever a connector does not bring is missing, not broken."""
    base = Connector()
    questions: list[Callable[[], object]] = [getattr(base, capability.value) for capability in Capability]
    questions += [base.connect, base.transcript, lambda: base.raw("bc")]
    for question in questions:
        with pytest.raises(CapabilityMissing):
            question()
    base.close()
    assert base.warnings() == ()


def test_the_slot_is_free_after_each_question(connector: UmipConnector) -> None:
    """A second client gets in at once, whatever was asked before."""
    questions: list[Callable[[], object]] = [connector.connect, connector.statistics, connector.nonces]
    questions += [connector.transcript, lambda: connector.raw("bc")]
    for question in questions:
        question()
        other = VtClient(connector.address, 1.0)
        other.open()
        other.close()


def test_the_slot_is_held_over_several_questions_when_told_to(connector: UmipConnector) -> None:
    """Within ``asking`` there is one connection, and after it none."""
    with connector.asking():
        connector.connect()
        connector.binding_cache()
        with pytest.raises(EngineBusy):
            VtClient(connector.address, 1.0).open()
    client = VtClient(connector.address, 1.0)
    client.open()
    client.close()


def test_a_thousand_connections_leak_nothing(connector: UmipConnector, vacant: str) -> None:
    """Connections that work and connections that fail leave no descriptor behind."""
    refused = VtClient(parse_address(vacant), 1.0)
    connector.connect()
    before = descriptors()
    for _ in range(1000):
        client = VtClient(connector.address, 5.0)
        client.open()
        client.ask("prompt no")
        client.close()
        with pytest.raises(EngineRefused):
            refused.open()
    assert descriptors() <= before + 1


def failure(uri: str, timeout_s: float = 5.0) -> MipshError:
    """Return the error of connecting to an address; no descriptor stays open."""
    connector = open_umip(uri)
    connector.timeout_s = timeout_s
    before = descriptors()
    with pytest.raises(MipshError) as caught:
        connector.connect()
    assert descriptors() <= before + 1
    return caught.value


TROUBLES: dict[str, tuple[Trouble, float, type[MipshError], str, str]] = {
    "not mip6d": (
        Garbage(),
        5,
        NotThisEngine,
        "is not mip6d: it began with 'SSH-2.0-OpenSSH_9.2'",
        "name mip6d's own address",
    ),
    "8-bit greeting": (Garbage(b"\xff\xfe\x9b31m\x00\x01\x02"), 5, NotThisEngine, "is not mip6d", "--vt-service"),
    "too many": (Garbage(b"Too many connections\n"), 5, EngineBusy, "another client holds its only slot", "--wait"),
    "half a greeting": (Garbage(b"mip6"), 0.1, NotThisEngine, "it began with 'mip6'", "name mip6d's own address"),
    "mute": (Mute(), 0.1, DeadlineError, "accepted the connection and said nothing within 0.1 s", "--timeout"),
    "silent": (Silent(), 0.1, DeadlineError, "did not answer 'prompt no' completely within 0.1 s", "--timeout"),
    "late": (Delay(5), 0.1, DeadlineError, "did not answer", "longer --timeout"),
    "dies mid-reply": (DiesAfter(20), 5, EngineLost, "in the middle of its reply to 'help'", "look at its log"),
    "dies at once": (DiesAfter(0), 5, EngineLost, "in the middle of its reply to 'prompt no'", "ask again"),
    "endless": (Flood(), 20, NotThisEngine, "more than 64 MiB without an end", "it is not mip6d, or it is broken"),
    "endless and slow": (Endless(), 0.1, DeadlineError, "did not answer 'prompt no' completely", "--timeout"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_has_its_error(replay: Replay, name: str) -> None:
    """The class, what happened and what to do next."""
    trouble, timeout_s, kind, message, hint = TROUBLES[name]
    error = failure(replay(ROUTE_OPTIMISED, "mn", trouble).uri, timeout_s)
    assert type(error) is kind
    assert message in error.message
    assert "127.0.0.1:" in error.message
    assert hint in error.hint


STATUSES = {"not mip6d": 69, "mute": 124, "silent": 124, "dies mid-reply": 69}


@pytest.mark.parametrize("name", STATUSES)
def test_each_trouble_has_its_exit_status(replay: Replay, mipsh: Mipsh, name: str) -> None:
    """The program says it on stderr and in its status, and writes a valid document."""
    ran = mipsh("-e", replay(ROUTE_OPTIMISED, "mn", TROUBLES[name][0]).uri, "-t", "0.2", "--json", "bul")
    assert (ran.status, ran.document["status"], ran.rows) == (STATUSES[name], STATUSES[name], [])
    assert ran.stderr.startswith("mipsh: error: ")


def test_a_late_answer_within_the_deadline_is_an_answer(replay: Replay) -> None:
    """Slow is not broken."""
    assert open_umip(replay(ROUTE_OPTIMISED, "mn", Delay(0.02)).uri).connect().role == "mn"


def test_nobody_there(vacant: str, mipsh: Mipsh) -> None:
    """Refused names the three reasons there can be."""
    error = failure(vacant)
    assert isinstance(error, EngineRefused)
    assert error.message.startswith("nothing listens at 127.0.0.1:")
    assert all(reason in error.hint for reason in ("not running", "-N NAME", "--enable-vt"))
    assert mipsh("-e", vacant, "bc").status == 69


def test_an_unreachable_network_is_not_an_absent_daemon() -> None:
    """No way is told apart from no listener; a group of nodes cannot be connected to."""
    error = failure("umip://224.0.0.1:7777")
    assert isinstance(error, EngineRefused)
    assert error.message.startswith("cannot reach 224.0.0.1:7777 (")


def test_busy_names_who_holds_the_slot(replay: Replay, mipsh: Mipsh) -> None:
    """The second client is told whose the first one is, and how to wait."""
    served = replay(ROUTE_OPTIMISED, "mn")
    with socket.create_connection(served.server.address):
        error = failure(served.uri)
        ran = mipsh("-e", served.uri, "bul")
    assert isinstance(error, EngineBusy)
    assert "another client holds its only slot: " in error.message
    assert f"(pid {os.getpid()})" in error.message
    assert "--wait 30" in error.hint
    assert (ran.status, ran.stdout) == (69, "")


def test_the_holder_of_another_address_is_not_blamed(replay: Replay) -> None:
    """A connection to the same port of another address is somebody else's."""
    served = replay(ROUTE_OPTIMISED, "mn")
    port = served.server.address[1]
    with (
        VtServer(RecordedResponder(load(RECORDINGS / ROUTE_OPTIMISED, "ha")), "127.0.0.2", port) as other,
        socket.create_connection(other.address),
    ):
        assert open_umip(served.uri).connect().role == "mn"
        error = failure(f"umip://127.0.0.2:{port}")
    assert f"(pid {os.getpid()})" in error.message


def test_an_engine_that_lists_other_commands_is_another_one(replay: Replay) -> None:
    """A console that greets alike is not enough."""
    error = failure(replay.serve(Scripted({}, ("frobnicate", "\xff\xfe"))).uri)
    assert isinstance(error, NotThisEngine)
    assert "its help does not list mip6d's commands" in error.message


def test_bytes_that_are_no_text_cost_their_lines_only(replay: Replay) -> None:
    """Every 8-bit byte in a reply is carried, and the lines around it are read."""
    junk = "".join(map(chr, (*range(1, 10), *range(11, 256))))
    entry = "hoa 2001:db8:0:0:0:0:0:1 status cached\n coa 2001:db8:0:0:0:0:0:2 flags A---\n"
    connector = open_umip(replay.serve(Scripted({"bc": f"{junk}\n{entry}", "stats": "", "nonce": ""})).uri)
    reading = connector.binding_cache()
    assert len(reading.rows) == 1
    assert len(reading.unread) == 1


def test_an_engine_in_another_role_complains_and_is_asked_anew(replay: Replay) -> None:
    """A word that its help listed is unknown: the role is learned again at the next question."""
    responder = Scripted({"bc": "", "stats": "", "nonce": ""}, ("bc", "bul", "rr", "stats", "nonce"))
    connector = open_umip(replay.serve(responder).uri)
    assert connector.connect().role == "mn"
    with pytest.raises(EngineComplaint, match="answered 'bul' with: unknown command") as caught:
        connector.binding_update_list()
    assert "started again in another role" in caught.value.hint
    responder.listed = ("bc", "stats", "nonce")
    with pytest.raises(CapabilityMissing):
        connector.binding_update_list()


def test_a_unix_socket_is_an_address_too(replay: Replay, tmp_path: Path, mipsh: Mipsh) -> None:
    """Greeted or not, as mip6d does there; a path that is not there is refused, another's forbidden."""
    path = tmp_path / "mip6d.sock"
    responder = RecordedResponder(load(RECORDINGS / ROUTE_OPTIMISED, "ha"))
    for trouble in (None, Ungreeting()):
        with VtServer(responder, path=path, trouble=trouble):
            ran = mipsh("--engine", f"umip://{path}", "hal", "--json")
        assert [row["preference"] for row in ran.rows] == [10]
        assert ran.document["engine"]["address"] == f"umip://{path}"
        assert ran.document["warnings"] == []
    error = failure(f"umip://{path}")
    assert isinstance(error, EngineRefused)
    assert str(path) in error.message


def test_localhost_is_either_loopback_address(replay: Replay) -> None:
    """The one that answers is the one that is named."""
    served = replay(ROUTE_OPTIMISED, "mn")
    port = served.uri.rpartition(":")[2]
    connector = open_umip(f"umip://localhost:{port}")
    assert connector.connect().address == served.uri
    assert connector.binding_update_list().rows


ADDRESSES = {
    "umip://[::1]:7777": VtAddress("::1", 7777),
    "umip://[::1]": VtAddress("::1", 7777),
    "umip://::1": VtAddress("::1", 7777),
    "umip://2001:db8:0:0::1": VtAddress("2001:db8::1", 7777),
    "umip://[2001:DB8::1]:1/": VtAddress("2001:db8::1", 1),
    "umip://127.0.0.1:65535": VtAddress("127.0.0.1", 65535),
    "umip://192.0.2.1": VtAddress("192.0.2.1", 7777),
    "umip://localhost:7778": VtAddress("localhost", 7778),
    "umip:///run/mip6d.sock": VtAddress(path="/run/mip6d.sock"),
}
NO_ADDRESSES = (
    "umip:",
    "umip://",
    "umip:7777",
    "umip://:7777",
    "umip://host.example",
    "umip://[::1",
    "umip://[::1]7777",
    "umip://[::1]:",
    "umip://[::1]:0",
    "umip://[::1]:65536",
    "umip://[::1]:-1",
    "umip://[::1]:http",
    "umip://[::1]:7777/path",
    "umip://[]",
    "umip://1.2.3",
    "umip://[::1]:\u0663",
    "umip://127.0.0.1:7777\n",
    "umip:///tmp/\udcff",
    "umip:///" + "x" * 107,
)


@pytest.mark.parametrize("uri", ADDRESSES)
def test_an_address_is_read(uri: str) -> None:
    """What is read is written back as an address that means the same."""
    address = parse_address(uri)
    assert address == ADDRESSES[uri]
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("uri", NO_ADDRESSES)
def test_what_is_no_address_is_refused_with_an_example(uri: str) -> None:
    """Nothing is looked up and nothing is guessed."""
    with pytest.raises(UsageError) as caught:
        parse_address(uri)
    assert caught.value.hint


def test_a_console_that_others_reach_is_warned_of(connector: UmipConnector, mipsh: Mipsh) -> None:
    """On the network, or listening beyond loopback; not on loopback alone."""
    assert connector.warnings() == ()
    (remote,) = open_umip("umip://[2001:db8::1]:7777").warnings()
    assert "reached over the network: it has no authentication" in remote
    assert open_umip("umip:///run/mip6d.sock").warnings() == ()
    with VtServer(RecordedResponder(load(RECORDINGS / ROUTE_OPTIMISED, "cn")), "0.0.0.0") as server:
        ran = mipsh("-e", f"umip://127.0.0.1:{server.address[1]}", "bc")
        quiet = mipsh("-q", "-e", f"umip://127.0.0.1:{server.address[1]}", "bc")
    assert "listens beyond loopback (0.0.0.0)" in ran.stderr
    assert (ran.status, quiet.status, quiet.stderr) == (0, 0, "")


def test_raw_sends_one_word_that_looks(connector: UmipConnector) -> None:
    """The words of its help, and help itself; the text comes without framing."""
    assert connector.raw("bc").startswith("hoa 2001:db8:1:0:0:0:0:100 nonce 1 status cached\n")
    assert connector.raw("help") == "bc fancy nonce prompt quit stats verbose\n"


@pytest.mark.parametrize("command", ["bc add hoa ::1", "bc del", "quit", "exit", "bul", "verbose yes", "", " ", "bc\n"])
def test_raw_sends_nothing_else(replay: Replay, command: str) -> None:
    """Words with arguments, words that are not listed and words that leave are refused unsent."""
    responder = Scripted({"bc": "", "nonce": "", "stats": ""})
    connector = open_umip(replay.serve(responder).uri)
    with pytest.raises(RefusedError) as caught:
        connector.raw(command)
    assert caught.value.hint == "this mip6d can be asked: bc, fancy, help, nonce, prompt, stats, verbose"
    assert responder.asked == []


def test_raw_of_the_program_refuses_with_77(replay: Replay, mipsh: Mipsh) -> None:
    """Typed as several words, or as one."""
    uri = replay(ROUTE_OPTIMISED, "ha").uri
    for words in (["bc", "add"], ["bc add hoa ::1"], ["quit"], ["nothing"]):
        ran = mipsh("-e", uri, "raw", *words)
        assert (ran.status, ran.stdout) == (77, "")
    assert "preference 10" in mipsh("-e", uri, "raw", "hal").stdout


@pytest.mark.parametrize("command", ["b\u00e9", "bc\r\nquit", "x" * 8001])
def test_the_terminal_is_sent_one_line_of_ascii(connector: UmipConnector, command: str) -> None:
    """Whatever else is asked never leaves."""
    client = VtClient(connector.address, 1.0)
    client.open()
    with pytest.raises(UsageError):
        client.ask(command)
    client.close()
    with pytest.raises(EngineLost):
        client.ask("bc")
