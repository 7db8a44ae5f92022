"""What a packet filter does with a packet that is not sent: its verdict, and the rule that decides it.

Where an expression is not known, both ways are followed: it matters only where they end differently, and then the
verdict is unknown. A chain is evaluated once for a packet, so that the work grows with the number of rules.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct, structs

from mipsh.checks.filter_matches import ACCEPT, DROP, REJECT
from mipsh.checks.filter_rule import GOTO, JUMP, RETURN, Effect, Elements, Reading
from mipsh.checks.filter_trial import Trial, View
from mipsh.checks.sources import Chain, FilterRule, Ruleset

DEEPEST = 16
"""How deep the kernel lets chains jump (NFT_JUMP_STACK_SIZE)."""
THROUGH, LOST = "through", "something else"
DEVICES = "netdev"
NAT, NEW = "nat", "new"


class Hook(StrEnum):
    """A way through the packet filter: of what is for this node, of what it sends, and of what it forwards."""

    INPUT = "input"
    OUTPUT = "output"
    FORWARD = "forward"


class Outcome(StrEnum):
    """What becomes of a packet."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    UNKNOWN = "unknown"


PATHS: Mapping[Hook, tuple[str, ...]] = {
    Hook.INPUT: ("ingress", "prerouting", "input"),
    Hook.OUTPUT: ("ingress", "output", "postrouting"),
    Hook.FORWARD: ("ingress", "prerouting", "forward", "postrouting"),
}
"""The hooks on each way; ``ingress`` has all chains of the family netdev, those of egress too."""


class Place(Struct, frozen=True):
    """Where something was decided: a rule, or the policy of a base chain; ``base`` is the chain of the hook.

    ``doubt`` is what had to be known to be sure of it.
    """

    chain: Chain
    rule: FilterRule | None = None
    doubt: str = ""
    base: Chain | None = None

    def __str__(self) -> str:
        """Return it as ``ip6 filter input rule 7``."""
        what = f"rule {self.rule.handle}" if self.rule is not None else f"policy {self.chain.policy}"
        return f"{self.chain.family} {self.chain.table} {self.chain.name} {what}"


class Decision(Struct, frozen=True):
    """What becomes of a packet: where that is decided (None: nowhere), or why it cannot be told."""

    outcome: Outcome
    place: Place | None = None
    why: str = ""
    rules: int = 0
    """How many rules were evaluated."""

    @property
    def is_blocked(self) -> bool:
        """Tell whether the packet does not go on."""
        return self.outcome in (Outcome.DROP, Outcome.REJECT)


Ways = dict[str, Place]
"""What may become of a packet, and where each is decided."""


