"""Where a mip6d.conf that mip6d takes contradicts itself, or asks for what is known not to work."""

from collections.abc import Callable, Iterator
from itertools import pairwise

from mipsh.config_files.findings import Finding, Severity
from mipsh.config_files.mip6d import ANYONE, MOST_POLICIES, HomeLink, Mip6dConf, Policy
from mipsh.config_files.options import is_in
from mipsh.config_files.tree import Place
from mipsh.wire.address import is_link_local, is_multicast
from mipsh.wire.address import text as address_text

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
SHORTEST_LIFETIME_S = 4
FIRST_TIMEOUT_S = 1.5
REGISTRATION = ("HomeRegBinding", "Mh", "any")
TUNNELS = ("TunnelMh", "TunnelPayload")
TYPED = ("HomeRegBinding", "MobPfxDisc", "TunnelHomeTesting")


def contradictions(conf: Mip6dConf) -> Iterator[Finding]:
    """Yield what does not go together."""
    for rule in RULES:
        yield from rule(conf)
    for role, rules in BY_ROLE.items():
        if conf.role == role:
            for rule in rules:
                yield from rule(conf)


def _of(conf: Mip6dConf, name: str, severity: Severity, code: str, said: tuple[str, str, str]) -> Finding:
    """Return a finding about an option at the top; ``said`` is message, advice and reference."""
    message, advice, reference = said
    return Finding(code, severity, conf.place(name), name, message, "", advice, reference)


def _at(place: Place, option: str, severity: Severity, code: str, said: tuple[str, str, str]) -> Finding:
    message, advice, reference = said
    return Finding(code, severity, place, option, message, "", advice, reference)


# Any role.


def _debug(conf: Mip6dConf) -> Iterator[Finding]:
    if conf.amount("DebugLevel") > 0:
        where = "" if conf.is_set("DebugLogFile") else ", and without DebugLogFile it stays on its terminal (MIP-213)"
        said = f"debugging is on: addresses and cookies are logged{where}", "DebugLevel 0;", "MIP-312"
        yield _of(conf, "DebugLevel", WARNING, "debug-left-on", said)
    name = conf.value("DebugLogFile")
    if name:
        relative = "" if name.startswith("/") else ", and this one is below /tmp: its name is not absolute"
        said = f"mip6d makes its log readable and writable for all{relative}", "chmod 600 it", "MIP-212"
        yield _of(conf, "DebugLogFile", WARNING if relative else INFO, "log-for-all", said)


def _cache(conf: Mip6dConf) -> Iterator[Finding]:
    if conf.flag("NonVolatileBindingCache"):
        said = "mip6d ignores it: bindings do not outlive the daemon", "remove it", "MIP-473"
        yield _of(conf, "NonVolatileBindingCache", WARNING, "no-effect", said)


def _correspondent(conf: Mip6dConf) -> Iterator[Finding]:
    if not conf.flag("DoRouteOptimizationCN"):
        said = "mobile nodes' bindings are answered with status 129, and come through their home", "", "MIP-309"
        yield _of(conf, "DoRouteOptimizationCN", INFO, "no-bindings", said)


def _reqids(conf: Mip6dConf) -> Iterator[Finding]:
    """The same reqids in two policies: states of one fit the other."""
    seen: dict[tuple[int, int], Policy] = {}
    for policy in _written_once(conf):
        pair = policy.to_agent, policy.to_node
        first = seen.setdefault(pair, policy)
        if pair != (0, 0) and first is not policy:
            message = f"reqids {pair[0]} {pair[1]} are those of {first.protects} in line {first.place.line}, too"
            said = message, "give each policy reqids of its own, and its SAs the same", "MIP-303"
            yield _at(policy.place, "IPsecPolicy", WARNING, "reqid-twice", said)


def _written_once(conf: Mip6dConf) -> list[Policy]:
    """Return the policies, those of several mobile nodes in one set once."""
    return list({policy.place: policy for policy in conf.policies}.values())


