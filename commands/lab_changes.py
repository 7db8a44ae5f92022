"""``lab move``, ``lab loss``, ``lab delay``, ``lab fault``: what happens to a lab."""

import re
import time

from mipsh.commands.lab import await_arrival
from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.lab import changes
from mipsh.lab.existing import Existing, held, look
from mipsh.lab.state import Impairment
from mipsh.lab.status import links
from mipsh.model.handovers import HANDOVERS
from mipsh.model.shell import FAULTS, LAB_LINKS, FaultReport, How
from mipsh.result import Result
from mipsh.session import Session

NAME = Option("--name", "the lab, where there are several", Takes.WORD, metavar="NAME")
NUMBER = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?")
WHOLE, MOST_MS = 100.0, 10_000.0
NODE = Argument("node", Takes.WORD, "a node: mn, mn2, ha, cn, r1")
LINK = Argument("link", Takes.WORD, "a link", choices=("home", "foreign1", "foreign2", "correspondent"))
MEND = "off"


def move(session: Session, node: str, link: str, *, name: str = "", gap: float = 0.05, measure: bool = False) -> Result:
    """Move a mobile node to a link; measured, with a stream of packets from the correspondent."""
    with held(session.environment.variables, name) as lab:
        if measure:
            from mipsh.lab.measured import measure_move

            changes.need_namespaces(lab, "--measure")
            report = measure_move(lab, node, link, gap)
            return Result(HANDOVERS, [report], taken_at=time.time())
        changes.move(lab, node, link, gap)
    row = await_arrival(session, lab, node)
    if row is None:
        return Result(summary=f"{node} is on {link}, and not registered there yet")
    if row.care_of_address is None:
        return Result(summary=f"{node} is at home")
    return Result(summary=f"{node} is on {link}, registered from {row.care_of_address}")


def how_move(
    session: Session, node: str, link: str, *, name: str = "", gap: float = 0.05, measure: bool = False
) -> list[How]:
    """Say how its plug is pulled here and put in there."""
    from mipsh.lab.by_hand import moving

    return moving(look(session.environment.variables, name), node, link, gap, measure)


def loss(session: Session, link: str, percent: str, name: str = "") -> Result:
    """Let a link lose a share of what is sent on it."""
    share = number(percent, WHOLE, "PERCENT") / WHOLE
    with held(session.environment.variables, name) as lab:
        before = lab.state.impairments.get(lab.state.link(link), Impairment())
        return impaired(lab, link, Impairment(share, before.delay_s))


def how_loss(session: Session, link: str, percent: str, name: str = "") -> list[How]:
    """Say what the nodes on the link are told."""
    from mipsh.lab.by_hand import impairing

    share = number(percent, WHOLE, "PERCENT") / WHOLE
    lab = look(session.environment.variables, name)
    before = lab.state.impairments.get(lab.state.link(link), Impairment())
    return impairing(lab, link, Impairment(share, before.delay_s))


def how_delay(session: Session, link: str, ms: str, name: str = "") -> list[How]:
    """Say what the nodes on the link are told."""
    from mipsh.lab.by_hand import impairing

    delay_s = number(ms, MOST_MS, "MS") / 1000
    lab = look(session.environment.variables, name)
    before = lab.state.impairments.get(lab.state.link(link), Impairment())
    return impairing(lab, link, Impairment(before.loss, delay_s))


def delay(session: Session, link: str, ms: str, name: str = "") -> Result:
    """Let what is sent on a link come late."""
    delay_s = number(ms, MOST_MS, "MS") / 1000
    with held(session.environment.variables, name) as lab:
        before = lab.state.impairments.get(lab.state.link(link), Impairment())
        return impaired(lab, link, Impairment(before.loss, delay_s))


def impaired(lab: Existing, link: str, impairment: Impairment) -> Result:
    """Impair a link, and return how all links are."""
    changes.impair(lab, link, impairment)
    return Result(LAB_LINKS, links(lab.state), taken_at=time.time())


def number(text: str, most: float, name: str) -> float:
    """Read a number from 0 to the most that it may be; raises UsageError."""
    if NUMBER.fullmatch(text) and float(text) <= most:
        return float(text)
    raise UsageError(f"{name} is a number from 0 to {most:g}, not '{text}'", "write 10 or 2.5")


def fault(session: Session, fault: str = "", name: str = "") -> Result:
    """Let a fault happen, mend what there is with 'off', or list them."""
    from mipsh.lab.faults import MEANINGS, ONCE, bring, find, mend

    variables = session.environment.variables
    done = find(fault) if fault not in ("", MEND) else None
    if not fault:
        lab = look(variables, name)
    else:
        with held(variables, name) as lab:
            if done is None:
                mend(lab, variables)
            else:
                bring(lab, done, variables)
    rows = []
    for found, meaning in MEANINGS.items():
        state = "done" if found is done and found in ONCE else "on" if found in lab.state.faults else "off"
        rows.append(FaultReport(found.value, state, meaning))
    return Result(FAULTS, rows, taken_at=time.time())


def how_fault(session: Session, fault: str = "", name: str = "") -> list[How]:
    """Say what happens to which node."""
    from mipsh.lab.by_hand import breaking, mending
    from mipsh.lab.faults import find

    lab = look(session.environment.variables, name)
    if not fault:
        return [How("read what is known of the lab", "file", f"cat {lab.ground.place.file}")]
    rows = mending(lab) if fault == MEND else breaking(lab, find(fault))
    return rows or [How("nothing is wrong", "none", None)]


MOVE = Command(
    "lab move",
    "move a mobile node to another link",
    move,
    (NODE, LINK),
    (
        NAME,
        Option("--gap", "seconds without a link in between", Takes.SECONDS, metavar="S"),
        Option("--measure", "report when each step of the handover came, and what was lost"),
    ),
    table=HANDOVERS.name,
    details="A stream of 100 packets a second from cn to the node's home address measures the handover.",
    examples=(("lab move mn foreign2", "to the other foreign link"), ("lab move mn home --measure", "home, measured")),
    how=how_move,
    changes=Changes.OWN,
)
LOSS = Command(
    "lab loss",
    "let a link lose packets",
    loss,
    (LINK, Argument("percent", Takes.WORD, "the share that is lost, 0 to 100")),
    (NAME,),
    table=LAB_LINKS.name,
    details="The nodes' own mipd lose and delay what they send, so that it works on any kernel.",
    examples=(("lab loss foreign1 10", "one in ten"), ("lab loss foreign1 0", "none any more")),
    how=how_loss,
    changes=Changes.OWN,
)
DELAY = Command(
    "lab delay",
    "let packets on a link come late",
    delay,
    (LINK, Argument("ms", Takes.WORD, "milliseconds one way, 0 to 10000")),
    (NAME,),
    table=LAB_LINKS.name,
    examples=(("lab delay foreign1 40", "40 ms each way"),),
    how=how_delay,
    changes=Changes.OWN,
)
FAULT = Command(
    "lab fault",
    "let a fault happen, or list the faults",
    fault,
    (
        Argument(
            "fault",
            Takes.WORD,
            "the fault; off mends all",
            required=False,
            choices=("MIP-001", "ha-dead", "cn-restart", MEND),
        ),
    ),
    (NAME,),
    table=FAULTS.name,
    details=(
        "MIP-001 is in how the mobile nodes are configured: they begin anew. ha-dead and cn-restart are what "
        "happens to a node without a word to others."
    ),
    examples=(("lab fault ha-dead", "and see what the mobile node does"), ("lab fault off", "all is well again")),
    how=how_fault,
    changes=Changes.OWN,
)
