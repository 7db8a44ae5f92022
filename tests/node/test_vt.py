"""The virtual terminal's manners: one session as bytes in and out, and the server on real sockets."""

import socket
import stat
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import EngineComplaint, EngineError, RefusedError, UsageError
from mipsh.node.faults import Delay, DiesAfter, Endless, Garbage, Mute, Silent, Trouble
from mipsh.node.vt import READ_SIZE, VtServer, VtSession
from mipsh.recording import VtOptions

GREETING = b"mip6d> "
BIG = "x" * 20_000_000
LATE_S = 0.05


class Echo:
    """A responder that says what it was asked and under which options."""

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Know ``echo …``, ``big`` and ``fail``."""
        first = command.partition(" ")[0]
        if first == "big":
            return BIG
        if first == "fail":
            raise EngineComplaint("bc error=22(Invalid argument)")
        if command == "echo nothing":
            return ""
        flags = "".join(name[0] for name in ("prompt", "verbose", "fancy") if getattr(options, name))
        return f"{command} {flags}\n" if first == "echo" and command != "echo odd" else None

    def words(self) -> tuple[str, ...]:
        """Return the words, unsorted."""
        return ("fail", "echo", "big")


@contextmanager
def connected(server: VtServer) -> Iterator[socket.socket]:
    """Hold a connection to a server."""
    with socket.create_connection(server.address, timeout=10) as client:
        yield client


def receive(client: socket.socket, size: int) -> bytes:
    """Return exactly so many bytes, fewer only at the end of the connection."""
    got = b""
    while len(got) < size:
        chunk = client.recv(size - len(got))
        if not chunk:
            break
        got += chunk
    return got


def until_nul(client: socket.socket) -> bytes:
    """Return what comes up to a NUL, or to the end of the connection."""
    got = bytearray()
    while not got.endswith(b"\0"):
        chunk = client.recv(65536)
        if not chunk:
            break
        got += chunk
    return bytes(got)


def ask(client: socket.socket, line: bytes) -> bytes:
    """Send one read and return its reply."""
    client.sendall(line)
    return until_nul(client)


def reset(client: socket.socket) -> None:
    """Make closing a socket send RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


# One session, as bytes


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"echo a\n", b"echo a pf\nmip6d> \0"),
        (b"echo a\r\n", b"echo a pf\nmip6d> \0"),
        (b"  echo \t a \r\n", b"echo a pf\nmip6d> \0"),
        (b"echo nothing\n", b"mip6d> \0"),
        (b"\n", b"mip6d> \0"),
        (b"\r\n", b"mip6d> \0"),
        (b" \n", b"mip6d> \0"),
        (b"help\n", b"big echo fail fancy prompt quit verbose\nmip6d> \0"),
        (b"help me\n", b"big echo fail fancy prompt quit verbose\nmip6d> \0"),
        (b"quit now\n", b"unknown args\nmip6d> \0"),
        (b"exit now\r\n", b"unknown args\nmip6d> \0"),
        (b"prompt\n", b"yes\nmip6d> \0"),
        (b"prompt no\n", b"no\n\0"),
        (b"verbose\n", b"no\nmip6d> \0"),
        (b"verbose yes please\n", b"yes\nmip6d> \0"),
        (b"fancy\n", b"yes\nmip6d> \0"),
        (b"fancy help\n", b"no yes\nmip6d> \0"),
        (b"fail\n", b"bc error=22(Invalid argument)\nmip6d> \0"),
    ],
)
def test_a_session_answers(line: bytes, reply: bytes) -> None:
    """A first command and its reply to the last byte."""
    assert VtSession(Echo()).reply(line) == reply


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (b"bogus\n", b"(null)"),
        (b"bogus\r\n", b"bogus"),
        (b"bogus \n", b"bogus"),
        (b"bogus x\n", b"bogus"),
        (b"echo odd\n", b"(null)"),
        (b"echo odd\r\n", b"odd"),
        (b"verbose y\r\n", b"y"),
        (b"verbose maybe\n", b"(null)"),
        (b"BC\n", b"(null)"),
        (b"\xe9t\xe9 \n", b"\xe9t\xe9"),
    ],
)
def test_an_unknown_word_is_named_only_with_white_space_behind_it(line: bytes, named: bytes) -> None:
    """The read's last byte is its line end; a word right before it has no name."""
    assert VtSession(Echo()).reply(line) == b'unknown command: "' + named + b'"\nmip6d> \0'


