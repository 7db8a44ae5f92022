"""Checks of the area path: what the packet filter of this node keeps from Mobile IPv6, and what tunnels carry."""

import shlex
from collections.abc import Iterable, Iterator

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import MOBILE_NODE, Facts
from mipsh.checks.packet_filter import Decision, Hook, Outcome, PacketFilter
from mipsh.checks.sources import Key, Link, Tunnel
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.xfrm import State
from mipsh.plugins.checks import path_packets
from mipsh.plugins.checks.kernel_xfrm import ESP, HAO, ROUTE2, earlier_of, packets_since
from mipsh.plugins.checks.path_packets import Ends, Kind, ends_of, icmpv6, trial
from mipsh.wire.extension import Header

AREA = Area("path", "What packet filters and links let through")
EVERY_ROLE, NEEDS = ("mn", "ha", "cn"), (Key.NF, Key.AD, Key.TN)
LETS_THROUGH = "the packet filter lets it through"
OUTER_HEADER, MADE_BY_MOBILITY, TOO_BIG = 40, 0x8, 2
REFERENCE = "RFC 6275 sections 6, 15; KNOWN-ISSUES section 3.7"


def remedy(decision: Decision, match: str) -> tuple[str, ...]:
    """Return the command that lets such packets through, at the beginning of the chain that stops them."""
    if decision.place is None or decision.place.base is None:
        return ()
    chain = decision.place.base
    where = " ".join(shlex.quote(word) for word in (chain.family, chain.table, chain.name))
    return (f"nft insert rule {where} {match} accept",)


def rise(facts: Facts, decision: Decision) -> int | None:
    """Return by how much the counter of the deciding rule rose in the window; None where that cannot be told."""
    before, place = earlier_of(facts), decision.place
    if before is None or place is None or place.rule is None or place.rule.packets is None:
        return None
    if not before.can_read(Key.NF):
        return None
    chain = place.chain
    for one in before.ruleset.chains:
        if (one.family, one.table, one.name) == (chain.family, chain.table, chain.name):
            old = next((rule.packets for rule in one.rules if rule.handle == place.rule.handle), None)
            return None if old is None else place.rule.packets - old
    return None


def seen(facts: Facts, decision: Decision) -> tuple[Evidence, ...]:
    """Return where it was decided as evidence, with its counter where that rose."""
    place = str(decision.place) if decision.place is not None else "no chain is on the way"
    more = rise(facts, decision)
    counted = "" if more is None else f", counter +{more}"
    return (facts.saw(Key.NF, f"{place}: {decision.outcome.value}{counted}"),)


def judged(facts: Facts, decision: Decision, subject: str, match: str) -> Judgement:
    """Say what the packet filter does with a packet."""
    said = seen(facts, decision)
    if decision.outcome is Outcome.UNKNOWN:
        return unknown(decision.why, subject, evidence=said, expected=LETS_THROUGH)
    if not decision.is_blocked:
        return passed(LETS_THROUGH, subject, evidence=said)
    by = By.BEHAVIOUR if (rise(facts, decision) or 0) > 0 else By.STRUCTURE
    what = "rejected" if decision.outcome is Outcome.REJECT else "dropped"
    observed = f"{decision.place}: it is {what}"
    how = remedy(decision, match)
    return affected(observed, subject, expected=LETS_THROUGH, evidence=said, by=by, remedy=how)


def each(facts: Facts, kinds: Iterable[Kind], match: str) -> Iterator[Judgement]:
    """Judge packets of some kinds at every interface; the worst of them counts."""
    asked = PacketFilter(facts.ruleset)
    for ends in ends_of(facts):
        for kind in kinds:
            if ends.tunnel is not None or not kind.is_tunnelled:
                decision = asked.decide(kind.hook, trial(kind, ends))
                yield judged(facts, decision, kind.subject, match)


def each_with(facts: Facts, kinds: Iterable[Kind], header: Header, match: str) -> Iterator[Judgement]:
    """Judge packets with an extension header, where the same packets without it are let through."""
    asked = PacketFilter(facts.ruleset)
    for ends in ends_of(facts):
        for kind in kinds:
            decision = asked.decide(kind.hook, trial(kind, ends, header))
            plain = asked.decide(kind.hook, trial(kind, ends))
            if decision.is_blocked and plain.is_blocked:
                why = "without the extension header it is not let through, either: see MIP-501"
                yield not_applicable(why, kind.subject, evidence=seen(facts, plain))
            else:
                yield judged(facts, decision, kind.subject, match)


