"""``why``: the way of the next packet to a host, predicted step by step, and on request proved by an echo."""

from pathlib import Path as Folder

from mipsh.action.known import Here, Known, gather, unicast
from mipsh.by_hand import reading
from mipsh.commands.move import in_lab
from mipsh.engine import Capability
from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.lab.existing import inside
from mipsh.lab.state import Kind
from mipsh.model.shell import How
from mipsh.model.why import WHY, WhyStep
from mipsh.paths.echo import Known as KnownAddresses
from mipsh.paths.echo import Path, Route, Way
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus
from mipsh.why.facts import MIPD, Facts
from mipsh.why.predict import sentence
from mipsh.why.proof import compare
from mipsh.why.steps import Answer, Prediction
from mipsh.why.steps import Way as Predicted
from mipsh.wire.address import parse

ECHO_WAIT_S = 2.0
PROOF = "echo goes that way?"
ASKED = (Capability.BINDING_UPDATE_LIST, Capability.RETURN_ROUTABILITY, Capability.BINDING_CACHE)
LOOKS = (
    ("look which XFRM policy takes the packet", "ip -6 xfrm policy", "ip-xfrm(8)"),
    ("look which XFRM states there are, and when they were last used", "ip -6 -s xfrm state", "ip-xfrm(8)"),
)


def run(session: Session, host: str, from_: str = "", prove: bool = False, xfrm_from: str = "") -> Result:
    """Predict the way of the next packet, and with ``prove`` send one."""
    if prove and xfrm_from:
        raise UsageError("--prove and --xfrm-from do not go together", "a recording sends no echo")
    known = ask(session, host, from_, xfrm_from)
    found = known.predict()
    if prove:
        return _proved(known, found)
    certain = ExitStatus.OK if found.is_certain else ExitStatus.COULD_NOT_TELL
    return Result(
        WHY, rows(found), summary=f"\n{sentence(found, known.facts.host)}", warnings=unread(known.facts), status=certain
    )


def ask(session: Session, host: str, source: str, xfrm_from: str = "") -> Known:
    """Gather what is known of the node for packets to a host; raises UsageError for one that is the node's own."""
    to = unicast(host, "host")
    by = unicast(source, "source") if source else ""
    known = gather(session, to, by, None if xfrm_from else here(session), xfrm_from)
    if to in known.facts.homes or to in (known.facts.addresses or ()):
        raise UsageError(f"{to} is this node's own address", "name another host: no packet to itself leaves a node")
    return known


def here(session: Session) -> Here | None:
    """Return the network namespace of the engine in use where it is a lab's node; None where it is none."""
    found = in_lab(session)
    if found is None or found[0].state.kind is Kind.SIMULATED:
        return None
    lab, node = found
    inside(session.environment.variables, lab.state.name)
    return Here(node.namespace)


def rows(found: Prediction) -> list[WhyStep]:
    """Return the steps as rows."""
    return [
        WhyStep(
            number,
            step.question,
            step.answer.value,
            step.evidence,
            found.way.value if step.decides else None,
            step.advice,
            step.reference or None,
            step.decides,
            found.is_certain if step.decides else None,
        )
        for number, step in enumerate(found.steps, 1)
    ]


def unread(facts: Facts) -> tuple[Notice, ...]:
    """Return what of the kernel could not be read, as warnings."""
    said = () if facts.kernel is None else facts.kernel.unread
    return tuple(Notice("unread", f"XFRM could not be read whole: {one}") for one in said)


def _proved(known: Known, found: Prediction) -> Result:
    """Send one echo, and compare the way that it went with the prediction."""
    path, error = send(known, found)
    way = path.request
    seen = Predicted(way.route.value)
    headers = (way.outer_source or "", way.outer_destination or "", way.home_address or "", way.routed_to or "")
    verdict = compare(found, seen, headers)
    said = [f"the request went {words(path.request.route)}"]
    if way.outer_source:
        said.append(f"{way.outer_source} to {way.outer_destination} on {way.interface}")
    said += [f"Home Address option {way.home_address}"] if way.home_address else []
    said += [f"routing header for {way.routed_to}"] if way.routed_to else []
    said += [one for one in (way.reason, *verdict.differs, error) if one]
    said.append(f"the reply came {words(path.reply.route)}" if path.reply.route is not Route.NONE else "no reply came")
    answer = verdict.answer
    row = WhyStep(len(found.steps) + 1, PROOF, answer.value, "; ".join(said), seen.value, "", "RFC 4443 section 4.1")
    outcome = {
        Answer.YES: ("An echo went that way.", ExitStatus.OK),
        Answer.NO: (f"An echo went otherwise: {said[0]}.", ExitStatus.CONDITION_NOT_MET),
        Answer.UNKNOWN: ("An echo did not tell.", ExitStatus.COULD_NOT_TELL),
    }
    text, status = outcome[answer]
    summary = f"\n{sentence(found, known.facts.host)} {text}"
    return Result(WHY, [*rows(found), row], summary=summary, warnings=unread(known.facts), status=status)


