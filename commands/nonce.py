"""``nonce``: nonce blocks of the binding cache."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "nonce",
    Capability.NONCES,
    "show the nonce blocks of the binding cache",
    aliases=("nonces", "show nonce"),
    details=(
        "After a deregistration a correspondent remembers the nonces that the binding used, so that an old "
        "Binding Update cannot bring it back (RFC 6275 section 9.5.1). Only indices are shown."
    ),
    examples=(("nonce", "all nonce blocks"),),
)
