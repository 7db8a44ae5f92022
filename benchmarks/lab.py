"""The lab on real namespaces: from nothing to the demo's prompt, handovers under traffic, round trips.

Handovers: a stream of 100 datagrams a second goes from the correspondent to the mobile node, whose route
to it is optimised, and which moves between the foreign links. The bound is that of ``mipsh.lab.handover``:
links of a lab have no delay, so it is how long the router waited with its advertisement, duplicate address
detection where that is waited for, and one interval of the stream, for which the next datagram may keep
one waiting. Peer of the registration is mip6d on Linux, without duplicate address detection, as recorded.

Round trips: what one mipd adds, between hosts of the kernel's on its two sides, and at the end, between a
program and a host of the kernel's; beside it two hosts of the kernel's on one such bridge.
"""

import random
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from statistics import median

from forwarding import ECHO_REQUEST, echo_socket, give, microseconds
from labs import CORRESPONDENT, NOT_MEASURED, built, guest, is_possible, runtime
from measure import Row, interleaved, ms, report
from processes import MIPSH, prompt_s, run_s

from mipsh.lab.existing import Existing
from mipsh.lab.measured import measure_move
from mipsh.lab.plan import FOREIGN
from mipsh.linux import lab_links
from mipsh.model.handovers import HandoverReport

TITLE = "The lab on real namespaces"
PROMPT_ROUNDS = 7
PROMPT_BAR_S = 5.0
MOVES, WARM_MOVES = 15, 2
LINK_GAP_S, INTERVAL_S = 0.05, 0.01
SEED = 6275
MIP6D_S = 1.7
"""From the link to the acknowledged registration, in the recordings of mip6d 1.0."""
MIP6D_BAR = 0.5
BOUND_BAR = 1.5
DETECTIONS = {"without DAD": (0, False), "optimistic DAD": (1, True), "with DAD": (1, False)}
"""How many probes there are for duplicates of a care-of address, and whether it is used meanwhile."""
WAITS_FOR_DETECTION = "with DAD"
STEPS = {
    "link to Router Solicitation": ("link_up_ms", "solicited_ms"),
    "to Router Advertisement": ("solicited_ms", "advertised_ms"),
    "to Binding Update": ("advertised_ms", "update_sent_ms"),
    "to Binding Acknowledgement": ("update_sent_ms", "acknowledged_ms"),
    "to the first datagram": ("acknowledged_ms", "first_packet_ms"),
}

ROUNDS, TRIPS, PAUSE_S, PATIENCE_S = 5, 60, 0.02, 2.0
ADDED_BAR_S = 0.0003
IDENTIFIERS = count(1)
NEAR, BESIDE, FAR = "2001:db8:4::a1", "2001:db8:4::a2", "2001:db8:1::a3"
NEAR_ROUTER, FAR_ROUTER = "2001:db8:4::1", "2001:db8:1::fe"


def main() -> str:
    """Measure and return the report."""
    if not is_possible():
        return report(TITLE, [NOT_MEASURED], [])
    notes = [
        f"{PROMPT_ROUNDS} interleaved runs to the prompt; {MOVES} handovers of each kind, medians",
        f"{ROUNDS} interleaved runs of {TRIPS} round trips with {PAUSE_S * 1000:g} ms between them",
        "handovers: the link is gone for 50 to 60 ms, by chance, which is not counted",
        "the bound: how long the router waited, DAD where it is waited for, and 10 ms, an interval of the stream",
    ]
    return report(TITLE, notes, [*prompt_rows(), *handover_rows(), *trip_rows()])


# From nothing to the prompt.


def prompt_rows() -> list[Row]:
    """Return the lines of how long it takes to build."""
    with runtime() as environment:
        until = partial(prompt_s, environment=environment)
        medians = interleaved(
            {
                "demo": lambda: until([MIPSH, "demo"], b"mn@mipd"),
                "recorded": lambda: until([MIPSH, "demo", "--recorded"], b"mn@umip"),
                "up": lambda: up_s(environment),
            },
            PROMPT_ROUNDS,
        )
    demo, recorded, up = medians["demo"], medians["recorded"], medians["up"]
    bar = f"<= {PROMPT_BAR_S:g} s"
    return [
        Row(
            "mipsh demo to its prompt, registered",
            ms(demo),
            "on a recording",
            ms(recorded),
            demo / recorded,
            bar,
            demo <= PROMPT_BAR_S,
        ),
        Row("mipsh lab up to its end, registered", ms(up), bar=bar, met=up <= PROMPT_BAR_S),
    ]


def up_s(environment: dict[str, str]) -> float:
    """Build a lab and remove it; return how long the first took."""
    taken = run_s([MIPSH, "--quiet", "lab", "up"], environment)
    run_s([MIPSH, "--quiet", "lab", "down"], environment)
    return taken


# Handovers.


def handover_rows() -> list[Row]:
    """Return the lines of the handovers."""
    rows: list[Row] = []
    dice = random.Random(SEED)
    for name, (transmits, is_optimistic) in DETECTIONS.items():
        with built(transmits=transmits, is_optimistic=is_optimistic) as lab:
            found = [moved(lab, FOREIGN[number % 2 - 1], dice) for number in range(WARM_MOVES + MOVES)]
        rows += detection_rows(name, found[WARM_MOVES:])
    return rows


def moved(lab: Existing, link: str, dice: random.Random) -> HandoverReport:
    """Move the mobile node, at any moment between two datagrams."""
    return measure_move(lab, "mn", link, LINK_GAP_S + dice.uniform(0.0, INTERVAL_S))


