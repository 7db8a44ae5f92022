"""How a lab stands: who is where, who has a tunnel, and whose route is optimised; as rows and as a drawing.

What the nodes say comes as their tables; a node that could not be asked has none.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from mipsh.lab.state import Impairment, LabState, NodeState
from mipsh.linux.processes import is_alive
from mipsh.model.address import within
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.model.shell import LabLinkReport, LabNodeReport

HOME_LINK = "home"
MOBILE, HOME_AGENT, CORRESPONDENT = "mn", "ha", "cn"
WIDTH = 80
PREFIXES = {
    "home": "2001:db8:1::/64",
    "foreign1": "2001:db8:2::/64",
    "foreign2": "2001:db8:3::/64",
    "correspondent": "2001:db8:4::/64",
}
"""The prefixes of the links; a test holds them and the plan together."""
CORRESPONDENTS = "2001:db8:4::{:x}"


class Tables(Struct, frozen=True):
    """What a node said: its binding update list and its binding cache; ``answers`` tells whether it said anything."""

    answers: bool = False
    updates: tuple[BindingUpdateListEntry, ...] = ()
    cache: tuple[BindingCacheEntry, ...] = ()


def reports(state: LabState, said: Mapping[str, Tables]) -> list[LabNodeReport]:
    """Return a row for each node."""
    names = addresses(state)
    return [_report(state, node, said.get(node.name, Tables()), names) for node in state.nodes.values()]


def links(state: LabState) -> list[LabLinkReport]:
    """Return a row for each link."""
    found = []
    for link in state.links:
        wrong = state.impairments.get(link, Impairment())
        nodes = tuple(node.name for node, _ in state.on(link))
        found.append(LabLinkReport(link, PREFIXES[link], nodes, wrong.loss * 100, wrong.delay_s * 1000))
    return found


def addresses(state: LabState) -> dict[str, str]:
    """Return the names of nodes by the addresses that others know them by."""
    found = {"2001:db8:1::1": "ha"}
    correspondents = [node for node in state.nodes.values() if node.role == CORRESPONDENT]
    found |= {CORRESPONDENTS.format(number): node.name for number, node in enumerate(correspondents, 2)}
    found |= {node.home_address: node.name for node in state.nodes.values() if node.home_address}
    return found


def _report(state: LabState, node: NodeState, said: Tables, names: Mapping[str, str]) -> LabNodeReport:
    home = next((entry for entry in said.updates if entry.registration == "home"), None)
    is_registered = home is not None and home.state == "bound"
    direct = [
        names.get(entry.peer_address or "", entry.peer_address or "")
        for entry in said.updates
        if entry.registration == "correspondent" and entry.state == "bound"
    ]
    return LabNodeReport(
        state.name,
        node.name,
        node.role,
        tuple(node.links.values()),
        _state(node, said, home),
        node.home_address,
        home.care_of_address if home is not None and is_registered else None,
        tuple(sorted(direct)),
        f"mipd://{node.control}",
        node.namespace or None,
        node.process.pid if node.process is not None else None,
    )


def _state(node: NodeState, said: Tables, home: BindingUpdateListEntry | None) -> str:
    """Return how a node is: a mobile node is home when it has no registration left, not before."""
    if node.process is None or not is_alive(node.process):
        return "down"
    if not said.answers:
        return "silent"
    if node.role != MOBILE:
        return "running"
    if home is not None and home.state == "bound":
        return "registered"
    return "home" if home is None and HOME_LINK in node.links.values() else "away"


def has_arrived(row: LabNodeReport) -> bool:
    """Tell whether a mobile node is known to be where it is: at home, or registered from its link."""
    if HOME_LINK in row.links:
        return row.state == "home"
    return row.state == "registered" and any(within(row.care_of_address or "", PREFIXES[link]) for link in row.links)


# The drawing.


class Pen(Struct, frozen=True):
    """What lines are drawn with."""

    first: str = "┬"
    middle: str = "┼"
    last: str = "┴"
    line: str = "──"
    tunnel: str = "═══"
    direct: str = "───"
    left: str = "◀"
    right: str = "▶"


BOXES = Pen()
ASCII = Pen("+", "+", "+", "--", "===", "---", "<", ">")


def drawing(state: LabState, rows: Iterable[LabNodeReport], pen: Pen = BOXES) -> str:
    """Return the topology as lines of at most 80 columns: links with who is on them, then who talks how."""
    found = list(rows)
    return "\n".join(line[:WIDTH].rstrip() for line in [*_links(state, pen), *_paths(found, pen)])


def _links(state: LabState, pen: Pen) -> Iterator[str]:
    shown = links(state)
    down = {node.name for node in state.nodes.values() if node.process is None}
    for number, link in enumerate(shown):
        joint = pen.first if number == 0 else pen.last if number == len(shown) - 1 else pen.middle
        nodes = [f"{name} (down)" if name in down else name for name in link.nodes if name != "r1"]
        wrong = [f"loses {link.loss_percent:g} %"] * bool(link.loss_percent)
        wrong += [f"takes {link.delay_ms:g} ms"] * bool(link.delay_ms)
        note = f"   ({', '.join(wrong)})" if wrong else ""
        lead = f"  {link.link:<14}{link.prefix:<17}{pen.line}{joint}{pen.line} "
        yield f"{lead}{'  '.join(nodes)}{note}"
    yield f"{'':<35}{'r1'}"


def _paths(rows: list[LabNodeReport], pen: Pen) -> Iterator[str]:
    for row in rows:
        if row.role != MOBILE:
            continue
        yield f"  {row.node:<5}{row.home_address or '':<18} {_where(row)}"
        if row.state == "registered":
            yield f"       {HOME_AGENT:<6}{pen.tunnel} tunnel {pen.tunnel} {row.node}"
        for peer in row.direct:
            yield f"       {peer:<6}{pen.left}{pen.direct} direct {pen.direct}{pen.right} {row.node}"


def _where(row: LabNodeReport) -> str:
    link = ", ".join(row.links)
    if row.care_of_address:
        return f"is at {link}, {row.care_of_address}"
    shown = {"home": "is at home", "away": f"is at {link}, not registered"}
    return shown.get(row.state, f"is {row.state}, at {link}")
