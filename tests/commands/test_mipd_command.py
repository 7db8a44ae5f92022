"""``mipd``: a node's file is checked; what cannot be run is refused before anything is touched."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from harness import Mipsh

from mipsh.commands.mipd import COMMAND, described
from mipsh.environment import Environment
from mipsh.errors import UsageError
from mipsh.node.config_file import parse
from mipsh.registry import Registry
from mipsh.session import Session

UNIT = Path(__file__).parents[2] / "contrib" / "mipd@.service"
MN = """name = "mn"
[[interfaces]]
name = "eth0"
[mobile_node]
[[mobile_node.homes]]
address = "2001:db8:1::100/64"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a mobile node's file."""
    path = tmp_path / "mn.toml"
    path.write_text(MN, encoding="utf-8")
    return path


def test_a_file_is_checked(mipsh: Mipsh, file: Path) -> None:
    """It is fine, or the place of what is wrong is said."""
    ran = mipsh("mipd", "check", str(file))
    assert (ran.status, ran.stdout, ran.stderr) == (0, f"{file} is fine: mn, mobile node on eth0\n", "")
    file.write_text(MN.replace("eth0", "eth 0"), encoding="utf-8")
    ran = mipsh("mipd", "check", str(file))
    assert (ran.status, ran.stdout) == (64, "")
    assert f"{file}:3: interfaces[0].name: expected a name" in ran.stderr


@pytest.mark.parametrize("action", ["check", "run"])
def test_what_needs_ipsec_is_refused(mipsh: Mipsh, file: Path, action: str) -> None:
    """Nobody would protect it."""
    text = MN.replace("[mobile_node]", '[mobile_node]\nrequires_protection = ["registration"]')
    file.write_text(text, encoding="utf-8")
    ran = mipsh("mipd", action, str(file))
    assert ran.status == 64
    assert "mobile_node.requires_protection: mipd has no IPsec" in ran.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("mipd",), "ACTION"),
        (("mipd", "stop", "x"), "stop"),
        (("mipd", "run", "missing.toml"), "there is no file missing.toml"),
        (("mipd", "run", "missing.toml", "--vt", "0"), "--vt is a port from 1 to 65535, not 0"),
        (("mipd", "run", "missing.toml", "--vt", "65536"), "not 65536"),
    ],
)
def test_words_that_are_wrong(mipsh: Mipsh, words: tuple[str, ...], message: str) -> None:
    """They are a usage error."""
    ran = mipsh(*words)
    assert ran.status == 64
    assert message in ran.stderr


def test_the_shell_keeps_its_privileges(file: Path) -> None:
    """mipd gives them up, and so does not run in it."""
    with Session(Environment({}), Registry(plugins=False)) as session:
        session.stay = True
        with pytest.raises(UsageError, match="gives up its privileges") as caught:
            COMMAND.run(session, action="run", file=str(file))
    assert f"mipsh mipd run {file}" in caught.value.hint


UNPRIVILEGED = """
import sys
from mipsh.cli import main
from mipsh.linux import privileges
privileges.KEPT = 0
privileges.drop()
sys.argv[:] = ["mipsh", "--no-config", "mipd", "run", sys.argv[1]]
sys.exit(main())
"""
"""Runs mipd in a process that has no capability any more."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has privileges to give up")
def test_without_privileges_nothing_is_touched(file: Path) -> None:
    """Status 77, and the names of what is missing."""
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(file)], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 77, done.stderr
    assert "mipd needs CAP_NET_ADMIN and CAP_NET_RAW" in done.stderr
    assert "unshare -rn" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MN, "mobile node on eth0"),
        (MN.replace("[[interfaces]]", "router = true\n[[interfaces]]"), "mobile node and router on eth0"),
        (MN.partition("[mobile")[0] + '[[interfaces]]\nname = "b"', "correspondent node on eth0, b"),
    ],
)
def test_a_node_is_described(text: str, said: str) -> None:
    """By its roles and its interfaces."""
    assert described(parse(text.encode(), "f.toml")) == said


class Unit(ConfigParser):
    """A unit's file, whose names have capital letters."""

    def optionxform(self, optionstr: str) -> str:
        """Return a name as it is."""
        return optionstr


def test_the_unit_runs_what_there_is() -> None:
    """Its command lines are read, and leave mipd the rights that it needs."""
    unit = Unit(interpolation=None, strict=False)
    unit.read(UNIT, encoding="utf-8")
    service = unit["Service"]
    for key, action in (("ExecStartPre", "check"), ("ExecStart", "run")):
        words = service[key].split()[1:]
        assert words == ["--no-config", "mipd", action, "/etc/mipsh/%i.toml"]
    assert {"CAP_NET_ADMIN", "CAP_NET_RAW"} <= set(service["CapabilityBoundingSet"].split())
    assert service["RestartPreventExitStatus"] == "64 77"
    assert "/dev/net/tun rw" in service["DeviceAllow"]
    assert "ProtectKernelTunables" not in service
