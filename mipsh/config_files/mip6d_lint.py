"""What is wrong with a mip6d.conf by its grammar, and what of it contradicts itself.

Each contradiction that is one of the known conditions says which: MIP-….
"""

from collections.abc import Iterator
from itertools import chain

from mipsh.config_files.findings import Finding, Severity, in_order
from mipsh.config_files.including import Whole
from mipsh.config_files.lint import Dialect, Linter, of_text
from mipsh.config_files.mip6d import option_of, understand
from mipsh.config_files.mip6d_options import (
    FORKS,
    GONE,
    HOME_LINK,
    INTERFACE,
    OPTIONS,
    POLICY_SET,
    options_of,
)
from mipsh.config_files.mip6d_sense import contradictions
from mipsh.config_files.tree import Statement

DAEMON = "mip6d"
REFUSED = "MIP-205"
"""A file that mip6d refuses: it exits, or runs as a correspondent node with defaults."""
ORDER = ("HomeAgentAddress", "HomeAddress", "IPsecPolicy")


def lint(whole: Whole) -> list[Finding]:
    """Return everything that is found in a mip6d.conf and in what it includes."""
    conf = understand(whole)
    return in_order(
        chain(
            whole.findings,
            of_text(whole.documents, DAEMON),
            contradictions(conf) if whole.documents else (),
            Linter(DIALECT, conf.role).all(whole.statements),
            _blocks(whole.statements),
        )
    )


def _elsewhere(name: str, block: str) -> tuple[str, str] | None:
    """Say what is known of a name that does not belong in a block."""
    if name in GONE:
        return f"UMIP 1.0 has no {name}", GONE[name]
    if name in FORKS:
        return f"UMIP 1.0 has no {name}: it is of a {FORKS[name]} fork", "remove it, or run that fork"
    places = [inside or "no braces" for inside, known in OPTIONS if known == name and inside != block]
    if places:
        return f"{name} does not belong in {block or 'no braces'}", f"it belongs in {' or '.join(places)}"
    return None


DIALECT = Dialect(DAEMON, option_of, options_of, _elsewhere, reference=REFUSED)


def _blocks(top: tuple[Statement, ...]) -> Iterator[Finding]:
    """Yield what the grammar says of whole blocks."""
    for statement in top:
        if statement.name == HOME_LINK:
            yield from _home_link(statement)
        elif statement.name == POLICY_SET:
            yield from _policy_set(statement)
        elif statement.name == INTERFACE:
            yield from _interface(statement)


def _names(statement: Statement) -> list[str]:
    return [inner.name for inner in statement.body or () if inner.head is not None]


def _home_link(statement: Statement) -> Iterator[Finding]:
    if "HomeAddress" not in _names(statement):
        problem, advice = f"{statement.written} has no HomeAddress", "add HomeAddress ADDRESS/LENGTH; in braces"
        yield refused("no-home-address", statement, HOME_LINK, problem, advice)


def _policy_set(statement: Statement) -> Iterator[Finding]:
    """One HomeAgentAddress, then HomeAddress, then IPsecPolicy, at least one of each."""
    names = [name for name in _names(statement) if name in ORDER]
    for wanted in ORDER:
        if wanted not in names:
            problem = f"IPsecPolicySet has no {wanted}"
            yield refused("incomplete-block", statement, POLICY_SET, problem, f"write {', then '.join(ORDER)}")
    if names != sorted(names, key=ORDER.index):
        problem = "IPsecPolicySet is not in order"
        yield refused("out-of-order", statement, POLICY_SET, problem, f"write {', then '.join(ORDER)}")


def _interface(statement: Statement) -> Iterator[Finding]:
    inside = {inner.name: inner.values[0].text for inner in statement.body or () if inner.values}
    if inside.get("IfType") == "HA" and inside.get("Tunnel") in ("enabled", "true"):
        problem = "a home agent's interface cannot be a tunnel"
        yield refused("tunnel-interface", statement, INTERFACE, problem, "remove Tunnel, or IfType HA")


def refused(code: str, statement: Statement, option: str, problem: str, advice: str) -> Finding:
    """Return a finding of something that mip6d's grammar refuses."""
    return Finding(code, Severity.ERROR, statement.place, option, problem, "", advice, REFUSED)
