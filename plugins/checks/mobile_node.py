"""Checks of a mobile node: its addresses and ways, its registration, and return routability."""

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity
from mipsh.model.records import BindingUpdateListEntry
from mipsh.model.xfrm import DIRECTIONS, MODES, TYPES

AREA = Area("mobile_node", "What a mobile node has of its bindings, addresses and ways")
ROLE = ("mn",)
HAO = 60
MAIN_TABLE, NO_WAY_RULE, TRIGGER_PRIORITY = 254, 1004, 18
UNUSABLE = frozenset(("tentative", "dadfailed"))
STALE = UNUSABLE | {"deprecated"}
PENDING_REPEATS, STUCK_REPEATS = 3, 2
OVERDUE_S, LITTLE = -2, 0.05
LEFT_ALONE = ("non_mip_cn", "unreach")


def home_rows(facts: Facts) -> list[BindingUpdateListEntry]:
    """Return the home registrations of the binding update list."""
    return [row for row in facts.updates if row.registration == "home"]


def bound(facts: Facts) -> list[BindingUpdateListEntry]:
    """Return those that are acknowledged."""
    return [row for row in home_rows(facts) if row.state == "bound"]


def at_home() -> Judgement:
    """Say that there is no registration to look at."""
    return not_applicable("there is no home registration: it is at home, or has none yet")


@AREA.check(
    About(
        "MIP-451",
        "the kernel's own router discovery beside the mobility daemon's",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.SY, Key.RT, Key.VT),
        remedy=("sysctl -w net.ipv6.conf.IF.accept_ra=0", "sysctl -w net.ipv6.conf.IF.autoconf=0"),
        reference="UMIP 841ee2a",
        boot=True,
    )
)
def two_masters(facts: Facts) -> Judgements:
    """On the interfaces that it moves with, the daemon forms addresses and routes itself.

    Where the kernel or a network manager does so too, there are two default routes, and addresses that nobody
    registers.
    """
    names = {row.interface for row in home_rows(facts) if row.interface}
    if not names:
        yield at_home()
    for name in sorted(names):
        accepts, forms = facts.conf(name, "accept_ra"), facts.conf(name, "autoconf")
        ways = [one for one in facts.routes if one.is_default and one.interface == name and one.table == MAIN_TABLE]
        said = (facts.saw_conf(name, "accept_ra"), facts.saw(Key.RT, f"{len(ways)} default routes by {name}"))
        if accepts or forms:
            yield affected(f"accept_ra is {accepts}, autoconf is {forms}", name, expected="both 0", evidence=said)
        elif len(ways) > 1:
            yield affected(f"it has {len(ways)} default routes", name, expected="one", evidence=said)
        else:
            yield passed("the daemon alone listens to routers", name, evidence=said)


@AREA.check(
    About(
        "MIP-452",
        "a mobile node that forwards",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.SY,),
        remedy=("sysctl -w net.ipv6.conf.all.forwarding=0", "or mip6d.conf: IsMobRtr enabled"),
        reference="Documentation/networking/ip-sysctl.rst (forwarding)",
        boot=True,
    )
)
def forwards(facts: Facts) -> Judgements:
    """A node that forwards ignores Router Advertisements and Redirects, unless it is a mobile router."""
    said = (facts.saw_conf("all", "forwarding"),)
    if not facts.conf("all", "forwarding"):
        yield passed("it does not forward", evidence=said)
    elif not facts.can_read(Key.CF):
        yield likely("it forwards, and whether it is a mobile router is not known", evidence=said, by=By.CONFIGURATION)
    elif facts.configuration.word("IsMobRtr") == "enabled" or _is_router(facts):
        yield not_applicable("it is a mobile router", evidence=said)
    else:
        yield affected("it forwards and is no mobile router", expected="0", evidence=said)


def _is_router(facts: Facts) -> bool:
    """Tell whether a home of the configuration is a mobile router's."""
    blocks = [setting.block for setting in facts.configuration.every("MnHomeLink")]
    return any(one.name == "IsMobRtr" and "enabled" in one.values for block in blocks for one in block)


