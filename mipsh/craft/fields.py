"""What can be made, and the fields that it takes: words ``name=value`` into numbers and bytes.

Pure. A field that is not given has its example's value: addresses of the documentation prefix
(RFC 3849), zeros otherwise.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.grammar.phrases import nearest
from mipsh.model import acknowledgement
from mipsh.wire.address import parse, text

BYTE, WORD, LONG = 0xFF, 0xFFFF, 0xFFFFFFFF
LIFETIME_UNIT_S = 4
LONGEST_DATA = 2042
"""Bytes of data that a field may have; with a Mobility Header around it, its largest size."""
LONGEST_NAME = 250
NONE = "none"
HOME, CARE_OF = "2001:db8:1::100", "2001:db8:2::100"
AGENT, PEER = "2001:db8:1::1", "2001:db8:4::2"

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_LETTERS = re.compile(r"[A-Za-z,]+")


class Kind(StrEnum):
    """How a value is written."""

    ADDRESS = "address"
    NUMBER = "number"
    SECONDS = "seconds"
    FLAGS = "flags"
    BYTES = "bytes"
    NAME = "name"
    PREFIX = "prefix"
    INDICES = "indices"


class Field(Struct, frozen=True):
    """A field: ``most`` is the largest number or how many bytes there may be, ``size`` how many there are exactly.

    ``words`` are numbers by name, and for flags their letters.
    """

    name: str
    kind: Kind
    meaning: str
    most: int = 0
    size: int = 0
    words: Mapping[str, int] = MappingProxyType({})


class Recipe(Struct, frozen=True):
    """A message: its own fields, what ``hoa`` and ``coa`` stand for, and the values of an example.

    ``takes_options`` tells that mobility options may follow, ``has_checksum`` that there is one to be
    forced. ``examples`` with an address are those that must be given to send it.
    """

    name: str
    meaning: str
    reference: str
    fields: tuple[Field, ...] = ()
    roles: Mapping[str, str] = MappingProxyType({})
    examples: Mapping[str, str] = MappingProxyType({})
    takes_options: bool = True
    has_checksum: bool = True

    def takes(self) -> dict[str, Field]:
        """Return all fields that it takes, by name; its own come first."""
        found = {field.name: field for field in self.fields}
        for role, target in self.roles.items():
            meaning = f"{ROLES[role]}: the same as {target}="
            found.setdefault(role, Field(role, Kind.ADDRESS, meaning))
        more = (*COMMON, *(OPTIONS if self.takes_options else ()), *((CHECKSUM,) if self.has_checksum else ()))
        return found | {field.name: field for field in more if field.name not in found}


class Given(Struct, frozen=True):
    """Values by field: numbers, and bytes for all else. ``typed`` are the fields that were given."""

    numbers: dict[str, int]
    octets: dict[str, bytes]
    typed: frozenset[str]


ROLES = {"hoa": "home address of the mobile node", "coa": "care-of address of the mobile node"}
BU_FLAGS = {"A": 0x8000, "H": 0x4000, "L": 0x2000, "K": 0x1000, "M": 0x0800, "R": 0x0400, "P": 0x0200}
BA_FLAGS = {"K": 0x80, "R": 0x40, "P": 0x20}
ACK_STATUSES = {said.name: number for number, said in acknowledgement.MEANINGS.items()}
ERROR_STATUSES = {"unknown_binding": 1, "unrecognized_message_type": 2}

COMMON = (
    Field("src", Kind.ADDRESS, "source address of the packet"),
    Field("dst", Kind.ADDRESS, "destination address of the packet"),
    Field("hao", Kind.ADDRESS, "home address in a Home Address option (RFC 6275 section 6.3), or none"),
    Field("rh2", Kind.ADDRESS, "home address in a type 2 routing header (RFC 6275 section 6.4), or none"),
    Field("hop", Kind.NUMBER, "hop limit", BYTE),
    Field("tclass", Kind.NUMBER, "traffic class", BYTE),
    Field("flow", Kind.NUMBER, "flow label", 0xFFFFF),
)
CHECKSUM = Field("checksum", Kind.NUMBER, "checksum, right or wrong; computed where it is not given", WORD)
OPTIONS = (
    Field("altcoa", Kind.ADDRESS, "Alternate Care-of Address option (RFC 6275 section 6.2.5)"),
    Field("nonces", Kind.INDICES, "Nonce Indices option, home,care-of (RFC 6275 section 6.2.6)"),
    Field("advice", Kind.SECONDS, "Binding Refresh Advice option, in seconds (RFC 6275 section 6.2.4)", WORD),
    Field("mnp", Kind.PREFIX, "Mobile Network Prefix option (RFC 3963 section 4.3)"),
    Field("mnid", Kind.NAME, "Mobile Node Identifier option, an NAI (RFC 4283 section 3)", LONGEST_NAME),
    Field("auth", Kind.BYTES, "Binding Authorization Data option, in hex (RFC 6275 section 6.2.7)", size=12),
)
"""In the order in which they stand in a message: the authenticator is the last one."""

_SEQUENCE = Field("seq", Kind.NUMBER, "sequence number", WORD)
_LIFETIME = Field("lifetime", Kind.SECONDS, "lifetime in seconds, a multiple of 4; 0 deletes the binding", WORD)
_COOKIE = Field("cookie", Kind.BYTES, "cookie, 8 bytes in hex", size=8)
_TOKEN = Field("token", Kind.BYTES, "keygen token, 8 bytes in hex", size=8)
_NONCE = Field("nonce", Kind.NUMBER, "nonce index", WORD)
_DATA = Field("data", Kind.BYTES, "what it carries, in hex", LONGEST_DATA)
_FROM_MN = {"hoa": "hao", "coa": "src"}

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "brr",
            "Binding Refresh Request: a correspondent or home agent asks for a new Binding Update",
            "RFC 6275 section 6.1.2",
            roles={"hoa": "dst"},
            examples={"src": PEER, "dst": HOME},
        ),
        Recipe(
            "hoti",
            "Home Test Init: the home test begins",
            "RFC 6275 section 6.1.3",
            (_COOKIE,),
            {"hoa": "src"},
            {"src": HOME, "dst": PEER},
        ),
        Recipe(
            "coti",
            "Care-of Test Init: the care-of test begins",
            "RFC 6275 section 6.1.4",
            (_COOKIE,),
            {"coa": "src"},
            {"src": CARE_OF, "dst": PEER},
        ),
        Recipe(
            "hot",
            "Home Test: the answer, with a home keygen token",
            "RFC 6275 section 6.1.5",
            (_NONCE, _COOKIE, _TOKEN),
            {"hoa": "dst"},
            {"src": PEER, "dst": HOME},
        ),
        Recipe(
            "cot",
            "Care-of Test: the answer, with a care-of keygen token",
            "RFC 6275 section 6.1.6",
            (_NONCE, _COOKIE, _TOKEN),
            {"coa": "dst"},
            {"src": PEER, "dst": CARE_OF},
        ),
        Recipe(
            "bu",
            "Binding Update: a mobile node says where it is",
            "RFC 6275 section 6.1.7",
            (_SEQUENCE, Field("flags", Kind.FLAGS, "letters of A H L K M R P", words=BU_FLAGS), _LIFETIME),
            _FROM_MN,
            {"src": CARE_OF, "dst": AGENT, "hao": HOME, "seq": "1", "flags": "AH", "lifetime": "420"},
        ),
        Recipe(
            "ba",
            "Binding Acknowledgement: the answer to a Binding Update",
            "RFC 6275 section 6.1.8",
            (
                Field(
                    "status", Kind.NUMBER, "status, by number or name; from 128 on a rejection", BYTE, 0, ACK_STATUSES
                ),
                Field("flags", Kind.FLAGS, "letters of K R P", words=BA_FLAGS),
                _SEQUENCE,
                _LIFETIME,
            ),
            {"hoa": "rh2", "coa": "dst"},
            {"src": AGENT, "dst": CARE_OF, "rh2": HOME, "seq": "1", "lifetime": "420"},
        ),
        Recipe(
            "be",
            "Binding Error: a packet was refused for want of a binding, or of knowledge",
            "RFC 6275 section 6.1.9",
            (
                Field("status", Kind.NUMBER, "1 no binding, 2 unknown message type", BYTE, 0, ERROR_STATUSES),
                Field("hoa", Kind.ADDRESS, "home address of the packet that was refused"),
            ),
            {"coa": "dst"},
            {"src": PEER, "dst": CARE_OF, "hoa": HOME, "status": "1"},
        ),
        Recipe(
            "raw",
            "a Mobility Header of any type, padded to a multiple of 8 bytes",
            "RFC 6275 section 6.1.1",
            (Field("type", Kind.NUMBER, "type of the message", BYTE), _DATA),
            _FROM_MN,
            {"src": CARE_OF, "dst": PEER, "type": "16"},
            takes_options=False,
        ),
        Recipe(
            "echo",
            "an ICMPv6 Echo Request",
            "RFC 4443 section 4.1",
            (Field("id", Kind.NUMBER, "identifier", WORD), _SEQUENCE, _DATA),
            _FROM_MN,
            {"src": CARE_OF, "dst": PEER},
            takes_options=False,
        ),
        Recipe(
            "udp",
            "a UDP datagram",
            "RFC 768",
            (
                Field("sport", Kind.NUMBER, "source port", WORD),
                Field("dport", Kind.NUMBER, "destination port", WORD),
                _DATA,
            ),
            _FROM_MN,
            {"src": CARE_OF, "dst": PEER, "sport": "5001", "dport": "5001"},
            takes_options=False,
        ),
        Recipe(
            "payload",
            "any payload",
            "RFC 8200 section 4",
            (Field("proto", Kind.NUMBER, "number of the protocol, in the next header field", BYTE), _DATA),
            _FROM_MN,
            {"src": CARE_OF, "dst": PEER, "proto": "59"},
            takes_options=False,
            has_checksum=False,
        ),
    )
}


def read(recipe: Recipe, words: Iterable[str]) -> Given:
    """Read words ``name=value`` for a message, the example's for what is not given; raises UsageError."""
    given: dict[str, str] = {}
    for word in words:
        name, value = _split(recipe, word)
        name = recipe.roles.get(name, name)
        if name in given:
            raise UsageError(f"the field '{name}' is given twice", "give it once: hoa= and coa= are names of others")
        given[name] = value
    numbers: dict[str, int] = {}
    octets: dict[str, bytes] = {}
    takes = recipe.takes()
    for name, value in {**recipe.examples, **given}.items():
        read_one = convert(takes[name], value)
        if isinstance(read_one, int):
            numbers[name] = read_one
        else:
            octets[name] = read_one
    for name in ("src", "dst"):
        if not octets[name]:
            raise UsageError(f"{name}= cannot be none", "write 2001:db8::1, or :: for no address")
    return Given(numbers, octets, frozenset(given))


