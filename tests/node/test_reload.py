"""A configuration that is read anew: what a running node takes of it, and what needs a restart."""

import pytest
from msgspec import Struct, structs

from mipsh.mobility.effects import Transmit
from mipsh.mobility.mobile.parameters import Optimisation
from mipsh.mobility.node import Node
from mipsh.node import config as config_module
from mipsh.node.build import build
from mipsh.node.config import (
    AdvertiseConfig,
    CorrespondentConfig,
    HomeAgentConfig,
    HomeConfig,
    InterfaceConfig,
    MobileNodeConfig,
    NodeConfig,
    PeerConfig,
)
from mipsh.node.fields import FieldError
from mipsh.node.reload import APPLIED, changes, reload
from mipsh.wire.address import parse

MAC = bytes.fromhex("020000000001")
NOW = 100.0
MN = NodeConfig(
    name="mn",
    interfaces=(InterfaceConfig(name="eth0", dad_transmits=0),),
    mobile_node=MobileNodeConfig(homes=(HomeConfig(address="2001:db8:1::7/64", home_agent="2001:db8:1::1"),)),
)
HA_LINK = InterfaceConfig(
    name="eth0", addresses=("2001:db8:1::1/64",), dad_transmits=0, advertise=AdvertiseConfig(home_agent=True)
)
HA = NodeConfig(name="ha", interfaces=(HA_LINK,), home_agent=HomeAgentConfig())


def running(config: NodeConfig) -> Node:
    """Return a node that has begun."""
    built = build(config, {link.name: MAC for link in config.interfaces}, bytes)
    built.node.start(NOW)
    built.node.set_link("eth0", True, NOW)
    built.begin(NOW)
    built.node.advance(NOW)
    return built.node


def test_a_file_that_says_the_same_changes_nothing() -> None:
    """Nothing is taken, nothing needs a restart, nothing happens."""
    assert reload(running(MN), MN, MN, NOW) == (MN, (), (), [])


def test_a_mobile_node_takes_lifetimes_and_policies() -> None:
    """They are in force at once."""
    assert MN.mobile_node is not None
    table = structs.replace(
        MN.mobile_node,
        home_lifetime_s=60,
        correspondent_lifetime_s=40,
        optimise=False,
        peers=(PeerConfig(address="2001:db8:4::1", optimise=True),),
        acknowledge_correspondents=False,
    )
    node = running(MN)
    wanted = structs.replace(MN, mobile_node=table)
    done = reload(node, MN, wanted, NOW)
    assert set(done.applied) == {f"mobile_node.{name}" for name in APPLIED["mobile_node"]}
    assert (done.needs_restart, done.config) == ((), wanted)
    assert node.roles.mobile_node is not None
    parameters = node.roles.mobile_node.parameters
    assert (parameters.home_lifetime_s, parameters.correspondent_lifetime_s) == (60, 40)
    assert parameters.optimisation is Optimisation.REFUSED
    assert parameters.peers == ((parse("2001:db8:4::1"), Optimisation.ALLOWED),)
    assert not parameters.acknowledge_correspondents
    for registration in node.roles.mobile_node.registrations:
        assert registration.parameters is registration.updates.parameters is parameters


def test_a_home_agent_takes_who_may_register() -> None:
    """It judges by it at once; a correspondent node grants less."""
    node = running(HA)
    table = HomeAgentConfig(
        max_lifetime_s=60,
        denied=("2001:db8:1::7/128",),
        allowed=("2001:db8:1::/64",),
        refresh_share=0.5,
        detects_duplicates=False,
    )
    wanted = structs.replace(HA, home_agent=table, correspondent=CorrespondentConfig(max_lifetime_s=20))
    done = reload(node, HA, wanted, NOW)
    assert set(done.applied) == {
        "correspondent.max_lifetime_s",
        *(f"home_agent.{name}" for name in APPLIED["home_agent"]),
    }
    assert node.roles.home_agent is not None
    assert node.roles.home_agent.parameters.max_lifetime_s == 60
    assert not node.roles.home_agent.parameters.permits(parse("2001:db8:1::7"))
    assert node.roles.correspondent.parameters.max_lifetime_s == 20
    assert node.parameters.correspondent.max_lifetime_s == 20


