"""Which source address a packet gets, and whether that is a home address that is at home."""

from msgspec import Struct

from mipsh.model.address import within
from mipsh.why.facts import KERNEL, UMIP, Facts
from mipsh.why.kernel import OUT, SUB
from mipsh.why.steps import Answer, Step, Trail

SELECTION = "RFC 6724 section 5, rule 4"
SOURCE, HOME = "home address as source?", "at home?"
HOME_PREFIX = 64
BLOCKING, TRIGGERING = (1, 4), (17, 18)
"""The priorities of mip6d's policies for a home address that is away: not registered, and registered."""


class Source(Struct, frozen=True):
    """The source address, empty where it is not known, and whether it is a home address of this node.

    ``is_foreign`` is set for an address that this node has not.
    """

    address: str
    is_home: bool
    is_foreign: bool = False


def choose(facts: Facts, trail: Trail) -> Source:
    """Tell the source of the next packet, as a step."""
    homes = facts.homes
    if facts.source:
        return _given(facts, trail)
    found = facts.lookups.get(("", facts.host))
    if found is not None and found.source:
        is_home = found.source in homes
        said = "a home address" if is_home else "no home address"
        trail.add(_step(facts, is_home, f"the kernel chooses {found.source}, {said}"))
        return Source(found.source, is_home)
    if not homes:
        trail.add(_without_homes(facts))
        return Source("", False)
    if len(homes) > 1:
        evidence = f"there are {len(homes)} home addresses, and which one the kernel chooses was not seen"
        trail.add(Step(SOURCE, Answer.UNKNOWN, evidence, "name one: --from HOA", SELECTION, is_needed=True))
        return Source(homes[0], True)
    trail.add(_step(facts, True, f"{homes[0]}: a home address is preferred to others"))
    return Source(homes[0], True)


def _given(facts: Facts, trail: Trail) -> Source:
    source = facts.source
    if source in facts.homes:
        trail.add(_step(facts, True, f"{source}, as asked for"))
        return Source(source, True)
    if facts.addresses is not None and source not in facts.addresses:
        trail.add(_step(facts, False, f"{source} is none of this node's addresses"))
        return Source(source, False, is_foreign=True)
    trail.add(_step(facts, False, f"{source}, as asked for, is no home address of this node"))
    return Source(source, False)


def _without_homes(facts: Facts) -> Step:
    if facts.role == "mn":
        evidence = "the home address of this mobile node is not known"
        return Step(SOURCE, Answer.UNKNOWN, evidence, "name it: --from HOA", is_needed=True)
    return Step(SOURCE, Answer.NO, "this node has no home address: it is no mobile node")


def _step(facts: Facts, is_home: bool, evidence: str) -> Step:
    is_wrong = facts.role == "mn" and not is_home
    advice = "let the program use the home address as its source, where mobility is wanted" if is_wrong else ""
    return Step(SOURCE, Answer.YES if is_home else Answer.NO, evidence, advice, SELECTION)


def at_home(facts: Facts, home: str, trail: Trail) -> Answer:
    """Tell whether a home address is at home, as a step."""
    entry = facts.registration(home)
    reference = "RFC 6275 section 11.5"
    if entry is not None and entry.lifetime_granted_s == 0:
        evidence = "it returns home: the end of its home registration is not acknowledged yet"
        return trail.add(Step(HOME, Answer.UNKNOWN, evidence, "ask again in a second", reference, is_needed=True))
    if entry is not None:
        at = entry.care_of_address or entry.last_care_of_address or "an address that is not known"
        evidence = f"it has a home registration in its list, from {at}"
        return trail.add(Step(HOME, Answer.NO, evidence, "", reference))
    answer, evidence = _without_entry(facts, home)
    advice = "run mipsh in the node's network namespace, where its addresses can be seen"
    is_unknown = answer is Answer.UNKNOWN
    return trail.add(Step(HOME, answer, evidence, advice if is_unknown else "", reference, is_needed=True))


def _without_entry(facts: Facts, home: str) -> tuple[Answer, str]:
    """Tell it where the list, if there is one, has no home registration."""
    listed = "no home registration is in its list" if facts.updates is not None else "its list cannot be read"
    held = _held_away(facts, home)
    if held:
        return Answer.NO, f"{listed}, and the kernel has mip6d's policy of {held} for a home address that is away"
    others = [address for address in facts.addresses or () if address not in facts.homes and address != home]
    here = [address for address in others if within(address, f"{home}/{HOME_PREFIX}")]
    if here:
        return Answer.YES, f"{listed}, and its address {here[0]} has the home address's prefix"
    if others:
        return Answer.NO, f"{listed}, and its address {others[0]} has another prefix than the home address"
    if facts.addresses is not None:
        return Answer.UNKNOWN, f"{listed}, and it has no other address: it is attached nowhere, or just arrived"
    if facts.engine in (UMIP, KERNEL) and facts.kernel is not None and facts.updates is not None:
        return Answer.YES, f"{listed}, and the kernel has no policy for a home address that is away"
    return Answer.UNKNOWN, f"{listed}: it is at home, or attached nowhere; its addresses were not seen"


def _held_away(facts: Facts, home: str) -> str:
    """Return which of mip6d's policies there is that a home address has only while it is away."""
    for policy in facts.kernel.policies if facts.kernel is not None else ():
        selector = policy.selector
        is_whole = (selector.source, selector.source_length, selector.destination_length) == (home, 128, 0)
        if policy.kind == SUB and policy.direction == OUT and is_whole:
            if policy.priority in BLOCKING:
                return f"priority {policy.priority}, which blocks it,"
            if policy.priority in TRIGGERING:
                return f"priority {policy.priority}"
    return ""
