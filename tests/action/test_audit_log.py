"""What was done to nodes, as it is written down: first, for its owner alone, readable whatever is in it."""

import json
import os
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from hypothesis import given
from hypothesis import strategies as st

from mipsh.action import audit
from mipsh.environment import Environment
from mipsh.errors import RefusedError
from mipsh.registry import Registry
from mipsh.session import Session

PROCESSES, CHANGES = 4, 25


@pytest.fixture
def shell(mipsh: Mipsh) -> Session:
    """Return a session whose files are in a folder of its own."""
    environment = Environment({**mipsh.variables, "SUDO_USER": "ann"}, StringIO(), StringIO(), StringIO())
    return Session(environment, Registry(False))


def log(shell: Session) -> Path:
    """Return the file."""
    return Path(shell.environment.audit_file())


def test_a_change_is_written_down_before_and_after(shell: Session, replay: Replay) -> None:
    """Who, when, where, what, and what came of it; the line is the command's as it was typed."""
    with shell:
        shell.connect(replay(ROUTE_OPTIMISED, "mn").uri)
        with shell.permitting({"write": True}, "bu home --write"):
            number = audit.begin(shell, ["ask mipd for a Binding Update"], "sequence 7")
        (first,) = [json.loads(line) for line in log(shell).read_text().splitlines()]
        assert audit.end(shell, number, status=0, result="accepted", after="sequence 8")
    second = json.loads(log(shell).read_text().splitlines()[1])
    assert shell.connector is None
    assert (first["phase"], first["id"], first["command"]) == ("begin", number, "bu home --write")
    assert (first["uid"], first["pid"], first["sudo_user"]) == (os.getuid(), os.getpid(), "ann")
    assert (first["steps"], first["before"]) == (["ask mipd for a Binding Update"], "sequence 7")
    assert first["engine"].startswith("umip://127.0.0.1:")
    assert first["host"]
    assert first["time"].endswith("Z")
    assert (second["phase"], second["id"], second["status"]) == ("end", number, 0)
    assert (second["result"], second["after"]) == ("accepted", "sequence 8")


def test_secrets_are_not_in_it(shell: Session) -> None:
    """An authenticator that was typed stays with who typed it."""
    with shell, shell.permitting({"write": True}, "craft bu auth=0102030405060708090a0b0c --send"):
        audit.begin(shell, ["send a Binding Update"])
    text = log(shell).read_text()
    assert "auth=(hidden) --send" in text
    assert "0102" not in text


def test_the_file_is_its_owner_s_alone(shell: Session) -> None:
    """Whatever the mask is."""
    before = os.umask(0)
    try:
        audit.begin(shell, ["do it"])
    finally:
        os.umask(before)
    assert stat.S_IMODE(log(shell).stat().st_mode) == 0o600
    assert stat.S_IMODE(log(shell).parent.stat().st_mode) == 0o700


def link(path: Path) -> None:
    """Put a link in the file's place."""
    (path.parent / "elsewhere").touch(mode=0o600)
    path.symlink_to(path.parent / "elsewhere")


def pipe(path: Path) -> None:
    """Put a pipe in the file's place."""
    os.mkfifo(path, 0o600)


def shared(path: Path) -> None:
    """Let everybody read the file."""
    path.touch()
    path.chmod(0o644)


@pytest.mark.parametrize("spoil", [link, pipe, shared, Path.mkdir])
def test_what_cannot_be_written_down_is_not_done(shell: Session, spoil: object) -> None:
    """A refusal names the file and why; what was done already is only warned about."""
    assert callable(spoil)
    log(shell).parent.mkdir(parents=True)
    spoil(log(shell))
    with pytest.raises(RefusedError, match="nothing is done, since it cannot be written down in") as refused:
        audit.begin(shell, ["do it"])
    assert str(log(shell)) in refused.value.message
    assert not audit.end(shell, "1", status=0, result="fine")
    stderr = shell.environment.stderr
    assert isinstance(stderr, StringIO)
    assert "the end of the change is not written down" in stderr.getvalue()
    with pytest.raises(RefusedError, match="cannot read"):
        audit.read(log(shell))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_used(shell: Session) -> None:
    """Who owns it could change what it says."""
    log(shell).parent.mkdir(parents=True)
    log(shell).touch(mode=0o600)
    os.chown(log(shell), 65534, -1)
    with pytest.raises(RefusedError, match="it belongs to user 65534"):
        audit.begin(shell, ["do it"])


def test_a_folder_that_cannot_be_made_is_a_refusal(shell: Session) -> None:
    """And so is a disk on which there is no room."""
    log(shell).parent.parent.parent.mkdir(exist_ok=True)
    log(shell).parent.parent.write_text("in the way")
    with pytest.raises(RefusedError, match="nothing is done"):
        audit.begin(shell, ["do it"])