def missing(recipe: Recipe, given: Given) -> tuple[str, ...]:
    """Return the addresses that are only an example's: whoever sends a packet must say them."""
    takes = recipe.takes()
    return tuple(n for n in recipe.examples if takes[n].kind is Kind.ADDRESS and n not in given.typed)


def _split(recipe: Recipe, word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise UsageError(f"'{word}' is no field", f"write a name and a value: {next(iter(recipe.takes()))}=…")
    if name not in recipe.takes():
        near = nearest(name, recipe.takes())
        hint = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(recipe.takes())}"
        raise UsageError(f"{recipe.name} has no field '{name}'", hint)
    return name, value


def convert(field: Field, value: str) -> int | bytes:
    """Return what a field's value is, a number or bytes; raises UsageError."""
    match field.kind:
        case Kind.ADDRESS:
            return b"" if value == NONE else _address(field, value)
        case Kind.NUMBER:
            return _number(field, value)
        case Kind.SECONDS:
            return _seconds(field, value)
        case Kind.FLAGS:
            return _flags(field, value)
        case Kind.BYTES:
            return _bytes(field, value)
        case Kind.NAME:
            return _name(field, value)
        case Kind.PREFIX:
            return _prefix(field, value)
        case Kind.INDICES:
            return _indices(field, value)


