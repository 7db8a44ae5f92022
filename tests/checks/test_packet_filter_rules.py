"""What rulesets do with packets that are not sent: by hand, and against the kernel's own verdicts elsewhere."""

import struct
from collections.abc import Sequence

import pytest

from mipsh.checks.filter_trial import Port, Trial
from mipsh.checks.packet_filter import Decision, Hook, Outcome, PacketFilter
from mipsh.checks.sources import Chain, Element, Expression, FilterRule, Ruleset
from mipsh.wire.address import parse
from mipsh.wire.extension import DestinationOptions, FragmentHeader, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.packet import Packet, Payload

HOA, COA, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"
UPDATE = Payload(135, bytes((59, 1, 5, 0)) + bytes(12))
OPTION = carrying(HomeAddress(parse(HOA)))
ETH0 = Port("eth0", 2)
L4PROTO, NFPROTO, IIFNAME, OIFNAME, IIF = 16, 15, 6, 7, 4


def trial(upper: Payload = UPDATE, *headers: DestinationOptions | Type2RoutingHeader | FragmentHeader) -> Trial:
    """Return a packet from a peer that came in on eth0 and began a flow."""
    return Trial(Packet(parse(PEER), parse(COA), upper, headers).encode(), ETH0, None, "new")


def made(name: str, /, **values: int | str | bytes) -> Expression:
    """Return an expression."""
    return Expression(name, {key.rstrip("_"): value for key, value in values.items()})


def cmp(data: bytes, op: int = 0) -> Expression:
    """Return a comparison of register 1."""
    return made("cmp", sreg=1, op=op, data=data)


def verdict(word: str, chain: str = "") -> Expression:
    """Return a verdict."""
    return made("immediate", dreg=0, verdict=word, chain=chain)


def proto(number: int) -> tuple[Expression, Expression]:
    """Return ``meta l4proto NUMBER``."""
    return made("meta", dreg=1, key=L4PROTO), cmp(bytes((number,)))


def payload(base: int, offset: int, data: bytes, op: int = 0) -> tuple[Expression, Expression]:
    """Return a comparison of bytes of the packet."""
    return made("payload", dreg=1, base=base, offset=offset, len=len(data)), cmp(data, op)


def exists(number: int, is_there: bool = True) -> tuple[Expression, Expression]:
    """Return ``exthdr NUMBER exists``."""
    return made("exthdr", dreg=1, type=number, offset=0, len=1, flags=1), cmp(bytes((is_there,)))


def field(number: int, offset: int, data: bytes) -> tuple[Expression, Expression]:
    """Return a comparison of a field of an extension header."""
    return made("exthdr", dreg=1, type=number, offset=offset, len=len(data)), cmp(data)


def state(bits: int) -> tuple[Expression, Expression, Expression]:
    """Return ``ct state BITS``."""
    return (
        made("ct", dreg=1, key=0),
        made("bitwise", sreg=1, dreg=1, len=4, op=0, mask=struct.pack("=I", bits), xor=bytes(4)),
        cmp(bytes(4), 1),
    )


DROP, ACCEPT, RETURN = verdict("drop"), verdict("accept"), verdict("return")
LIMIT, COUNTER = made("limit"), made("counter", packets=0)
Rules = Sequence[Sequence[Expression]]


def chain(rules: Rules, name: str = "input", hook: str = "input", policy: str = "accept", priority: int = 0) -> Chain:
    """Return a chain, its rules numbered from 1."""
    listed = tuple(FilterRule(number, tuple(one)) for number, one in enumerate(rules, 1))
    return Chain("filter", name, "inet", hook, priority, policy, rules=listed)


def decide(one: Trial, /, *chains: Chain, hook: Hook = Hook.INPUT, **sets: tuple[Element, ...]) -> Decision:
    """Return what becomes of a packet."""
    named = {("inet", "filter", name): listed for name, listed in sets.items()}
    return PacketFilter(Ruleset(chains, named)).decide(hook, one)


def rule_of(decision: Decision) -> int | None:
    """Return the handle of the rule that decided; None for a policy."""
    assert decision.place is not None
    return decision.place.rule.handle if decision.place.rule is not None else None


