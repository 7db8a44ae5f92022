"""The records of the kernel's view: XFRM, tunnels, what bindings need of a kernel, and where an engine differs."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, BOOLEAN, INTEGER, SECONDS, WIDE = Kind.ADDRESS, Kind.BOOLEAN, Kind.INTEGER, Kind.SECONDS, Shown.WIDE


class XfrmObject(Struct, frozen=True):
    """A state or a policy of the kernel's XFRM, without any key."""

    object: Annotated[str, column("Object", "state or policy")]
    number: Annotated[int, column("No.", "its place among those of its kind, as the kernel gives them", INTEGER)]
    ptype: Annotated[str | None, column("Type", "of a policy: main (IPsec) or sub (mobility)")] = None
    direction: Annotated[str | None, column("Dir", "of a policy: in, out, fwd", alias="dir")] = None
    priority: Annotated[
        int | None, column("Prio", "of a policy: the lower number is looked at first", INTEGER, alias="prio")
    ] = None
    purpose: Annotated[str | None, column("Purpose", "what mip6d means by that priority")] = None
    source: Annotated[str, column("Source", "address or prefix of the packets", Kind.PREFIX)] = ""
    destination: Annotated[str, column("Destination", "address or prefix of the packets", Kind.PREFIX)] = ""
    traffic: Annotated[str | None, column("Traffic", "of a policy: protocol and type of the packets; any")] = None
    applies: Annotated[
        str,
        column(
            "Applies",
            "of a state: what it puts into or takes from packets (hao, route2, esp) and its mode; of a policy: the "
            "states that it asks for, block, or nothing",
        ),
    ] = ""
    care_of_address: Annotated[
        str | None, column("Care-of address", "of hao and route2: the care-of address", ADDRESS, alias="coa")
    ] = None
    last_used: Annotated[str | None, column("Last used", "when it last carried a packet, in words; never")] = None
    last_used_s: Annotated[
        int | None, column("Last used ago", "seconds since then; unknown: never", SECONDS, unit="s", shown=WIDE)
    ] = None
    made: Annotated[str | None, column("Made", "when it was made, in words", shown=WIDE)] = None
    packets: Annotated[int | None, column("Packets", "packets that it carried", INTEGER, shown=WIDE)] = None
    bytes: Annotated[int | None, column("Bytes", "bytes that it carried", INTEGER, unit="B", shown=WIDE)] = None
    flags: Annotated[tuple[str, ...], column("Flags", "wildrecv: of anybody; …", Kind.FLAGS, shown=WIDE)] = ()
    spi: Annotated[int | None, column("SPI", "of a state of IPsec", INTEGER, shown=WIDE)] = None
    reqid: Annotated[int | None, column("Reqid", "ties policies to states", INTEGER, shown=WIDE)] = None
    algorithms: Annotated[
        tuple[str, ...], column("Algorithms", "names alone, never a key", Kind.LINES, shown=WIDE)
    ] = ()
    index: Annotated[int | None, column("Index", "the kernel's number of a policy", INTEGER, shown=WIDE)] = None


class TunnelLink(Struct, frozen=True):
    """An IPv6 tunnel interface (ip6tnl), and what it is for."""

    name: Annotated[str, column("Name", "interface")]
    local: Annotated[str, column("Local", "this end; :: any", ADDRESS)]
    remote: Annotated[str, column("Remote", "the far end; :: any", ADDRESS)]
    use: Annotated[str, column("Use", "of which binding it is, or why it is there")]
    is_up: Annotated[bool, column("Up", "whether it is switched on", BOOLEAN, alias="up")]
    mtu: Annotated[int, column("MTU", "largest packet that goes into it", INTEGER, unit="B")]
    link: Annotated[str | None, column("Below", "the interface below it; unknown: the one that routing chooses")] = None
    is_mobile: Annotated[
        bool | None,
        column("MIP6", "whether it is marked as one of Mobile IPv6 (flag 0x8); a recording does not say", BOOLEAN),
    ] = None
    ignores_limit: Annotated[
        bool, column("No limit", "whether packets get no encapsulation limit (flag 0x1)", BOOLEAN, shown=WIDE)
    ] = False
    flags: Annotated[
        int | None, column("Flags", "linux/ip6_tunnel.h; a recording does not say", INTEGER, shown=WIDE)
    ] = None


class PlumbingPiece(Struct, frozen=True):
    """An object of the kernel that a binding needs, or one that is there and that nobody needs."""

    number: Annotated[int, column("No.", "its place", INTEGER)]
    binding: Annotated[str, column("Binding", "whose object it is; every node: of each one of this role")]
    object: Annotated[str, column("Object", "state, policy, route, rule, tunnel, proxy, address")]
    wanted: Annotated[str | None, column("Wanted", "what is needed; unknown for what nobody needs")]
    verdict: Annotated[str, column("Verdict", "present, missing, extra, could_not_tell")]
    found: Annotated[str | None, column("Found", "what is there, or in its place")]
    reason: Annotated[str, column("Reason", "what it is for")]
    home_address: Annotated[
        str | None, column("Home address", "home address of the binding", ADDRESS, alias="hoa", shown=WIDE)
    ] = None
    peer_address: Annotated[str | None, column("Peer", "the other end", ADDRESS, alias="cn", shown=WIDE)] = None
    command: Annotated[str | None, column("By hand", "the command that shows it", shown=WIDE)] = None


class DriftRow(Struct, frozen=True):
    """Something in which an engine and the kernel below it differ."""

    number: Annotated[int, column("No.", "its place", INTEGER)]
    difference: Annotated[
        str,
        column(
            "Difference",
            "missing: the kernel has it not; differs: it has another one; leftover: the engine has it not; blocked: "
            "the kernel drops what the engine cannot send",
        ),
    ]
    binding: Annotated[str | None, column("Binding", "whose it is; unknown: every node's, or nobody's")]
    explanation: Annotated[str, column("Explanation", "the difference in a sentence")]
    advice: Annotated[str, column("Advice", "what to do about it")]
    home_address: Annotated[
        str | None, column("Home address", "home address of the binding", ADDRESS, alias="hoa", shown=WIDE)
    ] = None
    peer_address: Annotated[str | None, column("Peer", "the other end", ADDRESS, alias="cn", shown=WIDE)] = None
    engine: Annotated[str, column("Engine", "what the engine has", shown=WIDE)] = ""
    kernel: Annotated[str, column("Kernel", "what the kernel has", shown=WIDE)] = ""
    command: Annotated[str | None, column("By hand", "the command that shows the kernel's side", shown=WIDE)] = None


XFRM = table("xfrm", XfrmObject, "XFRM", key=("object", "number"))
TUNNELS = table("tunnels", TunnelLink, "Tunnels", key=("name",))
PLUMBING = table("plumbing", PlumbingPiece, "Plumbing", key=("number",))
DRIFT = table("drift", DriftRow, "Drift", key=("number",))
KERNEL_TABLES = {found.name: found for found in (XFRM, TUNNELS, PLUMBING, DRIFT)}
