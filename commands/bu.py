"""``bu``: have a Binding Update sent, and see whether it was sent, answered and accepted."""

from msgspec import structs

from mipsh.action.carry_out import explain, planned
from mipsh.action.methods import WORDS, Method, Target
from mipsh.action.targets import WHOLE_LIST, find
from mipsh.action.trigger import attempts, trigger, whole
from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.model.actions import BINDING_UPDATES
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session

UNIT_S, LONGEST_S = 4, 65535 * 4
"""Lifetimes are counted in 4 s, in 16 bits (RFC 6275 section 6.1.7)."""
WAIT_S = 5.0


def run(
    session: Session,
    whom: str = "home",
    *,
    lifetime: int | None = None,
    dereg: bool = False,
    method: str = "",
    interface: str = "",
) -> Result:
    """Ask for Binding Updates, and return what became of each."""
    found = attempts(session, targets(session, whom, interface, asked(lifetime, dereg=dereg)), method)
    if session.permission.dry_run:
        return planned(session, whole(found))
    return trigger(session, found, session.settings.wait or WAIT_S)


def how(
    session: Session,
    whom: str = "home",
    *,
    lifetime: int | None = None,
    dereg: bool = False,
    method: str = "",
    interface: str = "",
) -> list[How]:
    """Return the steps, from the same plan."""
    return explain(whole(attempts(session, targets(session, whom, interface, asked(lifetime, dereg=dereg)), method)))


def asked(lifetime: int | None, *, dereg: bool) -> int | None:
    """Return the lifetime that is asked for, None for the configured one; raises UsageError."""
    if dereg and lifetime is not None:
        raise UsageError("--dereg and --lifetime do not go together", "--dereg asks for the lifetime 0")
    if lifetime is not None and not UNIT_S <= lifetime <= LONGEST_S:
        raise UsageError(
            f"a lifetime is {UNIT_S} to {LONGEST_S} s, not {lifetime}", "--dereg deletes the binding: its lifetime is 0"
        )
    return 0 if dereg else lifetime


def targets(session: Session, whom: str, interface: str, lifetime_s: int | None) -> list[Target]:
    """Return the bindings that are meant; raises UsageError, CannotTell."""
    found = find(session.engine(), whom, interface)
    return found if lifetime_s is None else [structs.replace(target, lifetime_s=lifetime_s) for target in found]


COMMAND = Command(
    "bu",
    "have a Binding Update sent, and see what becomes of it",
    run,
    (
        Argument(
            "whom",
            Takes.ADDRESS,
            "home, all, a peer, or a home address of its own; on a peer, the mobile node's home address",
            required=False,
            choices=("home", WHOLE_LIST),
        ),
    ),
    (
        Option("--lifetime", "ask for this lifetime, in seconds, this once", Takes.INTEGER, metavar="S"),
        Option("--dereg", "ask for the end of the binding"),
        Option(
            "--method",
            "how; none: the least intrusive that works",
            Takes.WORD,
            metavar="M",
            choices=tuple(method.value for method in Method),
        ),
        Option("--interface", "the interface of the care-of address, where it is not known", Takes.WORD, metavar="I"),
    ),
    aliases=("binding-update", "trigger bu"),
    table=BINDING_UPDATES.name,
    details=(
        "mipd is told to send it. mip6d cannot be told, so it is made to, and every method is named before it is "
        "used, from the least to the most intrusive:\n"
        + "\n".join(f"  {method:<8}{words}" for method, words in WORDS.items())
        + "\nflap cuts the link off for others, too: it is used only when named, and asks. Whatever is done, "
        "only what was seen counts: the engine's events, packets on the links (CAP_NET_RAW), and its tables. "
        "--wait says how long (5 s, for each method). "
        "Status 0: accepted, or sent where no acknowledgement is asked for; 1: not sent or not answered; 2: rejected; "
        "3: it could not be seen."
    ),
    examples=(
        ("bu home --write", "register again with the home agent"),
        ("bu 2001:db8:4::2 --write --method poke", "let traffic begin route optimisation with a correspondent"),
        ("bu all --dry-run", "what would be done for every entry"),
        ("bu home --write --dereg", "end the registration"),
    ),
    how=how,
    changes=Changes.NODE,
)
