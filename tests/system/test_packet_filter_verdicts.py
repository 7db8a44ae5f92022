"""What is said of a ruleset against what the kernel does: the same packets, really sent, in a namespace."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from system_namespaces import DEADLINE_S, Netns, needs, needs_namespaces

from mipsh.checks.filter_trial import Port, Trial
from mipsh.checks.packet_filter import Hook, Outcome, PacketFilter
from mipsh.checks.sources import Ruleset
from mipsh.linux import facts_filter
from mipsh.linux.tun import Tun
from mipsh.wire.address import parse
from mipsh.wire.checksum import ICMPV6, checksum
from mipsh.wire.extension import FragmentHeader, Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.packet import Packet, Payload

pytestmark = [pytest.mark.system, needs_namespaces]

NEW, INVALID, TCP = "new", "invalid", 6
HOA, COA, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"


def mobility(number: int, *headers: Header, source: str = PEER) -> bytes:
    """Return a message of a Mobility Header."""
    data = Payload(135, bytes((59, 1, number, 0)) + bytes(12))
    return Packet(parse(source), parse(COA), data, headers).encode()


def other(protocol: int, data: bytes, *headers: Header) -> bytes:
    """Return another packet."""
    return Packet(parse(PEER), parse(COA), Payload(protocol, data), headers).encode()


def icmpv6(number: int, size: int) -> bytes:
    """Return an ICMPv6 message with its checksum."""
    data = bytes((number,)) + bytes(size)
    total = checksum(parse(PEER), parse(COA), ICMPV6, data)
    return other(ICMPV6, data[:2] + total.to_bytes(2, "big") + data[4:])


def segment(source: str, *headers: Header) -> bytes:
    """Return the first segment of a connection; its checksum covers a source that may be a home address."""
    data = b"\x00\x50\x9c\x40" + bytes(8) + b"\x50\x02\xff\xff" + bytes(4)
    total = checksum(parse(source), parse(COA), TCP, data)
    return other(TCP, data[:16] + total.to_bytes(2, "big") + data[18:], *headers)


OPTION, ROUTING = carrying(HomeAddress(parse(HOA))), Type2RoutingHeader(parse(HOA))
PACKETS = (
    (mobility(5, OPTION), NEW),
    (mobility(6, ROUTING), NEW),
    (mobility(2), NEW),
    (mobility(1, source="2001:db8:9::1"), NEW),
    (icmpv6(144, 15), INVALID),
    (icmpv6(146, 7), INVALID),
    (icmpv6(2, 55), INVALID),
    (other(50, bytes((0, 0, 1, 0)) + bytes(40)), NEW),
    (segment(PEER), NEW),
    (segment(HOA, OPTION), INVALID),
    (other(17, b"\x00\x50\x9c\x40\x00\x08\x00\x00", FragmentHeader(64, False, 7)), ""),
)
"""Packets, and what connection tracking says of them.

