"""``bul``: the binding update list."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "bul",
    Capability.BINDING_UPDATE_LIST,
    "show the binding update list",
    aliases=("binding-update-list", "show bul", "show binding-update-list"),
    details=(
        "The bindings that this mobile node has with its home agent and with correspondents, what state "
        "each is in, and what the node does next on its own. A peer in state not_mobile answered Mobility "
        "Headers with an ICMPv6 error: it is not tried again until the entry's lifetime ends."
    ),
    examples=(
        ("bul", "the whole list"),
        ("bul --where reg=home", "the home registration"),
        ("bul --where state!=bound", "everything that is not settled"),
        ("bul --where cn=2001:db8:4::2 --wide", "everything about one peer"),
    ),
)