@AREA.check(
    About(
        "MIP-453",
        "a home address that the kernel does not know to be one",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.AD, Key.VT),
        remedy=("restart mip6d", "ip -6 addr add HOA/128 dev ip6tnl1 home nodad"),
        reference="net/ipv6/addrconf.c (ipv6_chk_home_addr)",
    )
)
def home_flag(facts: Facts) -> Judgements:
    """A type 2 routing header is taken only where the address in it has the flag home.

    An address that was given again by hand has lost it: every packet by the optimised route is dropped.
    """
    homes = {row.home_address for row in home_rows(facts)}
    if not homes:
        yield at_home()
    for home in sorted(homes):
        found = [one for one in facts.addresses if one.address == home]
        flags = sorted(found[0].flags) if found else []
        said = (facts.saw(Key.AD, f"{home}: {' '.join(flags) or 'no flags' if found else 'not there'}"),)
        if not found:
            yield affected("no interface has it", home, expected="there, with the flag home", evidence=said)
        elif "home" not in flags or UNUSABLE.intersection(flags):
            yield affected(f"its flags are {' '.join(flags)}", home, expected="home, and in use", evidence=said)
        else:
            yield passed("it has the flag home", home, evidence=said)


@AREA.check(
    About(
        "MIP-454",
        "a care-of address that is not there any more, or that the kernel has otherwise",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.AD, Key.TN, Key.VT),
        remedy=("bu home --write --method coa", "restart mip6d"),
        reference="RFC 6275 section 11.5.3",
    )
)
def stale_care_of_address(facts: Facts) -> Judgements:
    """What is registered has to be an address that this node has and may use, and the tunnel's and states' too."""
    rows = bound(facts)
    if not rows:
        yield at_home()
    for row in rows:
        care_of = row.care_of_address or ""
        wrong = _wrong_with(facts, row, care_of)
        said = (facts.saw(Key.VT, f"{row.home_address} at {care_of}", "binding_update_list"),)
        if wrong:
            yield affected("; ".join(wrong), care_of, evidence=said)
        else:
            yield passed("it is there, and the kernel has the same", care_of, evidence=said)


def _wrong_with(facts: Facts, row: BindingUpdateListEntry, care_of: str) -> list[str]:
    found = next((one for one in facts.addresses if one.address == care_of), None)
    wrong = []
    if found is None:
        wrong.append("no interface has it")
    elif found.flags & STALE:
        wrong.append(f"it is {' '.join(sorted(found.flags & STALE))}")
    elif any(link.name == found.interface and not link.is_up for link in facts.links):
        wrong.append(f"its interface {found.interface} is down")
    ends = [link.tunnel.local for link in facts.tunnels if link.tunnel and link.tunnel.remote == row.peer_address]
    if ends and care_of not in ends:
        wrong.append(f"the tunnel begins at {ends[0]}")
    if facts.can_read(Key.XS):
        states = [one for one in facts.states if one.protocol == HAO and one.source == row.home_address]
        wrong += [
            f"the state to {one.destination} has {one.care_of_address}"
            for one in states
            if one.care_of_address != care_of
        ]
    return wrong


@AREA.check(
    About(
        "MIP-455",
        "a mobile node away from home without a way out",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.RT, Key.NB, Key.VT),
        remedy=("look whether a router advertises on the link: 'trace' shows Router Advertisements",),
        reference="RFC 6275 section 11.5.1",
    )
)
def first_hop(facts: Facts) -> Judgements:
    """Away from home a default route by the interface of the care-of address is needed, and a router that answers."""
    names = {row.interface for row in home_rows(facts) if row.interface}
    if not names:
        yield at_home()
    for name in sorted(names):
        ways = [one for one in facts.routes if one.is_default and one.interface == name and one.kind == "unicast"]
        dead = {one.address for one in facts.neighbours if one.state == "FAILED" and one.interface == name}
        said = (facts.saw(Key.RT, f"default by {name}: {', '.join(one.gateway for one in ways) or 'none'}"),)
        if not ways:
            yield affected("there is no default route by it", name, expected="one", evidence=said)
        elif all(one.gateway in dead for one in ways):
            yield affected(f"the router {ways[0].gateway} does not answer", name, evidence=said)
        else:
            yield passed("there is a router", name, evidence=said)


