"""What the lab withstands: a thousand handovers, processes killed at any moment, a million broken packets.

Handovers: the mobile node moves on as soon as it is registered and the stream of 100 datagrams a second has
followed it, which is three times a second, the most that it may send Binding Updates (RFC 6275 section 11.8);
what its processes hold in memory and descriptors, and what is in its namespaces, stays what it was.

Killed: ``lab up`` while it builds, mipd while they run, ``lab down`` while it removes; behind the next
``lab down`` the machine is as it was: namespaces, mounts, interfaces, processes, files.

Broken packets (``make bench PARTS=storm``): a tester's valid ones with bytes changed, put in, cut out and cut
off, put on the links of the home agent and of the mobile node. Behind those that are damaged, as a wrong
checksum or length shows, all must be as it was. Then come such whose checksums and lengths were made right,
which are no better than forgeries: without IPsec some are believed, and may part a mobile node from its home
agent, but no more than that.
"""

import random
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from core import CARE_OF, HOME_ADDRESS, healed, valid_packets
from lab import Trips
from labs import (
    CORRESPONDENT,
    NOT_MEASURED,
    built,
    descriptors,
    dropped,
    guest,
    home_address,
    is_possible,
    is_registered,
    new_name,
    pids,
    resident_bytes,
    rows,
    runtime,
    until,
)
from measure import Row, report
from processes import MIPSH
from wire import broken

from mipsh.lab import namespaces
from mipsh.lab.existing import Existing, place_of
from mipsh.lab.measured import Stream
from mipsh.lab.plan import FOREIGN
from mipsh.lab.state import LabState, Place
from mipsh.linux import lab_links, links, processes
from mipsh.linux.namespaces import DIRECTORY
from mipsh.linux.packet_socket import PacketSocket
from mipsh.wire.address import parse
from mipsh.wire.packet import Packet, decode

SEED = 6275
HANDOVERS, WARM = 1_000, 100
LINK_GAP_S, POLL_S, LONGEST_S, SETTLE_S = 0.005, 0.002, 10.0, 0.5
GROWTH_BAR = 1.05
KILLS = 200
LONGEST_UP_S, LONGEST_DOWN_S = 0.7, 0.3
MOST_KILLED, ALSO_A_NODE = 4, 0.5
BROKEN, FORGED = 600_000, 400_000
MEMORY_BAR = 16 << 20
MOST_ROWS = 20_000
WELL_BAR_S = 15.0
MEBIBYTE = 1 << 20
TABLES = {"ha": ("binding_cache",), "mn": ("binding_update_list", "binding_cache"), "cn": ("binding_cache",)}


def main() -> str:
    """Make the handovers, kill what there is, and return the report."""
    title = "Soak"
    if not is_possible():
        return report(title, [NOT_MEASURED], [])
    notes = [f"seed {SEED}; what is held after {WARM} handovers, and after {WARM + HANDOVERS}"]
    return report(title, notes, [*handover_rows(), *kill_rows()])


# Handovers.


def held(state: LabState) -> dict[str, tuple[int, int]]:
    """Return the memory and the descriptors of each process of a lab, once connections are closed that were asked."""
    time.sleep(SETTLE_S)
    return {name: (resident_bytes(pid), descriptors(pid)) for name, pid in pids(state).items()}


def interfaces(state: LabState) -> list[list[str]]:
    """Return the interfaces in each namespace of a lab."""
    paths = [state.links_namespace, *(node.namespace for node in state.nodes.values())]
    return [sorted(lab_links.inside(path, links.names)) for path in paths]


