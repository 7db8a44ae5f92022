"""The options of radvd.conf that matter to Mobile IPv6, with radvd's ranges and defaults; others are known by name.

After radvd 2.19 (gram.y, defaults.h, interface.c). Names are not case sensitive. A SIGHUP reads the whole file anew.
"""

from mipsh.config_files.options import (
    Misfit,
    Option,
    Shape,
    is_between,
    is_prefix,
    number,
    one,
    ranged,
    whole,
    words,
)
from mipsh.config_files.tree import Kind, Statement, Value

INTERFACE, PREFIX_BLOCK = "interface", "prefix"
MOST = 4_294_967_295
INFINITY = "infinity"
LONGEST_INTERVAL_S, LONGEST_LIFETIME_S = 65_535, 65_520
SHORTEST_INTERVAL_S, SHORTEST_LEAST_S = 0.07, 0.03
"""With the extensions of Mobile IPv6, by which radvd takes decimals; at the upper end those of RFC 8319."""

FLAG = words("on", "off", folded=True)


def _seconds(least: float, most: float) -> Shape:
    """Return the shape of an interval, which may be a decimal."""
    return ranged(
        one(f"seconds from {least:g} to {most:g}", lambda value: is_between(value, least, most)),
        Kind.NUMBER,
        Kind.DECIMAL,
    )


def _is_lifetime(value: Value) -> bool:
    return value.text.lower() == INFINITY or (value.kind is Kind.NUMBER and number(value) <= MOST)


def _interface(statement: Statement) -> Misfit | None:
    """The name of an interface, without quotes."""
    if len(statement.values) != 1 or statement.values[0].kind in (Kind.STRING, Kind.LIST, Kind.PREFIX):
        return Misfit(statement.values[0] if statement.values else None, "the name of an interface, without quotes")
    return None


def anything(statement: Statement) -> Misfit | None:
    """Take whatever there is."""
    return None


LIFETIME = ranged(one(f"seconds from 0 to {MOST}, or {INFINITY}", _is_lifetime), Kind.NUMBER)

_OPTIONS = (
    Option("interface", "", _interface, "an interface", many=True, has_body=True),
    Option("AdvSendAdvert", INTERFACE, FLAG, "whether it sends Router Advertisements", "off"),
    Option("MaxRtrAdvInterval", INTERFACE, _seconds(SHORTEST_INTERVAL_S, LONGEST_INTERVAL_S),
           "longest time between unsolicited ones", "600", unit="s"),
    Option("MinRtrAdvInterval", INTERFACE, _seconds(SHORTEST_LEAST_S, LONGEST_INTERVAL_S * 3 / 4),
           "shortest time between them; none: a third of the longest", None, unit="s"),
    Option("MinDelayBetweenRAs", INTERFACE, _seconds(SHORTEST_LEAST_S, MOST), "shortest time between two to all nodes",
           "3", unit="s"),
    Option("AdvDefaultLifetime", INTERFACE, whole(0, 65_535, "seconds"),
           "lifetime as a default router; none: three times the longest interval", None, unit="s"),
    Option("AdvHomeAgentFlag", INTERFACE, FLAG, "whether it says that it is a home agent (H flag)", "off"),
    Option("AdvHomeAgentInfo", INTERFACE, FLAG, "whether the Home Agent Information option is sent", "off"),
    Option("HomeAgentLifetime", INTERFACE, whole(1, LONGEST_LIFETIME_S, "seconds"),
           "lifetime as a home agent; none: AdvDefaultLifetime", None, unit="s"),
    Option("HomeAgentPreference", INTERFACE, whole(0, 65_535), "preference as a home agent", "0"),
    Option("AdvMobRtrSupportFlag", INTERFACE, FLAG, "whether it says that it serves mobile routers (RFC 3963)", "off"),
    Option("AdvIntervalOpt", INTERFACE, FLAG, "whether the Advertisement Interval option is sent", "off"),
    Option("AdvSourceLLAddress", INTERFACE, FLAG, "whether its link-layer address is in them", "on"),
    Option("UnicastOnly", INTERFACE, FLAG, "whether it answers solicitations only", "off"),
    Option("IgnoreIfMissing", INTERFACE, FLAG, "whether a missing interface is waited for", "on"),
    Option("prefix", INTERFACE, one("PREFIX/LENGTH", is_prefix), "a prefix", many=True, has_body=True),
    Option("AdvRouterAddr", PREFIX_BLOCK, FLAG, "whether the router's whole address is in it (R flag)", "off"),
    Option("AdvOnLink", PREFIX_BLOCK, FLAG, "whether it is on the link (L flag)", "on"),
    Option("AdvAutonomous", PREFIX_BLOCK, FLAG, "whether addresses may be made of it (A flag)", "on"),
    Option("AdvValidLifetime", PREFIX_BLOCK, LIFETIME, "how long its addresses are valid", "86400", unit="s"),
    Option("AdvPreferredLifetime", PREFIX_BLOCK, LIFETIME, "how long they are preferred", "14400", unit="s"),
)  # fmt: skip

_KEPT = {
    INTERFACE: (
        "AdvManagedFlag AdvOtherConfigFlag AdvLinkMTU AdvRAMTU AdvReachableTime AdvRetransTimer AdvCurHopLimit "
        "AdvDefaultPreference AdvRASolicitedUnicast AdvCaptivePortalAPI AdvSourceLLAddress"
    ),
    PREFIX_BLOCK: "DeprecatePrefix DecrementLifetimes Base6to4Interface Base6Interface AdvSNRA",
}
_KEPT_BLOCKS = "clients route RDNSS DNSSL abro lowpanco nat64prefix autoignoreprefixes AdvRASrcAddress"
OPTIONS = (
    {
        (block, name.lower()): Option(name, block, anything, "", has_body=False)
        for block, names in _KEPT.items()
        for name in names.split()
    }
    | {
        (INTERFACE, name.lower()): Option(name, INTERFACE, anything, "", many=True, has_body=True)
        for name in _KEPT_BLOCKS.split()
    }
    | {(option.block, option.name.lower()): option for option in _OPTIONS}
)
"""By block and name in small letters; those without a meaning are kept, and not looked into."""
MATTERS = frozenset(option.name for option in _OPTIONS)


def option_of(statement: Statement, block: str) -> Option | None:
    """Return the option that a statement is; whatever is in a block that is not looked into is fine."""
    if block and block not in (INTERFACE, PREFIX_BLOCK):
        return Option(statement.name, block, anything, "", many=True, has_body=True)
    return OPTIONS.get((block, statement.name.lower()))


def options_of(block: str) -> list[str]:
    """Return the names of the options that may stand in a block."""
    return [option.name for (inside, _), option in OPTIONS.items() if inside == block]
