"""What is known of a lab that was built: a file that says it, in a folder that is its owner's alone.

The file is written before anything is built, and again at every change; whoever builds or changes a
lab holds its lock meanwhile, which the kernel takes from a process that is killed.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct, field

from mipsh.errors import MipshError, RefusedError, UsageError
from mipsh.linux.processes import Process
from mipsh.linux.user_namespaces import outer_uid
from mipsh.node.protocol import SUFFIX, SYSTEM_FOLDER, user_folder

PREFIX = "lab-"
KEPT_SUFFIX = ".kept"
FOLDER_MODE, FILE_MODE = 0o700, 0o600
VERSION = 1
LONGEST = 1 << 20


class Kind(StrEnum):
    """Where a lab's nodes are."""

    ROOT = "root"
    USER = "user"
    SIMULATED = "simulated"


class Impairment(Struct, frozen=True):
    """What is wrong with a link: the share of frames that every receiver loses, and their delay one way."""

    loss: float = 0.0
    delay_s: float = 0.0


class NodeState(Struct):
    """A node: its role, where it is, the link and the port of each of its interfaces, and its process."""

    name: str
    role: str
    namespace: str
    control: str
    links: dict[str, str]
    ports: dict[str, str]
    home_address: str | None = None
    process: Process | None = None


class LabState(Struct):
    """A lab; ``is_whole`` once it was built to the end."""

    name: str
    kind: Kind
    links: tuple[str, ...]
    links_namespace: str
    nodes: dict[str, NodeState]
    version: int = VERSION
    is_whole: bool = False
    keeper: Process | None = None
    impairments: dict[str, Impairment] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    def node(self, name: str) -> NodeState:
        """Return a node; raises UsageError where there is none of that name."""
        if name not in self.nodes:
            raise UsageError(f"the lab '{self.name}' has no node '{name}'", f"there are: {', '.join(self.nodes)}")
        return self.nodes[name]

    def link(self, name: str) -> str:
        """Return a link's name; raises UsageError where there is none."""
        if name not in self.links:
            raise UsageError(f"the lab '{self.name}' has no link '{name}'", f"there are: {', '.join(self.links)}")
        return name

    def on(self, link: str) -> list[tuple[NodeState, str]]:
        """Return the nodes on a link, with the interfaces by which they are."""
        found = ((node, interface) for node in self.nodes.values() for interface in node.links)
        return [(node, interface) for node, interface in found if node.links[interface] == link]


class Place(Struct, frozen=True):
    """Where a lab's files are: its folder in the folder of all sockets."""

    sockets: Path
    name: str

    @property
    def folder(self) -> Path:
        """The lab's own folder."""
        return self.sockets / f"{PREFIX}{self.name}"

    @property
    def file(self) -> Path:
        """The file that says what is known."""
        return self.folder / "state.json"

    @property
    def mark(self) -> str:
        """What every process of the lab has in its environment."""
        return f"MIPSH_LAB={self.folder}"

    def control(self, node: str) -> Path:
        """Return where a node's control socket is."""
        return self.sockets / f"{self.name}-{node}{SUFFIX}"

    def controls(self) -> list[Path]:
        """Return the control sockets that are there."""
        return sorted(self.sockets.glob(f"{self.name}-*{SUFFIX}"))

    def _kept(self) -> list[Path]:
        """Return what nodes that were killed left of what they keep beside their sockets."""
        return sorted(self.sockets.glob(f"{self.name}-*{KEPT_SUFFIX}"))

    def make(self) -> None:
        """Make the folders, for their owner alone; raises RefusedError where others have a hand in them."""
        for folder in (self.sockets, self.folder):
            try:
                folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                found = folder.stat()
            except OSError as error:
                raise RefusedError(f"cannot make {folder}: {error.strerror}", "set XDG_RUNTIME_DIR") from error
            if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
                raise RefusedError(f"{folder} is not yours alone", f"remove it, or: chmod 0700 {folder}")

    def load(self) -> LabState | None:
        """Return what is known; None where there is no such lab, raises MipshError for a file that is none."""
        try:
            with self.file.open("rb") as file:
                text = file.read(LONGEST)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RefusedError(f"cannot read {self.file}: {error.strerror}") from error
        try:
            return msgspec.json.decode(text, type=LabState)
        except msgspec.MsgspecError as error:
            hint = f"'mipsh lab down --name {self.name}' removes what is left of the lab"
            raise MipshError(f"{self.file} is damaged: {error}", hint) from error

    def save(self, state: LabState) -> None:
        """Write what is known; whoever reads meanwhile finds the one or the other, whole."""
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".state-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(state))
            Path(temporary).replace(self.file)
        finally:
            with suppress(FileNotFoundError):
                Path(temporary).unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lab while it is built or changed; raises RefusedError while another one holds it."""
        self.make()
        handle = self._lock()
        try:
            yield
        finally:
            os.close(handle)

    def remove(self) -> None:
        """Remove the files, the lock at last, since another one may wait for it."""
        for path in (*self.controls(), *self._kept(), *self._own_files()):
            path.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            self.folder.rmdir()
        self._lock_file.unlink(missing_ok=True)
        with suppress(OSError):
            # The folder of all sockets goes with the last of them.
            self.sockets.rmdir()

    @property
    def _lock_file(self) -> Path:
        return self.sockets / f"{PREFIX}{self.name}.lock"

    def _own_files(self) -> list[Path]:
        return [path for path in self.folder.glob("*") if not path.is_dir()] if self.folder.is_dir() else []

    def _lock(self) -> int:
        """Return the open lock; one that was removed in between is none."""
        while True:
            handle = os.open(self._lock_file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, FILE_MODE)
            with ExitStack() as undo:
                undo.callback(os.close, handle)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    hint = "wait until it is done, or end it"
                    raise RefusedError(f"another mipsh builds or changes the lab '{self.name}'", hint) from None
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(handle), self._lock_file.stat()):
                        undo.pop_all()
                        return handle


def sockets_folder(variables: Mapping[str, str]) -> Path:
    """Return the folder in which labs are: that of the control sockets, or one for a user who has none."""
    found = user_folder(variables)
    if found is not None:
        return found
    uid = outer_uid()
    return SYSTEM_FOLDER if uid == 0 else Path(tempfile.gettempdir()) / f"mipsh-{uid}"


def labs(sockets: Path) -> list[str]:
    """Return the names of the labs that are there, whole or not."""
    with suppress(OSError):
        found = (path for path in sockets.glob(f"{PREFIX}*") if path.is_dir())
        return sorted(path.name.removeprefix(PREFIX) for path in found)
    return []
