"""Fields are read as typed, or refused with what to write instead; what could be typed is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.craft.fields import (
    ACK_STATUSES,
    AGENT,
    BA_FLAGS,
    BU_FLAGS,
    CARE_OF,
    HOME,
    RECIPES,
    Given,
    Kind,
    candidates,
    flag_letters,
    missing,
    prefix_text,
    read,
    takes_address,
)
from mipsh.errors import UsageError
from mipsh.wire.address import parse

ALL_FIELDS = sorted({name for recipe in RECIPES.values() for name in recipe.takes()})


def of(message: str, *words: str) -> Given:
    """Read fields for a message."""
    return read(RECIPES[message], words)


def refused(message: str, *words: str) -> UsageError:
    """Return why fields are refused."""
    with pytest.raises(UsageError) as caught:
        of(message, *words)
    return caught.value


def test_what_is_not_given_is_an_example() -> None:
    """With addresses of the documentation prefix, of which none was typed."""
    found = of("bu")
    assert found.octets == {"src": parse(CARE_OF), "dst": parse(AGENT), "hao": parse(HOME)}
    assert found.numbers == {"seq": 1, "flags": 0xC000, "lifetime": 105}
    assert found.typed == frozenset()
    assert missing(RECIPES["bu"], found) == ("src", "dst", "hao")
    assert missing(RECIPES["bu"], of("bu", "coa=::1", "dst=::2", "hoa=none")) == ()


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("seq=7", "seq", 7),
        ("seq=0xfFfF", "seq", 65535),
        ("lifetime=0", "lifetime", 0),
        ("lifetime=262140", "lifetime", 65535),
        ("flags=ahlk", "flags", 0xF000),
        ("flags=A,H,R", "flags", 0xC400),
        ("flags=none", "flags", 0),
        ("flags=", "flags", 0),
        ("hop=255", "hop", 255),
        ("flow=0xfffff", "flow", 0xFFFFF),
        ("checksum=0x1234", "checksum", 0x1234),
        ("advice=400", "advice", 100),
    ],
)
def test_numbers(word: str, name: str, value: int) -> None:
    """Decimal or hexadecimal, seconds in units of four, flags by their letters."""
    assert of("bu", word).numbers[name] == value


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("coa=2001:db8::9", "src", parse("2001:db8::9")),
        ("hoa=2001:db8::9", "hao", parse("2001:db8::9")),
        ("hao=none", "hao", b""),
        ("src=::", "src", bytes(16)),
        ("nonces=1,0x0002", "nonces", b"\0\1\0\2"),
        ("mnp=2001:db8:100::/48", "mnp", b"\x30" + parse("2001:db8:100::")),
        ("mnid=mn@example.net", "mnid", b"mn@example.net"),
        ("auth=00:01:02:03:04:05:06:07:08:09:0a:0b", "auth", bytes(range(12))),
        ("auth=0x000102030405060708090A0B", "auth", bytes(range(12))),
    ],
)
def test_bytes(word: str, name: str, value: bytes) -> None:
    """Addresses, prefixes, indices, names and plain bytes."""
    found = of("bu", word)
    assert found.octets[name] == value
    assert found.typed == {name}


def test_a_status_has_a_name() -> None:
    """Or a number, also one that nobody assigned."""
    assert of("ba", "status=sequence_number_out_of_window").numbers["status"] == 135
    assert of("ba", "status=200").numbers["status"] == 200
    assert of("be", "status=unrecognized_message_type").numbers["status"] == 2


@pytest.mark.parametrize(
    ("message", "word", "said", "hint"),
    [
        ("bu", "sec=7", "bu has no field 'sec'", "did you mean seq"),
        ("bu", "zzzzzz=7", "bu has no field 'zzzzzz'", "it has seq, flags, lifetime, hoa, coa"),
        ("bu", "seq", "'seq' is no field", "write a name and a value: seq=…"),
        ("bu", "seq=65536", "seq= is at most 65535, not 65536", "write 0 to 65535"),
        ("bu", "seq=-1", "seq= takes a number, not '-1'", "write 5 or 0x05"),
        ("bu", "seq=", "seq= takes a number, not ''", "write 5 or 0x05"),
        ("bu", "seq=٣", "seq= takes a number, not '٣'", "write 5 or 0x05"),
        ("bu", "lifetime=421", "lifetime= counts in units of 4 seconds: 421 is none", "write 420 or 424"),
        ("bu", "lifetime=262144", "lifetime= is at most 262140, not 262144", "write 0 to 262140"),
        ("bu", "flags=AX", "flags= cannot be 'AX'", "write letters of A H L K M R P, or none"),
        ("ba", "flags=A", "flags= cannot be 'A'", "write letters of K R P, or none"),
        ("bu", "src=mn", "src= takes an IPv6 address: 'mn' is not an IPv6 address", "write 2001:db8::1"),
        ("bu", "src=fe80::1%eth0", "src= takes an IPv6 address: 'fe80::1%eth0' is not", "write 2001:db8::1"),
        ("bu", "src=none", "src= cannot be none", "write 2001:db8::1, or :: for no address"),
        ("hoti", "cookie=01", "cookie= is 8 bytes, not 1", "write 16 hex digits"),
        ("hoti", "cookie=0102030405060708", "", ""),
        ("hoti", "cookie=hello", "cookie= takes bytes in hex, two digits each", "write 0102030405060708"),
        ("raw", "data=0", "data= takes bytes in hex, two digits each", "write 0102030405060708"),
        ("raw", f"data={'00' * 2043}", "data= is at most 2042 bytes, not 2043", "give fewer"),
        ("bu", "mnp=2001:db8::", "mnp= takes a prefix and its length", "write 2001:db8:100::/48"),
        ("bu", "mnp=2001:db8::/129", "mnp= takes a prefix and its length", "write 2001:db8:100::/48"),
        ("bu", "nonces=1", "nonces= takes two nonce indices", "write 5,6"),
        ("bu", "nonces=1,70000", "nonces= is at most 65535, not 70000", "write 0 to 65535"),
        ("bu", "mnid=", "mnid= is 1 to 250 bytes, not 0", "write mn@example.net"),
        ("bu", "mnid=\udcff", "mnid= takes a name in UTF-8", "write mn@example.net"),
        ("ba", "status=sequence_out_of_window", "status= takes a number or a name", "did you mean sequence_number"),
    ],
)
def test_what_is_wrong_is_said(message: str, word: str, said: str, hint: str) -> None:
    """With what to write instead."""
    if not said:
        of(message, word)
        return
    error = refused(message, word)
    assert error.message.startswith(said)
    assert error.hint.startswith(hint)


def test_a_field_is_given_once() -> None:
    """By whichever of its names."""
    assert "given twice" in refused("bu", "coa=::1", "src=::2").message
    assert "given twice" in refused("bu", "seq=1", "seq=1").message


@given(st.sampled_from(sorted(RECIPES)), st.lists(st.tuples(st.sampled_from(ALL_FIELDS), st.text(max_size=30))))
def test_any_words_are_read_or_refused(message: str, words: list[tuple[str, str]]) -> None:
    """Nothing else ever happens."""
    try:
        found = of(message, *(f"{name}={value}" for name, value in words))
    except UsageError as error:
        assert error.message
        assert error.hint
    else:
        assert found.octets["src"]


@given(st.text(max_size=20))
def test_any_word_is_read_or_refused(word: str) -> None:
    """Without a name, too."""
    with pytest.raises(UsageError):
        of("bu", word.replace("=", ""))


def test_every_message_can_be_completed() -> None:
    """Its fields by name, each once; the values that have names."""
    for message, recipe in RECIPES.items():
        found = dict(candidates(message, "", []))
        assert list(found) == [f"{name}=" for name in recipe.takes()]
        assert all(found.values())
    assert "src=" not in dict(candidates("bu", "", ["coa=::1"]))
    assert "coa=" not in dict(candidates("bu", "s", ["src=::1"]))
    assert [word for word, _ in candidates("ba", "status=", [])] == [f"status={name}" for name in ACK_STATUSES]
    assert dict(candidates("ba", "flags=", [])) == {
        "flags=K": "key management mobility capability",
        "flags=R": "mobile router",
        "flags=P": "proxy registration",
    }
    assert candidates("bu", "seq=", []) == candidates("bu", "zzz=", []) == candidates("zzz", "", []) == []


def test_which_fields_are_addresses() -> None:
    """The caller knows which there are."""
    assert takes_address("bu", "coa")
    assert not takes_address("bu", "seq")
    assert not takes_address("bu", "zzz")
    assert not takes_address("zzz", "src")


def test_each_kind_of_value_is_there() -> None:
    """None is declared in vain; meanings and references are given."""
    fields = [field for recipe in RECIPES.values() for field in recipe.takes().values()]
    assert {field.kind for field in fields} == set(Kind)
    assert all(field.meaning for field in fields)
    assert all(recipe.reference.startswith("RFC ") for recipe in RECIPES.values())


def test_flags_and_prefixes_are_written_as_they_are_read() -> None:
    """Their letters in the order of their bits."""
    assert flag_letters(of("bu", "flags=KHA").numbers["flags"], BU_FLAGS) == "AHK"
    assert flag_letters(0xFF, BA_FLAGS) == "KRP"
    assert prefix_text(of("bu", "mnp=2001:db8:100::/48").octets["mnp"]) == "2001:db8:100::/48"
