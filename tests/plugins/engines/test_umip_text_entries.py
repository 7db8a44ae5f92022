"""The entries of mip6d's tables: every quirk of the daemon and of its forks, by an example."""

from typing import Any

import pytest
from umip_printer import PARSERS

from mipsh.model.records import (
    BindingCacheEntry,
    BindingUpdateListEntry,
    HomeAgent,
    HomePrefix,
    ReturnRoutabilityEntry,
)
from mipsh.plugins.engines import umip_text

BINDING = (
    "hoa 2001:db8:1:0:0:0:0:100 nonce 0 status registered\n"
    " coa 2001:db8:2:0:f809:44ff:fec8:30f9 nonce 0 flags AH--\n"
    " local 2001:db8:1:0:0:0:0:1 tunnel ip6tnl1 link ha0\n"
    " lifetime 86394 / 86396 seq 24891 unreach 0 mpa 1445 / 1447 retry 0\n"
)
UPDATE = (
    "== BUL_ENTRY ==\n"
    "Home address    2001:db8:1:0:0:0:0:100\n"
    "Care-of address 2001:db8:2:0:f809:44ff:fec8:30f9\n"
    "CN address      2001:db8:4:0:0:0:0:2\n"
    " lifetime = 420,  delay = 420000\n"
    " flags: IP6_MH_BU_ACK \n"
    " ack ready RR state ready\n"
    " dev mn0 last_coa 2001:db8:2:0:f809:44ff:fec8:30f9\n"
    "care-of nonce index 1home nonce index 2\n"
    " lifetime 408 / 420 seq 28030 resend 0 delay 420(after 409s) expires 408\n"
    "\n"
)
TEST = (
    "== Return Routability Entry (COT_ENTRY) == \n"
    " CoA 2001:db8:3:0:f809:44ff:fec8:30f9\n"
    " CN  2001:db8:4:0:0:0:0:2\n"
    " HoA 2001:db8:1:0:0:0:0:100\n"
    " Interface mn0\n"
    " resend 1 delay 210 (after 197 seconds) expires in 196 seconds\n"
)
AGENT = "ha0 2001:db8:1:0:0:0:0:1\n preference 10 lifetime 1800\n"
PREFIX = "ha0 2001:db8:1:0:0:0:0:0/64\n valid 86399 / 86400 preferred 14400 flags OA-\n"


def only(command: str, text: str, *changes: tuple[str, str]) -> Any:
    """Return the one record of a text after replacing words in it, with nothing unread."""
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    parsed = PARSERS[command](text)
    assert parsed.unread == ()
    (row,) = parsed.rows
    return row


# bc, nonce


def test_a_binding() -> None:
    """A verbose entry of a home agent."""
    assert only("bc", BINDING) == BindingCacheEntry(
        home_address="2001:db8:1::100",
        care_of_address="2001:db8:2:0:f809:44ff:fec8:30f9",
        status="registered",
        flags=("A", "H"),
        lifetime_remaining_s=86394,
        lifetime_granted_s=86396,
        age_s=2,
        sequence=24891,
        local_address="2001:db8:1::1",
        home_nonce_index=0,
        care_of_nonce_index=0,
        unreachable_count=0,
        tunnel_interface="ip6tnl1",
        link_interface="ha0",
        mpa_next_s=1445,
        mpa_interval_s=1447,
        mpa_retries=0,
        source_line=1,
    )


@pytest.mark.parametrize(
    ("said", "status"),
    [("cached", "cached"), ("dying", "dying"), ("nonce-block", "nonce-block"), ("(unknown)", "unknown")],
)
def test_binding_status(said: str, status: str) -> None:
    """A status is the daemon's word, without parentheses."""
    assert only("bc", BINDING, ("registered", said)).status == status


def test_a_binding_in_duplicate_address_detection() -> None:
    """The lifetime has not begun: nothing remains and there is no age."""
    row = only("bc", BINDING, ("registered", "dad"), ("86394 / 86396", "- / 0"), (" mpa 1445 / 1447 retry 0", ""))
    assert (row.status, row.lifetime_remaining_s, row.lifetime_granted_s, row.age_s) == ("dad", None, 0, None)
    assert (row.mpa_next_s, row.mpa_interval_s, row.mpa_retries, row.extra) == (None, None, None, {})


