"""Runs tests/kernel on a kernel with Mobile IPv6: in a virtual machine that has this machine's own root.

What it writes to is thrown away; results, logs and captures come back in a folder. The exit status is pytest's,
or 77 where it cannot be run here, 124 where it took too long, 125 where the machine ended before the tests had.
"""

import argparse
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import kernel_initramfs
from kernel_packages import Kernel, Missing, cache_folder, install_programs, kernel, say

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[2]
CANNOT_RUN, TOO_LONG, ENDED_EARLY = 77, 124, 125
BOOTED = "== Linux "
MEMORY_MIB = 2048
ESCAPES = re.compile(r"\x1b(?:c|\[[0-9;?]*[A-Za-z])")
"""What the BIOS and pytest tell a terminal to do."""


def main(words: Sequence[str]) -> int:
    """Run the tests as the words say, and return the exit status."""
    options = parsed(words)
    signal.signal(signal.SIGTERM, _ended)
    try:
        install_programs()
        found = kernel(options.kernel, cache_folder(os.environ))
        initramfs = kernel_initramfs.build(found.modules, Path(shutil.which("busybox") or ""))
    except (Missing, LookupError, OSError) as error:
        say(f"cannot run here because {error}")
        return CANNOT_RUN
    with folder(options.results) as results:
        prepare(results, options.arguments, initramfs)
        with machine(found, results, options.time_limit) as process:
            has_ended = follow(process, results / "console.txt", options.time_limit)
        return summary(results, found, has_ended)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Return the options; what follows ``--`` is for pytest."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kernel", default="6.1", metavar="SERIES", help="like 6.1 or 6.12 (default: 6.1)")
    parser.add_argument("--results", metavar="FOLDER", help="where results go (default: a new folder)")
    parser.add_argument("--time-limit", type=float, default=330.0, metavar="S", help="of all that runs inside")
    parser.add_argument("arguments", nargs="*", help="what pytest is to run (default: tests/kernel)")
    return parser.parse_args(words)


@contextmanager
def folder(named: str | None) -> Iterator[Path]:
    """Yield where results go: the folder that is named, unless another run has it, or else a new one."""
    if named is None:
        yield Path(tempfile.mkdtemp(prefix="mipsh-kernel-"))
        return
    wanted = Path(named)
    wanted.mkdir(parents=True, exist_ok=True)
    with (wanted / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wanted = Path(tempfile.mkdtemp(prefix=f"{wanted.name}-", dir=wanted.parent))
            say(f"another run writes to {named}: this one's results go to {wanted}")
        yield wanted


def prepare(results: Path, arguments: Sequence[str], initramfs: bytes) -> None:
    """Lay out the folder that is shared with the machine."""
    results.mkdir(parents=True, exist_ok=True)
    for name in ("status", "junit.xml", "console.txt", "dmesg.txt"):
        (results / name).unlink(missing_ok=True)
    shutil.rmtree(results / "captures", ignore_errors=True)
    chosen = arguments if any(not word.startswith("-") and Path(word).exists() for word in arguments) else None
    words = chosen or ("tests/kernel", *arguments)
    (results / "arguments").write_text("".join(f"{word}\n" for word in words), "utf-8")
    (results / "checkout").write_text(f"{CHECKOUT}\n", "utf-8")
    (results / "initramfs").write_bytes(initramfs)
    shutil.copy(HERE / "inside.sh", results / "inside.sh")


@contextmanager
def machine(found: Kernel, results: Path, limit_s: float) -> Iterator[subprocess.Popen[str]]:
    """Boot the kernel; the machine ends with the block, and after the limit even where this process has ended."""
    process = subprocess.Popen(
        ("timeout", "-s", "KILL", f"{limit_s + 5:.0f}", *command(found, results)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def command(found: Kernel, results: Path) -> list[str]:
    """Return the words that boot the kernel."""
    words = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", str(MEMORY_MIB)]
    words += ["-smp", str(min(4, os.cpu_count() or 1)), "-nographic", "-no-reboot", "-nic", "none"]
    words += ["-kernel", str(found.image), "-initrd", str(results / "initramfs")]
    words += ["-append", "console=ttyS0 panic=1 edd=off quiet mitigations=off"]
    shares = (("/", "root", True), (str(found.tree), "kernel", True), (str(results), "results", False))
    for path, tag, is_read_only in shares:
        access = ",readonly=on" if is_read_only else ""
        where = path.replace(",", ",,")
        share = f"local,path={where},mount_tag={tag},security_model=none{access},multidevs=remap"
        words += ["-virtfs", share]
    return words


def follow(process: subprocess.Popen[str], console: Path, limit_s: float) -> bool:
    """Show what the machine writes once it has booted, and keep all of it; return whether it ended in time."""
    started = time.monotonic()
    is_late = threading.Event()

    def stop() -> None:
        is_late.set()
        os.killpg(process.pid, signal.SIGKILL)

    watch = threading.Timer(limit_s, stop)
    watch.start()
    has_booted = False
    try:
        with console.open("w", encoding="utf-8") as log:
            for raw in process.stdout or ():
                line = ESCAPES.sub("", raw)
                log.write(line)
                log.flush()
                if not has_booted and line.startswith(BOOTED):
                    has_booted = True
                    say(f"booted in {time.monotonic() - started:.1f} s")
                if has_booted:
                    sys.stdout.write(line)
                    sys.stdout.flush()
    finally:
        watch.cancel()
    return not is_late.is_set()


def summary(results: Path, found: Kernel, has_ended: bool) -> int:
    """Say what came of it, and return the exit status."""
    status = results / "status"
    (results / "initramfs").unlink(missing_ok=True)
    counts = counted(results / "junit.xml")
    if status.exists() and has_ended:
        code = int(status.read_text("utf-8"))
        say(f"Linux {found.version}: {counts}; pytest's status is {code}. Results: {results}")
        return code
    why = "the machine ended before the tests had" if has_ended else "it took too long"
    tail = (results / "console.txt").read_text("utf-8").splitlines()[-15:]
    sys.stdout.write("".join(f"   {line}\n" for line in tail))
    say(f"Linux {found.version}: {why}. Results: {results}")
    return ENDED_EARLY if has_ended else TOO_LONG


def counted(path: Path) -> str:
    """Return how many tests passed, failed and were skipped, in words."""
    if not path.exists():
        return "no results"
    suites = list(ET.parse(path).getroot().iter("testsuite"))
    total, failed, errors, skipped = (
        sum(int(suite.get(name, "0")) for suite in suites) for name in ("tests", "failures", "errors", "skipped")
    )
    return f"{total - failed - errors - skipped} passed, {failed + errors} failed, {skipped} skipped"


def _ended(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
