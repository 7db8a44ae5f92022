"""The rules for packets from a home address that is away from home."""

from msgspec import Struct

from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.why import kernel as xfrm
from mipsh.why.facts import MIPD, Facts
from mipsh.why.peer import cache_step, used
from mipsh.why.steps import Answer, Headers, Prediction, Step, Trail, Way, seconds

REGISTERED = "home registration in force?"
AGENT = "host is the home agent?"
MARK = "peer not marked as without Mobile IPv6?"
UPDATE = "binding at the peer?"
TOKENS = "both keygen tokens there?"
WANTED = "route optimisation wanted?"
POLICY = "XFRM policy for it?"
STATE = "XFRM state for the Home Address option?"
BOUND, TESTING, AWAITING, SILENT = "bound", "return_routability", "waiting_for_ack", "not_mobile"
TESTS = {"home_test": "home test", "care_of_test": "care-of test"}
LOST = {
    "home_test": "look for its HoTI and HoT between the home agent and the peer: trace",
    "care_of_test": "look for its CoTI and CoT between here and the peer: trace",
}
REGISTRATION_CLAUSE, SEND_CLAUSE = "RFC 6275 section 11.7.1", "RFC 6275 section 11.3.1"
OPTIMISATION_CLAUSE, ROUTABILITY_CLAUSE = "RFC 6275 section 11.7.2", "RFC 6275 section 5.2"
BEGINS = "The packet starts return routability with the host, and those after it may go by the optimised route."


class Own(Struct, frozen=True):
    """A mobile node's own side: its home address, the care-of address, the home agent, and the peer's binding."""

    home: str
    care_of: str
    agent: str
    binding: BindingCacheEntry | None

    @property
    def tunnelled(self) -> Headers:
        """The headers of a packet through the tunnel; a peer's binding gives it a routing header inside."""
        peer = self.binding
        routed = ("", "") if peer is None else (peer.home_address, peer.care_of_address or "")
        return Headers(self.care_of, self.agent, "", *routed)

    def optimised(self, host: str) -> Headers:
        """The headers of a packet by the optimised route."""
        peer = self.binding
        if peer is None:
            return Headers(self.care_of, host, self.home)
        to = peer.care_of_address or ""
        return Headers(self.care_of, to, self.home, peer.home_address, to)


def from_away(facts: Facts, home: str, trail: Trail) -> Prediction:
    """Predict for a home address away from home."""
    entry = facts.registration(home)
    registered = trail.add(_registered(facts, home, entry))
    own = _own(facts, home, entry)
    if registered is Answer.NO or (registered is Answer.UNKNOWN and facts.engine == MIPD):
        return _unregistered(facts, home, entry, trail)
    if own.agent == facts.host:
        return _to_agent(facts, own, trail)
    update = facts.update(home)
    is_bound = _ask_daemon(facts, home, update, trail)
    trail.add(cache_step(facts, own.binding))
    if facts.engine == MIPD:
        return _by_daemon(facts, own, trail, is_bound)
    if facts.kernel is None:
        evidence = facts.kernel_unknown or "the kernel's XFRM was not read"
        trail.add(Step(POLICY, Answer.UNKNOWN, evidence, "--xfrm-from FOLDER reads dumps of it", is_needed=True))
        return _by_daemon(facts, own, trail, is_bound)
    return _by_kernel(facts, own, trail, update)


def _own(facts: Facts, home: str, entry: BindingUpdateListEntry | None) -> Own:
    care_of = "" if entry is None else entry.care_of_address or entry.last_care_of_address or ""
    agent = "" if entry is None else entry.peer_address or ""
    return Own(home, care_of, agent, facts.binding(home))


def _registered(facts: Facts, home: str, entry: BindingUpdateListEntry | None) -> Step:
    """Tell whether the home agent has a binding for the home address."""
    if entry is None:
        if facts.updates is None:
            return _registered_by_kernel(facts, home, "its list cannot be read")
        return _unbound("there is none in its list", "have it registered: bu home")
    left_s, state = entry.lifetime_remaining_s, entry.state
    said = f"{state} at {entry.peer_address}, {seconds(left_s)} left"
    is_alive = left_s is not None and left_s > 0
    if state == BOUND and (is_alive or left_s is None):
        return Step(REGISTERED, Answer.YES, said, "", REGISTRATION_CLAUSE)
    if state == SILENT:
        until = f"it is asked again in {seconds(entry.next_event_s)}"
        advice = f"look whether the home agent {entry.peer_address} runs and knows this node; {until}, or by: bu home"
        return _unbound(f"the home agent {entry.peer_address} refuses, or does not answer", advice)
    if facts.engine == MIPD:
        evidence = f"a Binding Acknowledgement of {entry.peer_address} is awaited"
        if not is_alive:
            return _unbound(evidence, "ask again in a second")
        evidence += f", and {seconds(left_s)} are left of the one before, which is of no use after a move"
        return Step(REGISTERED, Answer.UNKNOWN, evidence, "ask again in a second", REGISTRATION_CLAUSE, is_needed=True)
    return _registered_by_kernel(facts, home, f"a Binding Acknowledgement of {entry.peer_address} is awaited")


