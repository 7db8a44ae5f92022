"""The tables of mip6d's virtual terminal, line by line as it prints them, and what they mean.

Rules: a clause below is the daemon's own text; umip_words reads by it. The functions make the
record of an entry that was read: they name its state and leave out what the text does not say.
An entry without its address yields no record.
"""

from collections.abc import Callable
from typing import Any

from mipsh.model.records import (
    BindingCacheEntry,
    BindingUpdateListEntry,
    HomeAgent,
    HomePrefix,
    ReturnRoutabilityEntry,
)
from mipsh.plugins.engines.umip_words import (
    KINDS,
    Draft,
    Kind,
    Layout,
    Row,
    clauses,
    is_address_like,
    one_of,
)


def _age(values: dict[str, Any]) -> int | None:
    granted, remaining = values.get("lifetime_granted_s"), values.get("lifetime_remaining_s")
    return None if granted is None or remaining is None else granted - remaining


def _begins_with_address(line: str, _: Draft | None) -> bool:
    # All but the first line of an entry are indented: an address further left is another table's.
    first, _blank, rest = line.partition(" ")
    return first == "hoa" or (first != "" and is_address_like(rest.lstrip(" \t")))


def _begins_with_heading(line: str, _: Draft | None) -> bool:
    return line.startswith("==")


def _begins_update(line: str, draft: Draft | None) -> bool:
    # An entry whose heading was cut off begins with its home address.
    if line.startswith("Home address "):
        return draft is None or "home_address" in draft.values
    return line.startswith("==")


def _binding(draft: Draft) -> BindingCacheEntry | None:
    home, values = draft.take("home_address"), draft.values
    if home is None or not is_address_like(home):
        return None
    retries = values.get("mpa_retries")
    # Without poll data the word mpa is missing and the numbers are whatever was in memory.
    if retries is not None and (retries < 0 or not values.keys() & {"mpa_next_s", "mpa_interval_s"}):
        draft.keep("retry", str(draft.take("mpa_retries")))
    if said := draft.take("mpa"):
        draft.keep("mpa", said)
    care_of, status = draft.take("care_of_address"), draft.take("status")
    networks = tuple(draft.take("mobile_network_prefixes") or ())
    return BindingCacheEntry(
        home,
        care_of,
        status,
        age_s=_age(values),
        mobile_network_prefixes=networks,
        extra=draft.extra(),
        source_line=draft.line,
        **values,
    )


BINDING_CACHE = Layout(
    begins=_begins_with_address,
    head=clauses("hoa {home_address:address}", "nonce {home_nonce_index:number}", "status {status:word}"),
    body=clauses(
        "coa {care_of_address:address}",
        "nonce {care_of_nonce_index:number}",
        "flags {flags:bu_flags}",
        "local {local_address:address}",
        "tunnel {tunnel_interface:interface}",
        "link {link_interface:interface}",
        "lifetime {lifetime_remaining_s:number} / {lifetime_granted_s:number}",
        "seq {sequence:number}",
        "unreach {unreachable_count:number} {mpa:uninitialised}",
        "unreach {unreachable_count:number}",
        "mpa {mpa_next_s:number} / {mpa_interval_s:number}",
        "retry {mpa_retries:number}",
        "MNP: {mobile_network_prefixes:prefixes}",
        kinds=KINDS | {"uninitialised": Kind(r"(?:-?[0-9]+ )?/ -?[0-9]+", lambda said: (said, ""))},
    ),
    finish=_binding,
)


_KIND_STATE = {"non_mip_cn": "not_mobile", "unreach": "unreachable"}
_NEXT_EVENT = {
    "bound": "refresh",
    "waiting_for_ack": "retransmit",
    "return_routability": "return_routability",
    "not_mobile": "retry",
    "unreachable": "retry",
}


def _state(values: dict[str, Any]) -> str | None:
    kind, remaining = values.get("kind", ""), values.get("lifetime_remaining_s")
    if kind != "bul":
        return _KIND_STATE.get(kind)
    if values.get("return_routability") == "started":
        return "return_routability"
    if values.get("ack") == "wait":
        return "waiting_for_ack"
    if remaining is None or "ack" not in values:
        return None
    return "expired" if remaining < 0 else "bound"


def _delay_s(draft: Draft) -> float | None:
    """Return the delay, which is printed in milliseconds and again in whole seconds."""
    whole, exact_ms = draft.take("delay_s"), draft.take("delay_ms")
    if exact_ms is None:
        return None if whole is None else float(whole)
    if whole is not None and whole != exact_ms // 1000:
        draft.keep("delay", str(whole))
    return float(exact_ms / 1000)


def _update(draft: Draft) -> BindingUpdateListEntry | None:
    home, values = draft.take("home_address"), draft.values
    if home is None or not is_address_like(home):
        return None
    care_of, peer = draft.take("care_of_address"), draft.take("peer_address")
    flags, state, delay_s = values.get("flags"), _state(values), _delay_s(draft)
    return BindingUpdateListEntry(
        home,
        None if care_of == "::" else care_of,
        peer,
        None if flags is None else "home" if "H" in flags else "correspondent",
        state,
        _NEXT_EVENT.get(state or ""),
        delay_s=delay_s,
        age_s=_age(values),
        extra=draft.extra(),
        source_line=draft.line,
        **values,
    )