@AREA.check(
    About(
        "MIP-456",
        "a mobile node that drops all, since no care-of address may be used yet",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.RU,),
        remedy=("look whether duplicate address detection ends, and whether a router advertises",),
        reference="UMIP, rule 1004",
        windowed=True,
    )
)
def no_way_out(facts: Facts) -> Judgements:
    """Rule 1004 drops all global output while no care-of address is usable; that should take a second."""
    now, before = (any(one.priority == NO_WAY_RULE for one in moment.rules) for moment in (facts, facts.earlier))
    said = (facts.saw(Key.RU, f"rule {NO_WAY_RULE} {'is there' if now else 'is not there'}"),)
    if now and before:
        yield affected(f"all output has been dropped for {facts.window_s:g} s and more", evidence=said, by=By.BEHAVIOUR)
    else:
        yield passed("output is not dropped", evidence=said)


@AREA.check(
    About(
        "MIP-457",
        "a home registration that nobody answers",
        Severity.CRITICAL,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("bu home --write", "trace --for 30: whether Binding Updates leave, and what comes back"),
        reference="RFC 6275 section 11.8",
        explained_by=("MIP-007", "MIP-101", "MIP-204"),
    )
)
def pending_registration(facts: Facts) -> Judgements:
    """While a home registration waits for its acknowledgement, mip6d blocks all output (EPERM), by design.

    No Binding Update on the link: the daemon or a policy keeps it. No acknowledgement: the home agent, or the way.
    """
    rows = home_rows(facts)
    if not rows:
        yield at_home()
    for row in rows:
        repeats = row.retransmissions or 0
        said = (
            facts.saw(Key.VT, f"{row.home_address}: {row.state}, sent again {repeats} times", "binding_update_list"),
        )
        if row.state == "waiting_for_ack" and repeats >= PENDING_REPEATS:
            yield affected(f"sent again {repeats} times, and not answered", row.home_address, evidence=said)
        elif row.state == "waiting_for_ack":
            yield unknown("it was sent a moment ago", row.home_address, evidence=said)
        else:
            yield passed(f"it is {row.state}", row.home_address, evidence=said)


@AREA.check(
    About(
        "MIP-458",
        "a home registration that was rejected",
        Severity.CRITICAL,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("bu home --write tells the status in words", "wait until the entry ends, or restart mip6d"),
        reference="RFC 6275 section 11.7.3; KNOWN-ISSUES MIP-458",
        explained_by=("MIP-104", "MIP-202"),
    )
)
def rejected_registration(facts: Facts) -> Judgements:
    """After a rejection mip6d takes its home agent for a node without Mobile IPv6, for 420 s, and blocks its output."""
    rows = home_rows(facts)
    if not rows:
        yield at_home()
    for row in rows:
        left = row.lifetime_remaining_s
        said = (facts.saw(Key.VT, f"{row.home_address}: {row.kind} {row.state}", "binding_update_list"),)
        if row.kind in LEFT_ALONE or row.state in ("not_mobile", "unreachable"):
            yield affected(f"its home agent is left alone for another {left} s", row.home_address, evidence=said)
        else:
            yield passed("it was not rejected", row.home_address, evidence=said)


@AREA.check(
    About(
        "MIP-459",
        "a refresh that is overdue",
        Severity.HIGH,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("restart mip6d", "look whether the clock was stepped: check MIP-203"),
        reference="RFC 6275 section 11.7.1",
        explained_by=("MIP-203",),
    )
)
def overdue_refresh(facts: Facts) -> Judgements:
    """A binding is refreshed long before it ends; where its time has passed, the daemon's timers stand still."""
    rows = [row for row in facts.updates if row.state == "bound"]
    if not rows:
        yield not_applicable("nothing is bound now")
    for row in rows:
        subject = f"{row.home_address} with {row.peer_address}"
        said = (
            facts.saw(
                Key.VT, f"next in {row.next_event_s} s, {row.lifetime_remaining_s} s left", "binding_update_list"
            ),
        )
        left, granted = row.lifetime_remaining_s, row.lifetime_granted_s
        is_late = row.next_event_s is not None and row.next_event_s < OVERDUE_S
        is_ending = left is not None and granted and left < granted * LITTLE
        if is_late or is_ending:
            yield affected(f"its next step was due {-(row.next_event_s or 0)} s ago", subject, evidence=said)
        elif row.next_event_s is None and left is None:
            yield unknown("its times are not told", subject, evidence=said)
        else:
            yield passed("it is refreshed in time", subject, evidence=said)


