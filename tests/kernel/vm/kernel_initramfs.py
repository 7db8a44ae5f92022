"""The small root that a kernel boots with: a static busybox, a few modules, and a program that mounts the real root.

It is a cpio archive of the kind "newc" (Linux: Documentation/driver-api/early-userspace/buffer-format.rst).
"""

import lzma
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

MODULES = ("virtio_pci", "9p", "9pnet_virtio", "overlay")
ALIGNMENT = 4
FOLDERS = ("bin", "dev", "lower", "modules", "new", "proc", "sys", "upper")
INIT = Path(__file__).parent / "init.sh"


def build(modules: Path, busybox: Path) -> bytes:
    """Return the archive, with the modules that are needed of a kernel's; raises LookupError for one that is not there.

    ``modules`` is the folder with ``modules.dep``.
    """
    needed = load_order((modules / "modules.dep").read_text("utf-8").splitlines(), MODULES)
    built_in = {_name(line) for line in (modules / "modules.builtin").read_text("utf-8").splitlines()}
    absent = set(MODULES) - {_name(path) for path in needed} - built_in
    if absent:
        raise LookupError(f"the kernel has no {', '.join(sorted(absent))}")
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in FOLDERS]
    entries.append(("init", stat.S_IFREG | 0o755, INIT.read_bytes()))
    entries.append(("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()))
    for number, path in enumerate(needed):
        name = f"modules/{number:03}-{_name(path)}.ko"
        entries.append((name, stat.S_IFREG | 0o644, _content(modules / path)))
    return archive(entries)


def load_order(lines: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Return the paths of the modules, each after those that it needs, from the lines of modules.dep."""
    paths: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    for line in lines:
        path, _, others = line.partition(":")
        paths[_name(path)] = path
        needs[path] = others.split()
    order: list[str] = []
    for name in wanted:
        if name in paths:
            path = paths[name]
            order += [one for one in (*reversed(needs[path]), path) if one not in order]
    return order


def archive(entries: Iterable[tuple[str, int, bytes]]) -> bytes:
    """Return a cpio archive of names, modes and contents, all of root's."""
    parts: list[bytes] = []
    for number, (name, mode, content) in enumerate((*entries, ("TRAILER!!!", 0, b"")), start=1):
        fields = number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
        parts += [_padded(head), _padded(content)]
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _name(path: str) -> str:
    """Return a module's name, with the one of the two spellings that ``modprobe`` shows."""
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data