def _entry_kind(said: str) -> tuple[str, str]:
    return said.lower().replace(" ", "_").removesuffix("_entry"), ""


def _bu_flag_words(said: str) -> tuple[tuple[str, ...], str]:
    spoken = said.split()
    flags = tuple(flag for name, flag in _BU_FLAG_WORDS.items() if name in spoken)
    return flags, " ".join(name for name in spoken if name not in _BU_FLAG_WORDS)


_BU_FLAG_WORDS = {
    "IP6_MH_BU_ACK": "A",
    "IP6_MH_BU_HOME": "H",
    "IP6_MH_BU_LLOCAL": "L",
    "IP6_MH_BU_KEYM": "K",
    "IP6_MH_BU_MR": "R",
}
_RR_STATES = {
    "ready": "ready",
    "started": "started",
    "home nonce expired": "home_nonce_expired",
    "care-of nonce expired": "care_of_nonce_expired",
    "?": None,
}
_UPDATE = clauses(
    "== {kind:kind} ==",
    "Home address {home_address:address}",
    "Care-of address {care_of_address:address}",
    "CN address {peer_address:address}",
    "lifetime = {lifetime_granted_s:number}, delay = {delay_ms:number}",
    "flags:{flags:bu_flag_words}",
    "ack {ack:ack}",
    "RR state {return_routability:rr_state}",
    "dev {interface:interface}",
    "last_coa {last_care_of_address:address}",
    "care-of nonce index {care_of_nonce_index:number}home nonce index {home_nonce_index:number}",
    "care-of nonce index {care_of_nonce_index:number}",
    "home nonce index {home_nonce_index:number}",
    "lifetime {lifetime_remaining_s:number} / {lifetime_granted_s:number}",
    "seq {sequence:number}",
    "resend {retransmissions:number}",
    "delay {delay_s:number}(after {next_event_s:number}s)",
    "expires {expires_s:number}",
    "mps {mps_next_s:number} / {mps_interval_s:number}",
    kinds=KINDS
    | {
        "kind": Kind(r"[^= \t](?:[^=]*[^= \t])?", _entry_kind),
        "ack": Kind(r"[^ \t]+", one_of({"wait": "wait", "ready": "ready"})),
        "rr_state": Kind(r"home nonce expired|care-of nonce expired|[^ \t]+", one_of(_RR_STATES)),
        "bu_flag_words": Kind(r"(?:[ \t]+IP6_MH_BU_[A-Z0-9_]+)*", _bu_flag_words),
    },
)
BINDING_UPDATE_LIST = Layout(begins=_begins_update, head=_UPDATE, body=_UPDATE, finish=_update)


def _test(draft: Draft) -> ReturnRoutabilityEntry | None:
    test, values = draft.take("test"), draft.values
    home, care_of = draft.take("home_address"), draft.take("care_of_address")
    peer, expires = draft.take("peer_address"), draft.take("expires_s")
    if test is None or (home is None and care_of is None and peer is None):
        return None
    # The daemon tells a test that was never answered by a time that is over.
    if expires is not None and expires < 0:
        draft.keep("expires in", str(expires))
    return ReturnRoutabilityEntry(
        test,
        home,
        care_of,
        peer,
        answered=None if expires is None else expires >= 0,
        token_remaining_s=None if expires is None or expires < 0 else expires,
        extra=draft.extra(),
        source_line=draft.line,
        **values,
    )


_TESTS = {"hot": "home_test", "cot": "care_of_test"}


def _test_kind(said: str) -> tuple[str, str]:
    kind = _entry_kind(said)[0]
    return _TESTS.get(kind, kind), ""


RETURN_ROUTABILITY = Layout(
    begins=_begins_with_heading,
    head=clauses("== Return Routability Entry ({test:test}) ==", kinds={"test": Kind(r"[^()]+", _test_kind)}),
    body=clauses(
        "HoA {home_address:address}",
        "CN {peer_address:address}",
        "CoA {care_of_address:address}",
        "Interface {interface:interface}",
        "resend {retransmissions:number}",
        "delay {delay_s:number} (after {next_event_s:number} seconds)",
        "expires in {expires_s:number} seconds",
    ),
    finish=_test,
)


def _on_link(record: Callable[..., Row], name: str) -> Callable[[Draft], Row | None]:
    """Return what makes a record of an interface and the address or prefix in field ``name``."""

    def finish(draft: Draft) -> Row | None:
        interface, found = draft.take("interface"), draft.take(name)
        if found is None or not is_address_like(found):
            return None
        return record(interface, found, extra=draft.extra(), source_line=draft.line, **draft.values)

    return finish


HOME_AGENTS = Layout(
    begins=_begins_with_address,
    head=clauses("{interface:interface} {address:address}"),
    body=clauses("preference {preference:number}", "lifetime {lifetime_s:number}"),
    finish=_on_link(HomeAgent, "address"),
)
PREFIXES = Layout(
    begins=_begins_with_address,
    head=clauses("{interface:interface} {prefix:prefix}"),
    body=clauses(
        "valid {valid_remaining_s:number} / {valid_granted_s:number}",
        "preferred {preferred_s:number}",
        "flags {flags:prefix_flags}",
    ),
    finish=_on_link(HomePrefix, "prefix"),
)
