"""``xfrm``: the kernel's XFRM states and policies, with what mip6d means by them, and without any key."""

import time
from collections.abc import Sequence

from msgspec import Struct

from mipsh.checks.sources import Key, Source
from mipsh.commands.why import here
from mipsh.errors import CapabilityMissing, MipshError, UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.kernel_view import things
from mipsh.kernel_view.view import ALL, View, look
from mipsh.kernel_view.view import XFRM as XFRM_KEYS
from mipsh.model import xfrm as model
from mipsh.model.kernel_view import XFRM, XfrmObject
from mipsh.model.shell import How
from mipsh.model.text import duration
from mipsh.model.xfrm import Policy, State, word
from mipsh.result import Notice, Result
from mipsh.session import Session

STATES, POLICIES = "states", "policies"
NEVER = "never"
SHOWN = {
    STATES: ("source", "destination", "applies", "care_of_address", "last_used"),
    POLICIES: ("ptype", "direction", "priority", "purpose", "source", "destination", "traffic", "applies", "last_used"),
}
FROM = Option(
    "--from", "a recorded node instead of this one: FOLDER or FOLDER/NODE", Takes.DIRECTORY, metavar="FOLDER[/NODE]"
)
BY_HAND = {
    Key.XS: ("look at the XFRM states", "ip -6 -s xfrm state", "ip-xfrm(8)"),
    Key.XP: ("look at the XFRM policies", "ip -6 -s xfrm policy", "ip-xfrm(8)"),
    Key.AD: ("look at the addresses", "ip -6 address", "ip-address(8)"),
    Key.RT: ("look at the routes of all tables", "ip -6 route show table all", "ip-route(8)"),
    Key.RU: ("look at the rules", "ip -6 rule", "ip-rule(8)"),
    Key.TN: ("look at the tunnels", "ip -6 -d tunnel show", "ip-tunnel(8)"),
    Key.PN: ("look at the proxy entries", "ip -6 neigh show proxy", "ip-neighbour(8)"),
}
"""How each table is looked at by hand."""


class Sight(Struct, frozen=True):
    """A kernel's tables, and the time that is now for them, in seconds since the epoch; None where that is unknown."""

    view: View
    now: float | None


def see(session: Session, keys: Sequence[Key], from_: str) -> Sight:
    """Look at a kernel: a recorded one, that of a lab's node whose engine is in use, or this one."""
    if from_:
        view = look(recorded(from_), (*keys, *XFRM_KEYS), has_whole_flags=False)
        return Sight(view, latest(view))
    return Sight(look(live(session), keys), time.time())


def live(session: Session) -> Source:
    """Return the kernel of the lab's node whose engine is in use, and that of this namespace otherwise."""
    from mipsh.linux.facts import LiveSource

    try:
        with session.options({"wait": 0.0}):
            place = here(session)
    except MipshError:
        place = None
    return LiveSource(within=None if place is None else place.do)


def recorded(word: str) -> Source:
    """Return a recorded kernel; raises UsageError."""
    from mipsh.linux.facts_recorded import RecordedSource, place

    return RecordedSource(*place(word))


def latest(view: View) -> float | None:
    """Return the last moment that a recording speaks of, which is about when it was made."""
    said = [moment for state in view.states or () for moment in (state.last_used, state.use.added, state.use.used)]
    said += [moment for policy in view.policies or () for moment in (policy.use.added, policy.use.used)]
    known = [moment for moment in said if moment is not None]
    return float(max(known)) if known else None


def unread(view: View) -> tuple[Notice, ...]:
    """Return what could not be read, as warnings."""
    return tuple(Notice(error.code, error.message, error.hint) for error in view.unread)


def looks(keys: Sequence[Key], from_: str) -> list[How]:
    """Return how tables are looked at by hand."""
    if from_:
        return [How("read what was dumped and printed of the node", "file", f"ls {from_}")]
    return [How(step, "netlink", line, reference) for step, line, reference in (BY_HAND[key] for key in keys)]


