"""Checks of a correspondent node: bindings about to end, nonces that are held, and errors that it sends."""

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.findings import By, Severity

AREA = Area("correspondent", "What a correspondent node has of its mobile peers")
ROUTE2 = 43
REFRESHED_BEFORE_S, NONCE_BLOCK_S = 2, 240


@AREA.check(
    About(
        "MIP-471",
        "a binding that ends without a Binding Refresh Request",
        Severity.INFO,
        roles=("cn",),
        needs=(Key.VT, Key.XS),
        remedy=("send something to the mobile node, or wait: it binds anew when it has a packet to send",),
        reference="RFC 6275 section 9.5.5; KNOWN-ISSUES MIP-471",
    )
)
def ending_bindings(facts: Facts) -> Judgements:
    """A binding that was not used lately is not refreshed: in its last two seconds only traffic saves it."""
    rows = [row for row in facts.cache if row.status == "cached"]
    used = {state.destination for state in facts.states if state.protocol == ROUTE2 and state.last_used}
    if not rows:
        yield not_applicable("there is no binding of a correspondent now")
    for row in rows:
        left = row.lifetime_remaining_s
        said = (facts.saw(Key.VT, f"{row.home_address}: {left} s left", "binding_cache"),)
        if left is None:
            yield unknown("how long it lasts is not told", row.home_address, evidence=said)
        elif left <= REFRESHED_BEFORE_S and row.home_address not in used:
            yield affected(f"it ends in {left} s, and nothing used it", row.home_address, evidence=said)
        else:
            yield passed(f"it lasts {left} s", row.home_address, evidence=said)


@AREA.check(
    About(
        "MIP-472",
        "nonces that are held after a binding was deleted",
        Severity.INFO,
        roles=("cn",),
        needs=(Key.VT,),
        remedy=("wait: a Binding Update with newer nonces is accepted at once",),
        reference="RFC 6275 section 9.5.1",
    )
)
def held_nonces(facts: Facts) -> Judgements:
    """For 240 s after a binding was deleted, a Binding Update with the same nonces gets 138, as it should."""
    rows = [row for row in facts.cache if row.status == "nonce-block"]
    for row in rows:
        left = row.lifetime_remaining_s
        said = (facts.saw(Key.VT, f"{row.home_address}: nonce-block {left} s", "binding_cache"),)
        yield affected(f"its nonces are held for {left} s, by design", row.home_address, evidence=said)
    if not rows:
        yield passed("none is held", evidence=(facts.saw(Key.VT, f"{len(facts.cache)} entries", "binding_cache"),))


@AREA.check(
    About(
        "MIP-473",
        "peers that use bindings which this node does not have",
        Severity.MEDIUM,
        roles=("cn", "ha"),
        needs=(Key.VT,),
        remedy=("the mobile nodes bind anew by themselves; where it does not end, look at 'bc' and restart mip6d",),
        reference="RFC 6275 section 9.3.3",
        windowed=True,
    )
)
def error_storm(facts: Facts) -> Judgements:
    """Binding Errors that are sent on and on say that peers use Home Address options without a binding here.

    A correspondent that was restarted has forgotten its bindings; that is over within seconds.
    """
    now, before = _errors(facts), _errors(facts.earlier)
    if now is None or before is None:
        yield unknown("Binding Errors are not counted")
        return
    rise = now - before
    said = (facts.saw(Key.VT, f"{now} Binding Errors sent, {before} before", "statistics"),)
    if rise > 0:
        yield affected(
            f"{rise} Binding Errors in {facts.window_s:g} s", expected="none", evidence=said, by=By.BEHAVIOUR
        )
    elif rise < 0:
        yield likely("the daemon was started again meanwhile", evidence=said, by=By.CONFIGURATION)
    else:
        yield passed("none was sent meanwhile", evidence=said)


def _errors(facts: Facts) -> int | None:
    """Return how many Binding Errors were sent; None where they are not counted."""
    rows = facts.statistics
    return next((row.value for row in rows if (row.direction, row.name) == ("sent", "binding_errors")), None)
