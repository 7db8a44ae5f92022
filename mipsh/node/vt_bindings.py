"""``bc add`` and ``bc del`` as mip6d has them on a home agent: its grammar, its words, its errors.

What differs: names are not looked up; a binding without flag H, which mip6d throws away behind a status of
0, is an error here; and an addition that waits for duplicate address detection is answered at once, while
the binding is shown as ``dad``.
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence

from mipsh.mobility.effects import Effect
from mipsh.mobility.home.administration import BindingOrder
from mipsh.mobility.node import Node
from mipsh.mobility.status import AckStatus
from mipsh.node.control_actions import Perform
from mipsh.node.protocol import LONGEST_LIFETIME_S
from mipsh.wire import address as addresses
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, KEY_MANAGEMENT, LIFETIME_UNIT_S, LINK_LOCAL

ADD, DELETE = "add", "del"
USAGE = (
    "hoa ADDR [coa ADDR] local ADDR flags [A]H[LK] [lifetime SECOND]\n"
    "  [seq auto|NUMBER] [dad want|never]\n"
)  # fmt: skip
FLAGS = {"A": ACKNOWLEDGE, "H": HOME, "L": LINK_LOCAL, "K": KEY_MANAGEMENT, "-": 0}
SEQUENCES, LONG_BITS, INT_BITS = 0xFFFF, 64, 32

_NUMBER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")


class _Complaint(Exception):
    """What mip6d says in place of doing it."""


class _Words:
    """What the words of a line say, each as soon as it is read."""

    def __init__(self) -> None:
        self.addresses: dict[str, bytes] = {}
        self.flags = 0
        self.lifetime_s = 0
        self.sequence: int | None = None
        self.detects_duplicates = True

    def take(self, name: str, value: str) -> None:
        """Take in a word and its value; raises _Complaint."""
        if name in ("hoa", "coa", "local"):
            self.addresses[name] = _address(value)
        elif name == "flags":
            self.flags |= _flags(value)
        elif name == "lifetime":
            self.lifetime_s = _number(value)
        elif name == "seq":
            self.sequence = None if value == "auto" else _sequence(value)
        elif name == "dad":
            self.detects_duplicates = _dad(value)
        else:
            raise _Complaint(f"invalid command:{name}\n{USAGE}")

    def check(self, is_addition: bool) -> None:
        """Complain about what is missing, or is too much."""
        if "hoa" not in self.addresses:
            raise _Complaint("missing hoa\n")
        if is_addition and "coa" not in self.addresses:
            raise _Complaint("missing coa; required for adding\n")
        if "local" not in self.addresses:
            raise _Complaint("missing local\n")
        if is_addition and not self.lifetime_s:
            raise _Complaint("lifetime is zero\n")
        if self.lifetime_s and not is_addition:
            raise _Complaint("lifetime is not zero\n")
        if not self.flags & HOME or (is_addition and not LIFETIME_UNIT_S <= self.lifetime_s <= LONGEST_LIFETIME_S):
            raise _Complaint(_error(errno.EINVAL))


def change(node: Node, words: Sequence[str], is_ended: bool, perform: Perform, now: float) -> str | None:
    """Carry out a command line of these words and return mip6d's answer; None for another command.

    ``is_ended`` tells whether white space stands behind the last word, which mip6d does not see otherwise.
    """
    if node.roles.home_agent is None or words[0] != "bc" or len(words) == 1:
        return None
    if words[1] == "help":
        return f"{ADD} {DELETE}\n"
    if words[1] not in (ADD, DELETE):
        return None
    try:
        said = _read(words[2:], is_ended)
        said.check(words[1] == ADD)
    except _Complaint as complaint:
        return str(complaint)
    result = _changed(node, said, words[1] == ADD, now)
    if isinstance(result, AckStatus):
        return f"bc status={int(result)}\n"
    perform(result)
    return f"bc status={int(AckStatus.ACCEPTED)}\n"


def _read(words: Sequence[str], is_ended: bool) -> _Words:
    said = _Words()
    for name, value in _pairs(words, is_ended):
        said.take(name, value)
    return said


def _pairs(words: Sequence[str], is_ended: bool) -> Iterator[tuple[str, str]]:
    """Yield the words two by two; what mip6d cannot see to its end is answered by its usage."""
    for at in range(0, len(words), 2):
        if at + 2 > len(words) or (at + 2 == len(words) and not is_ended):
            raise _Complaint(USAGE)
        yield words[at], words[at + 1]


def _changed(node: Node, said: _Words, is_addition: bool, now: float) -> list[Effect] | AckStatus:
    home_address, local_address = said.addresses["hoa"], said.addresses["local"]
    if not is_addition:
        return node.delete_binding(home_address, local_address, now)
    order = BindingOrder(
        home_address,
        said.addresses["coa"],
        local_address,
        said.lifetime_s // LIFETIME_UNIT_S,
        said.flags,
        said.sequence,
        said.detects_duplicates,
    )
    return node.add_binding(order, now)


def _address(said: str) -> bytes:
    try:
        return addresses.parse(said)
    except ValueError:
        raise _Complaint(f'getaddrinfo: "{said}" :Name or service not known\n') from None


def _flags(said: str) -> int:
    bits = 0
    for letter in said:
        if letter not in FLAGS:
            raise _Complaint(f"invalid flag:{letter}\n")
        bits |= FLAGS[letter]
    return bits


def _number(said: str) -> int:
    """Read a number as strtoul(3) does with base 0; of a longer one mip6d keeps 32 bits."""
    found = _NUMBER.fullmatch(said)
    if found is None:
        raise _Complaint(f"invalid integer:{said}\n")
    sign, sixteens, eights, tens = found.groups()
    if len(said) > LONG_BITS:
        raise _Complaint(f"overflow:{said}\n")
    value = int(sixteens, 16) if sixteens else int(eights, 8) if eights else int(tens)
    most = (1 << LONG_BITS) - 1
    read = min(value, most) if sign != "-" or value > most else -value & most
    if read == most:
        raise _Complaint(f"overflow:{said}\n")
    return read & (1 << INT_BITS) - 1


def _sequence(said: str) -> int:
    number = _number(said)
    if number >= SEQUENCES:
        raise _Complaint("sequence overflow\n")
    return number


def _dad(said: str) -> bool:
    if said not in ("want", "never"):
        raise _Complaint('either "want" or "never" is allowed for dad\n')
    return said == "want"


def _error(number: int) -> str:
    return f"bc error={number}({os.strerror(number)})\n"
