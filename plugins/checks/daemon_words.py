"""Words about the daemon, in which the checks of it are written."""

import re
from collections.abc import Sequence
from itertools import pairwise

from mipsh.checks.facts import ENGINE, Facts
from mipsh.checks.sources import Key, Process, Unreadable

ALL = ("mn", "ha", "cn")
UMIP, DAEMON = "umip", "mip6d"
PORT = 7777
FILE, LOG, LEVEL, SERVICE = ("-c", "--config-file"), ("-l", "--debug-log"), ("-d", "--debug-level"), ("--vt-service",)
AS_ROLE = ("-C", "-H", "-M", "--correspondent-node", "--home-agent", "--mobile-node")
NAMES = {"Mobile Node": "mn", "Home Agent": "ha", "Correspondent Node": "cn"}
_STARTED = re.compile(r"UMIP Mobile IPv6 for Linux v\S* started \(([\w ]+)\)")
_VERSION = re.compile(r"Mobile IPv6 for Linux v?(\d{1,4})\.(\d{1,4})")


def answers(facts: Facts) -> bool:
    """Tell whether mip6d itself answers, at its virtual terminal."""
    return facts.can_read(Key.VT, ENGINE) and facts.engine.engine == UMIP


def lives(facts: Facts) -> bool | None:
    """Tell whether mip6d runs here; None where it is not seen where the processes are that there are."""
    if answers(facts):
        return True
    here = {process.is_here for process in facts.processes}
    if True in here:
        return True
    return None if None in here else False


def option(arguments: Sequence[str], names: Sequence[str]) -> str:
    """Return the value of an option of a command line, the last one; empty where it is not there."""
    found = [value for word, value in pairwise(arguments) if word in names]
    found += [word.partition("=")[2] for word in arguments for name in names if word.startswith(f"{name}=")]
    return found[-1] if found else ""


def of_command(facts: Facts, names: Sequence[str]) -> str:
    """Return the value of an option that the daemon here was started with; empty where it was not, or is not seen."""
    if not facts.can_read(Key.PR):
        return ""
    return next((value for one in facts.daemons if (value := option(one.arguments, names))), "")


def port(facts: Facts) -> int:
    """Return the port of the virtual terminal."""
    said = of_command(facts, SERVICE)
    return int(said) if said.isascii() and said.isdecimal() and len(said) < 6 else PORT


def told(process: Process) -> str:
    """Return a process in words."""
    return f"{' '.join(process.arguments) or process.name} (pid {process.pid})"


def started_as(facts: Facts) -> str:
    """Return the role that the daemon says to have, at its terminal or in its log; empty where it does not say."""
    if answers(facts) and facts.engine.role:
        return facts.engine.role
    found = [one for line in _log(facts) for one in _STARTED.findall(line)]
    return NAMES.get(found[-1], "") if found else ""


def version(facts: Facts) -> tuple[int, int]:
    """Return the version that the daemon says to have; raises Unreadable where it does not say."""
    said = [facts.engine.version or ""] if answers(facts) else []
    texts = [*_log(facts), *(f"Mobile IPv6 for Linux {one.lstrip('v')}" for one in said if one)]
    found = [one for text in texts for one in _VERSION.findall(text)]
    if not found:
        facts.datum(Key.LG)
        raise Unreadable(Key.LG, "the daemon's version is not in it ('mip6d -V' says it)")
    return int(found[-1][0]), int(found[-1][1])


def _log(facts: Facts) -> list[str]:
    return [line.text for line in facts.log] if facts.can_read(Key.LG) else []