def run(session: Session, what: str | None = None, ptype: str = "", from_: str = "") -> Result:
    """Show states, policies, or both; raises CannotTell where none of it can be read."""
    if ptype and what == STATES:
        raise UsageError("--ptype is of policies: a state has no type", f"write xfrm {POLICIES} --ptype {ptype}")
    sight = see(session, _keys(what, ptype), from_)
    view = sight.view
    if view.states is None and view.policies is None:
        raise view.unread[0] if view.unread else CapabilityMissing("this kernel has no XFRM")
    wanted = what or (POLICIES if ptype else "")
    states = view.states or () if wanted != POLICIES else ()
    policies = view.policies or () if wanted != STATES else ()
    rows = [state_row(number, state, sight.now) for number, state in enumerate(states, 1)]
    rows += [
        policy_row(number, policy, sight.now)
        for number, policy in enumerate(policies, 1)
        if ptype in ("", word(model.TYPES, policy.kind))
    ]
    return Result(XFRM, rows, taken_at=sight.now, warnings=unread(view), shown=SHOWN.get(wanted))


def _keys(what: str | None, ptype: str) -> tuple[Key, ...]:
    if what == STATES:
        return (Key.XS,)
    return (Key.XP,) if what == POLICIES or ptype else (Key.XS, Key.XP)


def state_row(number: int, state: State, now: float | None) -> XfrmObject:
    """Return a state as a row."""
    last_used = state.last_used if state.last_used is not None else state.use.used
    mode = word(model.MODES, state.mode)
    return XfrmObject(
        "state",
        number,
        source=state.source,
        destination=state.destination,
        applies=f"{model.protocol_word(state.protocol)} {mode}",
        care_of_address=state.care_of_address,
        last_used=ago(last_used, now),
        last_used_s=_seconds(last_used, now),
        made=ago(state.use.added, now),
        packets=state.use.packets,
        bytes=state.use.bytes,
        flags=(*model.bits(model.STATE_FLAGS, state.flags), *model.bits(model.EXTRA_FLAGS, state.extra_flags)),
        spi=state.spi,
        reqid=state.reqid,
        algorithms=tuple(f"{use}: {name}" for use, name in state.algorithms.items()),
    )


def policy_row(number: int, policy: Policy, now: float | None) -> XfrmObject:
    """Return a policy as a row."""
    selector = policy.selector
    traffic = things.upper_words(selector.protocol, selector.source_port, selector.source_mask).strip()
    blocks = policy.action == model.ACTIONS.index("block")
    asked = [template for template in policy.templates if template.reqid]
    return XfrmObject(
        "policy",
        number,
        word(model.TYPES, policy.kind),
        word(model.DIRECTIONS, policy.direction),
        policy.priority,
        model.purpose(policy) or None,
        f"{selector.source}/{selector.source_length}",
        f"{selector.destination}/{selector.destination_length}",
        traffic or "any",
        "block" if blocks else things.template_words(policy.templates),
        last_used=ago(policy.use.used, now),
        last_used_s=_seconds(policy.use.used, now),
        made=ago(policy.use.added, now),
        packets=policy.use.packets,
        bytes=policy.use.bytes,
        flags=model.bits(model.POLICY_FLAGS, policy.flags),
        reqid=asked[0].reqid if asked else None,
        index=policy.index,
    )


def ago(then: int | None, now: float | None) -> str:
    """Return how long ago something was, in words."""
    if then is None:
        return NEVER
    seconds = _seconds(then, now)
    if seconds is None:
        return "at an unknown time"
    return f"{duration(seconds)} ago" if seconds > 0 else "just now"


def _seconds(then: int | None, now: float | None) -> int | None:
    """Return how many seconds ago something was; not less than none, as clocks may be set back."""
    return None if then is None or now is None else max(int(now) - then, 0)


def how(session: Session, what: str | None = None, ptype: str = "", from_: str = "") -> list[How]:
    """Say how the tables are looked at by hand."""
    return looks([key for key in ALL if key in _keys(what, ptype)], from_)


COMMAND = Command(
    "xfrm",
    "show the kernel's XFRM states and policies, and what they mean",
    run,
    (Argument("what", Takes.WORD, "only states, or only policies", required=False, choices=(STATES, POLICIES)),),
    (
        Option("--ptype", "only policies of this type", Takes.WORD, metavar="TYPE", choices=model.TYPES),
        FROM,
    ),
    table=XFRM.name,
    details=(
        "The kernel is that of the network namespace that mipsh is in, or of the lab's node whose engine is in use. "
        "States and policies are in the order in which the kernel gives them; --sort priority puts the policies in "
        "that in which they are looked at. No key is ever shown, nor read. It needs CAP_NET_ADMIN."
    ),
    examples=(
        ("xfrm states", "what is put into packets, and when it last was"),
        ("xfrm policies --ptype sub --sort priority", "the policies of mobility, in their order"),
        ("xfrm --where care_of_address=2001:db8:2::7", "what is bound to a care-of address"),
    ),
    how=how,
)
