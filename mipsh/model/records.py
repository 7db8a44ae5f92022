"""The records of a mobility engine, each column declared once.

Units are in the names (``_s`` is seconds). Unknown is ``None``, never zero. Addresses are in
RFC 5952 form. ``extra`` keeps words that the engine said and mipsh does not know, so that
nothing is lost. Where a column has a counterpart in MOBILEIPV6-MIB (RFC 4295), its meaning
names it.
"""

from typing import Annotated

from msgspec import Struct, field

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, PREFIX, INTEGER, SECONDS = Kind.ADDRESS, Kind.PREFIX, Kind.INTEGER, Kind.SECONDS
WIDE = Shown.WIDE

_EXTRA = column("Extra", "words the engine said that mipsh does not know, kept as said", Kind.MAPPING, shown=WIDE)
_LINE = column("Source line", "line of the engine's reply where the entry begins, from 1", INTEGER, shown=WIDE)


class BindingCacheEntry(Struct, frozen=True, gc=False):
    """A binding that this node keeps for a mobile node (RFC 6275 section 9.1)."""

    home_address: Annotated[
        str,
        column(
            "Home address",
            "home address of the mobile node (mip6BindingHomeAddress)",
            ADDRESS,
            source="bc: hoa",
            alias="hoa",
        ),
    ]
    care_of_address: Annotated[
        str | None,
        column(
            "Care-of address",
            "where the mobile node is now (mip6BindingCOA)",
            ADDRESS,
            source="bc: coa",
            alias="coa",
        ),
    ]
    status: Annotated[
        str | None,
        column(
            "Status",
            "registered (home registration), cached (correspondent), dying, dad, nonce-block, unknown",
            source="bc: status",
        ),
    ]
    flags: Annotated[
        tuple[str, ...],
        column(
            "Flags",
            "flags of the accepted Binding Update: A acknowledge, H home, L link-local, K key management",
            Kind.FLAGS,
            source="bc: flags",
        ),
    ] = ()
    lifetime_remaining_s: Annotated[
        int | None,
        column(
            "Remaining",
            "seconds until the binding expires, negative when overdue (mip6BindingTimeRemaining)",
            SECONDS,
            unit="s",
            source="bc: lifetime, first number",
            alias="remaining",
        ),
    ] = None
    lifetime_granted_s: Annotated[
        int | None,
        column(
            "Granted",
            "lifetime granted in the Binding Acknowledgement (mip6BindingTimeGranted)",
            SECONDS,
            unit="s",
            source="bc: lifetime, second number",
            alias="lifetime",
        ),
    ] = None
    age_s: Annotated[
        int | None,
        column(
            "Age",
            "seconds since the last accepted Binding Update: granted minus remaining",
            SECONDS,
            unit="s",
            source="computed",
            alias="age",
            shown=WIDE,
        ),
    ] = None
    sequence: Annotated[
        int | None,
        column(
            "Seq",
            "sequence number of the last accepted Binding Update (mip6BindingMaxSeq)",
            INTEGER,
            source="bc: seq",
            alias="seq",
        ),
    ] = None
    local_address: Annotated[
        str | None,
        column(
            "Local address",
            "address of this node that the binding is kept for",
            ADDRESS,
            source="bc: local",
            alias="local",
            shown=WIDE,
        ),
    ] = None
    home_nonce_index: Annotated[
        int | None,
        column("Home nonce", "home nonce index of the binding", INTEGER, source="bc: hoa … nonce", shown=WIDE),
    ] = None
    care_of_nonce_index: Annotated[
        int | None,
        column("Care-of nonce", "care-of nonce index of the binding", INTEGER, source="bc: coa … nonce", shown=WIDE),
    ] = None
    unreachable_count: Annotated[
        int | None,
        column(
            "Unreach",
            "destination-unreachable errors seen for the care-of address",
            INTEGER,
            source="bc: unreach",
            shown=WIDE,
        ),
    ] = None
    tunnel_interface: Annotated[
        str | None,
        column("Tunnel", "tunnel interface towards the mobile node", source="bc: tunnel", shown=WIDE),
    ] = None
    link_interface: Annotated[
        str | None,
        column("Link", "interface on the home link", source="bc: link", shown=WIDE),
    ] = None
    mpa_next_s: Annotated[
        int | None,
        column(
            "MPA next",
            "seconds until the next Mobile Prefix Advertisement",
            SECONDS,
            unit="s",
            source="bc: mpa, first number",
            shown=WIDE,
        ),
    ] = None
    mpa_interval_s: Annotated[
        int | None,
        column(
            "MPA interval",
            "chosen delay of that Mobile Prefix Advertisement",
            SECONDS,
            unit="s",
            source="bc: mpa, second number",
            shown=WIDE,
        ),
    ] = None
    mpa_retries: Annotated[
        int | None,
        column("MPA retries", "Mobile Prefix Advertisements sent again", INTEGER, source="bc: retry", shown=WIDE),
    ] = None
    mobile_network_prefixes: Annotated[
        tuple[str, ...],
        column(
            "Mobile network prefixes",
            "prefixes behind a mobile router (RFC 3963)",
            PREFIX,
            source="bc: MNP",
            alias="mnp",
            shown=WIDE,
        ),
    ] = ()
    extra: Annotated[dict[str, str], _EXTRA] = field(default_factory=dict)
    source_line: Annotated[int | None, _LINE] = None