def test_an_expired_binding() -> None:
    """An overdue lifetime is negative."""
    row = only("bc", BINDING, ("86394 / 86396", "-12 / 420"), ("mpa 1445", "mpa -3"))
    assert (row.lifetime_remaining_s, row.age_s, row.mpa_next_s) == (-12, 432, -3)


@pytest.mark.parametrize("word", ["(broken)", "(error)"])
def test_a_binding_after_a_clock_step(word: str) -> None:
    """What the daemon cannot tell is unknown, its word is kept, and what stands beside it is read."""
    row = only("bc", BINDING, ("86394 /", f"{word} /"), ("mpa 1445", f"mpa {word}"))
    assert (row.lifetime_remaining_s, row.lifetime_granted_s, row.age_s) == (None, 86396, None)
    assert (row.mpa_next_s, row.mpa_interval_s, row.mpa_retries) == (None, 1447, 0)
    assert row.extra == {"lifetime": word, "mpa": word}


def test_a_binding_whose_advertisement_was_not_sent() -> None:
    """A dash is unknown, and says nothing that must be kept."""
    row = only("bc", BINDING, ("mpa 1445", "mpa -"))
    assert (row.mpa_next_s, row.mpa_interval_s, row.mpa_retries, row.extra) == (None, 1447, 0, {})


@pytest.mark.parametrize("garbage", ["140213 / 98", "/ 98", "/ -140213"])
def test_a_binding_without_poll_data(garbage: str) -> None:
    """Uninitialised numbers are no advertisement times; they are kept as said."""
    row = only("bc", BINDING, ("mpa 1445 / 1447 retry 0", f"{garbage} retry -1"))
    assert (row.unreachable_count, row.mpa_next_s, row.mpa_interval_s, row.mpa_retries) == (0, None, None, None)
    assert row.extra == {"mpa": garbage, "retry": "-1"}


def test_a_mobile_router() -> None:
    """Mobile network prefixes follow the entry, a line each."""
    text = BINDING + " MNP: 2001:db8:5:0:0:0:0:0/48\n MNP: 2001:db8:6:0:0:0:0:0/64\n"
    assert only("bc", text).mobile_network_prefixes == ("2001:db8:5::/48", "2001:db8:6::/64")
    first, second = PARSERS["bc"](text + BINDING).rows
    assert (len(first.mobile_network_prefixes), second.mobile_network_prefixes) == (2, ())
    assert second.source_line == 7


def test_words_of_forks() -> None:
    """Unknown words are kept with their value, wherever they stand; the known ones are read."""
    row = only(
        "bc",
        BINDING,
        ("100 nonce", "100 BID 100 BidPriority 10 nonce"),
        ("AH--\n", "AH-- shadow\n Serv_MAG_addr 2001:db8:9:0:0:0:0:1\nuptime 5 / 7\n"),
        ("retry 0", "retry 0 x (new) y"),
    )
    assert row.extra == {
        "BID": "100",
        "BidPriority": "10",
        "shadow": "",
        "Serv_MAG_addr": "2001:db8:9:0:0:0:0:1",
        "uptime": "5 / 7",
        "x": "(new)",
        "y": "",
    }
    assert (row.home_nonce_index, row.flags, row.local_address, row.mpa_retries) == (0, ("A", "H"), "2001:db8:1::1", 0)


def test_a_table_of_a_fork() -> None:
    """Another table's entry does not become part of the one before; it is unread, whole."""
    table = "peer_addr 2001:db8:7:0:0:0:0:1 status PMIP\n LMA_addr 2001:db8:8:0:0:0:0:1\n lifetime 5 / 6 seq 7\n"
    parsed = PARSERS["bc"](f"{BINDING}{table}{BINDING}")
    assert [row.extra for row in parsed.rows] == [{}, {}]
    assert parsed.unread == tuple(table.splitlines())


