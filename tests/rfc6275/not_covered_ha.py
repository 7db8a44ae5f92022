"""The cases of home agents that no test of this folder covers, each with the reason."""

NOT_COVERED_HA = {
    "HA_2_1_10": "needs IKE: what a phase 1 negotiation does after a move is the key exchange daemon's, not the node's",
    "HA_2_1_13": "needs IKE: without it the K flag is never granted, so that no association can be moved with it",
}
"""A case's id and the reason."""