@pytest.mark.parametrize(
    ("read", "reply"),
    [
        (b"echo a\r\necho b\r\n", b"echo a pf\nmip6d> \0"),
        (b"echo a\nquit\n", b"echo a pf\nmip6d> \0"),
        (b"echo a\0 b\n", b"echo a pf\nmip6d> \0"),
        (b"echo ab", b"echo a pf\nmip6d> \0"),
        (b"e", b"mip6d> \0"),
    ],
)
def test_one_read_is_one_command(read: bytes, reply: bytes) -> None:
    """A second line is lost, a NUL ends the line, and the last byte goes, whatever it is."""
    assert VtSession(Echo()).reply(read) == reply


@pytest.mark.parametrize("line", [b"quit\n", b"quit\r\n", b"exit\n", b" exit \n"])
def test_leaving_hangs_up_without_a_word(line: bytes) -> None:
    """Neither prompt nor NUL follows."""
    assert VtSession(Echo()).reply(line) is None


def test_options_are_what_the_responder_is_told() -> None:
    """Each option is set, asked and passed on; with the prompt off only the NUL ends a reply."""
    session = VtSession(Echo())
    assert session.reply(b"verbose yes\r\n") == b"yes\nmip6d> \0"
    assert session.reply(b"fancy no\r\n") == b"no\nmip6d> \0"
    assert session.reply(b"echo\r\n") == b"echo pv\nmip6d> \0"
    assert session.reply(b"prompt no\r\n") == b"no\n\0"
    assert session.reply(b"echo\r\n") == b"echo v\n\0"
    assert session.reply(b"\r\n") == b"\0"
    assert session.options == VtOptions(prompt=False, verbose=True, fancy=False)
    assert session.reply(b"prompt yes\r\n") == b"yes\nmip6d> \0"


@given(st.lists(st.binary(min_size=1, max_size=60) | st.sampled_from([b"help\n", b"echo x\r\n", b"prompt no\n"])))
def test_no_bytes_break_a_session(reads: list[bytes]) -> None:
    """Every reply has one NUL, at its end."""
    session = VtSession(Echo())
    for read in reads:
        reply = session.reply(read)
        assert reply is None or reply.find(b"\0") == len(reply) - 1


# The server, on sockets


def test_the_greeting_comes_first_and_has_no_nul() -> None:
    """It is there before anything is asked, and quit ends the connection."""
    with VtServer(Echo()) as server, connected(server) as client:
        assert receive(client, len(GREETING)) == GREETING
        assert ask(client, b"echo a\r\n") == b"echo a pf\nmip6d> \0"
        assert ask(client, b"quit\r\n") == b""


def test_a_second_client_is_closed_without_a_byte_until_the_first_leaves() -> None:
    """The slot is one, is kept while others knock, and is free once its holder is gone."""
    with VtServer(Echo()) as server:
        with connected(server) as first:
            assert receive(first, len(GREETING)) == GREETING
            for _ in range(3):
                with connected(server) as second:
                    assert second.recv(1) == b""
            assert ask(first, b"echo still\n") == b"echo still pf\nmip6d> \0"
        with connected(server) as third:
            assert ask(third, b"echo\n").endswith(b"echo pf\nmip6d> \0")


@pytest.mark.parametrize("parting", [b"", b"big\n", b"quit\n", b"echo a\n"])
def test_the_slot_is_free_after_a_client_vanished(parting: bytes) -> None:
    """A reset, in the middle of a reply or not, costs nobody else the slot."""
    with VtServer(Echo()) as server:
        with connected(server) as client:
            assert receive(client, len(GREETING)) == GREETING
            client.sendall(parting)
            reset(client)
        with connected(server) as successor:
            assert receive(successor, len(GREETING)) == GREETING
            assert ask(successor, b"echo\n") == b"echo pf\nmip6d> \0"


