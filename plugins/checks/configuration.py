"""Checks of the configuration: lifetimes, interfaces, addresses, who is let in, mobile routers, and what is left on."""

from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import HOME_AGENT, MOBILE_NODE, Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity
from mipsh.model.records import BindingUpdateListEntry
from mipsh.plugins.checks import configuration_addresses, configuration_ipsec
from mipsh.plugins.checks.configuration_words import access, home_links, is_allowed, is_in_any, read, saw
from mipsh.plugins.checks.daemon_words import ALL, LEVEL, UMIP, of_command

AREA = Area(
    "configuration",
    "What mip6d.conf says, and what does not go with it",
    (*configuration_ipsec.AREA.checks, *configuration_addresses.AREA.checks),
)
UNIT_S, LONGEST_S, LONGEST_CN_S = 4, 262_140, 420
LIFETIMES = {
    MOBILE_NODE: {"MnMaxHaBindingLife": LONGEST_S, "MnMaxCnBindingLife": LONGEST_CN_S},
    HOME_AGENT: {"HaMaxBindingLife": LONGEST_S},
}
"""The options in seconds by role, and the most that each may ask for; these are the defaults, too."""
MANY = 5
"""Binding Updates that were sent again, after which nobody will answer."""


@AREA.check(
    About(
        "MIP-305",
        "lifetimes that become 0, are rounded, or are more than anybody grants",
        Severity.MEDIUM,
        roles=("mn", "ha"),
        needs=(Key.CF,),
        remedy=("mip6d.conf: a multiple of 4, of 4 to 262140 (with correspondents 420)",),
        reference="RFC 6275 sections 6.1.7, 9.5.1, 12",
    )
)
def lifetimes(facts: Facts) -> Judgements:
    """Lifetimes go over the wire in units of four seconds: less than 4 s is 0, which deregisters, over and over.

    A home agent grants no more than the home prefix is valid for; with radvd's defaults that is 86396 s.
    """
    configuration = read(facts)
    for name, most in LIFETIMES[facts.role].items():
        seconds = configuration.number(name, most)
        said = (saw(facts, configuration, name, str(most)),)
        expected = f"a multiple of 4, up to {most}"
        if seconds < UNIT_S:
            yield affected(f"{seconds} s become 0", name, expected=expected, evidence=said, severity=Severity.HIGH)
        elif seconds > most:
            yield affected(f"no more than {most} s are granted", name, expected=expected, evidence=said)
        elif seconds % UNIT_S:
            observed = f"{seconds} s become {seconds - seconds % UNIT_S} s"
            yield affected(observed, name, expected=expected, evidence=said, severity=Severity.INFO)
        else:
            yield passed(f"{seconds} s", name, evidence=said)


@AREA.check(
    About(
        "MIP-306",
        "correspondents that are not asked for an acknowledgement, or never give one",
        Severity.LOW,
        roles=("mn",),
        remedy=("mip6d.conf: UseCnBuAck enabled; MnMaxCnConsecutiveResends 5;",),
        reference="RFC 6275 section 11.7.2",
    )
)
def acknowledgements(facts: Facts) -> Judgements:
    """Without an acknowledgement a mobile node does not notice that a correspondent refused its binding.

    With one, and MnMaxCnConsecutiveResends 0, it asks for ever where a filter drops the acknowledgement.
    """
    rows = _correspondents(facts)
    unasked = [row for row in rows if "A" not in row.flags]
    unanswered = [row for row in rows if row.ack == "wait" and (row.retransmissions or 0) >= MANY]
    for row in unasked:
        said = (facts.saw(Key.VT, f"flags: {' '.join(row.flags) or 'none'}", "binding_update_list"),)
        yield affected("it is not asked for one", row.peer_address or "", expected="A", evidence=said)
    for row in unanswered:
        said = (facts.saw(Key.VT, f"ack wait, resend {row.retransmissions}", "binding_update_list"),)
        observed = f"it was asked {row.retransmissions} times again"
        yield affected(observed, row.peer_address or "", evidence=said, by=By.BEHAVIOUR)
    if rows and not unasked and not unanswered:
        said = (facts.saw(Key.VT, f"{len(rows)} correspondents", "binding_update_list"),)
        yield passed("all are asked, and answer", evidence=said)
    if rows:
        return
    configuration = read(facts)
    said = (saw(facts, configuration, "UseCnBuAck", "disabled"),)
    if not configuration.is_enabled("DoRouteOptimizationMN", True):
        yield not_applicable("route optimisation is disabled", evidence=said)
    elif configuration.is_enabled("UseCnBuAck", False):
        yield passed("it is enabled", evidence=said)
    else:
        yield likely("it is disabled", expected="enabled", evidence=said, by=By.CONFIGURATION)


