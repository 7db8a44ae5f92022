"""What the numbers in packets are called, and where they are defined."""

from collections.abc import Mapping

from mipsh.wire import extension

PROTOCOLS: Mapping[int, str] = {
    0: "Hop-by-Hop Options",
    6: "TCP",
    17: "UDP",
    41: "IPv6",
    43: "Routing Header",
    44: "Fragment Header",
    50: "ESP",
    51: "Authentication Header",
    58: "ICMPv6",
    59: "no next header",
    60: "Destination Options",
    135: "Mobility Header",
}
HEADERS: Mapping[type, str] = {
    extension.HopByHopOptions: "Hop-by-Hop Options",
    extension.DestinationOptions: "Destination Options",
    extension.RoutingHeader: "Routing Header",
    extension.Type2RoutingHeader: "type 2 Routing Header",
    extension.FragmentHeader: "Fragment Header",
}
HEADER_CLAUSES: Mapping[type, str] = {
    extension.HopByHopOptions: "RFC 8200 section 4.3",
    extension.DestinationOptions: "RFC 8200 section 4.6",
    extension.RoutingHeader: "RFC 8200 section 4.4",
    extension.Type2RoutingHeader: "RFC 6275 section 6.4",
    extension.FragmentHeader: "RFC 8200 section 4.5",
}
DESTINATION_OPTION_CLAUSES: Mapping[int, str] = {0: "RFC 8200 section 4.2", 201: "RFC 6275 section 6.3"}
"""Under 0 the clause of padding, and of options in general."""
MOBILITY_OPTION_CLAUSES: Mapping[int, str] = {
    0: "RFC 6275 section 6.2",
    1: "RFC 6275 section 6.2.3",
    2: "RFC 6275 section 6.2.4",
    3: "RFC 6275 section 6.2.5",
    4: "RFC 6275 section 6.2.6",
    5: "RFC 6275 section 6.2.7",
    6: "RFC 3963 section 4.3",
    7: "RFC 5568 section 6.4.4",
    8: "RFC 4283 section 3",
}
MESSAGES: Mapping[int, tuple[str, str]] = {
    0: ("Binding Refresh Request", "RFC 6275 section 6.1.2"),
    1: ("Home Test Init", "RFC 6275 section 6.1.3"),
    2: ("Care-of Test Init", "RFC 6275 section 6.1.4"),
    3: ("Home Test", "RFC 6275 section 6.1.5"),
    4: ("Care-of Test", "RFC 6275 section 6.1.6"),
    5: ("Binding Update", "RFC 6275 section 6.1.7"),
    6: ("Binding Acknowledgement", "RFC 6275 section 6.1.8"),
    7: ("Binding Error", "RFC 6275 section 6.1.9"),
    8: ("Fast Binding Update", "RFC 5568 section 6.2.2"),
    9: ("Fast Binding Acknowledgement", "RFC 5568 section 6.2.3"),
    11: ("experimental message", "RFC 5096"),
    12: ("Home Agent Switch", "RFC 5142"),
    13: ("Heartbeat", "RFC 5847"),
    16: ("Binding Revocation", "RFC 5846"),
}
ICMP: Mapping[int, tuple[str, str]] = {
    1: ("Destination Unreachable", "RFC 4443 section 3.1"),
    2: ("Packet Too Big", "RFC 4443 section 3.2"),
    3: ("Time Exceeded", "RFC 4443 section 3.3"),
    4: ("Parameter Problem", "RFC 4443 section 3.4"),
    128: ("Echo Request", "RFC 4443 section 4.1"),
    129: ("Echo Reply", "RFC 4443 section 4.2"),
    133: ("Router Solicitation", "RFC 4861 section 4.1"),
    134: ("Router Advertisement", "RFC 4861 section 4.2"),
    135: ("Neighbor Solicitation", "RFC 4861 section 4.3"),
    136: ("Neighbor Advertisement", "RFC 4861 section 4.4"),
    137: ("Redirect", "RFC 4861 section 4.5"),
    144: ("Home Agent Address Discovery Request", "RFC 6275 section 6.5"),
    145: ("Home Agent Address Discovery Reply", "RFC 6275 section 6.6"),
    146: ("Mobile Prefix Solicitation", "RFC 6275 section 6.7"),
    147: ("Mobile Prefix Advertisement", "RFC 6275 section 6.8"),
}
ERRORS: Mapping[int, str] = {
    1: "unknown binding for a Home Address option",
    2: "unrecognized MH type",
}
"""The statuses of a Binding Error (RFC 6275 section 6.1.9)."""


def protocol(number: int) -> str:
    """Return what a protocol, or an extension header, is called."""
    return PROTOCOLS.get(number, f"protocol {number}")


def message(number: int) -> str:
    """Return what a message of the Mobility Header is called."""
    return MESSAGES[number][0] if number in MESSAGES else f"message of type {number}"


def message_clause(number: int) -> str:
    """Return where a message is defined."""
    return MESSAGES[number][1] if number in MESSAGES else "RFC 6275 section 6.1.1"


def icmp(number: int) -> str:
    """Return what an ICMPv6 message is called."""
    return ICMP[number][0] if number in ICMP else f"message of type {number}"


def icmp_clause(number: int) -> str:
    """Return where an ICMPv6 message is defined."""
    return ICMP[number][1] if number in ICMP else "RFC 4443 section 2.1"
