"""``craft``: what it makes and explains, what it refuses, and that it sends only where that is permitted."""

import stat
from pathlib import Path

import pytest
from harness import Mipsh

from mipsh.captures.reader import Reader
from mipsh.captures.writer import Writer
from mipsh.commands.craft import WIDTHS, fitting
from mipsh.craft.fields import RECIPES
from mipsh.environment import Environment
from mipsh.grammar.complete import complete
from mipsh.lookup import SessionLookup
from mipsh.model.packets import PacketField
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.wire import pcap

SENDING = ("craft", "brr", "src=::1", "dst=::1", "--send")


def value(rows: list[dict[str, object]], field: str) -> object:
    """Return what a field holds."""
    (found,) = [row["value"] for row in rows if row["field"] == field]
    return found


def test_all_messages_are_listed(mipsh: Mipsh) -> None:
    """With their own fields, and below them those that all have."""
    ran = mipsh("craft", "--json")
    assert ran.status == 0
    assert {row["message"] for row in ran.rows} == set(RECIPES)
    assert "craft MESSAGE FIELD=VALUE" in mipsh("craft").stdout


def test_a_message_is_explained(mipsh: Mipsh) -> None:
    """Its fields in rows, its bytes below."""
    ran = mipsh("craft", "bu", "seq=7", "lifetime=60", "--json")
    assert ran.status == 0
    assert (value(ran.rows, "sequence number"), value(ran.rows, "lifetime")) == ("7", "15")
    shown = mipsh("craft", "bu", "seq=7").stdout
    assert (
        "Binding Update from 2001:db8:2::100 to 2001:db8:1::1 behind Destination Options: 80 bytes, checksum right"
        in shown
    )
    assert "0000  60 00 00 00 00 28 3c 40" in shown


def test_a_wrong_checksum_is_a_warning(mipsh: Mipsh) -> None:
    """It was asked for: the status is that all is well."""
    ran = mipsh("craft", "bu", "checksum=1")
    assert ran.status == 0
    assert "checksum wrong" in ran.stdout
    assert "warning: MH checksum at offset 68: expected 0x" in ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bu", "sec=7"), "did you mean seq"),
        (("bu", "7"), "write a name and a value"),
        (("bux",), "message cannot be 'bux'"),
        (("bu", "--interface", "eth0"), "add --send"),
        (("bu", "--send"), "src=, dst=, hao= are an example's"),
        (("be", "src=::1", "dst=::1", "--send"), "hoa= is an example's"),
        (("hex", "60z0"), "two digits each"),
        (("hex", ""), "a packet has 1 to"),
        (("file", "nowhere.pcap"), "cannot read nowhere.pcap: No such file"),
    ],
)
def test_what_is_wrong_is_said(mipsh: Mipsh, words: tuple[str, ...], said: str) -> None:
    """With what to do about it, and nothing is sent."""
    ran = mipsh("craft", *words)
    assert ran.status == 64
    assert said in ran.stderr
    assert ran.stdout == ""


def test_nothing_is_sent_by_a_shell_that_looks(mipsh: Mipsh) -> None:
    """Nor where nobody consents; a dry run shows what would be."""
    assert mipsh(*SENDING).status == 77
    ran = mipsh("--write", *SENDING)
    assert (ran.status, "add --yes" in ran.stderr) == (77, True)
    ran = mipsh(*SENDING, "--dry-run", "--json")
    assert ran.status == 0
    (row,) = ran.rows
    assert (row["state"], row["step"]) == ("planned", "send a Binding Refresh Request from ::1 to ::1")
    assert row["equivalent"].startswith("send(IPv6(")
    assert bytes.fromhex(row["packet"])[6] == 135


def test_how_it_is_done_by_hand(mipsh: Mipsh) -> None:
    """By scapy; with an interface on its link."""
    made, sent = mipsh(*SENDING, "--interface", "eth0", "--how", "--json").rows
    assert made["equivalent"].startswith("IPv6(")
    assert made["reference"] == "RFC 6275 section 6.1.2"
    assert (sent["via"], sent["equivalent"][:14]) == ("packet", "sendp(Ether()/")
    assert [row["via"] for row in mipsh("craft", "bu", "--save", "x.pcap", "--how", "--json").rows] == ["none", "file"]
    assert mipsh("craft", "--how").status == 0
    assert "tshark -r x.pcap" in mipsh("craft", "file", "x.pcap", "--how").stdout
    assert mipsh("craft", "hex", "60", "--how").status == 0