class BindingUpdateListEntry(Struct, frozen=True, gc=False):
    """A binding that this mobile node has at a home agent or correspondent (RFC 6275 section 11.1)."""

    home_address: Annotated[
        str,
        column(
            "Home address",
            "home address the Binding Update was sent for (mip6MnBLHomeAddress)",
            ADDRESS,
            source="bul: Home address",
            alias="hoa",
        ),
    ]
    care_of_address: Annotated[
        str | None,
        column(
            "Care-of address",
            "care-of address sent; unknown for a peer without a binding (mip6MnBLCOA)",
            ADDRESS,
            source="bul: Care-of address",
            alias="coa",
        ),
    ]
    peer_address: Annotated[
        str | None,
        column(
            "Peer",
            "home agent or correspondent node that the entry is for (mip6MnBLNodeAddress)",
            ADDRESS,
            source="bul: CN address",
            alias="cn",
        ),
    ]
    registration: Annotated[
        str | None,
        column(
            "Registration",
            "home (with a home agent) or correspondent",
            source="bul: flags, IP6_MH_BU_HOME",
            alias="reg",
        ),
    ] = None
    state: Annotated[
        str | None,
        column(
            "State",
            "bound, return_routability, waiting_for_ack, not_mobile (the peer does not do Mobile IPv6), "
            "unreachable, expired; of a kernel alone: bound, pending, blocked, incomplete",
            source="computed from kind, ack, RR state, lifetime",
        ),
    ] = None
    next_event: Annotated[
        str | None,
        column(
            "Next",
            "what the node does next on its own: refresh, retransmit, return_routability, retry",
            source="computed",
            alias="next",
        ),
    ] = None
    next_event_s: Annotated[
        int | None,
        column(
            "In",
            "seconds until then, negative when overdue",
            SECONDS,
            unit="s",
            source="bul: after",
        ),
    ] = None
    lifetime_remaining_s: Annotated[
        int | None,
        column(
            "Remaining",
            "seconds until the entry's lifetime ends, negative when overdue",
            SECONDS,
            unit="s",
            source="bul: lifetime, first number",
            alias="remaining",
        ),
    ] = None
    lifetime_granted_s: Annotated[
        int | None,
        column(
            "Granted",
            "lifetime granted, or asked for until acknowledged (mip6MnBLLifeTimeGranted)",
            SECONDS,
            unit="s",
            source="bul: lifetime, second number",
            alias="lifetime",
        ),
    ] = None
    sequence: Annotated[
        int | None,
        column(
            "Seq",
            "sequence number of the last Binding Update sent (mip6MnBLMaxSeq)",
            INTEGER,
            source="bul: seq",
            alias="seq",
        ),
    ] = None
    kind: Annotated[
        str | None,
        column(
            "Kind",
            "the engine's kind of entry: bul, non_mip_cn, unreach, or its own word",
            source="bul: == … ==",
            shown=WIDE,
        ),
    ] = None
    flags: Annotated[
        tuple[str, ...],
        column(
            "Flags",
            "flags of the Binding Update: A acknowledge, H home, L link-local, K key management, R mobile router",
            Kind.FLAGS,
            source="bul: flags",
            shown=WIDE,
        ),
    ] = ()
    ack: Annotated[
        str | None,
        column("Ack", "wait: a Binding Acknowledgement is awaited; ready: none is", source="bul: ack", shown=WIDE),
    ] = None
    return_routability: Annotated[
        str | None,
        column(
            "RR state",
            "ready, started, home_nonce_expired, care_of_nonce_expired; unknown when the engine prints ?",
            source="bul: RR state",
            alias="rr",
            shown=WIDE,
        ),
    ] = None
    retransmissions: Annotated[
        int | None,
        column(
            "Resent",
            "times the Binding Update was sent again (mip6MnBLRetransmissions)",
            INTEGER,
            source="bul: resend",
            shown=WIDE,
        ),
    ] = None
    age_s: Annotated[
        int | None,
        column(
            "Age",
            "seconds since the lifetime began: granted minus remaining",
            SECONDS,
            unit="s",
            source="computed",
            alias="age",
            shown=WIDE,
        ),
    ] = None
    delay_s: Annotated[
        float | None,
        column(
            "Delay",
            "length of the timer that is running",
            SECONDS,
            unit="s",
            source="bul: delay (milliseconds on the first line)",
            shown=WIDE,
        ),
    ] = None
    expires_s: Annotated[
        int | None,
        column(
            "Expires",
            "seconds until the binding ends at the peer; unknown when the engine prints -",
            SECONDS,
            unit="s",
            source="bul: expires",
            shown=WIDE,
        ),
    ] = None
    interface: Annotated[
        str | None,
        column("Interface", "interface of the care-of address", source="bul: dev", shown=WIDE),
    ] = None
    last_care_of_address: Annotated[
        str | None,
        column(
            "Last care-of",
            "care-of address of the last Binding Update sent",
            ADDRESS,
            source="bul: last_coa",
            shown=WIDE,
        ),
    ] = None
    home_nonce_index: Annotated[
        int | None,
        column("Home nonce", "home nonce index in use", INTEGER, source="bul: home nonce index", shown=WIDE),
    ] = None
    care_of_nonce_index: Annotated[
        int | None,
        column("Care-of nonce", "care-of nonce index in use", INTEGER, source="bul: care-of nonce index", shown=WIDE),
    ] = None
    mps_next_s: Annotated[
        int | None,
        column(
            "MPS next",
            "seconds until the next Mobile Prefix Solicitation",
            SECONDS,
            unit="s",
            source="bul: mps, first number",
            shown=WIDE,
        ),
    ] = None
    mps_interval_s: Annotated[
        int | None,
        column(
            "MPS interval",
            "chosen delay of that Mobile Prefix Solicitation",
            SECONDS,
            unit="s",
            source="bul: mps, second number",
            shown=WIDE,
        ),
    ] = None
    extra: Annotated[dict[str, str], _EXTRA] = field(default_factory=dict)
    source_line: Annotated[int | None, _LINE] = None


