"""The cases of a mobile node's route optimisation that no test of this folder covers, each with the reason."""

NOT_COVERED_MN_B: dict[str, str] = {}
"""A case's id and the reason."""
