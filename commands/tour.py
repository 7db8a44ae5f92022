"""``tour``: what Mobile IPv6 does, shown step by step on a lab."""

import textwrap

from mipsh.errors import RefusedError
from mipsh.execute import steps_of_line
from mipsh.grammar.declare import Changes, Command, Option, Takes
from mipsh.lab.existing import look
from mipsh.lab.state import Kind
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

STEPS = (
    (
        "lab status",
        "The mobile node is away from home, and has told its home agent where: its care-of address. "
        "Packets for its home address go through a tunnel.",
    ),
    ("bul", "The mobile node's side: its registration with the home agent."),
    (
        "lab ping cn mn --count 5",
        "The correspondent sends to the home address. The first packets take the tunnel; the mobile node sees it "
        "and starts the return routability procedure.",
    ),
    ("rr", "It proves with a home test and a care-of test that both of its addresses are its own."),
    ("bul", "And binds with the correspondent too: from now on, packets go by the direct way."),
    (
        "lab move mn foreign2 --measure",
        "It moves to another link while packets come to it, a hundred a second. Times are milliseconds since the "
        "old link went.",
    ),
    ("lab status", "Another care-of address; the home agent and the correspondent know it already."),
    ("lab move mn home", "It comes home: its home agent forgets the binding, and no tunnel is needed."),
    ("lab ping cn mn --count 3", "It is reached at its home address as any other host."),
    ("lab status", "All is as if it had never been away."),
    ("lab move mn foreign1", "And it leaves again, for whoever looks next."),
)
WIDTH = 76
MEASURED = " --measure"
PAUSE = "-- Enter goes on, Ctrl-C ends the tour --"


def run(session: Session, name: str = "") -> Result:
    """Run the steps on a lab, one after the other; at a terminal each waits for Enter."""
    environment = session.environment
    for number, (shown, line, why) in enumerate(lines(session, name), 1):
        said = textwrap.wrap(f"{number} of {len(STEPS)}: {why}", WIDTH)
        environment.warn("\n" + "\n".join(f"# {text}" for text in said) + f"\n> {shown}")
        status = session.run_line(line)
        if status is not ExitStatus.OK:
            return Result(status=status)
        if environment.interactive and number < len(STEPS):
            environment.warn(PAUSE)
            environment.stdin.readline()
    return Result()


def lines(session: Session, name: str) -> list[tuple[str, str, str]]:
    """Return each step's line as it is shown and as it is run, and what it is for; raises RefusedError, EngineError."""
    lab = look(session.environment.variables, name)
    if "mn" not in lab.state.nodes or "cn" not in lab.state.nodes:
        raise RefusedError(f"the lab '{lab.state.name}' is not whole", "'mipsh lab down', then 'mipsh lab up'")
    node, option = f"--engine mipd://{lab.state.node('mn').control}", f"--name {lab.state.name}"
    is_real = lab.state.kind is not Kind.SIMULATED
    shown = [(words if is_real else words.replace(MEASURED, ""), why) for words, why in STEPS]
    return [(line, f"{line} {option if line.startswith('lab ') else node}", why) for line, why in shown]


def how(session: Session, name: str = "") -> list[How]:
    """Say how each step is done."""
    return [step for _, line, _ in lines(session, name) for step in steps_of_line(session, line)]


COMMAND = Command(
    "tour",
    "show on a lab what Mobile IPv6 does, step by step",
    run,
    options=(Option("--name", "the lab, where there are several", Takes.WORD, metavar="NAME"),),
    details=(
        "It registers, pings, shows how the route is optimised, moves, and comes home: each step says what it does "
        "and shows the tables. Off a terminal it does not wait between the steps."
    ),
    runs_lines=True,
    how=how,
    changes=Changes.OWN,
    examples=(("lab up; tour", "on a new lab"),),
)