def test_a_line_that_is_no_entrys() -> None:
    """A line in prose is unread, as said; its entry stays."""
    parsed = PARSERS["bc"](BINDING.replace(" local", " the daemon is tired\n local") + "\x1b[2Jbye\xff\n")
    assert parsed.unread == (" the daemon is tired", "\x1b[2Jbye\xff")
    assert parsed.rows == PARSERS["bc"](BINDING).rows


def test_an_ipv4_care_of_address() -> None:
    """What is not an IPv6 address stays as said."""
    assert only("bc", BINDING, ("2001:db8:2:0:f809:44ff:fec8:30f9", "c0a8:1:0:1")).care_of_address == "c0a8:1:0:1"
    assert only("bc", BINDING, ("2001:db8:2:0:f809:44ff:fec8:30f9", "192.0.2.1")).care_of_address == "192.0.2.1"


def test_an_address_in_rfc_5952_form() -> None:
    """The longest run of zeros is shortened, and a mapped IPv4 address is written as one."""
    for said, address in (
        ("2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"),
        ("2001:DB8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("0:0:0:0:0:ffff:c000:201", "::ffff:192.0.2.1"),
    ):
        assert only("bc", BINDING, ("2001:db8:2:0:f809:44ff:fec8:30f9", said)).care_of_address == address


def test_an_interface_without_a_name() -> None:
    """An interface that is gone is printed by its index."""
    row = only("bc", BINDING, ("ip6tnl1", "(17)"), ("ha0", "link"))
    assert (row.tunnel_interface, row.link_interface, row.extra) == (None, "link", {"tunnel": "(17)"})


def test_unknown_flags() -> None:
    """Unknown flag letters are kept with the word."""
    row = only("bc", BINDING, ("AH--", "KAHR-M"))
    assert (row.flags, row.extra) == (("A", "H", "K", "R"), {"flags": "KAHR-M"})


@pytest.mark.parametrize("number", ["9" * 5000, str(1 << 64), "0x10", "12a"])
def test_a_number_that_is_none(number: str) -> None:
    """What is not an integer of 64 bits is kept and its field unknown."""
    row = only("bc", BINDING, ("seq 24891", f"seq {number}"))
    assert (row.sequence, row.extra) == (None, {"seq": number})
    assert row.unreachable_count == 0


def test_a_word_said_twice() -> None:
    """The first of two values is the record's; the other one is kept."""
    row = only("bc", BINDING, ("seq 24891", "seq 24891 seq 5 seq 24891"))
    assert (row.sequence, row.extra) == (24891, {"seq": "5"})


@pytest.mark.parametrize(
    ("lines", "unread"),
    [("hoa ADDR status x\n", 1), ("hoa\n", 1), (" coa 2001:db8:0:0:0:0:0:1 flags A---\n lifetime 1 / 2\n", 2)],
)
def test_a_binding_without_a_home_address(lines: str, unread: int) -> None:
    """An entry that cannot be told from others is unread, and does not touch the next."""
    parsed = PARSERS["bc"](lines + BINDING)
    assert parsed.unread == tuple(lines.splitlines()) and len(parsed.unread) == unread
    assert [row.home_address for row in parsed.rows] == ["2001:db8:1::100"]


def test_a_binding_cut_behind_its_home_address() -> None:
    """The home address alone makes a record; all else is unknown."""
    assert only("bc", "hoa 2001:db8:1:0:0:0:0:100\n") == BindingCacheEntry("2001:db8:1::100", None, None, source_line=1)


# Hostile lines


@pytest.mark.parametrize(
    "line", ["== " + " " * 200_000, " seq 5" * 20_000, " / /" * 20_000, "=" * 200_000, "hoa\n" * 20_000]
)
@pytest.mark.parametrize("command", sorted(PARSERS))
def test_a_line_costs_its_length(command: str, line: str) -> None:
    """A line at which a pattern could try every split ends in time: were it tried, this would take hours."""
    parsed = PARSERS[command](BINDING + UPDATE + TEST + AGENT + PREFIX + line)
    assert len(parsed.unread) > 0


# bul


def test_an_update() -> None:
    """A verbose entry for a correspondent node."""
    assert only("bul", UPDATE) == BindingUpdateListEntry(
        home_address="2001:db8:1::100",
        care_of_address="2001:db8:2:0:f809:44ff:fec8:30f9",
        peer_address="2001:db8:4::2",
        registration="correspondent",
        state="bound",
        next_event="refresh",
        next_event_s=409,
        lifetime_remaining_s=408,
        lifetime_granted_s=420,
        sequence=28030,
        kind="bul",
        flags=("A",),
        ack="ready",
        return_routability="ready",
        retransmissions=0,
        age_s=12,
        delay_s=420.0,
        expires_s=408,
        interface="mn0",
        last_care_of_address="2001:db8:2:0:f809:44ff:fec8:30f9",
        home_nonce_index=2,
        care_of_nonce_index=1,
        source_line=1,
    )


@pytest.mark.parametrize(
    ("change", "state", "next_event"),
    [
        ((" ack", " ack"), "bound", "refresh"),
        (("ack ready", "ack wait"), "waiting_for_ack", "retransmit"),
        (("state ready", "state started"), "return_routability", "return_routability"),
        (("== BUL", "== NON_MIP_CN"), "not_mobile", "retry"),
        (("== BUL", "== UNREACH"), "unreachable", "retry"),
        (("== BUL", "== OTHER"), None, None),
        (("408 /", "-1 /"), "expired", None),
        (("408 /", "(broken) /"), None, None),
        ((" ack ready", " RR"), None, None),
    ],
)
def test_update_states(change: tuple[str, str], state: str | None, next_event: str | None) -> None:
    """The state follows from kind, RR state, ack and lifetime, in this order."""
    row = only("bul", UPDATE, change)
    assert (row.state, row.next_event, row.next_event_s) == (state, next_event, 409)


def test_the_order_of_update_states() -> None:
    """A peer without Mobile IPv6 is that whatever else is said; return routability comes before its ack."""
    pending = [("ack ready", "ack wait"), ("state ready", "state started"), ("408 /", "-1 /")]
    assert only("bul", UPDATE, ("== BUL", "== NON_MIP_CN"), *pending).state == "not_mobile"
    assert only("bul", UPDATE, *pending).state == "return_routability"
    assert only("bul", UPDATE, pending[0], pending[2]).state == "waiting_for_ack"


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("NON_MIP_CN_ENTRY", "non_mip_cn"), ("UNREACH_ENTRY", "unreach"), ("Unknown BUL entry", "unknown_bul")],
)
def test_update_kinds(heading: str, kind: str) -> None:
    """The kind is the heading's word, lower case."""
    assert only("bul", UPDATE, ("BUL_ENTRY", heading)).kind == kind


