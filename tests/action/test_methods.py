"""Which bindings a person means, and the ways to have their Binding Updates sent: which, in which order, why not."""

from typing import Any

import pytest
from mipd_by_script import CN, COA, HA, HOA, binding, entry
from msgspec import structs

from mipsh.action.methods import PLANS, WORDS, Method, Target, chosen, plan, usable
from mipsh.action.observed import CORRESPONDENT, HOME
from mipsh.action.steps import Via
from mipsh.action.targets import find
from mipsh.engine import Action, Connector, UpdateRequest
from mipsh.errors import CannotTell, CapabilityMissing, RefusedError, UsageError
from mipsh.linux.privileges import Need
from mipsh.model.reading import Reading
from mipsh.model.records import BINDING_CACHE, BINDING_UPDATE_LIST, EngineInfo
from mipsh.wire.packet import Packet, decode

HERE, OTHER = "::1", "2001:db8:1::200"
HOME_TARGET = Target(HOA, HA, HOME)
ROUTE = Target(HOA, CN, CORRESPONDENT)
AT_PEER = Target(HOA, HA, HOME, at_peer=True, local_address=HERE)


class Known(Connector):
    """A connector whose tables are those given; it can be told to send where it says so."""

    def __init__(
        self, role: str = "mn", rows: Any = (), *, is_native: bool = False, homes: tuple[str, ...] = ()
    ) -> None:
        self.rows = rows
        self.home_addresses = homes
        self.actions = frozenset((Action.TRIGGER,) if is_native else ())
        tables = {"mn": ("binding_cache", "binding_update_list"), "?": ()}.get(role, ("binding_cache",))
        self.info = EngineInfo("x", "x:", role, None, tables)

    def binding_cache(self) -> Reading:
        """Return the rows."""
        return self._reading(BINDING_CACHE)

    def binding_update_list(self) -> Reading:
        """Return the rows."""
        return self._reading(BINDING_UPDATE_LIST)

    def _reading(self, table: Any) -> Reading:
        assert self.info is not None
        return Reading(table, self.rows, self.info, 0.0)

    def said(self, what: str, request: object = None) -> tuple[str, ...]:
        """Return what is to be sent."""
        assert isinstance(request, UpdateRequest)
        return (f"{what} {request.home_address} {request.peer or '-'} {request.lifetime_s}",)

    def trigger_binding_update(self, request: UpdateRequest) -> str:
        """Do as if."""
        return f"asked for {request.home_address}"


# What is meant.


def meant(connector: Connector, whom: str, interface: str = "") -> list[tuple[str, str, str]]:
    """Return the bindings that a word means."""
    return [(t.home_address, t.peer, t.registration) for t in find(connector, whom, interface)]


LIST = [entry(7), entry(8, peer=CN), entry(9, home_address=OTHER)]
REGISTRATION, THEIRS, CORRESPONDENTS = (HOA, HA, HOME), (OTHER, HA, HOME), (HOA, CN, CORRESPONDENT)


@pytest.mark.parametrize(
    ("whom", "found"),
    [
        ("home", [REGISTRATION, THEIRS]),
        ("all", [REGISTRATION, CORRESPONDENTS, THEIRS]),
        (CN, [CORRESPONDENTS]),
        (CN.upper(), [CORRESPONDENTS]),
        (HOA, [REGISTRATION]),
        (HA, [REGISTRATION, THEIRS]),
        ("2001:db8:9::9", [(HOA, "2001:db8:9::9", CORRESPONDENT), (OTHER, "2001:db8:9::9", CORRESPONDENT)]),
    ],
)
def test_a_mobile_node_s_bindings(whom: str, found: list[tuple[str, str, str]]) -> None:
    """A home address means its registration, another address a peer, known or not."""
    assert meant(Known("mn", LIST), whom) == found


def test_what_is_known_of_a_target_goes_with_it() -> None:
    """The mobile node's side of a peer that has no entry is that of its home registration."""
    (old,) = find(Known("mn", LIST[:2]), CN)
    assert (old.interface, old.care_of_address, old.known) == ("eth0", COA, "bound, sequence number 8, 410 s left")
    (new,) = find(Known("mn", LIST[:2]), "2001:db8:9::9")
    assert (new.interface, new.care_of_address, new.known) == ("eth0", COA, "no entry")
    (named,) = find(Known("mn", LIST[:2]), CN, "wlan0")
    assert named.interface == "wlan0"


class Placed(Known):
    """One that says where the node is, whatever its tables have."""

    def place(self) -> tuple[str, str]:
        """Return that."""
        return "wlan0", HERE