def handover_rows() -> list[Row]:
    """Return the lines of a thousand handovers."""
    with built() as lab:
        state = lab.state
        stream = Stream(state.node("cn"), state.node("mn"))
        try:
            move_on(lab, stream, WARM)
            before, around = held(state), interfaces(state)
            began = time.monotonic()
            slowest = move_on(lab, stream, HANDOVERS)
            taken = time.monotonic() - began
            after, still = held(state), interfaces(state)
        finally:
            stream.close()
        is_same = pids(state) == {name: pid for name, pid in pids(lab.state).items() if processes.find(pid)}
    found = [
        Row("handovers", f"{HANDOVERS:,}", bar=f">= {HANDOVERS:,}", met=is_same),
        Row("handovers a second", f"{HANDOVERS / taken:.1f}/s"),
        Row("the longest to its registration", f"{slowest * 1000:.0f} ms"),
        Row("datagrams received", f"{len(stream.received):,} of {stream.sent:,}"),
        Row(
            "interfaces in all namespaces",
            "the same" if still == around else "others",
            met=still == around,
            bar="the same",
        ),
    ]
    for name, (memory, opened) in after.items():
        growth = memory / before[name][0]
        found += [
            Row(
                f"memory of {name}",
                f"{memory / MEBIBYTE:.1f} MiB",
                f"after {WARM}",
                f"{before[name][0] / MEBIBYTE:.1f} MiB",
                growth,
                f"<= {GROWTH_BAR} x",
                growth <= GROWTH_BAR,
            ),
            Row(
                f"descriptors of {name}",
                str(opened),
                f"after {WARM}",
                str(before[name][1]),
                bar="the same",
                met=opened == before[name][1],
            ),
        ]
    return found


def move_on(lab: Existing, stream: Stream, count: int) -> float:
    """Move the mobile node so many times, each time as soon as it is registered; return the longest registration."""
    slowest = 0.0
    for _ in range(count):
        link = FOREIGN[lab.state.node("mn").links["eth0"] == FOREIGN[0]]
        namespaces.move(lab.ground, lab.state, "mn", link, LINK_GAP_S)
        began, received = time.monotonic(), len(stream.received)
        while len(stream.received) == received or not is_registered(lab.state, link):
            stream.take(POLL_S)
            if time.monotonic() > began + LONGEST_S:
                raise TimeoutError(f"no registration and no datagram on {link} after {LONGEST_S:g} s")
        slowest = max(slowest, time.monotonic() - began)
    return slowest


# Killed.


def left(place: Place, before: frozenset[str]) -> frozenset[str]:
    """Return what there is that was not there before."""
    return machine(place) - before


def machine(place: Place) -> frozenset[str]:
    """Return what a lab could leave: namespaces and mounts of its name, interfaces, processes, files."""
    name = f"mipsh-{place.name}-"
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return frozenset(
        [
            *(f"namespace {path.name}" for path in Path(DIRECTORY).glob(f"{name}*")),
            *(f"mount {line}" for line in mounts if name in line),
            *(f"interface {found}" for found in links.names()),
            *(f"process {found.pid}" for found in processes.marked(place.mark)),
            *(f"file {path}" for path in place.sockets.parent.rglob("*")),
        ]
    )


def kill_rows() -> list[Row]:
    """Return the lines of what was killed."""
    dice = random.Random(SEED)
    counts = {"lab up": 0, "mipd": 0, "lab down": 0}
    dirty: list[str] = []
    began = time.monotonic()
    for number in range(KILLS):
        with runtime() as variables:
            place = place_of(variables, new_name())
            before = machine(place)
            way = (kill_up, kill_nodes, kill_down)[number % 3]
            counts[tuple(counts)[number % 3]] += way(place, variables, dice)
            finished(variables, place, "down")
            dirty += sorted(left(place, before))
    killed, bar = sum(counts.values()), "nothing"
    return [
        Row("labs", f"{KILLS}"),
        Row("processes killed", f"{killed}", bar=f">= {KILLS}", met=killed >= KILLS),
        *(Row(f"  of them {name}", str(count)) for name, count in counts.items()),
        Row("left behind 'lab down'", f"{len(dirty)}: {dirty[0]}" if dirty else "nothing", bar=bar, met=not dirty),
        Row("time for all", f"{time.monotonic() - began:.0f} s"),
    ]