@AREA.check(
    About(
        "MIP-501",
        "a packet filter that stops Mobility Headers",
        Severity.CRITICAL,
        roles=EVERY_ROLE,
        needs=NEEDS,
        windowed=True,
        remedy=("let through: meta l4proto 135",),
        reference=REFERENCE,
    )
)
def mobility_headers(facts: Facts) -> Judgements:
    """Look for a rule, or a policy, that drops or rejects the messages that this node sends and takes.

    Protocol 135 is in few firewalls: without a rule that accepts it, a policy drop stops every registration. The
    ruleset is evaluated for each message, as it would pass; nothing is sent. On a home agent also those that it
    forwards out of the tunnel.
    """
    yield from each(facts, path_packets.SIGNALLING[facts.role], "meta l4proto 135")


@AREA.check(
    About(
        "MIP-502",
        "a packet filter that stops type 2 routing headers",
        Severity.HIGH,
        roles=EVERY_ROLE,
        needs=NEEDS,
        windowed=True,
        remedy=("let through: rt type 2, and drop rt type 0 alone",),
        reference="RFC 6275 section 6.4, RFC 5095 section 4.2; KNOWN-ISSUES section 3.7",
    )
)
def routing_headers(facts: Facts) -> Judgements:
    """Look for a rule that drops every routing header: the advice was to drop those of type 0.

    Binding Acknowledgements, and all that correspondent nodes send to a care-of address, have one of type 2.
    """
    yield from each_with(facts, path_packets.ROUTED[facts.role], path_packets.routing(), "rt type 2")


@AREA.check(
    About(
        "MIP-503",
        "a packet filter that stops Home Address options",
        Severity.HIGH,
        roles=EVERY_ROLE,
        needs=NEEDS,
        windowed=True,
        remedy=("let through: exthdr dst exists",),
        reference="RFC 6275 section 6.3; KNOWN-ISSUES section 3.7",
    )
)
def home_address_options(facts: Facts) -> Judgements:
    """Look for a rule that drops destination options, or that looks at the first header only.

    A Binding Update has its option before the Mobility Header: ``ip6 nexthdr 135`` does not match it, while
    ``meta l4proto 135`` does.
    """
    yield from each_with(facts, path_packets.OPTIONED[facts.role], path_packets.option(), "exthdr dst exists")


@AREA.check(
    About(
        "MIP-504",
        "a packet filter that stops the tunnel or IPsec",
        Severity.CRITICAL,
        roles=("mn", "ha"),
        needs=NEEDS,
        windowed=True,
        remedy=("let through: meta l4proto { ipv6, esp }",),
        reference="RFC 6275 sections 10.4.5, 5.1; KNOWN-ISSUES section 3.7",
    )
)
def tunnels_and_esp(facts: Facts) -> Judgements:
    """Look for what stops packets in packets (41), and ESP (50) where there are states for it.

    Whatever is not optimised goes through the tunnel to the home agent and back.
    """
    yield from each(facts, path_packets.tunnelled(path_packets.IPV6), "meta l4proto ipv6")
    if not facts.can_read(Key.XS):
        yield unknown("whether there are states of ESP cannot be read", "ESP")
    elif any(state.protocol == ESP for state in facts.states):
        yield from each(facts, path_packets.tunnelled(ESP), "meta l4proto esp")
    else:
        yield not_applicable("there is no state of ESP", "ESP")


