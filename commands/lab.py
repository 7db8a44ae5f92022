"""``lab up``, ``lab down``, ``lab status``: a Mobile IPv6 network on this machine, in network namespaces."""

import time
from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Any

from mipsh.engine import Connector
from mipsh.errors import CapabilityMissing, MipshError
from mipsh.grammar.declare import Changes, Command, Option, Takes
from mipsh.lab.existing import Existing, choose, look, place_of
from mipsh.lab.state import Kind, NodeState, labs, sockets_folder
from mipsh.lab.status import ASCII, BOXES, Tables, drawing, has_arrived, reports
from mipsh.model.reading import Reading
from mipsh.model.shell import LAB_NODES, How, LabNodeReport
from mipsh.node.protocol import SUFFIX, sockets
from mipsh.registry import ENGINES
from mipsh.result import Result
from mipsh.session import Session

ENGINE = "mipd"
HELLO = "hello"
ASKED = ("binding_update_list", "binding_cache")
ASK_S = 1.0
REGISTER_S = 6.0
LOOKS_EVERY_S = 0.05
WATCH_S = 1.0
NEXT = """

  mipsh -e mipd:{lab}-mn       the shell on the mobile node
  mipsh lab move mn foreign2   move it
  mipsh lab down               end it"""
NAME = Option("--name", "the lab, where there are several", Takes.WORD, metavar="NAME")


def up(session: Session, mns: int = 1, cns: int = 1, name: str = "", simulated: bool = False) -> Result:
    """Build a lab, and wait until its mobile nodes are registered."""
    lab = build(session, mns, cns, name, simulated)
    result = now(session, lab)
    result.summary += NEXT.format(lab=lab.state.name)
    return result


def how_up(session: Session, mns: int = 1, cns: int = 1, name: str = "", simulated: bool = False) -> list[How]:
    """Say how the lab would be built by this user."""
    from mipsh.lab.by_hand import building
    from mipsh.lab.plan import DEFAULT_NAME, plan
    from mipsh.linux.user_namespaces import outer_uid

    place = place_of(session.environment.variables, name or DEFAULT_NAME)
    real = Kind.ROOT if outer_uid() == 0 else Kind.USER
    return building(place, plan(place.name, mns, cns), Kind.SIMULATED if simulated else real)


def build(session: Session, mns: int = 1, cns: int = 1, name: str = "", simulated: bool = False) -> Existing:
    """Build a lab and wait until its mobile nodes are registered, saying how far it is."""
    from mipsh.lab import access
    from mipsh.lab.plan import DEFAULT_NAME, plan

    variables = dict(session.environment.variables)
    place = place_of(variables, name or DEFAULT_NAME)
    began = time.monotonic()
    kind = Kind.SIMULATED if simulated else access.best_kind(partial(say, session))
    access.build(place, plan(place.name, mns, cns), kind, variables, partial(say, session))
    lab = look(variables, place.name)
    await_registered(session, lab)
    say(session, f"it is there after {time.monotonic() - began:.1f} s")
    return lab


def say(session: Session, text: str) -> None:
    """Say how far it is."""
    if session.settings.verbosity >= 0:
        session.environment.warn(f"lab: {text}")


def await_registered(session: Session, lab: Existing, longest_s: float = REGISTER_S) -> bool:
    """Wait until all mobile nodes are registered; tell whether they are."""
    say(session, "waiting until the mobile nodes are registered")
    deadline = time.monotonic() + longest_s
    while True:
        missing = [row.node for row in nodes(session, lab) if row.role == "mn" and not has_arrived(row)]
        if not missing:
            return True
        if time.monotonic() > deadline:
            names = ", ".join(missing)
            session.environment.warn(f"mipsh: warning: not registered after {longest_s:g} s: {names}")
            return False
        time.sleep(LOOKS_EVERY_S)


def await_arrival(session: Session, lab: Existing, name: str) -> LabNodeReport | None:
    """Wait until a mobile node is at home where it should be, or registered from there; None where it is not."""
    deadline = time.monotonic() + REGISTER_S
    while time.monotonic() < deadline:
        row = next(row for row in nodes(session, lab) if row.node == name)
        if has_arrived(row):
            return row
        time.sleep(LOOKS_EVERY_S)
    return None


def down(session: Session, name: str = "", every: bool = False) -> Result:
    """Remove a lab, or all of them; nothing is left, and nothing is wrong where there was none."""
    from mipsh.lab import access

    variables = session.environment.variables
    names = labs(sockets_folder(variables)) if every else [choose(variables, name)]
    for chosen in names:
        was_there = access.tear_down(place_of(variables, chosen), partial(say, session))
        say(session, f"'{chosen}' is gone" if was_there else f"there is no lab '{chosen}'")
    return Result()


def how_down(session: Session, name: str = "", every: bool = False) -> list[How]:
    """Say what there is to be removed."""
    from mipsh.lab.by_hand import ending
    from mipsh.linux.user_namespaces import outer_uid

    variables = session.environment.variables
    names = labs(sockets_folder(variables)) if every else [choose(variables, name)]
    kinds = (Kind.ROOT, Kind.USER) if outer_uid() == 0 else (Kind.USER,)
    return ending((place_of(variables, chosen), kinds) for chosen in names)