def _overlapping(conf: Mip6dConf) -> Iterator[Finding]:
    seen: dict[tuple[str, bytes, bytes], Policy] = {}
    for policy in conf.policies:
        first = seen.setdefault((policy.protects, policy.home_agent, policy.home_address), policy)
        if first is not policy:
            message = f"{policy.protects} of {address_text(policy.home_address)} is in line {first.place.line}, too"
            said = f"mip6d refuses it: {message}", "remove one", "MIP-205"
            yield _at(policy.place, "IPsecPolicy", ERROR, "overlapping-policy", said)


def _policies(conf: Mip6dConf) -> Iterator[Finding]:
    """What is known of single policies."""
    if len(conf.policies) == MOST_POLICIES:
        said = f"only {MOST_POLICIES} pairs of policy and mobile node are looked at", "give several files", ""
        yield _at(conf.policies[-1].place, "IPsecPolicySet", INFO, "too-many", said)
    for policy in _written_once(conf):
        if policy.protects == "TunnelHomeTesting":
            said = (
                "Linux from 3.19 on drops the Home Tests that this protects",
                "leave it out on such a kernel: return routability works without",
                "MIP-102",
            )
            yield _at(policy.place, "IPsecPolicy", WARNING, "home-tests-lost", said)
        if policy.protects in TYPED:
            said = (
                "Linux from 6.7 on does not match it in packets that arrive (from 6.12 on after no move: MIP-104)",
                "protect Mh and ICMP there, which have no message type",
                "MIP-101",
            )
            yield _at(policy.place, "IPsecPolicy", INFO, "typed-policy", said)
    if conf.policies and not conf.flag("UseMnHaIPsec"):
        said = "there are IPsec policies, and UseMnHaIPsec is disabled: they are not used", "enable it", "MIP-301"
        yield _of(conf, "UseMnHaIPsec", WARNING, "unused-policies", said)


def _key_management(conf: Mip6dConf) -> Iterator[Finding]:
    if not conf.flag("KeyMngMobCapability"):
        return
    if not conf.flag("UseMnHaIPsec"):
        said = "there is no IPsec whose keys could be managed", "disable it", "MIP-310"
        yield _of(conf, "KeyMngMobCapability", WARNING, "no-keys", said)
        return
    said = "it takes an IKE daemon that knows Mobile IPv6: others stall after a move", "disable it otherwise", "MIP-310"
    yield _of(conf, "KeyMngMobCapability", INFO, "needs-ike", said)


# Mobile node and home agent.


def _lifetime(name: str) -> Callable[[Mip6dConf], Iterator[Finding]]:
    """Return the rule of a lifetime: it goes over the wire in units of four seconds."""

    def rule(conf: Mip6dConf) -> Iterator[Finding]:
        seconds = conf.amount(name)
        if seconds < SHORTEST_LIFETIME_S:
            said = f"{seconds:g} s becomes 0 on the wire: each registration deregisters", "4 or more", "MIP-305"
            yield _of(conf, name, ERROR, "lifetime-zero", said)
        elif seconds % 4:
            said = f"{seconds:g} s becomes {seconds - seconds % 4:g} s: lifetimes are multiples of 4", "", "MIP-305"
            yield _of(conf, name, INFO, "lifetime-rounded", said)

    return rule


def _advertisements(conf: Mip6dConf) -> Iterator[Finding]:
    least, most = conf.amount("MinMobPfxAdvInterval"), conf.amount("MaxMobPfxAdvInterval")
    if least > most:
        said = f"the shortest interval, {least:g} s, is longer than the longest, {most:g} s", "swap them", ""
        name = "MinMobPfxAdvInterval" if conf.is_set("MinMobPfxAdvInterval") else "MaxMobPfxAdvInterval"
        yield _of(conf, name, WARNING, "interval-reversed", said)


# Mobile node.


