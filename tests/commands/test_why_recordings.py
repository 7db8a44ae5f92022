"""``why`` on recorded mip6d with their kernels' dumps: what it must say was written down from policies and captures.

Where an echo was captured at that moment, or next, it went as predicted, with the same addresses in its headers.
"""

import pytest
from harness import NODES, RECORDINGS, Mipsh, Replay

from mipsh.linux import route_text
from mipsh.paths.classify import classify
from mipsh.paths.echo import Echo, Frame, Known
from mipsh.wire import pcap
from mipsh.wire.address import parse

MN, MN2, HA, CN, CN2 = "2001:db8:1::100", "2001:db8:1::200", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:4::3"
HERE, THERE = "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:3:0:f809:44ff:fec8:30f9"
MN2_AT = "2001:db8:3:0:34a1:54ff:feab:99e2"
EXPECTED = {
    ("01-boot-ha-cn", "cn"): {MN: "direct"},
    ("01-boot-ha-cn", "ha"): {MN: "direct"},
    ("02-registered", "cn"): {MN: "direct"},
    ("02-registered", "ha"): {MN: "ro", MN2: "direct"},
    ("02-registered", "mn"): {CN: "tunnel", CN2: "tunnel", HA: "ro"},
    ("03-route-optimised", "cn"): {MN: "ro"},
    ("03-route-optimised", "ha"): {MN: "ro"},
    ("03-route-optimised", "mn"): {CN: "ro", CN2: "tunnel", HA: "ro"},
    ("04-cn2-without-daemon", "mn"): {CN: "ro", CN2: "tunnel"},
    ("05-inter-mn", "cn"): {MN: "ro", MN2: "direct"},
    ("05-inter-mn", "ha"): {MN: "ro", MN2: "ro"},
    ("05-inter-mn", "mn"): {CN: "ro", CN2: "tunnel", MN2: "ro"},
    ("05-inter-mn", "mn2"): {MN: "ro", CN: "tunnel"},
    ("06-after-handoff", "cn"): {MN: "ro"},
    ("06-after-handoff", "ha"): {MN: "ro", MN2: "ro"},
    ("06-after-handoff", "mn"): {CN: "ro", CN2: "tunnel", MN2: "tunnel"},
    ("06-after-handoff", "mn2"): {MN: "ro", CN: "tunnel"},
    ("07-cn-restarted", "cn"): {MN: "ro"},
    ("07-cn-restarted", "mn"): {CN: "ro", CN2: "tunnel", MN2: "tunnel"},
    ("08-returned-home", "cn"): {MN: "direct"},
    ("08-returned-home", "ha"): {MN: "direct", MN2: "ro"},
    ("08-returned-home", "mn"): {CN: "direct", MN2: "ro", HA: "direct"},
    ("08-returned-home", "mn2"): {MN: "ro", CN: "tunnel"},
    ("09-away-again", "ha"): {MN: "ro", MN2: "ro"},
    ("09-away-again", "mn"): {CN: "tunnel", MN2: "tunnel"},
    ("10-ha-dead", "mn"): {CN: "none", MN2: "none"},
    ("ipsec", "cn"): {MN: "direct"},
    ("ipsec", "ha"): {MN: "ro"},
    ("ipsec", "mn"): {CN: "tunnel", CN2: "tunnel", HA: "ro"},
}
"""By folder and node: the path to each host.

``06-after-handoff`` and ``07``: the Binding Update to MN2 was not acknowledged, so that the packet has a routing
header and no Home Address option, and stays in the tunnel. ``10-ha-dead``: mip6d blocks its home address.
"""
RULES = {
    ("02-registered", "mn", CN): "priority 18 (RO trigger)",
    ("03-route-optimised", "mn", CN): "priority 15 (RO data to a correspondent)",
    ("05-inter-mn", "mn", MN2): "priority 14 (RO data, both ends mobile)",
    ("06-after-handoff", "mn", MN2): "priority 16 (RO data to a mobile node)",
    ("08-returned-home", "mn", CN): "no home registration is in its list, and its address",
    ("10-ha-dead", "mn", CN): "priority 1 (home registration block)",
    ("ipsec", "mn", CN): "priority 13 (no RO data)",
    ("03-route-optimised", "cn", MN): "priority 16 (RO data to a mobile node)",
}
CAPTURED = [
    ("02-registered", CN, 0x016D, 1, ""),
    ("03-route-optimised", CN, 0x016D, 12, HERE),
    ("04-cn2-without-daemon", CN2, 0x01BC, 3, ""),
    ("05-inter-mn", MN2, 0x01E3, 6, HERE),
    ("06-after-handoff", CN, 0x0252, 4, THERE),
    ("07-cn-restarted", CN, 0x02C1, 4, THERE),
]
"""An echo of the mobile node at each moment, or the next one: its identifier and number, and the care-of address
of its Home Address option's packet."""


