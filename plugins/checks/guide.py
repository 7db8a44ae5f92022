"""Checks of the seven known issues of the USAGI guide to Mobile IPv6 for Linux (1.53, 2008)."""

from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Configuration, Key, Setting
from mipsh.model.findings import By, Severity
from mipsh.model.records import BindingUpdateListEntry
from mipsh.model.xfrm import ICMPV6, MOBILITY_HEADER, Policy
from mipsh.plugins.checks import guide_paths
from mipsh.plugins.checks.kernel_xfrm import (
    BLOCK,
    ESP,
    HAO,
    HOST,
    MAIN,
    OUT,
    ROUTE2,
    SOLICITATION,
    SUB,
    TRIGGER,
    TUNNEL,
    asks_for,
    data_policy,
    earlier_of,
    is_for_all,
    is_of_kind,
    saw_policies,
    state_of,
)

AREA = Area("guide", "The seven known issues of the Mobile IPv6 for Linux Guide", guide_paths.AREA.checks)
GUIDE = "Mobile IPv6 for Linux Guide 1.53; "
NO_DATA, ONE_WAY = 13, 16
"""Priorities of mip6d: data to a peer that waits for a binding, and to a mobile node without one of our own."""
EXPERIMENTAL = ("TunnelMh", "TunnelPayload")
BEFORE_BLOCK = 4
"""The priority of the policy that blocks a mobile node until it is registered."""
RESOLVED = ("REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT", "NOARP")


@AREA.check(
    About(
        "MIP-001",
        "route optimisation both ways before both bindings are there",
        Severity.MEDIUM,
        roles=("mn",),
        needs=(Key.VT, Key.XP, Key.XS),
        windowed=True,
        remedy=(
            "mip6d.conf: UseCnBuAck enabled; (on both mobile nodes, UMIP 1.0 or later)",
            "mip6d.conf: MnRoPolicy PEER_HOME_ADDRESS disabled; (if it goes on)",
        ),
        reference=GUIDE + "UMIP b4d8f35",
    )
)
def inter_mobile(facts: Facts) -> Judgements:
    """Between two mobile nodes, look for the policy of both ways while the peer does not know where this node is.

    After a move, data with a routing header and a Home Address option of the new care-of address is dropped by the
    peer (Binding Error, status 1) until it has the new binding; till then the policy should be one way only. The
    state lasts for a round trip or two, so that each moment that is looked at counts.
    """
    if not _optimises(facts):
        yield not_applicable("the configuration disables route optimisation")
        return
    before = earlier_of(facts)
    found = [one for moment in (before, facts) if moment is not None for one in _both_ways(moment)]
    yield from found or [not_applicable("no peer has a binding here and is bound to, too")]


def _both_ways(facts: Facts) -> Iterator[Judgement]:
    """Judge the pairs of one moment: a peer's binding here, and this node's at the peer."""
    theirs = {(one.local_address, one.home_address) for one in facts.cache if one.status == "cached"}
    for ours in facts.updates:
        peer = ours.peer_address or ""
        if (ours.home_address, peer) not in theirs:
            continue
        state = state_of(facts.states, HAO, ours.home_address, peer)
        there = state.care_of_address if state is not None else None
        policy = data_policy(facts.policies, ours.home_address, peer)
        is_pending = ours.ack == "wait" or ours.return_routability != "ready"
        said = (
            facts.saw(Key.VT, f"ack {ours.ack}, RR state {ours.return_routability}", "binding_update_list"),
            facts.saw(Key.XS, f"hao state: coa {there}; binding update list: {ours.care_of_address}"),
            *saw_policies(facts, [policy] if policy is not None else []),
        )
        if policy is not None and asks_for(policy, ROUTE2) and asks_for(policy, HAO):
            if is_pending or there != ours.care_of_address:
                yield affected("both ways are used, and the own binding is not complete", peer, evidence=said)
            else:
                yield passed("both bindings are complete", peer, evidence=said)
        elif not is_pending and there == ours.care_of_address:
            yield passed("the own binding is complete", peer, evidence=said)
        elif is_pending and policy is not None and policy.priority in (NO_DATA, ONE_WAY):
            yield passed("while the own binding is pending, no Home Address option is used", peer, evidence=said)
        else:
            yield unknown("the policy is none that mip6d uses here", peer, evidence=said)


