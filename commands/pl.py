"""``pl``: the home prefix list."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "pl",
    Capability.PREFIXES,
    "show the home prefix list",
    aliases=("prefixes", "prefix-list", "show pl", "show prefixes"),
    details="The prefixes of the home links, as advertised; with the R flag the whole address of the home agent.",
    examples=(("pl", "all prefixes"),),
)
