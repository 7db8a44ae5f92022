"""Captures: frames to decoded mobility messages, beside scapy and tshark on the same files; memory; and a live tracer.

Each reader is a process of its own, started for the file and measured to its end. All of them say what
they read: the MH type and, where there is one, the sequence number of every Mobility Header.
"""

import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from measure import Row, interleaved, report

from mipsh.captures.frames import ETHERNET, Frame
from mipsh.captures.mobility import mobility_frames
from mipsh.captures.reader import Reader
from mipsh.captures.writer import Writer
from mipsh.signalling.exchanges import Exchanges
from mipsh.signalling.heard import listen
from mipsh.wire import mobility, pcap
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import BindingAcknowledgement, BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, Payload, decode

PACKETS, FEWER = 200_000, 20_000
PEER_PACKETS = 12_000
ROUNDS = 3
SCAPY_BAR, TSHARK_BAR = 10.0, 2.0
MEMORY_BAR = 1.05
SEED = 6275
HOME, CARE_OF, AGENT, PEER = (parse(f"2001:db8:{one}") for one in ("1::100", "2::100", "1::1", "4::2"))
LINK_LAYER = bytes(12) + b"\x86\xdd"
TCP, UDP = 6, 17
START_NS = 1_750_000_000 * 10**9
FIELDS = ("mip6.mhtype", "mip6.bu.seqnr", "mip6.ba.seqnr")


def signalling(dice: random.Random) -> bytes:
    """Return a message of return routability or of a registration."""
    cookie, token, sequence = dice.randbytes(8), dice.randbytes(8), dice.randrange(65536)
    proof = mobility.AuthorizationData(dice.randbytes(12))
    indices = mobility.NonceIndices(dice.randrange(9), dice.randrange(9))
    update = mobility.padded(BindingUpdate(sequence, 0x8000, 105, (indices, proof)))
    answer = mobility.padded(BindingAcknowledgement(0, 0, sequence, 105, (proof,)))
    from_home, to_home = carrying(HomeAddress(HOME)), Type2RoutingHeader(HOME)
    packets: Sequence[Packet] = (
        Packet(CARE_OF, AGENT, Packet(HOME, PEER, MobilityHeader(mobility.HomeTestInit(cookie)))),
        Packet(CARE_OF, PEER, MobilityHeader(mobility.CareOfTestInit(cookie))),
        Packet(AGENT, CARE_OF, Packet(PEER, HOME, MobilityHeader(mobility.HomeTest(1, cookie, token)))),
        Packet(PEER, CARE_OF, MobilityHeader(mobility.CareOfTest(1, cookie, token))),
        Packet(CARE_OF, PEER, MobilityHeader(update), (from_home,)),
        Packet(PEER, CARE_OF, MobilityHeader(answer), (to_home,)),
    )
    return dice.choice(packets).encode()


def other(dice: random.Random) -> bytes:
    """Return a packet that has nothing to do with it: TCP, UDP, or an echo, some of them on the optimised way."""
    ports = dice.randrange(32768, 61000), 8080
    segment = struct.pack(">HHIIBBHHH", *ports, dice.getrandbits(32), dice.getrandbits(32), 0x50, 0x10, 500, 0, 0)
    segment += dice.randbytes(512)
    datagram = struct.pack(">HHHH", *ports, 168, 0) + dice.randbytes(160)
    upper = dice.choice((Payload(TCP, segment), Payload(UDP, datagram), Icmpv6(EchoRequest(1, 2, bytes(56)))))
    headers = (carrying(HomeAddress(HOME)),) if dice.randrange(5) == 0 else ()
    return Packet(CARE_OF, PEER, upper, headers).encode()


def capture(path: Path, packets: int, share: float) -> Path:
    """Write a capture of so many packets, a share of which is signalling."""
    dice = random.Random(SEED)
    with path.open("wb") as file:
        file.write(pcap.file_header(ETHERNET))
        for number in range(packets):
            data = signalling(dice) if number % 100 < share * 100 else other(dice)
            file.write(pcap.record(START_NS + number * 10_000, LINK_LAYER + data))
    return path


def messages(path: Path) -> Iterator[MobilityHeader]:
    """Yield the Mobility Headers of a capture, out of their tunnels."""
    with path.open("rb", buffering=0) as file:
        for frame in mobility_frames(Reader(file.read)):
            data = frame.ipv6
            packet = decode(data) if data is not None else None
            if isinstance(packet, Packet) and isinstance(packet.upper, Packet):
                packet = packet.upper
            if isinstance(packet, Packet) and isinstance(packet.upper, MobilityHeader):
                yield packet.upper


def read_by_mipsh(path: Path) -> int:
    """Decode a capture and write what was in it, as tshark does; return how many messages there were."""
    count = 0
    for header in messages(path):
        count += 1
        message = header.message
        sequence = message.sequence if isinstance(message, BindingUpdate | BindingAcknowledgement) else ""
        sys.stdout.write(f"{header.type}\t{sequence}\n")
    return count


