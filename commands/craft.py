"""``craft``: make a packet of Mobile IPv6 from named fields, explain it byte by byte, and send it."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from mipsh.action.carry_out import Plan, carry_out
from mipsh.action.steps import Step, Via
from mipsh.captures.reader import Reader
from mipsh.captures.source import Malformed
from mipsh.craft import fields as craft_fields
from mipsh.craft.explain import Explained, explain, hexdump
from mipsh.craft.fields import COMMON, OPTIONS, RECIPES, Given, Recipe
from mipsh.errors import OutputError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.linux import raw_socket
from mipsh.linux.privileges import Need
from mipsh.model.packets import MESSAGES, PACKET, CraftMessage, PacketField
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.wire import pcap
from mipsh.wire.address import is_multicast

LONGEST_HEX = 65_575
GAP = 2
WIDTHS = (
    ("offset", "size", "field", "value", "meaning"),
    ("offset", "field", "value", "meaning"),
    ("offset", "field", "value"),
)
"""The columns that are shown, on ever narrower terminals."""


def run(
    session: Session,
    message: str = "",
    fields: Sequence[str] = (),
    *,
    send: bool = False,
    interface: str = "",
    save: str = "",
) -> Result:
    """Make a message and explain it; list what can be made where none is named."""
    if not message:
        return listed()
    recipe = RECIPES[message]
    given = craft_fields.read(recipe, fields)
    if interface and not send:
        raise UsageError("--interface is where a packet is sent", "add --send")
    if send:
        ready(recipe, given)
    from mipsh.craft.messages import build

    data = build(message, given)
    if save and not session.permission.dry_run:
        keep(save, data)
    if send:
        return carry_out(session, plan(recipe, given, data, interface))
    explained = explain(data, shows_secrets=True)
    result = shown(session, data, explained)
    if save and session.permission.dry_run:
        result.warnings += (Notice("dry_run", f"nothing is written to {save} with --dry-run"),)
    return result


def how(
    session: Session,
    message: str = "",
    fields: Sequence[str] = (),
    *,
    send: bool = False,
    interface: str = "",
    save: str = "",
) -> list[How]:
    """Say how scapy makes the packet, and sends it."""
    if not message:
        return [How("list what can be made", "none", "nothing is sent")]
    recipe = RECIPES[message]
    given = craft_fields.read(recipe, fields)
    from mipsh.craft.messages import build, command

    built = How(f"make a {message} with scapy", "none", command(message, given), recipe.reference)
    written = [How("write it down", "file", save)] if save else []
    if not send:
        return [built, *written]
    ready(recipe, given)
    step = plan(recipe, given, build(message, given), interface).steps[0]
    return [built, *written, How(step.what, step.via.value, step.equivalent, step.reference)]


def ready(recipe: Recipe, given: Given) -> None:
    """See to it that a packet has the addresses that its sender wants; raises UsageError."""
    missing = craft_fields.missing(recipe, given)
    if missing:
        names = ", ".join(f"{name}=" for name in missing)
        raise UsageError(
            f"{recipe.name} is sent with addresses that you give only: {names} {'is' if len(missing) == 1 else 'are'} "
            "an example's",
            f"add {' '.join(f'{name}=ADDRESS' for name in missing)}",
        )


def plan(recipe: Recipe, given: Given, data: bytes, interface: str) -> Plan:
    """Return the sending of a packet as a change to nodes."""
    from mipsh.craft.messages import command

    title = explain(data).title
    where = f" on {interface}" if interface else ""
    scapy = command(recipe.name, given)
    by_hand = f"sendp(Ether()/{scapy}, iface={interface!r})" if interface else f"send({scapy})"

    def go() -> str:
        if interface and is_multicast(given.octets["dst"]):
            raw_socket.send_on(interface, data)
        else:
            raw_socket.send(data, interface)
        return f"{len(data)} bytes were sent{where}"

    what = f"send a {title}{where}"
    return Plan(what, (Step(what, Via.PACKET, by_hand, recipe.reference, go, packet=data, needs=(Need.NET_RAW,)),))


def keep(path: str, data: bytes) -> None:
    """Write a packet into a capture file of its own, for its owner's eyes; raises OutputError."""
    content = pcap.write(pcap.RAW_IP, [(time.time_ns(), data)])
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}") from None


def listed() -> Result:
    """Return what can be made."""
    rows = [
        CraftMessage(
            recipe.name,
            recipe.meaning,
            tuple(dict.fromkeys((*(field.name for field in recipe.fields), *recipe.roles))),
            recipe.reference,
        )
        for recipe in RECIPES.values()
    ]
    common, options = (" ".join(field.name for field in found) for found in (COMMON, OPTIONS))
    summary = (
        f"All take {common} checksum; a Mobility Header takes the options {options}.\n"
        "craft MESSAGE FIELD=VALUE … makes one; 'craft bu ?' says what each field is."
    )
    return Result(MESSAGES, rows, summary=summary)