@pytest.mark.parametrize(
    ("said", "state", "extra"),
    [
        ("started", "started", {}),
        ("home nonce expired", "home_nonce_expired", {}),
        ("care-of nonce expired", "care_of_nonce_expired", {}),
        ("?", None, {}),
        ("expired", None, {"RR state": "expired"}),
    ],
)
def test_return_routability_states(said: str, state: str | None, extra: dict[str, str]) -> None:
    """An RR state that the daemon cannot print is kept, not believed."""
    row = only("bul", UPDATE, ("state ready", f"state {said}"))
    assert (row.return_routability, row.extra) == (state, extra)


@pytest.mark.parametrize(
    ("said", "flags", "registration", "extra"),
    [
        ("IP6_MH_BU_HOME IP6_MH_BU_ACK ", ("A", "H"), "home", {}),
        (
            "IP6_MH_BU_HOME IP6_MH_BU_ACK IP6_MH_BU_LLOCAL IP6_MH_BU_KEYM IP6_MH_BU_MR",
            ("A", "H", "L", "K", "R"),
            "home",
            {},
        ),
        ("", (), "correspondent", {}),
        ("IP6_MH_BU_ACK IP6_MH_BU_MAP ", ("A",), "correspondent", {"flags": "IP6_MH_BU_MAP"}),
        ("IP6_MH_BU_ACK odd ", ("A",), "correspondent", {"odd": ""}),
    ],
)
def test_update_flags(said: str, flags: tuple[str, ...], registration: str, extra: dict[str, str]) -> None:
    """Flags are letters in the RFC's order; the home flag makes it a home registration."""
    row = only("bul", UPDATE, ("IP6_MH_BU_ACK ", said))
    assert (row.flags, row.registration, row.extra) == (flags, registration, extra)


