"""What bindings need of a kernel: healthy recordings have all of it, and each object is missed once it is gone."""

import pytest
from harness import NODES
from msgspec import structs
from recorded_views import CN, FIRST, HA, MN, MN2, MN2_AT, kernel

from mipsh.checks.sources import Proxy, Route, Rule
from mipsh.kernel_view import bindings
from mipsh.kernel_view.plumbing import Plumbing, of_kernel, plumb
from mipsh.kernel_view.things import Verdict
from mipsh.kernel_view.view import View
from mipsh.model.xfrm import Policy, State

FOUND: dict[tuple[str, str], list[tuple[str, str, str]]] = {
    # The policies for both ends mobile are there, and the binding that was kept for MN is not.
    ("08-returned-home", "mn2"): [
        ("missing", "state", f"route2 {MN2} to {MN}"),
        ("missing", "state", f"hao {MN} to {MN2}"),
    ],
    ("10-ha-dead", "mn"): [
        ("missing", "policy", f"out MH BU {MN} to {HA} priority 2, hao ro"),
        ("missing", "policy", f"in MH BA {HA} to {MN} priority 2, route2 ro"),
        ("missing", "policy", f"out {MN} to any priority 18, hao in_trigger"),
        ("missing", "route", "default dev ip6tnl1 table 252"),
    ],
}
"""By folder and node: what is missing or in vain; nothing on the others."""
COUNTS = {"cn": (8, 4), "ha": (9, 8)}
"""How many objects every node of a role has, and each binding that it keeps."""
TABLES = ("states", "policies", "addresses", "routes", "rules", "links", "proxies")


def plumbing(view: View, *homes: str) -> Plumbing:
    """Return the plumbing of the kernel's own bindings."""
    return plumb(view, of_kernel(view), bindings.role(view), homes)


def faults(found: Plumbing) -> list[tuple[str, str, str]]:
    """Return what is not as it should be."""
    return [
        (piece.verdict.value, piece.kind, piece.words or piece.evidence)
        for piece in found.pieces
        if piece.verdict is not Verdict.PRESENT
    ]


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_recorded_nodes(folder: str, node: str) -> None:
    """As written down; healthy ones have all that they need, and nothing else."""
    found = plumbing(kernel(folder, node))
    assert faults(found) == FOUND.get((folder, node), [])
    assert len({(piece.kind, piece.words) for piece in found.pieces}) == len(found.pieces), "each is named once"


@pytest.mark.parametrize(("folder", "node", "kept"), [("05-inter-mn", "ha", 2), ("03-route-optimised", "cn", 1)])
def test_how_many_there_are(folder: str, node: str, kept: int) -> None:
    """Those of every node, and those of each binding."""
    every, each = COUNTS[node]
    assert len(plumbing(kernel(folder, node)).pieces) == every + each * kept


BROKEN = [
    ("03-route-optimised", "mn"),
    ("05-inter-mn", "mn"),
    ("05-inter-mn", "ha"),
    ("03-route-optimised", "cn"),
    ("ipsec", "mn"),
]


@pytest.mark.parametrize(("folder", "node"), BROKEN)
def test_each_object_is_missed(folder: str, node: str) -> None:
    """A kernel without one of them lacks that very one: what the bindings are is said by the whole kernel."""
    view = kernel(folder, node)
    wanted, role = of_kernel(view), bindings.role(view)
    whole = plumb(view, wanted, role)
    missed = 0
    for table in TABLES:
        rows = getattr(view, table) or ()
        for at in range(len(rows)):
            less = structs.replace(view, **{table: rows[:at] + rows[at + 1 :]})
            gone = [piece for piece in plumb(less, wanted, role).pieces if piece.verdict is Verdict.MISSING]
            missed += len({piece.words for piece in gone}) > 0
            assert all(piece.kind != "policy" for piece in gone) or table == "policies"
    is_optional = [piece for piece in whole.pieces if piece.words.startswith("in MH BU any") and role == "mn"]
    # fe80::/64 and the kernel's own routes and rules are of no binding; each other object is needed once.
    assert missed >= len(whole.pieces) - len(is_optional)


