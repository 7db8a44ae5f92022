"""A lab's plan is the network of the simulation, and its files say what the plan says."""

import tomllib
from itertools import chain

import msgspec
import pytest

from mipsh.errors import UsageError
from mipsh.lab import plan, topology
from mipsh.lab.plan import LINKS, PlannedNode
from mipsh.lab.toml_text import dumps
from mipsh.lab.topology import Lab, LabParameters
from mipsh.node.config import NodeConfig
from mipsh.wire.address import parse, text

LARGE = plan.plan("large", mobile_nodes=3, correspondents=2)


@pytest.mark.parametrize("node", LARGE.nodes, ids=lambda node: node.name)
def test_a_node_s_file_is_its_configuration(node: PlannedNode) -> None:
    """What is written is read back as the same, defaults included."""
    read = msgspec.convert(tomllib.loads(dumps(node.config)), NodeConfig)
    assert read == node.config
    assert {interface.name for interface in read.interfaces} == set(node.links)
    assert set(node.links.values()) <= set(LINKS)


def test_names_and_addresses_are_those_of_the_simulated_network() -> None:
    """Node by node; mobile nodes by their home addresses."""
    simulated = Lab(LabParameters(correspondents=2))
    for _ in range(3):
        simulated.add_mobile_node()
    planned = {node.name: node for node in LARGE.nodes}
    assert planned.keys() == simulated.network.stations.keys()
    for name, home in simulated.mobile_nodes.items():
        assert planned[name].home_address == text(home)
    simulated.network.run_for(1.0)
    for name in ("r1", "ha", "cn", "cn2"):
        addresses = chain.from_iterable(interface.addresses for interface in planned[name].config.interfaces)
        for address in addresses:
            assert simulated.node(name).owns(parse(address.partition("/")[0])), (name, address)


def test_every_address_is_of_its_link() -> None:
    """The prefix tells the link, and addresses beyond the lab are on none."""
    for node in LARGE.nodes:
        for interface in node.config.interfaces:
            for address in interface.addresses:
                assert plan.link_of(address.partition("/")[0]) == node.links[interface.name]
    assert plan.link_of(text(topology.home_address(1))) == "home"
    assert plan.link_of("2001:db8:ffff::1") is None


@pytest.mark.parametrize("name", ["", "A", "1lab", "a-b", "a/b", "..", "a" * 16, "a\n"])
def test_a_name_that_cannot_be_one_is_refused(name: str) -> None:
    """Before anything is built: it becomes part of other names."""
    with pytest.raises(UsageError, match="lab's name"):
        plan.plan(name)


@pytest.mark.parametrize("numbers", [(0, 1), (1, 0), (17, 1), (1, 17)])
def test_a_lab_has_one_or_a_few_of_each(numbers: tuple[int, int]) -> None:
    """None is no lab, and very many are no lab of this machine."""
    with pytest.raises(UsageError, match="1 to 16"):
        plan.plan("lab", *numbers)
