"""``expiring``: bindings that end soon, in a table of the plugin's own.

A command takes the session and one keyword for each argument and option that it declares. It
returns records; filters, formats and the exit status are mipsh's business.
"""

from typing import Annotated

from msgspec import Struct

from mipsh.engine import Capability
from mipsh.grammar.declare import Command, Option, Takes
from mipsh.model.columns import Kind, column, table
from mipsh.model.records import BindingCacheEntry
from mipsh.result import Notice, Result, of_reading
from mipsh.session import Session
from mipsh.status import ExitStatus


class Expiring(Struct, frozen=True):
    """A binding that ends soon."""

    home_address: Annotated[str, column("Home address", "home address of the mobile node", Kind.ADDRESS)]
    remaining_s: Annotated[int, column("Remaining", "seconds until the binding ends", Kind.SECONDS, unit="s")]


EXPIRING = table("expiring", Expiring, "Expiring bindings", key=("home_address",))


def run(session: Session, within: float = 60.0) -> Result:
    """Read the binding cache and keep what ends within so many seconds."""
    reading = session.read(Capability.BINDING_CACHE)
    result = of_reading(reading)
    result.table = EXPIRING
    result.rows = [
        Expiring(entry.home_address, entry.lifetime_remaining_s)
        for entry in reading.rows
        if isinstance(entry, BindingCacheEntry)
        if entry.lifetime_remaining_s is not None and entry.lifetime_remaining_s <= within
    ]
    if result.rows:
        # A condition that is not met is no error: the status says so to a script.
        result.status = ExitStatus.CONDITION_NOT_MET
        result.warnings += (Notice("expiring", f"{len(result.rows)} bindings end within {within:g} s"),)
    return result


COMMAND = Command(
    "expiring",
    "show bindings that end soon",
    run,
    options=(Option("--within", "seconds that are soon (60)", Takes.SECONDS, metavar="S"),),
    details="Exit status 0 where no binding ends soon, 1 where one does.",
    examples=(("expiring --within 5m", "within five minutes"),),
)