def test_a_packet_is_kept_and_read_again(mipsh: Mipsh, tmp_path: Path) -> None:
    """In a file for its owner's eyes; what was a secret there is hidden."""
    path = tmp_path / "made.pcap"
    made = mipsh("craft", "hoti", "cookie=0102030405060708", "--save", str(path), "--json")
    assert value(made.rows, "home init cookie") == "0102030405060708"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    ran = mipsh("craft", "file", str(path), "--json")
    assert value(ran.rows, "home init cookie") == "hidden, 8 bytes"
    assert "-- -- -- --" in mipsh("craft", "file", str(path), "1").stdout
    ran = mipsh("craft", "file", str(path), "2")
    assert (ran.status, "has 1 frame, and no frame 2" in ran.stderr) == (64, True)
    (_, frame) = next(iter(pcap.read(path.read_bytes())))
    assert (
        mipsh("craft", "hex", frame.hex()[:80], frame.hex()[80:], "--json").rows
        == mipsh("craft", "file", str(path), "--json").rows
    )


def test_nothing_is_kept_in_a_dry_run(mipsh: Mipsh, tmp_path: Path) -> None:
    """It is said so; a file that cannot be written is an error."""
    path = tmp_path / "made.pcap"
    ran = mipsh("craft", "bu", "--save", str(path), "--dry-run")
    assert (ran.status, path.exists(), "nothing is written" in ran.stderr) == (0, False, True)
    ran = mipsh("craft", "bu", "--save", str(tmp_path))
    assert (ran.status, f"cannot write {tmp_path}: Is a directory" in ran.stderr) == (2, True)


@pytest.mark.parametrize("content", [b"", b"no capture at all, but long enough", b"\xd4\xc3\xb2\xa1" + bytes(20)])
def test_a_file_that_is_no_capture(mipsh: Mipsh, tmp_path: Path, content: bytes) -> None:
    """It is named, with what is wrong."""
    path = tmp_path / "wrong.pcap"
    path.write_bytes(content)
    ran = mipsh("craft", "file", str(path))
    assert (ran.status, str(path) in ran.stderr, "pcap and pcapng are read" in ran.stderr) == (64, True, True)


def test_a_capture_of_the_other_format(mipsh: Mipsh, tmp_path: Path) -> None:
    """A packet in pcapng is explained as one in pcap."""
    first, second = tmp_path / "made.pcap", tmp_path / "made.pcapng"
    mipsh("craft", "bu", "--save", str(first))
    with first.open("rb") as file, second.open("wb") as out:
        for frame in Reader(file.read).frames():
            Writer(out.write).frame(frame)
    rows = mipsh("craft", "file", str(second), "--json").rows
    assert rows
    assert rows == mipsh("craft", "file", str(first), "--json").rows


def test_a_frame_that_holds_no_packet(mipsh: Mipsh, tmp_path: Path) -> None:
    """ARP, say."""
    path = tmp_path / "arp.pcap"
    path.write_bytes(pcap.write(pcap.ETHERNET, [(0, bytes(12) + b"\x08\x06" + bytes(28))]))
    assert "frame 1 of" in mipsh("craft", "file", str(path)).stderr


def test_a_narrow_terminal_shows_less() -> None:
    """Down to the value of each field."""
    rows = [PacketField(0, "16 bytes", "source", "2001:db8::1", "care-of address")]
    assert [fitting(rows, width) for width in (None, 100, 45, 20)] == [WIDTHS[0], WIDTHS[0], WIDTHS[1], WIDTHS[2]]
    assert fitting([], 80) == WIDTHS[0]


def suggested(text: str) -> list[str]:
    """Return what completes a line."""
    session = Session(Environment({}), Registry(plugins=False))
    return [one.text for one in complete(text, len(text), session.registry, SessionLookup(session))]


def test_messages_fields_and_values_are_completed() -> None:
    """Those that were given are no longer among them."""
    assert {*RECIPES, "hex", "file"} <= set(suggested("craft "))
    assert suggested("craft bu fl") == ["flags=", "flow="]
    assert "seq=" not in suggested("craft bu seq=1 ")
    assert "status=administratively_prohibited" in suggested("craft ba status=adm")
    assert suggested("craft bu src=2001") == []


def test_no_cache_is_left_in_the_home(mipsh: Mipsh) -> None:
    """scapy's cache is neither read nor written: whoever can write it would be believed."""
    assert mipsh.process("craft", "brr", "src=2001:db8::1", "dst=2001:db8::2").status == 0
    assert not (mipsh.home / ".cache" / "scapy").exists()