def test_rows_of_a_kernel() -> None:
    """They have no sequence numbers; who has no row is where the addresses say that the node is."""
    kernel = Placed("mn", [structs.replace(entry(None), lifetime_remaining_s=None)], homes=(HOA, OTHER))
    (row,) = find(kernel, HA)
    assert (row.interface, row.care_of_address, row.known) == ("eth0", COA, "bound")
    (bare,) = find(kernel, OTHER)
    assert (bare.interface, bare.care_of_address, bare.known) == ("wlan0", HERE, "no entry")


def test_an_empty_list() -> None:
    """The engine may say the home address; where it does not, it has to be named, or is not known."""
    known = Known("mn", homes=(HOA,))
    assert meant(known, "home") == meant(known, "all") == meant(known, HOA) == [(HOA, "", HOME)]
    assert meant(known, CN) == [(HOA, CN, CORRESPONDENT)]
    assert meant(Known("mn"), HERE) == [(HERE, "", HOME)]
    for whom in ("home", "all", CN):
        with pytest.raises(CannotTell, match="its list is empty"):
            find(Known("mn"), whom)


def test_a_peer_s_bindings() -> None:
    """A home address, or those that a home agent registered; nothing begins there."""
    rows = [
        binding(7),
        binding(8, home_address=OTHER, status="cached", local_address=None),
        binding(9, home_address="2001:db8:1::300", status="nonce-block"),
    ]
    peer = Known("ha", rows)
    assert meant(peer, "home") == [(HOA, HA, HOME)]
    assert meant(peer, "all") == [(HOA, HA, HOME), (OTHER, "", CORRESPONDENT)]
    assert meant(peer, OTHER) == [(OTHER, "", CORRESPONDENT)]
    (target,) = find(peer, HOA)
    assert (target.at_peer, target.local_address, target.known) == (
        True,
        HA,
        "registered, sequence number 7, 300 s left",
    )
    for whom in ("2001:db8:1::300", "2001:db8:9::9"):
        with pytest.raises(CannotTell, match=f"this node has no binding of {whom}"):
            find(peer, whom)
    with pytest.raises(CannotTell, match="there is none to be renewed"):
        find(Known("cn"), "home")


def test_words_that_mean_nothing() -> None:
    """They are refused before the engine is asked."""
    for word in ("mn", "", "2001:db8::/64", "2001:db8::1/128", "home "):
        with pytest.raises(UsageError, match="is neither an address"):
            find(Known("mn", LIST), word)
    with pytest.raises(CapabilityMissing, match="keeps no bindings"):
        find(Known("?"), "home")


def test_rows_that_are_not_sound_are_no_targets() -> None:
    """A home address that is none is never used; a registration that is unknown is a correspondent's."""
    rows = [entry(7, home_address="mn.example"), entry(7, home_address="\x1b[0m"), entry(8)]
    assert meant(Known("mn", rows), "all") == [REGISTRATION]
    assert meant(Known("ha", [binding(7, home_address="mn.example"), binding(8)]), "all") == [(HOA, HA, HOME)]


# The ways.


def test_the_least_intrusive_comes_first() -> None:
    """What an engine can be told needs no other way."""
    umip, mipd = Known(), Known(is_native=True)
    assert usable(umip, HOME_TARGET) == ("rs", "coa", "flap")
    assert usable(umip, ROUTE) == ("poke", "coa", "flap")
    assert usable(umip, AT_PEER) == usable(mipd, AT_PEER) == ("brr", "be")
    assert usable(mipd, ROUTE) == ("native", "poke", "coa", "flap")
    assert chosen(umip, HOME_TARGET, "") == ("rs", "coa")
    assert chosen(umip, ROUTE, "") == ("poke", "coa")
    assert chosen(mipd, HOME_TARGET, "") == ("native",)
    assert chosen(umip, AT_PEER, "") == ("brr", "be")
    assert {*WORDS, *PLANS} == {*Method}


@pytest.mark.parametrize("named", list(Method))
def test_a_way_that_is_named(named: Method) -> None:
    """It is the only one, flap too; a foreign one is refused with those that there are."""
    for target in (HOME_TARGET, ROUTE, AT_PEER):
        for connector in (Known(), Known(is_native=True)):
            possible = usable(connector, target)
            if named in possible:
                assert chosen(connector, target, named) == (named,)
                continue
            with pytest.raises(UsageError, match=f"'{named}' is not for this") as caught:
                chosen(connector, target, named)
            assert caught.value.hint == f"there are: {', '.join(possible)}"