@pytest.mark.parametrize(
    ("expressions", "matches"),
    [
        ((), True),
        ((COUNTER, *proto(135)), True),
        (proto(58), False),
        ((made("meta", dreg=1, key=NFPROTO), cmp(b"\x0a")), True),
        ((made("meta", dreg=1, key=NFPROTO), cmp(b"\x02")), False),
        ((made("meta", dreg=1, key=IIFNAME), cmp(b"eth0".ljust(16, b"\0"))), True),
        ((made("meta", dreg=1, key=IIFNAME), cmp(b"et")), True),
        ((made("meta", dreg=1, key=IIFNAME), cmp(b"lo".ljust(16, b"\0"))), False),
        ((made("meta", dreg=1, key=OIFNAME), cmp(bytes(16))), True),
        ((made("meta", dreg=1, key=IIF), cmp(struct.pack("=I", 2))), True),
        (payload(1, 6, b"\x3c"), True),
        (payload(1, 6, b"\x87"), False),
        (payload(1, 8, parse(PEER)), True),
        (payload(1, 8, parse(HOA)), False),
        (payload(1, 8, bytes.fromhex("20010db8")), True),
        (payload(2, 2, b"\x05"), True),
        (payload(2, 2, b"\x04", op=2), False),
        (payload(2, 2, b"\x06", op=2), True),
        (payload(2, 2, b"\x05", op=3), True),
        (payload(2, 2, b"\x05", op=4), False),
        (payload(2, 2, b"\x05", op=5), True),
        (payload(2, 2, b"\x05", op=1), False),
        (payload(2, 300, b"\x05"), False),
        (exists(60), True),
        (exists(43), False),
        (exists(43, False), True),
        (field(135, 2, b"\x05"), True),
        (field(135, 2, b"\x06"), False),
        (field(43, 2, b"\x02"), False),
        (state(8), True),
        (state(2 | 4), False),
        ((made("payload", dreg=1, base=2, offset=2, len=1), made("range", sreg=1, op=0, from_=b"\1", to=b"\6")), True),
        ((made("payload", dreg=1, base=2, offset=2, len=1), made("range", sreg=1, op=1, from_=b"\1", to=b"\6")), False),
        ((made("payload", dreg=1, base=2, offset=2, len=1), made("range", sreg=1, op=0, from_=b"\6", to=b"\7")), False),
        ((made("immediate", dreg=1, data=b"\1"), cmp(b"\1")), True),
    ],
)
def test_what_a_rule_matches(expressions: tuple[Expression, ...], matches: bool) -> None:
    """A Binding Update with a Home Address option, from a peer."""
    found = decide(trial(UPDATE, OPTION), chain([(*expressions, DROP)]))
    assert found.outcome == (Outcome.DROP if matches else Outcome.ACCEPT)
    assert rule_of(found) == (1 if matches else None)


def test_a_routing_header_of_type_2() -> None:
    """``rt type 2``, which is not type 0."""
    one = trial(UPDATE, Type2RoutingHeader(parse(HOA)))
    assert (
        decide(
            one,
            chain(
                [
                    (*field(43, 2, b"\x02"), made("reject")),
                ]
            ),
        ).outcome
        is Outcome.REJECT
    )
    assert decide(one, chain([(*field(43, 2, b"\x00"), DROP)])).outcome is Outcome.ACCEPT


def test_fragments_have_no_transport_header() -> None:
    """But for the first one."""
    later = trial(UPDATE, FragmentHeader(64, False, 7))
    first = trial(UPDATE, FragmentHeader(0, True, 7))
    looking = chain([(*payload(2, 2, b"\x05"), DROP)])
    assert decide(later, looking).outcome is Outcome.ACCEPT
    assert decide(first, looking).outcome is Outcome.DROP
    assert decide(later, chain([(*proto(135), DROP)])).outcome is Outcome.DROP
    assert decide(later, chain([(*exists(44), DROP)])).outcome is Outcome.DROP


