"""What a Binding Acknowledgement's status says, in words, and what to do about it.

RFC 6275 section 6.1.8; RFC 3963 section 4.2 (140 to 143); RFC 4285 (144 to 146); RFC 4866 (147 to 150).
"""

from msgspec import Struct

ACCEPTED_BELOW = 128
TRIED_AGAIN = frozenset((135, 136, 137, 138))
"""Rejections after which a mobile node sends another Binding Update by itself (section 11.7.3)."""


class Meaning(Struct, frozen=True):
    """A status: its name in JSON, what it says, and what to do next; ``{sequence}`` is the acknowledgement's."""

    name: str
    words: str
    advice: str


MEANINGS: dict[int, Meaning] = {
    0: Meaning("accepted", "Binding Update accepted", ""),
    1: Meaning(
        "accepted_prefix_discovery_necessary",
        "accepted, but prefix discovery is necessary",
        "the home prefix's lifetime ends before the binding's: the mobile node solicits its prefixes (MPS); "
        "look at 'pl' on the home agent",
    ),
    128: Meaning(
        "reason_unspecified",
        "reason unspecified",
        "only the peer's own log says more: look there, and check that both ends agree about IPsec",
    ),
    129: Meaning(
        "administratively_prohibited",
        "administratively prohibited",
        "the peer's policy forbids this binding: on mip6d DefaultBindingAclPolicy and BindingAclPolicy "
        "(home agent) or CnBindingPolicySet (correspondent)",
    ),
    130: Meaning(
        "insufficient_resources",
        "insufficient resources",
        "the peer's binding cache is full: see 'bc' there, raise its limit, or wait until bindings expire",
    ),
    131: Meaning(
        "home_registration_not_supported",
        "home registration not supported",
        "the Binding Update reached a node that is no home agent: check HomeAgentAddress, and that the "
        "home agent's mobility daemon runs in that role",
    ),
    132: Meaning(
        "not_home_subnet",
        "not home subnet",
        "the home address is in no prefix that the home agent serves: compare the home address with 'pl' there",
    ),
    133: Meaning(
        "not_home_agent",
        "not home agent for this mobile node",
        "the home agent has no binding to delete, or does not know this node: send a new registration, "
        "and check HomeAgentAddress",
    ),
    134: Meaning(
        "duplicate_address_detection_failed",
        "duplicate address detection failed",
        "another node on the home link answers for the home address: find it there by its link-layer "
        "address (ip -6 neigh), and give one of the two another address",
    ),
    135: Meaning(
        "sequence_number_out_of_window",
        "sequence number out of window",
        "the peer remembers sequence number {sequence}: the next Binding Update has to use one that follows it; "
        "the mobile node takes it over and tries again",
    ),
    136: Meaning(
        "expired_home_nonce_index",
        "expired home nonce index",
        "the home keygen token is too old for the correspondent: the mobile node runs the home test anew",
    ),
    137: Meaning(
        "expired_care_of_nonce_index",
        "expired care-of nonce index",
        "the care-of keygen token is too old for the correspondent: the mobile node runs the care-of test anew",
    ),
    138: Meaning(
        "expired_nonces",
        "expired nonces",
        "both keygen tokens are too old for the correspondent: the mobile node runs return routability anew; "
        "when it comes again and again, the clock or the correspondent itself restarts",
    ),
    139: Meaning(
        "registration_type_change_disallowed",
        "registration type change disallowed",
        "the peer has a binding of the other type (home or correspondent) for this home address: "
        "delete it there first, or wait until it expires",
    ),
    140: Meaning(
        "mobile_router_operation_not_permitted",
        "mobile router operation not permitted",
        "the home agent accepts no mobile router: on mip6d HaAcceptMobRtr enabled",
    ),
    141: Meaning(
        "invalid_prefix",
        "invalid prefix",
        "a mobile network prefix of the Binding Update is malformed or reserved: check MobRtrUseExplicitMode and the "
        "prefixes of the home address",
    ),
    142: Meaning(
        "not_authorized_for_prefix",
        "not authorized for prefix",
        "the home agent has not assigned that mobile network prefix to this home address: on mip6d HaServedPrefix "
        "and BindingAclPolicy",
    ),
    143: Meaning(
        "forwarding_setup_failed",
        "forwarding setup failed (prefixes missing)",
        "in implicit mode the home agent has to know the prefixes itself: configure them there, or use explicit mode",
    ),
    144: Meaning("mn_id_mismatch", "mobile node identifier mismatch", "compare the MN-ID options of both ends"),
    145: Meaning("message_id_required", "message identifier required", "the peer wants the replay protection option"),
    146: Meaning("authentication_failed", "authentication failed", "compare the mobility SPI and key of both ends"),
    147: Meaning(
        "permanent_home_keygen_token_unavailable",
        "permanent home keygen token unavailable",
        "the correspondent forgot the token: the mobile node runs the home test anew",
    ),
    148: Meaning(
        "cga_and_signature_verification_failed",
        "CGA and signature verification failed",
        "the home address and the key that signed do not belong together: check the mobile node's CGA parameters",
    ),
    149: Meaning(
        "permanent_home_keygen_token_exists",
        "permanent home keygen token exists",
        "the correspondent still has a token of before: the mobile node proves its home address anew",
    ),
    150: Meaning(
        "non_null_home_nonce_index_expected",
        "non-null home nonce index expected",
        "the correspondent has no token of this home address: the mobile node runs the home test first",
    ),
    174: Meaning(
        "invalid_care_of_address",
        "invalid care-of address",
        "the care-of address is not one that can be bound (not global unicast, or the home address itself): "
        "look at the addresses of the mobile node's interface",
    ),
}


def is_acceptance(status: int) -> bool:
    """Tell whether a status says that the Binding Update was accepted."""
    return status < ACCEPTED_BELOW


def meaning(status: int, sequence: int | None = None) -> Meaning:
    """Return what a status says; one that no document assigns is named by its number."""
    known = MEANINGS.get(status)
    if known is None:
        said = "accepted" if is_acceptance(status) else "rejected"
        words = f"{said}, with a status that no RFC read here assigns ({status})"
        return Meaning(f"unassigned_{status}", words, "the peer's own documentation says what it means")
    remembered = "the one in the acknowledgement" if sequence is None else str(sequence)
    return Meaning(known.name, known.words, known.advice.replace("{sequence}", remembered))