def words(route: Route) -> str:
    """Return a way in words."""
    return {
        Route.RO: "by the optimised route",
        Route.TUNNEL: "through the tunnel",
        Route.DIRECT: "directly",
        Route.NONE: "nowhere",
        Route.UNKNOWN: "a way that was not seen",
    }[route]


def send(known: Known, found: Prediction) -> tuple[Path, str]:
    """Send one echo from the node, and return the way that it went, with the ICMPv6 error that answered it, if any.

    One that the kernel does not take did not leave. Raises CannotTell where the node's network namespace is not
    within reach, RefusedError without privilege.
    """
    from mipsh.linux.echo_socket import Target
    from mipsh.linux.echoes import Pace, Prober

    facts = known.facts
    if known.here is None:
        raise CannotTell("the echo has to be sent from the node itself", f"run mipsh there: {facts.route_unknown}")
    own = frozenset(parse(address) for address in (*(facts.addresses or ()), *facts.homes))
    homes = frozenset(parse(address) for address in facts.homes)
    binding = facts.binding(found.source)
    away = frozenset(() if binding is None else (parse(facts.host),))
    target = Target(facts.host, found.source)

    def echo() -> tuple[Path, str]:
        pace = Pace(count=1, wait_s=ECHO_WAIT_S)
        with Prober(target, pace, KnownAddresses(own, homes, away)) as prober:
            try:
                found = [settled.outcome for settled in prober.run(lambda: False)]
            except MipshError as error:
                return Path(Way(Route.NONE, error.message), Way(Route.NONE)), ""
        return found[0].path, found[0].error

    return known.here.do(echo)


def how(session: Session, host: str, from_: str = "", prove: bool = False, xfrm_from: str = "") -> list[How]:
    """Say what is asked, of whom, and by which commands the same is learned by hand."""
    to = unicast(host, "host")
    info = session.engine().info
    kept = () if info is None else info.capabilities
    found = [row for capability in ASKED if capability.value in kept for row in reading(session, capability)]
    if xfrm_from:
        return [*found, How("read the dumps of XFRM, and what ip printed", "file", f"ls {Folder(xfrm_from)}")]
    if info is None or info.engine != MIPD:
        found += [How(step, "netlink", line, clause) for step, line, clause in LOOKS]
    by = f" from {unicast(from_, 'source')}" if from_ else ""
    found.append(How("look up the route", "netlink", f"ip -6 route get {to}{by}", "ip-route(8)"))
    if prove:
        source = f" -I {from_}" if from_ else ""
        found.append(How("send one echo, and watch the interfaces", "packet", f"ping -6 -c 1{source} {to}", "RFC 4443"))
    return found


COMMAND = Command(
    "why",
    "predict the way of the next packet to a host, and say why",
    run,
    (Argument("host", Takes.ADDRESS, "whom the packet is for"),),
    (
        Option("--from", "its source; none: the one that the node chooses", Takes.ADDRESS, metavar="HOA"),
        Option("--prove", "send one echo, and compare"),
        Option(
            "--xfrm-from",
            "with a recorded engine: its kernel's dumps, FOLDER or FOLDER/NODE",
            Takes.DIRECTORY,
            metavar="FOLDER",
        ),
    ),
    table=WHY.name,
    details=(
        "Every step is a question with its answer and the evidence: the source address, where the node is, its "
        "home registration, what it has with the host (marked as one without Mobile IPv6, binding, tokens of return "
        "routability, binding cache), the kernel's XFRM policy and state where the kernel does it, and the route. "
        "The one that decides has the path: ro, tunnel, direct, none. --wide says what to do about each no.\n"
        "A mipd is seen in its lab, or from its own network namespace; mip6d and the bare kernel likewise, with "
        "CAP_NET_ADMIN for XFRM. What could not be seen is said, and is never taken for a no.\n"
        "--prove sends one echo (CAP_NET_RAW). It changes nothing of the configuration, but a first packet to a "
        "correspondent starts return routability, and may make the next one go otherwise.\n"
        "Status 0: predicted, and nothing is missing (with --prove: the echo went that way); 1: the echo went "
        "otherwise; 3: it could not be told."
    ),
    examples=(
        ("why 2001:db8:4::2", "on a mobile node: is the route to it optimised, and if not, why"),
        ("why 2001:db8:1::100", "on a correspondent: how packets to the mobile node go"),
        ("why 2001:db8:4::2 --prove", "send one echo, and compare"),
        ("why 2001:db8:4::2 --xfrm-from bug-report/mn", "of a recorded mip6d, with its kernel's dumps"),
    ),
    how=how,
)
