"""``disconnect``: use no engine."""

from mipsh.by_hand import here
from mipsh.grammar.declare import Command
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Let go of the engine and forget what it said."""
    session.disconnect()
    return Result()


COMMAND = Command("disconnect", "use no engine, and forget what it said", run, how=here("use no engine"))
