"""Reads mip6d's traffic counters (``stats``).

Rules: a counter is named by its direction and a stable name of mipsh's. mip6d prints a zero for
counters that no code of it increments; their value is unknown, not zero. Should such a counter
be anything but zero, then this build counts it after all. Counters that forks add are named
after their label.
"""

import re
from typing import NamedTuple

from mipsh.model.records import Counter
from mipsh.plugins.engines.umip_words import number

_HEADING = re.compile(r"[ \t]*(Input|Output) Statistics:[ \t]*")
_LINE = re.compile(r"[ \t]*([0-9]+)[ \t]+([^ \t][^\n]*)")
_NOT_NAME = re.compile(r"[^a-z0-9]+")

DIRECTIONS = {"Input": "received", "Output": "sent"}


class Known(NamedTuple):
    """A counter that mip6d 1.0 prints; ``in_use`` lists the directions in which it is counted."""

    name: str
    in_use: tuple[str, ...] = ("received", "sent")


_NEVER: tuple[str, ...] = ()

COUNTERS = {
    "Mobility Headers": Known("mobility_headers"),
    "HoTI messages": Known("home_test_inits"),
    "CoTI messages": Known("care_of_test_inits"),
    "HoT messages": Known("home_tests"),
    "CoT messages": Known("care_of_tests"),
    "BU messages": Known("binding_updates"),
    "BA messages": Known("binding_acknowledgements"),
    "BR messages": Known("binding_refresh_requests"),
    "BE messages": Known("binding_errors"),
    "DHAAD request": Known("home_agent_discovery_requests"),
    "DHAAD reply": Known("home_agent_discovery_replies"),
    "MPA": Known("mobile_prefix_advertisements", ("sent",)),
    "MPS": Known("mobile_prefix_solicitations", ("sent",)),
    "Home Address Option": Known("home_address_options", _NEVER),
    "unverified Home Address Option": Known("unverified_home_address_options", _NEVER),
    "Routing Header type 2": Known("type_2_routing_headers", ("received",)),
    "reverse tunnel input": Known("reverse_tunneled", _NEVER),
    "reverse tunneled input": Known("reverse_tunneled", _NEVER),
    "bad MH checksum": Known("bad_checksums", _NEVER),
    "bad payload protocol": Known("bad_payload_protocols", _NEVER),
    "unknown MH type": Known("unknown_mobility_header_types", _NEVER),
    "not my home address": Known("not_my_home_address", _NEVER),
    "no related binding update entry": Known("no_binding_update_list_entry", _NEVER),
    "home init cookie mismatch": Known("home_init_cookie_mismatches", _NEVER),
    "careof init cookie mismatch": Known("care_of_init_cookie_mismatches", _NEVER),
    "unprotected binding signaling packets": Known("unprotected_binding_signaling", _NEVER),
    "BUs discarded due to bad HAO": Known("binding_updates_with_bad_home_address_option", _NEVER),
    "RR authentication failed": Known("return_routability_authentication_failures", _NEVER),
    "seqno mismatch": Known("sequence_number_mismatches", _NEVER),
    "parameter problem for HAO": Known("parameter_problems_home_address_option"),
    "parameter problem for MH": Known("parameter_problems_mobility_header"),
    "Invalid Care-of address": Known("invalid_care_of_addresses", _NEVER),
    "Invalid mobility options": Known("invalid_mobility_options", _NEVER),
}
"""The daemon's label of a counter, and what mipsh knows of it."""


def read_counters(text: str) -> tuple[list[Counter], list[str]]:
    """Return the counters of a cleaned reply, and the lines of it that could not be read."""
    rows: list[Counter] = []
    unread: list[str] = []
    direction = ""
    for at, line in enumerate(text.split("\n"), 1):
        if heading := _HEADING.fullmatch(line):
            direction = DIRECTIONS[heading[1]]
        elif counter := _counter(line, direction, at):
            rows.append(counter)
        elif line.strip(" \t"):
            unread.append(line)
    return rows, unread


def _counter(line: str, direction: str, at: int) -> Counter | None:
    found = _LINE.fullmatch(line)
    if not found or not direction:
        return None
    value = number(found[1])[0]
    label = found[2].rstrip(" \t")
    known = COUNTERS.get(label) or Known(_NOT_NAME.sub("_", label.lower()).strip("_"))
    if value is None or not known.name:
        return None
    counted = direction in known.in_use or value != 0
    return Counter(direction, known.name, value if counted else None, counted, label=label, source_line=at)