def test_options_end_with_the_connection() -> None:
    """The next client finds the defaults."""
    with VtServer(Echo()) as server:
        with connected(server) as client:
            receive(client, len(GREETING))
            assert ask(client, b"prompt no\n") == b"no\n\0"
            assert ask(client, b"verbose yes\n") == b"yes\n\0"
            assert ask(client, b"echo\n") == b"echo vf\n\0"
        with connected(server) as client:
            assert receive(client, len(GREETING)) == GREETING
            assert ask(client, b"echo\n") == b"echo pf\nmip6d> \0"


def test_a_line_longer_than_the_buffer_is_cut_there() -> None:
    """What lies behind 8 KiB is another read, and so another command."""
    command = b"echo " + b"a" * (READ_SIZE - 6)
    with VtServer(Echo()) as server, connected(server) as client:
        receive(client, len(GREETING))
        assert ask(client, command + b"\n") == command + b" pf\nmip6d> \0"
        first = ask(client, command + b"a" + b"echo tail\n")
        replies = first + (until_nul(client) if first.count(b"\0") < 2 else b"")
        assert replies == command + b" pf\nmip6d> \0echo tail pf\nmip6d> \0"


def test_a_reply_larger_than_any_buffer_arrives_whole() -> None:
    """The server sends it as the client takes it."""
    with VtServer(Echo()) as server, connected(server) as client:
        receive(client, len(GREETING))
        assert ask(client, b"big\n") == BIG.encode() + b"mip6d> \0"


def test_a_client_that_only_stopped_sending_gets_its_reply() -> None:
    """Half-closing after a command is not leaving."""
    with VtServer(Echo()) as server, connected(server) as client:
        client.sendall(b"big\n")
        client.shutdown(socket.SHUT_WR)
        assert len(until_nul(client)) == len(GREETING) + len(BIG) + len(b"mip6d> \0")
        assert client.recv(1) == b""


def test_two_hundred_connections_leave_no_descriptor() -> None:
    """Served, refused and reset ones alike."""
    before = descriptors()
    with VtServer(Echo()) as server:
        for number in range(200):
            with connected(server) as client:
                assert receive(client, len(GREETING)) == GREETING
                if number % 4 == 1:
                    reset(client)
                elif number % 4 == 2:
                    with connected(server) as other:
                        assert other.recv(1) == b""
                elif number % 4 == 3:
                    assert ask(client, b"quit\n") == b""
        with connected(server) as client:
            assert ask(client, b"echo\n")
    assert descriptors() == before


@pytest.mark.parametrize("command", [b"", b"big\n"])
@pytest.mark.parametrize("trouble", [Trouble(), Endless(), Silent(), Delay(3600)])
def test_stop_waits_for_no_client(trouble: Trouble, command: bytes) -> None:
    """Idle, stuck in a reply or in a delay: stop closes it and the thread ends."""
    before, threads = descriptors(), threading.active_count()
    server = VtServer(Echo(), trouble=trouble)
    server.start()
    with connected(server) as client:
        assert receive(client, len(GREETING)) == GREETING
        client.sendall(command)
        server.stop()
        assert threading.active_count() == threads
    assert descriptors() == before


def test_start_and_stop_can_be_repeated() -> None:
    """Twice is as once, stopping first is nothing, and a stopped server starts again."""
    server = VtServer(Echo())
    server.stop()
    assert server.address == ("127.0.0.1", 0)
    for _ in range(2):
        server.start()
        address = server.address
        server.start()
        assert server.address == address
        assert address[1] > 0
        with connected(server) as client:
            assert receive(client, len(GREETING)) == GREETING
        server.stop()
        server.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)


def test_serving_in_the_foreground_ends_with_stop() -> None:
    """The caller blocks until another thread stops the server."""
    server = VtServer(Echo())
    server.start()
    foreground = threading.Thread(target=server.serve_forever)
    foreground.start()
    with connected(server) as client:
        assert receive(client, len(GREETING)) == GREETING
    server.stop()
    foreground.join(10)
    assert not foreground.is_alive()


def test_a_unix_socket_is_private_shares_the_slot_and_is_taken_away(tmp_path: Path) -> None:
    """The same manners on the path, for its owner only."""
    path = tmp_path / "vt.sock"
    with VtServer(Echo(), path=path) as server:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            assert receive(client, len(GREETING)) == GREETING
            assert ask(client, b"echo\n") == b"echo pf\nmip6d> \0"
            with connected(server) as other:
                assert other.recv(1) == b""
    assert not path.exists()


