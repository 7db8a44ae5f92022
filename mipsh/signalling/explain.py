"""What an exchange says in a sentence, and what to do about one that failed.

RFC 6275: sections 5.2.5 and 11.6 for the tests, 11.7 for registrations, 11.4 for discovery and prefixes.
"""

from collections.abc import Mapping

from mipsh.model.acknowledgement import meaning
from mipsh.signalling.exchange import ANSWER, QUESTION, Exchange, State, What
from mipsh.signalling.heard import Kind
from mipsh.wire.address import text

BINDING_ERRORS: Mapping[int, tuple[str, str]] = {
    1: (
        "a packet with a Home Address option came, and there is no binding for it",
        "the correspondent lost its binding cache (a restart, say): the mobile node drops its entry and makes another",
    ),
    2: (
        "a Mobility Header of a type that is not known came",
        "the two ends do not speak the same extensions: compare their versions",
    ),
}
_LOST: Mapping[What, tuple[str, str]] = {
    What.HOME_TEST: (
        "lost in the reverse tunnel or between the home agent and the correspondent, or answered by an ICMPv6 error "
        "that was not heard here",
        "trace on the home agent and on the correspondent shows how far it comes; a correspondent without Mobile IPv6 "
        "answers with a Parameter Problem",
    ),
    What.CARE_OF_TEST: (
        "lost between the mobile node and the correspondent, or answered by an ICMPv6 error that was not heard here",
        "a firewall that drops Mobility Headers (protocol 135), or a correspondent without Mobile IPv6: trace there",
    ),
    What.HOME_REGISTRATION: (
        "lost on the way to the home agent or back, or dropped there without a word (IPsec, a policy)",
        "see that the home agent's daemon runs, that both ends agree about IPsec, and trace there",
    ),
    What.CORRESPONDENT_REGISTRATION: (
        "lost on the way to the correspondent or back, or dropped there without a word (a wrong authenticator)",
        "trace on the correspondent; 'bc' there tells whether it has the binding",
    ),
    What.DISCOVERY: (
        "no home agent serves the home prefix's anycast address, or the request or the reply was lost",
        "see that a home agent on the home link has the Home-Agents anycast address, or name it in the configuration",
    ),
    What.PREFIXES: (
        "lost between the mobile node and its home agent, or the home agent does not answer solicitations",
        "look at 'pl' on the home agent; with IPsec its answer needs a security association of its own",
    ),
    What.REFRESH: (
        "the mobile node did not refresh its binding: it did not hear of it, or did not use the path lately",
        "a mobile node answers where it has a binding with that node (RFC 6275 section 11.7.4)",
    ),
}
_ELSEWHERE = "its question went by another interface, or before this began"


def explain(exchange: Exchange) -> tuple[str, str]:
    """Return what an exchange says in a sentence, and what to do next; empty for nothing to do."""
    match exchange.state:
        case State.ACCEPTED | State.REJECTED:
            return _acknowledged(exchange)
        case State.ANSWERED:
            return f"{counted(exchange)}{_latency(exchange)}{_more(exchange.says)}", ""
        case State.UNANSWERED:
            return _unanswered(exchange)
        case State.ERROR:
            return _failed(exchange)
        case State.ALONE:
            return _alone(exchange)
        case State.MALFORMED:
            said = f"malformed {exchange.steps[0].kind}: {exchange.fault}"
            return said, "its receiver drops it: look at its sender, or at what changes packets on the way"
    return _UNFINISHED.get(exchange.state, "{}").format(counted(exchange)) + _more(exchange.says), ""


_UNFINISHED = {
    State.OPEN: "{}: an answer might still have come when this ended",
    State.UNASKED: "{}: no acknowledgement was asked for, and none came",
    State.REPLACED: "{}: another Binding Update took its place before it was answered",
    State.SEEN: "a message that is not explained here{}",
}


def counted(exchange: Exchange) -> str:
    """Return how many messages of each kind there were: '3 HoTI, no HoT'."""
    question, answer = QUESTION.get(exchange.what), ANSWER.get(exchange.what)
    if question is None or answer is None:
        return ""
    return f"{_number(exchange.questions)} {question}, {_number(exchange.answers)} {answer}"


def _number(count: int) -> str:
    return str(count) if count else "no"


def _more(said: str) -> str:
    return f", {said}" if said else ""


def _latency(exchange: Exchange) -> str:
    return "" if exchange.latency_ms is None else f" after {exchange.latency_ms:.1f} ms"


def _acknowledged(exchange: Exchange) -> tuple[str, str]:
    found = meaning(exchange.status or 0, exchange.sequence)
    granted = "" if exchange.granted_s is None or exchange.state is State.REJECTED else f", for {exchange.granted_s} s"
    if exchange.lifetime_s == 0 and exchange.state is State.ACCEPTED:
        granted = ", the binding is deleted"
    return f"{counted(exchange)}{_latency(exchange)}: {found.words}{granted}", found.advice


def _unanswered(exchange: Exchange) -> tuple[str, str]:
    why, advice = _LOST[exchange.what]
    if exchange.evicted:
        why = "given up here: too many others were waiting for their answers"
        advice = "look at fewer at once, with a filter"
    return f"{counted(exchange)}: {why}", advice


def _failed(exchange: Exchange) -> tuple[str, str]:
    if exchange.what is What.BINDING_ERROR:
        unassigned = f"a Binding Error with a status that no RFC assigns ({exchange.status})", ""
        return BINDING_ERRORS.get(exchange.status or 0, unassigned)
    told = next((step for step in exchange.steps if step.kind is Kind.ERROR), None)
    by = f" of {text(told.source)}" if told is not None else ""
    said = counted(exchange)
    advice = "the way there is broken: look at the routes of the router that answered"
    if "Parameter Problem" in exchange.says:
        advice = "that node does not do Mobile IPv6: no daemon runs there, or its kernel does not know Mobility Headers"
    return f"{said + ': ' if said else ''}answered by the {exchange.says}{by}", advice


def _alone(exchange: Exchange) -> tuple[str, str]:
    said = counted(exchange)
    if exchange.what is What.PREFIXES:
        return f"{said}: {_ELSEWHERE}; or the home agent advertises its prefixes by itself", ""
    result = f" ({meaning(exchange.status, exchange.sequence).words})" if exchange.status is not None else ""
    return f"{said}{result}: {_ELSEWHERE}", "trace on all interfaces, and begin before it happens"