def say(mipsh: Mipsh, replay: Replay, folder: str, node: str, *words: str) -> tuple[int, list[dict[str, object]]]:
    """Run ``why`` on a recorded node; return the status and the steps."""
    dumps = ("--xfrm-from", str(RECORDINGS / folder / node))
    ran = mipsh("--no-config", "-e", replay(folder, node).uri, "why", *words, *dumps, "--json")
    return ran.status, ran.rows


def test_every_recorded_node_has_its_row() -> None:
    """Nothing was left out."""
    assert sorted(EXPECTED) == sorted(NODES)


@pytest.mark.parametrize(
    ("folder", "node", "host"), [(*moment, host) for moment, hosts in EXPECTED.items() for host in hosts]
)
def test_the_path_is_what_was_written_down(mipsh: Mipsh, replay: Replay, folder: str, node: str, host: str) -> None:
    """One step decides, for the reason that was written down; nothing is missing where all files are there."""
    status, steps = say(mipsh, replay, folder, node, host)
    (rule,) = [step for step in steps if step["decides"]]
    assert rule["path"] == EXPECTED[folder, node][host]
    assert RULES.get((folder, node, host), "") in str(rule["evidence"])
    is_whole = route_text.read(RECORDINGS / folder, node).is_whole
    unknown = [step["step"] for step in steps if step["answer"] == "could_not_tell"]
    assert (status, rule["certain"]) == ((0, True) if is_whole or rule["path"] == "none" else (3, False)), unknown


@pytest.mark.parametrize("captured", CAPTURED, ids=lambda captured: captured[0])
def test_the_echo_of_that_moment_went_as_predicted(
    mipsh: Mipsh, replay: Replay, captured: tuple[str, str, int, int, str]
) -> None:
    """The same way as in the capture, by the same addresses."""
    folder, host, identifier, number, care_of = captured
    _, steps = say(mipsh, replay, folder, "mn", host)
    (rule,) = [step for step in steps if step["decides"]]
    capture = pcap.read((RECORDINGS / "captures" / "mn.pcap").read_bytes())
    frames = [Frame(time_ns / 1e9, "", capture.linktype, data) for time_ns, data in capture]
    own = frozenset(parse(address) for address in (MN, HERE, THERE))
    echo = Echo(parse(MN), parse(host), identifier, number, size=56)
    went = classify(echo, frames, Known(own, frozenset({parse(MN)}))).request
    assert went.route == rule["path"]
    if care_of:
        assert (went.outer_source, went.home_address) == (care_of, MN)
        assert went.outer_destination == (MN2_AT if host == MN2 else host)
        assert any(f"at {care_of}" in str(step["evidence"]) for step in steps)


def test_without_the_kernel_it_is_not_certain(mipsh: Mipsh, replay: Replay) -> None:
    """The daemon's tables alone name the path; that the kernel was not seen is said."""
    ran = mipsh("--no-config", "-e", replay("03-route-optimised", "mn").uri, "why", CN, "--json")
    (rule,) = [step for step in ran.rows if step["decides"]]
    assert (ran.status, rule["path"], rule["certain"]) == (3, "ro", False)
    assert [s["evidence"] for s in ran.rows if s["step"] == "XFRM policy for it?"] == [
        "the node's network namespace is not this one"
    ]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((MN,), 64, "this node's own address"),
        (("ff02::1",), 64, "not a global unicast address"),
        (("fe80::1",), 64, "not a global unicast address"),
        ((CN, "--from", "::"), 64, "not a global unicast address"),
        ((CN, "--prove", "--xfrm-from", str(RECORDINGS / "02-registered")), 64, "do not go together"),
        ((CN, "--xfrm-from", str(RECORDINGS / "02-registered")), 64, "holds dumps of cn, ha, mn"),
        ((CN, "--xfrm-from", str(RECORDINGS / "captures")), 64, "holds no dump of XFRM"),
        ((CN, "--prove"), 3, "has to be sent from the node itself"),
    ],
)
def test_what_is_refused(mipsh: Mipsh, replay: Replay, words: tuple[str, ...], status: int, said: str) -> None:
    """In words, with what to do."""
    ran = mipsh("--no-config", "-e", replay("03-route-optimised", "mn").uri, "why", *words, "--json")
    (error,) = ran.document["errors"]
    assert (ran.status, said in error["message"]) == (status, True), error
    assert error["hint"]