def _registration_unprotected(conf: Mip6dConf) -> Iterator[Finding]:
    """With IPsec on and no policy for it, a mobile node sends no Binding Update."""
    for link in conf.home_links:
        if not conf.flag("UseMnHaIPsec") or link.home is None:
            continue
        fitting = [
            policy
            for policy in conf.policies
            if policy.home_address == link.home[0]
            and policy.protects in REGISTRATION
            and link.home_agent in (ANYONE, policy.home_agent)
        ]
        if not fitting:
            home = address_text(link.home[0])
            default = "" if conf.is_set("UseMnHaIPsec") else " (by default)"
            said = (
                f"UseMnHaIPsec is enabled{default}, and no IPsecPolicy protects the registration of {home}: "
                "it is never sent",
                f"add an IPsecPolicySet with {' or '.join(REGISTRATION[:2])}, or UseMnHaIPsec disabled;",
                "MIP-301",
            )
            yield _at(link.place, "MnHomeLink", ERROR, "no-policy", said)


def _wants_routes(conf: Mip6dConf) -> bool:
    """Tell whether routes are to be optimised."""
    return conf.flag("DoRouteOptimizationMN") and (
        not conf.home_links or any(link.optimises for link in conf.home_links)
    )


def _tunnelled(conf: Mip6dConf) -> Iterator[Finding]:
    for policy in _written_once(conf):
        if policy.protects not in TUNNELS or not conf.flag("UseMnHaIPsec"):
            continue
        if policy.protects == "TunnelPayload" and conf.flag("DoRouteOptimizationMN"):
            said = (
                "mip6d exits: TunnelPayload and DoRouteOptimizationMN (enabled unless disabled) exclude each other",
                "DoRouteOptimizationMN disabled;",
                "MIP-302",
            )
            yield _at(policy.place, "IPsecPolicy", ERROR, "tunnel-payload-and-ro", said)
        elif _wants_routes(conf):
            said = (
                f"{policy.protects} takes the Binding Updates to correspondents into the tunnel, where they are lost: "
                "no route is optimised",
                "remove it, or DoRouteOptimizationMN disabled;",
                "MIP-004",
            )
            yield _at(policy.place, "IPsecPolicy", WARNING, "tunnel-and-ro", said)


def _interfaces(conf: Mip6dConf) -> Iterator[Finding]:
    if conf.flag("MnUseAllInterfaces"):
        return
    used = [one for one in conf.interfaces if one.preference != 0]
    if not used:
        why = "every Interface has MnIfPreference 0" if conf.interfaces else "there is no Interface"
        said = f"{why}: no interface may have a care-of address", 'Interface "eth0";', "MIP-307"
        place = conf.interfaces[0].place if conf.interfaces else conf.whole.start
        yield _at(place, "Interface", ERROR, "no-interface", said)


def _homes(conf: Mip6dConf) -> Iterator[Finding]:
    """A mobile node's addresses among each other."""
    if not conf.home_links:
        said = "a mobile node without MnHomeLink has no home address", "add a MnHomeLink", "MIP-308"
        yield _at(conf.whole.start, "MnHomeLink", ERROR, "no-home-link", said)
    seen: dict[bytes, HomeLink] = {}
    for link in conf.home_links:
        if link.home is None:
            continue
        first = seen.setdefault(link.home[0], link)
        if first is not link:
            said = f"the home address is that of line {first.place.line}, too", "one MnHomeLink an address", "MIP-308"
            yield _at(link.place, "HomeAddress", ERROR, "home-address-twice", said)
        yield from _home(link, link.home)


def _home(link: HomeLink, home: tuple[bytes, int]) -> Iterator[Finding]:
    address = address_text(home[0])
    if is_multicast(home[0]) or is_link_local(home[0]) or home[0] == ANYONE:
        said = f"{address} cannot be a home address", "an address of the home prefix, of global scope", "MIP-308"
        yield _at(link.place, "HomeAddress", ERROR, "bad-home-address", said)
    prefix = link.home_prefix
    if prefix is not None and not is_in(home[0], prefix):
        said = f"{address} is not in HomePrefix {address_text(prefix[0])}/{prefix[1]}", "correct one", "MIP-308"
        yield _at(link.place, "HomePrefix", ERROR, "not-in-prefix", said)
    if link.home_agent == ANYONE:
        said = (
            "the home agent is to be discovered: that takes Router Advertisements with the H and R flags at home",
            "or name it: HomeAgentAddress ADDRESS;",
            "MIP-465",
        )
        yield _at(link.place, "HomeAgentAddress", INFO, "discovery", said)
    elif link.home_agent == home[0]:
        said = "the home agent's address is the home address", "correct one", "MIP-308"
        yield _at(link.place, "HomeAgentAddress", ERROR, "same-address", said)
    elif link.prefix is not None and not is_in(link.home_agent, link.prefix):
        message = f"the home agent {address_text(link.home_agent)} is not in the home prefix"
        said = message, "check the addresses and the length", "MIP-308"
        yield _at(link.place, "HomeAgentAddress", WARNING, "not-in-prefix", said)


