"""Packets: from bytes to structures and back, beside scapy; and a million broken ones.

Scapy decodes lazily where it can, so its packet is asked for the last option, which mipsh has
decoded by then, too. The broken packets (``make bench PARTS=fuzz``) are vectors with bytes
changed, put in, cut out and cut off: none may raise, and each must encode to the bytes it came from.
"""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from measure import Row, elapsed_s, interleaved, report
from scapy.layers.inet6 import MIP6MH_BU, IPv6, MIP6OptBindingAuthData

from mipsh.wire.mobility import AuthorizationData, BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, decode
from mipsh.wire.verify import problems

VECTORS = Path(__file__).parents[1] / "tests" / "vectors" / "vectors.jsonl"
UPDATE = "derived-BU-CN-register"
PACKETS = 20_000
PEER_PACKETS = 400
ROUNDS = 15
PEER_BAR = 20.0
BROKEN = 1_000_000
SEED = 6275
LONGEST_CHANGE = 24
CHANGES = ("change",) * 7 + ("put in", "cut out", "cut off")


def vectors() -> dict[str, bytes]:
    """Return the bytes of the packets among the vectors, by name."""
    lines = [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines()]
    return {line["name"]: bytes.fromhex(line["hex"]) for line in lines if line["kind"] == "ipv6"}


def mipsh_proof(data: bytes) -> bytes:
    """Decode a Binding Update and return its authenticator."""
    packet = decode(data)
    if isinstance(packet, Packet) and isinstance(packet.upper, MobilityHeader):
        message = packet.upper.message
        if isinstance(message, BindingUpdate) and isinstance(message.options[-1], AuthorizationData):
            return message.options[-1].authenticator
    raise ValueError("no Binding Update with an authenticator")


def scapy_proof(data: bytes) -> bytes:
    """Let scapy do the same."""
    option = IPv6(data)[MIP6MH_BU].options[-1]
    if isinstance(option, MIP6OptBindingAuthData):
        number: int = option.authenticator
        return number.to_bytes(12)
    raise ValueError("no Binding Update with an authenticator")


def per_second(work: Callable[[], object], times: int) -> float:
    """Return how often a second some work is done."""
    return times / elapsed_s(lambda: [work() for _ in range(times)])


def main() -> str:
    """Measure and return the report."""
    data = vectors()[UPDATE]
    if mipsh_proof(data) != scapy_proof(data):
        raise ValueError("the two do not see the same authenticator")
    packet = decode(data)
    if not isinstance(packet, Packet) or packet.encode() != data:
        raise ValueError("the packet does not come back")
    rates = interleaved(
        {
            "decode": lambda: per_second(lambda: mipsh_proof(data), PACKETS),
            "scapy": lambda: per_second(lambda: scapy_proof(data), PEER_PACKETS),
            "encode": lambda: per_second(packet.encode, PACKETS),
            "verify": lambda: per_second(lambda: problems(packet), PACKETS),
        },
        ROUNDS,
    )
    peer = rates["scapy"]
    ratio = rates["decode"] / peer
    rows = [
        Row(
            "decode a Binding Update",
            f"{rates['decode']:,.0f}/s",
            "scapy",
            f"{peer:,.0f}/s",
            ratio,
            f">= {PEER_BAR:.0f} x",
            ratio >= PEER_BAR,
        ),
        Row("encode it", f"{rates['encode']:,.0f}/s"),
        Row("find all problems in it", f"{rates['verify']:,.0f}/s"),
    ]
    notes = [f"{len(data)} bytes with a Home Address option and an authenticator, {ROUNDS} interleaved runs"]
    return report("Packets", notes, rows)


def broken(packets: Sequence[bytes], dice: random.Random) -> bytes:
    """Return one of some packets with up to four changes."""
    data = bytearray(dice.choice(packets))
    for _ in range(dice.randint(1, 4)):
        at, how = dice.randrange(len(data) + 1), dice.choice(CHANGES)
        if how == "change":
            data[at : at + 1] = bytes((dice.randrange(256),))
        elif how == "put in":
            data[at:at] = dice.randbytes(dice.randint(1, LONGEST_CHANGE))
        elif how == "cut out":
            del data[at : at + dice.randint(1, LONGEST_CHANGE)]
        else:
            del data[at:]
    return bytes(data)


def fuzz() -> str:
    """Decode a million broken packets; return the report."""
    packets, dice = list(vectors().values()), random.Random(SEED)
    counts = {"decoded": 0, "with problems": 0, "changed on the way": 0}

    def run() -> None:
        for _ in range(BROKEN):
            data = broken(packets, dice)
            packet = decode(data)
            counts["changed on the way"] += packet.encode() != data
            if isinstance(packet, Packet):
                counts["decoded"] += 1
                counts["with problems"] += bool(problems(packet))

    seconds = elapsed_s(run)
    lost = counts["changed on the way"]
    rows = [
        Row("broken packets", f"{BROKEN:,}", bar=">= 1,000,000", met=BROKEN >= 1_000_000),
        Row("that changed on the way", f"{lost:,}", bar="0", met=lost == 0),
        Row("that have an IPv6 header", f"{counts['decoded']:,}"),
        Row("of those, with problems", f"{counts['with problems']:,}"),
    ]
    return report("Broken packets", [f"seed {SEED}, {seconds:.0f} s, nothing raised"], rows)
