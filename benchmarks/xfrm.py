"""The kernel's XFRM: many states decoded, beside the text that iproute2 prints of them; a kernel's own policies.

The states are those of recorded nodes, over and over with other addresses, in datagrams as large as the kernel's.
Where this machine lets a network namespace be made, its kernel is given policies, and both iproute2 and mipsh
read them from it.
"""

import os
import re
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from measure import Row, elapsed_s, interleaved, report

from mipsh.linux import xfrm
from mipsh.linux import xfrm_messages as wire
from mipsh.wire.fault import Fault

RECORDED = Path(__file__).parents[1] / "tests" / "recordings" / "mip6d-1.0" / "05-inter-mn"
STATES, POLICIES = 100_000, 100_000
DATAGRAM = 32 * 1024
ROUNDS = 3
RATE_BAR, RATIO_BAR = 20_000, 3.0
MEMORY_BAR = 1.5
PREFIX = bytes.fromhex("20010db800010000")
SOURCE_AT = 16
"""Of a state, where its selector has the source address: behind the destination."""
_ENDS = re.compile(r"^src (\S+) dst (\S+)$", re.MULTILINE)
_ID = re.compile(r"^\tproto (\S+) .*?reqid (\S+) mode (\S+)", re.MULTILINE)
_CARE_OF = re.compile(r"^\tcoa (\S+)$", re.MULTILINE)
_USED = re.compile(r"^\tlastused (.+)$", re.MULTILINE)


def recorded() -> list[bytes]:
    """Return the messages of recorded states, as they came."""
    found = []
    for path in sorted(RECORDED.glob("*.getsa.nl")):
        for message in wire.messages(path.read_bytes()):
            if not isinstance(message, Fault) and message.kind == wire.NEW_STATE:
                head = wire.HEADER.pack(wire.HEADER.size + len(message.body), message.kind, message.flags, 1, 0)
                found.append(head + message.body + bytes(-len(message.body) % 4))
    return found


def datagrams(count: int) -> Iterator[bytes]:
    """Yield so many states in datagrams, made one after the other; each state has a source of its own."""
    known, data = recorded(), bytearray()
    for number in range(count):
        said = bytearray(known[number % len(known)])
        at = wire.HEADER.size + SOURCE_AT
        said[at : at + 16] = PREFIX + number.to_bytes(8)
        if len(data) + len(said) > DATAGRAM:
            yield bytes(data)
            data.clear()
        data += said
    yield bytes(data)


def decode(data: list[bytes]) -> int:
    """Decode all states, and keep none; return how many there were."""
    count = 0
    for datagram in data:
        for message in wire.messages(datagram):
            if not isinstance(message, Fault) and not isinstance(wire.state(message), Fault):
                count += 1
    return count


def text(count: int) -> str:
    """Return what iproute2 prints of so many states."""
    printed = [path.read_text(encoding="utf-8") for path in sorted(RECORDED.glob("*.xfrm-state.txt"))]
    one = "".join(printed)
    states = len(_ENDS.findall(one))
    return one * (count // states)


def parse(printed: str) -> int:
    """Read the text of iproute2 by regular expressions, as a script would; return how many states there were."""
    count = 0
    for one in re.split(r"(?m)^(?=src )", printed):
        ends, said = _ENDS.search(one), _ID.search(one)
        _CARE_OF.search(one)
        _USED.search(one)
        count += ends is not None and said is not None
    return count


def growth_kib(count: int) -> float:
    """Return by how much the memory rises while so many states are decoded as they come, datagram by datagram."""
    tracemalloc.start()
    try:
        for datagram in datagrams(count):
            decode([datagram])
        return tracemalloc.get_traced_memory()[1] / 1024
    finally:
        tracemalloc.stop()


def policies() -> str:
    """Return lines for ``ip -batch`` that make policies."""
    lines = []
    for number in range(POLICIES):
        high, low = divmod(number, 0x10000)
        home = f"2001:db8:1::{high:x}:{low:x}"
        lines.append(f"xfrm policy add src 2001:db8:4::2/128 dst {home}/128 dir out priority 16 ptype main\n")
    return "".join(lines)


def on_kernel() -> tuple[float, float] | None:
    """Return the seconds that mipsh and iproute2 take for policies of a kernel; None where there is none to be had."""
    if os.geteuid() != 0:
        return None
    with tempfile.TemporaryDirectory() as folder:
        batch = Path(folder) / "batch"
        batch.write_text(policies(), encoding="ascii")
        argv = ["unshare", "-n", sys.executable, __file__, str(batch)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    words = done.stdout.split()
    return (float(words[0]), float(words[1])) if done.returncode == 0 and len(words) == 2 else None


def inside(batch: str) -> int:
    """Give the kernel of this namespace its policies, and measure both readers of them."""
    subprocess.run(["ip", "-batch", batch], check=True, timeout=500)

    def by_mipsh() -> float:
        seconds = elapsed_s(xfrm.read)
        assert len(xfrm.read().policies) == POLICIES
        return seconds

    def by_iproute2() -> float:
        argv = ["ip", "-s", "xfrm", "policy"]
        return elapsed_s(lambda: subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=500))

    found = interleaved({"mipsh": by_mipsh, "ip": by_iproute2}, ROUNDS)
    sys.stdout.write(f"{found['mipsh']} {found['ip']}\n")
    return 0


def main() -> str:
    """Measure, and return the report."""
    data, printed = list(datagrams(STATES)), text(STATES)
    assert decode(data) == STATES
    counted = parse(printed)
    found = interleaved(
        {"own": lambda: elapsed_s(lambda: decode(data)), "text": lambda: elapsed_s(lambda: parse(printed))}, ROUNDS
    )
    own, theirs = STATES / found["own"], counted / found["text"]
    rows = [
        Row(
            f"{STATES:,} XFRM states decoded",
            f"{own:,.0f} states/s",
            "ip's text, by a regular expression",
            f"{theirs:,.0f} states/s",
            own / theirs,
            f">= {RATE_BAR:,}/s",
            own >= RATE_BAR,
        )
    ]
    few, many = growth_kib(STATES // 10), growth_kib(STATES)
    rows.append(
        Row(
            f"memory for {STATES:,} states that are not kept",
            f"{many:.0f} KiB",
            f"for {STATES // 10:,}",
            f"{few:.0f} KiB",
            many / few,
            f"<= {MEMORY_BAR:g} x",
            many / few <= MEMORY_BAR,
        )
    )
    live = on_kernel()
    subject = f"{POLICIES:,} policies of a kernel, read"
    if live is None:
        rows.append(Row(subject, "not measured", "it takes root, unshare and ip"))
    else:
        mine, ip = live
        values = f"{mine:.2f} s", "ip -s xfrm policy", f"{ip:.2f} s"
        rows.append(Row(subject, *values, mine / ip, f"<= {RATIO_BAR:g} x", mine / ip <= RATIO_BAR))
    notes = (
        "The text has fewer values than the messages: lifetimes and counters are passed over.",
        f"Decoded in datagrams of {DATAGRAM // 1024} KiB, as the kernel sends them.",
    )
    return report("XFRM", notes, rows)


if __name__ == "__main__":
    sys.exit(inside(sys.argv[1]))
