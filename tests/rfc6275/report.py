"""Print which conformance cases the tests cover: run this file with Python; 0 means that none is open."""

import sys
from collections import Counter

from cases import cases, covered, open_cases
from not_covered import NOT_COVERED, ROLES


def report() -> str:
    """Return the counts for each role and origin, and the reasons of what is not covered."""
    groups = Counter((case.role, case.origin) for case in cases())
    done = Counter((case.role, case.origin) for case in cases() if case.id in covered())
    reasoned = Counter((case.role, case.origin) for case in cases() if case.id in NOT_COVERED)
    lines = [f"{'role':<6}{'origin':<16}{'cases':>6}{'covered':>9}{'not covered':>13}{'open':>6}"]
    for (role, origin), total in sorted(groups.items()):
        group = done[role, origin], reasoned[role, origin]
        left = total - sum(group)
        lines.append(f"{role:<6}{origin:<16}{total:>6}{group[0]:>9}{group[1]:>13}{left:>6}")
    lines += [f"{name}: {reason}" for name, reason in sorted(NOT_COVERED.items())]
    return "\n".join(lines)


def main() -> int:
    """Print the report; 1 where a case of a role that is held to is open."""
    sys.stdout.write(report() + "\n")
    left = open_cases()
    for case in left:
        sys.stdout.write(f"open: {case.id} {case.title}\n")
    sys.stdout.write(f"held to: {', '.join(ROLES)}; open: {len(left)}\n")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