def test_a_router_says_something_else() -> None:
    """It begins to advertise otherwise, or says that it ends."""
    node = running(HA)
    link = structs.replace(HA_LINK, advertise=AdvertiseConfig(home_agent=True, preference=9, lifetime_s=60))
    changed = structs.replace(HA, interfaces=(link,))
    done = reload(node, HA, changed, NOW)
    assert done.applied == ("interfaces[0].advertise.lifetime_s", "interfaces[0].advertise.preference")
    assert node.interfaces["eth0"].advertising is not None
    assert node.interfaces["eth0"].advertising.lifetime_s == 60
    assert node.roles.home_agent is not None
    assert [home.preference for home in node.roles.home_agent.parameters.links] == [9]
    router = NodeConfig(name="r", interfaces=(structs.replace(HA_LINK, advertise=AdvertiseConfig()),), router=True)
    node = running(router)
    silent = structs.replace(router, interfaces=(structs.replace(HA_LINK, advertise=None),))
    done = reload(node, router, silent, NOW)
    assert done.applied == ("interfaces[0].advertise",)
    assert [effect for effect in done.effects if isinstance(effect, Transmit)]
    assert node.interfaces["eth0"].advertising is None


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (structs.replace(MN, name="other"), "name"),
        (structs.replace(MN, user="nobody"), "user"),
        (structs.replace(MN, mobile_node=None), "mobile_node"),
        (structs.replace(MN, correspondent=CorrespondentConfig(max_bindings=1)), "correspondent.max_bindings"),
        (structs.replace(MN, interfaces=(InterfaceConfig(name="eth0"),)), "interfaces[0].dad_transmits"),
        (structs.replace(MN, interfaces=(InterfaceConfig(name="eth1"),)), "interfaces[0].name"),
        (structs.replace(MN, interfaces=(*MN.interfaces, InterfaceConfig(name="eth1"))), "interfaces"),
        (
            structs.replace(MN, mobile_node=MobileNodeConfig(homes=(HomeConfig(address="2001:db8:1::8/64"),))),
            "mobile_node.homes[0].address",
        ),
    ],
)
def test_what_needs_a_restart_is_named_and_stays(wanted: NodeConfig, field: str) -> None:
    """The node goes on as before, and the next time it is named again."""
    node = running(MN)
    done = reload(node, MN, wanted, NOW)
    assert field in done.needs_restart
    assert (done.applied, done.effects, done.config) == ((), [], MN)
    assert reload(node, done.config, wanted, NOW).needs_restart == done.needs_restart


def test_a_file_that_is_wrong_changes_nothing() -> None:
    """It is refused as a whole."""
    node = running(HA)
    wanted = structs.replace(HA, home_agent=HomeAgentConfig(max_lifetime_s=60, denied=("x",)))
    with pytest.raises(FieldError, match="denied"):
        reload(node, HA, wanted, NOW)
    assert node.roles.home_agent is not None
    assert node.roles.home_agent.parameters.max_lifetime_s != 60


def test_what_is_taken_are_fields_of_the_configuration() -> None:
    """No name of another one."""
    kinds: dict[str, type[Struct]] = {
        "correspondent": config_module.CorrespondentConfig,
        "home_agent": config_module.HomeAgentConfig,
        "mobile_node": config_module.MobileNodeConfig,
        "interfaces": config_module.InterfaceConfig,
    }
    assert kinds.keys() == APPLIED.keys()
    for table, kind in kinds.items():
        assert set(APPLIED[table]) <= set(kind.__struct_fields__)


def test_changes_are_named_as_deep_as_they_go() -> None:
    """A table that is there or not is one change."""
    assert list(changes(MN, MN)) == []
    assert list(changes(HA, structs.replace(HA, home_agent=None))) == ["home_agent"]
    assert list(changes((), (1,), "x")) == ["x"]