def test_sets_and_maps() -> None:
    """Of single keys, of intervals, turned round, with everything else, and as verdicts."""
    protocol = made("meta", dreg=1, key=L4PROTO)
    look, never = made("lookup", set="one", sreg=1), made("lookup", set="one", sreg=1, flags=1)
    single = (Element(b"\x3a"), Element(b"\x87"))
    assert decide(trial(), chain([(protocol, look, DROP)]), one=single).outcome is Outcome.DROP
    assert decide(trial(), chain([(protocol, never, DROP)]), one=single).outcome is Outcome.ACCEPT
    assert decide(trial(), chain([(protocol, look, DROP)]), one=single[:1]).outcome is Outcome.ACCEPT
    source = made("payload", dreg=1, base=1, offset=8, len=16)
    zero, start, end = bytes(16), parse("2001:db8:4::"), parse("2001:db8:5::")
    spans = (Element(end, True), Element(start), Element(zero, True))
    assert decide(trial(), chain([(source, look, DROP)]), one=spans).outcome is Outcome.DROP
    assert decide(trial(), chain([(source, never, DROP)]), one=spans).outcome is Outcome.ACCEPT
    touching = (Element(start, True), Element(start), Element(parse("2001:db8::")), Element(end, True))
    assert decide(trial(), chain([(source, look, DROP)]), one=touching).outcome is Outcome.DROP
    beside = (Element(zero, True), Element(end), Element(parse("2001:db8:6::"), True))
    assert decide(trial(), chain([(source, look, DROP)]), one=beside).outcome is Outcome.ACCEPT
    chosen = made("lookup", set="one", sreg=1, dreg=0)
    verdicts = (Element(b"\x3a", verdict="accept"), Element(b"\x87", verdict="drop"))
    assert decide(trial(), chain([(protocol, chosen)]), one=verdicts).outcome is Outcome.DROP
    assert decide(trial(), chain([(protocol, chosen)]), one=verdicts[:1]).outcome is Outcome.ACCEPT
    rest = (*verdicts[:1], Element(b"", verdict="drop"))
    assert decide(trial(), chain([(protocol, chosen)]), one=rest).outcome is Outcome.DROP
    assert decide(trial(), chain([(protocol, chosen)])).outcome is Outcome.UNKNOWN


def test_jumps_come_back_and_gotos_do_not() -> None:
    """And a return leads to where the jump was."""
    sub = chain([(*proto(135), RETURN), (ACCEPT,)], "sub", "")
    assert decide(trial(), chain([(verdict("jump", "sub"),), (DROP,)]), sub).outcome is Outcome.DROP
    gone = decide(trial(), chain([(verdict("goto", "sub"),), (DROP,)], policy="accept"), sub)
    assert (gone.outcome, rule_of(gone)) == (Outcome.ACCEPT, None)
    inner = decide(trial(), chain([(verdict("jump", "sub"),)]), chain([(DROP,)], "sub", ""))
    assert inner.outcome is Outcome.DROP
    assert str(inner.place) == "inet filter sub rule 1"
    assert inner.place is not None
    assert inner.place.base is not None
    assert inner.place.base.name == "input"
    assert decide(trial(), chain([(RETURN,), (DROP,)], policy="drop")).outcome is Outcome.DROP


def test_chains_of_a_hook_in_their_order() -> None:
    """An accept of one does not keep the next one from dropping; a drop ends it."""
    early = chain([(ACCEPT,)], "early", priority=-10)
    late = chain([(DROP,)], "late", priority=10)
    assert str(decide(trial(), late, early).place) == "inet filter late rule 1"
    raw = chain([(DROP,)], "raw", "prerouting", priority=-300)
    assert str(decide(trial(), late, early, raw).place) == "inet filter raw rule 1"
    assert decide(trial(), late, early, hook=Hook.OUTPUT).outcome is Outcome.ACCEPT
    assert decide(trial(), raw, hook=Hook.FORWARD).outcome is Outcome.DROP
    assert decide(trial()).place is None


