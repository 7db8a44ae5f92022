"""The record of which packet sizes fit on a path."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, INTEGER, WIDE = Kind.ADDRESS, Kind.INTEGER, Shown.WIDE


class PathMtu(Struct, frozen=True):
    """The packet sizes that fit on a path: sizes are those of whole IPv6 packets as programs send them."""

    path: Annotated[str, column("Path", "way of the request : way of the reply, as ro:ro")]
    destination: Annotated[str, column("Destination", "whom probes were for", ADDRESS)]
    size_bytes: Annotated[
        int | None, column("Fits", "largest packet that was answered, sent in one piece", INTEGER, unit="B")
    ]
    back_bytes: Annotated[
        int | None, column("Back", "largest reply that came in one piece, unknown if not seen", INTEGER, unit="B")
    ]
    link_mtu_bytes: Annotated[
        int | None, column("Link", "largest packet that the interface takes", INTEGER, unit="B", alias="link")
    ]
    verdict: Annotated[str, column("Verdict", "ok, black_hole, no_reply, could_not_tell")]
    vanish_from_bytes: Annotated[
        int | None, column("Vanish from", "smallest size that vanishes, no error coming", INTEGER, unit="B")
    ] = None
    vanish_to_bytes: Annotated[int | None, column("to", "largest size that vanishes", INTEGER, unit="B")] = None
    lost: Annotated[
        str | None, column("Where", "out, back, or ? where nobody looked at the peer; none if none vanish", shown=WIDE)
    ] = None
    source: Annotated[str | None, column("Source", "whom probes were from", ADDRESS, shown=WIDE)] = None
    interface: Annotated[str | None, column("Interface", "interface that they left by", shown=WIDE)] = None
    overhead_bytes: Annotated[
        int | None, column("Overhead", "bytes that are around a request", INTEGER, unit="B", shown=WIDE)
    ] = None
    overhead_back_bytes: Annotated[
        int | None, column("Overhead back", "bytes that are around a reply", INTEGER, unit="B", shown=WIDE)
    ] = None
    inside: Annotated[str | None, column("Inside", "ipv6 or esp: what was around a request", shown=WIDE)] = None
    on_link_bytes: Annotated[
        int | None, column("On the link", "largest request with what is around it", INTEGER, unit="B", shown=WIDE)
    ] = None
    told_mtu_bytes: Annotated[
        int | None, column("Told", "MTU of the last Packet Too Big that was believed", INTEGER, unit="B", shown=WIDE)
    ] = None
    told_by: Annotated[str | None, column("Told by", "who sent it", ADDRESS, shown=WIDE)] = None
    ignored: Annotated[
        tuple[str, ...], column("Not believed", "other Packet Too Big messages, and why", Kind.LINES, shown=WIDE)
    ] = ()
    mss_bytes: Annotated[
        int | None, column("MSS", "what TCP may put into a packet that fits", INTEGER, unit="B", shown=WIDE)
    ] = None
    probes: Annotated[int, column("Probes", "echo requests that were sent", INTEGER, shown=WIDE)] = 0
    is_exact: Annotated[
        bool,
        column("Exact", "whether every size up to the first that does not fit was settled", Kind.BOOLEAN, shown=WIDE),
    ] = False
    advice: Annotated[str, column("Advice", "what to do", shown=WIDE)] = ""
    sentence: Annotated[str, column("In words", "one sentence, for a ticket", shown=WIDE)] = ""


PATH_MTUS = table("path_mtus", PathMtu, "Packet sizes by path", key=("path", "destination", "source"))
PATH_MTU_TABLES = {found.name: found for found in (PATH_MTUS,)}