def _address(field: Field, value: str) -> bytes:
    try:
        if "%" in value:
            raise ValueError("not an IPv6 address: it names an interface")
        return parse(value)
    except ValueError as error:
        raise UsageError(f"{field.name}= takes an IPv6 address: '{value}' is {error}", "write 2001:db8::1") from None


def _number(field: Field, value: str, most: int | None = None) -> int:
    most = field.most if most is None else most
    if value in field.words:
        return field.words[value]
    if not _NUMBER.fullmatch(value):
        near = nearest(value, field.words)
        wanted = "a number or a name" if field.words else "a number"
        hint = f"did you mean {' or '.join(near)}?" if near else "write 5 or 0x05"
        raise UsageError(f"{field.name}= takes {wanted}, not '{value}'", hint)
    number = int(value, 16 if value[:2].lower() == "0x" else 10)
    if number > most:
        raise UsageError(f"{field.name}= is at most {most}, not {value}", f"write 0 to {most}")
    return number


def _seconds(field: Field, value: str) -> int:
    """Return a time in units of 4 seconds."""
    seconds = _number(field, value, field.most * LIFETIME_UNIT_S)
    if seconds % LIFETIME_UNIT_S:
        least = seconds // LIFETIME_UNIT_S * LIFETIME_UNIT_S
        raise UsageError(
            f"{field.name}= counts in units of 4 seconds: {seconds} is none",
            f"write {least}" + (f" or {least + LIFETIME_UNIT_S}" if least < field.most * LIFETIME_UNIT_S else ""),
        )
    return seconds // LIFETIME_UNIT_S


