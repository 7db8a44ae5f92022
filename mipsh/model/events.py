"""What happens in an engine, as a record."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, INTEGER, WIDE = Kind.ADDRESS, Kind.INTEGER, Shown.WIDE


class EngineEvent(Struct, frozen=True, gc=False):
    """Something that happened in an engine."""

    time: Annotated[str, column("Time", "when it happened (RFC 3339, UTC)", Kind.TIME)]
    event: Annotated[
        str,
        column("Event", "name of the notification in MOBILEIPV6-MIB (RFC 4295), or the engine's own where it has none"),
    ]
    home_address: Annotated[str | None, column("Home address", "home address it is about", ADDRESS, alias="hoa")] = None
    care_of_address: Annotated[
        str | None, column("Care-of address", "care-of address it is about", ADDRESS, alias="coa")
    ] = None
    peer: Annotated[
        str | None, column("Peer", "home agent or correspondent node that it is about", ADDRESS, alias="cn")
    ] = None
    local_address: Annotated[
        str | None, column("Local address", "address of this node that a binding is for", ADDRESS, shown=WIDE)
    ] = None
    address: Annotated[str | None, column("Address", "address of this node that came or went", ADDRESS)] = None
    interface: Annotated[str | None, column("Interface", "interface of that address")] = None
    detail: Annotated[str, column("Detail", "the engine's own words on why")] = ""
    sequence: Annotated[int, column("Number", "number of the event, from 1", INTEGER, shown=WIDE)] = 0
    mh_sequence: Annotated[
        int | None, column("Seq", "sequence number of the Binding Update or Acknowledgement", INTEGER, alias="seq")
    ] = None
    lifetime_s: Annotated[
        int | None, column("Lifetime", "lifetime that the message asks for or grants", Kind.SECONDS, alias="lifetime")
    ] = None
    status: Annotated[
        int | None, column("Status", "status of the Binding Acknowledgement or Binding Error", INTEGER)
    ] = None
    flags: Annotated[
        tuple[str, ...] | None, column("Flags", "flags of the Binding Update or Acknowledgement", Kind.FLAGS)
    ] = None
    lost: Annotated[
        int, column("Lost", "events before this one that did not get through, since they came too fast", INTEGER)
    ] = 0


EVENTS = table("events", EngineEvent, "Events")