def test_an_object_that_is_otherwise() -> None:
    """What is there in its place is the evidence."""
    view = kernel("05-inter-mn", "ha")

    def moved(state: State) -> State:
        is_meant = state.care_of_address == FIRST and state.protocol == 43
        return structs.replace(state, care_of_address="2001:db8:9::9") if is_meant else state

    wanted = of_kernel(view)
    found = plumb(structs.replace(view, states=tuple(map(moved, view.states or ()))), wanted, "ha")
    (piece,) = [piece for piece in found.pieces if piece.verdict is not Verdict.PRESENT]
    assert (piece.verdict, piece.words) == (Verdict.MISSING, f"route2 {HA} to {MN} at {FIRST}")
    assert piece.evidence == f"route2 {HA} to {MN} at 2001:db8:9::9"
    assert piece.purpose.startswith("puts the routing header")


def test_what_is_there_in_vain() -> None:
    """Objects of a binding that is in no list: each by its name, whichever table it is in."""
    view = kernel("05-inter-mn", "ha")
    wanted = [one for one in of_kernel(view) if one.home != MN2]
    found = faults(plumb(view, wanted, "ha"))
    assert {verdict for verdict, _, _ in found} == {"extra"}
    assert sorted(kind for _, kind, _ in found) == [
        *("policy", "policy", "proxy", "route", "route", "state", "state"),
        "tunnel",
    ]
    assert all(MN2 in words or MN2_AT in words for _, _, words in found)


def test_of_one_home_address() -> None:
    """The others' objects are left out; those of every node are not."""
    view = kernel("05-inter-mn", "ha")
    found = plumbing(view, MN2)
    homes = {None if piece.binding is None else piece.binding.home for piece in found.pieces}
    assert homes == {None, MN2} and faults(found) == []


@pytest.mark.parametrize("table", TABLES)
def test_what_cannot_be_read_is_neither_there_nor_missing(table: str) -> None:
    """Its objects could not be told of; what is asked for by it is looked for elsewhere as well as can be."""
    view = kernel("05-inter-mn", "ha")
    blind = structs.replace(view, **{table: None})
    found = plumb(blind, of_kernel(view), "ha")
    unknown = [piece for piece in found.pieces if piece.verdict is Verdict.UNKNOWN]
    assert bool(unknown) == (table != "addresses")
    assert [piece for piece in found.pieces if piece.verdict in (Verdict.MISSING, Verdict.EXTRA)] == []


def test_a_mobile_node_that_is_at_home() -> None:
    """Its rules and its tunnel may stay, but not what drops its packets."""
    view = kernel("08-returned-home", "mn")
    assert faults(plumbing(view)) == []
    dropping = Rule(1003, MN, 128, action="blackhole")
    found = faults(plumbing(structs.replace(view, rules=(*(view.rules or ()), dropping))))
    assert found == [("extra", "rule", f"1003: from {MN}/128 blackhole")]


def test_what_others_made_is_no_business_of_it() -> None:
    """Routes of other protocols, tunnels of no care-of address, policies of IPsec, link-local neighbours."""
    view = kernel("03-route-optimised", "ha")
    static = Route("2001:db8:7::7", 128, "ha0", protocol=4, table=254)
    ipsec = [structs.replace(policy, kind=0) for policy in view.sub_policies]
    more = structs.replace(view, routes=(*(view.routes or ()), static), policies=(*(view.policies or ()), *ipsec))
    assert faults(plumbing(more)) == []
    proxied = structs.replace(view, proxies=(*(view.proxies or ()), Proxy("2001:db8:1::9", "ha0")))
    assert faults(plumbing(proxied)) == [("extra", "proxy", "2001:db8:1::9 dev ha0 proxy")]


def test_many_bindings_at_a_home_agent() -> None:
    """A thousand of them are looked through once, not once for each."""
    view = kernel("02-registered", "ha")
    mine = [state for state in view.states or () if not state.is_wildcard]
    policies = [policy for policy in view.sub_policies if policy.priority == 16]
    states: list[State] = list(view.states or ())
    found: list[Policy] = list(view.policies or ())
    for number in range(1000):
        home = f"2001:db8:1::{number + 0x1000:x}"

        def of(address: str, home: str = home) -> str:
            return home if address == MN else address

        states += [structs.replace(one, source=of(one.source), destination=of(one.destination)) for one in mine]
        for policy in policies:
            ends = policy.selector
            selector = structs.replace(ends, source=of(ends.source), destination=of(ends.destination))
            found.append(structs.replace(policy, selector=selector))
    many = structs.replace(view, states=tuple(states), policies=tuple(found))
    assert len(of_kernel(many)) == 1001
    assert {verdict for verdict, _, _ in faults(plumbing(many))} <= {"missing"}
    assert CN not in {one.home for one in of_kernel(many)}