def test_what_is_not_known_matters_only_where_it_decides() -> None:
    """A limit, an expression nobody knows, a match of x_tables, a chain that is not there."""
    limited, policy = (*proto(135), LIMIT, ACCEPT), "drop"
    undecided = decide(trial(), chain([limited], policy=policy))
    assert undecided.outcome is Outcome.UNKNOWN
    assert undecided.why == "inet filter input rule 1: limit is not known here"
    assert decide(trial(), chain([limited], policy="accept")).outcome is Outcome.ACCEPT
    assert decide(trial(), chain([(*proto(58), LIMIT, ACCEPT)], policy=policy)).outcome is Outcome.DROP
    assert decide(trial(), chain([(LIMIT, *proto(58), ACCEPT)], policy=policy)).outcome is Outcome.DROP
    assert decide(trial(), chain([(LIMIT, DROP), (DROP,)])).outcome is Outcome.DROP
    strange = chain([(made("osf"), cmp(b"\1"), verdict("jump", "sub"))], policy=policy)
    assert decide(trial(), strange, chain([(ACCEPT,)], "sub", "")).outcome is Outcome.UNKNOWN
    assert decide(trial(), strange, chain([(DROP,)], "sub", "")).outcome is Outcome.DROP
    assert decide(trial(), chain([(verdict("jump", "nowhere"),)])).outcome is Outcome.UNKNOWN
    assert decide(trial(), chain([(made("queue"),)])).outcome is Outcome.UNKNOWN
    assert decide(trial(), chain([(made("match", name="recent", info=b""), DROP)])).outcome is Outcome.UNKNOWN
    assert decide(trial(), chain([(made("target", name="TARPIT", info=b""),)])).outcome is Outcome.UNKNOWN


def test_a_packet_of_which_something_is_left_open() -> None:
    """Its source, but for the first three bits: link-local it is not, and one of the documentation it may be."""
    open_source = bytes(8) + b"\x1f" + b"\xff" * 15
    one = Trial(trial().data, ETH0, None, "new", open_source)
    for prefix, outcome in ((b"\xfe\x80", Outcome.ACCEPT), (b"\x20\x01", Outcome.UNKNOWN)):
        assert decide(one, chain([(*payload(1, 8, prefix), DROP)])).outcome is outcome
    assert decide(one, chain([(*payload(1, 8, b"\x40", op=2), DROP)])).outcome is Outcome.DROP
    source, look = made("payload", dreg=1, base=1, offset=8, len=16), made("lookup", set="one", sreg=1)
    spans = (Element(bytes(16), True), Element(parse("2000::")), Element(parse("4000::"), True))
    assert decide(one, chain([(source, look, DROP)]), one=spans).outcome is Outcome.DROP
    few = (Element(bytes(16), True), Element(parse("2001::")), Element(parse("2002::"), True))
    assert decide(one, chain([(source, look, DROP)]), one=few).outcome is Outcome.UNKNOWN
    local = (Element(bytes(16), True), Element(parse("fe80::")), Element(parse("fec0::"), True))
    assert decide(one, chain([(source, look, DROP)]), one=local).outcome is Outcome.ACCEPT
    assert decide(Trial(trial().data, ETH0), chain([(*state(8), DROP)])).outcome is Outcome.UNKNOWN


def test_what_is_not_tracked() -> None:
    """By a rule of an earlier chain."""
    raw = chain([(*proto(135), made("notrack"))], "raw", "prerouting", priority=-300)
    last = chain([(*state(64), ACCEPT)], policy="drop")
    assert decide(trial(), raw, last).outcome is Outcome.ACCEPT
    assert decide(trial(), last).outcome is Outcome.DROP
    perhaps = chain([(LIMIT, made("notrack"))], "raw", "prerouting", priority=-300)
    assert decide(trial(), perhaps, last).outcome is Outcome.UNKNOWN


