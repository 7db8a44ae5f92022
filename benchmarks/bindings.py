"""A large binding cache, in the shape that mip6d prints with its options as mipsh sets them.

Every entry has a home and a care-of address of its own; the times differ from entry to entry.
Run as a program, it serves such a cache on a free port and prints the port, until its input ends.
"""

import sys

from mipsh.node.vt import VtServer
from mipsh.recording import VtOptions

GRANTED_S = 86396


def entry(number: int) -> str:
    """Return one home registration as ``bc`` prints it."""
    high, low = divmod(number + 1, 0x10000)
    link = number % 200 + 2
    return (
        f"hoa 2001:db8:1:0:0:0:{high:x}:{low:x} nonce 0 status registered\n"
        f" coa 2001:db8:{link:x}:0:f809:44ff:{high + 0xFE00:x}:{low:x} nonce 0 flags AH--\n"
        f" local 2001:db8:1:0:0:0:0:1 tunnel ip6tnl{number + 1} link ha0\n"
        f" lifetime {GRANTED_S - number % 80000} / {GRANTED_S} seq {number * 7 % 65536} unreach 0"
        f" mpa {number % 1447} / 1447 retry 0\n"
    )


def binding_cache(entries: int) -> str:
    """Return the text of a whole cache."""
    return "".join(map(entry, range(entries)))


class LargeHomeAgent:
    """A responder with one large binding cache."""

    def __init__(self, entries: int) -> None:
        self.text = binding_cache(entries)

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return the cache for ``bc``, nothing to read for the other tables."""
        if command not in self.words():
            return None
        return self.text if command == "bc" else ""

    def words(self) -> tuple[str, ...]:
        """Return the words of a home agent."""
        return ("bc", "hal", "nonce", "pl", "stats", "thread")


def main() -> None:
    """Serve until standard input ends."""
    with VtServer(LargeHomeAgent(int(sys.argv[1]))) as server:
        sys.stdout.write(f"{server.address[1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
