"""Whether a node may be changed: never unless it was enabled, and never without a person or ``--yes``."""

from mipsh.environment import Environment
from mipsh.errors import RefusedError
from mipsh.linux.terminal import asking
from mipsh.model.text import escape
from mipsh.session import Session

AGREED = ("y", "yes")


def permit(session: Session, what: str, *, question: str = "") -> None:
    """Return where ``what`` may be done now; raises RefusedError (77) where it may not.

    It may where writing is enabled and either ``--yes`` was given or a person is there, who is asked
    the question where there is one; all but y is no, Ctrl-C too. With ``--dry-run`` nothing may.
    """
    permission = session.permission
    if permission.dry_run:
        raise RefusedError(f"{what}: nothing is done with --dry-run")
    if not permission.write:
        raise RefusedError(f"{what}: this shell only looks", "type 'enable', or add --write")
    if permission.yes:
        return
    if not session.environment.answers:
        raise RefusedError(f"{what}: there is no terminal to ask at", "add --yes")
    if question and not agreed(session.environment, question):
        raise RefusedError(f"{what}: not done, since the answer was not y")


def agreed(environment: Environment, question: str) -> bool:
    """Ask a person at the terminal; tell whether the answer is y. What was typed before does not count."""
    stderr = environment.stderr
    if stderr is None:
        return False
    try:
        with asking(environment.stdin):
            stderr.write(f"{escape(question)} [y/N] ")
            stderr.flush()
            answer = environment.stdin.readline()
    except (KeyboardInterrupt, OSError, ValueError):
        # ValueError: a stream that was closed meanwhile.
        answer = ""
    if not answer.endswith("\n"):
        environment.warn("")
    return answer.strip().lower() in AGREED
