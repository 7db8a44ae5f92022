"""``rr``: return routability."""

from mipsh.engine import Capability
from mipsh.listing import listing

COMMAND = listing(
    "rr",
    Capability.RETURN_ROUTABILITY,
    "show the return routability tests of a mobile node",
    aliases=("return-routability", "show rr"),
    details=(
        "One row a test: the home test goes through the home agent, the care-of test goes directly. "
        "Both tokens must be there before a Binding Update can be sent to the correspondent. A test that "
        "is not answered while the other one is shows which of the two paths is broken."
    ),
    examples=(("rr", "all tests"), ("rr --where answered=no", "tests that wait for an answer")),
)
