"""What two files say that does not go together: of a mobile node and its home agent, of a home agent and radvd."""

from collections.abc import Iterator, Sequence

from mipsh.config_files.findings import Finding, Severity
from mipsh.config_files.mip6d import ANYONE, Access, HomeLink, Mip6dConf, Policy
from mipsh.config_files.options import cut, is_in
from mipsh.config_files.radvd import Interface, RadvdConf
from mipsh.config_files.tree import Place
from mipsh.wire.address import text as address_text

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def between(confs: Sequence[Mip6dConf | RadvdConf]) -> Iterator[Finding]:
    """Yield what does not go together among files that were given together."""
    daemons = [conf for conf in confs if isinstance(conf, Mip6dConf)]
    nodes = [conf for conf in daemons if conf.role == "MN"]
    agents = [conf for conf in daemons if conf.role == "HA"]
    advertisers = [conf for conf in confs if isinstance(conf, RadvdConf)]
    for agent in agents:
        for node in nodes:
            yield from _node_and_agent(node, agent)
        for advertiser in advertisers:
            yield from _agent_and_advertiser(agent, advertiser)
    for node in nodes:
        for advertiser in advertisers:
            yield from _node_and_advertiser(node, advertiser)
    for position, node in enumerate(nodes):
        for other in nodes[position + 1 :]:
            yield from _nodes(node, other)


def _said(severity: Severity, code: str, place: Place, option: str, said: tuple[str, str, str]) -> Finding:
    return Finding(code, severity, place, option, said[0], "", said[1], said[2])


def _nodes(one: Mip6dConf, other: Mip6dConf) -> Iterator[Finding]:
    """Two mobile nodes with one home address."""
    taken = {link.home[0]: link for link in one.home_links if link.home is not None}
    for link in other.home_links:
        if link.home is not None and link.home[0] in taken:
            first = taken[link.home[0]].place
            said = (
                f"{address_text(link.home[0])} is the home address at {first}, too: the binding goes to and fro",
                "a home address for each mobile node",
                "MIP-308",
            )
            yield _said(ERROR, "home-address-twice", link.place, "HomeAddress", said)


def _node_and_agent(node: Mip6dConf, agent: Mip6dConf) -> Iterator[Finding]:
    if node.flag("UseMnHaIPsec") != agent.flag("UseMnHaIPsec"):
        here, there = ("enabled" if conf.flag("UseMnHaIPsec") else "disabled" for conf in (node, agent))
        said = (
            f"UseMnHaIPsec is {here} on the mobile node, and {there} on the home agent ({agent.place('UseMnHaIPsec')})",
            "the same on both",
            "MIP-301",
        )
        yield _said(ERROR, "ipsec-differs", node.place("UseMnHaIPsec"), "UseMnHaIPsec", said)
    elif node.flag("UseMnHaIPsec"):
        yield from _pair_of_policies(node, agent)
    asked, granted = node.amount("MnMaxHaBindingLife"), agent.amount("HaMaxBindingLife")
    if asked > granted:
        said = (
            f"{asked:g} s are asked for, and the home agent grants {granted:g} s ({agent.place('HaMaxBindingLife')})",
            "that is fine, unless it was not meant",
            "MIP-305",
        )
        yield _said(INFO, "lifetime-capped", node.place("MnMaxHaBindingLife"), "MnMaxHaBindingLife", said)
    if node.flag("KeyMngMobCapability") != agent.flag("KeyMngMobCapability"):
        said = "KeyMngMobCapability is not the same on the home agent", "the same on both", "MIP-310"
        yield _said(WARNING, "keys-differ", node.place("KeyMngMobCapability"), "KeyMngMobCapability", said)
    access = {one.home_address: one for one in agent.access}
    for link in node.home_links:
        if link.home is not None:
            yield from _admission(link, link.home, agent, access.get(link.home[0]))


def _pair_of_policies(node: Mip6dConf, agent: Mip6dConf) -> Iterator[Finding]:
    """Policies are for a home address and a home agent: what one protects, the other protects, too."""
    homes = {link.home[0] for link in node.home_links if link.home is not None}
    theirs = {(one.protects, one.home_address, one.home_agent): one for one in agent.policies}
    ours = {(one.protects, one.home_address, one.home_agent): one for one in node.policies}
    for key, policy in ours.items():
        if key not in theirs:
            yield _alone(policy, "home agent", agent.whole.path)
            continue
        yield from _compared(policy, theirs[key])
    for key, policy in theirs.items():
        if key not in ours and policy.home_address in homes:
            yield _alone(policy, "mobile node", node.whole.path)


def _alone(policy: Policy, other: str, path: str) -> Finding:
    said = (
        f"{policy.protects} for {address_text(policy.home_address)} at {address_text(policy.home_agent)} has no "
        f"counterpart on the {other} ({path}): what one protects, the other drops",
        "write the same IPsecPolicySet on both",
        "MIP-303",
    )
    return _said(ERROR, "policy-alone", policy.place, "IPsecPolicy", said)


def _compared(policy: Policy, other: Policy) -> Iterator[Finding]:
    ours, theirs = (policy.to_agent, policy.to_node), (other.to_agent, other.to_node)
    if ours != theirs:
        swapped = " (they are swapped: the first is to the home agent on both)" if ours == theirs[::-1] else ""
        said = (
            f"reqids {ours[0]} {ours[1]} of {policy.protects} are {theirs[0]} {theirs[1]} at {other.place}{swapped}",
            "the same on both, and in the SAs (setkey -u, ip xfrm reqid)",
            "MIP-303",
        )
        yield _said(ERROR, "reqid-mismatch", policy.place, "IPsecPolicy", said)
    if set(policy.protocols) != set(other.protocols) or policy.is_allowed != other.is_allowed:
        said = f"{policy.protects} is not the same at {other.place}", "the same on both", "MIP-303"
        yield _said(ERROR, "policy-differs", policy.place, "IPsecPolicy", said)