def test_a_socket_left_behind_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    """A file that nobody listens at is only a leftover; any other stays."""
    path = tmp_path / "vt.sock"
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(path))
    with VtServer(Echo(), path=path):
        before = descriptors()
        with pytest.raises(RefusedError, match=r"vt\.sock"):
            VtServer(Echo(), path=path).start()
        assert descriptors() == before
    path.write_text("mine")
    with pytest.raises(RefusedError, match=r"vt\.sock"):
        VtServer(Echo(), path=path).start()
    assert path.read_text() == "mine"


def test_a_port_in_use_is_refused_with_a_hint() -> None:
    """The message names the place."""
    with VtServer(Echo()) as server:
        port = server.address[1]
        with pytest.raises(RefusedError, match=f"127.0.0.1 port {port}") as caught:
            VtServer(Echo(), port=port).start()
    assert "ss -l" in caught.value.hint


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_cannot_be_is_a_usage_error(port: int) -> None:
    """It is found before anything is bound."""
    with pytest.raises(UsageError, match=str(port)):
        VtServer(Echo(), port=port)


@pytest.mark.parametrize("host", ["192.0.2.1", "not a host", "a" * 70, "nul\0"])
def test_an_address_that_is_not_ours_is_a_usage_error(host: str) -> None:
    """Nothing stays open behind it."""
    before = descriptors()
    with pytest.raises(UsageError, match="cannot listen"):
        VtServer(Echo(), host=host).start()
    assert descriptors() == before


@pytest.mark.parametrize("path", ["missing/vt.sock", "x" * 200])
def test_a_path_that_cannot_be_is_a_usage_error(tmp_path: Path, path: str) -> None:
    """The TCP port is given back."""
    before = descriptors()
    with pytest.raises(UsageError, match="cannot listen"):
        VtServer(Echo(), path=tmp_path / path).start()
    assert descriptors() == before


def test_any_other_failure_to_listen_is_an_engine_error(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    path = tmp_path / "loop"
    path.symlink_to(path)
    with pytest.raises(EngineError, match="loop"):
        VtServer(Echo(), path=path / "vt.sock").start()


# Troubles


def test_trouble_dying_in_a_reply() -> None:
    """Short replies pass whole; a longer one ends early, and so does the connection."""
    with VtServer(Echo(), trouble=DiesAfter(20)) as server:
        for _ in range(2):
            with connected(server) as client:
                receive(client, len(GREETING))
                assert ask(client, b"prompt no\n") == b"no\n\0"
                assert ask(client, b"echo " + b"a" * 40 + b"\n") == b"echo " + b"a" * 15


def test_trouble_silent_and_mute() -> None:
    """The connection stands, and nothing comes."""
    for trouble, greeting in ((Silent(), GREETING), (Mute(), b"")):
        with VtServer(Echo(), trouble=trouble) as server, connected(server) as client:
            assert receive(client, len(greeting)) == greeting
            client.sendall(b"help\n")
            with connected(server) as other:
                assert other.recv(1) == b""
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)


def test_trouble_garbage() -> None:
    """Something else greets."""
    with VtServer(Echo(), trouble=Garbage(b"220 ftp\r\n")) as server, connected(server) as client:
        assert receive(client, 9) == b"220 ftp\r\n"


def test_trouble_endless_lasts_until_the_client_leaves() -> None:
    """Megabytes without a NUL, and then the slot is free again."""
    with VtServer(Echo(), trouble=Endless()) as server:
        for _ in range(2):
            with connected(server) as client:
                assert receive(client, len(GREETING)) == GREETING
                client.sendall(b"echo\n")
                text = receive(client, 4_000_000)
                assert len(text) == 4_000_000
                assert b"\0" not in text


def test_trouble_delay() -> None:
    """The greeting is prompt, the reply is not, and it is whole."""
    with VtServer(Echo(), trouble=Delay(LATE_S)) as server, connected(server) as client:
        assert receive(client, len(GREETING)) == GREETING
        for _ in range(2):
            asked = time.monotonic()
            assert ask(client, b"echo\n") == b"echo pf\nmip6d> \0"
            assert time.monotonic() - asked >= LATE_S