def _correspondents(facts: Facts) -> list[BindingUpdateListEntry]:
    """Return the bindings at correspondents, of a daemon that says their flags."""
    if not facts.can_read(Key.VT, "binding_update_list") or facts.engine.engine != UMIP:
        return []
    return [row for row in facts.updates if row.registration == "correspondent" and row.kind in (None, "bul")]


@AREA.check(
    About(
        "MIP-309",
        "mobile nodes that are refused by the configuration",
        Severity.LOW,
        roles=ALL,
        needs=(Key.CF,),
        remedy=("mip6d.conf: BindingAclPolicy HOA allow; DoRouteOptimizationCN enabled;",),
        reference="RFC 6275 section 6.1.8 (status 129)",
    )
)
def refused(facts: Facts) -> Judgements:
    """Whom the configuration does not let in gets 129 (administratively prohibited).

    A mobile node that a correspondent refuses takes it for one without Mobile IPv6 for a while.
    """
    configuration = read(facts)
    said = (saw(facts, configuration, "DoRouteOptimizationCN", "enabled"),)
    if configuration.is_enabled("DoRouteOptimizationCN", True):
        yield passed("it takes part in route optimisation", "as a correspondent", evidence=said)
    else:
        yield affected("it refuses every binding", "as a correspondent", expected="enabled", evidence=said)
    for line in (line for one in configuration.every("CnBindingPolicySet") for line in one.block):
        if line.values and not is_allowed(line.values[-1]):
            said = (facts.saw(Key.CF, f"{line.name} {' '.join(line.values)}"),)
            yield affected("CnBindingPolicySet refuses it", line.name, evidence=said)
    if facts.role == HOME_AGENT:
        yield from _refused_at_home(facts)


def _refused_at_home(facts: Facts) -> Judgements:
    configuration = facts.configuration
    listed = access(configuration)
    for one in listed:
        said = (facts.saw(Key.CF, f"BindingAclPolicy {one.home} {'allow' if one.is_allowed else 'deny'}"),)
        if one.is_allowed:
            yield passed("it may register", one.home, evidence=said)
        else:
            yield affected("BindingAclPolicy refuses it", one.home, expected="allow", evidence=said)
    said = (saw(facts, configuration, "DefaultBindingAclPolicy", "allow"),)
    if is_allowed(configuration.word("DefaultBindingAclPolicy", "allow")):
        yield passed("others may register", "others", evidence=said)
    else:
        count = sum(one.is_allowed for one in listed)
        yield likely(f"others than {count} listed are refused", "others", evidence=said, by=By.CONFIGURATION)


@AREA.check(
    About(
        "MIP-311",
        "a mobile router and a home agent that do not fit",
        Severity.HIGH,
        roles=("mn", "ha"),
        needs=(Key.CF,),
        remedy=(
            "home agent, mip6d.conf: HaAcceptMobRtr enabled; BindingAclPolicy HOA (MNP/LEN) allow; HaServedPrefix …",
            "mobile router, mip6d.conf: HomeAddress HOA/LEN (MNP/LEN);",
            "mobile router: sysctl -w net.ipv6.conf.all.forwarding=1",
        ),
        reference="RFC 3963 sections 5, 6 (status 140 to 143)",
    )
)
def mobile_networks(facts: Facts) -> Judgements:
    """A mobile router forwards, and in the explicit mode names its prefixes, else it gets 143.

    Its home agent has to accept mobile routers (else 140), to list the prefixes with their home address (else 142),
    and where the home address is in such a prefix, to serve a prefix that has it (else 132).
    """
    if facts.role == MOBILE_NODE:
        yield from _mobile_router(facts)
        return
    configuration = read(facts)
    said = (saw(facts, configuration, "HaAcceptMobRtr", "disabled"),)
    routers = [one for one in access(configuration) if one.networks]
    accepts = configuration.is_enabled("HaAcceptMobRtr", False)
    networks = tuple(network for one in routers for network in one.networks)
    served = tuple(one.values[0] for one in configuration.every("HaServedPrefix") if one.values)
    for one in routers:
        if not accepts:
            yield affected("mobile routers are refused (140)", one.home, expected="enabled", evidence=said)
        elif is_in_any(one.home, networks) and not is_in_any(one.home, served):
            yield affected("no HaServedPrefix has it (132)", one.home, evidence=said)
        else:
            yield passed(f"it may bring {', '.join(one.networks)}", one.home, evidence=said)
    if not routers and accepts:
        yield likely("no BindingAclPolicy names a prefix (142)", evidence=said, by=By.CONFIGURATION)
    elif not routers:
        yield not_applicable("mobile routers are not served", evidence=said)