def test_only_an_engine_that_is_told_can_choose_a_lifetime() -> None:
    """And end a binding."""
    for lifetime_s in (0, 60):
        for target in (Target(HOA, CN, CORRESPONDENT, lifetime_s=lifetime_s),):
            with pytest.raises(UsageError, match="cannot choose a lifetime, nor delete") as caught:
                chosen(Known(), target, "")
            assert "MnMaxHaBindingLife" in caught.value.hint
            with pytest.raises(UsageError, match="'poke' cannot choose a lifetime"):
                chosen(Known(is_native=True), target, "poke")
            assert chosen(Known(is_native=True), target, "") == ("native",)


def test_the_engine_is_told() -> None:
    """By the line that it says it sends; the home agent is not named."""
    (step,) = plan(Known(is_native=True), HOME_TARGET, Method.NATIVE).steps
    assert (step.via, step.equivalent) == (Via.JSON_RPC, f"trigger_binding_update {HOA} - None")
    assert step.reference == "RFC 6275 section 11.7.1"
    found = plan(Known(is_native=True), Target(HOA, CN, CORRESPONDENT, lifetime_s=60), Method.NATIVE)
    assert found.what == f"tell the engine to send a Binding Update of {HOA} to {CN}, lifetime 60 s"
    assert found.steps[0].equivalent == f"trigger_binding_update {HOA} {CN} 60"
    assert found.steps[0].run is not None
    assert found.steps[0].run() == f"asked for {HOA}"
    assert found.steps[0].needs == ()


OWN = Target(HERE, CN, CORRESPONDENT, interface="lo", care_of_address=HERE)


@pytest.mark.parametrize(
    ("method", "target", "by_hand"),
    [
        (Method.POKE, OWN, f"ping -6 -c 1 -I {HERE} {CN}"),
        (Method.RS, OWN, "rdisc6 -1 lo"),
        (Method.BRR, AT_PEER, f"craft brr src={HERE} dst={HOA} --send"),
        (Method.BE, AT_PEER, f"craft be src={HERE} dst={HOA} hoa={HOA} status=1 --send"),
    ],
)
def test_a_packet(method: Method, target: Target, by_hand: str) -> None:
    """It is whole, said in a line, and needs the right to send it."""
    (step,) = plan(Known(), target, method).steps
    assert (step.via, step.equivalent, step.needs, step.undo) == (Via.PACKET, by_hand, (Need.NET_RAW,), None)
    assert step.reference.startswith("RFC 6275 section")
    assert step.packet is not None
    assert isinstance(decode(step.packet), Packet)


def test_a_link_goes_down_and_comes_up() -> None:
    """Whatever happens in between; it asks before it does."""
    found = plan(Known(), OWN, Method.FLAP)
    down, wait = found.steps
    assert (down.via, down.equivalent, down.needs) == (Via.NETLINK, "ip link set dev lo down", (Need.NET_ADMIN,))
    assert down.undo is not None
    assert (down.undo.equivalent, down.undo.needs) == ("ip link set dev lo up", (Need.NET_ADMIN,))
    assert wait.equivalent == "sleep 0.3"
    assert found.question.startswith("Take the link of 'lo' down for 0.3 s?")
    assert not plan(Known(), OWN, Method.POKE).question


@pytest.mark.parametrize(
    ("method", "target", "words"),
    [
        (Method.RS, Target(HERE, CN, HOME), "the interface of the care-of address is not known"),
        (Method.FLAP, Target(HERE, CN, HOME), "the interface of the care-of address is not known"),
        (Method.COA, OWN, "the care-of address (::1) is on no interface here"),
        (Method.COA, Target(HERE, CN, HOME), "the care-of address (the mobile node) is on no interface here"),
    ],
)
def test_what_is_not_known_is_said(method: Method, target: Target, words: str) -> None:
    """And what to do about it."""
    with pytest.raises(CannotTell) as caught:
        plan(Known(), target, method)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("method", [method for method in Method if method is not Method.NATIVE])
def test_a_node_of_another_network_namespace(method: Method) -> None:
    """What would be done here is done to another node: it is refused, whatever the way."""
    target = AT_PEER if method in (Method.BRR, Method.BE) else ROUTE
    elsewhere = Target(
        HOA, CN, target.registration, target.at_peer, "2001:db8:1::1" if target.at_peer else "", "lo", COA
    )
    with pytest.raises(RefusedError, match="no address of this network namespace") as caught:
        plan(Known(), elsewhere, method)
    assert "mipsh -N NAME" in caught.value.hint
    nowhere = Target("mn.example", CN, target.registration, target.at_peer)
    with pytest.raises(RefusedError):
        plan(Known(), nowhere, method)
