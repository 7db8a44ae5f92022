"""Messages of Mobile IPv6 from their fields, built by scapy.

Pure: fields that ``fields.read`` gave become the bytes of an IPv6 packet.
"""

from collections.abc import Callable, Mapping

from mipsh.craft.fields import Given
from mipsh.craft.library import Layer, inet6
from mipsh.wire import mobility
from mipsh.wire.address import text
from mipsh.wire.mobility import ALIGNMENTS
from mipsh.wire.tlv import Option, PadN, lay_out

HOP_LIMIT = 64
NAI = 1
FIXED = {"brr": 8, "hoti": 16, "coti": 16, "hot": 24, "cot": 24, "bu": 12, "ba": 12, "be": 24}
"""Where the options of a message begin, from the first byte of its header."""


def build(message: str, given: Given) -> bytes:
    """Return the packet of a message."""
    return bytes(_layers(message, given))


def command(message: str, given: Given) -> str:
    """Return what builds the same packet in scapy, on a line."""
    return str(_layers(message, given).command())


def _layers(message: str, given: Given) -> Layer:
    layer = _headers(given)
    upper = BUILDERS[message](given)
    if "checksum" in given.numbers:
        setattr(upper, "chksum" if message == "udp" else "cksum", given.numbers["checksum"])
    if message == "payload":
        layer.lastlayer().nh = given.numbers["proto"]
    return layer / upper


def _headers(given: Given) -> Layer:
    """Return the IPv6 header, a type 2 routing header and a Home Address option where there are to be."""
    scapy = inet6()

    numbers, octets = given.numbers, given.octets
    layer = scapy.IPv6(
        src=text(octets["src"]),
        dst=text(octets["dst"]),
        hlim=numbers.get("hop", HOP_LIMIT),
        tc=numbers.get("tclass", 0),
        fl=numbers.get("flow", 0),
    )
    if octets.get("rh2"):
        layer /= scapy.IPv6ExtHdrRouting(type=2, addresses=[text(octets["rh2"])])
    if octets.get("hao"):
        layer /= scapy.IPv6ExtHdrDestOpt(options=[scapy.HAO(hoa=text(octets["hao"]))])
    return layer


def _refresh_request(given: Given) -> Layer:
    scapy = inet6()

    return scapy.MIP6MH_BRR(autopad=0, options=_options("brr", given))


def _home_test_init(given: Given) -> Layer:
    scapy = inet6()

    return scapy.MIP6MH_HoTI(cookie=_eight(given, "cookie"), autopad=0, options=_options("hoti", given))


def _care_of_test_init(given: Given) -> Layer:
    scapy = inet6()

    return scapy.MIP6MH_CoTI(cookie=_eight(given, "cookie"), autopad=0, options=_options("coti", given))


def _home_test(given: Given) -> Layer:
    scapy = inet6()

    cookie, token = _eight(given, "cookie"), _eight(given, "token")
    options = _options("hot", given)
    return scapy.MIP6MH_HoT(index=given.numbers.get("nonce", 0), cookie=cookie, token=token, autopad=0, options=options)


def _care_of_test(given: Given) -> Layer:
    scapy = inet6()

    cookie, token = _eight(given, "cookie"), _eight(given, "token")
    options = _options("cot", given)
    return scapy.MIP6MH_CoT(index=given.numbers.get("nonce", 0), cookie=cookie, token=token, autopad=0, options=options)


def _update(given: Given) -> Layer:
    scapy = inet6()

    return scapy.MIP6MH_BU(
        seq=given.numbers.get("seq", 0),
        flags=given.numbers.get("flags", 0) >> 9,
        mhtime=given.numbers.get("lifetime", 0),
        autopad=0,
        options=_options("bu", given),
    )


def _acknowledgement(given: Given) -> Layer:
    scapy = inet6()

    return scapy.MIP6MH_BA(
        status=given.numbers.get("status", 0),
        flags=given.numbers.get("flags", 0) >> 5,
        seq=given.numbers.get("seq", 0),
        mhtime=given.numbers.get("lifetime", 0),
        autopad=0,
        options=_options("ba", given),
    )


