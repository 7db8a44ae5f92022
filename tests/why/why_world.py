"""Facts about nodes for tests of predictions: a mobile node away from home, and what can be otherwise."""

from typing import Any

from msgspec import structs

from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, ReturnRoutabilityEntry
from mipsh.model.xfrm import Policy, Selector, State, Tables, Template
from mipsh.why.facts import MIPD, UMIP, Facts, Lookup
from mipsh.why.steps import Prediction

HOA, COA, HA = "2001:db8:1::100", "2001:db8:2::7", "2001:db8:1::1"
CN, PEER, PEER_AT = "2001:db8:4::2", "2001:db8:1::200", "2001:db8:3::8"
HAO, ROUTE2, ESP, RO, TRIGGER = 60, 43, 50, 2, 3
NOTHING: tuple[Any, ...] = ()


def home(state: str = "bound", left_s: int | None = 3000, **changes: Any) -> BindingUpdateListEntry:
    """Return a home registration."""
    row = BindingUpdateListEntry(HOA, COA, HA, "home", state, None, None, left_s, 3600, 5, last_care_of_address=COA)
    return structs.replace(row, **changes)


def peer(state: str = "bound", left_s: int | None = 400, host: str = CN, **changes: Any) -> BindingUpdateListEntry:
    """Return a registration with a correspondent."""
    row = BindingUpdateListEntry(HOA, COA, host, "correspondent", state, None, None, left_s, 420, 9)
    return structs.replace(row, **changes)


def half(name: str, answered: bool | None = True, left_s: int | None = 200, **changes: Any) -> ReturnRoutabilityEntry:
    """Return a test of return routability."""
    return structs.replace(ReturnRoutabilityEntry(name, HOA, COA, CN, answered, left_s), **changes)


def cached(host: str = PEER, status: str = "cached", left_s: int | None = 100, own: str = HOA) -> BindingCacheEntry:
    """Return a binding of a mobile node."""
    return BindingCacheEntry(host, PEER_AT, status, lifetime_remaining_s=left_s, sequence=3, local_address=own)


def facts(host: str = CN, **changes: Any) -> Facts:
    """Return the facts of a mipd's mobile node that is registered from away, and whose route can be looked up."""
    found = Facts(
        host,
        MIPD,
        "mn",
        home_addresses=(HOA,),
        updates=(home(),),
        tests=(),
        cache=(),
        addresses=(COA, HOA),
        now=1000.0,
    )
    found = structs.replace(found, **changes)
    if "lookups" in changes:
        return found
    return structs.replace(found, lookups=Everywhere(Lookup("unicast", "mip0", source=found.source or HOA)))


class Everywhere(dict[tuple[str, str], Lookup]):
    """The same answer for every flow."""

    def __init__(self, answer: Lookup) -> None:
        super().__init__()
        self.answer = answer

    def get(self, flow: tuple[str, str], default: Any = None) -> Lookup:
        """Return the answer."""
        return self.answer


def policy(
    priority: int, source: str = HOA, destination: str = "::", *templates: Template, action: int = 0, kind: int = 1
) -> Policy:
    """Return a policy for packets out, between two hosts, or to anybody."""
    selector = Selector(source, 0 if source == "::" else 128, destination, 0 if destination == "::" else 128)
    return Policy(selector, 1, action, priority, priority, kind, templates)


def template(
    protocol: int, source: str = "::", destination: str = "::", mode: int = RO, must: bool = False
) -> Template:
    """Return a template, optional unless it must be met."""
    return Template(source, destination, protocol, 0, 0, mode, not must)


def state(protocol: int, source: str, destination: str, at: str | None) -> State:
    """Return a state of mobility."""
    selector = Selector(source, 128, destination, 128)
    return State(source, destination, protocol, 0, 0, RO, selector, care_of_address=at, last_used=990)


REGISTERED = (
    policy(6, HOA, HA, template(HAO, HOA, HA)),
    policy(18, HOA, "::", template(HAO, HOA, "::", TRIGGER)),
)
AT_AGENT = state(HAO, HOA, HA, COA)
TUNNEL = Lookup("unicast", "ip6tnl1", source=HOA, tunnel=(COA, HA))


def umip(
    host: str = CN, policies: tuple[Policy, ...] = NOTHING, states: tuple[State, ...] = NOTHING, **changes: Any
) -> Facts:
    """Return the facts of a mip6d's mobile node that is registered, with further policies and states."""
    tables = Tables((AT_AGENT, *states), (*REGISTERED, *policies))
    given = {"engine": UMIP, "kernel": tables, "lookups": Everywhere(TUNNEL), **changes}
    return facts(host, **given)


def rule(found: Prediction) -> str:
    """Return the question of the step that decides."""
    assert found.rule is not None
    return found.rule.question


def answers(found: Prediction) -> dict[str, str]:
    """Return the answers by question."""
    return {step.question: step.answer.value for step in found.steps}
