"""Where an engine and its kernel disagree: what the engine's bindings need and the kernel lacks, and the reverse.

Of an engine's row that is on its way nothing is asked but what its messages need, and what the kernel has of it
is not held against it. What could not be read is no difference, and is no agreement either.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from mipsh.kernel_view import plumbing
from mipsh.kernel_view.needs import Binding, Kind, Stage
from mipsh.kernel_view.plumbing import Piece, Plumbing
from mipsh.kernel_view.things import Verdict
from mipsh.kernel_view.view import View
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

IN_FORCE = ("registered", "cached")
SILENT, WAITING, BOUND = "not_mobile", "waiting_for_ack", "bound"
SHOWN = 4


class Sort(StrEnum):
    """How the two differ."""

    MISSING = "missing"
    DIFFERS = "differs"
    LEFTOVER = "leftover"
    BLOCKED = "blocked"


class Difference(Struct, frozen=True):
    """One difference: what either side has, a sentence, what to do, and the command that shows the kernel's side."""

    kind: Sort
    binding: Binding | None
    engine: str
    kernel: str
    sentence: str
    advice: str
    by_hand: str = ""


class Drift(Struct, frozen=True):
    """All differences, how many bindings the engine has, and what of the kernel could not be read."""

    differences: tuple[Difference, ...]
    bindings: int
    unread: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing was left out."""
        return not self.unread


def of_engine(
    cache: Iterable[BindingCacheEntry], updates: Iterable[BindingUpdateListEntry]
) -> tuple[list[Binding], list[BindingUpdateListEntry]]:
    """Return the bindings of an engine's rows, and the home registrations that it has given up."""
    found: list[Binding] = []
    for row in cache:
        is_alive = row.lifetime_remaining_s is None or row.lifetime_remaining_s > 0
        stage = Stage.BOUND if row.status in IN_FORCE and is_alive else Stage.OPEN
        kind = Kind.SERVED if row.status == "registered" else Kind.KEPT
        if row.local_address and row.status != "nonce-block":
            found.append(Binding(kind, row.home_address, row.local_address, row.care_of_address, stage))
    given_up: list[BindingUpdateListEntry] = []
    for entry in updates:
        if entry.state == SILENT:
            given_up += [entry] if entry.registration == "home" else []
            continue
        kind = Kind.HOME if entry.registration == "home" else Kind.PEER
        stage = {BOUND: Stage.BOUND, WAITING: Stage.PENDING}.get(entry.state or "", Stage.OPEN)
        if entry.lifetime_remaining_s is not None and entry.lifetime_remaining_s <= 0:
            stage = Stage.OPEN
        if entry.peer_address:
            found.append(Binding(kind, entry.home_address, entry.peer_address, entry.care_of_address, stage))
    return found, given_up


def drift(
    view: View,
    cache: Sequence[BindingCacheEntry],
    updates: Sequence[BindingUpdateListEntry],
    role: str | None,
) -> Drift:
    """Compare an engine's rows with its kernel."""
    wanted, given_up = of_engine(cache, updates)
    found = plumbing.plumb(view, wanted, role)
    differences = [*_common(found), *_missing(found, wanted)]
    extra = [piece for piece in found.pieces if piece.verdict is Verdict.EXTRA]
    for entry in given_up:
        blocks = [piece for piece in extra if _blocks(piece, entry.home_address)]
        extra = [piece for piece in extra if piece not in blocks]
        differences += [_blocked(entry, blocks[0])] if blocks else []
    differences += _leftover(view, wanted, extra)
    return Drift(tuple(differences), len(cache) + len(updates), found.unread)


def _common(found: Plumbing) -> list[Difference]:
    """Return what every node of the role has, and this one has not; one row where all of it is gone."""
    pieces = [piece for piece in found.pieces if piece.binding is None and piece.verdict is not Verdict.EXTRA]
    gone = [piece for piece in pieces if piece.verdict is Verdict.MISSING]
    advice = "restart the daemon, which makes them anew"
    if len(gone) > 1 and len(gone) == len(pieces):
        sentence = f"The kernel has none of the {len(gone)} objects that every node of this role has."
        return [Difference(Sort.MISSING, None, f"runs as {found.role}", "nothing", sentence, advice, gone[0].by_hand)]
    return [_lacks(piece, f"runs as {found.role}", advice) for piece in gone]