def shown(session: Session, data: bytes, explained: Explained) -> Result:
    """Return the fields of a packet, its bytes below, and what is wrong with it as warnings."""
    checksum = f", checksum {explained.checksum}" if explained.checksum else ""
    summary = f"{explained.title}: {len(data)} bytes{checksum}\n\n{hexdump(data, explained.hidden)}"
    warnings = tuple(Notice("malformed", str(fault)) for fault in explained.faults)
    environment = session.environment
    width = environment.size()[0] if environment.is_terminal(environment.stdout) else None
    return Result(PACKET, explained.rows, summary=summary, warnings=warnings, shown=fitting(explained.rows, width))


def fitting(rows: Sequence[PacketField], width: int | None) -> tuple[str, ...]:
    """Return the columns for which a terminal has room, the least of them in any case; None is no terminal."""

    def needed(names: Sequence[str]) -> int:
        widest = (max(len(name), *(len(str(getattr(row, name) or "")) for row in rows), 0) for name in names)
        return sum(widest) + GAP * (len(names) - 1)

    return next((names for names in WIDTHS if width is None or needed(names) <= width), WIDTHS[-1])


def run_hex(session: Session, digits: list[str]) -> Result:
    """Explain a packet that is given in hex."""
    text = "".join(digits).replace(":", "").removeprefix("0x")
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise UsageError("these are no bytes in hex: two digits each", "craft hex 6000000000083b40…") from None
    if not 0 < len(data) <= LONGEST_HEX:
        raise UsageError(f"a packet has 1 to {LONGEST_HEX} bytes, not {len(data)}", "give one packet")
    return shown(session, data, explain(data))


def run_file(session: Session, file: str, number: int = 1) -> Result:
    """Explain a packet of a capture file."""
    try:
        with Path(file).expanduser().open("rb", buffering=0) as stream:
            data = packet_of(Reader(stream.read), file, number)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {file}: {reason}", "name a capture file") from None
    return shown(session, data, explain(data))


def packet_of(reader: Reader, file: str, number: int) -> bytes:
    """Return the IPv6 packet in a frame of a capture file; the first frame is 1. Raises UsageError."""
    try:
        for count, frame in enumerate(reader.frames(), 1):
            if count == number:
                data = frame.ipv6
                if data is None:
                    raise UsageError(f"frame {number} of {file} holds no IPv6 packet", "name another one")
                return data
    except Malformed as error:
        raise UsageError(f"{file}: {error}", "captures in the formats pcap and pcapng are read") from None
    frames = "1 frame" if reader.packets == 1 else f"{reader.packets} frames"
    raise UsageError(f"{file} has {frames}, and no frame {number}", "the first one is 1")


def how_file(session: Session, file: str, number: int = 1) -> list[How]:
    """Say how tshark explains it."""
    return [How("explain a frame", "none", f"tshark -r {file} -Y 'frame.number == {number}' -V")]


def how_hex(session: Session, digits: list[str]) -> list[How]:
    """Say how scapy explains it."""
    return [How("explain a packet", "none", "IPv6(bytes.fromhex('…')).show()")]


COMMAND = Command(
    "craft",
    "make a packet of Mobile IPv6, explain it, and send it",
    run,
    (
        Argument(
            "message",
            Takes.WORD,
            "what to make; without one, all are listed",
            required=False,
            choices=tuple(RECIPES),
        ),
        Argument("fields", Takes.FIELD, "a field and its value: NAME=VALUE", required=False, many=True),
    ),
    (
        Option("--send", "send it, from this node; needs write permission and CAP_NET_RAW"),
        Option("--interface", "send it out of this interface", Takes.WORD, metavar="NAME"),
        Option("--save", "write it into a capture file", Takes.PATH, metavar="FILE"),
    ),
    table=PACKET.name,
    details=(
        "scapy makes the bytes and mipsh's own decoder reads them. What is not given is an example's, with addresses "
        "of the documentation prefix; to send a packet, all its addresses have to be given. hoa= and coa= are the "
        "mobile node's addresses, wherever the message has them. checksum= forces a wrong one."
    ),
    examples=(
        ("craft", "what can be made"),
        ("craft bu seq=7 lifetime=60 flags=AH", "a Binding Update, byte by byte"),
        ("craft ba status=sequence_number_out_of_window", "a rejection"),
        ("craft brr src=2001:db8:4::2 dst=2001:db8:1::100 --send --dry-run", "what would be sent"),
    ),
    how=how,
    changes=Changes.NODE,
)
HEX = Command(
    "craft hex",
    "explain a packet that is given in hex",
    run_hex,
    (Argument("digits", Takes.WORD, "the bytes of an IPv6 packet, two digits each", many=True),),
    table=PACKET.name,
    details="Cookies, keygen tokens and authenticators are not shown.",
    examples=(("craft hex 6000000000083a40 …", "an IPv6 packet from its first byte on"),),
    how=how_hex,
)
FILE = Command(
    "craft file",
    "explain a packet of a capture file",
    run_file,
    (
        Argument("file", Takes.PATH, "a file in pcap or pcapng format"),
        Argument("number", Takes.INTEGER, "number of the frame; the first is 1", required=False),
    ),
    table=PACKET.name,
    details="Cookies, keygen tokens and authenticators are not shown.",
    examples=(("craft file capture.pcap 7", "the seventh frame"),),
    how=how_file,
)
