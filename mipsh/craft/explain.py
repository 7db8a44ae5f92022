"""The bytes of a packet, field by field: where each is, what it holds, and what that means.

Pure, by mipsh's own decoder. Cookies, keygen tokens and authenticators are hidden, unless whoever asks
has typed them.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from mipsh.craft import names
from mipsh.craft.fields import BA_FLAGS, BU_FLAGS, FLAG_MEANINGS, flag_letters
from mipsh.model import acknowledgement
from mipsh.model.packets import PacketField
from mipsh.wire import extension, mobility
from mipsh.wire.address import text
from mipsh.wire.checksum import TCP, UDP
from mipsh.wire.extension import FragmentHeader, Header, HomeAddress, RoutingHeader, Type2RoutingHeader
from mipsh.wire.fault import Fault, Undecodable
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.mobility import MobilityHeader, OtherMessage
from mipsh.wire.packet import Esp, Packet, Payload, decode, why_undecodable
from mipsh.wire.tlv import Layout, Option, Pad1, PadN, UnknownOption
from mipsh.wire.verify import problems

LONGEST_VALUE = 16
"""Bytes of a field that are written out; of a longer one, the first."""
FIRST_INFORMATIONAL = 128
"""The lowest type of an ICMPv6 message that is no error."""
RIGHT, WRONG, NOT_VERIFIED = "right", "wrong", "not verified"


class Explained(Struct, frozen=True):
    """A packet explained: its fields, what is wrong with it, whether its checksum is right, and where secrets are.

    ``title`` is what it is, in a line. ``checksum`` is empty where there is none. Of ``hidden`` each is
    where it begins and where it ends.
    """

    title: str
    rows: tuple[PacketField, ...]
    faults: tuple[Fault, ...]
    checksum: str
    hidden: tuple[tuple[int, int], ...]


def explain(data: bytes, *, shows_secrets: bool = False) -> Explained:
    """Explain bytes that begin with an IPv6 header; any bytes can be."""
    packet = decode(data)
    if isinstance(packet, Undecodable):
        row = PacketField(0, _bytes(len(data)), "bytes", _shown(data), "no IPv6 packet")
        return Explained("no IPv6 packet", (row,) if data else (), (why_undecodable(data),), "", ())
    faults = problems(packet)
    reader = _Reader(data, faults, shows_secrets)
    reader.packet(packet, "IPv6")
    return Explained(title(packet), tuple(reader.rows), faults, reader.checksum, tuple(reader.hidden))


def title(packet: Packet) -> str:
    """Return what a packet is, in a line."""
    upper = packet.upper
    if isinstance(upper, Packet):
        what = f"IPv6 in IPv6 ({title(upper)})"
    elif isinstance(upper, MobilityHeader):
        what = names.message(upper.type)
    elif isinstance(upper, Icmpv6):
        what = f"ICMPv6 {names.icmp(upper.type)}"
    else:
        what = names.protocol(packet.protocol)
    around = [names.HEADERS[type(header)] for header in packet.headers]
    behind = f" behind {', '.join(around)}" if around else ""
    return f"{what} from {text(packet.source)} to {text(packet.destination)}{behind}"


def hexdump(data: bytes, hidden: Sequence[tuple[int, int]] = ()) -> str:
    """Return lines of 16 bytes with their offsets; hidden ones are ``--``."""
    covered = {at for start, end in hidden for at in range(start, end)}
    lines = []
    for start in range(0, len(data), 16):
        numbers = range(start, min(start + 16, len(data)))
        digits = ["--" if at in covered else f"{data[at]:02x}" for at in numbers]
        letters = ["." if at in covered or not 32 <= data[at] < 127 else chr(data[at]) for at in numbers]
        halves = f"{' '.join(digits[:8]):<23}  {' '.join(digits[8:]):<23}"
        lines.append(f"{start:04x}  {halves}  {''.join(letters)}")
    return "\n".join(lines)


class _Reader:
    """Goes through the bytes of a packet, and makes a row of each field."""

    def __init__(self, data: bytes, faults: Sequence[Fault], shows_secrets: bool) -> None:
        self.rows: list[PacketField] = []
        self.hidden: list[tuple[int, int]] = []
        self.checksum = ""
        self._data = data
        self._wrong = {fault.offset: fault for fault in faults if fault.field.endswith("checksum")}
        self._shows_secrets = shows_secrets
        self._at = 0
        self._part = ""
        self._clause = ""
        self._is_verified = True

    def begin(self, part: str, clause: str) -> None:
        """Begin a part of the packet."""
        self._part, self._clause = part, clause

    def take(self, size: int, field: str, value: str | None = None, meaning: str = "") -> bytes:
        """Take so many bytes as a field, whose value is a number unless it is said; return them."""
        data = self._data[self._at : self._at + size]
        shown = str(int.from_bytes(data)) if value is None else value
        self._row(_bytes(size), field, shown, meaning)
        self._at += size
        return data

    def number(self, size: int, field: str, meaning: Callable[[int], str]) -> int:
        """Take a number; what it means depends on it."""
        value = int.from_bytes(self._data[self._at : self._at + size])
        self.take(size, field, None, meaning(value))
        return value

    def flags(self, size: int, letters: Mapping[str, int]) -> None:
        """Take flags, each a letter."""
        value = int.from_bytes(self._data[self._at : self._at + size])
        self.take(size, "flags", f"0x{value:0{size * 2}x}", _flags(value, letters))

    def bits(self, size: int, fields: Sequence[tuple[str, int, str]]) -> None:
        """Take bytes that hold several fields of bits, each a name, its length and what it means."""
        word = int.from_bytes(self._data[self._at : self._at + size])
        left = size * 8
        for field, length, meaning in fields:
            left -= length
            start = self._at
            self._at += (size * 8 - left - length) // 8
            self._row(_counted(length, "bit"), field, str(word >> left & (1 << length) - 1), meaning)
            self._at = start
        self._at += size

    def address(self, field: str, meaning: str = "") -> None:
        """Take an address."""
        self.take(16, field, text(self._data[self._at : self._at + 16]), meaning)

    def octets(self, size: int, field: str, meaning: str = "") -> None:
        """Take bytes that are only shown; none are no field."""
        if size:
            self.take(size, field, _shown(self._data[self._at : self._at + size]), meaning)

    def name(self, size: int, field: str) -> None:
        """Take bytes that are text, if they are."""
        data = self._data[self._at : self._at + size]
        self.octets(size, field, data.decode("ascii") if all(32 <= byte < 127 for byte in data) else "")

    def secret(self, size: int, field: str, meaning: str = "") -> None:
        """Take bytes that are hidden."""
        if self._shows_secrets:
            self.octets(size, field, meaning)
        elif size:
            self.hidden.append((self._at, self._at + size))
            self.take(size, field, f"hidden, {_bytes(size)}", meaning)

    def sum(self, packet: Packet) -> None:
        """Take a checksum, and say whether it is right."""
        value = f"0x{int.from_bytes(self._data[self._at : self._at + 2]):04x}"
        fault = self._wrong.get(self._at)
        is_covered = (packet.covered_source, packet.covered_destination) != (packet.source, packet.destination)
        covers = ", with the home address" if is_covered else ""
        if fault is not None:
            self.checksum, meaning = WRONG, f"wrong: {fault.expected} is right"
        elif self._is_verified:
            self.checksum, meaning = RIGHT, f"right{covers}"
        else:
            self.checksum, meaning = NOT_VERIFIED, "not verified: the packet is not whole, or not understood"
        self.take(2, "checksum", value, meaning)

    def _row(self, size: str, field: str, value: str, meaning: str) -> None:
        self.rows.append(PacketField(self._at, size, field, value, meaning or None, self._part, self._clause))

    def packet(self, packet: Packet, part: str) -> None:
        """Go through a packet: its header, its extension headers, what it carries, and what is behind it."""
        self.begin(part, "RFC 8200 section 3")
        self.bits(4, (("version", 4, ""), ("traffic class", 8, ""), ("flow label", 20, "")))
        self.number(2, "payload length", lambda n: f"{_bytes(n)} behind this header")
        self._next_header()
        self.take(1, "hop limit")
        self.address("source", "" if packet.home_address_option is None else "care-of address")
        self.address("destination", "" if packet.routing_home_address is None else "care-of address")
        for header in packet.headers:
            self._header(header)
        self._is_verified = self._is_verified and _is_whole(packet)
        self._upper(packet)
        self.begin("trailer", "RFC 8200 section 3")
        self.octets(len(packet.trailer), "bytes behind the packet")

    def _next_header(self) -> None:
        self.number(1, "next header", names.protocol)

    def _header(self, header: Header) -> None:
        end = self._at + len(header.encode(0))
        self.begin(names.HEADERS[type(header)], names.HEADER_CLAUSES[type(header)])
        self._next_header()
        if isinstance(header, FragmentHeader):
            self.take(1, "reserved")
            self.bits(
                2, (("fragment offset", 13, "in units of 8 bytes"), ("reserved", 2, ""), ("more fragments", 1, ""))
            )
            self.take(4, "identification")
            return
        self.number(1, "header length", lambda n: _bytes(8 + n * 8))
        if isinstance(header, RoutingHeader | Type2RoutingHeader):
            self.take(1, "routing type")
            self.take(1, "segments left")
            if isinstance(header, Type2RoutingHeader):
                self.take(4, "reserved")
                self.address("home address", "final destination of the packet")
            else:
                self.octets(end - self._at, "data")
            return
        for option in header.options:
            self._option(option, extension.OPTIONS, names.DESTINATION_OPTION_CLAUSES)

    def _upper(self, packet: Packet) -> None:
        upper = packet.upper
        match upper:
            case Packet():
                self.packet(upper, "inner IPv6")
            case MobilityHeader():
                self._mobility(packet, upper)
            case Icmpv6():
                self._icmp(packet, upper)
            case Esp():
                self.begin("ESP", "RFC 4303 section 2")
                self.take(4, "SPI", f"0x{upper.spi:08x}")
                self.take(4, "sequence number")
                self.octets(len(upper.data), "encrypted payload")
            case Payload():
                self._payload(packet, upper)

    def _payload(self, packet: Packet, payload: Payload) -> None:
        self.begin(names.protocol(payload.protocol), "RFC 768" if payload.protocol == UDP else "RFC 8200 section 4")
        end = self._at + len(payload.data)
        if payload.protocol == UDP and len(payload.data) >= 8:
            self.take(2, "source port")
            self.take(2, "destination port")
            self.take(2, "length")
            self.sum(packet)
        elif payload.protocol == TCP and len(payload.data) >= 20:
            self.octets(16, "TCP header")
            self.sum(packet)
        # A Mobility Header in pieces, or one that is malformed, may hold secrets all the same.
        hides = payload.protocol == mobility.MobilityHeader.PROTOCOL
        (self.secret if hides else self.octets)(end - self._at, "data")

    def _icmp(self, packet: Packet, upper: Icmpv6) -> None:
        message = upper.message
        end = self._at + 4 + len(message.encode())
        self.begin(f"ICMPv6 {names.icmp(upper.type)}", names.icmp_clause(upper.type))
        self.number(1, "type", names.icmp)
        self.take(1, "code")
        self.sum(packet)
        if isinstance(message, EchoRequest | EchoReply):
            self.take(2, "identifier")
            self.take(2, "sequence number")
        hides = upper.type < FIRST_INFORMATIONAL and _holds_mobility(decode(message.encode()[4:]))
        (self.secret if hides else self.octets)(end - self._at, "data")

    def _mobility(self, packet: Packet, upper: MobilityHeader) -> None:
        self.begin("Mobility Header", "RFC 6275 section 6.1.1")
        self._next_header_of_mobility()
        self.number(1, "header length", lambda n: _bytes(8 + n * 8))
        self.number(1, "MH type", names.message)
        self.take(1, "reserved")
        self.sum(packet)
        message = upper.message
        self.begin(names.message(upper.type), names.message_clause(upper.type))
        _MESSAGES[type(message)](self, message)
        if not isinstance(message, OtherMessage):
            for option in message.options:
                self._option(option, mobility.OPTIONS, names.MOBILITY_OPTION_CLAUSES)
        self.begin("Mobility Header", "RFC 6275 section 6.1.1")
        self.octets(len(upper.trailer), "bytes behind the header")

    def _next_header_of_mobility(self) -> None:
        self.number(1, "payload proto", lambda n: names.protocol(n) if n == mobility.NO_NEXT_HEADER else "has to be 59")

    def _option(self, option: Option, layouts: Mapping[int, Layout], clauses: Mapping[int, str]) -> None:
        if isinstance(option, Pad1):
            self.begin("Pad1", clauses[0])
            self.take(1, "padding", None, "one byte of padding")
            return
        encoded = option.encode()
        if isinstance(option, Undecodable):
            self.begin("option", clauses[0])
            self.secret(len(encoded), "option that does not end")
            return
        kind, size = encoded[0], len(encoded) - 2
        name = "PadN" if kind == 1 else layouts[kind].name if kind in layouts else f"option {kind}"
        self.begin(name, clauses.get(kind, clauses[0]))
        self.take(1, "option type", None, name)
        self.take(1, "option length", None, f"{_bytes(size)} behind it")
        reader = _OPTIONS.get(type(option))
        if reader is not None:
            reader(self, size)
        elif isinstance(option, UnknownOption) and kind in layouts:
            self.secret(size, "data")
        else:
            self.octets(size, "padding" if isinstance(option, PadN) else "data")


def _holds_mobility(packet: Packet | Undecodable) -> bool:
    """Tell whether a packet that an error quotes carries a Mobility Header, or the beginning of one."""
    while isinstance(packet, Packet) and isinstance(packet.upper, Packet):
        packet = packet.upper
    return isinstance(packet, Packet) and packet.protocol == mobility.MobilityHeader.PROTOCOL


def _is_whole(packet: Packet) -> bool:
    """Tell whether all that a checksum covers is in a packet, and understood."""
    if packet.payload_length is not None:
        return False
    return not any(isinstance(header, RoutingHeader) and header.segments_left for header in packet.headers)


def _cookie(what: str) -> Callable[[_Reader, object], None]:
    def read(reader: _Reader, message: object) -> None:
        reader.take(2, "reserved")
        reader.secret(8, f"{what} init cookie")

    return read


def _tokens(what: str) -> Callable[[_Reader, object], None]:
    def read(reader: _Reader, message: object) -> None:
        reader.take(2, f"{what} nonce index")
        reader.secret(8, f"{what} init cookie")
        reader.secret(8, f"{what} keygen token")

    return read


def _refresh_request(reader: _Reader, message: object) -> None:
    reader.take(2, "reserved")


def _update(reader: _Reader, message: object) -> None:
    reader.take(2, "sequence number")
    reader.flags(2, BU_FLAGS)
    reader.number(2, "lifetime", lambda n: f"{n * 4} seconds" if n else "delete the binding")


def _acknowledgement(reader: _Reader, message: object) -> None:
    reader.number(1, "status", _status)
    reader.flags(1, BA_FLAGS)
    reader.take(2, "sequence number", None, "that of the Binding Update")
    reader.number(2, "lifetime", lambda n: f"{n * 4} seconds" if n else "no binding")


def _error(reader: _Reader, message: object) -> None:
    reader.number(1, "status", lambda n: names.ERRORS.get(n, "not assigned"))
    reader.take(1, "reserved")
    reader.address("home address", "that of the packet that was refused")


def _other(reader: _Reader, message: object) -> None:
    if isinstance(message, OtherMessage):
        # What is too short for its type may hold a part of its cookie or token.
        hides = message.type in mobility.MESSAGES
        (reader.secret if hides else reader.octets)(len(message.data), "message data")


_MESSAGES: Mapping[type, Callable[[_Reader, object], None]] = {
    mobility.BindingRefreshRequest: _refresh_request,
    mobility.HomeTestInit: _cookie("home"),
    mobility.CareOfTestInit: _cookie("care-of"),
    mobility.HomeTest: _tokens("home"),
    mobility.CareOfTest: _tokens("care-of"),
    mobility.BindingUpdate: _update,
    mobility.BindingAcknowledgement: _acknowledgement,
    mobility.BindingError: _error,
    mobility.OtherMessage: _other,
}


def _indices(reader: _Reader, size: int) -> None:
    reader.take(2, "home nonce index")
    reader.take(2, "care-of nonce index")


def _network_prefix(reader: _Reader, size: int) -> None:
    reader.take(1, "reserved")
    reader.number(1, "prefix length", lambda n: _counted(n, "bit"))
    reader.address("mobile network prefix")


def _identifier(reader: _Reader, size: int) -> None:
    reader.number(1, "subtype", lambda n: "network access identifier" if n == 1 else "not assigned")
    reader.name(size - 1, "identifier")


def _link_layer(reader: _Reader, size: int) -> None:
    reader.take(1, "option code")
    reader.octets(size - 1, "link-layer address")


_OPTIONS: Mapping[type, Callable[[_Reader, int], None]] = {
    HomeAddress: lambda reader, size: reader.address("home address", "whom the packet is from"),
    mobility.BindingRefreshAdvice: lambda reader, size: _advice(reader),
    mobility.AlternateCareOfAddress: lambda reader, size: reader.address("alternate care-of address"),
    mobility.NonceIndices: _indices,
    mobility.AuthorizationData: lambda reader, size: reader.secret(size, "authenticator"),
    mobility.MobileNetworkPrefix: _network_prefix,
    mobility.LinkLayerAddress: _link_layer,
    mobility.MobileNodeIdentifier: _identifier,
}


def _advice(reader: _Reader) -> None:
    reader.number(2, "refresh interval", lambda n: f"{n * 4} seconds")


def _flags(value: int, letters: Mapping[str, int]) -> str:
    """Return what flags say."""
    found = flag_letters(value, letters)
    rest = value & ~sum(letters.values())
    said = [f"{letter} {FLAG_MEANINGS[letter]}" for letter in found]
    return ", ".join([*said, *([f"reserved bits 0x{rest:x}"] if rest else [])]) or "none"


def _status(value: int) -> str:
    return acknowledgement.meaning(value).words


def _shown(data: bytes) -> str:
    """Return bytes in hex, as many as there is room for, and as text where they are some."""
    more = f"… ({_bytes(len(data))})" if len(data) > LONGEST_VALUE else ""
    return data[:LONGEST_VALUE].hex() + more


def _bytes(size: int) -> str:
    return _counted(size, "byte")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
