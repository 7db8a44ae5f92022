"""The rules for packets that no home registration of this node touches: of a correspondent, and of a node at home."""

from mipsh.model.records import BindingCacheEntry
from mipsh.why import kernel as xfrm
from mipsh.why.facts import MIPD, Facts
from mipsh.why.source import HOME
from mipsh.why.steps import Answer, Headers, Prediction, Step, Trail, Way, seconds

BINDING = "binding of the host here?"
POLICY = "XFRM policy with the routing header?"
STATE = "XFRM state for the routing header?"
CACHE_CLAUSE = "RFC 6275 section 9.3.2"


def from_home(facts: Facts, source: str, trail: Trail) -> Prediction:
    """Predict for a mobile node at home: it is a correspondent of others, and else an ordinary host."""
    return _as_correspondent(facts, source, trail, "the node is at home, and an ordinary host there", "")


def from_plain(facts: Facts, source: str, trail: Trail) -> Prediction:
    """Predict for a source that is no home address of this node."""
    if facts.role == "mn":
        because = f"the source {source} is no home address, so that no binding of this node applies"
        return _as_correspondent(facts, source, trail, because, "")
    then = "If the host is a mobile node's home address, its home agent takes the packet on from the home link."
    return _as_correspondent(facts, source, trail, "there is no binding of the host here", then)


def _as_correspondent(facts: Facts, source: str, trail: Trail, otherwise: str, then: str) -> Prediction:
    """Predict by the binding cache alone; ``otherwise`` is why the packet is direct without a binding."""
    binding = facts.binding(source)
    trail.add(cache_step(facts, binding, is_needed=facts.kernel is None))
    if facts.engine == MIPD:
        if binding is None:
            return _direct(facts, source, trail, otherwise, then)
        return trail.decide(Way.RO, _because(binding), source, _headers(source, binding))
    if facts.kernel is None:
        evidence = facts.kernel_unknown or "the kernel's XFRM was not read"
        step = Step(POLICY, Answer.UNKNOWN, evidence, "--xfrm-from FOLDER reads dumps of it", is_needed=True)
        trail.add(step)
        if binding is None:
            return _direct(facts, source, trail, otherwise, then)
        return trail.decide(Way.RO, _because(binding), source, _headers(source, binding), at=BINDING)
    return _by_kernel(facts, source, trail, otherwise, then)


def _by_kernel(facts: Facts, source: str, trail: Trail, otherwise: str, then: str) -> Prediction:
    """Predict by what the kernel does, whatever the daemon says; where they differ, that is said."""
    assert facts.kernel is not None
    found = xfrm.passage(facts.kernel, source or xfrm.ANY, facts.host)
    binding = facts.binding(source)
    drift = _drift(facts, found, binding)
    state = found.routing_state
    if found.is_blocked:
        trail.add(Step(POLICY, Answer.NO, f"{found.name} blocks it", "see what put it there: ip xfrm policy"))
        return trail.decide(Way.NONE, f"the XFRM policy of {found.name} blocks it", source, Headers())
    is_wanted = found.policy is not None and any(t.protocol == xfrm.ROUTE2 for t in found.policy.templates)
    said = found.name if is_wanted else "no policy of it takes the packet"
    trail.add(Step(POLICY, Answer.YES if is_wanted else Answer.NO, said, "" if is_wanted else drift, "ip-xfrm(8)"))
    if not is_wanted and binding is None:
        return _direct(facts, source, trail, otherwise, then)
    if not is_wanted:
        because = "the kernel has no policy for the binding that the daemon keeps"
        return trail.decide(Way.DIRECT, because, source, Headers(source, facts.host))
    if state is None or state.care_of_address is None:
        trail.add(Step(STATE, Answer.NO, "there is none, and the policy does without", drift, "ip-xfrm(8)"))
        because = "the kernel has a policy for the routing header, and no state"
        return trail.decide(Way.DIRECT, because, source, Headers(source, facts.host))
    trail.add(Step(STATE, Answer.YES, f"{xfrm.protocol(state)}, {used(facts, state.last_used)}", "", "ip-xfrm(8)"))
    headers = Headers(source, state.care_of_address, "", facts.host, state.care_of_address)
    because = f"{found.name} sends it to the host's care-of address {state.care_of_address} by the routing header"
    return trail.decide(Way.RO, because, source, headers, at=POLICY)


def _direct(facts: Facts, source: str, trail: Trail, because: str, then: str) -> Prediction:
    """Predict a packet as an ordinary host sends it: since the node is at home, or since there is no binding."""
    is_home = any(step.question == HOME and step.answer is Answer.YES for step in trail.steps)
    at = HOME if is_home else BINDING
    return trail.decide(Way.DIRECT, because, source, Headers(source, facts.host), then=then, at=at)


def _drift(facts: Facts, found: xfrm.Passage, binding: BindingCacheEntry | None) -> str:
    """Return what to do where the daemon keeps a binding that the kernel has nothing of."""
    is_there = found.routing_state is not None
    if facts.cache is None or is_there or binding is None:
        return ""
    return "the daemon keeps a binding that the kernel does not carry out: compare 'bc' and 'ip xfrm state'"


def cache_step(facts: Facts, binding: BindingCacheEntry | None, *, is_needed: bool = False) -> Step:
    """Return the step about the host's binding here."""
    if facts.cache is None:
        evidence = "this engine's binding cache cannot be read"
        return Step(BINDING, Answer.UNKNOWN, evidence, "", CACHE_CLAUSE, is_needed=is_needed)
    if binding is not None:
        left, sequence = seconds(binding.lifetime_remaining_s), binding.sequence
        evidence = f"{binding.status}, at {binding.care_of_address}, sequence number {sequence}, {left} left"
        return Step(BINDING, Answer.YES, evidence, "", CACHE_CLAUSE)
    gone = next((row for row in facts.cache if row.home_address == facts.host), None)
    if gone is not None:
        evidence = f"there is one, and it is not in force: {gone.status}, {seconds(gone.lifetime_remaining_s)} left"
    else:
        evidence = "there is none"
    advice = "the mobile node begins one, where the host is one: it needs traffic between the two"
    return Step(BINDING, Answer.NO, evidence, advice if facts.role != "mn" else "", CACHE_CLAUSE)


def used(facts: Facts, last_used: int | None) -> str:
    """Return when a state last carried a packet, in words."""
    if last_used is None:
        return "never used yet"
    if facts.now is None:
        return "used before"
    return f"last used {max(facts.now - last_used, 0):.0f} s ago"


def _because(binding: BindingCacheEntry) -> str:
    return (
        f"the binding cache has the host at {binding.care_of_address}, so that packets to it get a routing header "
        "of type 2"
    )


def _headers(source: str, binding: BindingCacheEntry) -> Headers:
    care_of = binding.care_of_address or ""
    return Headers(source, care_of, "", binding.home_address, care_of)
