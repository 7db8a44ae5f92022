"""The extension headers of a packet for this node, read in order (RFC 8200 section 4).

What the type 2 routing header and the Home Address option mean is left to the mobile node and the
correspondent node; here it is only said whether a packet may go on to them.
"""

from collections.abc import Sequence
from enum import Enum, auto

from msgspec import Struct, structs

from mipsh.mobility.icmp_errors import ERRONEOUS_FIELD, UNRECOGNIZED_OPTION
from mipsh.wire.extension import (
    DestinationOptions,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
)
from mipsh.wire.fault import Undecodable
from mipsh.wire.packet import HEADER_SIZE, Packet
from mipsh.wire.tlv import Option, Pad1, PadN, UnknownOption

HOME_ADDRESS = 201
TYPE_2 = 2
OPTIONS_AT, ROUTING_TYPE_AT = 2, 2
SKIP, DISCARD, REPORT, REPORT_UNICAST = range(4)
"""What the two high bits of an option's type say of nodes that do not know it (RFC 8200 section 4.2)."""


class Verdict(Enum):
    """What becomes of a packet: it goes on, it is dropped, or its source is told of a problem as well."""

    PASS = auto()
    DROP = auto()
    PROBLEM = auto()
    PROBLEM_DESPITE_MULTICAST = auto()


class Reading(Struct, frozen=True):
    """What the extension headers say; a problem has the code of a Parameter Problem and a pointer."""

    verdict: Verdict
    code: int = 0
    pointer: int = 0


PASSED = Reading(Verdict.PASS)
DROPPED = Reading(Verdict.DROP)


def read_headers(packet: Packet) -> Reading:
    """Read a packet's extension headers up to the first that it fails at."""
    home_addresses = 0
    for place, header in enumerate(packet.headers):
        reading = PASSED
        if isinstance(header, HopByHopOptions | DestinationOptions):
            reading = _read_options(header.options, isinstance(header, DestinationOptions))
            home_addresses += sum(isinstance(option, HomeAddress) for option in header.options)
        elif isinstance(header, RoutingHeader):
            reading = _read_routing(header)
        if reading is not PASSED:
            begins = HEADER_SIZE + sum(len(before.encode(0)) for before in packet.headers[:place])
            return structs.replace(reading, pointer=begins + reading.pointer)
    return DROPPED if home_addresses > 1 else PASSED


def at_home_address(packet: Packet, home_address: bytes) -> Packet:
    """Return a packet as it is once its type 2 routing header was processed: at the home address (section 6.4)."""
    headers = tuple(
        structs.replace(header, home_address=packet.destination, segments_left=0)
        if isinstance(header, Type2RoutingHeader)
        else header
        for header in packet.headers
    )
    return structs.replace(packet, destination=home_address, headers=headers)


def _read_options(options: Sequence[Option], is_for_destination: bool) -> Reading:
    """Read the options of a header; a pointer is from where the header begins."""
    for place, option in enumerate(options):
        if isinstance(option, Pad1 | PadN) or (is_for_destination and isinstance(option, HomeAddress)):
            continue
        reading = _read_option(option, is_for_destination)
        if reading is not PASSED:
            begins = OPTIONS_AT + sum(len(before.encode()) for before in options[:place])
            return structs.replace(reading, pointer=begins + reading.pointer)
    return PASSED


def _read_option(option: Option, is_for_destination: bool) -> Reading:
    """Read an option that is not known; a pointer is from where the option begins."""
    if isinstance(option, Undecodable):
        return Reading(Verdict.PROBLEM, ERRONEOUS_FIELD, 1)
    kind = option.encode()[0]
    if is_for_destination and isinstance(option, UnknownOption) and kind == HOME_ADDRESS:
        return Reading(Verdict.PROBLEM, ERRONEOUS_FIELD, 1)
    if kind >> 6 == SKIP:
        return PASSED
    if kind >> 6 == DISCARD:
        return DROPPED
    verdict = Verdict.PROBLEM_DESPITE_MULTICAST if kind >> 6 == REPORT else Verdict.PROBLEM
    return Reading(verdict, UNRECOGNIZED_OPTION)


def _read_routing(header: RoutingHeader) -> Reading:
    """Drop what is to go on from here by a way that is not known, or is malformed (RFC 8200 section 4.4)."""
    if header.type == TYPE_2:
        return DROPPED
    return Reading(Verdict.PROBLEM, ERRONEOUS_FIELD, ROUTING_TYPE_AT) if header.segments_left else PASSED