@AREA.check(
    About(
        "MIP-505",
        "a packet filter that stops ICMPv6 that Mobile IPv6 needs",
        Severity.MEDIUM,
        roles=EVERY_ROLE,
        needs=NEEDS,
        windowed=True,
        remedy=("let through: icmpv6 type { 1, 2, 3, 4, 144, 145, 146, 147 }",),
        reference="RFC 6275 sections 6.5 to 6.8, RFC 4890 section 4.3; KNOWN-ISSUES section 3.7",
    )
)
def control_messages(facts: Facts) -> Judgements:
    """Look for what stops home agent discovery and prefix discovery (144 to 147), and errors (1 to 4).

    Connection tracking knows no flow that 144 to 147 are of, and calls them invalid: ``ct state invalid drop``
    before a rule for them stops them. Without Packet Too Big, long packets vanish in the tunnel.
    """
    own = [kind for kind in path_packets.control_messages(facts.role) if kind.state == path_packets.INVALID]
    errors = [kind for kind in path_packets.control_messages(facts.role) if kind not in own]
    yield from each(facts, own, "icmpv6 type { 144, 145, 146, 147 }")
    yield from each(facts, errors, "icmpv6 type { 1, 2, 3, 4 }")


@AREA.check(
    About(
        "MIP-507",
        "a stateful packet filter that does not know optimised packets",
        Severity.HIGH,
        roles=("mn", "cn"),
        needs=(*NEEDS, Key.XS),
        windowed=True,
        explained_by=("MIP-502", "MIP-503"),
        remedy=("let through: exthdr dst exists, rt type 2", "or notrack them in prerouting and output"),
        reference="Linux net/ipv6/exthdrs.c, net/netfilter/nf_conntrack_core.c; KNOWN-ISSUES MIP-507",
    )
)
def stateful(facts: Facts) -> Judgements:
    """Look for a filter that takes packets of known flows only, while route optimisation is in use.

    It sees an optimised packet before its home address is put back: from the care-of address, or to it. To
    connection tracking that is not the flow that it knows by the home address, but a new or an invalid one: the
    checksum covers the home address, so that it looks wrong (unless net.netfilter.nf_conntrack_checksum is 0).
    """
    states = [one for one in facts.states if one.protocol in (HAO, ROUTE2) and not one.is_wildcard]
    if not states:
        yield not_applicable("route optimisation is not in use: there is no state of it")
        return
    asked = PacketFilter(facts.ruleset)
    for ends in ends_of(facts):
        for hook in (Hook.INPUT, Hook.OUTPUT):
            yield _optimised(facts, asked, ends, hook, states)


def _optimised(facts: Facts, asked: PacketFilter, ends: Ends, hook: Hook, states: list[State]) -> Judgement:
    """Judge an optimised segment that connection tracking does not know, beside one that it does."""
    has_option = (facts.role == MOBILE_NODE) is (hook is Hook.OUTPUT)
    header = path_packets.option() if has_option else path_packets.routing()
    match = "exthdr dst exists" if has_option else "rt type 2"
    subject = f"optimised TCP, {hook.value}"
    known, *others = (
        asked.decide(hook, trial(path_packets.connection(hook, state), ends, header))
        for state in (path_packets.ESTABLISHED, path_packets.NEW, path_packets.INVALID)
    )
    if known.is_blocked:
        why = "it would not be let through as a flow that is known, either: see MIP-502, MIP-503"
        return not_applicable(why, subject, evidence=seen(facts, known))
    blocked = next((one for one in others if one.is_blocked), None)
    if blocked is None:
        undecided = next((one for one in others if one.outcome is Outcome.UNKNOWN), others[0])
        return judged(facts, undecided, subject, match)
    said, how = seen(facts, blocked), remedy(blocked, match)
    carried = carried_of(facts, states)
    if (rise(facts, blocked) or 0) > 0 and carried:
        seen_too = facts.saw(Key.XS, f"the states of route optimisation took {carried} packets in the window")
        observed = f"{blocked.place}: packets are dropped while optimised ones are sent"
        return affected(observed, subject, evidence=(*said, seen_too), by=By.BEHAVIOUR, remedy=how)
    observed = f"{blocked.place}: what is not of a known flow is dropped"
    return likely(observed, subject, expected=LETS_THROUGH, evidence=said, by=By.CONFIGURATION, remedy=how)


def carried_of(facts: Facts, states: Iterable[State]) -> int:
    """Return how many packets states took in the window; 0 where that cannot be told."""
    before = earlier_of(facts)
    if before is None or not before.can_read(Key.XS):
        return 0
    return sum(packets_since(before.states, one) or 0 for one in states)