@AREA.check(
    About(
        "MIP-460",
        "return routability that does not come to an end",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("why PEER names the test that is missing", "ping the peer from the home and the care-of address"),
        reference="RFC 6275 section 11.6",
        explained_by=("MIP-101", "MIP-204"),
    )
)
def stuck_routability(facts: Facts) -> Judgements:
    """The home test goes through the home agent, the care-of test directly: which one is missing says where to look.

    Where both are, the correspondent does no Mobile IPv6.
    """
    peers = {row.peer_address for row in facts.tests if row.peer_address}
    if not peers:
        yield not_applicable("there is no test of return routability")
    for peer in sorted(peers):
        stuck = [
            row.test
            for row in facts.tests
            if row.peer_address == peer and (row.retransmissions or 0) >= STUCK_REPEATS and not row.answered
        ]
        said = (facts.saw(Key.VT, f"{peer}: {', '.join(stuck) or 'answered'}", "return_routability"),)
        if stuck:
            yield affected(f"not answered: {' and '.join(sorted(stuck)).replace('_', ' ')}", peer, evidence=said)
        else:
            yield passed("its tests are answered, or were sent a moment ago", peer, evidence=said)


@AREA.check(
    About(
        "MIP-461",
        "a peer that is left alone, as one without Mobile IPv6",
        Severity.LOW,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("wait until the entry ends (420 s), or restart mip6d",),
        reference="RFC 6275 section 11.3.5",
    )
)
def left_alone(facts: Facts) -> Judgements:
    """A Parameter Problem, a Binding Error or a rejection makes the daemon leave a peer alone; it may be passing."""
    rows = [row for row in facts.updates if row.kind in LEFT_ALONE and row.registration != "home"]
    if not rows:
        yield passed("no peer is", evidence=(facts.saw(Key.VT, "no such entry", "binding_update_list"),))
    for row in rows:
        said = (facts.saw(Key.VT, f"{row.peer_address}: {row.kind}", "binding_update_list"),)
        yield likely(
            f"{row.kind}, for another {row.lifetime_remaining_s} s",
            row.peer_address or "",
            evidence=said,
            by=By.BEHAVIOUR,
        )


@AREA.check(
    About(
        "MIP-462",
        "traffic that cannot start route optimisation",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.XP, Key.VT),
        remedy=("mip6d.conf: DoRouteOptimizationMN enabled, MnRoPolicy for the peer", "restart mip6d"),
        reference="KNOWN-ISSUES 0.3 (policy p18 in_trigger)",
    )
)
def no_trigger(facts: Facts) -> Judgements:
    """The first packet to a correspondent starts return routability by a policy of the mode in_trigger."""
    rows = bound(facts)
    if not rows:
        yield at_home()
        return
    if facts.can_read(Key.CF) and not facts.configuration.is_enabled("DoRouteOptimizationMN", True):
        yield not_applicable("route optimisation is switched off")
        return
    out, sub, trigger = DIRECTIONS.index("out"), TYPES.index("sub"), MODES.index("in_trigger")
    for row in rows:
        there = any(
            one.direction == out
            and one.kind == sub
            and one.selector.source == row.home_address
            and any(template.mode == trigger for template in one.templates)
            for one in facts.policies
        )
        said = (facts.saw(Key.XP, f"{len(facts.policies)} policies"),)
        if there:
            yield passed("its policy is there", row.home_address, evidence=said)
        else:
            yield affected("there is no policy of the mode in_trigger", row.home_address, evidence=said)


@AREA.check(
    About(
        "MIP-465",
        "a mobile node that goes from one home agent to the next",
        Severity.MEDIUM,
        roles=ROLE,
        needs=(Key.VT,),
        remedy=("mip6d.conf: HomeAgentAddress of one home agent", "look at 'hal' there"),
        reference="RFC 6275 section 11.4.1",
        windowed=True,
    )
)
def home_agent_loop(facts: Facts) -> Judgements:
    """With home agent discovery a node that is not answered tries the next one, and may never stay with one."""
    before = {row.home_address: row.peer_address for row in home_rows(facts.earlier)}
    rows = home_rows(facts)
    if not rows:
        yield at_home()
    for row in rows:
        was = before.get(row.home_address, row.peer_address)
        said = (facts.saw(Key.VT, f"{was}, then {row.peer_address}", "binding_update_list"),)
        if was != row.peer_address:
            yield affected(f"from {was} to {row.peer_address}", row.home_address, evidence=said, by=By.BEHAVIOUR)
        else:
            yield passed("it stays with its home agent", row.home_address, evidence=said)