Of a segment with a Home Address option it sees the care-of address, for which the checksum is wrong; the Packet Too
Big quotes no packet that was sent.
"""

RULESETS = {
    "protocol": "meta l4proto 135 drop",
    "first header": "ip6 nexthdr 135 drop",
    "types of messages": "mh type { binding-update, binding-acknowledgement } drop",
    "type": "mh type binding-update drop",
    "routing header": "exthdr rt exists drop",
    "routing header of a type": "rt type 0 drop; rt type 2 drop",
    "options": "exthdr dst exists drop",
    "no options": "exthdr dst missing drop",
    "discovery": "icmpv6 type { 144, 146 } drop",
    "range": "icmpv6 type 144-147 reject",
    "errors": "icmpv6 type packet-too-big drop",
    "esp": "meta l4proto esp drop",
    "spi": "esp spi 256 drop",
    "ports": "tcp sport 80 tcp dport 40000 drop",
    "many ports": "tcp dport { 22, 30000-40000 } drop",
    "any port": "th dport 40000 drop",
    "prefix": "ip6 saddr 2001:db8:4::/48 drop",
    "odd prefix": "ip6 saddr 2001:db8:8::/45 drop",
    "prefixes": "ip6 saddr { 2001:db8:4::/48, 2001:db8:5::/48 } drop",
    "not those": "ip6 saddr != { 2001:db8:4::/48, fe80::/10 } drop",
    "address": "ip6 daddr 2001:db8:2::5 drop",
    "interface": 'iifname "mip*" drop',
    "another interface": 'iifname { "lo", "eth0" } drop',
    "index": 'iif "mip0" drop',
    "fragment": "exthdr frag exists drop",
    "two things": "ip6 saddr . meta l4proto { 2001:db8:4::2 . 135 } drop",
    "verdict map": "meta l4proto vmap { 135 : drop, 58 : jump sub, 50 : goto sub }; tcp dport 40000 drop",
    "jump and return": "meta l4proto 135 return; jump sub",
    "goto": "meta l4proto 58 goto sub; drop",
    "back": "fib saddr . iif oif missing drop",
    "local": "fib daddr type != local drop",
    "mask": "ip6 flowlabel & 1 == 1 drop; ip6 hoplimit < 65 meta l4proto 135 drop",
    "greater": "mh type > 4 drop",
    "counted and logged": "counter log meta l4proto 135 counter reject",
    "limit": "limit rate 1/hour burst 1 packets drop",
    "state": "ct state invalid drop",
    "states": "ct state established,related accept; ct state new accept; drop",
    "tracking": "ct state vmap { established : accept, related : accept, invalid : drop }",
}
TABLE = """
table inet filter {{
  chain first {{ type filter hook prerouting priority -500; counter; }}
  chain sub {{ {sub}; }}
  chain input {{ type filter hook input priority 0; policy {policy}; {rules}; }}
  chain last {{ type filter hook input priority 500; counter; }}
}}
"""


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    """A namespace with nothing in it."""
    with Netns("filter") as made:
        yield made


@pytest.fixture(scope="module")
def tun(netns: Netns) -> Iterator[Tun]:
    """An interface into which packets are sent."""
    with netns.inside("filter", lambda: Tun("mip0", 1400)) as made:
        made.add_address(parse(COA))
        yield made


def read(netns: Netns) -> Ruleset:
    """Return the ruleset as it is."""
    found, _ = netns.inside("filter", facts_filter.ruleset)
    return found


def counted(ruleset: Ruleset) -> tuple[int, int]:
    """Return how many packets came, and how many came through."""
    counts = {one.name: one.rules[0].packets or 0 for one in ruleset.chains if one.name in ("first", "last")}
    return counts["first"], counts["last"]


@pytest.mark.parametrize("policy", ["accept", "drop"])
@pytest.mark.parametrize("name", RULESETS)
def test_the_kernel_does_what_is_said(netns: Netns, tun: Tun, tmp_path: Path, name: str, policy: str) -> None:
    """For each packet, by whether it comes from the first chain to the last one."""
    needs("nft")
    rules = RULESETS[name]
    file = tmp_path / "rules.nft"
    sub = "meta l4proto 58 drop\nmeta l4proto 6 drop"
    file.write_text("flush ruleset\n" + TABLE.format(rules=rules.replace("; ", "\n"), policy=policy, sub=sub), "utf-8")
    loading = netns.start("filter", "nft", "-f", str(file))
    said, _ = loading.communicate(timeout=DEADLINE_S)
    if loading.returncode and "Could not process rule: No such file" in said:
        pytest.skip("this kernel lacks an expression of them")
    assert loading.returncode == 0, said
    index = netns.inside("filter", lambda: socket.if_nametoindex(tun.name))
    asked = PacketFilter(read(netns))
    wrong: list[str] = []
    for number, (packet, state) in enumerate(PACKETS):
        if "ct state" in rules and not state:
            continue  # a fragment waits for the others
        came, through = counted(read(netns))
        assert tun.send(packet)
        now_came, now_through = counted(read(netns))
        assert now_came == came + 1
        found = asked.decide(Hook.INPUT, Trial(packet, Port(tun.name, index), None, state))
        if found.outcome is Outcome.UNKNOWN:
            assert "limit" in rules or " . " in rules
        elif found.is_blocked is (now_through > through):
            wrong.append(f"packet {number}: {found.outcome} at {found.place}")
    assert not wrong