def _error(given: Given) -> Layer:
    """Return a Binding Error; scapy pads it, but finds nothing left to do."""
    scapy = inet6()

    home = text(given.octets.get("hoa") or bytes(16))
    return scapy.MIP6MH_BE(status=given.numbers.get("status", 0), ha=home, options=_options("be", given))


def _raw(given: Given) -> Layer:
    scapy = inet6()

    data = given.octets.get("data", b"")
    padded = data + bytes(-(mobility.HEADER.size + len(data)) % 8)
    return scapy.MIP6MH_Generic(mhtype=given.numbers["type"], res=0, msg=padded)


def _echo(given: Given) -> Layer:
    scapy = inet6()

    numbers = given.numbers
    return scapy.ICMPv6EchoRequest(
        id=numbers.get("id", 0), seq=numbers.get("seq", 0), data=given.octets.get("data", b"")
    )


def _udp(given: Given) -> Layer:
    scapy = inet6()

    layer = scapy.UDP(sport=given.numbers["sport"], dport=given.numbers["dport"])
    return layer / scapy.Raw(given.octets["data"]) if given.octets.get("data") else layer


def _payload(given: Given) -> Layer:
    scapy = inet6()

    return scapy.Raw(given.octets.get("data", b""))


BUILDERS: Mapping[str, Callable[[Given], Layer]] = {
    "brr": _refresh_request,
    "hoti": _home_test_init,
    "coti": _care_of_test_init,
    "hot": _home_test,
    "cot": _care_of_test,
    "bu": _update,
    "ba": _acknowledgement,
    "be": _error,
    "raw": _raw,
    "echo": _echo,
    "udp": _udp,
    "payload": _payload,
}


def _eight(given: Given, name: str) -> bytes:
    return given.octets.get(name, bytes(8))


def _options(message: str, given: Given) -> list[Layer]:
    """Return the mobility options as scapy has them, padded into place as each message needs it."""
    return [_layer(option) for option in lay_out(_wanted(given), FIXED[message], ALIGNMENTS)]


def _wanted(given: Given) -> list[Option]:
    octets, found = given.octets, list[Option]()
    if octets.get("altcoa"):
        found.append(mobility.AlternateCareOfAddress(octets["altcoa"]))
    if "nonces" in octets:
        home, care_of = octets["nonces"][:2], octets["nonces"][2:]
        found.append(mobility.NonceIndices(int.from_bytes(home), int.from_bytes(care_of)))
    if "advice" in given.numbers:
        found.append(mobility.BindingRefreshAdvice(given.numbers["advice"]))
    if "mnp" in octets:
        found.append(mobility.MobileNetworkPrefix(octets["mnp"][0], octets["mnp"][1:]))
    if "mnid" in octets:
        found.append(mobility.MobileNodeIdentifier(NAI, octets["mnid"]))
    if "auth" in octets:
        found.append(mobility.AuthorizationData(octets["auth"]))
    return found


def _layer(option: Option) -> Layer:
    """Return an option as scapy has it; where it has a length of its own, that is often wrong."""
    scapy = inet6()

    match option:
        case mobility.AlternateCareOfAddress(address=address):
            return scapy.MIP6OptAltCoA(acoa=text(address))
        case mobility.NonceIndices(home=home, care_of=care_of):
            return scapy.MIP6OptNonceIndices(olen=4, hni=home, coni=care_of)
        case mobility.BindingRefreshAdvice(interval=interval):
            return scapy.MIP6OptBRAdvice(rinter=interval)
        case mobility.MobileNetworkPrefix(length=length, prefix=prefix):
            return scapy.MIP6OptMobNetPrefix(plen=length, prefix=text(prefix))
        case mobility.MobileNodeIdentifier(subtype=subtype, identifier=identifier):
            return scapy.MIP6OptMNID(subtype=subtype, id=identifier)
        case mobility.AuthorizationData(authenticator=authenticator):
            return scapy.MIP6OptBindingAuthData(olen=12, authenticator=int.from_bytes(authenticator))
        case PadN(data=data):
            return scapy.PadN(optdata=data)
    return scapy.Pad1()