def test_an_update_to_a_peer_without_a_binding() -> None:
    """No care-of address was sent, none expires, and no interface is used."""
    row = only(
        "bul",
        UPDATE,
        ("Care-of address 2001:db8:2:0:f809:44ff:fec8:30f9", "Care-of address 0:0:0:0:0:0:0:0"),
        ("dev mn0", "dev (0)"),
        ("expires 408", "expires -"),
    )
    assert (row.care_of_address, row.interface, row.expires_s, row.extra) == (None, None, None, {})


def test_a_delay_of_less_than_a_second() -> None:
    """The delay is exact: it is read in milliseconds, and the whole seconds agree with it."""
    row = only("bul", UPDATE, ("= 420000", "= 1500"), ("delay 420(", "delay 1("))
    assert (row.delay_s, row.extra) == (1.5, {})
    assert only("bul", UPDATE, ("= 420000", "= 1500")).extra == {"delay": "420"}
    assert only("bul", UPDATE, (" lifetime = 420,  delay = 420000\n", "")).delay_s == 420


@pytest.mark.parametrize(
    ("said", "next_s", "interval_s", "extra"),
    [
        ("77749 / 77756", 77749, 77756, {}),
        ("-1795342443 / 77756", -1795342443, 77756, {}),
        ("- / 77756", None, 77756, {}),
        ("(broken) / 77756", None, 77756, {"mps": "(broken)"}),
    ],
)
def test_prefix_solicitation(said: str, next_s: int | None, interval_s: int, extra: dict[str, str]) -> None:
    """A home entry tells the next Mobile Prefix Solicitation."""
    row = only("bul", f"{UPDATE.rstrip()}\n mps {said}\n")
    assert (row.mps_next_s, row.mps_interval_s, row.extra) == (next_s, interval_s, extra)


def test_nonce_indices_apart() -> None:
    """The nonce indices are read glued together and apart, and a cut one is kept."""
    for said in ("care-of nonce index 1 home nonce index 2", "home nonce index 2\ncare-of nonce index 1"):
        row = only("bul", UPDATE, ("care-of nonce index 1home nonce index 2", said))
        assert (row.care_of_nonce_index, row.home_nonce_index, row.extra) == (1, 2, {})
    row = only("bul", UPDATE, ("care-of nonce index 1home nonce index 2", "care-of nonce index 1hom"))
    assert (row.care_of_nonce_index, row.extra) == (None, {"care-of nonce index": "1hom"})


def test_updates_whose_heading_was_cut() -> None:
    """An entry may begin with its home address; its kind and state are unknown then."""
    headless = UPDATE.split("\n", 1)[1]
    parsed = PARSERS["bul"](headless + headless)
    assert [(row.kind, row.state, row.source_line) for row in parsed.rows] == [(None, None, 1), (None, None, 11)]
    assert [row.sequence for row in parsed.rows] == [28030, 28030]


def test_an_update_without_a_home_address() -> None:
    """A heading alone is no entry."""
    parsed = PARSERS["bul"](f"== BUL_ENTRY ==\n ack wait\n{UPDATE}")
    assert parsed.unread == ("== BUL_ENTRY ==", " ack wait")
    assert [row.ack for row in parsed.rows] == ["ready"]


# rr


def test_a_test() -> None:
    """A care-of test that was answered."""
    assert only("rr", TEST) == ReturnRoutabilityEntry(
        test="care_of_test",
        home_address="2001:db8:1::100",
        care_of_address="2001:db8:3:0:f809:44ff:fec8:30f9",
        peer_address="2001:db8:4::2",
        answered=True,
        token_remaining_s=196,
        next_event_s=197,
        retransmissions=1,
        delay_s=210,
        interface="mn0",
        source_line=1,
    )


