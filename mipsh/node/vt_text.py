"""Prints records as mip6d prints them on its virtual terminal.

Rules: written from the daemon's output, not from the parser. An address is printed in eight
hextets; a value that the daemon could not tell is printed from ``extra``, any other one that is not
known as ``-``; the verbose words are printed where the record holds them.
"""

import ipaddress
from collections.abc import Callable, Iterable
from typing import Any

from mipsh.model.records import (
    BindingCacheEntry,
    BindingUpdateListEntry,
    Counter,
    HomeAgent,
    HomePrefix,
    ReturnRoutabilityEntry,
)

END = "\x1b[0m"


def hextets(address: str | None) -> str:
    """Print an address as mip6d does, the unspecified one for None."""
    groups = ipaddress.IPv6Address(address or "::").exploded.split(":")
    return ":".join(f"{int(group, 16):x}" for group in groups)


def binding(row: BindingCacheEntry, *, is_fancy: bool = False) -> str:
    """Print an entry of ``bc`` or ``nonce``, its first line with colours where that is wanted."""
    home_nonce = "" if row.home_nonce_index is None else f" nonce {row.home_nonce_index}"
    care_of_nonce = "" if row.care_of_nonce_index is None else f" nonce {row.care_of_nonce_index}"
    tunnel = f" tunnel {row.tunnel_interface}" if row.tunnel_interface else ""
    link = f" link {row.link_interface}" if row.link_interface else ""
    status = "(unknown)" if row.status == "unknown" else row.status
    home, underlined, bold = f"hoa {hextets(row.home_address)}", "\x1b[1;4m", "\x1b[1m"
    plain = f"{home}{home_nonce} status {status}"
    lines = [
        f"{underlined}{home}{END}{home_nonce}{bold} status {status}{END}" if is_fancy else plain,
        f" coa {hextets(row.care_of_address)}{care_of_nonce} flags {_letters(row.flags, 'AHLK')}",
        f" local {hextets(row.local_address)}{tunnel}{link}",
        f" lifetime {_or_said(row.lifetime_remaining_s, row.extra, 'lifetime')} / {_or_dash(row.lifetime_granted_s)}"
        f" seq {_or_dash(row.sequence)} unreach {_or_dash(row.unreachable_count)}{_mpa(row)}",
    ]
    for network in row.mobile_network_prefixes:
        start, length = network.split("/")
        lines.append(f" MNP: {hextets(start)}/{length}")
    return "\n".join(lines) + "\n"


def _mpa(row: BindingCacheEntry) -> str:
    if row.mpa_interval_s is not None:
        next_s = _or_said(row.mpa_next_s, row.extra, "mpa")
        return f" mpa {next_s} / {row.mpa_interval_s} retry {row.mpa_retries}"
    return f" {row.extra['mpa']} retry {row.extra['retry']}" if "mpa" in row.extra else ""


def _or_said(value: int | None, extra: dict[str, str], key: str) -> str:
    return str(value) if value is not None else extra.get(key, "-")


def _or_dash(value: float | None) -> str:
    return "-" if value is None else str(value)


def _letters(flags: tuple[str, ...], places: str) -> str:
    return "".join(place if place in flags else "-" for place in places)


