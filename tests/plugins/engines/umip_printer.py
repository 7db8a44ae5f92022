"""Recorded replies with tables, to be read, and to be printed again by ``mipsh.node.vt_text``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mipsh.plugins.engines import umip_text
from mipsh.plugins.engines.umip_text import Parsed

RECORDINGS = Path(__file__).parents[2] / "recordings" / "mip6d-1.0"

PARSERS: dict[str, Callable[[str], Parsed]] = {
    "bc": umip_text.parse_binding_cache,
    "nonce": umip_text.parse_binding_cache,
    "bul": umip_text.parse_binding_update_list,
    "rr": umip_text.parse_return_routability,
    "hal": umip_text.parse_home_agents,
    "pl": umip_text.parse_prefixes,
    "stats": umip_text.parse_statistics,
}


class Reply(NamedTuple):
    """A recorded reply to one of the commands above."""

    where: str
    command: str
    text: str

    def plain(self) -> str:
        """Return the text without framing and colours, by the strings that mip6d uses for them."""
        text = self.text
        for framing in ("\x1b[1;4m", "\x1b[1m", "\x1b[0m", "mip6d> ", "\0"):
            text = text.replace(framing, "")
        return text

    def refused(self) -> bool:
        """Tell whether the node has no such command."""
        return "unknown command" in self.text

    def parsed(self) -> Parsed:
        """Return what the parser makes of it."""
        return PARSERS[self.command](self.text)


def exchanges() -> list[Reply]:
    """Return every recorded exchange, whatever the command."""
    found = []
    for path in sorted(RECORDINGS.glob("*/*.json")):
        where = f"{path.parent.name}/{path.name.removesuffix('.json')}"
        for number, (command, text, _) in enumerate(json.loads(path.read_text("utf-8"))):
            found.append(Reply(f"{where}-{number}", command, text))
    return found


def replies() -> list[Reply]:
    """Return every recorded reply that holds a table, empty ones and refusals included."""
    found = [reply for reply in exchanges() if reply.command in PARSERS]
    for path in sorted(RECORDINGS.glob("events/brr-*.txt")):
        found.append(Reply(f"events/{path.stem}", "bul", path.read_text("latin-1")))
    return found


def distinct_replies() -> list[Reply]:
    """Return one reply of each text that holds entries."""
    texts = {(reply.command, reply.text): reply for reply in replies() if not reply.refused()}
    return [reply for reply in texts.values() if reply.plain().strip()]
