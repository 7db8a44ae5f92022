"""An ordinary user has the same lab, in a user namespace; nothing of it is root's, and nothing is left."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from lab_grounds import needs_root

import mipsh
from mipsh.linux.processes import marked

pytestmark = [pytest.mark.system, needs_root]
NOBODY = 65534
TUN_NUMBER = 10, 200
AS_USER = """\
while [ "$1" != -- ]; do
    mount --bind "$1" "$2" || exit 99
    shift 2
done
shift
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
"""
"""Puts what an ordinary user needs where one may look for it, and gives up all privileges."""


class User:
    """Runs mipsh as a user without privileges, with a folder of its own; the tree may be where only root can look."""

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self.python = python
        self.device = folder / "tun"
        os.mknod(self.device, stat.S_IFCHR | 0o666, os.makedev(*TUN_NUMBER))
        self.device.chmod(0o666)
        self.home = folder / "home"
        self.home.mkdir()
        self.packages = {
            folder / package.__name__: Path(package.__file__ or "").parents[1] for package in (mipsh, msgspec)
        }
        for place in self.packages:
            place.mkdir()
        os.chown(self.home, NOBODY, NOBODY)

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run mipsh to its end."""
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "PYTHONPATH": ":".join(map(str, self.packages)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        }
        seen_at = {Path("/dev/net/tun"): self.device} | self.packages
        mounts = [str(path) for place, source in seen_at.items() for path in (source, place)]
        argv = ["unshare", "--mount", "sh", "-c", AS_USER, "sh", *mounts, "--"]
        argv += [self.python, "-m", "mipsh", "--no-config", *words]
        return subprocess.run(
            argv,
            env=variables,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def left(self) -> list[str]:
        """What there is of labs."""
        mark = f"MIPSH_LAB={self.home}/mipsh/lab-lab"
        return [*map(str, self.home.iterdir()), *(str(process.pid) for process in marked(mark))]


def ordinary_python() -> str | None:
    """Return an interpreter of this version that every user may run."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, shutil.which(version, path=os.defpath) or ""):
        found = Path(candidate).resolve()
        if candidate and all(folder.stat().st_mode & stat.S_IXOTH for folder in found.parents):
            return str(found)
    return None


@pytest.fixture
def user() -> Iterator[User]:
    """Make a user whose labs are removed whatever happens."""
    python = ordinary_python()
    if python is None:
        pytest.skip("no interpreter of this version may be run by an ordinary user")
    if not (shutil.which("unshare") and shutil.which("setpriv")):
        pytest.skip("util-linux is not there")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        made = User(Path(folder), python)
        probe = made("version")
        if probe.returncode:
            pytest.skip(f"an ordinary user cannot run mipsh here: {probe.stderr.strip()}")
        try:
            yield made
        finally:
            made("lab", "down")


def test_an_ordinary_user_has_a_lab(user: User) -> None:
    """Built, reached, moved in and measured by one command after the other; killed or not, it goes."""
    up = user("lab", "up")
    assert up.returncode == 0, up.stderr
    assert "registered" in up.stdout
    assert "5 of 5 answered" in user("lab", "ping", "cn", "mn", "--count", "5").stdout
    assert "registered from 2001:db8:3:" in user("lab", "move", "mn", "foreign2").stdout
    measured = user("lab", "move", "mn", "foreign1", "--measure", "--json")
    assert msgspec.json.decode(measured.stdout)["data"][0]["lost"] >= 1
    assert "direct" in user("lab", "status").stdout
    assert "uid=0" in user("lab", "exec", "mn", "id").stdout
    assert user("lab", "down").returncode == 0
    assert user.left == []


def test_the_demo_of_an_ordinary_user(user: User) -> None:
    """The whole tour on real packets, and nothing is left."""
    ran = user("demo")
    assert ran.returncode == 0, ran.stderr
    assert "# 11 of 11" in ran.stderr
    assert user.left == []


def test_killed_it_leaves_nothing_that_down_does_not_remove(user: User) -> None:
    """The process that keeps the namespaces is killed, and all nodes with it."""
    assert user("lab", "up").returncode == 0
    for process in marked(f"MIPSH_LAB={user.home}/mipsh/lab-lab"):
        os.kill(process.pid, 9)
    ran = user("lab", "move", "mn", "foreign2")
    assert ran.returncode == 77
    assert "lab down" in ran.stderr
    assert user("lab", "down").returncode == 0
    assert user.left == []


def test_without_the_device_a_simulated_lab_stands_in_and_says_so(user: User) -> None:
    """The tour is the same but for what is measured; what needs namespaces refuses; nothing is left."""
    user.device.unlink()
    os.mknod(user.device, stat.S_IFCHR | 0o600, os.makedev(*TUN_NUMBER))
    demo = user("demo")
    assert demo.returncode == 0, demo.stderr
    assert "/dev/net/tun may not be opened" in demo.stderr
    assert "simulated" in demo.stderr
    assert "# 11 of 11" in demo.stderr
    assert "--measure" not in demo.stderr
    assert user.left == []
    assert user("lab", "up", "--mns", "2").returncode == 0
    assert user("lab", "ping", "mn", "mn2").returncode == 0
    assert user("lab", "exec", "mn", "id").returncode == 77
    assert user("lab", "capture", "home", str(user.home)).returncode == 77
    assert user("lab", "down").returncode == 0
    assert user.left == []
