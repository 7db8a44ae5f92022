"""What a packet filter stops and what tunnels carry, each condition in every verdict."""

import struct
from typing import Any

import pytest
from given import address, cannot, engine, findings, link, route, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Chain, Clocks, Expression, FilterRule, Ruleset
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

HOA, COA, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2"
MOBILITY, ICMPV6, ESP, INNER = 135, 58, 50, 41
Rule = tuple[Expression, ...]


def made(name: str, /, **values: int | str | bytes) -> Expression:
    """Return an expression."""
    return Expression(name, values)


def proto(number: int) -> Rule:
    """Return ``meta l4proto NUMBER``."""
    return made("meta", dreg=1, key=16), made("cmp", sreg=1, op=0, data=bytes((number,)))


def exists(number: int) -> Rule:
    """Return ``exthdr NUMBER exists``."""
    there = made("exthdr", dreg=1, type=number, offset=0, len=1, flags=1)
    return there, made("cmp", sreg=1, op=0, data=b"\1")


def field(base: int, offset: int, *data: int) -> Rule:
    """Return a comparison of bytes of the packet."""
    one = made("payload", dreg=1, base=base, offset=offset, len=len(data))
    return one, made("cmp", sreg=1, op=0, data=bytes(data))


def tracked(bits: int) -> Rule:
    """Return ``ct state BITS``."""
    mask = struct.pack("=I", bits)
    return (
        made("ct", dreg=1, key=0),
        made("bitwise", sreg=1, dreg=1, len=4, op=0, mask=mask, xor=bytes(4)),
        made("cmp", sreg=1, op=1, data=bytes(4)),
    )


DROP, ACCEPT = made("immediate", dreg=0, verdict="drop"), made("immediate", dreg=0, verdict="accept")
KNOWN, INVALID = tracked(2 | 4), tracked(1)


def chain(*rules: Rule, hook: str = "input", policy: str = "accept", packets: int | None = None) -> Chain:
    """Return a base chain, its rules numbered from 1."""
    listed = tuple(FilterRule(number, one, packets) for number, one in enumerate(rules, 1))
    return Chain("filter", hook, "inet", hook, 0, policy, rules=listed)


def ruleset(*chains: Chain, **more: Any) -> Ruleset:
    """Return a packet filter."""
    return Ruleset(chains, **more)


def node(role: str, filters: object, earlier: Facts | None = None, **more: Any) -> Facts:
    """Return a node of a role, with its addresses and bindings."""
    tunnel = {"mn": (COA, AGENT), "ha": (AGENT, COA)}.get(role)
    own = {"mn": COA, "ha": AGENT, "cn": PEER}[role]
    ends = () if tunnel is None else (link("ip6tnl1", 5, local=tunnel[0], remote=tunnel[1], mtu=1460),)
    tables: dict[str, Any] = {"bc": (BindingCacheEntry(HOA, COA, "registered", local_address=own),)}
    if role == "mn":
        tables = {"bul": (BindingUpdateListEntry(HOA, COA, AGENT, "home"),)}
    known: dict[str, Any] = {
        "engine": engine(role),
        "AD": (address(f"{own}/64", "eth0"), address(f"{HOA}/128", "ip6tnl1", "home"), address("::1/128", "lo")),
        "TN": (link("lo", 1), link("eth0", 2), *ends),
        "XS": (),
        "NF": filters,
        **tables,
        **more,
    }
    return facts(role, earlier, **{key: value for key, value in known.items() if value is not None})


def worst(id_: str, known: Facts) -> dict[str, list[str]]:
    """Return the subjects of a check by verdict."""
    found: dict[str, list[str]] = {}
    for subject, verdict in verdicts(id_, known).items():
        found.setdefault(verdict, []).append(subject)
    return found


ROLES = ("mn", "ha", "cn")
OPEN = ruleset(chain(hook="input"), chain(hook="output"), chain(hook="forward"))
CLOSED = ruleset(*(chain(hook=hook, policy="drop") for hook in ("input", "output", "forward")))
IDS = {"MIP-501": ROLES, "MIP-502": ROLES, "MIP-503": ROLES, "MIP-504": ("mn", "ha"), "MIP-505": ROLES}
ALL = [(id_, role) for id_, roles in IDS.items() for role in roles]


