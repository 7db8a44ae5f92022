"""Kernels with Mobile IPv6, and what boots them, from Debian's packages.

A kernel is unpacked into a folder of its own, and never installed. Which mirror its package comes from is what
the machine's own package sources say.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "depmod": "kmod", "ip": "iproute2"}
"""The programs that are needed, with their packages."""
SUITES = ("bookworm", "bookworm-backports")
"""What has kernels 6.1 and 6.12 that know Mobile IPv6."""
KEY_RING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
NAME = r"^linux-image-{series}\.[0-9][0-9.]*(-[0-9]+|\+deb[0-9.]+)-amd64$"
PROGRAM_HEADERS = 4096
"""In so many bytes, a program names the loader that it needs, if it needs one."""
LONGEST_S = 300
TARGET = "$(REPO_URI) $(ORIGIN) $(CODENAME)"


class Missing(Exception):
    """What is needed is not here and cannot be had; the text says what and why."""


class Kernel(NamedTuple):
    """A kernel that was unpacked: its version, as ``uname -r`` says it, and the root of its package's files."""

    version: str
    tree: Path

    @property
    def image(self) -> Path:
        """The file that boots."""
        return self.tree / "boot" / f"vmlinuz-{self.version}"

    @property
    def modules(self) -> Path:
        """The folder of its modules."""
        return self.tree / "lib" / "modules" / self.version


def say(text: str) -> None:
    """Write a line about what is being done."""
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


def cache_folder(variables: Mapping[str, str]) -> Path:
    """Return where kernels are kept: MIPSH_KERNELS, or a folder in the user's cache."""
    if named := variables.get("MIPSH_KERNELS"):
        return Path(named)
    return Path(variables.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mipsh-kernels"


def install_programs() -> None:
    """Install the programs that are missing; raises Missing where that cannot be."""
    if platform.machine() != "x86_64":
        raise Missing(f"the kernels are for x86_64, and this machine is {platform.machine()}")
    absent = sorted({package for program, package in PROGRAMS.items() if _absent(program)})
    if not absent:
        return
    if os.geteuid() != 0:
        raise Missing(f"{', '.join(absent)} must be installed, and only root can: apt-get install {' '.join(absent)}")
    if shutil.which("apt-get") is None:
        raise Missing(f"there is no apt-get that could install {', '.join(absent)}")
    say(f"Installing {' '.join(absent)}")
    command = "apt-get", "install", "-y", "-qq", "--no-install-recommends", *absent
    if _run(command).returncode:
        _run(("apt-get", "update", "-qq"))
        _good(_run(command), f"installing {', '.join(absent)}")


def kernel(series: str, cache: Path) -> Kernel:
    """Return the newest kernel of a series, like 6.12: unpacked, if it is not yet; raises Missing."""
    if not re.fullmatch(r"\d+\.\d+", series):
        raise Missing(f"'{series}' is no kernel's series, like 6.1")
    folder = cache / series
    if found := _unpacked(folder):
        return found
    apt = _apt(cache)
    package = _newest(apt, series)
    say(f"Unpacking {package} into {folder}")
    shutil.rmtree(folder, ignore_errors=True)
    making = cache / f"{series}.new"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    _good(_run((*apt, "download", package), making), f"downloading {package}")
    for archive in making.glob("*.deb"):
        _good(_run(("dpkg", "-x", str(archive), str(making))), f"unpacking {archive.name}")
        archive.unlink()
    for version in (making / "lib" / "modules").iterdir():
        _good(_run(("depmod", "-b", str(making), version.name)), "depmod")
    making.rename(folder)
    found = _unpacked(folder)
    if found is None:
        raise Missing(f"{package} holds no kernel")
    return found


def _unpacked(folder: Path) -> Kernel | None:
    for image in sorted(folder.glob("boot/vmlinuz-*")):
        found = Kernel(image.name.removeprefix("vmlinuz-"), folder)
        if (found.modules / "modules.dep").exists():
            return found
    return None


def _apt(cache: Path) -> tuple[str, ...]:
    """Return the beginning of an apt-get that knows the suites with the kernels, and keeps to the cache folder."""
    if shutil.which("apt-get") is None:
        raise Missing("there is no apt-get that could download a kernel")
    mirror = _mirror()
    folder = (cache / "apt").resolve()
    for part in ("lists/partial", "archives/partial"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    signed = f"[signed-by={KEY_RING}] " if KEY_RING.exists() else ""
    sources = folder / "sources.list"
    sources.write_text("".join(f"deb {signed}{mirror} {suite} main\n" for suite in SUITES), "utf-8")
    options = {
        "Dir::Etc::sourcelist": str(sources),
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": str(folder / "lists"),
        "Dir::Cache": str(folder),
        "APT::Sandbox::User": "",
        "APT::Architecture": "amd64",
    }
    apt = ("apt-get", *(word for name, value in options.items() for word in ("-o", f"{name}={value}")))
    say(f"Looking for kernels in {', '.join(SUITES)}")
    _good(_run((*apt, "update", "-qq")), "reading the lists of packages")
    return apt


def _mirror() -> str:
    """Return where this machine gets Debian's packages from."""
    listed = _run(("apt-get", "indextargets", "--format", TARGET, "Created-By: Packages"))
    for line in listed.stdout.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] == "Debian" and "-" not in words[2]:
            return words[0]
    raise Missing("this machine's package sources name no mirror of Debian (or were never read: apt-get update)")


def _newest(apt: Sequence[str], series: str) -> str:
    """Return the name of the newest package with a kernel of the series."""
    pattern = NAME.format(series=re.escape(series))
    listed = _good(_run(("apt-cache", *apt[1:], "search", "--names-only", pattern)), "searching for kernels")
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    if not names:
        raise Missing(f"{' and '.join(SUITES)} have no kernel {series}")
    return max(names, key=lambda name: [int(digits) for digits in re.findall(r"\d+", name)])


def _absent(program: str) -> bool:
    """Return whether a program is missing; a busybox that needs libraries is none."""
    path = shutil.which(program)
    return path is None or (program == "busybox" and b"/ld-linux" in Path(path).read_bytes()[:PROGRAM_HEADERS])


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"{' '.join(command[:2])} takes longer than {LONGEST_S} s") from None


def _good(done: subprocess.CompletedProcess[str], what: str) -> str:
    """Return what a program printed; raises Missing for one that failed."""
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise Missing(f"{what} failed: {' '.join(lines[-2:])}")
    return done.stdout
