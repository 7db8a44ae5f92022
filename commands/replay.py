"""``replay``: serve a recording as the engine it was made of."""

from collections.abc import Generator
from pathlib import Path

from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.grammar.tokens import quote
from mipsh.model.shell import SERVICES, How, ServiceReport
from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.recording import Recording, load, nodes
from mipsh.result import Result
from mipsh.session import Session


def run(
    session: Session, directory: str, node: str = "", port: int = 7777, host: str = "127.0.0.1"
) -> Generator[Result, None, None]:
    """Serve one node of a recording until interrupted."""
    if not 0 <= port <= 65535:
        raise UsageError(f"--port is 0 to 65535, not {port}")
    recording = choose(directory, node)
    with VtServer(RecordedResponder(recording), host, port) as server:
        yield Result(SERVICES, [report(server, recording)], summary="Ctrl-C ends it")
        server.serve_forever()


def how(session: Session, directory: str, node: str = "", port: int = 7777, host: str = "127.0.0.1") -> list[How]:
    """Say what is read, and where it is served."""
    recording = choose(directory, node)
    return [
        How(f"read the recording of {recording.node}", "file", f"{Path(directory) / recording.node}.vt.json"),
        How(
            "listen there, and answer as mip6d did",
            "process",
            f"mipsh replay {quote(directory)} --node {recording.node} --host {host} --port {port}",
        ),
    ]


def choose(directory: str, node: str) -> Recording:
    """Load the node asked for, or the only one there is; raises UsageError."""
    found = nodes(directory)
    if not node and len(found) > 1:
        raise UsageError(f"{directory} holds recordings of {', '.join(found)}", "choose one with --node NAME")
    return load(directory, node or found[0])


def report(server: VtServer, recording: Recording) -> ServiceReport:
    """Return where a recording is served."""
    host, port = server.address
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ServiceReport(f"umip://{where}", f"the recorded mip6d of {recording.node}")


COMMAND = Command(
    "replay",
    "serve a recorded engine on a port, with the real one's manners",
    run,
    (Argument("directory", Takes.DIRECTORY, "folder with NODE.vt.json files"),),
    (
        Option("--node", "node to serve, where the recording has several", Takes.WORD, metavar="NAME"),
        Option("--port", "TCP port; 0: any free one", Takes.INTEGER, "-p", metavar="PORT"),
        Option("--host", "address to listen at", Takes.ADDRESS, metavar="ADDRESS"),
    ),
    table="services",
    details=(
        "The recording answers like mip6d's virtual terminal: one client at a time, a greeting, NUL-ended "
        "replies, options per connection. For tests, for teaching, and to look at somebody's bug report."
    ),
    examples=(("replay bug-report --node mn --port 7778", "then: connect umip://127.0.0.1:7778"),),
    how=how,
    changes=Changes.OWN,
)