@pytest.mark.parametrize(("id_", "role"), ALL)
def test_every_verdict(id_: str, role: str) -> None:
    """Nothing is filtered, all is, the filter cannot be read, is of ip6_tables; a node without Mobile IPv6."""
    esp = (state("esp", COA, AGENT, reqid=3),)
    assert set(worst(id_, node(role, OPEN, XS=esp))) == {"PASS"}
    assert set(worst(id_, node(role, ruleset(), XS=esp))) == {"PASS"}
    closed = {"N/A"} if id_ in ("MIP-502", "MIP-503") else {"AFFECTED"}
    assert set(worst(id_, node(role, CLOSED, XS=esp))) == closed
    assert verdicts(id_, node(role, cannot("NF"))) == {"": "UNKNOWN"}
    assert set(worst(id_, node(role, ruleset(legacy=("filter",)), XS=esp))) == {"UNKNOWN"}
    assert verdicts(id_, facts("", NF=OPEN)) == {"": "N/A"}
    assert verdicts(id_, node(role, OPEN, AD=())) == {"": "UNKNOWN"}
    strange = ruleset(*(chain((made("osf"), DROP), hook=hook) for hook in ("input", "output", "forward")))
    assert set(worst(id_, node(role, strange, XS=esp))) == {"UNKNOWN"}


def test_mobility_headers() -> None:
    """Each way by itself; a rule that accepts them; a rule for one type; what to do about it."""
    late = chain((*KNOWN, ACCEPT), (*proto(ICMPV6), ACCEPT), policy="drop")
    assert worst("MIP-501", node("ha", ruleset(late)))["AFFECTED"] == ["Binding Update, input"]
    assert "AFFECTED" not in worst("MIP-501", node("mn", ruleset(late)))
    accepting = chain((*KNOWN, ACCEPT), (*proto(MOBILITY), ACCEPT), policy="drop")
    assert set(worst("MIP-501", node("ha", ruleset(accepting)))) == {"PASS"}
    tests = chain((*proto(MOBILITY), *field(2, 2, 1), DROP), hook="forward")
    found = worst("MIP-501", node("ha", ruleset(tests)))
    assert found["AFFECTED"] == ["Home Test Init, forward through the tunnel"]
    finding = next(one for one in findings("MIP-501", node("ha", ruleset(late))) if one.verdict == "AFFECTED")
    assert finding.remedy == ("nft insert rule inet filter input meta l4proto 135 accept",)
    assert finding.observed == "inet filter input policy drop: it is dropped"
    assert finding.confidence == "structure"


def test_rules_of_interfaces_and_addresses() -> None:
    """That of the care-of address counts, not lo; an address that is not known leaves open what a rule does."""
    name = made("meta", dreg=1, key=6)
    lo = name, made("cmp", sreg=1, op=0, data=b"lo".ljust(16, b"\0")), ACCEPT
    eth0 = name, made("cmp", sreg=1, op=0, data=b"eth0".ljust(16, b"\0")), ACCEPT
    inner = name, made("cmp", sreg=1, op=0, data=b"ip6tnl"), ACCEPT
    assert len(worst("MIP-501", node("mn", ruleset(chain(lo, policy="drop"))))["AFFECTED"]) == 5
    only = worst("MIP-501", node("mn", ruleset(chain(lo, eth0, policy="drop"))))
    assert only["AFFECTED"] == ["Home Test, input through the tunnel"]
    assert set(worst("MIP-501", node("mn", ruleset(chain(lo, eth0, inner, policy="drop"))))) == {"PASS"}
    agent = chain((*field(1, 8, 0x20, 1, 0xD, 0xB8, 0, 1), ACCEPT), inner, policy="drop")
    assert set(worst("MIP-501", node("mn", ruleset(agent)))) == {"PASS"}
    assert set(worst("MIP-501", node("mn", ruleset(agent), bul=None))) == {"PASS", "UNKNOWN"}


