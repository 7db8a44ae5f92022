"""Checks of the daemon's virtual terminal: whether it can be there, who holds it, and who reaches it."""

from collections.abc import Iterable

from mipsh.checks.check import About, Area, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import ENGINE, Facts
from mipsh.checks.sources import ROOT, Key, Socket, Unreadable
from mipsh.model.findings import By, Severity
from mipsh.plugins.checks.daemon_words import ALL, DAEMON, answers, port

AREA = Area("daemon", "")
SOURCE = "UMIP src/vt.c"
LISTEN, ESTABLISHED = "LISTEN", "ESTABLISHED"
LO, LOOPBACK, LOOPBACKS = "lo", "127.", ("::1", "127.")
USERS = range(1000, 65534)
"""The numbers of those who are people."""
STUCK_S = 2


def listeners(facts: Facts) -> list[Socket]:
    """Return the sockets that listen at the port of the virtual terminal."""
    return [one for one in facts.sockets if one.state == LISTEN and one.local_port == port(facts)]


def connections(facts: Facts, at: int) -> list[Socket]:
    """Return the daemon's ends of the connections to the virtual terminal."""
    return [one for one in facts.sockets if one.state == ESTABLISHED and one.local_port == at]


def ends(socket: Socket) -> str:
    """Return the far end of a connection, as text."""
    return f"[{socket.remote}]:{socket.remote_port}"


def client(sockets: Iterable[Socket], far: Socket) -> str:
    """Return who holds the other end of a connection."""
    ours = (far.remote, far.remote_port, far.local_port)
    owners = (one.owner for one in sockets if (one.local, one.local_port, one.remote_port) == ours)
    return next((one for one in owners if one), "somebody who cannot be seen")


@AREA.check(
    About(
        "MIP-206",
        "localhost leads nowhere: a daemon with a virtual terminal ends at its start",
        Severity.HIGH,
        roles=ALL,
        needs=(Key.TN,),
        remedy=("ip link set lo up", "/etc/hosts: ::1 localhost"),
        reference=SOURCE,
        boot=True,
    )
)
def localhost(facts: Facts) -> Judgements:
    """mip6d opens its virtual terminal at what the name localhost stands for, and ends (exit 1) where it cannot.

    The name has to resolve, to an address that the interface lo of this network namespace has: lo has to be up.
    """
    if answers(facts):
        yield passed("the virtual terminal answers", by=By.BEHAVIOUR)
        return
    if not any(link.name == LO and link.is_up for link in facts.links):
        yield affected("the interface lo is down", expected="up", evidence=(facts.saw(Key.TN, "lo is not up"),))
        return
    names = facts.localhost
    own = {one.address for one in facts.addresses if one.interface == LO}
    said = (facts.saw(Key.SK, f"localhost: {', '.join(names) or 'nothing'}", "localhost"),)
    if not names:
        yield affected("localhost does not resolve", expected="::1 or 127.0.0.1", evidence=said)
    elif not any(one in own or one.startswith(LOOPBACK) for one in names):
        yield affected("localhost is no address of lo", expected="::1 or 127.0.0.1", evidence=said)
    else:
        yield passed("localhost is an address of lo, which is up", evidence=said)


@AREA.check(
    About(
        "MIP-207",
        "somebody else listens at the port of the virtual terminal",
        Severity.HIGH,
        roles=ALL,
        needs=(Key.SK,),
        remedy=("ss -tlnp sport = 7777", "stop that program, or start mip6d with --vt-service PORT"),
        reference=SOURCE,
        boot=True,
    )
)
def taken_port(facts: Facts) -> Judgements:
    """Where the port is taken, mip6d cannot bind its virtual terminal to any address, and ends."""
    there = listeners(facts)
    if not there:
        yield passed("nobody listens there", evidence=(facts.saw(Key.SK, f"no LISTEN at port {port(facts)}"),))
    for one in there:
        subject = f"[{one.local}]:{one.local_port}"
        said = (facts.saw(Key.SK, f"LISTEN {subject} of {one.owner or 'somebody who cannot be seen'}"),)
        if one.owner is not None and not one.owner.startswith(f"{DAEMON} "):
            yield affected(f"{one.owner} listens there", subject, expected=DAEMON, evidence=said)
        elif one.owner is not None or answers(facts):
            yield passed("mip6d listens there", subject, evidence=said)
        else:
            yield unknown("who listens there cannot be seen", subject, evidence=said, privilege=ROOT)


