"""``raw``: what the engine itself says."""

import time

from mipsh.by_hand import said
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.shell import RAW, How, RawReply
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session, words: list[str]) -> Result:
    """Ask the engine in its own words."""
    command = " ".join(words)
    connector = session.engine()
    reply = connector.raw(command)
    return Result(RAW, [RawReply(command, reply)], connector.info, time.time())


def how(session: Session, words: list[str]) -> list[How]:
    """Say what is sent."""
    command = " ".join(words)
    return said(session.engine(), "raw", f"ask for '{command}'", request=command)


COMMAND = Command(
    "raw",
    "show what the engine says to a command of its own",
    run,
    (Argument("words", Takes.WORD, "one of the engine's own words (mip6d: help lists them)", many=True),),
    table="raw",
    details="Only what looks is sent: a word that the engine's help lists, and nothing behind it.",
    examples=(("raw bul", "the binding update list in mip6d's own layout"),),
    how=how,
)
