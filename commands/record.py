"""``record``: make a recording of the engine in use."""

from pathlib import Path

from mipsh.by_hand import reading
from mipsh.engine import Capability, Connector, unable
from mipsh.errors import OutputError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.model.shell import FILES, FileReport, How
from mipsh.recording import Recording, save
from mipsh.result import Result
from mipsh.session import Session

KERNEL_FILES = {
    "snmp6": "IPv6 counters of the kernel",
    "if_inet6": "IPv6 addresses of this network namespace",
    "ipv6_route": "IPv6 routes of this network namespace",
    "xfrm_stat": "XFRM error counters of the kernel",
}


def run(session: Session, directory: str, name: str = "", no_kernel: bool = False) -> Result:
    """Ask the engine everything and keep the answers, with the kernel's counters beside them."""
    connector = session.engine()
    info = connector.info or connector.connect()
    node = name or info.role or "node"
    exchanges = connector.transcript()
    written = save(directory, Recording(node, exchanges))
    rows = [FileReport(str(written), f"{len(exchanges)} questions and answers", written.stat().st_size)]
    if not no_kernel:
        rows += kernel_rows(directory, node)
    return Result(FILES, rows, info)


def kernel_rows(directory: str, node: str) -> list[FileReport]:
    """Copy the kernel's own texts; what this kernel does not have is left out."""
    rows = []
    for name, contents in KERNEL_FILES.items():
        try:
            text = (Path("/proc/net") / name).read_bytes()
        except OSError:
            continue
        path = Path(directory) / f"{node}.{name}.txt"
        try:
            path.write_bytes(text)
            path.chmod(0o600)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror}") from None
        rows.append(FileReport(str(path), contents, len(text)))
    return rows


def how(session: Session, directory: str, name: str = "", no_kernel: bool = False) -> list[How]:
    """Say what the engine is asked for, which it answers in every form that it has, and which files are written."""
    connector = session.engine()
    info = connector.info or connector.connect()
    if type(connector).transcript is Connector.transcript:
        raise unable("language that could be recorded", info)
    node = name or info.role or "node"
    rows = [row for found in info.capabilities for row in reading(session, Capability(found))]
    rows.append(How("write down what it says", "file", f"{Path(directory) / node}.vt.json"))
    kept = () if no_kernel else KERNEL_FILES.items()
    copies = ((text, f"cp /proc/net/{file} {Path(directory) / node}.{file}.txt") for file, text in kept)
    return [*rows, *(How(f"copy: {text}", "file", line) for text, line in copies)]


COMMAND = Command(
    "record",
    "make a recording of the engine that 'replay' can serve",
    run,
    (Argument("directory", Takes.DIRECTORY, "folder to write to; made if it is not there"),),
    (
        Option("--name", "name of the node; otherwise its role", Takes.WORD, metavar="NAME"),
        Option("--no-kernel", "leave out the kernel's counters, addresses and routes"),
    ),
    table="files",
    details="Everything mip6d's console says, in each of its forms. No key, token or cookie is in it.",
    examples=(("record bug-report", "then send the folder bug-report"),),
    how=how,
    changes=Changes.OWN,
)