def update(row: BindingUpdateListEntry) -> str:
    """Print an entry of ``bul``."""
    names = {"H": "HOME", "A": "ACK", "L": "LLOCAL", "K": "KEYM"}
    flags = "".join(f"IP6_MH_BU_{names[flag]} " for flag in names if flag in row.flags)
    mobile_router = "IP6_MH_BU_MR" if "R" in row.flags else ""
    states = {"home_nonce_expired": "home nonce expired", "care_of_nonce_expired": "care-of nonce expired"}
    state = states.get(row.return_routability or "", row.return_routability or "?")
    is_home, is_verbose = "H" in row.flags, row.last_care_of_address is not None
    delay_s = row.delay_s or 0
    expires = f" expires {_or_said(row.expires_s, row.extra, 'expires')}" if is_verbose else ""
    lines = [
        f"== {(row.kind or '').upper()}_ENTRY ==",
        f"Home address    {hextets(row.home_address)}",
        f"Care-of address {hextets(row.care_of_address)}",
        f"CN address      {hextets(row.peer_address)}",
        f" lifetime = {_or_dash(row.lifetime_granted_s)},  delay = {round(delay_s * 1000)}",
        f" flags: {flags}{mobile_router}",
        f" ack {row.ack or 'ready'}" + ("" if is_home else f" RR state {state}"),
    ]
    if is_verbose:
        device = row.interface or row.extra.get("dev", "(0)")
        lines.append(f" dev {device} last_coa {hextets(row.last_care_of_address)}")
        if not is_home:
            care_of, home = _or_dash(row.care_of_nonce_index), _or_dash(row.home_nonce_index)
            lines.append(f"care-of nonce index {care_of}home nonce index {home}")
    lines.append(
        f" lifetime {_or_said(row.lifetime_remaining_s, row.extra, 'lifetime')} / {_or_dash(row.lifetime_granted_s)}"
        f" seq {_or_dash(row.sequence)} resend {_or_dash(row.retransmissions)}"
        f" delay {int(delay_s)}(after {_or_dash(row.next_event_s)}s)"
        f"{expires}"
    )
    has_solicitation = row.mps_interval_s is not None
    next_s = _or_said(row.mps_next_s, row.extra, "mps")
    lines.append(f" mps {next_s} / {row.mps_interval_s}" if has_solicitation else "")
    return "\n".join(lines) + "\n"


def routability(row: ReturnRoutabilityEntry) -> str:
    """Print an entry of ``rr``."""
    home, care_of = f" HoA {hextets(row.home_address)}", f" CoA {hextets(row.care_of_address)}"
    peer = f" CN  {hextets(row.peer_address)}"
    is_home = row.test == "home_test"
    name = "HOT_ENTRY" if is_home else "COT_ENTRY"
    expires = "-1" if row.answered is False else "-"
    if row.token_remaining_s is not None or "expires in" in row.extra:
        expires = _or_said(row.token_remaining_s, row.extra, "expires in")
    lines = [
        f"== Return Routability Entry ({name}) == ",
        *([home, peer, care_of] if is_home else [care_of, peer, home]),
        f" Interface {row.interface or '(0)'}",
        f" resend {_or_dash(row.retransmissions)} delay {_or_dash(row.delay_s)}"
        f" (after {_or_dash(row.next_event_s)} seconds)"
        f" expires in {expires} seconds",
    ]
    return "\n".join(lines) + "\n"


def home_agent(row: HomeAgent) -> str:
    """Print an entry of ``hal``."""
    values = f" preference {_or_dash(row.preference)} lifetime {_or_dash(row.lifetime_s)}"
    return f"{row.interface} {hextets(row.address)}\n{values}\n"


def home_prefix(row: HomePrefix) -> str:
    """Print an entry of ``pl``."""
    start, length = row.prefix.split("/")
    valid = _or_said(row.valid_remaining_s, row.extra, "valid")
    return (
        f"{row.interface} {hextets(start)}/{length}\n valid {valid} / {_or_dash(row.valid_granted_s)}"
        f" preferred {_or_dash(row.preferred_s)} flags {_letters(row.flags, 'OAR')}\n"
    )


def counters(rows: Iterable[Counter]) -> str:
    """Print ``stats``."""
    lines, rows = [], tuple(rows)
    for direction, heading in (("received", "Input Statistics:"), ("sent", "Output Statistics:")):
        lines.append(heading)
        lines += [f"     {row.value or 0} {row.label}" for row in rows if row.direction == direction]
    return "\n".join(lines) + "\n"


ENTRIES: dict[str, Callable[[Any], str]] = {
    "bc": binding,
    "nonce": binding,
    "bul": update,
    "rr": routability,
    "hal": home_agent,
    "pl": home_prefix,
}


def printed(command: str, rows: Iterable[Any]) -> str:
    """Print a whole table."""
    return counters(rows) if command == "stats" else "".join(map(ENTRIES[command], rows))