def read_by_scapy(path: Path) -> int:
    """Let scapy dissect a capture; return how many Mobility Headers there were."""
    from scapy.layers.inet6 import _MobilityHeader
    from scapy.utils import PcapReader

    count = 0
    with PcapReader(str(path)) as reader:
        for packet in reader:
            count += packet.getlayer(_MobilityHeader) is not None
    return count


def trace(path: Path) -> int:
    """Do all that ``trace`` does with a capture but show it; return how many exchanges there were."""
    exchanges, count = Exchanges(), 0
    with path.open("rb", buffering=0) as file:
        for frame in mobility_frames(Reader(file.read)):
            data = frame.ipv6
            heard = listen(data, frame.time_ns or 0, is_cut=frame.is_cut) if data is not None else None
            count += len(exchanges.take(heard)) if heard is not None else 0
    return count + len(exchanges.finish())


READERS: dict[str, Callable[[Path], int]] = {"mipsh": read_by_mipsh, "scapy": read_by_scapy, "trace": trace}


def child(reader: str, path: Path) -> float:
    """Let a process read a capture; return how long it took."""
    words = [sys.executable, __file__, reader, str(path)]
    if reader == "tshark":
        words = ["tshark", "-n", "-r", str(path), "-T", "fields"]
        words += [word for field in FIELDS for word in ("-e", field)]
    began = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def peak_kib(path: Path) -> int:
    """Let a process trace a capture; return the memory that it had at most."""
    words = [sys.executable, __file__, "trace", str(path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    return int(said)


def beside(name: str, path: Path, fewer: Path) -> list[Row]:
    """Return how fast a capture is decoded, beside the others; scapy gets a smaller one of the same kind."""
    rates = interleaved(
        {
            "mipsh": lambda: PACKETS / child("mipsh", path),
            "tshark": lambda: PACKETS / child("tshark", path),
            "scapy": lambda: PEER_PACKETS / child("scapy", fewer),
            "trace": lambda: PACKETS / child("trace", path),
        },
        ROUNDS,
        warm=0,
    )
    rows = []
    for peer, bar in (("scapy", SCAPY_BAR), ("tshark", TSHARK_BAR)):
        ratio = rates["mipsh"] / rates[peer]
        value, other_value = f"{rates['mipsh']:,.0f}/s", f"{rates[peer]:,.0f}/s"
        rows.append(Row(f"decode {name}", value, peer, other_value, ratio, f">= {bar:.0f} x", ratio >= bar))
    return [*rows, Row(f"trace {name}", f"{rates['trace']:,.0f}/s")]


def agree(path: Path) -> None:
    """See to it that tshark and mipsh find the same; raises ValueError."""
    words = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", FIELDS[0]]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    ours = [str(header.type) for header in messages(path)]
    if said != ours or not ours:
        raise ValueError("tshark and mipsh do not find the same messages")


def memory(path: Path, fewer: Path) -> Row:
    """Return how much more memory a longer capture needs."""
    small, large = peak_kib(fewer), peak_kib(path)
    ratio = large / small
    bar = f"<= {MEMORY_BAR:g} x"
    name = f"memory of trace, {PACKETS:,} packets"
    return Row(name, f"{large / 1024:.1f} MB", f"{FEWER:,}", f"{small / 1024:.1f} MB", ratio, bar, ratio <= MEMORY_BAR)


def rewritten(path: Path, target: Path) -> Path:
    """Return the same capture in the other format."""
    with path.open("rb", buffering=0) as file, target.open("wb") as out:
        writer = Writer(out.write)
        for frame in Reader(file.read).frames():
            writer.frame(Frame(frame.time_ns, "eth0", frame.length, frame.data, frame.link_type))
    return target


def main() -> str:
    """Measure and return the report."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        whole = capture(place / "all.pcap", PACKETS, 1.0)
        some = capture(place / "some.pcap", PACKETS, 0.1)
        shorter = capture(place / "shorter.pcap", FEWER, 1.0)
        agree(shorter)
        rows = beside("all mobility", whole, capture(place / "few.pcap", PEER_PACKETS, 1.0))
        rows += beside("10 % mobility", some, capture(place / "few10.pcap", PEER_PACKETS, 0.1))
        other_format = rewritten(some, place / "some.pcapng")
        rows.append(Row("decode 10 %, pcapng", f"{PACKETS / child('mipsh', other_format):,.0f}/s"))
        rows.append(memory(whole, shorter))
    from tracing import live

    rows += live()
    notes = [f"{PACKETS:,} packets, each reader a process of its own with its start, {ROUNDS} interleaved runs"]
    return report("Captures", notes, rows)


if __name__ == "__main__":
    READERS[sys.argv[1]](Path(sys.argv[2]))
    lines = Path("/proc/self/status").read_text().splitlines()
    sys.stderr.write(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
