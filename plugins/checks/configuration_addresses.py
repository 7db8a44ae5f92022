"""Checks of the interfaces and addresses that mip6d.conf names, against those that the node has."""

from collections import Counter
from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed
from mipsh.checks.facts import MOBILE_NODE, Facts
from mipsh.checks.sources import Configuration, Key, Route, Setting
from mipsh.model.address import within
from mipsh.model.findings import By, Severity
from mipsh.model.records import BindingCacheEntry
from mipsh.plugins.checks.configuration_words import (
    ANYONE,
    HOST,
    HomeLink,
    home_links,
    is_in_any,
    protected,
    read,
    registered,
    saw,
)

AREA = Area("configuration", "")
LOOPBACK = 1
"""The number of lo."""
UNUSED = ("MnIfPreference", ("0",))
MAIN, BY_KERNEL, BY_RA = 254, 2, 9
SEQUENCES, MOST_AHEAD = 1 << 16, 16
"""How many sequence numbers there are, and by how many an update may be ahead of one that was seen before."""


@AREA.check(
    About(
        "MIP-307",
        "no list of interfaces, or one with an interface that is not there",
        Severity.HIGH,
        roles=("mn", "ha"),
        needs=(Key.CF, Key.TN),
        remedy=('mip6d.conf: Interface "IF";', "ip -br link"),
        reference="UMIP mip6d.conf(5)",
        boot=True,
    )
)
def interfaces(facts: Facts) -> Judgements:
    """A mobile node without Interface, or MnUseAllInterfaces, has no interface for a care-of address.

    A home agent without Interface serves all interfaces but lo, those towards the Internet too.
    """
    configuration = read(facts)
    named = [one for one in configuration.every("Interface") if one.values]
    there = {link.name for link in facts.links}
    for one in named:
        name = one.values[0]
        said = (facts.saw(Key.CF, f'Interface "{name}"'), facts.saw(Key.TN, ", ".join(sorted(there))))
        if name in there:
            yield passed("it is there", name, evidence=said)
        else:
            yield affected("there is no such interface", name, expected="an interface", evidence=said)
    if facts.role == MOBILE_NODE:
        yield from _usable(facts, configuration, named)
    elif not named:
        others = [link.name for link in facts.links if link.index != LOOPBACK and link.tunnel is None]
        said = (facts.saw(Key.CF, "Interface (not set)"), facts.saw(Key.TN, ", ".join(others)))
        if len(others) > 1:
            yield affected("all interfaces are served", evidence=said, severity=Severity.MEDIUM)
        else:
            yield passed("there is one interface only", evidence=said)


def _usable(facts: Facts, configuration: Configuration, named: list[Setting]) -> Judgements:
    """Judge whether a mobile node may have a care-of address anywhere."""
    used = [one for one in named if not any((line.name, line.values) == UNUSED for line in one.block)]
    said = (saw(facts, configuration, "MnUseAllInterfaces", "disabled"),)
    if configuration.is_enabled("MnUseAllInterfaces", False) or used:
        yield passed("there is one for care-of addresses", evidence=said)
    else:
        yield affected("no interface is for care-of addresses", expected="one", evidence=said)


@AREA.check(
    About(
        "MIP-308",
        "addresses that do not fit each other",
        Severity.HIGH,
        roles=("mn", "ha"),
        remedy=("mip6d.conf: correct HomeAddress, its length, and HomeAgentAddress", "one home address a mobile node"),
        reference="RFC 6275 sections 10.3.1, 11.7.1",
        windowed=True,
        watches=(Key.VT,),
    )
)
def addresses(facts: Facts) -> Judgements:
    """A home address lies in the home prefix, is not the home agent's, and is on no foreign interface.

    At a home agent: two mobile nodes with one home address take it from each other again and again: the care-of
    address changes, and the sequence number jumps.
    """
    if facts.role == MOBILE_NODE:
        yield from _home_addresses(facts)
        return
    configured = (
        sorted({home for one in protected(read(facts)) for home in one.homes}) if facts.can_read(Key.CF) else ()
    )
    prefixes = tuple(row.prefix for row in facts.prefixes) if configured else ()
    for home in configured:
        said = (facts.saw(Key.CF, f"HomeAddress {home}"), facts.saw(Key.VT, ", ".join(prefixes), "prefixes"))
        if is_in_any(home, prefixes):
            yield passed("it is in a home prefix", home, evidence=said)
        else:
            yield affected("it is in no home prefix", home, expected=", ".join(prefixes), evidence=said)
    yield from _taken_from_each_other(facts)


def _home_addresses(facts: Facts) -> Judgements:
    links = home_links(read(facts))
    if not links:
        yield affected(
            "there is no MnHomeLink with a HomeAddress", expected="one", evidence=(facts.saw(Key.CF, "none"),)
        )
    often = Counter(link.address for link in links)
    for link in links:
        wrong = list(_wrong(facts, link))
        said = (facts.saw(Key.CF, f"HomeAgentAddress {link.agent}, HomeAddress {link.address}/{link.length}"),)
        if often[link.address] > 1:
            wrong.append("two home links have it")
        if wrong:
            yield affected("; ".join(wrong), link.address, evidence=said)
        else:
            yield passed("it fits", link.address, evidence=said)


def _wrong(facts: Facts, link: HomeLink) -> Iterator[str]:
    """Yield what does not fit a home address."""
    if link.agent == link.address:
        yield "it is the home agent's, too"
    elif link.agent != ANYONE and not within(link.agent, link.home_prefix):
        yield f"the home agent {link.agent} is not in {link.home_prefix}"
    if link.prefix and not within(link.address, link.prefix):
        yield f"it is not in {link.prefix}"
    tunnels = {one.name for one in facts.tunnels}
    for one in facts.addresses:
        if one.address == link.address and one.interface not in tunnels and one.interface != link.interface:
            yield f"it is on {one.interface}, which is not its home interface"
    for route in facts.routes:
        if _is_on_link(route, link) and route.length != link.length:
            yield f"its prefix is advertised as /{route.length}, not /{link.length}"


def _is_on_link(route: Route, link: HomeLink) -> bool:
    """Tell whether a route is that of the home prefix on the home link, as its routers advertise it."""
    return (
        (route.interface, route.table, route.gateway) == (link.interface, MAIN, "")
        and route.protocol in (BY_KERNEL, BY_RA)
        and 0 < route.length < HOST
        and within(link.address, f"{route.destination}/{route.length}")
    )


def _taken_from_each_other(facts: Facts) -> Judgements:
    before = {(row.home_address, row.local_address): row for row in registered(facts.earlier)}
    rows = registered(facts)
    if not rows:
        yield not_applicable("there is no home registration now")
    for row in rows:
        was = before.get((row.home_address, row.local_address), row)
        said = (facts.saw(Key.VT, f"coa {was.care_of_address}, then {row.care_of_address}", "binding_cache"),)
        if was.care_of_address != row.care_of_address and _jumped(was, row):
            yield likely("two nodes may have it: its sequence jumped", row.home_address, evidence=said, by=By.BEHAVIOUR)
        else:
            yield passed("one node has it", row.home_address, evidence=said)


def _jumped(was: BindingCacheEntry, row: BindingCacheEntry) -> bool:
    """Tell whether a sequence number is none that the same node would send next."""
    if was.sequence is None or row.sequence is None:
        return False
    return (row.sequence - was.sequence) % SEQUENCES > MOST_AHEAD
