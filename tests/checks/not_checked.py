"""The ids of the catalogue of known conditions, and those of them that no check can look for, with the reason."""


def _numbered(prefix: str, *ranges: tuple[int, int], width: int = 3) -> tuple[str, ...]:
    """Return ids of ranges of numbers, both ends included."""
    return tuple(f"{prefix}-{number:0{width}}" for first, last in ranges for number in range(first, last + 1))


CATALOGUE = {
    "guide": _numbered("MIP", (1, 7)),
    "options": _numbered("OPT", (1, 21), width=2),
    "kernel": _numbered("MIP", (101, 110), (112, 119)),
    "daemon": _numbered("MIP", (201, 215)),
    "configuration": _numbered("MIP", (301, 313)),
    "home_agent": _numbered("MIP", (401, 411)),
    "mobile_node": _numbered("MIP", (451, 466)),
    "correspondent": _numbered("MIP", (471, 473)),
    "path": _numbered("MIP", (501, 509)),
    "security": _numbered("MIP", (601, 604)),
}
"""The ids by the part of the catalogue that they stand in."""

DONE: frozenset[str] = frozenset(CATALOGUE)
"""The parts of which every id has a check, or a reason below."""

NOT_CHECKED: dict[str, str] = {
    "MIP-211": "it is a rule for checks: counters that no code of mip6d increments are no evidence of zero",
    "MIP-506": "what drops extension headers is outside this node: only packets sent to a peer can show it",
    "MIP-509": "it takes the advertisement at the moment of returning home: 'trace' shows such messages",
    "MIP-407": "status 130 follows from what OPT-06, OPT-07, OPT-08, MIP-104, MIP-202 and MIP-408 look for",
    "MIP-463": "it takes the binding cache of the other end: the command 'both' compares the two",
    "MIP-464": "whether a prefix was advertised as off-link is in no table of a node: 'trace' shows the advertisement",
    "MIP-466": "that status 135 comes again and again is only in packets: 'trace' folds and counts them",
    "OPT-16": "that connections are tracked is no fault: MIP-507 looks at what it does to Mobile IPv6",
    "OPT-18": "hints of an ARP daemon, of kernels up to 3.x, which no version of mip6d needs",
    "OPT-19": "INSTALL.kernel names an option that no kernel ever had",
    "OPT-21": "an option of the MIPL patch, which no kernel since 2.6.19 has",
}
"""Ids that no check can look for, each with the reason."""