@AREA.check(
    About(
        "MIP-208",
        "the only place at the virtual terminal is taken",
        Severity.LOW,
        roles=ALL,
        needs=(Key.SK,),
        remedy=("end that client, or wait for it: --wait 30",),
        reference=SOURCE,
    )
)
def taken_place(facts: Facts) -> Judgements:
    """The virtual terminal serves one client: a second one is accepted, and closed without a word.

    The daemon lives nevertheless. A client that stays connected keeps everybody else out.
    """
    there = connections(facts, port(facts))
    for one in there:
        who = client(facts.sockets, one)
        yield affected(f"{who} holds it", ends(one), evidence=(facts.saw(Key.SK, f"ESTABLISHED from {ends(one)}"),))
    if there:
        return
    said = (facts.saw(Key.SK, f"no ESTABLISHED at port {port(facts)}"),)
    if _is_refused(facts):
        yield affected("it was closed without a word", evidence=said, by=By.BEHAVIOUR)
    else:
        yield passed("nobody holds it", evidence=said)


def _is_refused(facts: Facts) -> bool:
    """Tell whether the daemon had another client when it was asked."""
    try:
        facts.datum(Key.VT, ENGINE)
    except Unreadable as error:
        return "another client holds its only slot" in error.reason
    return False


@AREA.check(
    About(
        "MIP-209",
        "a client of the virtual terminal that does not read",
        Severity.HIGH,
        roles=ALL,
        needs=(Key.SK,),
        remedy=("end that client",),
        reference=f"{SOURCE}, src/bcache.c (bc_lock)",
        windowed=True,
    )
)
def unread_output(facts: Facts) -> Judgements:
    """mip6d prints its tables with their locks held, into a socket that blocks when nobody reads: mobility stops.

    The daemon's end of the connection has data to send, and in at least two seconds none of it left.
    """
    there = connections(facts, port(facts))
    if not there:
        yield passed("nobody is connected", evidence=(facts.saw(Key.SK, f"no ESTABLISHED at port {port(facts)}"),))
        return
    before = {one.inode: one.send_queue for one in connections(facts.earlier, port(facts))}
    for one in there:
        said = (facts.saw(Key.SK, f"Send-Q {one.send_queue}, {before.get(one.inode, 'not there')} before"),)
        if not one.send_queue or before.get(one.inode) != one.send_queue:
            yield passed("what was sent is read", ends(one), evidence=said)
        elif facts.window_s < STUCK_S:
            yield unknown(f"the window is shorter than {STUCK_S} s", ends(one), evidence=said)
        else:
            who = client(facts.sockets, one)
            observed = f"{who} leaves {one.send_queue} bytes unread"
            yield affected(observed, ends(one), evidence=said, by=By.BEHAVIOUR)


@AREA.check(
    About(
        "MIP-210",
        "a virtual terminal that others reach, where nobody is asked who they are",
        Severity.CRITICAL,
        roles=ALL,
        needs=(Key.SK,),
        remedy=(
            "/etc/hosts: localhost is ::1 and 127.0.0.1, and nothing else; then restart mip6d",
            "nft add rule inet filter output oif lo tcp dport 7777 meta skuid != 0 reject",
            "or build mip6d without --enable-vt",
        ),
        reference=SOURCE,
    )
)
def exposed(facts: Facts) -> Judgements:
    """Whoever reaches the virtual terminal reads all bindings, and at a home agent makes and deletes them.

    It is bound to what localhost stands for; elsewhere than on the loopback it is open to the network. On the
    loopback it is open to every user of this host.
    """
    ours = [one for one in listeners(facts) if (one.owner or "").startswith(f"{DAEMON} ") or _is_seen(facts, one)]
    users = {one.user for one in facts.sockets if one.user in USERS}
    if not ours:
        unseen = [one for one in listeners(facts) if one.owner is None]
        yield unknown("who listens cannot be seen", privilege=ROOT) if unseen else not_applicable("mip6d has none here")
    for one in ours:
        subject = f"[{one.local}]:{one.local_port}"
        said = (facts.saw(Key.SK, f"LISTEN {subject} of {one.owner or DAEMON}"),)
        if not one.local.removeprefix("::ffff:").startswith(LOOPBACKS):
            yield affected("it is open to the network", subject, expected="the loopback", evidence=said)
        elif len(users) > 1:
            observed = f"it is open to all users of this host: {len(users)} of them use it now"
            yield likely(observed, subject, evidence=said, by=By.STRUCTURE, severity=Severity.MEDIUM)
        else:
            yield passed("it is open to the users of this host only", subject, evidence=said)


def _is_seen(facts: Facts, socket: Socket) -> bool:
    """Tell whether a socket whose owner cannot be seen is mip6d's, which answers there."""
    return socket.owner is None and answers(facts)
