"""Checks of IPsec between a mobile node and its home agent: policies, security associations, keys."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product

from msgspec import Struct

from mipsh.checks.check import About, Area, Judgements, affected, not_applicable, passed
from mipsh.checks.facts import MOBILE_NODE, Facts
from mipsh.checks.sources import Key
from mipsh.model.address import within
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.xfrm import Policy, State, Template, protocol_word
from mipsh.plugins.checks.configuration_words import (
    ANYONE,
    HOST,
    REGISTRATION,
    Protected,
    home_links,
    protected,
    read,
    registered,
    saw,
)
from mipsh.plugins.checks.kernel_xfrm import ESP, MAIN, OUT, TUNNEL, told

AREA = Area("configuration", "")
ROLES = ("mn", "ha")
AH = 51
PAYLOAD = "TunnelPayload"
SEQUENCE, PROTOCOL, EXPIRED = "XfrmInStateSeqError", "XfrmInStateProtoError", "XfrmInStateExpired"
FAILURES = {
    SEQUENCE: "sequence numbers that were there before: one end was keyed anew, and not the other",
    PROTOCOL: "packets that are not authentic: another key or algorithm at the other end",
    EXPIRED: "packets for associations that have expired",
}


@AREA.check(
    About(
        "MIP-301",
        "IPsec that is on, as it is by default, without a policy for the registration",
        Severity.HIGH,
        roles=ROLES,
        needs=(Key.CF,),
        remedy=(
            "mip6d.conf: IPsecPolicySet { HomeAgentAddress HA; HomeAddress HOA/LEN; IPsecPolicy Mh UseESP 10 11; }",
            "or mip6d.conf: UseMnHaIPsec disabled; (at both ends)",
        ),
        reference="RFC 4877; UMIP README.IPsec",
        boot=True,
    )
)
def no_policy(facts: Facts) -> Judgements:
    """UseMnHaIPsec is enabled unless it is disabled.

    A mobile node without a policy for its Binding Updates sends none; a home agent without one takes those that
    nobody protected.
    """
    configuration = read(facts)
    said = (saw(facts, configuration, "UseMnHaIPsec", "enabled"),)
    if not configuration.is_enabled("UseMnHaIPsec", True):
        yield not_applicable("it is disabled", evidence=said)
        return
    fitting = [one for one in protected(configuration) if one.what in REGISTRATION]
    words = f"an IPsecPolicy {', '.join(REGISTRATION[:-1])} or {REGISTRATION[-1]}"
    if not fitting:
        yield affected("no IPsecPolicy protects Binding Updates", expected=words, evidence=said)
        return
    pairs = list(_registrations(facts))
    for agent, home in pairs:
        if any(home in one.homes and agent in (ANYONE, one.agent) for one in fitting):
            yield passed("a policy protects its registration", home, evidence=said)
        else:
            yield affected("no IPsecPolicy protects its registration", home, expected=words, evidence=said)
    if not pairs:
        yield passed(f"{len(fitting)} policies protect Binding Updates", evidence=said)


def _registrations(facts: Facts) -> Iterator[tuple[str, str]]:
    """Yield the pairs of home agent and home address: those of the file, at a home agent those registered."""
    if facts.role == MOBILE_NODE:
        yield from ((link.agent, link.address) for link in home_links(facts.configuration))
    elif facts.can_read(Key.VT, "binding_cache"):
        yield from ((row.local_address or ANYONE, row.home_address) for row in registered(facts))


@AREA.check(
    About(
        "MIP-302",
        "TunnelPayload together with route optimisation: mip6d ends at its start",
        Severity.CRITICAL,
        roles=("mn",),
        needs=(Key.CF,),
        remedy=("mip6d.conf: DoRouteOptimizationMN disabled;", f"or leave IPsecPolicy {PAYLOAD} out"),
        reference="UMIP src/mn.c",
        boot=True,
    )
)
def tunnelled_payload(facts: Facts) -> Judgements:
    """A mobile node cannot tunnel all its payload to the home agent, and send it to correspondents on another way."""
    configuration = read(facts)
    said = (
        saw(facts, configuration, "DoRouteOptimizationMN", "enabled"),
        saw(facts, configuration, "UseMnHaIPsec", "enabled"),
    )
    if not configuration.is_enabled("UseMnHaIPsec", True) or PAYLOAD not in (
        one.what for one in protected(configuration)
    ):
        yield not_applicable(f"there is no {PAYLOAD}", evidence=said)
    elif configuration.is_enabled("DoRouteOptimizationMN", True):
        yield affected("both are enabled", expected="one of them", evidence=said)
    else:
        yield passed("route optimisation is disabled", evidence=said)


class _Index(Struct, frozen=True):
    """The IPsec states by protocol, mode and reqid; of each, by their ends."""

    found: dict[tuple[int, int, int], dict[tuple[str, str], State]]

    def has(self, policy: Policy, template: Template) -> bool:
        """Tell whether there is a state that a template of a policy takes."""
        named = (template.protocol, template.mode, template.reqid)
        kinds = [named] if template.reqid else [kind for kind in self.found if kind[:2] == named[:2]]
        return any(_fits(self.found.get(kind, {}), policy, template) for kind in kinds)


def _fits(states: dict[tuple[str, str], State], policy: Policy, template: Template) -> bool:
    """Tell whether one of the states has the ends that a template asks for, or before a move those of the policy."""
    selector = policy.selector
    if template.mode == TUNNEL:
        ends = product((template.source, selector.source), (template.destination, selector.destination))
        return any(pair in states for pair in ends)
    if selector.source_length == selector.destination_length == HOST:
        return (selector.source, selector.destination) in states
    source, destination = (
        f"{selector.source}/{selector.source_length}",
        f"{selector.destination}/{selector.destination_length}",
    )
    return any(within(one, source) and within(other, destination) for one, other in states)


def _index(states: Sequence[State]) -> _Index:
    found: defaultdict[tuple[int, int, int], dict[tuple[str, str], State]] = defaultdict(dict)
    for one in states:
        if one.protocol in (ESP, AH):
            found[one.protocol, one.mode, one.reqid][one.source, one.destination] = one
    return _Index(dict(found))


@AREA.check(
    About(
        "MIP-303",
        "policies of IPsec without their security association, or with that of another",
        Severity.HIGH,
        roles=ROLES,
        needs=(Key.XP, Key.XS),
        remedy=(
            "ip -s xfrm state, ip xfrm policy: the reqids have to be the same",
            "give each IPsecPolicy reqids of its own, and its SAs the same ones (setkey: -u REQID)",
        ),
        reference="UMIP README.IPsec (whose own sample is wrong)",
    )
)
def reqids(facts: Facts) -> Judgements:
    """A policy takes a security association by protocol, mode, reqid and ends.

    Where none fits, what leaves is dropped (XfrmOutNoStates), and so is what arrives (XfrmInTmplMismatch). Two
    policies with the same reqids take each other's associations.
    """
    demanding = [
        (one, wanted) for one in facts.policies if one.kind == MAIN for wanted in one.templates if _asks(wanted)
    ]
    if not demanding:
        yield not_applicable("no policy asks for IPsec")
        return
    states = _index(facts.states)
    for policy, template in demanding:
        said = (facts.saw(Key.XP, f"{told(policy)} reqid {template.reqid}"),)
        subject = _subject(policy, template)
        if states.has(policy, template):
            yield passed("there is an association for it", subject, evidence=said)
        else:
            yield affected("there is no association for it", subject, expected="one", evidence=said)
    yield from _shared(facts, demanding)


def _asks(template: Template) -> bool:
    return template.protocol in (ESP, AH) and not template.is_optional


def _subject(policy: Policy, template: Template) -> str:
    return f"{told(policy).partition(' tmpl')[0]} {protocol_word(template.protocol)} reqid {template.reqid}"


def _shared(facts: Facts, demanding: list[tuple[Policy, Template]]) -> Judgements:
    """Yield the reqids that policies for different packets of one mobile node share, in the kernel and the file."""
    is_mobile = facts.role == MOBILE_NODE
    used: defaultdict[tuple[int, int, str], set[tuple[int, int]]] = defaultdict(set)
    for policy, template in demanding:
        selector = policy.selector
        home = selector.source if (policy.direction == OUT) == is_mobile else selector.destination
        used[template.reqid, policy.direction, home].add((selector.protocol, template.mode))
    shared = {reqid: home for (reqid, _, home), kinds in used.items() if reqid and len(kinds) > 1}
    for reqid, home in shared.items():
        said = (facts.saw(Key.XP, f"reqid {reqid}, for {home}"),)
        yield affected("policies for different packets share it", f"reqid {reqid}", evidence=said)
    written: defaultdict[tuple[int, ...], list[Protected]] = defaultdict(list)
    for one in protected(facts.configuration) if facts.can_read(Key.CF) else ():
        written[one.reqids].append(one)
    for pair, listed in written.items():
        names = [one.what for one in listed if set(one.homes).intersection(listed[0].homes)]
        if any(pair) and len(names) > 1:
            subject = f"reqids {' '.join(map(str, pair))}"
            yield affected(f"{' and '.join(names)} share them", subject, evidence=(facts.saw(Key.CF, subject),))


@AREA.check(
    About(
        "MIP-304",
        "security associations that cannot be used: expired, or of another key or sequence",
        Severity.HIGH,
        roles=ROLES,
        needs=(Key.XS,),
        remedy=("load the associations anew, at both ends", "or have an IKE daemon make them"),
        reference="RFC 4301, RFC 4303 section 3.4.3",
        windowed=True,
        watches=(Key.XT,),
    )
)
def unusable_states(facts: Facts) -> Judgements:
    """An association ends with its hard limit; one that was loaded anew at one end only begins to count from 0.

    The other end then takes its packets for repeated ones. What is dropped is counted, in the window.
    """
    states = [one for one in facts.states if one.protocol in (ESP, AH)]
    if not states:
        yield not_applicable("there is no association")
        return
    for one in states:
        over = _over(facts, one)
        said = (facts.saw(Key.XS, f"{_name(one)}: {one.use.bytes} bytes, {one.use.packets} packets"),)
        if over:
            yield affected(f"its limit of {over} is reached", _name(one), evidence=said)
    before = {_name(one): one for one in facts.earlier.states}
    for one in states:
        was = before.get(_name(one))
        if was is None or was.use.added != one.use.added:
            continue
        said = (facts.saw(Key.XS, f"{one.replays} repeated, {one.too_old} too old, {one.not_authentic} not authentic"),)
        wrong = one.not_authentic - was.not_authentic
        again = one.replays + one.too_old - was.replays - was.too_old
        if wrong > 0 or again > 0:
            observed = f"{wrong} packets not authentic, {again} repeated or too old"
            yield affected(observed, _name(one), expected="none", evidence=said, by=By.BEHAVIOUR)
        else:
            yield passed("none of its packets was refused meanwhile", _name(one), evidence=said)
    yield from _refused(facts)


def _name(state: State) -> str:
    return f"{state.source} to {state.destination} {protocol_word(state.protocol)} spi {state.spi:#x}"


def _over(facts: Facts, state: State) -> str:
    """Return which hard limit a state has reached; empty for none."""
    limits, use = state.lifetimes, state.use
    if limits.bytes[1] is not None and use.bytes >= limits.bytes[1]:
        return f"{limits.bytes[1]} bytes"
    if limits.packets[1] is not None and use.packets >= limits.packets[1]:
        return f"{limits.packets[1]} packets"
    for since, seconds in ((use.added, limits.added_s[1]), (use.used, limits.used_s[1])):
        if seconds and since and facts.clocks.realtime_s - since >= seconds:
            return f"{seconds} s"
    return ""


def _refused(facts: Facts) -> Judgements:
    """Yield what the node as a whole counts of packets that no association took."""
    for name, why in FAILURES.items():
        rise = facts.xfrm_rise(name)
        said: tuple[Evidence, ...] = (facts.saw(Key.XT, f"{name} {rise:+d}"),)
        if rise > 0:
            yield affected(f"{rise} {why}", name, expected="none", evidence=said, by=By.BEHAVIOUR)
        else:
            yield passed("none meanwhile", name, evidence=said)


@AREA.check(
    About(
        "MIP-310",
        "key management that is to survive moves, without an IKE daemon that does",
        Severity.MEDIUM,
        roles=ROLES,
        needs=(Key.CF,),
        remedy=("mip6d.conf: KeyMngMobCapability disabled;", "or run an IKE daemon that knows Mobile IPv6"),
        reference="RFC 6275 section 6.1.7 (K flag); RFC 4877",
    )
)
def key_management(facts: Facts) -> Judgements:
    """The K flag says that IKE follows the care-of address.

    Without such an IKE daemon a mobile node waits for the home agent at a care-of address that it has no more,
    and passes over new ones meanwhile.
    """
    configuration = read(facts)
    said: tuple[Evidence, ...] = (saw(facts, configuration, "KeyMngMobCapability", "disabled"),)
    if not configuration.is_enabled("KeyMngMobCapability", False):
        yield not_applicable("it is disabled", evidence=said)
        return
    running = [one.name for one in facts.key_managers if one.is_here is not False]
    said = (*said, facts.saw(Key.PR, ", ".join(running) or "no IKE daemon", "ike"))
    lost = list(_lost(facts)) if facts.role == MOBILE_NODE else []
    for home in lost:
        yield affected("it waits for the home agent at an address that is not there any more", home, evidence=said)
    if not running:
        yield affected("no IKE daemon runs here", expected="one", evidence=said)
    elif not lost:
        yield passed(f"{', '.join(running)} runs here", evidence=said)


def _lost(facts: Facts) -> Iterator[str]:
    """Yield the home addresses whose registration waits at a care-of address that is gone."""
    there = {one.address for one in facts.addresses}
    for row in facts.updates:
        if row.registration == "home" and row.ack == "wait" and row.care_of_address not in there:
            yield row.home_address