def _routers(conf: Mip6dConf) -> Iterator[Finding]:
    for link in conf.home_links:
        if link.networks and not link.is_router:
            said = "there are mobile network prefixes, and IsMobRtr is not enabled", "IsMobRtr enabled;", "MIP-311"
            yield _at(link.place, "IsMobRtr", WARNING, "no-router", said)
        if link.is_router and not link.networks and conf.flag("MobRtrUseExplicitMode"):
            said = (
                "a mobile router in explicit mode names no prefix: it is answered with status 143",
                "HomeAddress ADDRESS/LENGTH (PREFIX/LENGTH);",
                "MIP-311",
            )
            yield _at(link.place, "HomeAddress", ERROR, "no-network", said)


def _routes(conf: Mip6dConf) -> Iterator[Finding]:
    if not conf.flag("DoRouteOptimizationMN"):
        for link in conf.home_links:
            if any(wanted for _, wanted in link.routes):
                said = (
                    "MnRoPolicy asks for route optimisation, and DoRouteOptimizationMN is disabled",
                    "DoRouteOptimizationMN enabled;",
                    "MIP-462",
                )
                yield _at(link.place, "MnRoPolicy", WARNING, "no-ro", said)
        return
    if conf.home_links and not _wants_routes(conf):
        said = "MnRoPolicy disables the routes to all", "that may be meant", "MIP-462"
        yield _at(conf.home_links[0].place, "MnRoPolicy", INFO, "no-ro", said)
    if not conf.flag("UseCnBuAck"):
        said = (
            "correspondents are not asked for an acknowledgement: one that refuses is not noticed (feeds MIP-001)",
            "UseCnBuAck enabled;",
            "MIP-306",
        )
        yield _of(conf, "UseCnBuAck", INFO, "no-acknowledgement", said)
    elif conf.amount("MnMaxCnConsecutiveResends") == 0:
        said = "a correspondent that never acknowledges is asked for ever", "MnMaxCnConsecutiveResends 5;", "MIP-306"
        yield _of(conf, "MnMaxCnConsecutiveResends", INFO, "resent-for-ever", said)


def _moves(conf: Mip6dConf) -> Iterator[Finding]:
    if conf.flag("OptimisticHandoff"):
        said = "packets are lost where the home agent refuses", "disable it unless that is accepted", "MIP-313"
        yield _of(conf, "OptimisticHandoff", INFO, "optimistic", said)
    if conf.flag("NoHomeReturn"):
        said = (
            "at home, the home agent's duplicate address detection finds the home address (status 134)",
            "",
            "MIP-313",
        )
        yield _of(conf, "NoHomeReturn", WARNING, "no-return", said)
    if conf.amount("InitialBindackTimeoutFirstReg") < FIRST_TIMEOUT_S:
        said = (
            "a second Binding Update can come while the home agent still looks for duplicates, and wedge the binding",
            f"{FIRST_TIMEOUT_S} or more",
            "MIP-202",
        )
        yield _of(conf, "InitialBindackTimeoutFirstReg", WARNING, "impatient", said)
    if conf.amount("MnRouterProbes") > 0 and conf.amount("MnRouterProbeTimeout") == 0:
        said = "routers are probed, and no time is left for an answer", "MnRouterProbeTimeout 1.0;", ""
        yield _of(conf, "MnRouterProbes", WARNING, "no-probe-time", said)


