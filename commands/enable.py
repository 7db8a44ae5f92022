"""``enable``: let the commands that follow change the node."""

from mipsh.grammar.declare import Command
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Permit changes until ``disable``, or until the shell is left."""
    session.enable()
    return Result()


def how(session: Session) -> list[How]:
    """Say that it is the shell's own matter."""
    return [How("permit changes to the node until 'disable'", "none", "nothing is sent; --write permits one command")]


COMMAND = Command(
    "enable",
    "let the commands that follow change the node",
    run,
    details=(
        "A shell only looks until then. 'disable' ends it, and so does the end of the shell: it is no setting, and "
        "no file can grant it. --write permits a single command. What harms asks first; off a terminal it needs --yes."
    ),
    examples=(("enable; bu home --dry-run; bu home", "say what would be done, then do it"),),
    how=how,
)
