"""``demo``: the shell on a recorded Mobile IPv6 network, without any set-up."""

from pathlib import Path

import mipsh
from mipsh.grammar.declare import Command
from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.recording import load, nodes
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

NODES = {"mn": "mobile node", "ha": "home agent", "cn": "correspondent node"}
TOUR = (
    ("mn", "the mobile node"),
    ("status", "what is it?"),
    ("bul", "its bindings: one with the home agent, one with the correspondent"),
    ("rr", "the tests that let it bind with the correspondent"),
    ("ha; bc", "the home agent's side of the first binding"),
    ("cn; bc", "the correspondent's side of the second: route optimisation works"),
    ("mn; assert bul where cn=2001:db8:4::2 has state=bound", "the same question, as a script asks it"),
)
WELCOME = (
    "This is mipsh on three recorded mip6d: a mobile node (mn) that has moved, its\n"
    "home agent (ha), and a correspondent node (cn) with which it optimised the\n"
    "route. 'mn', 'ha' and 'cn' change between them. Try: status, bul, rr,\n"
    "describe bul, watch -n 1 stats, help. ? shows what can stand at a place,\n"
    "'quit' leaves."
)


def run(session: Session) -> Result:
    """Serve the recording that mipsh brings; open the shell on it, or off a terminal run a tour."""
    directory = str(recordings())
    for node in nodes(directory):
        server = VtServer(RecordedResponder(load(directory, node)))
        session.resources.enter_context(server)
        host, port = server.address
        session.aliases[node] = f"connect umip://{host}:{port} --columns role,address"
    if session.environment.interactive:
        session.stay = True
        session.connect(session.aliases["mn"].split()[1])
        return Result(summary=WELCOME)
    for line, why in TOUR:
        session.environment.warn(f"\n# {why}\n> {line}")
        status = session.run_line(line)
        if status is not ExitStatus.OK:
            return Result(status=status)
    return Result()


def recordings() -> Path:
    """Return the folder of the recording that the package brings."""
    return Path(mipsh.__file__).parent / "recordings" / "route-optimised"


COMMAND = Command(
    "demo",
    "open the shell on a recorded Mobile IPv6 network",
    run,
    details="It needs no engine, no privilege and no set-up. Off a terminal it runs a short tour and ends.",
    runs_lines=True,
    examples=(("demo", "look around"),),
)
