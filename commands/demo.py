"""``demo``: a Mobile IPv6 network of this machine's own, for as long as one looks at it; or a recorded one."""

import signal
import threading
from functools import partial
from pathlib import Path

import mipsh
from mipsh.errors import RefusedError
from mipsh.grammar.declare import Changes, Command, Option
from mipsh.lab.existing import Existing, free_name, place_of
from mipsh.lab.state import Kind
from mipsh.model.shell import How
from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.recording import load, nodes
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

NAME = "demo"
NODES = {"mn": "mobile node", "ha": "home agent", "cn": "correspondent node"}
RECORDED_TOUR = (
    ("mn", "the mobile node"),
    ("status", "what is it?"),
    ("bul", "its bindings: one with the home agent, one with the correspondent"),
    ("rr", "the tests that let it bind with the correspondent"),
    ("ha; bc", "the home agent's side of the first binding"),
    ("cn; bc", "the correspondent's side of the second: route optimisation works"),
    ("mn; assert bul where cn=2001:db8:4::2 has state=bound", "the same question, as a script asks it"),
)
RECORDED_WELCOME = (
    "This is mipsh on three recorded mip6d: a mobile node (mn) that has moved, its\n"
    "home agent (ha), and a correspondent node (cn) with which it optimised the\n"
    "route. 'mn', 'ha' and 'cn' change between them. Try: status, bul, rr,\n"
    "describe bul, watch -n 1 stats, help. ? shows what can stand at a place,\n"
    "'quit' leaves."
)
WELCOME = (
    "This is mipsh on a Mobile IPv6 network of this machine: a mobile node (mn) away\n"
    "from home, its home agent (ha) and a correspondent node (cn), each with real\n"
    "packets in a network namespace of its own. 'tour' shows how a handover goes.\n"
    "Try: bul, lab status, lab ping mn cn, lab move mn foreign2, lab shell mn.\n"
    "'mn', 'ha', 'cn' ask that node; ? shows what can stand at a place. 'quit'\n"
    "leaves and removes the network."
)

SIMULATED_WELCOME = (
    "This is mipsh on a simulated Mobile IPv6 network: a mobile node (mn) away from\n"
    "home, its home agent (ha) and a correspondent node (cn). It is simulated since\n"
    "this machine allows no real one (run as root). 'tour' shows how a handover goes.\n"
    "Try: bul, lab status, lab ping mn cn, lab move mn foreign2. 'mn', 'ha', 'cn'\n"
    "ask that node; ? shows what can stand at a place. 'quit' leaves and ends it."
)


def run(session: Session, recorded: bool = False) -> Result:
    """Build a network and open the shell on its mobile node, or off a terminal run the tour."""
    if not recorded:
        lab = _lab(session)
        if lab is not None:
            return _on_lab(session, lab)
    return _on_recording(session)


def how(session: Session, recorded: bool = False) -> list[How]:
    """Say how the network is built, or what is served."""
    if not recorded:
        from mipsh.commands.lab import how_up

        return how_up(session, name=free_name(session.environment.variables, NAME))
    directory = recordings()
    return [
        How(f"serve the recorded {NODES[node]}", "process", f"mipsh replay {directory} --node {node} --port 0")
        for node in nodes(str(directory))
    ]


def _lab(session: Session) -> Existing | None:
    """Build a lab that goes with the session; None, and why, where this machine does not allow it."""
    from mipsh.commands.lab import build

    name = free_name(session.environment.variables, NAME)
    session.resources.callback(_remove, session, name)
    _heed_signals()
    try:
        return build(session, name=name)
    except RefusedError as error:
        session.environment.warn(f"demo: no network is built: {error.message}")
        session.environment.warn("demo: here is a recorded one in its place")
        return None


def _remove(session: Session, name: str) -> None:
    from mipsh.commands.lab import say
    from mipsh.lab import access

    place = place_of(session.environment.variables, name)
    if place.folder.exists():
        access.tear_down(place, partial(say, session))


def _heed_signals() -> None:
    """End as one would by 'quit' when the terminal is closed, so that the network is removed."""
    from mipsh.shell.running import end

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, end)


def _on_lab(session: Session, lab: Existing) -> Result:
    from mipsh.commands.lab import address

    for node in lab.state.nodes.values():
        session.aliases[node.name] = f"connect {address(session, node)} --columns role,address"
    session.connect(address(session, lab.state.node("mn")))
    if session.environment.interactive:
        session.stay = True
        return Result(summary=SIMULATED_WELCOME if lab.state.kind is Kind.SIMULATED else WELCOME)
    return Result(status=session.run_line(f"tour --name {lab.state.name}"))


def _on_recording(session: Session) -> Result:
    directory = str(recordings())
    for node in nodes(directory):
        server = VtServer(RecordedResponder(load(directory, node)))
        session.resources.enter_context(server)
        host, port = server.address
        session.aliases[node] = f"connect umip://{host}:{port} --columns role,address"
    if session.environment.interactive:
        session.stay = True
        session.connect(session.aliases["mn"].split()[1])
        return Result(summary=RECORDED_WELCOME)
    for line, why in RECORDED_TOUR:
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
    "open the shell on a Mobile IPv6 network of this machine",
    run,
    options=(Option("--recorded", "on a recorded network: nothing is built"),),
    details=(
        "It builds a lab (see 'help lab up'), which goes when the shell is left. Off a terminal it runs the tour "
        "and ends. Where no real network may be built, it says why and simulates one."
    ),
    runs_lines=True,
    examples=(("demo", "look around"), ("demo --recorded", "without any privilege")),
    how=how,
    changes=Changes.OWN,
)
