"""mip6d's replies to records: every recorded reply, framing, error answers, roles, and counters."""

import pytest
from umip_printer import PARSERS, Reply, distinct_replies, exchanges, replies

from mipsh.node.vt_text import printed
from mipsh.plugins.engines import umip_text
from mipsh.plugins.engines.umip_stats import COUNTERS

REPLIES = distinct_replies()
TABLE = next(reply.plain() for reply in REPLIES if reply.command == "bc")


# Recorded replies


def test_there_are_recordings_of_every_table() -> None:
    """The tests over recordings are over something."""
    assert {reply.command for reply in REPLIES} == set(PARSERS)
    assert len(REPLIES) > 150


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.where}-{reply.command}")
def test_a_recorded_reply_can_be_printed_again(reply: Reply) -> None:
    """Each record holds every value of its entry: printed again, it is the daemon's text."""
    parsed = reply.parsed()
    assert parsed.unread == ()
    assert printed(reply.command, parsed.rows).rstrip() == reply.plain().rstrip()


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.where}-{reply.command}")
def test_a_recorded_entry_tells_its_line(reply: Reply) -> None:
    """The source line of a record is the line of the cleaned reply where its entry begins."""
    lines = umip_text.clean(reply.text).split("\n")
    begins = ("hoa ", "== ", "ha0 ") if reply.command != "stats" else ("     ",)
    starts = [number for number, line in enumerate(lines, 1) if line.startswith(begins)]
    assert [row.source_line for row in reply.parsed().rows] == starts


def test_every_other_reply_is_empty_or_a_refusal() -> None:
    """A reply without entries gives no record; a refusal's line is unread and is the complaint."""
    others = [reply for reply in replies() if reply.refused() or not reply.plain().strip()]
    assert len(others) > 100
    for reply in others:
        line = 'unknown command: "(null)"' if reply.refused() else None
        assert reply.parsed() == umip_text.Parsed([], (line,) if line else ())
        assert umip_text.complaint(reply.text) == line


def test_a_table_is_no_complaint() -> None:
    """No recorded table is taken for an error answer."""
    assert [reply for reply in REPLIES if umip_text.complaint(reply.text) is not None] == []


def test_a_cleaned_reply_reads_the_same() -> None:
    """The parsers take a reply before and after cleaning."""
    for reply in REPLIES:
        assert PARSERS[reply.command](umip_text.clean(reply.text)) == reply.parsed()


def test_the_recorded_roles() -> None:
    """Each node's help tells its role; the nodes are named after theirs."""
    helps = [reply for reply in exchanges() if reply.command == "help"]
    assert len(helps) > 20
    for reply in helps:
        node = reply.where.split("/")[1].split(".")[0]
        assert umip_text.role_of(umip_text.parse_help(reply.text)) == node.rstrip("2")


# Framing


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("mip6d> mip6d> \0", ""),
        ("mip6d> hoa\nmip6d> \0", "hoa\n"),
        ("\x1b[1;4mhoa 1\x1b[0m\x1b[1m status\x1b[0m\r\n\0", "hoa 1 status\n"),
        ("a\x1b[mb\x1b[31mc", "abc"),
        ("a\x1b[2Jb\x1b]0;title\x07", "a\x1b[2Jb\x1b]0;title\x07"),
        ("one\nmip6d> two\n", "one\nmip6d> two\n"),
        ("", ""),
    ],
)
def test_cleaning(text: str, cleaned: str) -> None:
    """Only framing goes: colours, NUL, CR, the greeting and the last prompt."""
    assert umip_text.clean(text) == cleaned


@pytest.mark.parametrize(
    "line",
    [
        'unknown command: "(null)"',
        'unknown command: "bogus"',
        "unknown args",
        "do nothing",
        "command parse failed",
        "missing hoa",
        "missing coa; required for adding",
        "missing local",
        "invalid flag:Q",
        "invalid integer:x",
        "invalid command:x",
        "overflow:99999999999999999999",
        'either "want" or "never" is allowed for dad',
        "lifetime is zero",
        "lifetime is not zero",
        "sequence overflow",
        'getaddrinfo: "zz" :Temporary failure in name resolution',
        "bc error=16(Device or resource busy)",
        "hoa ADDR [coa ADDR] local ADDR flags [A]H[LK] [lifetime SECOND]",
    ],
)
def test_an_error_answer(line: str) -> None:
    """The line that refuses is found, with framing and without; no parser makes a record of it."""
    assert umip_text.complaint(line) == line
    assert umip_text.complaint(f"mip6d> {line}\r\n  [seq auto|NUMBER]\nmip6d> \0") == line
    assert umip_text.parse_help(line) == ()
    for parse in PARSERS.values():
        assert parse(f"{line}\n") == umip_text.Parsed([], (line,))