def test_a_test_without_an_answer() -> None:
    """A time that is over says that there is no token."""
    row = only("rr", TEST, ("in 196", "in -5"), ("COT", "HOT"))
    assert (row.test, row.answered, row.token_remaining_s) == ("home_test", False, None)
    assert row.extra == {"expires in": "-5"}
    assert only("rr", TEST, ("in 196", "in 0")).answered is True
    assert only("rr", TEST, (" expires in 196 seconds", "")).answered is None


def test_a_care_of_test_for_two_home_addresses() -> None:
    """The other home addresses that share a care-of test are kept."""
    row = only("rr", TEST, (":100\n", ":100\n HoA 2001:db8:1:0:0:0:0:101\n"))
    assert (row.home_address, row.extra) == ("2001:db8:1::100", {"HoA": "2001:db8:1:0:0:0:0:101"})


def test_a_test_that_was_cut() -> None:
    """One address is enough for a record, a heading is not."""
    row = only("rr", "".join(TEST.splitlines(keepends=True)[:2]))
    assert (row.care_of_address, row.home_address, row.answered) == ("2001:db8:3:0:f809:44ff:fec8:30f9", None, None)
    parsed = PARSERS["rr"](TEST + TEST.splitlines()[0])
    assert (len(parsed.rows), parsed.unread) == (1, (TEST.splitlines()[0],))


def test_another_table_among_tests() -> None:
    """An entry of another table is not mixed into the one before."""
    parsed = PARSERS["rr"](TEST + UPDATE + TEST)
    assert [row.extra for row in parsed.rows] == [{}, {}]
    assert parsed.unread == tuple(line for line in UPDATE.splitlines() if line)


# hal, pl


def test_a_home_agent() -> None:
    """A home agent on a home link."""
    assert only("hal", AGENT) == HomeAgent("ha0", "2001:db8:1::1", 10, 1800, source_line=1)
    row = only("hal", AGENT, ("ha0", "(3)"), ("10 life", "-5 shared life"))
    assert (row.interface, row.preference, row.extra) == (None, -5, {"interface": "(3)", "shared": ""})


def test_a_coloured_home_agent() -> None:
    """Colours stand in the middle of the line here."""
    coloured = AGENT.replace("2001", "\x1b[1;4m2001").replace(":1\n", ":1\x1b[0m\n")
    assert only("hal", coloured) == only("hal", AGENT)


def test_a_prefix() -> None:
    """A prefix of a home link."""
    assert only("pl", PREFIX) == HomePrefix("ha0", "2001:db8:1::/64", 86399, 86400, 14400, ("O", "A"), source_line=1)


@pytest.mark.parametrize(
    ("said", "remaining", "extra"),
    [("-7", -7, {}), ("(broken)", None, {"valid": "(broken)"}), ("(error)", None, {"valid": "(error)"})],
)
def test_a_prefix_that_is_no_longer_valid(said: str, remaining: int | None, extra: dict[str, str]) -> None:
    """The valid lifetime may be over, or unknown."""
    row = only("pl", PREFIX, ("valid 86399", f"valid {said}"))
    assert (row.valid_remaining_s, row.valid_granted_s, row.extra) == (remaining, 86400, extra)


@pytest.mark.parametrize("said", ["2001:db8:1:0:0:0:0:0/129", "2001:db8:1:0:0:0:0:0", "2001:db8:1/64"])
def test_a_prefix_that_is_none(said: str) -> None:
    """What is not a prefix stays as said."""
    assert only("pl", PREFIX, ("2001:db8:1:0:0:0:0:0/64", said)).prefix == said


@pytest.mark.parametrize("command", ["hal", "pl"])
def test_a_line_that_is_no_entry_on_a_link(command: str) -> None:
    """Prose begins no entry."""
    assert PARSERS[command]("no such thing\n preference 10\n") == umip_text.Parsed(
        [], ("no such thing", " preference 10")
    )
