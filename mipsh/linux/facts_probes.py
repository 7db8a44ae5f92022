"""What takes packets to learn, for checks that are told to send some: one echo, and which way it went."""

from collections.abc import Callable, Mapping

from mipsh.checks.sources import Seen
from mipsh.errors import UsageError
from mipsh.linux.addresses import global_addresses
from mipsh.paths.echo import Known, Way
from mipsh.wire.address import parse

ECHO_WAIT_S = 2.0


def probe(argument: str) -> tuple[object, str]:
    """Do a probe, ``echo PEER [SOURCE]``; raises UsageError for another one, RefusedError without CAP_NET_RAW."""
    kind, *words = argument.split()
    if kind not in PROBES:
        raise UsageError(f"there is no probe '{kind}'", f"there are: {', '.join(PROBES)}")
    return PROBES[kind](*words), f"{kind} {' '.join(words)}"


def echo(peer: str, source: str = "") -> Seen:
    """Send one echo request; the answer is the way of the request: ro, tunnel, direct, none.

    A first packet to a correspondent node starts return routability.
    """
    from mipsh.linux.echo_socket import Target
    from mipsh.linux.echoes import Pace, Prober

    addresses = global_addresses()
    own = frozenset(parse(one.address) for one in addresses)
    homes = frozenset(parse(one.address) for one in addresses if one.is_home)
    pace = Pace(count=1, wait_s=ECHO_WAIT_S)
    with Prober(Target(peer, source), pace, Known(own, homes, frozenset((parse(peer),)))) as prober:
        for settled in prober.run(lambda: False):
            path = settled.outcome.path
            lines = (f"request: {_words(path.request)}", f"reply: {_words(path.reply)}", settled.outcome.error)
            return Seen(path.request.route.value, tuple(line for line in lines if line))
    return Seen("none", ("the echo was not sent",))


def _words(way: Way) -> str:
    said = [way.route.value]
    if way.outer_source:
        said.append(f"{way.outer_source} to {way.outer_destination} on {way.interface}")
    said += [f"Home Address option {way.home_address}"] if way.home_address else []
    said += [f"routing header for {way.routed_to}"] if way.routed_to else []
    return ", ".join(said)


PROBES: Mapping[str, Callable[..., Seen]] = {"echo": echo}
