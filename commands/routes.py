"""``routes``: every object of the kernel that a binding needs, as it is there, is missing, or is there in vain."""

from mipsh.action.known import unicast
from mipsh.commands.xfrm import FROM, looks, see, unread
from mipsh.errors import CannotTell
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.kernel_view import bindings
from mipsh.kernel_view.plumbing import Piece, Plumbing, of_kernel, plumb
from mipsh.kernel_view.things import Verdict
from mipsh.kernel_view.view import ALL, XFRM, View
from mipsh.model.kernel_view import PLUMBING, PlumbingPiece
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session
from mipsh.status import ExitStatus

SHOWN = ("number", "binding", "object", "wanted", "verdict", "reason")
EVERY, NOBODY = "every node", "none"


def run(session: Session, home_address: str | None = None, from_: str = "") -> Result:
    """Show the plumbing of one home address, or of all; raises CannotTell where bindings cannot be seen."""
    wanted = unicast(home_address, "home address") if home_address else ""
    sight = see(session, ALL, from_)
    view = sight.view
    if not view.has_xfrm:
        raise next(error for error in view.unread if error.key in XFRM)
    found = pieces(view, wanted)
    rows = [_row(number, piece) for number, piece in enumerate(found.pieces, 1)]
    summary, is_well = f"\n{sentence(found, wanted)}", all(row.verdict == Verdict.PRESENT for row in rows)
    return Result(
        PLUMBING,
        rows,
        taken_at=sight.now,
        summary=summary,
        warnings=unread(view),
        status=status(found),
        shown=SHOWN if is_well else (*SHOWN, "found"),
    )


def pieces(view: View, home_address: str) -> Plumbing:
    """Return what the kernel's own bindings need; raises CannotTell for a home address of which there is nothing."""
    wanted = of_kernel(view)
    found = plumb(view, wanted, bindings.role(view), [home_address] if home_address else ())
    is_known = home_address in ("", *view.home_addresses, *(one.home for one in wanted))
    if not is_known and not any(piece.verdict is Verdict.EXTRA for piece in found.pieces):
        raise CannotTell(f"the kernel has nothing of {home_address}", "'routes' alone shows all that it has")
    return found


def status(found: Plumbing) -> ExitStatus:
    """Return 1 where something is missing or in vain, 3 where not all could be seen."""
    verdicts = {piece.verdict for piece in found.pieces}
    if verdicts & {Verdict.MISSING, Verdict.EXTRA}:
        return ExitStatus.CONDITION_NOT_MET
    is_whole = found.pieces and Verdict.UNKNOWN not in verdicts
    return ExitStatus.OK if is_whole else ExitStatus.COULD_NOT_TELL


def sentence(found: Plumbing, home_address: str) -> str:
    """Return what came of it, in a sentence."""
    whose = f" for {home_address}" if home_address else ""
    if not found.pieces:
        return "The kernel has nothing of Mobile IPv6."
    counts = {verdict: sum(piece.verdict is verdict for piece in found.pieces) for verdict in Verdict}
    parts = [f"{counts[Verdict.PRESENT]} of the objects that are needed{whose} are there"]
    parts += [f"{counts[Verdict.MISSING]} are missing"] if counts[Verdict.MISSING] else []
    parts += [f"{counts[Verdict.EXTRA]} are there in vain"] if counts[Verdict.EXTRA] else []
    parts += [f"{counts[Verdict.UNKNOWN]} could not be looked for"] if counts[Verdict.UNKNOWN] else []
    has_binding = any(piece.binding is not None for piece in found.pieces)
    return ", ".join(parts) + ("." if has_binding else "; there is no binding.")


def _row(number: int, piece: Piece) -> PlumbingPiece:
    binding = piece.binding
    whose = binding.name if binding is not None else NOBODY if piece.verdict is Verdict.EXTRA else EVERY
    return PlumbingPiece(
        number,
        whose,
        piece.kind,
        piece.words or None,
        piece.verdict.value,
        piece.evidence or None,
        piece.purpose,
        None if binding is None else binding.home,
        None if binding is None else binding.peer or None,
        piece.by_hand or None,
    )


def how(session: Session, home_address: str | None = None, from_: str = "") -> list[How]:
    """Say how the kernel's tables are looked at by hand."""
    return looks(ALL, from_)


COMMAND = Command(
    "routes",
    "show what a binding needs of the kernel, and what is missing",
    run,
    (Argument("home_address", Takes.ADDRESS, "the home address of the binding; none: all", required=False),),
    (FROM,),
    table=PLUMBING.name,
    details=(
        "States, policies, routes, rules, the tunnel, the proxy entry and the home address, by what this node is: "
        "home agent, correspondent or mobile node. The bindings are those that the kernel has, and the layout is that "
        "of mip6d; 'drift' compares it with what the daemon has.\n"
        "Status 0: all is there; 1: something is missing, or there in vain; 3: something could not be looked for. "
        "It needs CAP_NET_ADMIN."
    ),
    examples=(
        ("routes 2001:db8:1::100", "what the bindings of a home address need here"),
        ("routes --where verdict=missing", "what is missing"),
    ),
    how=how,
)