class PacketFilter:
    """A ruleset that can be asked about packets."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.chains = {(one.family, one.table, one.name): one for one in ruleset.chains}
        self._elements: dict[tuple[str, str, str], Elements] = {}

    def elements(self, family: str, table: str, name: str) -> Elements | None:
        """Return a set; None for one that was not read."""
        key = family, table, name
        if key not in self._elements:
            if key not in self.ruleset.sets:
                return None
            self._elements[key] = Elements(self.ruleset.sets[key])
        return self._elements[key]

    def base_chains(self, hook: Hook) -> Iterator[Chain]:
        """Yield the base chains on a way, in their order."""
        for name in PATHS[hook]:
            found = [one for one in self.ruleset.chains if one.hook == name]
            yield from sorted(found, key=lambda one: one.priority)

    def decide(self, hook: Hook, trial: Trial) -> Decision:
        """Return what becomes of a packet."""
        walk = _Walk(self, View(trial))
        found: Ways = {}
        is_through = True
        passed: list[Place] = []
        for chain in self.base_chains(hook):
            ways = walk.base(chain)
            for kind, place in ways.items():
                if kind != ACCEPT:
                    found.setdefault(kind, structs.replace(place, base=chain))
            if ACCEPT not in ways:
                is_through = False
                break
            passed.append(structs.replace(ways[ACCEPT], base=chain))
        return self._decision(found, is_through, passed, walk.rules)

    def _decision(self, found: Ways, is_through: bool, passed: list[Place], rules: int) -> Decision:
        last = passed[-1] if passed else None
        unread = "; ".join(self.ruleset.unread)
        if self.ruleset.chains and unread:
            return Decision(Outcome.UNKNOWN, None, unread, rules)
        if not found:
            if self.ruleset.legacy:
                why = f"rules of ip6_tables are not read: {', '.join(self.ruleset.legacy)}"
                return Decision(Outcome.UNKNOWN, last, why, rules)
            return Decision(Outcome.ACCEPT, last, "", rules)
        place = next(iter(found.values()))
        if is_through or not found.keys() <= {DROP, REJECT}:
            open_one = next((one for one in (*found.values(), *passed) if one.doubt), place)
            why = f"{open_one}: {open_one.doubt or 'what becomes of it there'} is not known here"
            return Decision(Outcome.UNKNOWN, open_one, why, rules)
        kind, place = next(iter(found.items()))
        return Decision(Outcome(kind), place, "", rules)


class _Walk:
    """The way of one packet through chains."""

    def __init__(self, asked: PacketFilter, view: View) -> None:
        self.asked = asked
        self.view = view
        self.rules = 0
        self._known: dict[tuple[str, str, str], Ways] = {}
        self._state = view.state

    def base(self, chain: Chain) -> Ways:
        """Return what may become of the packet in a base chain."""
        if chain.kind == NAT and self.view.state not in ("", NEW):
            return {ACCEPT: Place(chain)}
        ways = dict(self.chain(chain, 0))
        through = ways.pop(THROUGH, None)
        if through is not None:
            kind = chain.policy if chain.policy in (ACCEPT, DROP) else LOST
            ways.setdefault(kind, Place(chain, doubt=through.doubt))
        if chain.family == DEVICES and ways.keys() != {ACCEPT}:
            ways = {kind: structs.replace(one, doubt="of which interface it is") for kind, one in ways.items()}
            ways.setdefault(ACCEPT, Place(chain))
        return ways

    def chain(self, chain: Chain, depth: int) -> Ways:
        """Return what may become of the packet in a chain; THROUGH where it comes out again."""
        if self._state != self.view.state:
            self._known.clear()
            self._state = self.view.state
        key = chain.family, chain.table, chain.name
        if key not in self._known:
            self._known[key] = {LOST: Place(chain, doubt="where its jumps end")}
            self._known[key] = self._evaluate(chain, depth)
        return self._known[key]

    def _evaluate(self, chain: Chain, depth: int) -> Ways:
        reading = Reading(self.view, lambda name: self.asked.elements(chain.family, chain.table, name))
        found: Ways = {}
        for rule in chain.rules:
            self.rules += 1
            before = self.view.state
            effect = reading.effect(rule)
            if effect.doubt and self.view.state != before:
                self.view.state = ""
            if effect.aims and not self._followed(chain, rule, effect, depth, found):
                return found
        found.setdefault(THROUGH, Place(chain))
        return found

    def _followed(self, chain: Chain, rule: FilterRule, effect: Effect, depth: int, found: Ways) -> bool:
        """Add what may become of the packet by a rule; tell whether it may come to the next one."""
        goes_on = bool(effect.doubt)
        here = Place(chain, rule, effect.doubt)
        for aim in effect.aims:
            if aim.verdict in (JUMP, GOTO):
                ways = self._target(chain, aim.chain, here, depth)
            else:
                ways = {THROUGH if aim.verdict == RETURN else aim.verdict: here}
            for kind, place in ways.items():
                if kind == THROUGH and aim.verdict == JUMP:
                    goes_on = True
                elif kind not in found:
                    found[kind] = structs.replace(place, doubt=place.doubt or effect.doubt)
        return goes_on

    def _target(self, chain: Chain, name: str, here: Place, depth: int) -> Ways:
        target = self.asked.chains.get((chain.family, chain.table, name))
        if target is None or depth >= DEEPEST:
            return {LOST: structs.replace(here, doubt=f"the chain {name}")}
        return self.chain(target, depth + 1)
