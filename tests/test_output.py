"""Where results go: files that are whole or untouched, shell commands with their statuses, closed streams."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.registry import Registry

PLAIN = Registry(plugins=False)
FULL = Path("/dev/full")


@pytest.fixture
def uri(replay: Replay) -> str:
    """Return the address of the recorded mobile node."""
    return replay(ROUTE_OPTIMISED, "mn").uri


@pytest.fixture
def umask() -> Iterator[None]:
    """Set the usual mask of new files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_file_gets_the_result_and_nothing_else(mipsh: Mipsh, uri: str, tmp_path: Path) -> None:
    """Standard output stays empty, the text is that of standard output, no temporary file stays."""
    path = tmp_path / "out.json"
    ran = mipsh("-e", uri, "bul", "-o", "csv", ">", str(path))
    assert (ran.status, ran.stdout, ran.stderr) == (0, "", "")
    assert path.read_bytes().decode() == mipsh("-e", uri, "bul", "-o", "csv").stdout
    assert list(tmp_path.glob(".mipsh-*")) == []


def test_a_file_is_appended_to(mipsh: Mipsh, tmp_path: Path) -> None:
    """Behind what is there; a file that is not there is made."""
    path = tmp_path / "log"
    for _ in range(2):
        assert mipsh("version", "--columns", "program", ">>", str(path), "-o", "tsv").status == 64
        assert mipsh("version", "--columns", "program", "-o", "tsv", ">>", str(path)).status == 0
    assert path.read_text().count("program\nmipsh\n") == 2


@pytest.mark.usefixtures("umask")
def test_a_file_keeps_its_mode_and_its_links(mipsh: Mipsh, tmp_path: Path) -> None:
    """A new one has the usual mode; a link is followed, not replaced."""
    new, old, link = tmp_path / "new", tmp_path / "old", tmp_path / "link"
    old.write_text("before")
    old.chmod(0o640)
    link.symlink_to(old)
    assert mipsh("version", ">", str(new)).status == 0
    assert mipsh("version", ">", str(link)).status == 0
    assert stat.S_IMODE(new.stat().st_mode) == 0o644
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert link.is_symlink()
    assert old.read_text() == new.read_text()


def test_an_error_is_kept_in_the_file_that_asked_for_it(mipsh: Mipsh, uri: str, tmp_path: Path) -> None:
    """A document is a document: the file says what went wrong, and so does the status."""
    path = tmp_path / "out.json"
    assert mipsh("-e", uri, "hal", "-o", "json", ">", str(path)).status == 3
    assert '"capability_missing"' in path.read_text()


@pytest.mark.parametrize("name", ["missing/out", "file/out", ".", "~nobody-of-this-name/out", "loop", "\0"])
def test_where_nothing_can_be_written_the_error_says_why(mipsh: Mipsh, tmp_path: Path, name: str) -> None:
    """Status 2, the name, and nothing on standard output."""
    (tmp_path / "file").write_text("before")
    (tmp_path / "loop").symlink_to("loop")
    path = name if name.startswith("~") else f"{tmp_path}/{name}"
    ran = mipsh("version", ">", path)
    assert (ran.status, ran.stdout) == (2, "")
    assert ran.stderr.startswith("mipsh: error: cannot write to ")
    assert (tmp_path / "file").read_text() == "before"


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
def test_a_full_device_is_an_error(mipsh: Mipsh, uri: str) -> None:
    """For a file and for standard output, with the status of a failure; a longer result fails earlier."""
    for words in (["version"], ["help", "filters"], ["describe", "--all", "--schema"]):
        ran = mipsh(*words, ">", str(FULL))
        assert (ran.status, ran.stdout) == (2, "")
        assert "cannot write to /dev/full: No space left on device" in ran.stderr
    with FULL.open("w") as full:
        ran = mipsh.process("--no-config", "-e", uri, "bul", stdout=full)
        assert ran.status == 2
        assert "cannot write to standard output: No space left on device" in ran.stderr
        assert "Traceback" not in ran.stderr
        assert "Exception ignored" not in ran.stderr


