"""Derives from tshark's fields what way each echo of a capture went: ``python derive_expected.py CAPTURE > TABLE``.

The tables in ``expected`` were made by it. A packet within another one went through a tunnel; one with a
Home Address option or a type 2 routing header went by an optimised route; any other went directly.
What a tunnel's own interface shows does not count, and of several links the outermost form does.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FIELDS = (
    "frame.time_epoch",
    "sll.hatype",
    "icmpv6.type",
    "icmpv6.echo.identifier",
    "icmpv6.echo.sequence_number",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.opt.mipv6.home_address",
    "ipv6.routing.mipv6.home_address",
)
ETHERNET, REQUEST, REPLY = "1", "128", "129"
RANKS = ("none", "direct", "ro", "tunnel")
Key = tuple[str, str, str, str]


def main(capture: str) -> str:
    """Return the table of a capture file: a line for each echo, tab-separated, with a header."""
    lines = ["source\tdestination\tidentifier\tsequence\trequest\treply"]
    found: dict[Key, dict[str, str]] = {}
    for key, kind, route in _packets(capture):
        routes = found.setdefault(key, {REQUEST: "none", REPLY: "none"})
        routes[kind] = max(routes[kind], route, key=RANKS.index)
    lines += ["\t".join([*key, routes[REQUEST], routes[REPLY]]) for key, routes in found.items()]
    return "\n".join(lines) + "\n"


def _packets(capture: str) -> Iterator[tuple[Key, str, str]]:
    """Yield for each packet on a link its echo, 128 or 129, and the way it was going."""
    columns = [word for name in FIELDS for word in ("-e", name)]
    argv = ["tshark", "-r", capture, "-Y", f"icmpv6.type=={REQUEST} || icmpv6.type=={REPLY}", "-T", "fields", *columns]
    done = subprocess.run(argv, capture_output=True, check=True, text=True, timeout=120)
    for line in done.stdout.splitlines():
        _, hardware, kind, identifier, sequence, sources, destinations, home, routed = line.split("\t")
        if hardware != ETHERNET or kind not in (REQUEST, REPLY):
            continue
        source, destination = home or sources.split(",")[-1], routed or destinations.split(",")[-1]
        ends = (source, destination) if kind == REQUEST else (destination, source)
        route = "tunnel" if "," in sources else "ro" if home or routed else "direct"
        yield (*ends, str(int(identifier, 16)), sequence), kind, route


if __name__ == "__main__":
    sys.stdout.write(main(str(Path(sys.argv[1]))))