WRITING = """
import sys
from mipsh.action import audit
from mipsh.environment import Environment
from mipsh.registry import Registry
from mipsh.session import Session
shell = Session(Environment(), Registry(False))
for _ in range(int(sys.argv[1])):
    audit.end(shell, audit.begin(shell, ["x" * 4000]), status=0, result="y" * 4000)
"""


def test_several_at_once_do_not_mix(shell: Session, mipsh: Mipsh) -> None:
    """A line is one write at the end of the file."""
    argv = [sys.executable, "-c", WRITING, str(CHANGES)]
    running = [subprocess.Popen(argv, env=mipsh.variables) for _ in range(PROCESSES)]
    assert [process.wait() for process in running] == [0] * PROCESSES
    found, unread = audit.read(log(shell))
    assert (len(found), unread) == (PROCESSES * CHANGES, 0)
    assert all(change.end is not None for change in found)


def test_a_line_that_was_cut_off_spoils_no_other(shell: Session) -> None:
    """A disk may have been full in the middle of it; words that are no text are written as they can be."""
    audit.begin(shell, ["do it"])
    with log(shell).open("a") as file:
        file.write('{"time":"t","id":')
    with shell.permitting({}, "bu \udcff"):
        audit.begin(shell, ["do \ud800 again"])
    found, unread = audit.read(log(shell))
    assert ([change.begin.steps for change in found], unread) == ([("do it",), ("do \\ud800 again",)], 1)
    assert found[1].begin.command == "bu \\udcff"


def test_what_is_too_long_is_cut(shell: Session) -> None:
    """A line has a bound, whatever an engine said."""
    number = audit.begin(shell, ["x" * 100_000], "y" * 100_000)
    audit.end(shell, number, status=1, result="z" * 100_000)
    assert max(map(len, log(shell).read_text().splitlines())) < 10_000


@given(st.lists(st.binary(max_size=80).map(lambda data: data.replace(b"\n", b"").strip())))
def test_any_line_can_be_read_over(lines: list[bytes]) -> None:
    """What is no line of the log is counted, and hides no other one."""
    begin = b'{"time":"t","id":"1","phase":"begin","command":"bu"}'
    end = b'{"time":"u","id":"1","phase":"end","status":0,"result":"fine"}'
    found, unread = audit.changes([*lines, begin, *lines, end, *lines])
    assert unread == 3 * sum(map(bool, lines))
    assert [(change.begin.command, change.end and change.end.result) for change in found] == [("bu", "fine")]


def test_an_end_needs_a_beginning() -> None:
    """One each; a phase that is not known is neither."""
    begin = b'{"time":"t","id":"1","phase":"begin"}'
    end = b'{"time":"u","id":"1","phase":"end"}'
    other = b'{"time":"u","id":"2","phase":"later"}'
    found, unread = audit.changes([end, begin, begin, end, end, other])
    assert (len(found), unread) == (1, 4)


def test_audit_shows_what_was_done(shell: Session, mipsh: Mipsh) -> None:
    """The oldest first; what never ended says so, and what cannot be read is counted."""
    assert mipsh("audit", "--json").rows == []
    audit.end(shell, audit.begin(shell, ["one", "two"], "was"), status=1, result="silence", after="is")
    audit.begin(shell, ["\x1b[2Jthree"])
    with log(shell).open("a") as file:
        file.write("junk\n")
    ran = mipsh("audit", "--json")
    assert ran.status == 0
    first, second = ran.rows
    assert (first["steps"], first["result"], first["status"]) == (["one", "two"], "silence", 1)
    assert (first["before"], first["after"]) == ("was", "is")
    assert first["user"].startswith("ann as ")
    assert (second["result"], second["status"], second["ended"]) == ("not finished", None, None)
    assert [notice["code"] for notice in ran.document["warnings"]] == ["unread"]
    assert [row["id"] for row in mipsh("audit", "--last", "1", "--json").rows] == [second["id"]]
    assert "\x1b" not in mipsh("audit", "--wide").stdout
    assert mipsh("audit", "--last", "0").status == 64
    log(shell).chmod(0o640)
    assert mipsh("audit").status == 77


def test_only_the_newest_of_a_long_log_is_read(shell: Session) -> None:
    """A log of years does not fill the memory; its first line may be cut, and is left out."""
    audit.begin(shell, ["old"])
    line = log(shell).read_bytes()
    with log(shell).open("ab") as file:
        for number in range(audit.MOST_BYTES // len(line) + 2):
            file.write(line.replace(b'"id":"', b'"id":"%d-' % number))
    found, unread = audit.read(log(shell))
    assert unread == 0
    assert len(found) * len(line) <= audit.MOST_BYTES
    assert all(change.begin.id[0].isdigit() for change in found)