def _registered_by_kernel(facts: Facts, home: str, said: str) -> Step:
    """Tell it by whether the kernel blocks the home address or lets it trigger route optimisation."""
    tables = facts.kernel
    if tables is None:
        return Step(REGISTERED, Answer.UNKNOWN, said, "ask again", REGISTRATION_CLAUSE, is_needed=True)
    found = xfrm.passage(tables, home, facts.host)
    if found.is_blocked:
        return _unbound(f"{said}, and the kernel blocks the home address", "have it registered: bu home")
    is_used = any(True for policy in tables.policies if policy.priority == 6 and policy.selector.source == home)
    if is_used:
        evidence = f"{said}; the kernel has the policy for data with the home agent"
        return Step(REGISTERED, Answer.YES, evidence, "", REGISTRATION_CLAUSE)
    evidence = f"{said}, and the kernel has no policy for data with the home agent"
    return Step(REGISTERED, Answer.UNKNOWN, evidence, "ask again", REGISTRATION_CLAUSE, is_needed=True)


def _unbound(evidence: str, advice: str) -> Step:
    return Step(REGISTERED, Answer.NO, evidence, advice, REGISTRATION_CLAUSE)


def _unregistered(facts: Facts, home: str, entry: BindingUpdateListEntry | None, trail: Trail) -> Prediction:
    """Predict without a home registration: a mipd holds packets for some seconds, mip6d has the kernel block them."""
    if facts.engine == MIPD:
        if entry is not None and entry.state == SILENT:
            return trail.decide(Way.NONE, "the home agent does not take the registration", home, Headers())
        because = "it waits for the home registration: it goes through the tunnel if that comes within 10 s"
        return trail.decide(Way.UNKNOWN, because, home, Headers())
    if facts.kernel is None:
        evidence = facts.kernel_unknown or "the kernel's XFRM was not read"
        trail.add(Step(POLICY, Answer.UNKNOWN, evidence, "--xfrm-from FOLDER reads dumps of it", is_needed=True))
        return trail.decide(
            Way.NONE, "mip6d has the home address blocked until the home registration is in force", home, Headers()
        )
    found = xfrm.passage(facts.kernel, home, facts.host)
    if found.is_blocked:
        trail.add(Step(POLICY, Answer.YES, f"{found.name}: it blocks", "", "ip-xfrm(8)"))
        return trail.decide(
            Way.NONE,
            f"the XFRM policy of {found.name} blocks it until the home registration is in force",
            home,
            Headers(),
        )
    trail.add(Step(POLICY, Answer.UNKNOWN, found.name or "none", "ask again", "ip-xfrm(8)", is_needed=True))
    return trail.decide(Way.UNKNOWN, "without a home registration the kernel does not block it", home, Headers())


def _to_agent(facts: Facts, own: Own, trail: Trail) -> Prediction:
    """Predict for the home agent as the host: it has the binding already, and needs no tunnel."""
    trail.add(Step(AGENT, Answer.YES, f"{facts.host} has the home registration", "", "RFC 6275 section 11.3.1"))
    because = "the home agent has the binding, so that packets to it carry a Home Address option"
    if facts.engine != MIPD:
        if facts.kernel is not None:
            return _by_kernel(facts, own, trail, None)
        evidence = facts.kernel_unknown or "the kernel's XFRM was not read"
        trail.add(Step(POLICY, Answer.UNKNOWN, evidence, "--xfrm-from FOLDER reads dumps of it", is_needed=True))
    return trail.decide(Way.RO, because, own.home, own.optimised(facts.host), at=AGENT)


def _ask_daemon(facts: Facts, home: str, update: BindingUpdateListEntry | None, trail: Trail) -> bool:
    """Take the steps about the peer in the binding update list; return whether it has the binding."""
    if facts.updates is None:
        trail.add(Step(UPDATE, Answer.UNKNOWN, "this engine's list cannot be read", "", OPTIMISATION_CLAUSE))
        return False
    if update is not None and update.state == SILENT:
        again = seconds(update.next_event_s)
        evidence = f"it is, for {again} more: it said that it knows no Mobility Header, refused, or did not answer"
        advice = f"start a mobility daemon on the host; it is asked again in {again}"
        trail.add(Step(MARK, Answer.NO, evidence, advice, OPTIMISATION_CLAUSE))
        return False
    trail.add(_wanted(facts, home, update))
    step = _bound(facts, update)
    trail.add(step)
    if step.answer is Answer.NO and update is not None:
        trail.add(_tokens(facts, home, update))
    elif step.answer is Answer.YES:
        left = _left(facts, home)
        if left:
            trail.add(Step(TOKENS, Answer.YES, left, "", ROUTABILITY_CLAUSE))
    return step.answer is Answer.YES


