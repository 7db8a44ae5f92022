"""``lab shell``, ``lab exec``, ``lab capture``: work inside of a lab."""

import time
from pathlib import Path

from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.lab import changes
from mipsh.lab.existing import Existing, inside, look
from mipsh.model.address import canonical
from mipsh.model.shell import ECHOES, FILES, EchoReport, FileReport, How
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

NAME = Option("--name", "the lab, where there are several", Takes.WORD, metavar="NAME")
NODE = Argument("node", Takes.WORD, "a node: mn, mn2, ha, cn, r1")
SHELL = "/bin/sh"
MOST_ECHOES = 1000


def shell(session: Session, node: str, name: str = "") -> Result:
    """Open the user's own shell in a node's namespace."""
    program = session.environment.variables.get("SHELL") or SHELL
    session.environment.warn(f"lab: this is {node}; 'exit' leaves it")
    return execute(session, node, [program], name)


def how_shell(session: Session, node: str, name: str = "") -> list[How]:
    """Say how the shell gets there."""
    return how_execute(session, node, [session.environment.variables.get("SHELL") or SHELL], name)


def how_execute(session: Session, node: str, words: list[str] | None = None, name: str = "") -> list[How]:
    """Say how the program gets there."""
    from mipsh.lab.by_hand import within

    lab = look(session.environment.variables, name)
    changes.need_namespaces(lab, "a program in a node")
    return within(lab, node, words or [SHELL], f"run it in {node}'s namespace")


def execute(session: Session, node: str, words: list[str] | None = None, name: str = "") -> Result:
    """Run a program in a node's namespace, on this terminal; its exit status becomes that of mipsh."""
    from mipsh.lab import namespaces

    variables = session.environment.variables
    lab = inside(variables, name)
    changes.need_namespaces(lab, "a program in a node")
    if session.environment.stdout is not None:
        session.environment.stdout.flush()
    code = namespaces.run(lab.ground, lab.state.node(node), words or [SHELL], variables)
    return Result(status=_status(code))


def _status(code: int) -> ExitStatus:
    if code == 0:
        return ExitStatus.OK
    return ExitStatus.CONDITION_NOT_MET if code == 1 else ExitStatus.FAILED


def ping(session: Session, node: str, to: str, *, count: int = 3, interval: float = 0.2, name: str = "") -> Result:
    """Send echo requests from a node to another one, or to an address; fine when any is answered."""
    lab = inside(session.environment.variables, name)
    destination = destination_of(lab, to, count)
    echoes = changes.echoes(lab, lab.state.node(node), destination, count, interval)
    rows = [EchoReport(node, echo.sequence, destination, echo.source, _rounded(echo.rtt_ms)) for echo in echoes]
    answered = sum(echo.source is not None for echo in echoes)
    status = ExitStatus.OK if answered else ExitStatus.CONDITION_NOT_MET
    return Result(ECHOES, rows, taken_at=time.time(), summary=f"{answered} of {count} answered", status=status)


def how_ping(
    session: Session, node: str, to: str, *, count: int = 3, interval: float = 0.2, name: str = ""
) -> list[How]:
    """Say how a ping program does it."""
    from mipsh.lab.by_hand import echoing

    lab = look(session.environment.variables, name)
    return echoing(lab, node, destination_of(lab, to, count), count, interval)


def destination_of(lab: Existing, to: str, count: int) -> str:
    """Return the address that is meant; raises UsageError for what is neither, and for too many echoes."""
    from mipsh.lab.status import addresses

    known = {found: address for address, found in addresses(lab.state).items()}
    destination = known.get(to, to)
    if canonical(destination) is None:
        raise UsageError(f"'{to}' is neither a node that can be reached nor an address", f"nodes: {', '.join(known)}")
    if not 1 <= count <= MOST_ECHOES:
        raise UsageError(f"--count is 1 to {MOST_ECHOES}, not {count}")
    return destination


def _rounded(rtt_ms: float | None) -> float | None:
    return None if rtt_ms is None else round(rtt_ms, 2)


def capture(session: Session, link: str, file: str, seconds: float = 0.0, name: str = "") -> Result:
    """Write what is on a link into a file, until interrupted or for so long."""
    from mipsh.lab.tapping import record

    lab = inside(session.environment.variables, name)
    changes.need_namespaces(lab, "a capture")
    chosen = lab.state.link(link)
    path = file_of(lab, chosen, file)
    end = f"for {seconds:g} s" if seconds else "until Ctrl-C"
    said = f"lab: writing {chosen} to {path}, {end}"
    count = record(lab.state.links_namespace, chosen, path, seconds or None, lambda: session.environment.warn(said))
    report = FileReport(str(path), f"{count} frames of {chosen} of the lab {lab.state.name}", path.stat().st_size)
    return Result(FILES, [report], taken_at=time.time())


def file_of(lab: Existing, link: str, file: str) -> Path:
    """Return the file that is meant, which in a folder has a name of its own."""
    path = Path(file).expanduser()
    return path / f"{lab.state.name}-{link}.pcap" if path.is_dir() else path


def how_capture(session: Session, link: str, file: str, seconds: float = 0.0, name: str = "") -> list[How]:
    """Say how tcpdump does it."""
    from mipsh.lab.by_hand import capturing

    lab = look(session.environment.variables, name)
    return capturing(lab, link, file_of(lab, lab.state.link(link), file))


SHELL_COMMAND = Command(
    "lab shell",
    "open a shell in a node of a lab",
    shell,
    (NODE,),
    (NAME,),
    details="The node's addresses are on its interface mip0; ping, curl, ssh and tcpdump work as on any machine.",
    examples=(("lab shell mn", "then: ping 2001:db8:4::2"),),
    how=how_shell,
    changes=Changes.OWN,
    runs_lines=True,
)
EXEC = Command(
    "lab exec",
    "run a program in a node of a lab",
    execute,
    (NODE, Argument("words", Takes.RAW, "the program and its words", required=False)),
    (NAME,),
    details="Options of lab exec stand before NODE; all behind it is the program's. Exit status 0 stays 0, 1 stays 1.",
    examples=(("lab exec cn ping -c 3 2001:db8:1::100", "to the mobile node's home address"),),
    runs_lines=True,
    how=how_execute,
    changes=Changes.OWN,
)
PING = Command(
    "lab ping",
    "send echo requests from a node of a lab",
    ping,
    (NODE, Argument("to", Takes.WORD, "a node's name, or an address")),
    (
        NAME,
        Option("--count", "so many, 1 to 1000", Takes.INTEGER, "-c", metavar="N"),
        Option("--interval", "seconds from one to the next", Takes.SECONDS, "-i", metavar="S"),
    ),
    table=ECHOES.name,
    details="For where no ping program is installed; 'lab exec mn ping ADDRESS' runs the one that is.",
    examples=(("lab ping cn mn", "to the mobile node's home address, wherever it is"),),
    how=how_ping,
    changes=Changes.OWN,
)
CAPTURE = Command(
    "lab capture",
    "write what is on a link of a lab into a pcap file",
    capture,
    (
        Argument("link", Takes.WORD, "a link", choices=("home", "foreign1", "foreign2", "correspondent")),
        Argument("file", Takes.PATH, "the file, or a folder, where it is called LAB-LINK.pcap"),
    ),
    (NAME, Option("--seconds", "end after so long", Takes.SECONDS, metavar="S")),
    table=FILES.name,
    examples=(("lab capture foreign1 . --seconds 10", "into lab-foreign1.pcap"),),
    how=how_capture,
    changes=Changes.OWN,
)
