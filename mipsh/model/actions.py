"""The records of what was asked of a node, and of what came of it."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, FLAGS, INTEGER, SECONDS, WIDE = Kind.ADDRESS, Kind.FLAGS, Kind.INTEGER, Kind.SECONDS, Shown.WIDE


class BindingUpdateReport(Struct, frozen=True):
    """A Binding Update that was asked for: whether it was sent, answered and accepted, and how that is known."""

    home_address: Annotated[str, column("Home address", "home address that it is for", ADDRESS, alias="hoa")]
    peer_address: Annotated[
        str | None, column("Peer", "home agent or correspondent node that it goes to", ADDRESS, alias="cn")
    ]
    registration: Annotated[str, column("With", "home or correspondent", alias="reg")]
    method: Annotated[str, column("Method", "how it was asked for: native, poke, brr, be, rs, coa, flap")]
    verdict: Annotated[
        str,
        column(
            "Verdict",
            "accepted, not_acknowledged (sent, and no acknowledgement was asked for), rejected, unanswered, "
            "not_sent, could_not_tell",
        ),
    ]
    sequence_before: Annotated[
        int | None, column("Seq before", "sequence number of the last Binding Update before", INTEGER)
    ] = None
    sequence: Annotated[
        int | None, column("Seq", "sequence number of the last Binding Update seen", INTEGER, alias="seq")
    ] = None
    ba_status: Annotated[int | None, column("BA", "status of its acknowledgement", INTEGER, alias="status")] = None
    ba_status_name: Annotated[str | None, column("BA says", "that status in words", alias="status_name")] = None
    update_ms: Annotated[
        float | None, column("To BU ms", "from asking to the Binding Update", INTEGER, unit="ms", alias="update")
    ] = None
    acknowledgement_ms: Annotated[
        float | None, column("BU-BA ms", "from the Binding Update to its acknowledgement", INTEGER, unit="ms")
    ] = None
    lifetime_granted_s: Annotated[
        int | None, column("Granted", "lifetime that was granted", SECONDS, unit="s", alias="lifetime")
    ] = None
    evidence: Annotated[tuple[str, ...], column("Evidence", "what was seen", Kind.LINES, shown=WIDE)] = ()
    sent: Annotated[str, column("Sent", "what mipsh did to ask for it", shown=WIDE)] = ""
    explanation: Annotated[str, column("Explanation", "the verdict in a sentence", shown=WIDE)] = ""
    advice: Annotated[str, column("Advice", "what to do next", shown=WIDE)] = ""


class StepReport(Struct, frozen=True):
    """A step of a change to a node."""

    number: Annotated[int, column("No.", "its place", INTEGER)]
    step: Annotated[str, column("Step", "what it does")]
    state: Annotated[
        str,
        column("State", "planned, done, failed, interrupted, not_done, put_back, or not_put_back"),
    ]
    detail: Annotated[str, column("Detail", "what was seen, or why it failed")] = ""
    via: Annotated[str, column("Via", "vt, json-rpc, netlink, packet, file, process, or none", shown=WIDE)] = ""
    equivalent: Annotated[str, column("By hand", "the line, command or packet that is the same", shown=WIDE)] = ""
    packet: Annotated[str | None, column("Packet", "the IPv6 packet that goes out, in hexadecimal", shown=WIDE)] = None


class BindingChangeReport(Struct, frozen=True):
    """A binding of a home agent, as it was before a change and as it is after."""

    when: Annotated[str, column("When", "before, planned or after")]
    home_address: Annotated[str, column("Home address", "home address", ADDRESS, alias="hoa")]
    care_of_address: Annotated[str | None, column("Care-of address", "care-of address", ADDRESS, alias="coa")]
    local_address: Annotated[str | None, column("Local address", "home agent's address", ADDRESS)]
    status: Annotated[str | None, column("Status", "status of the entry; none where there is no entry")] = None
    flags: Annotated[tuple[str, ...], column("Flags", "A, H, L, K", FLAGS)] = ()
    lifetime_s: Annotated[
        int | None, column("Lifetime", "seconds left, or to be granted", SECONDS, unit="s", alias="lifetime")
    ] = None
    sequence: Annotated[int | None, column("Seq", "sequence number", INTEGER, alias="seq")] = None


BINDING_UPDATES = table(
    "binding_updates", BindingUpdateReport, "Binding Updates", key=("home_address", "peer_address", "method")
)
STEPS = table("steps", StepReport, "Steps", key=("number",))
BINDING_CHANGES = table("binding_changes", BindingChangeReport, "Binding", key=("home_address", "when"))
ACTION_TABLES = {found.name: found for found in (BINDING_UPDATES, STEPS, BINDING_CHANGES)}