def test_a_source_that_is_none_of_the_nodes(mipsh: Mipsh, replay: Replay) -> None:
    """No packet leaves with it."""
    status, steps = say(mipsh, replay, "03-route-optimised", "mn", CN, "--from", MN2)
    assert [step["path"] for step in steps if step["decides"]] == ["none"] and status == 0


def test_a_care_of_address_as_source(mipsh: Mipsh, replay: Replay) -> None:
    """Mobility has no part in it, which is said with what to do."""
    status, steps = say(mipsh, replay, "03-route-optimised", "mn", CN, "--from", HERE)
    assert [step["path"] for step in steps if step["decides"]] == ["direct"] and status == 0
    assert "home address" in str(steps[0]["advice"])


def test_how_names_the_commands_and_the_files(mipsh: Mipsh, replay: Replay) -> None:
    """By hand it is the same tables, ip xfrm and ip route."""
    uri = replay("03-route-optimised", "mn").uri
    lines = [row["equivalent"] for row in mipsh("-e", uri, "why", CN, "--prove", "--how", "--json").rows]
    assert lines[-4:] == [
        "ip -6 xfrm policy",
        "ip -6 -s xfrm state",
        f"ip -6 route get {CN}",
        f"ping -6 -c 1 {CN}",
    ]
    assert {"bul", "rr", "bc"} <= set(lines)


def test_the_summary_is_a_sentence(mipsh: Mipsh, replay: Replay) -> None:
    """One that can be pasted into a ticket."""
    folder = "04-cn2-without-daemon"
    dumps = str(RECORDINGS / folder)
    ran = mipsh("--no-config", "-e", replay(folder, "mn").uri, "why", CN2, "--xfrm-from", dumps)
    assert (
        f"The next packet from {MN} to {CN2} goes through the tunnel: the peer is marked as one without Mobile IPv6, "
        "and priority 18 (RO trigger) leaves the packet as it is. Next: start a mobility daemon on the host; it is "
        "asked again in 414 s."
    ) in " ".join(ran.stdout.split())


def test_a_kernel_that_does_not_do_what_the_daemon_says(mipsh: Mipsh, replay: Replay) -> None:
    """The kernel decides, and where the daemon says otherwise, that is a step with what to do."""
    uri, dumps = replay("03-route-optimised", "mn").uri, str(RECORDINGS / "02-registered" / "mn")
    ran = mipsh("--no-config", "-e", uri, "why", CN, "--xfrm-from", dumps, "--json")
    (rule,) = [step for step in ran.rows if step["decides"]]
    (drift,) = [step for step in ran.rows if step["step"] == "XFRM state for the Home Address option?"]
    assert (ran.status, rule["path"], drift["answer"]) == (0, "tunnel", "no")
    assert "the kernel does not carry it out" in drift["advice"]


def test_a_correspondents_kernel_without_the_binding(mipsh: Mipsh, replay: Replay) -> None:
    """Likewise: the packet is direct, whatever the binding cache says."""
    uri, dumps = replay("03-route-optimised", "cn").uri, str(RECORDINGS / "02-registered" / "cn")
    ran = mipsh("--no-config", "-e", uri, "why", MN, "--xfrm-from", dumps, "--json")
    (rule,) = [step for step in ran.rows if step["decides"]]
    assert (ran.status, rule["path"]) == (0, "direct")
    assert "the kernel does not carry out" in rule["advice"]