def _mobile_router(facts: Facts) -> Judgements:
    configuration = read(facts)
    routers = [link for link in home_links(configuration) if link.is_router]
    if not routers:
        yield not_applicable("it is no mobile router")
        return
    is_explicit = configuration.is_enabled("MobRtrUseExplicitMode", True)
    forwarding = (facts.saw_conf("all", "forwarding"),)
    if facts.conf("all", "forwarding"):
        yield passed("it forwards", "all", evidence=forwarding)
    else:
        yield affected("forwarding is off", "all", expected="1", evidence=forwarding)
    for link in routers:
        said = (facts.saw(Key.CF, f"HomeAddress {link.address}/{link.length} ({', '.join(link.networks)})"),)
        if is_explicit and not link.networks:
            yield affected("it names no prefix in the explicit mode (143)", link.address, evidence=said)
        else:
            yield passed("its prefixes are said" if link.networks else "it names none", link.address, evidence=said)


@AREA.check(
    About(
        "MIP-312",
        "debugging that was left on",
        Severity.LOW,
        roles=ALL,
        remedy=("mip6d.conf: DebugLevel 0; and no -d",),
        reference="UMIP src/debug.c",
    )
)
def debugging(facts: Facts) -> Judgements:
    """The log then has addresses and cookies, and it is written while locks are held."""
    by_hand = of_command(facts, LEVEL)
    if by_hand:
        level, said = by_hand, facts.saw(Key.PR, f"-d {by_hand}")
    else:
        configuration = read(facts)
        level, said = str(configuration.number("DebugLevel", 0)), saw(facts, configuration, "DebugLevel", "0")
    if level == "0":
        yield passed("it is off", evidence=(said,))
    else:
        yield affected(f"the level is {level}", expected="0", evidence=(said,))


@AREA.check(
    About(
        "MIP-313",
        "options of moving and coming home that lose packets",
        Severity.LOW,
        roles=("mn",),
        needs=(Key.CF,),
        remedy=("mip6d.conf: OptimisticHandoff, MnFlushAllAtHome and NoHomeReturn disabled, as is the default",),
        reference="RFC 6275 sections 11.5.5, 10.3.1 (status 134)",
    )
)
def risky_moves(facts: Facts) -> Judgements:
    """Look for options that are off unless they are wanted.

    OptimisticHandoff sends before the home agent has answered: where it refuses, that is lost. MnFlushAllAtHome
    forgets the bindings at correspondents. NoHomeReturn keeps the registration at home, and with the home address
    on the home interface the home agent's duplicate address detection finds it (134).
    """
    configuration = read(facts)
    risks = {
        "OptimisticHandoff": "what it sends is lost where the home agent refuses",
        "MnFlushAllAtHome": "bindings at correspondents are dropped at home",
    }
    for name, what in risks.items():
        said = (saw(facts, configuration, name, "disabled"),)
        if configuration.is_enabled(name, False):
            yield likely(what, name, expected="disabled", evidence=said, by=By.CONFIGURATION)
        else:
            yield passed("it is disabled", name, evidence=said)
    name = "NoHomeReturn"
    said = (saw(facts, configuration, name, "disabled"),)
    if not configuration.is_enabled(name, False):
        yield passed("it is disabled", name, evidence=said)
        return
    at_home = list(_at_home(facts))
    if at_home:
        observed = f"{', '.join(at_home)} is on its home interface"
        yield affected(observed, name, expected="disabled", evidence=said, severity=Severity.HIGH)
    elif not home_links(configuration):
        yield unknown("there is no home link", name, evidence=said)
    else:
        yield passed("no home address is on its home interface", name, evidence=said)


def _at_home(facts: Facts) -> Iterator[str]:
    """Yield the home addresses that are on their home interfaces."""
    there = {(one.address, one.interface) for one in facts.addresses}
    for link in home_links(facts.configuration):
        if (link.address, link.interface) in there:
            yield link.address