def test_extension_headers() -> None:
    """Those of all types, of one type, and rules that look at the first header alone."""
    routing = ruleset(chain((*exists(43), DROP)), chain((*exists(43), DROP), hook="output"))
    for role in ROLES:
        assert set(worst("MIP-502", node(role, routing))) == {"AFFECTED"}
        assert set(worst("MIP-503", node(role, routing))) == {"PASS"}
    old = made("exthdr", dreg=1, type=43, offset=2, len=1), made("cmp", sreg=1, op=0, data=b"\0"), DROP
    assert set(worst("MIP-502", node("mn", ruleset(chain(old))))) == {"PASS"}
    first = chain((*field(1, 6, MOBILITY), ACCEPT), policy="drop")
    assert verdicts("MIP-503", node("ha", ruleset(first))) == {"Binding Update, input": "AFFECTED"}
    assert verdicts("MIP-503", node("cn", ruleset(first))) == {"Binding Update, input": "AFFECTED"}
    assert worst("MIP-501", node("ha", ruleset(first))).keys() == {"PASS"}


def test_tunnels_and_esp() -> None:
    """ESP where there are states of it."""
    esp = (state("esp", COA, AGENT, reqid=3),)
    filters = ruleset(chain((*proto(ESP), DROP)))
    assert worst("MIP-504", node("mn", filters, XS=esp))["AFFECTED"] == ["ESP, input"]
    assert worst("MIP-504", node("mn", filters))["N/A"] == ["ESP"]
    assert worst("MIP-504", node("mn", filters, XS=cannot("XS")))["UNKNOWN"] == ["ESP"]
    inner = ruleset(chain((*proto(INNER), DROP), hook="output"))
    assert worst("MIP-504", node("ha", inner))["AFFECTED"] == ["IPv6 in IPv6, output"]
    assert verdicts("MIP-504", node("cn", inner)) == {"": "N/A"}


def test_messages_of_icmpv6() -> None:
    """Connection tracking calls discovery invalid, and errors related."""
    found = worst("MIP-505", node("mn", ruleset(chain((*INVALID, DROP)))))
    assert found["AFFECTED"] == ["discovery reply (145), input", "prefix advertisement (147), input"]
    found = worst("MIP-505", node("ha", ruleset(chain((*INVALID, DROP)))))
    assert found["AFFECTED"] == ["discovery request (144), input", "prefix solicitation (146), input"]
    big = chain((*proto(ICMPV6), *field(2, 0, 2), DROP), hook="forward")
    assert worst("MIP-505", node("ha", ruleset(big)))["AFFECTED"] == ["Packet Too Big (2), forward"]
    assert set(worst("MIP-505", node("cn", ruleset(chain((*INVALID, DROP)))))) == {"PASS"}


def test_a_counter_that_rises_confirms_it() -> None:
    """In the window; one that stands still, or that was not there, does not."""

    def confidence(before: int | None, after: int | None) -> set[str | None]:
        rule = (*proto(MOBILITY), DROP)
        first = node("ha", ruleset(chain(rule, packets=before)), CK=Clocks(0.0, 100.0))
        later = node("ha", ruleset(chain(rule, packets=after)), first, CK=Clocks(0.0, 105.0))
        return {one.confidence for one in findings("MIP-501", later) if one.verdict == "AFFECTED"}

    assert confidence(3, 4) == {"behaviour"}
    assert confidence(3, 3) == confidence(None, None) == confidence(3, None) == {"structure"}


RO = {
    "mn": (state("hao", HOA, PEER, coa=COA, packets=9), state("route2", PEER, HOA, coa=COA)),
    "cn": (state("hao", HOA, PEER, coa=COA), state("route2", PEER, HOA, coa=COA, packets=9)),
}


