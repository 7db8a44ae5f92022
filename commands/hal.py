"""``hal``: the home agents list."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "hal",
    Capability.HOME_AGENTS,
    "show the home agents list",
    aliases=("home-agents", "show hal", "show home-agents", "show ipv6 mobile home-agents"),
    details="The home agents known on the home links, from their Router Advertisements, with preference.",
    examples=(("hal --sort -preference", "the best one first"),),
)
