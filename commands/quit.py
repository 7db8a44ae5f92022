"""``quit``: leave the shell."""

from mipsh.by_hand import here
from mipsh.grammar.declare import Command
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Leave once the command is done."""
    session.leave = True
    return Result()


COMMAND = Command("quit", "leave the shell", run, aliases=("exit",), how=here("leave the shell", "Ctrl-D"))
