"""mip6d's text to records, whatever the text: nothing raises, nothing is lost, the fast way is the slow one."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from umip_printer import PARSERS, Reply, distinct_replies

from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.node.vt_text import ENTRIES, printed
from mipsh.plugins.engines import umip_text
from mipsh.plugins.engines.umip_text import Parsed, parse_binding_cache

REPLIES = distinct_replies()
UNHURRIED = settings(deadline=None)
FEW = settings(deadline=None, max_examples=40)
BINDINGS = "".join(reply.plain() for reply in REPLIES if reply.command == "bc")

# Accounting: every word of a line that is not unread is in a record or is the daemon's own.

TOKEN = re.compile(r"[0-9a-f]*:[0-9a-f:]+(?:\.[0-9]+)*|[0-9]+|[a-z]+")
NO_ADDRESS = ipaddress.IPv6Address("::").exploded
DAEMON_WORDS = frozenset(
    TOKEN.findall(
        "hoa nonce status coa flags local tunnel link lifetime seq unreach mpa retry mnp bul entry non mip cn "
        "unreach unknown home address care of delay ip 6 mh bu home ack llocal keym mr rr state dev last resend "
        "after s expires mps index return routability hot cot interface in seconds preference valid preferred "
        "input output statistics 0"
    )
)


def tokens(text: str) -> set[str]:
    """Return the words and numbers of a text; addresses and numbers in one form."""
    return {normal(token) for token in TOKEN.findall(text.lower())}


def normal(token: str) -> str:
    """Return an address in full, a number without leading zeros, another word as it is."""
    if token[0].isdigit() and token.isdigit():
        return token.lstrip("0") or "0"
    try:
        return ipaddress.IPv6Address(token).exploded if ":" in token else token
    except ValueError:
        return token


def said_by(value: Any) -> Iterator[str]:
    """Yield what a record says, as texts; a duration also in milliseconds and whole seconds."""
    match value:
        case dict():
            for key, inner in value.items():
                yield key
                yield from said_by(inner)
        case list() | tuple():
            yield "".join(map(str, value))
            for inner in value:
                yield from said_by(inner)
        case float():
            yield f"{round(value * 1000)} {int(value)}"
        case _:
            yield str(value)


def unaccounted(text: str, parsed: Parsed) -> dict[str, set[str]]:
    """Return the lines of a text that are neither unread nor all in the records, and what is missing."""
    lines = [line for line in umip_text.clean(text).split("\n") if line.strip(" \t")]
    if not parsed.rows:
        return {line: {line} for line in lines if line not in parsed.unread and "Statistics" not in line}
    said = "\n".join(text for row in parsed.rows for text in said_by(msgspec.to_builtins(row)))
    known = tokens(said) | DAEMON_WORDS | {NO_ADDRESS}
    letters = {word for word in known if len(word) == 1}
    missing = {}
    for line in lines:
        if line not in parsed.unread:
            lost = {word for word in tokens(line) - known if not set(word) <= letters}
            lost |= {sign for sign in line if not sign.isascii() or not sign.isprintable()} - {*said, "\t"}
            if lost:
                missing[line] = lost
    return missing


def unread_are_lines(text: str, parsed: Parsed) -> bool:
    """Tell whether each unread line stands in the text, in this order."""
    lines = iter(umip_text.clean(text).split("\n"))
    return all(line in lines for line in parsed.unread)


def assert_nothing_lost(command: str, text: str) -> None:
    """Parse a text and account for all of it."""
    parsed = PARSERS[command](text)
    assert unread_are_lines(text, parsed)
    assert unaccounted(text, parsed) == {}


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.where}-{reply.command}")
def test_a_recorded_reply_cut_at_every_byte(reply: Reply) -> None:
    """The entries before the cut are the whole ones; only the last two lines can be unread."""
    parse, whole = PARSERS[reply.command], reply.parsed().rows
    lines_of = [row.source_line for row in whole]
    text = umip_text.clean(reply.text)
    for end in range(len(text)):
        parsed = parse(text[:end])
        count = len(parsed.rows)
        assert parsed.rows[: max(count - 1, 0)] == whole[: max(count - 1, 0)]
        assert [row.source_line for row in parsed.rows] == lines_of[:count]
        if parsed.unread:
            lines = [line for line in text[:end].split("\n") if line.strip(" ")]
            assert list(parsed.unread) in (lines[-1:], lines[-2:])


@pytest.mark.parametrize("command", sorted(PARSERS))
def test_a_cut_loses_nothing(command: str) -> None:
    """Every word before the cut is accounted for, at every fifth byte of the longest recorded reply."""
    longest = max((reply.text for reply in REPLIES if reply.command == command), key=len)
    for end in range(0, len(longest), 5):
        assert_nothing_lost(command, longest[:end])


commands = st.sampled_from(sorted(PARSERS))
recorded = st.sampled_from(REPLIES)
words = st.from_regex(
    r"[A-Za-z_][A-Za-z0-9_]{0,8}|-?[0-9]{1,25}|\([a-z]{0,6}\)|[/=?,-]|\xe9\x85?|\x1b\[1m", fullmatch=True
)


@UNHURRIED
@given(commands, st.text(max_size=200))
@example("bc", "hoa ::\nstatus")
@example("bul", "== \xa0 ==\nHome address \x85:")
@example("rr", "== Return Routability Entry () ==\n HoA :")
@example("stats", "Input Statistics:\n 0 \xb2\n \xb2 0")
def test_any_text(command: str, text: str) -> None:
    """No text raises; what gives no record is unread."""
    parsed = PARSERS[command](text)
    assert unread_are_lines(text, parsed)
    if not parsed.rows:
        assert unaccounted(text, parsed) == {}
    umip_text.complaint(text)
    umip_text.role_of(umip_text.parse_help(text))


@UNHURRIED
@given(commands, st.lists(st.one_of(words, st.sampled_from([" ", "\n", "hoa ", "::1", "1:2 ", "== "])), max_size=40))
def test_any_words(command: str, parts: list[str]) -> None:
    """Words at random are accounted for."""
    assert_nothing_lost(command, "".join(parts))


@UNHURRIED
@given(commands, recorded)
def test_the_reply_to_another_command(command: str, reply: Reply) -> None:
    """A reply that came to the wrong parser is accounted for."""
    assert_nothing_lost(command, reply.text)


@UNHURRIED
@given(recorded, st.data())
def test_shuffled_lines(reply: Reply, data: st.DataObject) -> None:
    """Lines in any order, some left out, are accounted for."""
    lines = umip_text.clean(reply.text).split("\n")
    shuffled = data.draw(st.permutations(lines))[: data.draw(st.integers(1, len(lines)))]
    assert_nothing_lost(reply.command, "\n".join(shuffled))


@UNHURRIED
@given(recorded, st.lists(st.tuples(st.integers(0, 10000), words), max_size=4))
def test_words_of_forks_anywhere(reply: Reply, added: list[tuple[int, str]]) -> None:
    """Words put between others are in extra or unread."""
    parts = re.split(r"(?<=[ \n])", umip_text.clean(reply.text))
    for at, word in added:
        parts.insert(at % len(parts), f"{word} ")
    assert_nothing_lost(reply.command, "".join(parts))


@UNHURRIED
@given(st.sampled_from([reply for reply in REPLIES if reply.command != "stats"]), st.data())
def test_a_fork_s_pairs_at_the_end_of_lines(reply: Reply, data: st.DataObject) -> None:
    """Pairs behind a line of an entry go to its extra, and change nothing else."""
    lines = umip_text.clean(reply.text).rstrip("\n").split("\n")
    chosen = data.draw(st.sampled_from([number for number, line in enumerate(lines) if line.strip()]))
    lines[chosen] += " BID 100 BidPriority 10"
    parsed = PARSERS[reply.command]("\n".join(lines))
    assert parsed.unread == ()
    extended = [row for row in parsed.rows if "BID" in row.extra]
    assert [(row.extra["BID"], row.extra["BidPriority"]) for row in extended] == [("100", "10")]
    assert printed(reply.command, parsed.rows).rstrip() == reply.plain().rstrip()


# The way there and back

# Below 96 bits the C library writes the last 32 as IPv4 (RFC 5952 section 5), Python's ipaddress does not.
addresses = st.integers(1 << 96, (1 << 128) - 1).map(lambda number: str(ipaddress.IPv6Address(number)))
interfaces = st.from_regex(r"[a-z][a-z0-9.@_-]{0,14}", fullmatch=True)
seconds = st.integers(-(1 << 40), 1 << 40)
counts = st.integers(0, (1 << 64) - 1)


@st.composite
def bindings(draw: st.DrawFn) -> BindingCacheEntry:
    """Return any binding that mip6d can print."""
    verbose = draw(st.booleans())
    remaining, granted = draw(st.none() | seconds), draw(seconds)
    has_mpa = draw(st.booleans())
    network = st.builds(lambda start, length: f"{start}/{length}", addresses, st.integers(0, 128))
    status = draw(st.sampled_from(["registered", "cached", "dying", "dad", "nonce-block", "unknown"]))
    return BindingCacheEntry(
        home_address=draw(addresses),
        care_of_address=draw(addresses),
        status=status,
        flags=tuple(flag for flag in "AHLK" if draw(st.booleans())),
        lifetime_remaining_s=remaining,
        lifetime_granted_s=granted,
        age_s=None if remaining is None else granted - remaining,
        sequence=draw(counts),
        local_address=draw(addresses),
        home_nonce_index=draw(counts) if verbose else None,
        care_of_nonce_index=draw(counts) if verbose else None,
        unreachable_count=draw(seconds),
        tunnel_interface=draw(st.none() | interfaces),
        link_interface=draw(st.none() | interfaces),
        mpa_next_s=draw(st.none() | seconds) if has_mpa else None,
        mpa_interval_s=draw(seconds) if has_mpa else None,
        mpa_retries=draw(counts) if has_mpa else None,
        mobile_network_prefixes=tuple(draw(st.lists(network, max_size=2))),
    )


@FEW
@given(st.lists(bindings(), max_size=4))
def test_bindings_there_and_back(rows: list[BindingCacheEntry]) -> None:
    """A binding that is printed and read is the same, and tells its line."""
    text = printed("bc", rows)
    parsed = parse_binding_cache(text)
    lines = text.split("\n")
    assert parsed.unread == ()
    assert [msgspec.structs.replace(row, source_line=None) for row in parsed.rows] == rows
    assert all(lines[row.source_line - 1].startswith("hoa ") for row in parsed.rows)


@st.composite
def updates(draw: st.DrawFn) -> BindingUpdateListEntry:
    """Return any entry that mip6d can print; what is computed from others is left out."""
    flags = tuple(flag for flag in "AHLKR" if draw(st.booleans()))
    states = [None, "ready", "started", "home_nonce_expired", "care_of_nonce_expired"]
    is_home, is_verbose = "H" in flags, draw(st.booleans())
    indices = is_verbose and not is_home
    has_mps = is_home and draw(st.booleans())
    return BindingUpdateListEntry(
        home_address=draw(addresses),
        care_of_address=draw(st.none() | addresses),
        peer_address=draw(addresses),
        next_event_s=draw(seconds),
        lifetime_remaining_s=draw(seconds),
        lifetime_granted_s=draw(seconds),
        sequence=draw(counts),
        kind=draw(st.sampled_from(["bul", "non_mip_cn", "unreach"])),
        flags=flags,
        ack=draw(st.sampled_from(["wait", "ready"])),
        return_routability=None if is_home else draw(st.sampled_from(states)),
        retransmissions=draw(counts),
        delay_s=draw(st.integers(0, 1 << 40)) / 1000,
        expires_s=draw(st.none() | seconds) if is_verbose else None,
        interface=draw(st.none() | interfaces) if is_verbose else None,
        last_care_of_address=draw(addresses) if is_verbose else None,
        home_nonce_index=draw(counts) if indices else None,
        care_of_nonce_index=draw(counts) if indices else None,
        mps_next_s=draw(seconds) if has_mps else None,
        mps_interval_s=draw(seconds) if has_mps else None,
    )


@FEW
@given(st.lists(updates(), max_size=4))
def test_updates_there_and_back(rows: list[BindingUpdateListEntry]) -> None:
    """An entry that is printed and read is the same, but for what is computed."""
    parsed = PARSERS["bul"](printed("bul", rows))
    computed = dict.fromkeys(("registration", "state", "next_event", "age_s", "source_line"))
    assert parsed.unread == ()
    assert [msgspec.structs.replace(row, **computed) for row in parsed.rows] == rows


# The fast way is the slow one


def assert_fast_is_slow(text: str) -> None:
    """Read a text both ways."""
    assert parse_binding_cache(text) == parse_binding_cache(text, fast=False)


@FEW
@given(st.lists(bindings(), max_size=4))
def test_fast_is_slow_for_bindings(rows: list[BindingCacheEntry]) -> None:
    """The pattern and the layout read any binding to the same record."""
    assert_fast_is_slow(printed("bc", rows))


@FEW
@given(st.lists(st.tuples(bindings(), st.integers(0, 400), st.text(max_size=6)), max_size=3), st.booleans())
def test_fast_is_slow_for_damaged_bindings(damaged: list[tuple[BindingCacheEntry, int, str]], cut: bool) -> None:
    """So they do where text was lost or put in between."""
    parts = []
    for row, at, junk in damaged:
        entry = ENTRIES["bc"](row)
        parts.append(entry[:at] + junk + entry[at + cut :])
    assert_fast_is_slow("".join(parts))


@UNHURRIED
@given(st.lists(st.tuples(st.integers(0, 100000), words), max_size=6), st.booleans())
def test_fast_is_slow_for_recorded_bindings(added: list[tuple[int, str]], glued: bool) -> None:
    """So they do for all recorded bindings in one table, words of forks among them."""
    parts = re.split(r"(?<=[ \n])", BINDINGS)
    for at, word in added:
        parts.insert(at % len(parts), word if glued else f"{word} ")
    assert_fast_is_slow("".join(parts))


def test_fast_is_slow_where_words_are_names() -> None:
    """An interface may have the name of a word of the table."""
    binding = (
        "hoa 1:0:0:0:0:0:0:1 status cached\n coa 1:0:0:0:0:0:0:2 flags A---\n"
        " local 1:0:0:0:0:0:0:3 tunnel link link tunnel\n lifetime 4 / 5 seq 6 unreach 7\n"
    )
    assert_fast_is_slow(binding)
    (row,) = parse_binding_cache(binding).rows
    assert (row.tunnel_interface, row.link_interface) == ("link", "tunnel")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("retry 0", "retry -1"),
        ("mpa 1445 / 1447 retry 0", "/ 98 retry -1"),
        ("86394 /", "-- /"),
        ("86394 /", "+5 /"),
        ("86394 / 86396", "86394 / -"),
        ("seq 24891", f"seq {'9' * 19}"),
        ("seq 24891", "seq 007"),
        ("registered", "(unknown)"),
        ("registered", "Registered"),
        ("AH--", "AH-M"),
        ("AH--", "HHA"),
        ("2001:db8:2", "2001:DB8:2"),
        ("2001:db8:1:0:0:0:0:100", "cafe"),
        ("2001:db8:1:0:0:0:0:100", ":"),
        (" local", "\tlocal"),
        (" local", "\n local"),
        (" local", "local"),
        ("hoa", " hoa"),
        ("tunnel ip6tnl1", "tunnel (5)"),
        ("link ha0", "link (0)"),
        ("retry 0\n", "retry 0"),
        ("retry 0\n", "retry 0\r\n"),
        ("retry 0\n", "retry 0 \n"),
        ("retry 0\n", "retry 0\n\n"),
        ("retry 0\n", "retry 0\n MNP: 1:0:0:0:0:0:0:0/16\n"),
        ("retry 0\n", "retry 0\nhoa\n"),
    ],
)
def test_fast_is_slow_near_the_pattern(old: str, new: str) -> None:
    """The pattern does not match what only looks like an entry of the usual shape."""
    entry = (
        "hoa 2001:db8:1:0:0:0:0:100 nonce 0 status registered\n coa 2001:db8:2:0:0:0:0:1 nonce 0 flags AH--\n"
        " local 2001:db8:1:0:0:0:0:1 tunnel ip6tnl1 link ha0\n"
        " lifetime 86394 / 86396 seq 24891 unreach 0 mpa 1445 / 1447 retry 0\n"
    )
    changed = entry.replace(old, new)
    assert changed != entry
    for text in (changed, entry + changed, changed + entry):
        assert_fast_is_slow(text)