@pytest.mark.parametrize("role", ["mn", "cn"])
def test_a_stateful_filter_beside_route_optimisation(role: str) -> None:
    """Flows that are known are accepted, and the rest is dropped, by policy or by a rule that counts."""
    stateful = ruleset(chain((*KNOWN, ACCEPT), policy="drop"))
    both = ["optimised TCP, input", "optimised TCP, output"]
    assert worst("MIP-507", node(role, stateful, XS=RO[role])) == {"LIKELY": both[:1], "PASS": both[1:]}
    assert worst("MIP-507", node(role, OPEN, XS=RO[role])) == {"PASS": both}
    assert worst("MIP-507", node(role, CLOSED, XS=RO[role])) == {"N/A": both}
    assert verdicts("MIP-507", node(role, stateful)) == {"": "N/A"}
    assert verdicts("MIP-507", node(role, stateful, XS=(state("hao"),))) == {"": "N/A"}
    assert verdicts("MIP-507", node(role, stateful, XS=cannot("XS"))) == {"": "UNKNOWN"}
    limited = ruleset(chain((*KNOWN, ACCEPT), (made("limit"), ACCEPT), policy="drop"))
    assert worst("MIP-507", node(role, limited, XS=RO[role]))["UNKNOWN"] == both[:1]
    header = exists(43 if role == "mn" else 60)
    cured = ruleset(chain((*KNOWN, ACCEPT), (*header, ACCEPT), policy="drop"))
    assert worst("MIP-507", node(role, cured, XS=RO[role])) == {"PASS": both}
    assert verdicts("MIP-507", node("ha", stateful, XS=RO[role])) == {"": "N/A"}


@pytest.mark.parametrize(("dropped", "carried", "verdict"), [(2, 5, "AFFECTED"), (0, 5, "LIKELY"), (2, 0, "LIKELY")])
def test_the_last_drop_counts_while_optimised_packets_are_sent(dropped: int, carried: int, verdict: str) -> None:
    """Both have to rise in the window."""

    def moment(packets: int, counted: int, earlier: Facts | None = None) -> Facts:
        filters = ruleset(chain((*KNOWN, ACCEPT), (DROP,), packets=counted))
        return node("mn", filters, earlier, XS=(state("hao", HOA, PEER, coa=COA, packets=packets),))

    found = verdicts("MIP-507", moment(10 + carried, 3 + dropped, moment(10, 3)))
    assert found["optimised TCP, input"] == verdict


TOO_BIG = ruleset(chain((*proto(ICMPV6), *field(2, 0, 2), DROP)))


@pytest.mark.parametrize("role", ["mn", "ha"])
@pytest.mark.parametrize(
    ("mtu", "filters", "verdict", "severity"),
    [
        (1500, OPEN, "PASS", "medium"),
        (1500, TOO_BIG, "LIKELY", "medium"),
        (1500, cannot("NF"), "UNKNOWN", "medium"),
        (1500, ruleset(legacy=("filter",)), "UNKNOWN", "medium"),
        (1400, OPEN, "LIKELY", "low"),
        (1400, TOO_BIG, "AFFECTED", "medium"),
        (1400, cannot("NF"), "LIKELY", "medium"),
    ],
)
def test_the_mtu_of_tunnels(role: str, mtu: int, filters: object, verdict: str, severity: str) -> None:
    """By what fits, and by what becomes of Packet Too Big."""
    flow = f"{AGENT} {COA}" if role == "mn" else f"{COA} {AGENT}"
    known = node(role, filters, RT=(), route_to={flow: route("::/0", "eth0", "fe80::1", mtu=mtu)})
    (found,) = findings("MIP-508", known)
    assert (found.subject, found.verdict, found.severity) == ("ip6tnl1", verdict, severity)


def test_the_mtu_of_no_tunnel() -> None:
    """None, or one whose way is not known."""
    assert verdicts("MIP-508", node("mn", OPEN, RT=(), TN=(link("eth0"),))) == {"": "N/A"}
    flow = f"{AGENT} {COA}"
    assert verdicts("MIP-508", node("mn", OPEN, RT=(), route_to={flow: None})) == {"ip6tnl1": "UNKNOWN"}
    narrow = (link("eth0", 2, mtu=1492), link("ip6tnl1", 5, local=COA, remote=AGENT, mtu=1460))
    known = node("mn", TOO_BIG, RT=(), TN=narrow, route_to={flow: route("::/0", "eth0")})
    assert verdicts("MIP-508", known) == {"ip6tnl1": "AFFECTED"}
    assert verdicts("MIP-508", node("cn", OPEN, RT=())) == {"": "N/A"}
