"""The cases of home registration that no test of this folder covers, each with the reason."""

NOT_COVERED_MN_A = {
    "MN-1-2-1-1-001/002/004/012/014/022/024/025": (
        "needs IKEv1 between mobile node and home agent: keys and security associations are the driver's, "
        "here it is only said which association a packet must go by"
    ),
}
"""A case's id and the reason."""
