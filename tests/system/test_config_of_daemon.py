"""``config`` without a file, in a network namespace in which something runs that is called mip6d."""

import os
from pathlib import Path

import pytest
from harness import Mipsh

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace of its own needs root"),
]

DAEMON = "#!/bin/sh\nread line\n"


def run(mipsh: Mipsh, folder: Path, arguments: str, command: str) -> tuple[int, str]:
    """Run a command beside a daemon with these arguments; return its status and all that it wrote."""
    daemon = folder / "mip6d"
    daemon.write_text(DAEMON)
    daemon.chmod(0o755)
    os.mkfifo(folder / "pipe")
    script = folder / "script"
    lines = (
        f"{daemon} {arguments} < {folder}/pipe &",
        f"exec 9> {folder}/pipe",
        'until [ "$(cat /proc/$!/comm)" = mip6d ]; do :; done',
        f"mipsh {command}",
        "echo status $?",
        "exec 9>&-",
        "wait",
    )
    script.write_text("\n".join(lines))
    ran = mipsh.shell(f"export -f mipsh; unshare -n bash {script} 2>&1")
    text, _, status = ran.stdout.rpartition("status ")
    return int(status), text


def test_the_file_behind_c_is_read(mipsh: Mipsh, tmp_path: Path) -> None:
    """It is said whose it is, and the role that the daemon was started with."""
    (tmp_path / "x.conf").write_text("NodeConfig HA;\nWhatever 1;\n")
    status, text = run(mipsh, tmp_path, f"-M -c {tmp_path}/x.conf", "config lint")
    assert status == 2
    assert "no option Whatever" in text
    assert f"{tmp_path}/x.conf, of mip6d, process" in text
    assert "started as MN" in text


def test_a_file_that_is_not_there_is_could_not_tell(mipsh: Mipsh, tmp_path: Path) -> None:
    """Never taken for a good one."""
    status, text = run(mipsh, tmp_path, f"-c {tmp_path}/none.conf", "config show")
    assert status == 3
    assert "cannot read" in text
