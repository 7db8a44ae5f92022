"""What one rule of nftables makes of a packet: whether it matches, and where the packet goes then.

Each expression is evaluated as the kernel does (net/netfilter/nft_*.c). One that is not known leaves open whether
the rule matches, and all that it may have loaded.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from mipsh.checks import filter_matches
from mipsh.checks.filter_matches import ACCEPT, DROP, OTHER, QUEUE, REJECT
from mipsh.checks.filter_trial import View
from mipsh.checks.filter_values import (
    Registers,
    Word,
    both,
    compare,
    is_at_most,
    is_equal,
    masked,
    opposite,
    unknown_word,
    word,
)
from mipsh.checks.sources import Element, Expression, FilterRule

JUMP, GOTO, RETURN, CONTINUE = "jump", "goto", "return", "continue"
TAKEN = {ACCEPT: ACCEPT, DROP: DROP, QUEUE: QUEUE, JUMP: JUMP, GOTO: GOTO, RETURN: RETURN}
IPV6_HEADER, PRESENT, INVERTED, NOT_EQUAL, BOOLEAN, TRACKED_STATE = 0, 1, 1, 1, 0, 0
UNTRACKED = "untracked"
Values = Mapping[str, int | str | bytes]


class Aim(Struct, frozen=True):
    """Where a rule sends a packet: a verdict, and its chain of jump and goto."""

    verdict: str
    chain: str = ""


class Effect(Struct, frozen=True):
    """What a rule does: ``aims`` is empty where the packet goes on; where there is a ``doubt``, it may go on."""

    aims: tuple[Aim, ...] = ()
    doubt: str = ""


NO_EFFECT = Effect()


class Elements:
    """The elements of a set, prepared to be looked into."""

    def __init__(self, listed: Sequence[Element]) -> None:
        self.everything = next((one for one in listed if not one.key and not one.ends_interval), None)
        self.exact = {one.key: one for one in listed if one.key}
        self.has_intervals = any(one.ends_interval for one in listed)
        at = {int.from_bytes(one.key, "big"): one for one in sorted(listed, key=_ends_first) if one.key}
        self.starts = sorted(at)
        self.borders = [at[start] for start in self.starts]
        self.size = max((len(one.key) for one in listed), default=0)
        self._found: dict[tuple[int, int], tuple[bool | None, tuple[Element, ...]]] = {}

    def look(self, key: Word) -> tuple[bool | None, tuple[Element, ...]]:
        """Tell whether a key is there, and which elements it may be."""
        place = key.value, key.known
        if place not in self._found:
            self._found[place] = self._look(key)
        return self._found[place]

    def _look(self, key: Word) -> tuple[bool | None, tuple[Element, ...]]:
        found = self._candidates(key)
        is_there: bool | None = bool(found)
        if found and not (key.is_known or (len(found) == 1 and self._covers(found[0], key))):
            is_there = None
        if is_there is not True and self.everything is not None:
            return True, (*found, self.everything)
        return is_there, found

    def _candidates(self, key: Word) -> tuple[Element, ...]:
        if not self.has_intervals:
            if key.is_known:
                one = self.exact.get(key.value.to_bytes(key.size, "big"))
                return (one,) if one is not None else ()
            return tuple(one for data, one in self.exact.items() if is_equal(key, data) is not False)
        first, last = bisect_right(self.starts, key.value) - 1, bisect_right(self.starts, key.most)
        return tuple(one for one in self.borders[max(first, 0) : last] if not one.ends_interval)

    def _covers(self, one: Element, key: Word) -> bool:
        """Tell whether an interval has all that a key may be."""
        if not self.has_intervals:
            return False
        at = bisect_right(self.starts, key.value)
        start = int.from_bytes(one.key, "big")
        return start <= key.value and (at == len(self.starts) or key.most < self.starts[at])


def _ends_first(one: Element) -> bool:
    """Return the order in which what begins where another interval ends counts."""
    return not one.ends_interval


class Reading:
    """A rule being evaluated for a packet; ``sets`` are those of its table."""

    def __init__(self, view: View, sets: Callable[[str], Elements | None]) -> None:
        self.view = view
        self.sets = sets

    def effect(self, rule: FilterRule) -> Effect:
        """Return what a rule does with the packet."""
        self.registers = Registers()
        doubt = ""
        for expression in rule.expressions:
            found = STEPS.get(expression.name, _unknown)(self, expression.values)
            if found is False:
                return NO_EFFECT
            if isinstance(found, Effect):
                return Effect(found.aims, doubt or found.doubt)
            if found is None:
                doubt = doubt or _name(expression)
        return Effect((), doubt) if doubt else NO_EFFECT

    def untrack(self) -> None:
        """Keep the packet from being tracked."""
        self.view.state = UNTRACKED


Found = bool | None | Effect
Step = Callable[[Reading, Values], Found]


def _name(expression: Expression) -> str:
    name = expression.values.get("name")
    return f"{expression.name} {name}" if isinstance(name, str) else expression.name


def _number(values: Values, key: str, default: int = 0) -> int:
    found = values.get(key, default)
    return found if isinstance(found, int) else default


def _bytes(values: Values, key: str) -> bytes:
    found = values.get(key, b"")
    return found if isinstance(found, bytes) else b""


def _text(values: Values, key: str) -> str:
    found = values.get(key, "")
    return found if isinstance(found, str) else ""


def _raw_number(values: Values, attribute: int) -> int:
    return int.from_bytes(_bytes(values, f"attribute {attribute}"), "big")


def _unknown(reading: Reading, values: Values) -> Found:
    reading.registers = Registers()
    return None


def _ignored(reading: Reading, values: Values) -> Found:
    return True


def _loaded(reading: Reading, values: Values, one: Word | None) -> Found:
    """Load a value; a rule does not match where there is none."""
    if one is None:
        return False
    reading.registers.load(_number(values, "dreg"), one)
    return True


def _meta(reading: Reading, values: Values) -> Found:
    if "dreg" not in values:
        return True
    return _loaded(reading, values, reading.view.meta(_number(values, "key")))


def _payload(reading: Reading, values: Values) -> Found:
    if "dreg" not in values:
        return True
    place = _number(values, "base"), _number(values, "offset"), _number(values, "len")
    return _loaded(reading, values, reading.view.payload(*place))


def _extension_header(reading: Reading, values: Values) -> Found:
    if "dreg" not in values or _number(values, "op") != IPV6_HEADER:
        return _unknown(reading, values)
    number = _number(values, "type")
    if _number(values, "flags") & PRESENT:
        return _loaded(reading, values, word(bytes((number in reading.view.headers,))))
    return _loaded(reading, values, reading.view.header(number, _number(values, "offset"), _number(values, "len")))


def _tracking(reading: Reading, values: Values) -> Found:
    if "dreg" not in values:
        return True
    key = _number(values, "key")
    return _loaded(reading, values, reading.view.tracked() if key == TRACKED_STATE else unknown_word(4))


def _route(reading: Reading, values: Values) -> Found:
    """Load what routing says; its attributes are NFTA_FIB_DREG, _RESULT and _FLAGS."""
    reading.registers.load(_raw_number(values, 1), reading.view.route(_raw_number(values, 2), _raw_number(values, 3)))
    return True


def _compare(reading: Reading, values: Values) -> Found:
    data = _bytes(values, "data")
    return compare(reading.registers.read(_number(values, "sreg"), len(data)), _number(values, "op"), data)


def _range(reading: Reading, values: Values) -> Found:
    first, last = _bytes(values, "from"), _bytes(values, "to")
    one = reading.registers.read(_number(values, "sreg"), len(first))
    low, high = int.from_bytes(first, "big"), int.from_bytes(last, "big")
    found = both(opposite(is_at_most(one, low - 1)) if low else True, is_at_most(one, high))
    return opposite(found) if _number(values, "op") == NOT_EQUAL else found


def _bitwise(reading: Reading, values: Values) -> Found:
    one = reading.registers.read(_number(values, "sreg"), _number(values, "len"))
    is_plain = _number(values, "op") == BOOLEAN
    made = masked(one, _bytes(values, "mask"), _bytes(values, "xor")) if is_plain else unknown_word(one.size)
    return _loaded(reading, values, made)


def _immediate(reading: Reading, values: Values) -> Found:
    if "verdict" in values:
        return _aimed(_text(values, "verdict"), _text(values, "chain"))
    return _loaded(reading, values, word(_bytes(values, "data")))


def _aimed(verdict: str, chain: str) -> Found:
    """Return where a verdict leads; ``continue`` and ``break`` lead to the next rule."""
    if verdict in (CONTINUE, "break"):
        return False
    return Effect((Aim(TAKEN.get(verdict, OTHER), chain),))


def _lookup(reading: Reading, values: Values) -> Found:
    name = _text(values, "set")
    elements = reading.sets(name)
    if elements is None or not elements.size:
        is_there, found = _of_few(elements)
    else:
        key = reading.registers.read(_number(values, "sreg"), elements.size)
        is_there, found = elements.look(key)
        if is_there is False and elements.size > 16 and not elements.has_intervals:
            is_there = None
    if _number(values, "flags") & INVERTED:
        return opposite(is_there)
    if "dreg" in values and _number(values, "dreg"):
        reading.registers.load(_number(values, "dreg"), unknown_word(4))
        return is_there
    return is_there if "dreg" not in values else _mapped(is_there, found, name)


def _of_few(elements: Elements | None) -> tuple[bool | None, tuple[Element, ...]]:
    """Look into a set that was not read, or that has no keys."""
    if elements is None:
        return None, ()
    everything = elements.everything
    return everything is not None, () if everything is None else (everything,)


def _mapped(is_there: bool | None, found: tuple[Element, ...], name: str) -> Found:
    """Return where the elements of a verdict map lead that a key may be."""
    if is_there is False:
        return False
    aims = [aim for one in found for aim in (_aimed(one.verdict, one.chain),)]
    sure = is_there is True and len(aims) == 1
    led = tuple(place for aim in aims if isinstance(aim, Effect) for place in aim.aims)
    if sure:
        return aims[0]
    return Effect(led or (Aim(OTHER),), f"the map {name}")


def _reject(reading: Reading, values: Values) -> Found:
    return Effect((Aim(REJECT),))


def _accepted(reading: Reading, values: Values) -> Found:
    return Effect((Aim(ACCEPT),))


def _queued(reading: Reading, values: Values) -> Found:
    return Effect((Aim(QUEUE),))


def _untracked(reading: Reading, values: Values) -> Found:
    reading.untrack()
    return True


def _match(reading: Reading, values: Values) -> Found:
    return filter_matches.match(_text(values, "name"), _bytes(values, "info"), reading.view)


def _target(reading: Reading, values: Values) -> Found:
    name = _text(values, "name")
    if filter_matches.leaves_untracked(name, _bytes(values, "info")):
        reading.untrack()
    verdict = filter_matches.TARGETS.get(name, OTHER)
    return Effect((Aim(verdict),)) if verdict else True


STEPS: Mapping[str, Step] = {
    **dict.fromkeys(("counter", "log", "dup", "last", "dynset", "secmark"), _ignored),
    **dict.fromkeys(("masq", "nat", "redir"), _accepted),
    "meta": _meta,
    "payload": _payload,
    "exthdr": _extension_header,
    "ct": _tracking,
    "fib": _route,
    "cmp": _compare,
    "range": _range,
    "bitwise": _bitwise,
    "immediate": _immediate,
    "lookup": _lookup,
    "reject": _reject,
    "queue": _queued,
    "notrack": _untracked,
    "match": _match,
    "target": _target,
}