def _wanted(facts: Facts, home: str, update: BindingUpdateListEntry | None) -> Step:
    """Tell whether the configuration allows route optimisation with the host, as far as its effects show it."""
    if update is not None:
        return Step(WANTED, Answer.YES, "there is an entry for it in the list", "", OPTIMISATION_CLAUSE)
    if facts.engine != MIPD and facts.kernel is not None:
        found = xfrm.passage(facts.kernel, home, facts.host)
        if found.triggers:
            return Step(
                WANTED, Answer.YES, f"the policy of {found.name} tells mip6d of packets to it", "", "ip-xfrm(8)"
            )
        evidence = "no policy tells mip6d of packets to it" + (f": {found.name}" if found.name else "")
        advice = "look at DoRouteOptimizationMN and MnRoPolicy in mip6d.conf"
        return Step(WANTED, Answer.NO, evidence, advice, "mip6d.conf(5)")
    evidence = "there is no entry yet, and the engine does not say its policy"
    return Step(WANTED, Answer.UNKNOWN, evidence, "send it a packet, and ask again", OPTIMISATION_CLAUSE)


def _bound(facts: Facts, update: BindingUpdateListEntry | None) -> Step:
    """Tell whether the peer has the binding; a mipd says what is left of it only as long as it is in force."""
    if update is None:
        evidence, advice = "there is no entry for it", "send it a packet, which starts return routability"
        return Step(UPDATE, Answer.NO, evidence, advice, OPTIMISATION_CLAUSE)
    left_s = update.lifetime_remaining_s
    said = f"{update.state}, sequence number {update.sequence}, {seconds(left_s)} left, at {update.care_of_address}"
    is_alive = left_s is not None and left_s > 0
    if is_alive and (update.state == BOUND or facts.engine == MIPD):
        return Step(UPDATE, Answer.YES, said, "", SEND_CLAUSE)
    if update.state == AWAITING:
        resent = f", sent again {update.retransmissions} times" if update.retransmissions else ""
        evidence = f"its Binding Acknowledgement is awaited{resent}: sequence number {update.sequence}"
        return Step(UPDATE, Answer.NO, evidence, "look for the BU and the BA on the way: trace", SEND_CLAUSE)
    if update.state == BOUND:
        return Step(UPDATE, Answer.NO, f"it has ended: {said}", "have it renewed: bu HOST", SEND_CLAUSE)
    return Step(UPDATE, Answer.NO, f"{update.state}, without a binding yet", "", SEND_CLAUSE)


def _tokens(facts: Facts, home: str, update: BindingUpdateListEntry) -> Step:
    """Tell which test of return routability is missing."""
    if facts.tests is None:
        return Step(TOKENS, Answer.UNKNOWN, "this engine's tests cannot be read", "", ROUTABILITY_CLAUSE)
    for name, words in TESTS.items():
        row = next((t for t in facts.tests if _is(t, name, home, facts.host)), None)
        if row is None and update.state == TESTING:
            return Step(TOKENS, Answer.NO, f"the {words} has not begun", "ask again in a second", ROUTABILITY_CLAUSE)
        if row is not None and not row.answered:
            again = f", sent again {row.retransmissions} times" if row.retransmissions else ""
            evidence = f"the {words} is not answered{again}"
            return Step(TOKENS, Answer.NO, evidence, LOST[name], ROUTABILITY_CLAUSE)
    left = _left(facts, home)
    return Step(TOKENS, Answer.YES, left or "both were answered", "", ROUTABILITY_CLAUSE)


def _left(facts: Facts, home: str) -> str:
    """Return for how long the tokens hold, in words."""
    rows = [(words, t) for name, words in TESTS.items() for t in facts.tests or () if _is(t, name, home, facts.host)]
    return ", ".join(f"{words}: {_token(row.token_remaining_s)}" for words, row in rows)


def _token(left_s: int | None) -> str:
    return "no token any more" if left_s is None or left_s <= 0 else f"{left_s} s left"


def _is(row: object, test: str, home: str, host: str) -> bool:
    ends = getattr(row, "test", ""), getattr(row, "home_address", ""), getattr(row, "peer_address", "")
    return ends == (test, home, host)