def _flags(field: Field, value: str) -> int:
    if value in ("", NONE):
        return 0
    letters = value.upper().replace(",", "") if _LETTERS.fullmatch(value) else ""
    if not letters or not set(letters) <= set(field.words):
        hint = f"write letters of {' '.join(field.words)}, or none"
        raise UsageError(f"{field.name}= cannot be '{value}'", hint)
    return sum(field.words[letter] for letter in set(letters))


def _bytes(field: Field, value: str) -> bytes:
    digits = value.removeprefix("0x").replace(":", "")
    if not _HEX.fullmatch(digits):
        raise UsageError(f"{field.name}= takes bytes in hex, two digits each", "write 0102030405060708")
    data = bytes.fromhex(digits)
    if field.size and len(data) != field.size:
        raise UsageError(f"{field.name}= is {field.size} bytes, not {len(data)}", f"write {field.size * 2} hex digits")
    if not field.size and len(data) > field.most:
        raise UsageError(f"{field.name}= is at most {field.most} bytes, not {len(data)}", "give fewer")
    return data


def _name(field: Field, value: str) -> bytes:
    try:
        data = value.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{field.name}= takes a name in UTF-8", "write mn@example.net") from None
    if not 0 < len(data) <= field.most:
        raise UsageError(f"{field.name}= is 1 to {field.most} bytes, not {len(data)}", "write mn@example.net")
    return data


def _prefix(field: Field, value: str) -> bytes:
    """Return a prefix as its length, a byte, and its address."""
    written, slash, length = value.partition("/")
    if not slash or not re.fullmatch(r"[0-9]{1,3}", length) or int(length) > 128:
        raise UsageError(f"{field.name}= takes a prefix and its length, not '{value}'", "write 2001:db8:100::/48")
    return bytes((int(length),)) + _address(field, written)


def _indices(field: Field, value: str) -> bytes:
    """Return two indices, each a word."""
    found = value.split(",")
    if len(found) != 2:
        raise UsageError(f"{field.name}= takes two nonce indices, home,care-of, not '{value}'", "write 5,6")
    return b"".join(_number(field, one, WORD).to_bytes(2) for one in found)


def candidates(message: str, begun: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Return the words that a field could be, with their meanings; behind ``=`` those that have its value.

    An address has none: the caller knows which there are.
    """
    recipe = RECIPES.get(message)
    if recipe is None:
        return []
    takes = recipe.takes()
    name, equals, _ = begun.partition("=")
    if not equals:
        taken = {recipe.roles.get(n, n) for n in (word.partition("=")[0] for word in given)}
        return [(f"{n}=", f.meaning) for n, f in takes.items() if recipe.roles.get(n, n) not in taken]
    field = takes.get(name)
    return [] if field is None else [(f"{name}={word}", said) for word, said in _values(field)]


def takes_address(message: str, name: str) -> bool:
    """Tell whether a field of a message holds an address."""
    recipe = RECIPES.get(message)
    field = recipe.takes().get(name) if recipe is not None else None
    return field is not None and field.kind is Kind.ADDRESS


def _values(field: Field) -> list[tuple[str, str]]:
    if field.words is ACK_STATUSES:
        return [(name, acknowledgement.meaning(number).words) for name, number in field.words.items()]
    if field.kind is Kind.FLAGS:
        return [(letter, FLAG_MEANINGS[letter]) for letter in field.words]
    return [(name, str(number)) for name, number in field.words.items()]


FLAG_MEANINGS = {
    "A": "acknowledge",
    "H": "home registration",
    "L": "link-local address compatibility",
    "K": "key management mobility capability",
    "M": "MAP registration",
    "R": "mobile router",
    "P": "proxy registration",
}
"""What the flags of a Binding Update say (RFC 6275 section 6.1.7, RFC 4140, RFC 3963, RFC 5213)."""


def flag_letters(value: int, letters: Mapping[str, int]) -> str:
    """Return the letters of the flags that are set."""
    return "".join(letter for letter, bit in letters.items() if value & bit)


def prefix_text(data: bytes) -> str:
    """Return a prefix as it is written, from its length and address."""
    return f"{text(data[1:17])}/{data[0]}"