def _optimises(facts: Facts) -> bool:
    """Tell whether route optimisation is enabled on both sides; True where the configuration is not there to say."""
    if not facts.can_read(Key.CF):
        return True
    names = ("DoRouteOptimizationMN", "DoRouteOptimizationCN")
    return all(facts.configuration.is_enabled(name, True) for name in names)


@AREA.check(
    About(
        "MIP-004",
        "IPsecPolicy TunnelMh or TunnelPayload together with route optimisation",
        Severity.HIGH,
        roles=("mn",),
        remedy=(
            "mip6d.conf: leave TunnelMh out of IPsecPolicySet (TunnelHomeTesting instead only before Linux 3.19)",
            "or mip6d.conf: DoRouteOptimizationMN disabled;",
        ),
        reference=GUIDE + "UMIP 06273ea, README.IPsec",
    )
)
def tunnel_policies(facts: Facts) -> Judgements:
    """Look for a policy of main that tunnels whatever Mobility Header, or whatever packet, a home address sends.

    It has no interface, so that it takes the Binding Updates to correspondent nodes, too: they go through the home
    agent, which drops them (XfrmInNoPols), and the binding is never acknowledged.
    """
    tunnelling = [one for one in facts.policies if _tunnels_all(one)] if facts.can_read(Key.XP) else []
    configured = _configured(facts.configuration) if facts.can_read(Key.CF) else []
    if not tunnelling and not configured:
        facts.datum(Key.CF if facts.can_read(Key.XP) is False else Key.XP)
        yield not_applicable("neither TunnelMh nor TunnelPayload is in use")
        return
    said = (*saw_policies(facts, tunnelling), *(facts.saw(Key.CF, f"IPsecPolicy {name}") for name in configured))
    wanted = _wants_optimisation(facts)
    waiting = _unanswered(facts) if facts.can_read(Key.VT, "binding_update_list") else []
    what = " and ".join(configured) or "a policy that tunnels them"
    if wanted is None:
        yield unknown("whether route optimisation is wanted cannot be told", evidence=said)
    elif not wanted:
        yield passed("route optimisation is disabled, so that it does no harm", evidence=said)
    elif waiting:
        peers = ", ".join(f"{one.peer_address} (resent {one.retransmissions})" for one in waiting[:3])
        proof = facts.saw(Key.VT, f"ack wait, RR state ready: {peers}", "binding_update_list")
        observed = f"{what}: Binding Updates to correspondent nodes are not acknowledged"
        yield affected(observed, evidence=(*said, proof), by=By.BEHAVIOUR)
    else:
        yield affected(f"{what}: it takes the Binding Updates to correspondent nodes", evidence=said)


def _tunnels_all(policy: Policy) -> bool:
    """Tell whether a policy tunnels from a home address to anywhere, and does so for more than one type."""
    selector = policy.selector
    is_wide = selector.source_length == HOST and not selector.destination_length and not selector.source_mask
    return (
        is_of_kind(policy, OUT, MAIN)
        and is_wide
        and selector.protocol in (0, MOBILITY_HEADER)
        and asks_for(policy, ESP, TUNNEL)
    )


def _configured(configuration: Configuration) -> list[str]:
    """Return those of both kinds that the configuration has."""
    policies = (one for policy_set in configuration.every("IPsecPolicySet") for one in policy_set.block)
    named = (one.values[0] for one in policies if one.name == "IPsecPolicy" and one.values)
    return [name for name in dict.fromkeys(named) if name in EXPERIMENTAL]


def _wants_optimisation(facts: Facts) -> bool | None:
    """Tell whether the node does route optimisation: by its configuration, else by its policies; None: not known."""
    if facts.can_read(Key.CF):
        enabled = facts.configuration.is_enabled("DoRouteOptimizationMN", True)
        return enabled and not any(_is_never(one) for one in _route_policies(facts.configuration))
    if facts.can_read(Key.XP) and any(asks_for(one, HAO, TRIGGER) for one in facts.policies):
        return True
    return None


def _route_policies(configuration: Configuration) -> Iterator[Setting]:
    """Yield the statements MnRoPolicy."""
    return (one for link in configuration.every("MnHomeLink") for one in link.block if one.name == "MnRoPolicy")


def _is_never(setting: Setting) -> bool:
    """Tell whether a MnRoPolicy disables route optimisation with every peer."""
    return setting.values in (("disabled",), ("::", "disabled"))


