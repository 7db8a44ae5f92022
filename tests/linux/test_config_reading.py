"""Configuration files of this node: what is read, what a pattern means, and what is said of what cannot be read."""

import os
import time
from pathlib import Path

import pytest

from mipsh.config_files.syntax import LARGEST_BYTES
from mipsh.config_files.tree import Fault
from mipsh.errors import CannotTell
from mipsh.linux.config_files import NodeFiles, whole

FILES = NodeFiles()


def write(folder: Path, **texts: str) -> None:
    """Write files, by name."""
    for name, text in texts.items():
        (folder / f"{name}.conf").write_text(text)


def test_a_pattern_means_files_in_order(tmp_path: Path) -> None:
    """Hidden ones are not meant by a wildcard; what a name means need not be there."""
    write(tmp_path, b="", a="")
    (tmp_path / ".c.conf").touch()
    beside = str(tmp_path / "f")
    assert FILES.matching("*.conf", beside) == [str(tmp_path / "a.conf"), str(tmp_path / "b.conf")]
    assert FILES.matching(f"{tmp_path}/[b].conf", "x") == [str(tmp_path / "b.conf")]
    assert FILES.matching(".c*", beside) == [str(tmp_path / ".c.conf")]
    assert FILES.matching("a.conf", beside) == [str(tmp_path / "a.conf")]
    assert FILES.matching("none", beside) == []


@pytest.mark.parametrize("pattern", ["/*/*/*/*/*", "/**/x", "/" + "a" * 2000])
def test_patterns_that_go_everywhere_are_refused(pattern: str) -> None:
    """They would look through the whole machine."""
    with pytest.raises(CannotTell, match="wildcards"):
        FILES.matching(pattern, "/etc/mip6d.conf")


def test_includes_are_read(tmp_path: Path) -> None:
    """Beside the file where they are relative; a link to the file itself is a loop."""
    write(tmp_path, main='include "part/*.conf"\nDebugLevel 1;')
    (tmp_path / "part").mkdir()
    write(tmp_path / "part", one="NodeConfig HA;")
    (tmp_path / "part" / "self.conf").symlink_to(tmp_path / "main.conf")
    found = whole(str(tmp_path / "main.conf"))
    assert [statement.name for statement in found.statements] == ["NodeConfig", "DebugLevel"]
    assert {one.code for one in found.findings} == {"relative-include", "include-loop"}


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A file that is not there, a folder, a pipe that nobody writes into, a name that is none."""
    os.mkfifo(tmp_path / "pipe")
    began = time.monotonic()
    for name in ("none", ".", "pipe", "x\0y"):
        with pytest.raises(CannotTell, match="cannot read"):
            whole(f"{tmp_path}/{name}")
    assert time.monotonic() - began < 5


def test_a_file_that_may_not_be_read_says_what_it_takes(tmp_path: Path) -> None:
    """Root reads everything, and is not refused."""
    write(tmp_path, secret="NodeConfig HA;")
    path = tmp_path / "secret.conf"
    path.chmod(0)
    if os.access(path, os.R_OK):
        assert whole(str(path)).is_complete
        return
    with pytest.raises(CannotTell) as raised:
        whole(str(path))
    assert "root" in raised.value.hint


def test_large_files_are_not_read_whole(tmp_path: Path) -> None:
    """10 MB of text, and of anything else, end at once."""
    path = tmp_path / "large"
    for data in (b"DebugLevel 0;\n" * 750_000, os.urandom(64) * 160_000):
        path.write_bytes(data)
        with pytest.raises(Fault, match=f"{LARGEST_BYTES}"):
            FILES.read(str(path))
