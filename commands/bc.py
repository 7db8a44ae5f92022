"""``bc``: the binding cache."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "bc",
    Capability.BINDING_CACHE,
    "show the binding cache",
    aliases=("binding-cache", "show bc", "show binding-cache", "show ipv6 mobile binding"),
    details=(
        "The bindings that this node keeps for mobile nodes: home registrations on a home agent "
        "(status registered), route optimisation on a correspondent (status cached). A mobile node is a "
        "correspondent too: when both ends are mobile its cache holds the other's binding."
    ),
    examples=(
        ("bc", "the whole cache"),
        ("bc 2001:db8:1::100", "the binding of one home address"),
        ("bc --where remaining<60", "bindings about to expire"),
    ),
)