@AREA.check(
    About(
        "MIP-508",
        "a tunnel whose packets are too long for their way",
        Severity.MEDIUM,
        roles=("mn", "ha"),
        needs=(Key.TN, Key.RT),
        remedy=(
            "let through: icmpv6 type 2",
            "or: ip link set dev TUNNEL mtu 1280",
            "or clamp: nft add rule ip6 TABLE forward tcp flags syn tcp option maxseg size set rt mtu",
        ),
        reference="RFC 2473 section 7, RFC 8201; Linux net/ipv6/ip6_tunnel.c; KNOWN-ISSUES MIP-508",
    )
)
def tunnel_mtu(facts: Facts) -> Judgements:
    """Compare the MTU of each tunnel, and the 40 bytes around its packets, with the MTU of their way.

    Where the way is narrower, the tunnel learns it from Packet Too Big; where those are filtered, long packets
    vanish, and connections stand still after their first bytes.
    """
    found = [(link, tunnel) for link in facts.tunnels for tunnel in (link.tunnel,) if tunnel is not None]
    made = [(link, tunnel) for link, tunnel in found if tunnel.flags & MADE_BY_MOBILITY and tunnel.remote != "::"]
    if not made:
        yield not_applicable("there is no tunnel of Mobile IPv6")
        return
    hears = _hears_too_big(facts)
    for link, tunnel in made:
        yield _fits(facts, link, tunnel, hears)


def _hears_too_big(facts: Facts) -> Decision | None:
    """Return what the packet filter does with Packet Too Big; None where that cannot be read."""
    if not (facts.can_read(Key.NF) and facts.can_read(Key.AD)):
        return None
    asked, kind = PacketFilter(facts.ruleset), icmpv6(TOO_BIG, "Packet Too Big", Hook.INPUT, path_packets.RELATED)
    found = [asked.decide(kind.hook, trial(kind, ends)) for ends in ends_of(facts)]
    return min(found, key=lambda one: (not one.is_blocked, one.outcome is Outcome.ACCEPT))


def _fits(facts: Facts, link: Link, tunnel: Tunnel, hears: Decision | None) -> Judgement:
    """Judge a tunnel."""
    local = tunnel.local if tunnel.local != "::" else ""
    flow = f"{tunnel.remote} {local}".strip()
    route = facts.route_to(tunnel.remote, local)
    if route is None:
        return unknown(f"there is no route to {tunnel.remote}", link.name)
    below = next((one.mtu for one in facts.links if one.name == route.interface), None)
    widths = [mtu for mtu in (route.mtu, below) if mtu]
    said = [
        facts.saw(Key.TN, f"{link.name} mtu {link.mtu}"),
        facts.saw(Key.RT, f"{tunnel.remote} dev {route.interface} mtu {min(widths, default='?')}", flow),
    ]
    if not widths:
        return unknown(f"the MTU of {route.interface} is not known", link.name, evidence=tuple(said))
    if hears is not None:
        said += seen(facts, hears)
    return _width(link.name, min(widths) - OUTER_HEADER - link.mtu, tuple(said), hears)


def _width(subject: str, left: int, said: tuple[Evidence, ...], hears: Decision | None) -> Judgement:
    """Judge how many bytes are left around a tunnel's packets, given what becomes of Packet Too Big."""
    wanted = "its MTU and 40 bytes fit, and Packet Too Big is let through"
    is_deaf, is_hearing = hears is not None and hears.is_blocked, hears is not None and hears.outcome is Outcome.ACCEPT
    if left < 0 and is_deaf:
        observed = f"it is {-left} bytes too wide for its way, and Packet Too Big is filtered"
        return affected(observed, subject, expected=wanted, evidence=said)
    if left < 0:
        observed = f"it is {-left} bytes too wide for its way, as far as that is known"
        low = Severity.LOW if is_hearing else None
        return likely(observed, subject, expected=wanted, evidence=said, by=By.CONFIGURATION, severity=low)
    if is_deaf:
        observed = "it fits its first link, but Packet Too Big of a narrower one is filtered"
        return likely(observed, subject, expected=wanted, evidence=said, by=By.CONFIGURATION)
    if is_hearing:
        return passed("it fits, and Packet Too Big is let through", subject, evidence=said)
    why = "the packet filter cannot be read" if hears is None else hears.why
    return unknown(f"it fits its first link; whether Packet Too Big is let through is not known: {why}", subject)
