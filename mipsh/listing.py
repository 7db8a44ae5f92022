"""The commands that show a table of the engine: they differ in the table and in their words only."""

from msgspec import structs

from mipsh.by_hand import reading
from mipsh.engine import Capability
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.address import canonical, within
from mipsh.model.columns import Kind
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.shell import How
from mipsh.model.text import plain
from mipsh.result import Result
from mipsh.session import Session

_ADDRESSES = (Kind.ADDRESS, Kind.PREFIX)


def listing(
    name: str,
    capability: Capability,
    summary: str,
    *,
    aliases: tuple[str, ...] = (),
    details: str = "",
    examples: tuple[tuple[str, str], ...] = (),
) -> Command:
    """Declare a command that shows a table, whole or for one address or prefix."""

    def run(session: Session, address: str | None = None) -> Result:
        result = session.result(capability)
        return result if address is None else about(result, address)

    def how(session: Session, address: str | None = None) -> list[How]:
        return reading(session, capability)

    argument = Argument("address", Takes.ADDRESS, "only rows with this address, or in this prefix", required=False)
    return Command(name, summary, run, (argument,), (), aliases, capability.value, details, examples, how=how)


def about(result: Result, address: str) -> Result:
    """Keep the rows in which some address is the one given, or lies in the prefix given."""
    if result.table is None:
        return result
    names = [c.name for c in result.table.columns if c.kind in _ADDRESSES]
    wanted = canonical(address) or address

    def meets(value: object) -> bool:
        texts = value if isinstance(value, tuple) else (plain(value),)
        return any(text == wanted or ("/" in wanted and within(str(text), wanted)) for text in texts)

    rows = [row for row in result.rows if any(meets(getattr(row, name)) for name in names)]
    return structs.replace(result, rows=rows)


def table_of(word: str) -> str:
    """Return the name of the engine's table that a word means, or the word itself."""
    if word in ENGINE_TABLES:
        return word
    return _WORDS.get(word, word)


_WORDS = {
    "bc": "binding_cache",
    "binding-cache": "binding_cache",
    "bul": "binding_update_list",
    "binding-update-list": "binding_update_list",
    "rr": "return_routability",
    "nonce": "nonces",
    "hal": "home_agents",
    "pl": "prefixes",
    "stats": "statistics",
}

TABLE_WORDS = tuple(word for word in _WORDS if "-" not in word)
