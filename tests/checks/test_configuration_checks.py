"""What mip6d.conf says, each condition in every verdict."""

from typing import Any

import pytest
from given import address, cannot, engine, findings, link, policy, route, state, verdicts
from given import given as facts
from msgspec import structs

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks, Configuration, Process, Setting
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, HomePrefix
from mipsh.model.xfrm import Lifetimes, State, Use

HOA, COA, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2"
NETWORK = "2001:db8:1:8000::/64"
FORWARDING = "net/ipv6/conf/all/forwarding"
NONE = {name: 0 for name in ("XfrmInStateSeqError", "XfrmInStateProtoError", "XfrmInStateExpired")}


def configuration(*settings: Setting, **options: str) -> Configuration:
    """Return mip6d.conf: statements, and options by name."""
    return Configuration("mip6d.conf", (*settings, *(Setting(name, (value,)) for name, value in options.items())))


def home(*values: str, agent: str = AGENT, interface: str = "eth0", **more: str) -> Setting:
    """Return a home link."""
    inside = {"HomeAgentAddress": (agent,), "HomeAddress": values or (f"{HOA}/64",)}
    named = inside | {name: (value,) for name, value in more.items()}
    return Setting("MnHomeLink", (interface,), tuple(Setting(name, of) for name, of in named.items()))


def protecting(*policies: str, homes: tuple[str, ...] = (HOA,)) -> Setting:
    """Return an IPsecPolicySet with policies such as ``Mh UseESP 10 11``."""
    lines = [Setting("HomeAgentAddress", (AGENT,)), *(Setting("HomeAddress", (f"{one}/64",)) for one in homes)]
    lines += [Setting("IPsecPolicy", tuple(one.split())) for one in policies]
    return Setting("IPsecPolicySet", (), tuple(lines))


def mobile(*settings: Setting, more: dict[str, Any] | None = None, **options: str) -> Facts:
    """Return what is known of a mobile node with a configuration."""
    return facts("mn", CF=configuration(*settings, **options), **(more or {}))


def agent(*settings: Setting, more: dict[str, Any] | None = None, **options: str) -> Facts:
    """Return what is known of a home agent with a configuration."""
    return facts("ha", CF=configuration(*settings, **options), **(more or {}))


def binding(care_of: str = COA, sequence: int = 1) -> BindingCacheEntry:
    """Return a home registration."""
    return BindingCacheEntry(HOA, care_of, "registered", sequence=sequence, local_address=AGENT)


@pytest.mark.parametrize(
    "id_", ["MIP-301", "MIP-302", "MIP-305", "MIP-306", "MIP-307", "MIP-308", "MIP-309", "MIP-310", "MIP-312"]
)
def test_a_file_that_is_not_whole_says_nothing(id_: str) -> None:
    """Neither one that cannot be read, nor one with faults."""
    role = "mn" if id_ not in ("MIP-309",) else "cn"
    faulty = Configuration("mip6d.conf", (), ("line 3: …",))
    assert verdicts(id_, facts(role, TN=(), CF=faulty)) == {"": "UNKNOWN"}
    assert verdicts(id_, facts(role, TN=(), CF=cannot("CF"))) == {"": "UNKNOWN"}
    assert verdicts(id_, facts("", TN=(), CF=faulty)) == {"": "N/A"}


