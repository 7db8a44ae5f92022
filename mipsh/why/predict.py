"""Predicts the way of the next packet from a node to a host, step by step."""

from msgspec import structs

from mipsh.why import mobile, peer
from mipsh.why.facts import MIPD, Facts, Lookup
from mipsh.why.source import at_home, choose
from mipsh.why.steps import Answer, Headers, Prediction, Step, Trail, Way

ROUTE = "route there?"
FOREIGN = "the source is not this node's"


def predict(facts: Facts) -> Prediction:
    """Return the way of the next packet, with every step to it.

    Where ``route`` of the result is not in the facts' ``lookups``, that step could not be told: look it
    up and predict again.
    """
    trail = Trail()
    source = choose(facts, trail)
    if source.is_foreign:
        return trail.decide(Way.NONE, FOREIGN, source.address, Headers())
    if source.is_home:
        where = at_home(facts, source.address, trail)
        if where is Answer.UNKNOWN:
            because = "it is not known whether the node is at home"
            found = trail.decide(Way.UNKNOWN, because, source.address, Headers())
        elif where is Answer.YES:
            found = peer.from_home(facts, source.address, trail)
        else:
            found = mobile.from_away(facts, source.address, trail)
    elif facts.role == "mn" and not source.address:
        return trail.decide(Way.UNKNOWN, "the home address is not known", "", Headers())
    else:
        found = peer.from_plain(facts, source.address, trail)
    return routed(facts, found)


def routed(facts: Facts, found: Prediction) -> Prediction:
    """Return a prediction with what routing says of it, which may change it."""
    if found.way in (Way.NONE, Way.UNKNOWN):
        return found
    flow = _flow(facts, found)
    lookup = facts.lookups.get(flow)
    found = structs.replace(found, route=flow)
    if lookup is None:
        evidence = facts.route_unknown or "it was not looked up"
        step = Step(ROUTE, Answer.UNKNOWN, evidence, _by_hand(flow), "ip-route(8)", is_needed=True)
        return structs.replace(found, steps=(*found.steps, step))
    if not lookup.leads_out:
        said = f"{lookup.kind} for {flow[1]}" + (f" from {flow[0]}" if flow[0] else "")
        advice = f"look at it: {_by_hand(flow)}"
        return _changed(found, Way.NONE, f"the route is {said}", Step(ROUTE, Answer.NO, said, advice, "ip-route(8)"))
    if found.way is Way.TUNNEL and facts.engine != MIPD and lookup.tunnel is None:
        said = f"it leads to {_words(lookup)}, which is no tunnel"
        because = "the route of the home address does not lead into the tunnel"
        advice = f"the mobility daemon's rules are not in force: compare 'ip -6 rule' and {_by_hand(flow)}"
        return _changed(found, Way.DIRECT, because, Step(ROUTE, Answer.NO, said, advice, "ip-rule(8)"))
    step = Step(ROUTE, Answer.YES, f"{flow[1]} {_words(lookup)}", "", "ip-route(8)")
    return structs.replace(found, steps=(*found.steps, step))


def _changed(found: Prediction, way: Way, because: str, step: Step) -> Prediction:
    """Return a prediction that the route decides otherwise."""
    steps = (*(structs.replace(one, decides=False) for one in found.steps), structs.replace(step, decides=True))
    return structs.replace(found, way=way, because=because, headers=Headers(), then="", steps=steps)


def _flow(facts: Facts, found: Prediction) -> tuple[str, str]:
    """Return the source and the destination that routing is asked for: those of the packet that it gets to see.

    A mipd's programs hand their packets to its TUN interface as they are. A kernel that does it itself
    routes what results, and what goes into a tunnel before it does.
    """
    if facts.engine == MIPD:
        return found.source, facts.host
    headers = found.headers
    if found.way is Way.TUNNEL:
        return found.source, headers.routed_to_address or facts.host
    return headers.outer_source or found.source, headers.outer_destination or facts.host


def _by_hand(flow: tuple[str, str]) -> str:
    return f"ip -6 route get {flow[1]}" + (f" from {flow[0]}" if flow[0] else "")


def _words(lookup: Lookup) -> str:
    words = f"dev {lookup.interface}" + (f" via {lookup.gateway}" if lookup.gateway else "")
    return f"{words}, a tunnel to {lookup.tunnel[1]}" if lookup.tunnel is not None else words


def sentence(found: Prediction, host: str) -> str:
    """Return the prediction in one sentence."""
    ends = f"from {found.source} to {host}" if found.source else f"to {host}"
    if found.way is Way.UNKNOWN:
        return f"It could not be told how the next packet {ends} goes: {found.because}."
    how = {
        Way.RO: "goes by the optimised route",
        Way.TUNNEL: "goes through the tunnel",
        Way.DIRECT: "goes directly, with nothing of mobility around it",
        Way.NONE: "does not leave",
    }[found.way]
    unknown = found.unknown
    doubt = f" This is not certain: {unknown[0].evidence}." if unknown else ""
    then = f" {found.then}" if found.then else ""
    missing = found.missing
    do = f" Next: {missing.advice}." if missing is not None and found.way is not Way.RO and not then else ""
    return f"The next packet {ends} {how}: {found.because}.{then}{doubt}{do}"
