"""The cases that no test of this folder covers, each with the reason."""

NOT_COVERED = {
    "HA_2_1_10": "needs IKE: what a phase 1 negotiation does after a move is the key exchange daemon's, not the node's",
    "HA_2_1_13": "needs IKE: without it the K flag is never granted, so that no association can be moved with it",
    "MN-1-2-1-1-001/002/004/012/014/022/024/025": (
        "needs IKEv1 between mobile node and home agent: keys and security associations are the driver's, "
        "here it is only said which association a packet must go by"
    ),
}
"""A case's id and the reason."""

ROLES = ("CN", "HA", "MN")
"""The roles that are held to: each of their cases is a test or in the table."""