class ReturnRoutabilityEntry(Struct, frozen=True, gc=False):
    """One half of a return routability procedure, home or care-of (RFC 6275 section 5.2.5)."""

    test: Annotated[
        str,
        column("Test", "home_test or care_of_test", source="rr: HOT_ENTRY, COT_ENTRY"),
    ]
    home_address: Annotated[
        str | None, column("Home address", "home address tested", ADDRESS, source="rr: HoA", alias="hoa")
    ]
    care_of_address: Annotated[
        str | None,
        column("Care-of address", "care-of address tested", ADDRESS, source="rr: CoA", alias="coa"),
    ]
    peer_address: Annotated[str | None, column("Peer", "correspondent node", ADDRESS, source="rr: CN", alias="cn")]
    answered: Annotated[
        bool | None,
        column(
            "Answered",
            "whether the keygen token is here: no means the test was never answered, or its token is too old",
            Kind.BOOLEAN,
            source="rr: expires, not negative",
        ),
    ] = None
    token_remaining_s: Annotated[
        int | None,
        column(
            "Token",
            "seconds that the keygen token stays valid, of at most 210 (MAX_TOKEN_LIFETIME)",
            SECONDS,
            unit="s",
            source="rr: expires in",
            alias="token",
        ),
    ] = None
    next_event_s: Annotated[
        int | None,
        column("Next in", "seconds until the test is sent again", SECONDS, unit="s", source="rr: after"),
    ] = None
    retransmissions: Annotated[
        int | None, column("Resent", "times the test was sent again", INTEGER, source="rr: resend")
    ] = None
    delay_s: Annotated[
        int | None,
        column("Delay", "length of the timer that is running", SECONDS, unit="s", source="rr: delay", shown=WIDE),
    ] = None
    interface: Annotated[
        str | None,
        column("Interface", "interface the test leaves by", source="rr: Interface"),
    ] = None
    extra: Annotated[dict[str, str], _EXTRA] = field(default_factory=dict)
    source_line: Annotated[int | None, _LINE] = None


class HomeAgent(Struct, frozen=True, gc=False):
    """A home agent known on a home link (RFC 6275 section 10.1, Home Agents List)."""

    interface: Annotated[str | None, column("Interface", "interface on the home link", source="hal")]
    address: Annotated[str, column("Address", "global address of the home agent", ADDRESS, source="hal")]
    preference: Annotated[
        int | None,
        column("Preference", "home agent preference, higher is better", INTEGER, source="hal: preference"),
    ] = None
    lifetime_s: Annotated[
        int | None,
        column("Lifetime", "home agent lifetime", SECONDS, unit="s", source="hal: lifetime", alias="lifetime"),
    ] = None
    extra: Annotated[dict[str, str], _EXTRA] = field(default_factory=dict)
    source_line: Annotated[int | None, _LINE] = None


