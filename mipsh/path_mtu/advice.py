"""What the sizes that fit on a path mean, in words, and what to set where."""

from enum import StrEnum

from msgspec import Struct

from mipsh.path_mtu.search import LEAST_MTU, Found

TCP_HEADERS = 60
"""An IPv6 header and a TCP header without options."""
LIMIT_OPTION = 48
"""A tunnel's header with the encapsulation limit in a Destination Options header (RFC 2473 sections 4.1, 5.1)."""
AROUND = {
    24: "Home Address option or type 2 routing header",
    40: "tunnel",
    LIMIT_OPTION: "tunnel with encapsulation limit",
}


class Verdict(StrEnum):
    """What is the matter with a path."""

    OK = "ok"
    BLACK_HOLE = "black_hole"
    NO_REPLY = "no_reply"
    UNKNOWN = "could_not_tell"


class Sizes(Struct, frozen=True):
    """What was found of a path.

    ``top`` is what the interface takes, ``overhead`` the bytes that are around a request, None if not known.
    ``back`` is the largest reply that came in one piece. ``told`` has the MTU that was believed last, and who said it.
    ``lost`` says where larger packets vanish: out, back, or ? where nobody looked at the peer.
    """

    path: str
    destination: str
    found: Found
    top: int
    interface: str = ""
    overhead: int | None = None
    back: int | None = None
    told: tuple[int, str] | None = None
    lost: str = "?"
    doubt: str = ""


def verdict(sizes: Sizes) -> Verdict:
    """Judge a path."""
    if sizes.found.largest is None:
        return Verdict.NO_REPLY
    if sizes.found.has_hole:
        return Verdict.BLACK_HOLE
    return Verdict.UNKNOWN if sizes.doubt or not sizes.found.is_exact else Verdict.OK


def sentence(sizes: Sizes) -> str:
    """Return one sentence about a path, for a ticket."""
    found, to = sizes.found, sizes.destination
    if found.largest is None:
        return f"No packet to {to} is answered, of whatever size."
    parts = [f"To {to} by {sizes.path}, packets of up to {found.largest} bytes fit"]
    if sizes.back is not None and sizes.back < found.largest:
        parts.append(f"replies of more than {sizes.back} come in pieces")
    if found.silent_from is not None and found.silent_to is not None:
        where = {"out": " on the way there", "back": " on the way back"}.get(sizes.lost, "")
        said = (
            f"{found.silent_from} to {found.silent_to}" if found.silent_to > found.silent_from else f"{found.silent_to}"
        )
        parts.append(f"{said} vanish{where}: no Packet Too Big came")
    elif sizes.told is not None:
        parts.append(f"{sizes.told[1]} says that its next link takes {sizes.told[0]}")
    elif found.refused_from is not None:
        parts.append("this node itself cuts larger ones, or does not send them")
    if sizes.overhead:
        around = AROUND.get(sizes.overhead, "what is around them")
        parts.append(f"{sizes.overhead} bytes are added ({around})")
    parts += [sizes.doubt] if sizes.doubt else []
    parts += ["not all sizes were tried"] if not found.is_exact and not sizes.doubt else []
    return "; ".join(parts) + "."


def advice(sizes: Sizes) -> str:
    """Return what to do; empty where nothing has to be."""
    found = sizes.found
    if found.largest is None:
        return "see 'why' and 'ping6' first: nothing comes back at all"
    if not found.has_hole:
        if found.largest < LEAST_MTU:
            return f"a link on the way takes less than {LEAST_MTU} bytes, which IPv6 forbids (RFC 8200 section 5)"
        return ""
    fits, interface = found.largest, sizes.interface or "IFACE"
    where = "this node and the peer" if sizes.lost == "?" else "the peer" if sizes.lost == "back" else "this node"
    return (
        f"let Packet Too Big (ICMPv6 type 2) through on the way (RFC 4890 section 4.3.1); until then, on {where}: "
        f"ip -6 route replace {sizes.destination} … mtu lock {fits}, or ip link set dev {interface} mtu "
        f"{max(fits, LEAST_MTU)}; for TCP alone an MSS of {fits - TCP_HEADERS}: "
        f"nft add rule inet filter forward tcp flags syn tcp option maxseg size set {fits - TCP_HEADERS}"
    )