def how_status(session: Session, name: str = "", watch: bool = False) -> list[How]:
    """Say how each node is asked."""
    from mipsh.by_hand import said
    from mipsh.model.records import EngineInfo

    rows = []
    for node in look(session.environment.variables, name).state.nodes.values():
        connector = session.registry.engine(ENGINE).open(f"{ENGINE}://{node.control}")
        connector.info = EngineInfo(ENGINE, f"{ENGINE}://{node.control}")
        for what in (HELLO, *ASKED):
            asked = "what it is" if what == HELLO else f"for its {what.replace('_', ' ')}"
            rows += said(connector, what, f"ask {node.name} {asked}")
    again = [How(f"look again every {WATCH_S:g} s", "none", f"sleep {WATCH_S:g}")] if watch else []
    return [*rows, *again]


def status(session: Session, name: str = "", watch: bool = False) -> Result | Generator[Result, None, None]:
    """Show who is where, who has a tunnel, and whose route is optimised."""
    return watching(session, name) if watch else now(session, look(session.environment.variables, name))


def watching(session: Session, name: str) -> Generator[Result, None, None]:
    """Look again and again, until interrupted or until the lab is gone."""
    while True:
        began = time.monotonic()
        result = now(session, look(session.environment.variables, name))
        result.compare = True
        result.summary += "\n\nCtrl-C ends it"
        yield result
        time.sleep(max(began + WATCH_S - time.monotonic(), 0.0))


def now(session: Session, lab: Existing) -> Result:
    """Return how a lab stands."""
    rows = nodes(session, lab)
    pen = BOXES if session.environment.unicode(session.environment.stdout) else ASCII
    drawn = drawing(lab.state, rows, pen)
    return Result(LAB_NODES, rows, taken_at=time.time(), summary=f"\n{drawn}")


def address(session: Session, node: NodeState) -> str:
    """Return how a node is named as an engine: by its name where it is found by that, else by its socket."""
    name, path = Path(node.control).name.removesuffix(SUFFIX), Path(node.control)
    return f"{ENGINE}:{name}" if sockets(session.environment.variables).get(name) == path else f"{ENGINE}://{path}"


def nodes(session: Session, lab: Existing) -> list[LabNodeReport]:
    """Return a row for each node of a lab."""
    return reports(lab.state, {node.name: ask(session, node) for node in lab.state.nodes.values()})


def ask(session: Session, node: NodeState) -> Tables:
    """Ask a node for its tables; one that does not answer has none."""
    with session.registry.calling(ENGINES, ENGINE):
        connector = session.registry.engine(ENGINE).open(f"{ENGINE}://{node.control}")
        connector.timeout_s = ASK_S
        try:
            with connector.asking():
                connector.connect()
                updates, cache = (_rows(connector, table) for table in ASKED)
                return Tables(True, updates, cache)
        except MipshError:
            return Tables()
        finally:
            connector.close()


def _rows(connector: Connector, table: str) -> tuple[Any, ...]:
    try:
        found: Reading = getattr(connector, table)()
    except CapabilityMissing:
        return ()
    return tuple(found.rows)


UP = Command(
    "lab up",
    "build a Mobile IPv6 network on this machine",
    up,
    (),
    (
        Option("--mns", "mobile nodes, 1 to 16", Takes.INTEGER, metavar="N"),
        Option("--cns", "correspondent nodes, 1 to 16", Takes.INTEGER, metavar="N"),
        Option("--name", "its name; labs of different names stand side by side", Takes.WORD, metavar="NAME"),
        Option("--simulated", "simulate it, without any privilege"),
    ),
    table=LAB_NODES.name,
    details=(
        "A home link with the home agent, two foreign links, a link of correspondents, a router between them, "
        "and mobile nodes on the first foreign link; each node is a namespace with a mipd. As root the namespaces "
        "are named mipsh-LAB-NODE, as 'ip netns' shows them; an ordinary user gets them in a user namespace. Where "
        "neither is allowed, it says so and simulates: mipd's tables, moves and faults are there, but no program can "
        "run in a node, and nothing can be captured or measured."
    ),
    examples=(("lab up", "one of each"), ("lab up --mns 2 --name two", "another one beside it")),
    how=how_up,
    changes=Changes.OWN,
)
DOWN = Command(
    "lab down",
    "remove a lab, whole or not",
    down,
    (),
    (NAME, Option("--every", "all labs that are there")),
    details="Processes, namespaces and files go, also what was left behind by a lab that was killed.",
    examples=(("lab down", "the one that is there"),),
    how=how_down,
    changes=Changes.OWN,
)
STATUS = Command(
    "lab status",
    "show who is where in a lab, with tunnels and direct paths",
    status,
    (),
    (NAME, Option("--watch", "look again every second")),
    table=LAB_NODES.name,
    examples=(("lab status --watch", "while nodes move"), ("lab status -o json", "for a script")),
    how=how_status,
)