class HomePrefix(Struct, frozen=True, gc=False):
    """A prefix on a home link, as its home agent advertises it (RFC 6275 section 10.6)."""

    interface: Annotated[str | None, column("Interface", "interface on the home link", source="pl")]
    prefix: Annotated[
        str,
        column("Prefix", "prefix, or a whole address where the R flag is set, with its length", PREFIX, source="pl"),
    ]
    valid_remaining_s: Annotated[
        int | None,
        column("Valid", "seconds that the prefix stays valid", SECONDS, unit="s", source="pl: valid, first"),
    ] = None
    valid_granted_s: Annotated[
        int | None,
        column("Of", "valid lifetime advertised", SECONDS, unit="s", source="pl: valid, second", shown=WIDE),
    ] = None
    preferred_s: Annotated[
        int | None,
        column("Preferred", "preferred lifetime advertised", SECONDS, unit="s", source="pl: preferred"),
    ] = None
    flags: Annotated[
        tuple[str, ...],
        column("Flags", "O on-link, A autonomous, R router address", Kind.FLAGS, source="pl: flags"),
    ] = ()
    extra: Annotated[dict[str, str], _EXTRA] = field(default_factory=dict)
    source_line: Annotated[int | None, _LINE] = None


class Counter(Struct, frozen=True, gc=False):
    """A counter of the engine's traffic."""

    direction: Annotated[str, column("Direction", "received or sent", source="stats: Input, Output")]
    name: Annotated[str, column("Counter", "stable name of the counter", source="mipsh")]
    value: Annotated[
        int | None,
        column(
            "Value",
            "events since the engine started; unknown where the engine never counts them",
            INTEGER,
            source="stats",
        ),
    ]
    counted: Annotated[
        bool,
        column(
            "Counted",
            "whether any code of this engine increments it; a counter that is not is no evidence of zero",
            Kind.BOOLEAN,
        ),
    ] = True
    delta: Annotated[
        int | None,
        column("Delta", "change since the sample before", INTEGER, source="computed (--rate)", shown=WIDE),
    ] = None
    rate_per_s: Annotated[
        float | None,
        column(
            "Rate",
            "change a second between two samples",
            INTEGER,
            unit="1/s",
            source="computed (--rate)",
            shown=WIDE,
        ),
    ] = None
    label: Annotated[str, column("Label", "the engine's own words for it", source="stats", shown=WIDE)] = ""
    source_line: Annotated[int | None, _LINE] = None


class EngineInfo(Struct, frozen=True):
    """The engine that answered: what it is and what it can be asked."""

    engine: Annotated[str, column("Engine", "kind of engine: umip, …")]
    address: Annotated[str, column("Address", "address it answers at, as a URI")]
    role: Annotated[
        str | None,
        column("Role", "mn (mobile node), ha (home agent) or cn (correspondent node)", source="help"),
    ] = None
    version: Annotated[
        str | None,
        column("Version", "version it says it is; mip6d's virtual terminal does not say"),
    ] = None
    capabilities: Annotated[
        tuple[str, ...],
        column("Capabilities", "tables that it keeps", Kind.FLAGS, source="help"),
    ] = ()


BINDING_CACHE = table("binding_cache", BindingCacheEntry, "Binding cache", key=("home_address", "local_address"))
BINDING_UPDATE_LIST = table(
    "binding_update_list", BindingUpdateListEntry, "Binding update list", key=("home_address", "peer_address")
)
RETURN_ROUTABILITY = table(
    "return_routability",
    ReturnRoutabilityEntry,
    "Return routability",
    key=("home_address", "peer_address", "test"),
)
NONCES = table("nonces", BindingCacheEntry, "Nonce blocks", key=("home_address", "local_address"))
HOME_AGENTS = table("home_agents", HomeAgent, "Home agents", key=("interface", "address"))
PREFIXES = table("prefixes", HomePrefix, "Home prefixes", key=("interface", "prefix"))
STATISTICS = table("statistics", Counter, "Traffic counters", key=("direction", "name"))
ENGINE = table("engine", EngineInfo, "Engine", key=("address",))

ENGINE_TABLES = {
    found.name: found
    for found in (BINDING_CACHE, BINDING_UPDATE_LIST, RETURN_ROUTABILITY, NONCES, HOME_AGENTS, PREFIXES, STATISTICS)
}
