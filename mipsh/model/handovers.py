"""The record of a handover, however it came about: when each step of it was, and what its traffic lost."""

from typing import Annotated

from msgspec import Struct, field

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, INTEGER, MAPPING, WIDE = Kind.ADDRESS, Kind.INTEGER, Kind.MAPPING, Shown.WIDE


class HandoverReport(Struct, frozen=True):
    """A handover: when each step of it came, from the loss of the link on, and what was lost."""

    node: Annotated[str, column("Node", "mobile node that moved: its name in a lab, else its home address")]
    link: Annotated[str | None, column("Link", "link or interface that it moved to")]
    link_up_ms: Annotated[float | None, column("Link up", "the new link is there", INTEGER, unit="ms")]
    solicited_ms: Annotated[float | None, column("Solicited", "Router Solicitation", INTEGER, unit="ms")]
    advertised_ms: Annotated[float | None, column("Advertised", "Router Advertisement", INTEGER, unit="ms")]
    care_of_address_ms: Annotated[float | None, column("CoA ready", "care-of address may be used", INTEGER, unit="ms")]
    update_sent_ms: Annotated[float | None, column("BU sent", "Binding Update to the home agent", INTEGER, unit="ms")]
    acknowledged_ms: Annotated[
        float | None, column("BA received", "Binding Acknowledgement from it", INTEGER, unit="ms")
    ]
    first_packet_ms: Annotated[
        float | None, column("First packet", "first packet of the stream by the new way", INTEGER, unit="ms")
    ]
    sent: Annotated[int, column("Sent", "packets of the stream", INTEGER)]
    lost: Annotated[int, column("Lost", "packets of the stream that did not come, or were not answered", INTEGER)]
    bound_ms: Annotated[
        float | None,
        column("Bound", "from link up to the first packet, at best", INTEGER, unit="ms"),
    ] = None
    ratio: Annotated[float | None, column("Ratio", "that time over the bound", INTEGER)] = None
    first_optimised_ms: Annotated[
        float | None, column("First RO", "first echo that was optimised both ways again", INTEGER, unit="ms")
    ] = None
    is_completed: Annotated[bool | None, column("Completed", "unknown where it could not be told", Kind.BOOLEAN)] = None
    slowest: Annotated[str | None, column("Slowest", "step that took longest")] = None
    slowest_ms: Annotated[float | None, column("It took", "how long that step took", INTEGER, unit="ms")] = None
    home_test_init_ms: Annotated[
        float | None, column("HoTI", "Home Test Init to the correspondent", INTEGER, unit="ms", shown=WIDE)
    ] = None
    home_test_ms: Annotated[float | None, column("HoT", "Home Test from it", INTEGER, unit="ms", shown=WIDE)] = None
    care_of_test_init_ms: Annotated[
        float | None, column("CoTI", "Care-of Test Init to the correspondent", INTEGER, unit="ms", shown=WIDE)
    ] = None
    care_of_test_ms: Annotated[float | None, column("CoT", "Care-of Test from it", INTEGER, unit="ms", shown=WIDE)] = (
        None
    )
    peer_update_ms: Annotated[
        float | None, column("BU to peer", "Binding Update to the correspondent", INTEGER, unit="ms", shown=WIDE)
    ] = None
    peer_acknowledged_ms: Annotated[
        float | None, column("BA of peer", "Binding Acknowledgement from it", INTEGER, unit="ms", shown=WIDE)
    ] = None
    since: Annotated[
        str, column("Since", "step from which times are counted, where the loss of the link is not known", shown=WIDE)
    ] = "link_down"
    peer_address: Annotated[str | None, column("Peer", "whom the stream is with", ADDRESS, shown=WIDE)] = None
    home_address: Annotated[str | None, column("Home address", "whose handover it is", ADDRESS, shown=WIDE)] = None
    care_of_address: Annotated[
        str | None, column("Care-of address", "new care-of address, unknown at home", ADDRESS, shown=WIDE)
    ] = None
    path_before: Annotated[
        str | None, column("Path before", "way of the request : way of the reply, before", shown=WIDE)
    ] = None
    path_after: Annotated[str | None, column("Path after", "that of the last echo", shown=WIDE)] = None
    gap_out_ms: Annotated[
        float | None,
        column("Gap out", "longest time of which no request arrived at the peer", INTEGER, unit="ms", shown=WIDE),
    ] = None
    gap_back_ms: Annotated[
        float | None, column("Gap back", "longest time without a reply", INTEGER, unit="ms", shown=WIDE)
    ] = None
    lost_here: Annotated[
        int | None, column("Not sent", "requests that this node had no way for", INTEGER, shown=WIDE)
    ] = None
    lost_out: Annotated[
        int | None,
        column("Lost out", "lost on the way to the peer, unknown where it was not looked there", INTEGER, shown=WIDE),
    ] = None
    lost_back: Annotated[
        int | None, column("Lost back", "lost on the way from the peer, likewise", INTEGER, shown=WIDE)
    ] = None
    total_ms: Annotated[
        float | None, column("Total", "until the route was as good as before", INTEGER, unit="ms", shown=WIDE)
    ] = None
    is_within: Annotated[
        bool | None, column("Within", "whether that is within the limit, if one was given", Kind.BOOLEAN, shown=WIDE)
    ] = None
    unknown: Annotated[
        dict[str, str], column("Not seen", "for each step that is not known, why", MAPPING, shown=WIDE)
    ] = field(default_factory=dict)
    sentence: Annotated[str, column("In words", "one sentence, for a ticket", shown=WIDE)] = ""


HANDOVERS = table("handovers", HandoverReport, "Handover", key=("node",))
HANDOVER_TABLES = {found.name: found for found in (HANDOVERS,)}