def _admission(link: HomeLink, home: tuple[bytes, int], agent: Mip6dConf, named: Access | None) -> Iterator[Finding]:
    """Whether the home agent would accept the mobile node."""
    address = address_text(home[0])
    denies = (agent.value("DefaultBindingAclPolicy") or "") in ("deny", "disabled", "block", "false")
    if denies if named is None else not named.is_allowed:
        at = named.place if named is not None else agent.place("DefaultBindingAclPolicy")
        said = f"the home agent denies {address} ({at}): status 129", "BindingAclPolicy ADDRESS allow; there", "MIP-309"
        yield _said(ERROR, "denied", link.place, "HomeAddress", said)
    if not link.is_router:
        return
    if not agent.flag("HaAcceptMobRtr"):
        at = agent.place("HaAcceptMobRtr")
        said = f"the home agent serves no mobile routers ({at}): status 140", "HaAcceptMobRtr enabled; there", "MIP-311"
        yield _said(ERROR, "router-refused", link.place, "IsMobRtr", said)
        return
    allowed = () if named is None else named.networks
    for network in link.networks:
        if not any(network[1] >= one[1] and is_in(network[0], one) for one in allowed):
            said = (
                f"{address_text(network[0])}/{network[1]} is not among the prefixes of {address} there: status 142",
                f"BindingAclPolicy {address} (PREFIX/LENGTH) allow; there",
                "MIP-311",
            )
            yield _said(ERROR, "network-refused", link.place, "HomeAddress", said)


def _agent_and_advertiser(agent: Mip6dConf, advertiser: RadvdConf) -> Iterator[Finding]:
    advertised = advertiser.by_name
    for wanted in agent.interfaces:
        found = advertised.get(wanted.name)
        if found is None:
            said = (
                f"radvd advertises nothing on {wanted.name} ({advertiser.whole.path}): registrations get status 132",
                f"interface {wanted.name} {{ AdvSendAdvert on; AdvHomeAgentFlag on; … }};",
                "MIP-403",
            )
            yield _said(ERROR, "not-advertised", wanted.place, "Interface", said)
        else:
            yield from _home_interface(agent, found)
    known = {prefix.address for one in advertiser.interfaces for prefix in one.prefixes if prefix.router_address}
    for policy in {policy.home_agent: policy for policy in agent.policies}.values():
        if known and policy.home_agent not in known:
            address = address_text(policy.home_agent)
            said = f"radvd does not advertise {address} with AdvRouterAddr", f"prefix {address}/LENGTH", "MIP-404"
            yield _said(WARNING, "no-router-address", policy.place, "IPsecPolicySet", said)


def _home_interface(agent: Mip6dConf, one: Interface) -> Iterator[Finding]:
    name = f"interface {one.name}"
    if not one.home_agent:
        said = (
            "without the H flag mip6d learns no home prefix: registrations get status 132",
            "AdvHomeAgentFlag on;",
            "MIP-403",
        )
        yield _said(ERROR, "no-home-agent-flag", one.place, f"{name} AdvHomeAgentFlag", said)
    if not one.sends:
        yield _said(
            ERROR, "not-sent", one.place, f"{name} AdvSendAdvert", ("it is off", "AdvSendAdvert on;", "MIP-403")
        )
    if agent.flag("HaAcceptMobRtr") and not one.serves_routers:
        said = "the home agent serves mobile routers, and does not say so", "AdvMobRtrSupportFlag on;", "MIP-311"
        yield _said(WARNING, "routers-not-told", one.place, f"{name} AdvMobRtrSupportFlag", said)
    longest = agent.amount("HaMaxBindingLife")
    if one.home_agent_lifetime_s < longest and agent.is_set("HaMaxBindingLife"):
        said = f"the home agent's lifetime is shorter than bindings may be ({longest:g} s)", "", "MIP-405"
        yield _said(INFO, "agent-expires", one.place, f"{name} HomeAgentLifetime", said)
    for prefix in one.prefixes:
        if prefix.valid_s < longest and agent.is_set("HaMaxBindingLife"):
            said = f"valid for {prefix.valid_s:g} s: no binding lasts {longest:g} s", "", "MIP-305"
            yield _said(INFO, "prefix-expires", prefix.place, f"{name} prefix", said)


def _node_and_advertiser(node: Mip6dConf, advertiser: RadvdConf) -> Iterator[Finding]:
    """The home prefix of the mobile node as its home network advertises it, where that is the one advertised."""
    for link in node.home_links:
        if link.home is None:
            continue
        for prefix in (prefix for one in advertiser.interfaces for prefix in one.prefixes):
            is_same = cut(prefix.address, prefix.length) == cut(link.home[0], prefix.length)
            if is_same and prefix.length != link.home[1]:
                message = f"the home address has length {link.home[1]}, and the prefix advertised {prefix.length}"
                said = f"{message} ({prefix.place})", "the same in both", "MIP-308"
                yield _said(ERROR, "length-differs", link.place, "HomeAddress", said)
            if is_same and link.home_agent not in (ANYONE, prefix.address) and prefix.router_address:
                message = f"HomeAgentAddress is {address_text(link.home_agent)}"
                said = f"{message}, and {address_text(prefix.address)} is advertised", "check the address", "MIP-308"
                yield _said(WARNING, "agent-differs", link.place, "HomeAgentAddress", said)