def detection_rows(name: str, found: Sequence[HandoverReport]) -> list[Row]:
    """Return the lines of the handovers of one kind."""
    waits = name == WAITS_FOR_DETECTION
    registered = middle(found, "link_up_ms", "acknowledged_ms")
    gaps = [between(one, "link_up_ms", "first_packet_ms") for one in found]
    gap, bound = median(gaps), median(bound_ms(one, waits) for one in found)
    to_mip6d, to_bound = registered / (MIP6D_S * 1000), gap / bound
    is_barred = not waits
    rows = [
        Row(
            f"link to acknowledged registration, {name}",
            f"{registered:.1f} ms",
            "mip6d without DAD",
            ms(MIP6D_S),
            to_mip6d,
            f"<= {MIP6D_BAR:g} x" if is_barred else "",
            to_mip6d <= MIP6D_BAR if is_barred else None,
        ),
        Row(
            f"link to first datagram, {name}",
            f"{gap:.1f} ms",
            "the bound",
            f"{bound:.1f} ms",
            to_bound,
            f"<= {BOUND_BAR:g} x",
            to_bound <= BOUND_BAR,
        ),
        Row("  the longest", f"{max(gaps):.1f} ms"),
    ]
    return rows + [Row(f"  {step}", f"{middle(found, *ends):.1f} ms") for step, ends in STEPS.items()]


def between(found: HandoverReport, one: str, other: str) -> float:
    """Return the milliseconds from one step to another; raises LookupError where one was not seen."""
    began, ended = getattr(found, one), getattr(found, other)
    if began is None or ended is None:
        raise LookupError(f"{one} or {other} was not seen")
    return float(ended) - float(began)


def middle(found: Sequence[HandoverReport], one: str, other: str) -> float:
    """Return the median of the milliseconds from one step to another."""
    return median(between(handover, one, other) for handover in found)


def bound_ms(found: HandoverReport, waits: bool) -> float:
    """Return the bound of a handover; what was waited by chance before the probe is taken from the trace."""
    if found.bound_ms is None:
        raise LookupError("a handover has no bound")
    return found.bound_ms + (between(found, "advertised_ms", "care_of_address_ms") if waits else 0.0)


# Round trips.


class Trips:
    """Echo requests from a namespace to an address, one at a time; others' replies are heard there too."""

    def __init__(self, stack: ExitStack, path: str, destination: str) -> None:
        self._socket: socket.socket = stack.enter_context(lab_links.inside(path, echo_socket))
        self._socket.settimeout(PATIENCE_S)
        self._destination = destination
        self._identifier = next(IDENTIFIERS)
        self._number = 0

    def one(self) -> float:
        """Return how long a round trip takes, in seconds; raises TimeoutError."""
        self._number = (self._number + 1) % (1 << 16)
        asked = struct.pack(">HH", self._identifier, self._number)
        began = time.perf_counter()
        self._socket.sendto(struct.pack(">BBH", ECHO_REQUEST, 0, 0) + asked, (self._destination, 0))
        while self._socket.recv(100)[4:8] != asked:
            continue
        return time.perf_counter() - began

    def many(self) -> float:
        """Return the median of many, with pauses in which everything is idle."""
        times = []
        for _ in range(TRIPS):
            time.sleep(PAUSE_S)
            times.append(self.one())
        return median(times)


@contextmanager
def host(lab: Existing, name: str, link: str, address: str, router: str) -> Iterator[str]:
    """Put a host of the kernel's on a link of a lab; yield its namespace."""
    with guest(lab, name, link) as path:
        lab_links.inside(path, lambda: give("eth0", address, router))
        yield path


def trip_rows() -> list[Row]:
    """Return the lines of the round trips."""
    with ExitStack() as stack:
        lab = stack.enter_context(built())
        near = stack.enter_context(host(lab, "near", "correspondent", NEAR, NEAR_ROUTER))
        stack.enter_context(host(lab, "beside", "correspondent", BESIDE, NEAR_ROUTER))
        stack.enter_context(host(lab, "far", "home", FAR, FAR_ROUTER))
        correspondent, mobile = (lab.state.node(name).namespace for name in ("cn", "mn"))
        subjects = {
            "kernels": Trips(stack, near, BESIDE),
            "router": Trips(stack, near, FAR),
            "program": Trips(stack, correspondent, NEAR),
            "direct": Trips(stack, mobile, CORRESPONDENT),
            "tunnel": Trips(stack, mobile, NEAR),
        }
        for trips in subjects.values():
            warm(trips)
        measured: Mapping[str, Callable[[], float]] = {name: trips.many for name, trips in subjects.items()}
        seen = interleaved(measured, ROUNDS)
    kernels = seen["kernels"]
    peer = "two kernels, one bridge"
    rows = []
    for name, subject in (("router", "through a router of mipsh"), ("program", "from a program behind a mipd")):
        added = seen[name] - kernels
        rows.append(
            Row(
                f"round trip {subject}, {microseconds(added)} added",
                microseconds(seen[name]),
                peer,
                microseconds(kernels),
                seen[name] / kernels,
                f"adds <= {microseconds(ADDED_BAR_S)}",
                added <= ADDED_BAR_S,
            )
        )
    for name, subject, engines in (
        ("direct", "mobile node to correspondent, direct: 3 mipd", 3),
        ("tunnel", "mobile node to a kernel, in the tunnel: 3 mipd, one of them twice", 4),
    ):
        each = (seen[name] - kernels) / engines
        label = f"round trip {subject}, {microseconds(each)} each"
        rows.append(Row(label, microseconds(seen[name]), peer, microseconds(kernels), seen[name] / kernels))
    return rows


def warm(trips: Trips) -> None:
    """Make trips until all neighbours know each other; raises TimeoutError."""
    for _ in range(TRIPS):
        try:
            trips.one()
        except TimeoutError:
            continue
        return
    raise TimeoutError("no answer")