def _unanswered(facts: Facts) -> list[BindingUpdateListEntry]:
    return [
        one
        for one in facts.updates
        if one.registration != "home"
        and (one.ack, one.return_routability) == ("wait", "ready")
        and (one.retransmissions or 0) > 0
    ]


@AREA.check(
    About(
        "MIP-007",
        "the mobile node blocks its own first Binding Update",
        Severity.CRITICAL,
        roles=("mn",),
        needs=(Key.VT, Key.XP, Key.NB, Key.RT),
        windowed=True,
        watches=(Key.XT, Key.SN),
        remedy=(
            "ip xfrm policy update dir out ptype sub src ::/0 dst ::/0 proto ipv6-icmp type 135 priority 3",
            "or: ip -6 neigh replace ROUTER lladdr MAC dev INTERFACE nud permanent",
            "or radvd.conf of the router: AdvSourceLLAddress on;",
        ),
        reference=GUIDE + "UMIP 06273ea, 2b352c5",
    )
)
def blocked_update(facts: Facts) -> Judgements:
    """Look for a home registration that waits while the node blocks the solicitation of its own router.

    Until it is registered a mobile node blocks all (priority 4), and lets Neighbor Solicitations pass only at
    priority 12. Where the router is not resolved, because its advertisement had no link-layer address or because
    the neighbour failed, the Binding Update waits for an answer to what is never sent.
    """
    entries = [one for one in facts.updates if one.registration == "home"]
    if not entries:
        yield not_applicable("there is no home registration in the binding update list")
    for entry in entries:
        yield _blocked(facts, entry)


def _blocked(facts: Facts, entry: BindingUpdateListEntry) -> Judgement:
    subject = entry.home_address
    said = [facts.saw(Key.VT, f"ack {entry.ack}, resend {entry.retransmissions}", "binding_update_list")]
    if entry.ack == "ready":
        return passed(f"it is registered{_risk(facts)}", subject, evidence=tuple(said))
    blocks = [one for one in facts.policies if is_of_kind(one, OUT, SUB) and one.action == BLOCK and is_for_all(one)]
    if not blocks:
        return passed("no policy blocks all", subject, evidence=tuple(said))
    said += saw_policies(facts, blocks)
    interface = entry.interface or _interface_of(facts, entry.care_of_address)
    gateways = [one for one in facts.routes if one.is_default and one.gateway and interface in ("", one.interface)]
    if not gateways:
        return not_applicable(f"there is no default route on {interface or 'any interface'}", subject)
    states = {(one.address, one.interface): one.state for one in facts.neighbours}
    routers = {one.gateway: states.get((one.gateway, one.interface), "absent") for one in gateways}
    said.append(facts.saw(Key.NB, ", ".join(f"{router} {state}" for router, state in routers.items())))
    if any(state in RESOLVED for state in routers.values()):
        return passed("the router is resolved", subject, evidence=tuple(said))
    if not entry.retransmissions:
        return unknown("the first Binding Update was just sent", subject, evidence=tuple(said))
    blocked, solicited = facts.xfrm_rise("XfrmOutPolBlock"), facts.snmp6_rise("Icmp6OutNeighborSolicits")
    said += [
        facts.saw(Key.XT, f"XfrmOutPolBlock +{blocked}"),
        facts.saw(Key.SN, f"Icmp6OutNeighborSolicits +{solicited}"),
    ]
    if blocked > 0 and solicited == 0:
        observed = "its router is not resolved, and it blocks the solicitation itself"
        return affected(observed, subject, evidence=tuple(said), by=By.BEHAVIOUR)
    return unknown("it waits, but in the window nothing was blocked", subject, evidence=tuple(said))


def _interface_of(facts: Facts, address: str | None) -> str:
    return next((one.interface for one in facts.addresses if one.address == address), "")


def _risk(facts: Facts) -> str:
    """Return the warning of a node whose solicitations would be blocked, too."""
    policies = (one for one in facts.policies if is_of_kind(one, OUT, SUB))
    solicitation = (
        one for one in policies if (one.selector.protocol, one.selector.source_port) == (ICMPV6, SOLICITATION)
    )
    late = [one.priority for one in solicitation if one.priority > BEFORE_BLOCK]
    if not late:
        return ""
    return f"; latent: Neighbor Solicitations pass at priority {min(late)}, after the block, if the RA has no MAC"