def test_registrations_without_a_policy() -> None:
    """IPsec is on by default; a policy has to be for the home address, and of a kind that protects Binding Updates."""
    for kind in ("HomeRegBinding", "Mh", "any"):
        assert verdicts("MIP-301", mobile(home(), protecting(f"{kind} UseESP 1 2"))) == {HOA: "PASS"}
    assert verdicts("MIP-301", mobile(home())) == {"": "AFFECTED"}
    assert verdicts("MIP-301", mobile(home(), protecting("MobPfxDisc UseESP 1 2"))) == {"": "AFFECTED"}
    other = protecting("Mh UseESP 1 2", homes=("2001:db8:1::7",))
    assert verdicts("MIP-301", mobile(home(), other)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-301", mobile(home(agent="2001:db8:1::9"), protecting("Mh UseESP"))) == {HOA: "AFFECTED"}
    assert verdicts("MIP-301", mobile(home(agent="::"), protecting("Mh UseESP"))) == {HOA: "PASS"}
    assert verdicts("MIP-301", mobile(home(), UseMnHaIPsec="disabled")) == {"": "N/A"}


def test_registrations_without_a_policy_at_a_home_agent() -> None:
    """Each that there is; where that is not known, that there is a policy."""
    known = {"engine": engine("ha"), "bc": (binding(),)}
    assert verdicts("MIP-301", agent(protecting("Mh UseESP"))) == {"": "PASS"}
    assert verdicts("MIP-301", agent(protecting("Mh UseESP"), more=known)) == {HOA: "PASS"}
    other = protecting("Mh UseESP", homes=("2001:db8:1::7",))
    assert verdicts("MIP-301", agent(other, more=known)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-301", agent()) == {"": "AFFECTED"}


def test_tunnelled_payload() -> None:
    """Not together with route optimisation, which is on by default."""
    payload = protecting("TunnelPayload UseESP 5 6")
    assert verdicts("MIP-302", mobile(home(), payload)) == {"": "AFFECTED"}
    assert verdicts("MIP-302", mobile(home(), payload, DoRouteOptimizationMN="disabled")) == {"": "PASS"}
    assert verdicts("MIP-302", mobile(home(), protecting("Mh UseESP"))) == {"": "N/A"}
    assert verdicts("MIP-302", mobile(home(), payload, UseMnHaIPsec="disabled")) == {"": "N/A"}


def esp(source: str = HOA, destination: str = AGENT, reqid: int = 10, **more: Any) -> State:
    """Return an association."""
    return state("esp", source, destination, reqid=reqid, **more)


def demanding(words: str, *ends: str, **more: Any) -> Any:
    """Return an outbound policy of main with a template."""
    source, destination = ends or (f"{HOA}/128", f"{AGENT}/128")
    return policy("out", source, destination, **{"proto": "mh", "ptype": "main", "templates": (words,), **more})


@pytest.mark.parametrize(
    ("wanted", "there", "verdict"),
    [
        (demanding("esp transport reqid 10"), esp(), "PASS"),
        (demanding("esp transport reqid 10"), esp(reqid=11), "AFFECTED"),
        (demanding("esp transport reqid 10"), esp(mode="tunnel"), "AFFECTED"),
        (demanding("esp transport reqid 10"), esp(AGENT, HOA), "AFFECTED"),
        (demanding("esp transport"), esp(reqid=11), "PASS"),
        (demanding("esp transport reqid 10", f"{HOA}/128", "::/0"), esp(), "PASS"),
        (demanding("esp transport reqid 10", f"{HOA}/64", "2001:db8:7::/64"), esp(), "AFFECTED"),
        (demanding(f"esp tunnel {COA} {AGENT} reqid 10"), esp(COA, mode="tunnel"), "PASS"),
        (demanding(f"esp tunnel {COA} {AGENT} reqid 10"), esp(mode="tunnel"), "PASS"),
        (demanding(f"esp tunnel {COA} {AGENT} reqid 10"), esp("2001:db8:3::5", mode="tunnel"), "AFFECTED"),
    ],
)
def test_a_policy_has_its_association(wanted: Any, there: State, verdict: str) -> None:
    """By protocol, mode, reqid and ends; a tunnel before a move has those of the policy."""
    assert list(verdicts("MIP-303", facts("mn", XP=(wanted,), XS=(there,))).values()) == [verdict]


def test_reqids_that_are_shared() -> None:
    """By policies for different packets of the same mobile node, in the kernel or in the file."""
    updates, prefixes = demanding("esp transport reqid 10"), demanding("esp transport reqid 10", proto="icmpv6")
    known: dict[str, Any] = {"XS": (esp(),)}
    assert verdicts("MIP-303", facts("mn", XP=(updates, prefixes), **known))["reqid 10"] == "AFFECTED"
    typed = demanding("esp transport reqid 10", type=5, priority=2)
    assert "reqid 10" not in verdicts("MIP-303", facts("mn", XP=(updates, typed), **known))
    file = configuration(protecting("HomeRegBinding UseESP 10 11", "MobPfxDisc UseESP 10 11"))
    assert verdicts("MIP-303", facts("mn", XP=(updates,), CF=file, **known))["reqids 10 11"] == "AFFECTED"
    nodes = configuration(protecting("Mh UseESP 10 11"), protecting("Mh UseESP 10 11", homes=("2001:db8:1::7",)))
    assert list(verdicts("MIP-303", facts("mn", XP=(updates,), CF=nodes, **known)).values()) == ["PASS"]


def test_policies_without_ipsec() -> None:
    """None that demands it, and such as cannot be read."""
    optional = demanding("esp transport reqid 10 use")
    assert verdicts("MIP-303", facts("mn", XP=(optional, policy("out")), XS=())) == {"": "N/A"}
    assert verdicts("MIP-303", facts("mn", XP=cannot("XP"), XS=())) == {"": "UNKNOWN"}
    assert verdicts("MIP-303", facts("cn", XP=(), XS=())) == {"": "N/A"}


def counted(one: State, earlier: State | None = None, **counters: int) -> dict[str, str]:
    """Return the verdicts about an association at the end of a window, without those that are good."""
    clocks = Clocks(1_800_000_000.0, 5.0)
    before = facts("mn", XS=(earlier or one,), XT=NONE)
    now = facts("mn", before, XS=(one,), XT=NONE | counters, CK=clocks)
    return {subject: verdict for subject, verdict in verdicts("MIP-304", now).items() if verdict != "PASS"}


def test_associations_that_cannot_be_used() -> None:
    """Their hard limits, and what was refused in the window."""
    good, name = esp(spi=7), f"{HOA} to {AGENT} esp spi 0x7"
    assert counted(good) == {}
    for limits, use in (
        (Lifetimes(bytes=(None, 100)), Use(bytes=100)),
        (Lifetimes(packets=(None, 5)), Use(packets=5)),
        (Lifetimes(added_s=(0, 60)), Use(added=1_799_999_900)),
    ):
        assert counted(structs.replace(good, lifetimes=limits, use=use)) == {name: "AFFECTED"}
    young = structs.replace(good, lifetimes=Lifetimes(added_s=(0, 60)), use=Use(added=1_799_999_990))
    assert counted(young) == {}
    for field in ("replays", "too_old", "not_authentic"):
        assert counted(structs.replace(good, **{field: 3}), good) == {name: "AFFECTED"}
        assert counted(structs.replace(good, **{field: 3})) == {}
    assert counted(good, XfrmInStateSeqError=2) == {"XfrmInStateSeqError": "AFFECTED"}


def test_associations_at_one_moment() -> None:
    """Nothing is said of counters without a window; none is not applicable."""
    assert verdicts("MIP-304", facts("mn", XS=(esp(),))) == {"": "UNKNOWN"}
    assert verdicts("MIP-304", facts("mn", XS=(state("hao"),))) == {"": "N/A"}
    assert verdicts("MIP-304", facts("mn", XS=cannot("XS"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-304", facts("cn", XS=())) == {"": "N/A"}


def test_lifetimes() -> None:
    """Less than four seconds, no multiple of four, more than is granted; and the defaults."""
    assert verdicts("MIP-305", agent()) == {"HaMaxBindingLife": "PASS"}
    for seconds, severity in (("3", "high"), ("602", "info"), ("300000", "medium")):
        found = findings("MIP-305", agent(HaMaxBindingLife=seconds))[0]
        assert (found.verdict, found.severity) == ("AFFECTED", severity)
    wrong = mobile(MnMaxHaBindingLife="600", MnMaxCnBindingLife="600")
    assert verdicts("MIP-305", wrong) == {"MnMaxHaBindingLife": "PASS", "MnMaxCnBindingLife": "AFFECTED"}
    assert verdicts("MIP-305", agent(HaMaxBindingLife="ten")) == {"": "UNKNOWN"}
    assert verdicts("MIP-305", facts("cn", CF=configuration())) == {"": "N/A"}


def entry(*flags: str, **more: Any) -> BindingUpdateListEntry:
    """Return a binding at a correspondent."""
    return BindingUpdateListEntry(HOA, COA, PEER, "correspondent", "bound", kind="bul", flags=flags, **more)


def test_acknowledgements_of_correspondents() -> None:
    """What the bindings say counts; without one, what the configuration says is likely."""

    def judged(*rows: BindingUpdateListEntry, name: str = "umip", **options: str) -> dict[str, str]:
        return verdicts("MIP-306", mobile(more={"engine": engine("mn", name), "bul": rows}, **options))

    assert judged(entry()) == {PEER: "AFFECTED"}
    assert judged(entry("A", ack="ready")) == {"": "PASS"}
    assert judged(entry("A", ack="wait", retransmissions=9)) == {PEER: "AFFECTED"}
    assert judged() == {"": "LIKELY"}
    assert judged(entry(), name="kernel") == {"": "LIKELY"}
    assert judged(UseCnBuAck="enabled") == {"": "PASS"}
    assert judged(DoRouteOptimizationMN="disabled") == {"": "N/A"}


def test_interfaces() -> None:
    """Of a mobile node: one for care-of addresses; each that is named is there."""
    named = Setting("Interface", ("eth0",))
    links = {"TN": (link("lo", 1), link("eth0"))}
    assert verdicts("MIP-307", mobile(named, more=links)) == {"eth0": "PASS", "": "PASS"}
    assert verdicts("MIP-307", mobile(named, more={"TN": ()})) == {"eth0": "AFFECTED", "": "PASS"}
    assert verdicts("MIP-307", mobile(more=links)) == {"": "AFFECTED"}
    unused = Setting("Interface", ("eth0",), (Setting("MnIfPreference", ("0",)),))
    assert verdicts("MIP-307", mobile(unused, more=links)) == {"eth0": "PASS", "": "AFFECTED"}
    assert verdicts("MIP-307", mobile(more=links, MnUseAllInterfaces="enabled")) == {"": "PASS"}
    assert verdicts("MIP-307", mobile(named, more={"TN": cannot("TN")})) == {"": "UNKNOWN"}


def test_interfaces_of_a_home_agent() -> None:
    """Without a list all are served, which is of no matter where there is one."""
    one = (link("lo", 1), link("eth0"), link("ip6tnl1", 5, local=AGENT, remote=COA))
    assert verdicts("MIP-307", agent(more={"TN": one})) == {"": "PASS"}
    assert verdicts("MIP-307", agent(more={"TN": (*one, link("eth1", 3))})) == {"": "AFFECTED"}
    assert verdicts("MIP-307", agent(Setting("Interface", ("eth0",)), more={"TN": one})) == {"eth0": "PASS"}
    assert verdicts("MIP-307", facts("cn", CF=configuration(), TN=())) == {"": "N/A"}


TUNNEL = link("ip6tnl1", 5, local=COA, remote=AGENT)


@pytest.mark.parametrize(
    ("links", "more", "verdict"),
    [
        ((home(),), {}, "PASS"),
        ((home(agent="::"),), {}, "PASS"),
        ((home(agent=HOA),), {}, "AFFECTED"),
        ((home(agent="2001:db8:9::1"),), {}, "AFFECTED"),
        ((home(agent="2001:db8:9::1", HomePrefix="2001:db8::/32"),), {}, "PASS"),
        ((home(HomePrefix="2001:db8:7::/64"),), {}, "AFFECTED"),
        ((home(), home(interface="eth1")), {}, "AFFECTED"),
        ((home(),), {"AD": (address(HOA, "ip6tnl1"),)}, "PASS"),
        ((home(),), {"AD": (address(HOA, "eth1"),)}, "AFFECTED"),
        ((home(),), {"RT": (route("2001:db8:1::/64", "eth0", protocol=2),)}, "PASS"),
        ((home(),), {"RT": (route("2001:db8:1::/56", "eth0", protocol=2),)}, "AFFECTED"),
        ((home(),), {"RT": (route("2001:db8:1::/56", "eth1", protocol=2),)}, "PASS"),
    ],
)
def test_home_addresses(links: tuple[Setting, ...], more: dict[str, Any], verdict: str) -> None:
    """The home agent's prefix, no foreign interface, no other length than is advertised."""
    known = {"AD": (), "RT": (), "TN": (link("eth0"), TUNNEL), **more}
    assert verdicts("MIP-308", mobile(*links, more=known)) == {HOA: verdict}


def test_home_addresses_that_are_not_known() -> None:
    """None in the file, and sources that cannot be read."""
    assert verdicts("MIP-308", mobile()) == {"": "AFFECTED"}
    assert verdicts("MIP-308", mobile(home(), more={"AD": (), "RT": ()})) == {"": "UNKNOWN"}
    assert verdicts("MIP-308", facts("cn", CF=configuration())) == {"": "N/A"}


def at_agent(before: BindingCacheEntry | None, now: BindingCacheEntry | None, **more: Any) -> dict[str, str]:
    """Return the verdicts of a home agent at the end of a window."""
    earlier = facts("ha", bc=() if before is None else (before,))
    return verdicts("MIP-308", facts("ha", earlier, bc=() if now is None else (now,), **more))


def test_home_addresses_that_two_nodes_have() -> None:
    """The care-of address changes, and the sequence number is none that would come next."""
    other = "2001:db8:3::5"
    assert at_agent(binding(), binding()) == {HOA: "PASS"}
    assert at_agent(binding(), binding(other, 2)) == {HOA: "PASS"}
    assert at_agent(binding(sequence=65535), binding(other, 0)) == {HOA: "PASS"}
    assert at_agent(binding(), binding(other, 30_000)) == {HOA: "LIKELY"}
    assert at_agent(binding(sequence=30_000), binding(other, 1)) == {HOA: "LIKELY"}
    assert at_agent(None, None) == {"": "N/A"}
    assert verdicts("MIP-308", facts("ha", bc=(binding(),))) == {"": "UNKNOWN"}


def test_home_addresses_at_a_home_agent() -> None:
    """Those of the file are in a home prefix."""
    prefix = (HomePrefix("eth0", f"{AGENT}/64"),)
    inside, outside = configuration(protecting("Mh UseESP")), configuration(protecting(homes=("2001:db8:7::1",)))
    assert at_agent(None, None, CF=inside, pl=prefix) == {HOA: "PASS", "": "N/A"}
    assert at_agent(None, None, CF=outside, pl=prefix) == {"": "N/A"}
    outside = configuration(protecting("Mh UseESP", homes=("2001:db8:7::1",)))
    assert at_agent(None, None, CF=outside, pl=prefix) == {"2001:db8:7::1": "AFFECTED", "": "N/A"}


def test_whom_the_configuration_refuses() -> None:
    """As a correspondent, in general and by home address; as a home agent by its access list."""
    here = "as a correspondent"
    assert verdicts("MIP-309", mobile()) == {here: "PASS"}
    assert verdicts("MIP-309", mobile(DoRouteOptimizationCN="false")) == {here: "AFFECTED"}
    lines = Setting("CnBindingPolicySet", (), (Setting(HOA, ("disabled",)), Setting(PEER, (AGENT, "enabled"))))
    assert verdicts("MIP-309", facts("cn", CF=configuration(lines))) == {here: "PASS", HOA: "AFFECTED"}
    assert verdicts("MIP-309", agent()) == {here: "PASS", "others": "PASS"}
    for word, verdict in (("allow", "PASS"), ("0", "PASS"), ("deny", "AFFECTED"), ("130", "AFFECTED")):
        listed = Setting("BindingAclPolicy", (HOA, word))
        assert verdicts("MIP-309", agent(listed))[HOA] == verdict
    assert verdicts("MIP-309", agent(DefaultBindingAclPolicy="deny"))["others"] == "LIKELY"


def test_key_management() -> None:
    """With an IKE daemon, and without; waiting at an address that is gone."""
    running = (Process(9, "charon", is_here=True),)
    wanted = configuration(KeyMngMobCapability="enabled")
    waiting = BindingUpdateListEntry(HOA, COA, AGENT, "home", ack="wait")
    there: dict[str, Any] = {"engine": engine("mn"), "bul": (waiting,), "AD": (address(COA),), "CF": wanted}
    assert verdicts("MIP-310", facts("mn", PR_ike=running, **there)) == {"": "PASS"}
    assert verdicts("MIP-310", facts("mn", PR_ike=(), **there)) == {"": "AFFECTED"}
    assert verdicts("MIP-310", facts("mn", PR_ike=running, **there | {"AD": ()})) == {HOA: "AFFECTED"}
    assert verdicts("MIP-310", facts("ha", PR_ike=running, CF=wanted)) == {"": "PASS"}
    assert verdicts("MIP-310", facts("ha", CF=wanted)) == {"": "UNKNOWN"}
    assert verdicts("MIP-310", facts("ha", CF=configuration())) == {"": "N/A"}


def test_mobile_routers() -> None:
    """They forward, and name their prefixes unless in the implicit mode."""
    on, off = {"SY": {FORWARDING: 1}}, {"SY": {FORWARDING: 0}}
    router = home(f"{HOA}/64", NETWORK, IsMobRtr="enabled")
    bare = home(IsMobRtr="enabled")
    assert verdicts("MIP-311", mobile(router, more=on)) == {"all": "PASS", HOA: "PASS"}
    assert verdicts("MIP-311", mobile(router, more=off)) == {"all": "AFFECTED", HOA: "PASS"}
    assert verdicts("MIP-311", mobile(bare, more=on)) == {"all": "PASS", HOA: "AFFECTED"}
    assert verdicts("MIP-311", mobile(bare, more=on, MobRtrUseExplicitMode="disabled"))[HOA] == "PASS"
    assert verdicts("MIP-311", mobile(home(), more=off)) == {"": "N/A"}
    assert verdicts("MIP-311", mobile(router)) == {"": "UNKNOWN"}


def test_home_agents_of_mobile_routers() -> None:
    """They accept them, list their prefixes, and serve that of a home address in one."""
    listed, within = Setting("BindingAclPolicy", (HOA, NETWORK, "allow")), "2001:db8:1:8000::1"
    inside = Setting("BindingAclPolicy", (within, NETWORK, "allow"))
    accepting: dict[str, Any] = {"HaAcceptMobRtr": "enabled"}
    assert verdicts("MIP-311", agent(listed, **accepting)) == {HOA: "PASS"}
    assert verdicts("MIP-311", agent(listed)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-311", agent(inside, **accepting)) == {within: "AFFECTED"}
    assert verdicts("MIP-311", agent(inside, HaServedPrefix="2001:db8:1:8000::/48", **accepting)) == {within: "PASS"}
    assert verdicts("MIP-311", agent(**accepting)) == {"": "LIKELY"}
    assert verdicts("MIP-311", agent()) == {"": "N/A"}


def test_debugging() -> None:
    """What the daemon was started with counts more than its file."""
    assert verdicts("MIP-312", mobile()) == {"": "PASS"}
    assert verdicts("MIP-312", mobile(DebugLevel="7")) == {"": "AFFECTED"}
    by_hand = {"PR": (Process(7, "mip6d", ("mip6d", "-d", "3"), True),)}
    assert verdicts("MIP-312", mobile(more=by_hand, DebugLevel="0")) == {"": "AFFECTED"}
    quiet = {"PR": (Process(7, "mip6d", ("mip6d", "-d", "0"), True),)}
    assert verdicts("MIP-312", mobile(more=quiet, DebugLevel="3")) == {"": "PASS"}


def test_moves_that_lose_packets() -> None:
    """Options that are off by default; the last one is bad where the home address is at home."""
    names = "OptimisticHandoff", "MnFlushAllAtHome", "NoHomeReturn"
    assert verdicts("MIP-313", mobile(home())) == dict.fromkeys(names, "PASS")
    for name in names[:2]:
        enabled: dict[str, Any] = {name: "enabled"}
        assert verdicts("MIP-313", mobile(home(), **enabled))[name] == "LIKELY"
    at_home, away = {"AD": (address(HOA, "eth0"),)}, {"AD": (address(HOA, "ip6tnl1"),)}
    stays: dict[str, Any] = {"NoHomeReturn": "enabled"}
    assert verdicts("MIP-313", mobile(home(), more=at_home, **stays))["NoHomeReturn"] == "AFFECTED"
    assert verdicts("MIP-313", mobile(home(), more=away, **stays))["NoHomeReturn"] == "PASS"
    assert verdicts("MIP-313", mobile(more=away, **stays))["NoHomeReturn"] == "UNKNOWN"
    assert verdicts("MIP-313", mobile(home(), **stays))[""] == "UNKNOWN"
    assert verdicts("MIP-313", facts("ha", CF=configuration())) == {"": "N/A"}