def _missing(found: Plumbing, wanted: Sequence[Binding]) -> list[Difference]:
    """Return what bindings of the engine lack; one row where nothing of a binding is there."""
    rows: list[Difference] = []
    pieces: dict[tuple[str, str, str], list[Piece]] = {}
    for piece in found.pieces:
        if piece.binding is not None:
            pieces.setdefault(_key(piece.binding), []).append(piece)
    for binding in wanted:
        own = pieces.get(_key(binding), [])
        gone = [piece for piece in own if piece.verdict is Verdict.MISSING]
        seen = [piece for piece in own if piece.kind in ("state", "policy")]
        is_gone = [piece.verdict is Verdict.MISSING and not piece.evidence for piece in seen]
        engine = _row_words(binding)
        if len(is_gone) > 1 and all(is_gone):
            sentence = (
                f"The engine has {binding.name}, and the kernel has none of its {len(seen)} states and policies: "
                "packets go as if there was no binding."
            )
            by_hand = seen[0].by_hand
            rows.append(Difference(Sort.MISSING, binding, engine, "nothing", sentence, _renew(binding), by_hand))
            gone = [piece for piece in gone if piece.kind not in ("state", "policy")]
        rows += [_lacks(piece, engine, _renew(binding)) for piece in gone]
    return rows


def _lacks(piece: Piece, engine: str, advice: str) -> Difference:
    """Return an object that is missing, with what there is in its place."""
    instead = f"; there is {piece.evidence} instead" if piece.evidence else ""
    owner = f"For {piece.binding.name} the" if piece.binding is not None else "The"
    sentence = f"{owner} kernel lacks the {piece.kind} {piece.words}, which {piece.purpose}{instead}."
    kind = Sort.DIFFERS if piece.evidence else Sort.MISSING
    return Difference(kind, piece.binding, engine, piece.evidence or "nothing", sentence, advice, piece.by_hand)


def _blocks(piece: Piece, home: str) -> bool:
    return piece.kind == "policy" and piece.names == {home} and piece.evidence.endswith("block")


def _blocked(entry: BindingUpdateListEntry, piece: Piece) -> Difference:
    """Return what the kernel does to the home address while the engine has given its home agent up."""
    home, agent = entry.home_address, entry.peer_address or ""
    again = "" if entry.next_event_s is None else f" for another {entry.next_event_s} s"
    sentence = (
        f"The engine takes the home agent {agent} for one that does not do Mobile IPv6{again}, and the kernel blocks "
        f"every packet of {home}: the node is cut off until it registers again."
    )
    advice = f"look whether the home agent {agent} runs, then: bu home"
    binding = Binding(Kind.HOME, home, agent, None, Stage.BLOCKED)
    return Difference(Sort.BLOCKED, binding, f"{SILENT} at {agent}", piece.evidence, sentence, advice, piece.by_hand)


def _leftover(view: View, wanted: Sequence[Binding], extra: list[Piece]) -> list[Difference]:
    """Return what the kernel has and the engine has not: binding by binding, and then one by one."""
    rows: list[Difference] = []
    known = {_key(binding)[:2] for binding in wanted}
    for binding in plumbing.of_kernel(view):
        ends = {binding.home, binding.peer} - {""}
        place = {binding.care_of or ""}
        mine = [piece for piece in extra if piece.names and piece.names <= ends | place]
        if _key(binding)[:2] in known or not mine:
            continue
        extra = [piece for piece in extra if piece not in mine]
        shown = "; ".join(piece.evidence for piece in mine[:SHOWN]) + ("; …" if len(mine) > SHOWN else "")
        sentence = (
            f"The kernel has {binding.name}, and the engine has no such binding: nobody renews or removes its "
            f"{_count(len(mine), 'object')}, and packets go by it."
        )
        rows.append(Difference(Sort.LEFTOVER, binding, "no row", shown, sentence, _clear(binding), mine[0].by_hand))
    for piece in extra:
        sentence = f"The kernel has the {piece.kind} {piece.evidence}, which is of no binding of the engine."
        advice = "look whether something else made it; otherwise restart the daemon, or remove it by hand"
        rows.append(Difference(Sort.LEFTOVER, None, "no row", piece.evidence, sentence, advice, piece.by_hand))
    return rows


def _key(binding: Binding) -> tuple[str, str, str]:
    """Return what tells a binding from others; the engine and the kernel agree on whose it is."""
    return binding.home, binding.peer, "own" if binding.is_own else "kept"


def _row_words(binding: Binding) -> str:
    """Return an engine's row in words."""
    at = f" at {binding.care_of}" if binding.care_of else ""
    stage = {Stage.PENDING: "waiting for its acknowledgement", Stage.BOUND: "in force"}.get(binding.stage, "on its way")
    return f"{binding.kind.value} binding{at}, {stage}"


def _renew(binding: Binding) -> str:
    if binding.kind is Kind.HOME:
        return "register again: bu home; if it stays so, restart the daemon"
    if binding.kind is Kind.PEER:
        return f"have the binding made again: bu {binding.peer}; if it stays so, restart the daemon"
    if binding.kind is Kind.SERVED:
        return "have the mobile node register again: bu home there; if it stays so, restart the daemon"
    return f"ask the mobile node for a new one: bu {binding.home}; if it stays so, restart the daemon"


def _clear(binding: Binding) -> str:
    if binding.is_own and binding.peer:
        return f"have the binding made again, or ended: bu {binding.peer}; or restart the daemon, which clears it"
    return "restart the daemon, which clears it, or remove the objects by hand with ip"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