def _parameter_problems(conf: Mip6dConf) -> Iterator[Finding]:
    if not conf.flag("UseMnHaIPsec") and not conf.flag("MnDiscardHaParamProb"):
        said = (
            "a forged ICMPv6 Parameter Problem ends the home registration",
            "MnDiscardHaParamProb enabled;",
            "MIP-602",
        )
        yield _of(conf, "MnDiscardHaParamProb", INFO, "forged-errors", said)


# Home agent.


def _unprotected(conf: Mip6dConf) -> Iterator[Finding]:
    if conf.flag("UseMnHaIPsec") and any(policy.protects in REGISTRATION for policy in conf.policies):
        return
    if conf.flag("UseMnHaIPsec"):
        why = f"UseMnHaIPsec is enabled{'' if conf.is_set('UseMnHaIPsec') else ' (by default)'} without a policy for it"
        severity = ERROR
    else:
        why, severity = "UseMnHaIPsec is disabled", WARNING
    said = (
        f"{why}: Binding Updates of anyone are accepted unprotected",
        "add an IPsecPolicySet with HomeRegBinding or Mh for each mobile node",
        "MIP-301, MIP-601" if severity is ERROR else "MIP-601",
    )
    yield _of(conf, "UseMnHaIPsec", severity, "unprotected", said)


def _home_interfaces(conf: Mip6dConf) -> Iterator[Finding]:
    if not conf.interfaces:
        said = "a home agent without Interface serves every interface", 'Interface "eth0";', "MIP-307"
        yield _at(conf.whole.start, "Interface", WARNING, "every-interface", said)


def _denied(conf: Mip6dConf) -> Iterator[Finding]:
    setting = conf.setting("DefaultBindingAclPolicy")
    value = setting.value or ""
    denies = value in ("deny", "disabled", "block", "false") or (value.isdecimal() and int(value[:4]) >= 128)
    if denies and not any(one.is_allowed for one in conf.access):
        said = "nobody may register: status 129", "BindingAclPolicy HOME-ADDRESS allow;", "MIP-309"
        yield _of(conf, "DefaultBindingAclPolicy", WARNING, "nobody-allowed", said)


def _served(conf: Mip6dConf) -> Iterator[Finding]:
    networks = [(one, network) for one in conf.access for network in one.networks]
    if networks and not conf.flag("HaAcceptMobRtr"):
        said = (
            "there are mobile networks, and HaAcceptMobRtr is disabled: mobile routers are answered with status 140",
            "HaAcceptMobRtr enabled;",
            "MIP-311",
        )
        yield _at(networks[0][0].place, "BindingAclPolicy", WARNING, "no-routers", said)
    for (first, one), (second, other) in pairwise(sorted(networks, key=lambda pair: pair[1])):
        if first.home_address != second.home_address and is_in(other[0], one):
            said = (
                f"{address_text(other[0])}/{other[1]} is behind {address_text(first.home_address)}, too",
                "one mobile router a prefix",
                "MIP-311",
            )
            yield _at(second.place, "BindingAclPolicy", WARNING, "network-twice", said)


def _agents(conf: Mip6dConf) -> Iterator[Finding]:
    """The addresses in policies."""
    for policy in conf.policies:
        if policy.home_agent == policy.home_address:
            said = "the home agent's address is the home address", "correct one", "MIP-308"
            yield _at(policy.place, "IPsecPolicySet", ERROR, "same-address", said)


Rule = Callable[[Mip6dConf], Iterator[Finding]]
RULES: tuple[Rule, ...] = (_debug, _cache, _correspondent, _reqids, _overlapping, _policies, _key_management, _agents)
BY_ROLE: dict[str, tuple[Rule, ...]] = {
    "MN": (
        _lifetime("MnMaxHaBindingLife"),
        _lifetime("MnMaxCnBindingLife"),
        _registration_unprotected,
        _tunnelled,
        _interfaces,
        _homes,
        _routers,
        _routes,
        _moves,
        _parameter_problems,
    ),
    "HA": (
        _lifetime("HaMaxBindingLife"),
        _advertisements,
        _unprotected,
        _home_interfaces,
        _denied,
        _served,
    ),
}
