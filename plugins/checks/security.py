"""Checks of who can harm a node: signalling that is not protected, weak keys, tables that anybody fills."""

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.model.address import within
from mipsh.model.findings import By, Severity
from mipsh.model.xfrm import DIRECTIONS, TYPES, Policy

AREA = Area("security", "Who can harm this node, and what protects it")
MAIN, INWARD = TYPES.index("main"), DIRECTIONS.index("in")
ESP, MOBILITY, ANY = 50, 135, 0
WEAK = ("cbc(des)", "cbc(des3_ede)", "hmac(md5)", "ecb(cipher_null)", "cipher_null", "digest_null")
MANY = 1000


def protects(policy: Policy, home_address: str, home_agent: str) -> bool:
    """Tell whether a policy demands ESP of what comes from a home address to a home agent with a Mobility Header."""
    selector = policy.selector
    return (
        policy.kind == MAIN
        and policy.direction == INWARD
        and selector.protocol in (MOBILITY, ANY)
        and within(home_address, f"{selector.source}/{selector.source_length}")
        and within(home_agent, f"{selector.destination}/{selector.destination_length}")
        and any(template.protocol == ESP and not template.is_optional for template in policy.templates)
    )


@AREA.check(
    About(
        "MIP-601",
        "a home agent that takes Binding Updates that nobody protected",
        Severity.CRITICAL,
        roles=("ha",),
        needs=(Key.XP, Key.VT),
        remedy=("mip6d.conf: UseMnHaIPsec enabled, with IPsecPolicySet for HomeRegBinding or Mh", "load its SAs"),
        reference="RFC 6275 section 10.3.1, RFC 4877; KNOWN-ISSUES MIP-601",
    )
)
def unprotected_updates(facts: Facts) -> Judgements:
    """mip6d does not look whether a Binding Update came through IPsec: a policy of the type main has to demand it.

    Without one, whoever reaches the home agent moves anybody's home address to wherever they like.
    """
    wants = facts.can_read(Key.CF) and facts.configuration.is_enabled("UseMnHaIPsec", True)
    rows = [row for row in facts.cache if row.status == "registered"]
    if not rows:
        yield not_applicable("there is no home registration now")
    for row in rows:
        agent = row.local_address or "::"
        said = (facts.saw(Key.XP, f"{len(facts.policies)} policies"),)
        if any(protects(policy, row.home_address, agent) for policy in facts.policies):
            yield passed("a policy demands ESP", row.home_address, evidence=said)
        else:
            severity = Severity.CRITICAL if wants else Severity.MEDIUM
            yield affected(
                "no policy demands that its Binding Updates are protected",
                row.home_address,
                expected="an inbound policy with ESP",
                evidence=said,
                severity=severity,
            )


@AREA.check(
    About(
        "MIP-602",
        "a forged ICMPv6 error ends the home registration",
        Severity.MEDIUM,
        roles=("mn",),
        needs=(Key.CF,),
        remedy=("mip6d.conf: MnDiscardHaParamProb enabled", "or UseMnHaIPsec enabled"),
        reference="RFC 6275 section 11.3.5",
    )
)
def forged_errors(facts: Facts) -> Judgements:
    """A Parameter Problem that says the home agent knows no Mobility Header ends the registration.

    Without IPsec nothing tells a forged one apart, so that it has to be discarded.
    """
    configuration = facts.configuration
    protected = configuration.is_enabled("UseMnHaIPsec", True)
    discards = configuration.is_enabled("MnDiscardHaParamProb", False)
    said = (facts.saw(Key.CF, f"UseMnHaIPsec {protected}, MnDiscardHaParamProb {discards}"),)
    if protected or discards:
        yield passed("it is protected" if protected else "they are discarded", evidence=said)
    else:
        yield affected("such errors are believed", expected="MnDiscardHaParamProb enabled", evidence=said)


@AREA.check(
    About(
        "MIP-603",
        "security associations with algorithms that protect nothing any more",
        Severity.HIGH,
        roles=("mn", "ha", "cn"),
        needs=(Key.XS,),
        remedy=("make them anew with aes and sha256, at both ends",),
        reference="RFC 8221",
    )
)
def weak_algorithms(facts: Facts) -> Judgements:
    """DES, 3DES, MD5 and null: whoever hears the signalling reads or forges it."""
    states = [state for state in facts.states if state.protocol == ESP]
    if not states:
        yield not_applicable("there is no ESP state")
    for state in states:
        weak = [name for name in state.algorithms.values() if name in WEAK]
        subject = f"{state.source} to {state.destination} spi {state.spi:#x}"
        said = (facts.saw(Key.XS, f"{subject}: {', '.join(state.algorithms.values())}"),)
        if weak:
            yield affected(", ".join(weak), subject, expected="no weak one", evidence=said)
        else:
            yield passed("none of its algorithms is weak", subject, evidence=said)


@AREA.check(
    About(
        "MIP-604",
        "tables that grow with whoever sends something",
        Severity.MEDIUM,
        roles=("mn", "cn"),
        needs=(Key.VT,),
        remedy=("filter scans at the edge", "mip6d.conf: MnRoPolicy for the peers that matter"),
        reference="RFC 6275 sections 15.1, 15.4",
    )
)
def growing_tables(facts: Facts) -> Judgements:
    """Every peer of a mobile node may get an entry, and a correspondent's binding cache has no bound in mip6d."""
    tables = {"binding_update_list": "updates", "binding_cache": "cache"}
    for table, name in tables.items():
        if not facts.can_read(Key.VT, table):
            continue
        count = len(getattr(facts, name))
        said = (facts.saw(Key.VT, f"{count} entries", table),)
        if count > MANY:
            yield likely(f"{count} entries", table, expected=f"at most {MANY}", evidence=said, by=By.STRUCTURE)
        else:
            yield passed(f"{count} entries", table, evidence=said)
