"""A node that is traced while others use it: what the tracer costs beside their traffic, and what it misses."""

import os
import secrets
import signal
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from labs import is_possible
from measure import Row

from mipsh.linux import lab_links, links
from mipsh.linux.namespaces import DIRECTORY
from mipsh.linux.packet_socket import PacketSocket
from mipsh.wire import mobility
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.mobility import BindingAcknowledgement, BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, Payload

FOREIGN, EXCHANGES, STEP = 50_000, 100, 50
FLOOD_S, REST_S, PATIENCE_S = 5.0, 0.5, 20.0
SHARE_BAR = 0.15
HOME, CARE_OF, PEER = (parse(f"2001:db8:{one}") for one in ("1::100", "2::100", "4::2"))
UDP = 17


def exchange(number: int) -> list[bytes]:
    """Return a Binding Update to a correspondent of its own, and the acknowledgement."""
    peer = PEER[:-4] + number.to_bytes(4)
    update = mobility.padded(BindingUpdate(number & 0xFFFF, 0x8000, 105, ()))
    answer = mobility.padded(BindingAcknowledgement(0, 0, number & 0xFFFF, 105, ()))
    there = Packet(CARE_OF, peer, MobilityHeader(update), (carrying(HomeAddress(HOME)),))
    back = Packet(peer, CARE_OF, MobilityHeader(answer), (Type2RoutingHeader(HOME),))
    return [there.encode(), back.encode()]


class Flood(NamedTuple):
    """What was sent beside a tracer: how many packets of others a second, and exchanges; and what the tracer used."""

    per_second: float
    exchanges: int
    seen: int
    share: float


def send(port: PacketSocket, seconds: float) -> tuple[float, int]:
    """Send packets of others, as many as wanted, and signalling among them; return the rate and the exchanges."""
    foreign = Packet(CARE_OF, PEER, Payload(UDP, struct.pack(">HHHH", 4000, 4000, 208, 0) + bytes(200))).encode()
    everybody = b"\xff" * 6
    began, sent, exchanges = time.perf_counter(), 0, 0
    while (passed := time.perf_counter() - began) < seconds:
        if sent > passed * FOREIGN:
            continue
        for _ in range(STEP):
            port.send(everybody, foreign)
        sent += STEP
        if exchanges < passed * EXCHANGES:
            exchanges += 1
            for data in exchange(exchanges):
                port.send(everybody, data)
    return sent / (time.perf_counter() - began), exchanges


def used_s(pid: int) -> float:
    """Return the processor time that a process had until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flooded(seconds: float) -> Flood:
    """Trace one end of a cable while somebody sends at the other."""
    name = f"{DIRECTORY}/mipsh-bench-{secrets.token_hex(4)}"
    with ExitStack() as stack:
        near, far = f"{name}-near", f"{name}-far"
        for path in (near, far):
            lab_links.make_namespace(path)
            stack.callback(lab_links.remove_namespace, path)
        links.add_pair((near, "eth0"), (far, "eth0"))
        for path in (near, far):
            lab_links.inside(path, lambda: lab_links.raise_interfaces(["eth0"]))
        port = stack.enter_context(lab_links.inside(near, lambda: PacketSocket("eth0")))
        words = [sys.executable, "-m", "mipsh", "--no-config", "trace", "--follow", "-o", "ndjson"]
        output = stack.enter_context(tempfile.TemporaryFile("w+"))
        pipe = subprocess.PIPE
        tracer = lab_links.inside(far, lambda: subprocess.Popen(words, stdout=output, stderr=pipe, text=True))
        stack.enter_context(tracer)
        stack.callback(tracer.kill)
        if tracer.stderr is None or "listening" not in tracer.stderr.readline():
            raise ValueError("the tracer does not listen")
        before = used_s(tracer.pid)
        rate, exchanges = send(port, seconds)
        share = (used_s(tracer.pid) - before) / seconds
        time.sleep(REST_S)
        tracer.send_signal(signal.SIGINT)
        said = tracer.stderr.read()
        if tracer.wait(PATIENCE_S) or said:
            raise ValueError(f"the tracer failed: {said}")
        output.seek(0)
        seen = sum('"state":"accepted"' in line for line in output)
    return Flood(rate, exchanges, seen, share)


def live() -> list[Row]:
    """Return what a tracer costs beside much traffic that is none of its business, and what it misses."""
    if not is_possible():
        return [Row("a tracer beside other traffic", "not measured: that needs root")]
    found = flooded(FLOOD_S)
    lost = found.exchanges - found.seen
    return [
        Row(
            "packets of others beside a tracer",
            f"{found.per_second:,.0f}/s",
            bar=f">= {FOREIGN:,}/s",
            met=found.per_second >= FOREIGN * 0.98,
        ),
        Row(f"of {found.exchanges:,} exchanges among them, missed", f"{lost}", bar="0", met=lost == 0),
        Row(
            "processor time of the tracer",
            f"{found.share:.1%}",
            bar=f"<= {SHARE_BAR:.0%}",
            met=found.share <= SHARE_BAR,
        ),
    ]
