"""The records of ``why`` and ``both``: the steps of a prediction, and one binding as each of its nodes has it."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, BOOLEAN, INTEGER, SECONDS, WIDE = Kind.ADDRESS, Kind.BOOLEAN, Kind.INTEGER, Kind.SECONDS, Shown.WIDE


class WhyStep(Struct, frozen=True):
    """A step on the way to where the next packet goes: a question, its answer, and the evidence."""

    number: Annotated[int, column("No.", "its place", INTEGER)]
    step: Annotated[str, column("Step", "the question")]
    answer: Annotated[str, column("Answer", "yes, no, could_not_tell")]
    evidence: Annotated[str, column("Evidence", "what is known of it")]
    path: Annotated[
        str | None,
        column(
            "Path",
            "of the step that decides: ro, tunnel, direct, none, or ? where it could not be told; of --prove: "
            "what way the echo went",
        ),
    ] = None
    advice: Annotated[str, column("Advice", "what to do about it", shown=WIDE)] = ""
    reference: Annotated[str | None, column("Reference", "the clause, or the manual", shown=WIDE)] = None
    decides: Annotated[bool, column("Decides", "whether the path follows from this step", BOOLEAN, shown=WIDE)] = False
    certain: Annotated[
        bool | None, column("Certain", "of the step that decides: whether nothing is missing", BOOLEAN, shown=WIDE)
    ] = None


class BindingSide(Struct, frozen=True):
    """One binding of a mobile node, as one of the nodes has it."""

    binding: Annotated[str, column("Binding", "home (at the home agent) or correspondent")]
    side: Annotated[str, column("Side", "mn (its list), ha or cn (their binding caches)")]
    engine: Annotated[str, column("Engine", "the engine that was asked")]
    home_address: Annotated[str, column("Home address", "home address", ADDRESS, alias="hoa")]
    peer_address: Annotated[
        str | None, column("Peer", "home agent or correspondent node, where that is known", ADDRESS, alias="cn")
    ] = None
    care_of_address: Annotated[str | None, column("Care-of address", "care-of address", ADDRESS, alias="coa")] = None
    status: Annotated[
        str | None, column("Status", "state of the entry; none: there is none; unknown: it was not seen")
    ] = None
    sequence: Annotated[int | None, column("Seq", "sequence number", INTEGER, alias="seq")] = None
    lifetime_remaining_s: Annotated[
        int | None, column("Remaining", "seconds that are left of it", SECONDS, unit="s", alias="remaining")
    ] = None
    lifetime_granted_s: Annotated[
        int | None, column("Granted", "lifetime granted", SECONDS, unit="s", alias="lifetime", shown=WIDE)
    ] = None
    flags: Annotated[tuple[str, ...], column("Flags", "A, H, L, K, R", Kind.FLAGS, shown=WIDE)] = ()
    verdict: Annotated[
        str, column("Verdict", "agrees, differs, or could_not_tell: as compared with the mobile node's side")
    ] = "could_not_tell"
    differs: Annotated[tuple[str, ...], column("Differs", "what of it is not the same", Kind.LINES)] = ()


WHY = table("why", WhyStep, "Why", key=("number",))
BOTH = table("both", BindingSide, "Both ends", key=("home_address", "binding", "side", "engine"))
WHY_TABLES = {found.name: found for found in (WHY, BOTH)}
