"""What surrounds the daemon: units of systemd, permissions of its log, and the name localhost."""

from pathlib import Path

import pytest

from mipsh.checks.sources import Key, Unreadable
from mipsh.linux import facts_daemon
from mipsh.linux.facts import LiveSource

DIRECT = "[Service]\nType=forking\nExecStart=-/usr/sbin/mip6d \\\n  -c '/etc/mip6d.conf'\n"


def test_units_that_start_the_daemon(tmp_path: Path) -> None:
    """Those of the first folder count; the type is simple where none is said; others are passed over."""
    first, second = tmp_path / "etc", tmp_path / "lib"
    for folder in (first, second):
        folder.mkdir()
    (first / "mip6d.service").write_text(DIRECT)
    (second / "mip6d.service").write_text("[Service]\nExecStart=/sbin/mip6d\n")
    (second / "ha.service").write_text("[Service]\nExecStart=/bin/sh -c 'mip6d\n")
    (second / "ssh.service").write_text("[Service]\nExecStart=/usr/sbin/sshd\n")
    (second / "dir.service").mkdir()
    (second / "binary.service").write_bytes(bytes(range(256)) * 1000)
    units, _ = facts_daemon.services((str(first), str(second), str(tmp_path / "none")))
    found = {one.name: (one.kind, one.command) for one in units}
    assert found == {
        "mip6d.service": ("forking", ("/usr/sbin/mip6d", "-c", "/etc/mip6d.conf")),
        "ha.service": ("simple", ("/bin/sh", "-c", "'mip6d")),
    }


def test_permissions_of_a_log(tmp_path: Path) -> None:
    """None where there is no file."""
    path = tmp_path / "log"
    path.touch()
    path.chmod(0o646)
    source = LiveSource()
    assert source.read(Key.LG, f"mode {path}").value == 0o646
    assert source.read(Key.LG, f"mode {tmp_path / 'none'}").value is None
    with pytest.raises(Unreadable):
        source.read(Key.LG, "mode \0")


def test_the_live_node_answers_what_checks_ask() -> None:
    """Each a tuple."""
    source = LiveSource()
    for key, argument in ((Key.SK, "localhost"), (Key.PR, "services"), (Key.PR, "ike")):
        assert isinstance(source.read(key, argument).value, tuple)