FILL = """
mount -t tmpfs -o size=64k,mode=700 none "{folder}" || exit 77
echo before > "{folder}/out"
head -c 40000 /dev/zero > "{folder}/ballast"
"{python}" -m mipsh --no-config -c '{line}'
echo "status $?"
cat "{folder}/out"
ls -A "{folder}"
"""


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare")
@pytest.mark.parametrize("operator", [">", ">>"])
def test_a_full_disk_leaves_the_old_file(mipsh: Mipsh, tmp_path: Path, operator: str) -> None:
    """A small filesystem in a mount namespace of its own: no half a result, no rest of one."""
    line = f"describe --all --schema {operator} {tmp_path}/out"
    script = FILL.format(folder=tmp_path, python=sys.executable, line=line)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script],
        env=mipsh.variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 77:
        pytest.skip(f"no filesystem can be mounted here: {done.stderr.strip()}")
    assert "No space left on device" in done.stderr
    assert done.stdout.splitlines() == ["status 2", "before", "ballast", "out"]


def test_a_shell_command_gets_the_text(mipsh: Mipsh, uri: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Rows are filtered before it; its output goes where standard output goes, in order."""
    ran = mipsh("-e", uri, "bul", "-o", "tsv", "--columns", "reg", "|", "include", "home", "|", "!tr a-z A-Z")
    assert (ran.status, ran.stderr) == (0, "")
    assert capfd.readouterr().out == "REGISTRATION\nHOME\n"


STATUSES = {
    "true": 0,
    "grep -q home": 0,
    "grep -q nothing-like-it": 1,
    "exit 2": 2,
    "exit 200": 2,
    "kill -9 $$": 2,
    "no-such-command-anywhere": 2,
    "head -c 1 > /dev/null": 0,
    "exec 0<&-; true": 0,
}


@pytest.mark.parametrize("command", STATUSES)
def test_a_shell_command_s_status_counts(mipsh: Mipsh, uri: str, command: str) -> None:
    """1 is a condition not met, others a failure; one that stops reading is fine. An error before it stands."""
    assert mipsh("-e", uri, "bul", "--wide", "|", f"!{command}").status == STATUSES[command]
    assert mipsh("-e", uri, "hal", "|", f"!{command}").status == 3


def test_a_shell_command_that_stops_reading_early_is_fine(mipsh: Mipsh) -> None:
    """More than a pipe holds, and a reader of one line."""
    line = "describe --all --schema | !head -n 1"
    assert mipsh("-c", line).status == 0


def test_colour_goes_into_files_only_when_asked_for(mipsh: Mipsh, uri: str, tmp_path: Path) -> None:
    """Neither a terminal nor a variable colours a file; ``--color always`` does."""
    mipsh.variables["FORCE_COLOR"] = "1"
    path = tmp_path / "out"
    for words, coloured in (([], False), (["--color", "always"], True), (["--no-color"], False)):
        assert mipsh("-e", uri, "bul", "-o", "vertical", *words, ">", str(path), terminal=True).status == 0
        assert ("\x1b[" in path.read_text()) is coloured


def test_colour_follows_the_variables(mipsh: Mipsh, uri: str) -> None:
    """NO_COLOR wins, then FORCE_COLOR, then the terminal; an option wins over all."""

    def coloured(terminal: bool, *words: str, **variables: str) -> bool:
        other = Mipsh(mipsh.home, {**mipsh.variables, **variables})
        return "\x1b[" in other("-e", uri, "bul", "-o", "vertical", "--no-pager", *words, terminal=terminal).stdout

    assert coloured(True)
    assert not coloured(False)
    assert not coloured(True, NO_COLOR="1")
    assert coloured(True, NO_COLOR="")
    assert coloured(False, FORCE_COLOR="1")
    assert coloured(False, CLICOLOR_FORCE="1")
    assert not coloured(False, CLICOLOR_FORCE="0")
    assert not coloured(True, NO_COLOR="1", FORCE_COLOR="1")
    assert not coloured(True, TERM="dumb")
    assert not coloured(True, "--no-color", FORCE_COLOR="1")
    assert not coloured(True, "--color", "never")
    assert coloured(False, "--color", "always", NO_COLOR="1")


def test_several_statements_write_in_order(mipsh: Mipsh, tmp_path: Path) -> None:
    """A file between two results on standard output."""
    path = tmp_path / "one"
    ran = mipsh.lines(PLAIN, f"alias a bc; alias -o tsv --no-headers; version > {path}; alias -o csv --no-headers")
    assert ran.stdout == "a\tbc\na,bc\r\n"
    assert path.exists()
