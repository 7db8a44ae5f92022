"""The cases that no test of this folder covers, each with the reason."""

NOT_COVERED = {
    "CN-6-4-2": "needs IPsec: an SPD that selects on the home address is the upper layers', and there is no ESP here",
}
"""A case's id and the reason; cases of home agents and mobile nodes are the business of their own tests."""

ROLES = ("CN",)
"""The roles that are held to: each of their cases is a test or in the table."""
