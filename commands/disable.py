"""``disable``: let nothing change the node from now on."""

from mipsh.grammar.declare import Command
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Take back what ``enable`` permitted, and what ``mipsh --write`` did."""
    session.disable()
    return Result()


def how(session: Session) -> list[How]:
    """Say that it is the shell's own matter."""
    return [How("permit no change to the node any more", "none", "nothing is sent")]


COMMAND = Command("disable", "let nothing change the node from now on", run, how=how)
