"""``mtu``: which packet sizes fit on the paths to a host, and which vanish."""

import time

from mipsh.action.handover import peer_watch
from mipsh.action.sizes import Watched, measure
from mipsh.commands.move import in_lab
from mipsh.errors import MipshError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.lab.existing import inside
from mipsh.lab.state import Kind
from mipsh.linux import echo_ends
from mipsh.linux.addresses import Address, global_addresses
from mipsh.linux.echo_socket import Target
from mipsh.model.path_mtus import PATH_MTUS, PathMtu
from mipsh.model.shell import HOW, How
from mipsh.path_mtu.advice import Verdict
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

STATUSES = {
    Verdict.OK: ExitStatus.OK,
    Verdict.BLACK_HOLE: ExitStatus.CONDITION_NOT_MET,
    Verdict.NO_REPLY: ExitStatus.CONDITION_NOT_MET,
    Verdict.UNKNOWN: ExitStatus.COULD_NOT_TELL,
}


def run(session: Session, host: str, source: str = "", interface: str = "") -> Result:
    """Measure the paths to a host, and return what fits on each."""
    if session.permission.dry_run:
        return Result(HOW, how(session, host, source, interface), taken_at=time.time())
    own = global_addresses()
    homes = echo_ends.home_addresses(own, _named_homes(session))
    wanted = targets(host, source, interface, own, homes)
    watched = _watched(session, wanted[0].destination)
    known = echo_ends.known(own, homes)
    rows = [measure(target, known, is_home=target.source in homes, watched=watched) for target in wanted]
    status = max(STATUSES[Verdict(row.verdict)] for row in rows)
    if any(STATUSES[Verdict(row.verdict)] is ExitStatus.CONDITION_NOT_MET for row in rows):
        status = ExitStatus.CONDITION_NOT_MET
    return Result(PATH_MTUS, rows, None, time.time(), summary(rows), warnings=_warnings(rows), status=status)


def targets(host: str, source: str, interface: str, own: list[Address], homes: list[str]) -> list[Target]:
    """Return what is to be measured: one source that was named, else each kind of source that the node has.

    Raises UsageError, MipshError for a name that is not known.
    """
    first = echo_ends.target(f"{host}%{interface}" if interface else host, source, own, homes, None)
    if first.destination in {one.address for one in own}:
        raise UsageError(f"{first.destination} is this node's own address", "no packet to itself leaves a node")
    if source or not homes:
        return [first]
    words = ["home"]
    try:
        echo_ends.target(host, "care-of", own, homes, None)
        words.append("care-of")
    except MipshError:
        words = ["home"]
    return [echo_ends.target(host, word, own, homes, None) for word in words]


def _named_homes(session: Session) -> tuple[str, ...]:
    """Return the home addresses that an engine names, if one is in use or configured; none is needed."""
    try:
        return session.engine().home_addresses if _has_engine(session) else ()
    except MipshError:
        return ()


def _has_engine(session: Session) -> bool:
    return session.connector is not None or bool(session.settings.engine)


def _watched(session: Session, destination: str) -> Watched | None:
    """Return what makes a watch at the peer, where it is in the same lab as the engine in use."""
    try:
        found = in_lab(session) if _has_engine(session) else None
        if found is None or found[0].state.kind is Kind.SIMULATED:
            return None
        return peer_watch(inside(session.environment.variables, found[0].state.name), destination)
    except MipshError:
        return None


def summary(rows: list[PathMtu]) -> str:
    """Return what was found of each path in a sentence, and what to do."""
    lines = [""]
    for row in rows:
        lines.append(row.sentence)
        lines += [f"  → {row.advice}"] if row.advice else []
    return "\n".join(lines)


def _warnings(rows: list[PathMtu]) -> tuple[Notice, ...]:
    said = dict.fromkeys(text for row in rows for text in row.ignored)
    return tuple(Notice("not_believed", f"a Packet Too Big was not believed: {text}") for text in said)


def how(session: Session, host: str, source: str = "", interface: str = "") -> list[How]:
    """Say how the same is found by hand."""
    by = f" -I {source or interface}" if source or interface else ""
    clause = "RFC 8201; RFC 4443 section 3.2"
    return [
        How("see which interface is used, and what it takes", "netlink", f"ip -6 route get {host}; ip link show"),
        How(
            "send echoes that are not cut, of ever other sizes",
            "packet",
            f"ping -6 -M probe -s 1452{by} {host}",
            clause,
        ),
        How(
            "see who refuses them, and what is around them",
            "packet",
            "tcpdump -n -v -i any 'icmp6 and ip6[40] == 2 or ip6 proto 41 or ip6 proto 60 or ip6 proto 43'",
            "RFC 6275 sections 6.3, 6.4; RFC 2473 section 7",
        ),
    ]


COMMAND = Command(
    "mtu",
    "find which packet sizes fit on the paths to a host",
    run,
    (Argument("host", Takes.ADDRESS, "whom to: an address or a name; a home address, where it is mobile"),),
    (
        Option(
            "--source",
            "from: an address, home, care-of; none: each that the node has",
            Takes.WORD,
            "-I",
            metavar="FROM",
        ),
        Option("--interface", "leave by this interface", Takes.WORD, metavar="IFACE"),
    ),
    table=PATH_MTUS.name,
    details=(
        "Echo requests of ever other sizes, none of them cut, find the largest that is answered: on a mobile node from "
        "the home address, by the way that is in use (ro: 24 bytes are added; tunnel: 40, or 48 with the encapsulation "
        "limit; more with ESP), and from the care-of address, past Mobile IPv6. At most 60 probes for each search, at "
        "least 20 ms apart, each silent size tried three times. A Packet Too Big counts if it quotes the probe and "
        "says no less than 1280; sizes that vanish though smaller ones fit are a black hole. Where the peer is in "
        "the same lab as the engine in use, it is seen on which way. Sizes are those of whole packets as programs send "
        "them.\n"
        "It cannot be passive: what nobody sends, nobody refuses. It needs CAP_NET_RAW and changes nothing of the "
        "node; a first packet to a correspondent starts return routability.\n"
        "Status 0: no black hole; 1: a black hole, or no reply; 3: could not tell."
    ),
    examples=(
        ("mtu 2001:db8:4::2", "on a mobile node: by the route in use, and directly"),
        ("mtu 2001:db8:1::100 --json", "from a correspondent to a mobile node, for a script"),
    ),
    how=how,
    changes=Changes.PROBE,
)