def _by_daemon(facts: Facts, own: Own, trail: Trail, is_bound: bool) -> Prediction:
    """Predict by what the daemon says."""
    if is_bound:
        because = "the peer has this node's binding, so that packets to it carry a Home Address option"
        return trail.decide(Way.RO, because, own.home, own.optimised(facts.host), at=UPDATE)
    rule = next((step for step in trail.steps if step.question == MARK), None)
    if rule is not None:
        because = "the peer is marked as one that does not do Mobile IPv6"
        return trail.decide(Way.TUNNEL, because, own.home, own.tunnelled, at=MARK)
    update = facts.update(own.home)
    if update is not None:
        return trail.decide(Way.TUNNEL, _pending(update), own.home, own.tunnelled, at=UPDATE)
    because = "the peer has no binding of this node"
    return trail.decide(Way.TUNNEL, because, own.home, own.tunnelled, then=_then(trail), at=UPDATE)


def _then(trail: Trail) -> str:
    """Return what a packet through the tunnel starts, as far as that is known."""
    wanted = next((step.answer for step in trail.steps if step.question == WANTED), None)
    if wanted is Answer.NO:
        return ""
    return BEGINS if wanted is Answer.YES else f"Where the policy allows it: {BEGINS[0].lower()}{BEGINS[1:]}"


def _pending(update: BindingUpdateListEntry) -> str:
    if update.state == TESTING:
        return "return routability with the peer is not done"
    if update.state == AWAITING:
        return "the peer has not acknowledged the binding"
    return "the peer has no binding of this node in force"


def _by_kernel(facts: Facts, own: Own, trail: Trail, update: BindingUpdateListEntry | None) -> Prediction:
    """Predict by what the kernel does, whatever the daemon says; where they differ, that is said."""
    assert facts.kernel is not None
    found = xfrm.passage(facts.kernel, own.home, facts.host)
    if found.is_blocked:
        trail.add(Step(POLICY, Answer.YES, f"{found.name}: it blocks", "", "ip-xfrm(8)"))
        return trail.decide(Way.NONE, f"the XFRM policy of {found.name} blocks it", own.home, Headers())
    trail.add(Step(POLICY, Answer.YES if found.policy else Answer.NO, _policy(found), "", "ip-xfrm(8)"))
    state, routed = found.home_address_state, found.routing_state
    to = "" if routed is None else routed.care_of_address or ""
    if found.missing:
        because = f"the XFRM policy of {found.name} asks for a state that is not there"
        return trail.decide(Way.NONE, because, own.home, Headers())
    if state is not None and not _is_protected_tunnel(found):
        said = f"{xfrm.protocol(state)}, {used(facts, state.last_used)}"
        trail.add(Step(STATE, Answer.YES, said, "", "ip-xfrm(8)"))
        headers = Headers(state.care_of_address or "", to or facts.host, own.home, facts.host if to else "", to)
        because = f"{found.name} gives it the Home Address option, from {state.care_of_address}"
        return trail.decide(Way.RO, because, own.home, headers, at=POLICY)
    if update is not None and update.state == BOUND:
        advice = "mip6d says that the peer is bound, and the kernel does not carry it out: compare 'bul' and ip xfrm"
        trail.add(Step(STATE, Answer.NO, "there is none", advice, "ip-xfrm(8)"))
    elif found.pending is not None:
        trail.add(Step(STATE, Answer.NO, xfrm.protocol(found.pending), "", "ip-xfrm(8)"))
    headers = Headers(own.care_of, own.agent, "", facts.host if to else "", to)
    then = BEGINS if found.triggers and update is None else ""
    return trail.decide(Way.TUNNEL, _tunnelled(found, update), own.home, headers, then=then, at=POLICY)


def _is_protected_tunnel(found: xfrm.Passage) -> bool:
    """Tell whether IPsec puts the packet into a tunnel of its own."""
    return found.protection is not None and any(t.mode == 1 for t in found.protection.templates)


def _policy(found: xfrm.Passage) -> str:
    said = found.name or "none takes it"
    return f"{said}; IPsec: priority {found.protection.priority}" if found.protection is not None else said


def _tunnelled(found: xfrm.Passage, update: BindingUpdateListEntry | None) -> str:
    """Return why a packet stays in the tunnel."""
    if found.protection is not None and _is_protected_tunnel(found):
        return f"IPsec's policy of priority {found.protection.priority} sends it through the tunnel"
    if found.policy is None:
        return "no XFRM policy gives it a Home Address option"
    if update is not None and update.state == SILENT:
        return f"the peer is marked as one without Mobile IPv6, and {found.name} leaves the packet as it is"
    if found.triggers:
        return f"{found.name} tells mip6d of it, and leaves the packet as it is"
    if found.pending is not None:
        return f"{found.name} has no care-of address to give it yet"
    return f"{found.name} leaves the packet without a Home Address option"