def conntrack(bits: int) -> Expression:
    """Return ``-m conntrack --ctstate BITS``."""
    return made("match", name="conntrack", info=bytes(146) + struct.pack("=HHHH", 1, 0, bits, 0) + bytes(8))


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        (made("match", name="comment", info=b"x"), True),
        (conntrack(8), True),
        (conntrack(2), False),
        (made("match", name="state", info=struct.pack("=I", 8)), True),
        (made("match", name="mh", info=bytes((5, 6, 0))), True),
        (made("match", name="mh", info=bytes((5, 6, 1))), False),
        (made("match", name="mh", info=bytes((1, 4, 0))), False),
        (made("match", name="icmp6", info=bytes((144, 0, 255, 0))), False),
        (made("match", name="rt", info=struct.pack("=IIIIBB", 2, 0, 0xFFFFFFFF, 0, 1, 0)), True),
        (made("match", name="rt", info=struct.pack("=IIIIBB", 0, 0, 0xFFFFFFFF, 0, 1, 0)), False),
        (made("match", name="rt", info=struct.pack("=IIIIBB", 0, 0, 0xFFFFFFFF, 0, 1, 1)), True),
        (made("match", name="dst", info=bytes(40)), True),
        (made("match", name="hbh", info=bytes(40)), False),
        (made("match", name="ipv6header", info=bytes((64, 0, 1))), True),
        (made("match", name="ipv6header", info=bytes((16, 0, 1))), False),
    ],
)
def test_matches_of_ip6tables(expression: Expression, matches: bool) -> None:
    """A Binding Update with a routing header and a Home Address option."""
    one = trial(UPDATE, Type2RoutingHeader(parse(HOA)), OPTION)
    found = decide(one, chain([(expression, made("target", name="REJECT", info=b""))]))
    assert found.outcome == (Outcome.REJECT if matches else Outcome.ACCEPT)


def test_messages_of_icmpv6() -> None:
    """By type and code."""
    one = trial(Payload(58, bytes((144, 0)) + bytes(6)))
    for info, outcome in (((144, 0, 255, 0), Outcome.DROP), ((144, 1, 255, 0), Outcome.ACCEPT)):
        rule = (made("match", name="icmp6", info=bytes(info)), made("target", name="DROP"))
        assert decide(one, chain([rule])).outcome is outcome


def test_what_was_not_read_is_no_accept() -> None:
    """Tables of ip6_tables, and rulesets that were cut off."""
    old = PacketFilter(Ruleset(legacy=("filter",)))
    assert old.decide(Hook.INPUT, trial()).outcome is Outcome.UNKNOWN
    dropping = PacketFilter(Ruleset((chain([(DROP,)]),), legacy=("filter",)))
    assert dropping.decide(Hook.INPUT, trial()).outcome is Outcome.DROP
    cut = PacketFilter(Ruleset((chain([(DROP,)]),), unread=("there are more than 50000 rules",)))
    assert cut.decide(Hook.INPUT, trial()).outcome is Outcome.UNKNOWN
    none = PacketFilter(Ruleset(unread=("this kernel has no nftables",)))
    assert none.decide(Hook.INPUT, trial()).outcome is Outcome.ACCEPT


def test_a_rule_of_an_interface_may_be_of_another_one() -> None:
    """Chains of the family netdev do not say which interface they are of."""
    device = Chain("filter", "in", "netdev", "ingress", rules=(FilterRule(1, (DROP,)),))
    assert decide(trial(), device).outcome is Outcome.UNKNOWN


def test_chains_that_loop_and_chains_that_are_too_deep_end() -> None:
    """The kernel refuses them; what is read of one may be anything."""
    loop = chain([(verdict("jump", "input"),)])
    assert decide(trial(), loop).outcome is Outcome.UNKNOWN
    deep = [chain([(verdict("jump", f"c{n + 1}"),)], f"c{n}", "input" if n == 0 else "") for n in range(30)]
    assert decide(trial(), *deep, chain([(DROP,)], "c30", "")).outcome is Outcome.UNKNOWN


def test_fifty_thousand_rules_are_looked_at_once() -> None:
    """However often their chain is jumped to, and whatever set they look into."""
    look = made("payload", dreg=1, base=1, offset=8, len=16), made("lookup", set="one", sreg=1)
    many = chain([(*look, DROP)] * 49_990, "many", "")
    jumping = chain([(verdict("jump", "many"),)] * 10, policy="drop")
    elements = tuple(Element(parse(f"2001:db8:5::{n:x}")) for n in range(10_000))
    found = decide(trial(), jumping, many, one=elements)
    assert (found.outcome, found.rules) == (Outcome.DROP, 50_000)
