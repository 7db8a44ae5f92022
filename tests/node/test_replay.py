"""Replaying recordings: what mip6d said once, it says again to the last byte."""

import socket
from pathlib import Path

import msgspec
import pytest

from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.recording import Exchange, Recording, VtOptions, load

RECORDINGS = Path(__file__).parents[1] / "recordings" / "mip6d-1.0"
SESSIONS = sorted(RECORDINGS.glob("*/*.vt.json"))
PLAIN = VtOptions(prompt=False, verbose=True, fancy=False)
UNKNOWN = 'unknown command: "(null)"\n'


def take(file: Path) -> Recording:
    """Read a recording file of the tests."""
    return Recording("node", msgspec.json.decode(file.read_bytes(), type=list[Exchange]))


def replayed(recording: Recording, line_end: str = "\n") -> list[str]:
    """Type a recording's commands over one connection and return each reply, NUL included."""
    replies = []
    with (
        VtServer(RecordedResponder(recording)) as server,
        socket.create_connection(server.address, timeout=10) as client,
    ):
        for exchange in recording.exchanges:
            client.sendall((exchange.command + line_end).encode("latin-1"))
            reply = bytearray()
            while not reply.endswith(b"\0"):
                chunk = client.recv(65536)
                assert chunk, exchange.command
                reply += chunk
            replies.append(reply.decode("latin-1"))
    return replies


def test_the_recordings_are_here() -> None:
    """The parameters below are not an empty list."""
    assert len({file.parent for file in SESSIONS}) == 11


@pytest.mark.parametrize("file", SESSIONS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_a_session_comes_back_byte_by_byte(file: Path) -> None:
    """Greeting, escapes, prompts and NULs as recorded, in the order typed."""
    recording = load(file.parent, file.name.removesuffix(".vt.json"))
    assert replayed(recording) == [exchange.reply for exchange in recording.exchanges]


def test_complaints_come_back_byte_by_byte() -> None:
    """The home agent's answers to odd lines that end in a bare line feed."""
    recording = take(RECORDINGS / "events" / "ha-ctl.json")
    assert replayed(recording) == [exchange.reply for exchange in recording.exchanges]


def test_a_word_with_white_space_behind_it_is_named() -> None:
    """With CR LF the complaint names the word; nothing else differs."""
    recording = load(RECORDINGS / "03-route-optimised", "cn")
    expected = [exchange.reply.replace("(null)", exchange.command) for exchange in recording.exchanges]
    assert replayed(recording, "\r\n") == expected


def test_a_responder_answers_as_the_options_say() -> None:
    """A state never recorded is derived; what the engine did not know is not known."""
    responder = RecordedResponder(load(RECORDINGS / "05-inter-mn", "mn"))
    terse_plain = responder.answer("bc", VtOptions(fancy=False))
    assert terse_plain is not None
    assert terse_plain.startswith("hoa 2001:db8:1:0:0:0:0:200 status cached\n")
    verbose_plain = responder.answer("bc", PLAIN)
    assert verbose_plain is not None
    assert verbose_plain.startswith("hoa 2001:db8:1:0:0:0:0:200 nonce 1 status cached\n")
    assert responder.answer("nonce", PLAIN) == ""
    assert responder.answer("hal", PLAIN) is None
    assert responder.answer("bogus", PLAIN) is None


def test_the_latest_answer_under_the_same_options_stands() -> None:
    """A table polled during a handover is answered as it was at the end."""
    recording = take(RECORDINGS / "events" / "handoff-race-0.json")
    last = recording.exchanges[-1]
    answer = RecordedResponder(recording).answer(last.command, VtOptions())
    assert answer == last.reply.removesuffix("mip6d> \0")


def test_words_are_those_of_help_or_those_answered() -> None:
    """Without a recorded help, what was answered tells the words."""
    recording = load(RECORDINGS / "05-inter-mn", "mn")
    assert RecordedResponder(recording).words() == (
        "bc", "bul", "fancy", "nonce", "prompt", "quit", "rr", "stats", "verbose",
    )  # fmt: skip
    helpless = Recording("mn", [it for it in recording.exchanges if it.command != "help"])
    assert RecordedResponder(helpless).words() == (
        "bc", "bul", "fancy", "nonce", "prompt", "rr", "stats", "verbose",
    )  # fmt: skip
    assert RecordedResponder(Recording("mn", [])).words() == ()


def test_what_was_not_recorded_is_unknown_on_the_wire() -> None:
    """An empty recording still has a terminal's manners."""
    recording = Recording(
        "mn",
        [
            Exchange("bul", f"mip6d> {UNKNOWN}mip6d> \0", 0),
            Exchange("help", "fancy prompt quit verbose\nmip6d> \0", 0),
        ],
    )
    assert replayed(recording) == [exchange.reply for exchange in recording.exchanges]
