"""How mip6d is told to add and to delete a binding, and what it answers: lines out, words in.

mip6d carries such a command out as if a Binding Update had come, without an acknowledgement: the
mobile node does not learn of it. The status that it answers with is that of the acknowledgement
that was not sent.
"""

import re

from mipsh.engine import BindingRequest
from mipsh.errors import EngineComplaint, MipshError, NotThisEngine, UsageError
from mipsh.mobility.status import AckStatus
from mipsh.plugins.engines.umip_text import clean, complaint
from mipsh.plugins.engines.umip_words import rfc5952

FLAGS = "AHKL"
MOST_SEQUENCE = 0xFFFE
"""mip6d takes no greater sequence number."""

_STATUS = re.compile(r"bc status=([0-9]{1,3})")
_ERROR = re.compile(r"bc error=-?[0-9]+\((.*)\)")
_REASONS = (
    (re.compile(r"missing (hoa|coa|local)\b.*"), "it misses the address '{}'"),
    (re.compile(r"invalid flag:(.*)"), "it knows no flag '{}'"),
    (re.compile(r"invalid integer:(.*)"), "'{}' is no number to it"),
    (re.compile(r"overflow:(.*)"), "{} is too large a number"),
    (re.compile(r"invalid command:(.*)"), "it knows no word '{}' there"),
    (re.compile(r"sequence overflow"), f"a sequence number is at most {MOST_SEQUENCE}"),
    (re.compile(r"lifetime is zero"), "a binding needs a lifetime"),
    (re.compile(r"lifetime is not zero"), "what is deleted has no lifetime"),
    (re.compile(r'getaddrinfo: "?([^" ]*)"?.*'), "'{}' is no address to it"),
    (re.compile(r'unknown command: "(.*)"'), "it has no such command: it is no home agent"),
    (re.compile(r"hoa ADDR .*"), "it did not understand the line"),
)


def add_line(request: BindingRequest) -> str:
    """Return the line that adds a binding, without duplicate address detection; raises UsageError."""
    home, care_of, local = map(_address, (request.home_address, request.care_of_address, request.local_address))
    flags = "".join(request.flags)
    if not flags or set(flags) - set(FLAGS):
        raise UsageError(f"'{flags}' are not flags of a binding", f"mip6d takes: {', '.join(FLAGS)}")
    if request.sequence is not None and not 0 <= request.sequence <= MOST_SEQUENCE:
        raise UsageError(f"{request.sequence} is no sequence number for mip6d", f"it takes 0 to {MOST_SEQUENCE}")
    sequence = "auto" if request.sequence is None else str(request.sequence)
    return (
        f"bc add hoa {home} coa {care_of} local {local} flags {flags} "
        f"lifetime {int(request.lifetime_s)} seq {sequence} dad never"
    )


def delete_line(home_address: str, local_address: str) -> str:
    """Return the line that deletes a binding; raises UsageError."""
    return f"bc del hoa {_address(home_address)} local {_address(local_address)} flags H"


def _address(said: str) -> str:
    """Return an address in its only form: a name would be looked up, and hold mip6d meanwhile."""
    address = rfc5952(said)
    if address is None:
        raise UsageError(f"'{said}' is not an IPv6 address")
    return address


def outcome(text: str, where: str) -> str:
    """Return what mip6d says to one of these lines when it did it; raises EngineComplaint, NotThisEngine."""
    said = clean(text).strip()
    status = _STATUS.fullmatch(said)
    if status is not None and int(status[1]) < AckStatus.REASON_UNSPECIFIED:
        return said
    raise _refusal(said, where, None if status is None else int(status[1]))


def _refusal(said: str, where: str, status: int | None) -> MipshError:
    if status is not None:
        return EngineComplaint(f"mip6d at {where} refused it: {_in_words(status)} (bc status={status})")
    error = _ERROR.fullmatch(said)
    if error is not None:
        return EngineComplaint(f"mip6d at {where} could not do it: {error[1]}", "its log may say more")
    line = complaint(said)
    if line is None:
        shown = said.partition("\n")[0][:60]
        return NotThisEngine(f"what listens at {where} did not answer as mip6d does: it said '{shown}'")
    found = ((pattern.fullmatch(line), words) for pattern, words in _REASONS)
    words = next((words.format(*match.groups()) for match, words in found if match), "it did not do it")
    return EngineComplaint(f"mip6d at {where} refused it: {words} ('{line}')")


def _in_words(status: int) -> str:
    known = {member.value: member.name for member in AckStatus}
    return known.get(status, "for a reason that is not known here").lower().replace("_", " ")
