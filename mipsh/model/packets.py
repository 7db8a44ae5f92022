"""The records of packets that are made and explained."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table


class PacketField(Struct, frozen=True):
    """A field of a packet: where it is, what it holds, and what that means."""

    offset: Annotated[int, column("Offset", "first byte of it, from the beginning of the packet", Kind.INTEGER)]
    size: Annotated[str, column("Size", "how long it is, in bits or bytes")]
    field: Annotated[str, column("Field", "name of the field, as its RFC has it")]
    value: Annotated[str, column("Value", "what it holds; secrets are not shown")]
    meaning: Annotated[str | None, column("Meaning", "what that says")] = None
    part: Annotated[str, column("Part", "header, message or option that it belongs to", shown=Shown.WIDE)] = ""
    reference: Annotated[str, column("Reference", "clause that defines it", shown=Shown.WIDE)] = ""


class CraftMessage(Struct, frozen=True):
    """A message that can be made, and the fields that it takes."""

    message: Annotated[str, column("Message", "its word")]
    meaning: Annotated[str, column("Meaning", "what it is")]
    fields: Annotated[tuple[str, ...], column("Fields", "fields of its own", Kind.FLAGS)]
    reference: Annotated[str, column("Reference", "clause that defines it", shown=Shown.WIDE)] = ""


PACKET = table("packet", PacketField, "Packet", key=("offset", "field"))
MESSAGES = table("messages", CraftMessage, "Messages", key=("message",))
PACKET_TABLES = {found.name: found for found in (PACKET, MESSAGES)}
