"""Why no Binding Update was sent, as far as that can be told from what was seen, and what to do next; pure."""

from mipsh.action.observed import AWAITING, BOUND, HOME, REFUSED, TESTING, Entry, Observed, Wanted

UNCHANGED = {
    "poke": (
        "the binding is there and lasts, so that a packet makes the node send nothing",
        "let it be refreshed when its time comes, or use --method coa, which binds everywhere anew",
    ),
    "brr": (
        "the mobile node does not follow the request: it does so only where the binding was used lately",
        "send something from this node to the home address first, then ask again",
    ),
    "be": (
        "the mobile node did not bind anew: it does so when it has a packet to send",
        "let the mobile node send something to this node, then look at 'bc'",
    ),
    "rs": (
        "the router's answer shows the node nothing new, or no router answered",
        "--method coa takes its care-of address away and gives it back",
    ),
    "coa": (
        "the node did not register its care-of address again",
        "look at its log, and whether a router advertises the prefix; --method flap bounces the link",
    ),
    "flap": (
        "the node did not register after its link came back",
        "look whether a router advertises on the link, and at the node's log",
    ),
    "move": (
        "the node did not register from the other link",
        "look whether a router advertises there, whether its care-of address came ('status'), and at its log",
    ),
    "native": ("the engine has not sent it", "look at its log"),
}
TESTS = {
    "home_test": (
        "the home test is not answered",
        "the Home Test Init goes through the home agent: look whether the home agent tunnels, and whether the "
        "correspondent does Mobile IPv6",
    ),
    "care_of_test": (
        "the care-of test is not answered",
        "the Care-of Test Init goes directly from the care-of address: look whether Mobility Headers may go that way",
    ),
}


def why_not_sent(wanted: Wanted, seen: Observed) -> tuple[str, str]:
    """Return the reason that can be told, and what to do about it."""
    if seen.has_vanished:
        return (
            "the entry is gone from the table, and no other came",
            "it expired, was deleted at the other end, or the node went home: look at 'status' and the node's log",
        )
    if seen.after is None and not seen.looks:
        return UNCHANGED.get(wanted.method, UNCHANGED["native"])
    if seen.after is None:
        return _no_entry(wanted)
    return _by_state(wanted, seen, seen.after)


def _no_entry(wanted: Wanted) -> tuple[str, str]:
    if wanted.at_peer:
        return (
            "there is no binding of that home address here, and none came",
            "look whether the mobile node is reached at its home address, and whether it optimises routes to this node",
        )
    if wanted.registration == HOME:
        return (
            "the binding update list has no entry: the node is at home, or has no care-of address yet",
            "look whether it has an address of the link that it is on, and whether a router advertises there",
        )
    return (
        "the binding update list has no entry for the peer: its route is not optimised, or nothing was sent to it",
        "look at the policy (DoRouteOptimizationMN, MnRoPolicy), and whether the home registration is bound",
    )


def _by_state(wanted: Wanted, seen: Observed, entry: Entry) -> tuple[str, str]:
    if entry.state == TESTING:
        return _tests(seen)
    if entry.state == REFUSED:
        left = "" if entry.remaining_s is None else f" for another {max(entry.remaining_s, 0)} s"
        return (
            f"the peer answered Mobility Headers with an ICMPv6 error, and is left alone{left}",
            "it does no Mobile IPv6, or a firewall answers for it: packets go through the home agent",
        )
    if entry.state == AWAITING:
        again = "" if entry.next_event_s is None else f", and is sent again in {max(entry.next_event_s, 0)} s"
        return (
            f"the one sent before is not answered yet{again}",
            "look whether the peer is reached, and whether its mobility daemon runs",
        )
    if entry.state == BOUND or wanted.at_peer:
        return UNCHANGED.get(wanted.method, UNCHANGED["native"])
    return (f"its entry is in the state {entry.state}", "'bul --wide' shows all of it")


def _tests(seen: Observed) -> tuple[str, str]:
    """Return which test of return routability is missing."""
    missing = [test.name for test in seen.tests if test.is_answered is False and test.name in TESTS]
    if len(missing) == 1:
        return TESTS[missing[0]]
    if missing:
        return (
            "neither the home test nor the care-of test is answered",
            "the correspondent is not reached, or does no Mobile IPv6: ping it from the home address and from the "
            "care-of address",
        )
    return "return routability is under way and not finished", "wait longer with --wait, and look at 'rr'"
