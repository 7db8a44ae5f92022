"""Lines that change a node, run through the whole shell: what came of them, and whether it was written down."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from harness import Mipsh, Ran
from jsonschema import Draft202012Validator

from mipsh.action import audit
from mipsh.action.audit import Changed

SCHEMAS = Path(__file__).parents[2] / "mipsh" / "schemas"
COMMON = ("--no-config", "--no-plugins", "-t", "2")
PERMITTED = ("--write", "--yes")
Answer = TypeVar("Answer")


class Came(NamedTuple):
    """What came of a line: its status, its document, what was said beside, and the changes written down."""

    status: int
    document: dict[str, Any]
    stderr: str
    changes: list[Changed]

    @property
    def row(self) -> dict[str, Any]:
        """The only row."""
        (row,) = self.rows
        return row

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows."""
        found: list[dict[str, Any]] = self.document["data"]
        return found

    @property
    def said(self) -> str:
        """All that a person would read: rows, errors and warnings."""
        return json.dumps(self.document) + self.stderr

    @property
    def change(self) -> Changed:
        """The only change."""
        (change,) = self.changes
        return change


def log(mipsh: Mipsh) -> list[Changed]:
    """Return the changes that were written down, all of them readable."""
    changes, unread = audit.read(Path(mipsh.variables["XDG_STATE_HOME"]) / "mipsh" / "audit.log")
    assert unread == 0
    return changes


def sound(ran: Ran) -> dict[str, Any]:
    """Return a document that keeps its schema, and that no terminal acts on."""
    assert ran.stdout.replace("\n", "").isprintable(), ran.stdout
    assert ran.stderr.replace("\n", "").isprintable(), ran.stderr
    assert "Traceback" not in ran.stderr
    document = ran.document
    assert document["status"] == ran.status
    if document["table"] is not None:
        schema = msgspec.json.decode((SCHEMAS / f"{document['table']}.json").read_bytes())
        Draft202012Validator(schema).validate(document)
    return document


def asked(mipsh: Mipsh, uri: str, *words: str, given: tuple[str, ...] = PERMITTED) -> Came:
    """Run a line, its result as a document."""
    ran = mipsh(*COMMON, "-e", uri, *given, "--json", *words)
    return Came(ran.status, sound(ran), ran.stderr, log(mipsh))


def written(came: Came) -> None:
    """See to it that the change was written down whole: before, after, and how it ended."""
    begin, end = came.change.begin, came.change.end
    assert end is not None
    assert begin.before
    assert end.after
    assert end.result
    assert end.status == came.status
    assert begin.command.startswith(("bu", "binding", "move", "flush", "ask"))
    assert begin.steps


def shown(mipsh: Mipsh, uri: str, *words: str, given: tuple[str, ...] = PERMITTED) -> Ran:
    """Run a line as a person would, on a terminal of 80 columns."""
    mipsh.variables["COLUMNS"], mipsh.variables["LINES"] = "80", "24"
    return mipsh(*COMMON, "-e", uri, "--no-color", *given, *words, terminal=True)


def without(capability: int, work: Callable[[], Answer]) -> Answer:
    """Do something in a thread that has no longer a capability of capabilities(7), and return what comes of it."""
    from ctypes import CDLL, create_string_buffer
    from struct import Struct
    from threading import Thread

    sets, found = Struct("=6I"), list[Answer]()

    def give_up() -> None:
        library, head = CDLL(None, use_errno=True), Struct("=Ii").pack(0x20080522, 0)
        held = create_string_buffer(sets.size)
        assert library.capget(head, held) == 0
        kept = [value & ~(1 << capability) if at < 3 else value for at, value in enumerate(sets.unpack(held.raw))]
        assert library.capset(head, sets.pack(*kept)) == 0
        found.append(work())

    thread = Thread(target=give_up)
    thread.start()
    thread.join()
    return found[0]