def started(variables: Mapping[str, str], place: Place, *words: str) -> subprocess.Popen[bytes]:
    """Start a command about a lab."""
    argv = [MIPSH, "--quiet", "lab", words[0], "--name", place.name, *words[1:]]
    return subprocess.Popen(argv, env=dict(variables), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def finished(variables: Mapping[str, str], place: Place, *words: str) -> None:
    """Run a command about a lab to its end; raises OSError where it fails."""
    with started(variables, place, *words) as process:
        if process.wait():
            raise OSError(f"lab {' '.join(words)} ended with status {process.returncode}")


def killed_at(process: subprocess.Popen[bytes], after_s: float) -> bool:
    """Kill a process after a time; tell whether it ran until then."""
    with process:
        time.sleep(after_s)
        runs = process.poll() is None
        process.kill()
    return runs


def kill_up(place: Place, variables: Mapping[str, str], dice: random.Random) -> int:
    """Kill what builds, and perhaps a node."""
    count = killed_at(started(variables, place, "up"), dice.uniform(0.0, LONGEST_UP_S))
    if dice.random() < ALSO_A_NODE:
        kill_some(place, dice)
    return int(count)


def kill_nodes(place: Place, variables: Mapping[str, str], dice: random.Random) -> int:
    """Kill nodes, while one moves."""
    finished(variables, place, "up")
    with started(variables, place, "move", "mn", FOREIGN[1]) as moving:
        time.sleep(dice.uniform(0.0, LONGEST_DOWN_S))
        count = kill_some(place, dice)
        moving.kill()
    return count


def kill_down(place: Place, variables: Mapping[str, str], dice: random.Random) -> int:
    """Kill what removes."""
    finished(variables, place, "up")
    return int(killed_at(started(variables, place, "down"), dice.uniform(0.0, LONGEST_DOWN_S)))


def kill_some(place: Place, dice: random.Random) -> int:
    """Kill some processes of a lab; return how many."""
    there = processes.marked(place.mark)
    chosen = dice.sample(there, min(len(there), dice.randint(1, MOST_KILLED)))
    for process in chosen:
        processes.kill(process)
    return len(chosen)


# Broken packets.


def storm() -> str:
    """Put a million broken packets on the links; return the report."""
    title = "Broken packets on real links"
    if not is_possible():
        return report(title, [NOT_MEASURED], [])
    with ExitStack() as stack:
        found = storm_rows(stack, stack.enter_context(built()))
    notes = [f"seed {SEED}, half at the home agent and half at the mobile node, as fast as they are made"]
    return report(title, notes, found)


def storm_rows(stack: ExitStack, lab: Existing) -> list[Row]:
    """Return the lines of the broken packets."""
    state = lab.state
    path = stack.enter_context(guest(lab, "evil", "home", FOREIGN[0]))
    ports = [stack.enter_context(lab_links.inside(path, partial(opened, name))) for name in ("eth0", "eth1")]
    storm = Storm(ports, [link_layer(state, name) for name in ("ha", "mn")], packets_of(state))
    before = held(state)
    rows_of_both: list[Row] = []
    for what, count, is_whole in (("damaged packets", BROKEN, False), ("packets made whole again", FORGED, True)):
        rate = storm.throw(count, is_whole=is_whole)
        rows_of_both += [
            Row(what, f"{count:,}"),
            Row("  a second", f"{rate:,.0f}/s"),
            alive_row(state),
            *([] if is_whole else [well_row(stack, state)]),
            *kept_rows(state, before),
        ]
    sent, lost = storm.sent, dropped(state)
    total = Row("packets put on the links", f"{sent:,}", bar=f">= {BROKEN + FORGED:,}", met=sent >= BROKEN + FORGED)
    return [*rows_of_both, total, Row("  of them lost to full queues", f"{lost:,}")]


def opened(interface: str) -> PacketSocket:
    """Return a port on an interface of the namespace that the thread is in."""
    links.prepare(interface)
    return PacketSocket(interface)


def alive_row(state: LabState) -> Row:
    """Return the line of the processes, which must be those that were started, and answer."""
    running = pids(state)
    answer = [name for name, pid in running.items() if processes.find(pid) and rows(state.node(name), "statistics")]
    return Row("  mipd that answer", f"{len(answer)} of {len(running)}", bar="all", met=len(answer) == len(running))


def well_row(stack: ExitStack, state: LabState) -> Row:
    """Return the line of how soon all is as it was."""
    try:
        taken = until(partial(is_well, stack, state), "registration", WELL_BAR_S)
    except TimeoutError:
        return Row("  registered, reaches the correspondent", "not again", bar=f"<= {WELL_BAR_S:g} s", met=False)
    return Row("  registered, reaches the correspondent", f"after {taken:.1f} s", bar=f"<= {WELL_BAR_S:g} s", met=True)


def kept_rows(state: LabState, before: Mapping[str, tuple[int, int]]) -> list[Row]:
    """Return the lines of what the processes hold."""
    found = []
    for name, (memory, opened) in held(state).items():
        is_met = memory - before[name][0] <= MEMORY_BAR and opened == before[name][1]
        found.append(
            Row(
                f"  memory of {name}",
                f"{memory / MEBIBYTE:.1f} MiB",
                "before",
                f"{before[name][0] / MEBIBYTE:.1f} MiB",
                memory / before[name][0],
                f"+ <= {MEMORY_BAR / MEBIBYTE:.0f} MiB",
                is_met,
            )
        )
    for name, tables in TABLES.items():
        count = sum(len(rows(state.node(name), table)) for table in tables)
        found.append(Row(f"  bindings at {name}", f"{count:,}", bar=f"<= {MOST_ROWS:,}", met=count <= MOST_ROWS))
    return found


def is_well(stack: ExitStack, state: LabState) -> bool:
    """Tell whether the mobile node is registered and reaches the correspondent."""
    if not is_registered(state, state.node("mn").links["eth0"]):
        return False
    try:
        Trips(stack, state.node("mn").namespace, CORRESPONDENT).one()
    except (OSError, TimeoutError):
        return False
    return True


def link_layer(state: LabState, name: str) -> bytes:
    """Return the link-layer address of a node."""
    return lab_links.inside(state.node(name).namespace, lambda: links.link_layer("eth0"))


def packets_of(state: LabState) -> list[bytes]:
    """Return valid packets of every kind, from and to the addresses of a lab."""
    (entry,) = (row for row in rows(state.node("mn"), "binding_update_list") if row["registration"] == "home")
    home, care_of = parse(home_address()), parse(entry["care_of_address"])
    return [healed(data.replace(HOME_ADDRESS, home).replace(CARE_OF, care_of)) for data in valid_packets()]


class Storm:
    """Broken packets for the links that some ports are on."""

    def __init__(self, ports: Sequence[PacketSocket], targets: Sequence[bytes], packets: Sequence[bytes]) -> None:
        self.sent = 0
        self._ports = ports
        self._targets = targets
        self._packets = packets
        self._dice = random.Random(SEED)

    def throw(self, count: int, *, is_whole: bool) -> float:
        """Put so many on the links in turn, damaged or made whole again; return how many that was a second."""
        began, end = time.monotonic(), self.sent + count
        while self.sent < end:
            data = broken(self._packets, self._dice)
            whole = healed(data)
            which = self.sent % len(self._ports)
            if is_whole:
                self.sent += self._ports[which].send(self._targets[which], whole)
            elif whole != data or not isinstance(decode(data), Packet):
                self.sent += self._ports[which].send(self._targets[which], data)
        return count / (time.monotonic() - began)