@pytest.mark.parametrize("text", ["", "mip6d> \0", "yes\n\0", "bc status=0\n", "a\nunknown args\nb\n"])
def test_no_error_answer(text: str) -> None:
    """What does not refuse is no complaint."""
    assert umip_text.complaint(text) is None


def test_a_table_that_failed_at_its_end() -> None:
    """A parser of the daemon's that fails says so after what it printed."""
    assert umip_text.complaint(f"{TABLE}command parse failed\nmip6d> \0") == "command parse failed"


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ("bc bul fancy nonce prompt quit rr stats verbose", "mn"),
        ("bc fancy hal nonce pl prompt quit\nstats thread verbose", "ha"),
        ("bc fancy nonce prompt quit stats verbose", "cn"),
        ("bul", None),
        ("HELO this is another service", None),
        ("", None),
    ],
)
def test_roles(words: str, role: str | None) -> None:
    """The role follows from the commands; help breaks its line at 60 columns."""
    assert umip_text.role_of(umip_text.parse_help(words)) == role


# stats


def counters(text: str) -> dict[tuple[str, str], tuple[int | None, bool]]:
    """Return value and counted of each counter."""
    parsed = PARSERS["stats"](text)
    assert parsed.unread == ()
    return {(row.direction, row.name): (row.value, row.counted) for row in parsed.rows}


def test_counters_that_no_code_increments() -> None:
    """They are unknown, not zero: these, and no others."""
    reply = next(reply for reply in REPLIES if reply.command == "stats")
    found = counters(reply.text)
    never = {key for key, (_, counted) in found.items() if not counted}
    assert len(found) == 48
    assert {name for direction, name in never if direction == "sent"} == {
        "home_address_options",
        "type_2_routing_headers",
        "reverse_tunneled",
    }
    assert {name for direction, name in never if direction == "received"} == {
        "home_address_options",
        "unverified_home_address_options",
        "reverse_tunneled",
        "bad_checksums",
        "bad_payload_protocols",
        "unknown_mobility_header_types",
        "not_my_home_address",
        "no_binding_update_list_entry",
        "home_init_cookie_mismatches",
        "care_of_init_cookie_mismatches",
        "unprotected_binding_signaling",
        "binding_updates_with_bad_home_address_option",
        "return_routability_authentication_failures",
        "sequence_number_mismatches",
        "invalid_care_of_addresses",
        "invalid_mobility_options",
        "mobile_prefix_advertisements",
        "mobile_prefix_solicitations",
    }
    assert {found[key][0] for key in never} == {None}
    assert None not in {value for key, (value, _) in found.items() if key not in never}


def test_a_counter_that_is_not_zero_is_counted() -> None:
    """A build that increments one of those does count it."""
    assert counters("Input Statistics:\n     3 seqno mismatch\n") == {
        ("received", "sequence_number_mismatches"): (3, True)
    }


def test_counters_of_forks() -> None:
    """A counter that mipsh does not know is named after its label, which is kept."""
    parsed = PARSERS["stats"]("Output Statistics:\n     7 PMIP: Binding  Updates (v4)\n")
    (row,) = parsed.rows
    assert (row.direction, row.name, row.value) == ("sent", "pmip_binding_updates_v4", 7)
    assert (row.label, row.source_line) == ("PMIP: Binding  Updates (v4)", 2)


def test_counter_names_are_stable() -> None:
    """A name is a word of lower-case letters, and no two labels of a direction share one."""
    names = [known.name for label, known in COUNTERS.items() if label != "reverse tunneled input"]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").replace("2", "").isalpha() and name.islower() for name in names)


@pytest.mark.parametrize("line", ["     7", "seven BU messages", f"     {'9' * 5000} BU messages", "     7 ???"])
def test_a_line_that_is_no_counter(line: str) -> None:
    """It is unread, and so is a counter before any heading."""
    assert PARSERS["stats"](f"Input Statistics:\n{line}\n").unread == (line,)
    assert PARSERS["stats"]("     7 BU messages\n").unread == ("     7 BU messages",)
