"""What boots the virtual machine for tests/kernel: the small root, the words, what is said of the results."""

from pathlib import Path

import pytest
from kernel_initramfs import ALIGNMENT, archive, load_order
from kernel_packages import Kernel, Missing, cache_folder, kernel
from run_on_kernel import ENDED_EARLY, TOO_LONG, command, counted, folder, parsed, prepare, summary

FOUND = Kernel("6.1.0-9-amd64", Path("/kernels/6.1"))
DEPENDENCIES = """kernel/fs/9p/9p.ko: kernel/fs/netfs/netfs.ko kernel/net/9p/9pnet.ko
kernel/fs/netfs/netfs.ko:
kernel/net/9p/9pnet.ko:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko kernel/drivers/virtio/virtio_ring.ko kernel/virtio.ko
kernel/drivers/virtio/virtio_ring.ko: kernel/virtio.ko
kernel/virtio.ko:
""".splitlines()
JUNIT = '<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>'


def test_modules_come_after_those_that_they_need() -> None:
    """Each once, the compressed ones too; what is not there is left out."""
    order = [path.rpartition("/")[2] for path in load_order(DEPENDENCIES, ("9p", "9pnet_virtio", "overlay"))]
    assert order == ["9pnet.ko", "netfs.ko", "9p.ko", "virtio.ko", "virtio_ring.ko", "9pnet_virtio.ko.xz"]


def test_an_archive() -> None:
    """Each entry has a header of 110 characters, its name and its content, to the next multiple of 4 bytes."""
    found = archive([("bin", 0o40755, b""), ("bin/x", 0o100755, b"12345")])
    assert len(found) % ALIGNMENT == 0
    assert found.startswith(b"070701" + b"00000001" + b"000041ED")
    at = found.index(b"bin/x\0")
    assert found[at + 6 : at + 16] == b"12345\0\0\0" + b"07"
    assert found.endswith(b"TRAILER!!!\0\0\0\0")


def test_what_boots() -> None:
    """The kernel, and three shares; of them only the one for the results can be written."""
    words = command(FOUND, Path("/results,1"))
    assert words[words.index("-kernel") + 1] == "/kernels/6.1/boot/vmlinuz-6.1.0-9-amd64"
    shares = [words[at + 1] for at, word in enumerate(words) if word == "-virtfs"]
    assert ["readonly=on" in share for share in shares] == [True, True, False]
    assert "path=/results,,1," in shares[2]


def test_what_is_run(tmp_path: Path) -> None:
    """All tests, unless some are named; nothing of an earlier run is left."""
    for name, content in (("status", "0"), ("captures/old.pcap", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    prepare(tmp_path, parsed(["--", "-k", "typed"]).arguments, b"root")
    assert (tmp_path / "arguments").read_text("utf-8") == "tests/kernel\n-k\ntyped\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arguments", "checkout", "initramfs", "inside.sh"]
    prepare(tmp_path, [__file__, "-x"], b"root")
    assert (tmp_path / "arguments").read_text("utf-8") == f"{__file__}\n-x\n"


def test_what_came_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The status is pytest's, if there is one and it came in time."""
    (tmp_path / "console.txt").write_text("panic\n", "utf-8")
    assert summary(tmp_path, FOUND, has_ended=True) == ENDED_EARLY
    assert summary(tmp_path, FOUND, has_ended=False) == TOO_LONG
    assert "   panic\n" in capsys.readouterr().out
    (tmp_path / "junit.xml").write_text(JUNIT, "utf-8")
    assert counted(tmp_path / "junit.xml") == "3 passed, 2 failed, 2 skipped"
    (tmp_path / "status").write_text("1\n", "utf-8")
    assert summary(tmp_path, FOUND, has_ended=True) == 1
    assert "Linux 6.1.0-9-amd64: 3 passed, 2 failed, 2 skipped" in capsys.readouterr().out


def test_where_kernels_are_kept(tmp_path: Path) -> None:
    """In a folder that is named, or in the cache; what is no series is not looked for."""
    assert cache_folder({"MIPSH_KERNELS": "/k", "XDG_CACHE_HOME": "/c"}) == Path("/k")
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/mipsh-kernels")
    for name in ("../6.1", "latest", "6"):
        with pytest.raises(Missing, match="no kernel's series"):
            kernel(name, tmp_path)


def test_two_runs_at_a_time(tmp_path: Path) -> None:
    """Each has a folder of its own for results; the one that is named is free again afterwards."""
    named = str(tmp_path / "kernel-6.1")
    with folder(named) as one, folder(named) as other:
        assert one == Path(named)
        assert other.is_dir() and other.name.startswith("kernel-6.1-")
    with folder(named) as again:
        assert again == one
