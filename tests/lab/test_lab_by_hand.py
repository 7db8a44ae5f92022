"""What a lab's commands do, as one would do it by hand: from the plan, and from what is known of a lab."""

import json
from pathlib import Path

import pytest

from mipsh.errors import RefusedError, UsageError
from mipsh.lab import by_hand
from mipsh.lab.existing import Existing, ground_of
from mipsh.lab.faults import Fault
from mipsh.lab.namespaces import planned_state
from mipsh.lab.plan import plan
from mipsh.lab.state import Impairment, Kind, Place
from mipsh.linux.processes import Process
from mipsh.model.shell import How


def place(folder: Path) -> Place:
    """Return where a lab would be."""
    return Place(folder / "mipsh", "lab")


def existing(folder: Path, kind: Kind = Kind.ROOT) -> Existing:
    """Return a lab as it is known, of which nothing is there."""
    ground = ground_of(place(folder), kind)
    keeper = Process(4242, 1) if kind is Kind.USER else None
    state = planned_state(ground, plan("lab"), kind, keeper)
    for number, node in enumerate(state.nodes.values(), 100):
        node.process = Process(number, 1)
    return Existing(ground, state)


def lines(rows: list[How]) -> list[str]:
    """Return what one would type."""
    return [row.equivalent for row in rows if row.equivalent is not None]


def test_building_names_what_the_lab_really_has(tmp_path: Path) -> None:
    """Root's namespaces by their names; nothing is made."""
    told = lines(by_hand.building(place(tmp_path), plan("lab"), Kind.ROOT))
    assert told[0] == "ip netns add mipsh-lab-links"
    assert "ip -n mipsh-lab-links link add foreign1 type bridge stp_state 0 mcast_snooping 0" in told
    cable = "link add mn.1 type veth peer name eth0 address 02:00:00:00:00:07 netns mipsh-lab-mn"
    at = told.index(f"ip -n mipsh-lab-links {cable}")
    assert told[at + 2] == "ip -n mipsh-lab-links link set mn.1 master foreign1 up"
    file = tmp_path / "mipsh" / "lab-lab" / "mn.toml"
    assert told[-1] == f"ip netns exec mipsh-lab-mn mipsh --no-config mipd run {file}"
    assert list(tmp_path.iterdir()) == []


def test_an_ordinary_user_s_lab_is_in_a_user_namespace(tmp_path: Path) -> None:
    """Its namespaces are files of the lab, which ``ip netns`` does not know."""
    told = lines(by_hand.building(place(tmp_path), plan("lab"), Kind.USER))
    assert told[0].startswith("unshare --user")
    folder = tmp_path / "mipsh" / "lab-lab" / "netns"
    assert f"nsenter --net={folder}/mipsh-lab-mn ip link set eth0 up" in told
    assert not any("ip netns" in line or "ip -n" in line for line in told)
    (line,) = lines(by_hand.within(existing(tmp_path, Kind.USER), "mn", ["ping", "a b"], "run it"))
    assert line.startswith("nsenter --user --preserve-credentials --mount --target 4242 nsenter --net=")
    assert line.endswith("mipsh-lab-mn ping 'a b'")


def test_a_simulated_lab_is_one_process(tmp_path: Path) -> None:
    """And is told things on its socket."""
    assert lines(by_hand.building(place(tmp_path), plan("lab"), Kind.SIMULATED)) == ["mipsh lab up --simulated"]
    lab = existing(tmp_path, Kind.SIMULATED)
    rows = [
        *by_hand.moving(lab, "mn", "home", 0.1, False),
        *by_hand.impairing(lab, "home", Impairment(0.5, 0.0)),
        *by_hand.echoing(lab, "cn", "2001:db8:1::100", 2, 0.5),
        *by_hand.breaking(lab, Fault.CORRESPONDENT_RESTARTED),
    ]
    assert [json.loads(line)["method"] for line in lines(rows)] == ["move", "impair", "ping", "stop", "restart"]
    with pytest.raises(RefusedError):
        by_hand.capturing(lab, "home", tmp_path)
    with pytest.raises(RefusedError):
        by_hand.breaking(lab, Fault.INTER_MN)


def test_a_move_is_a_plug_pulled_here_and_put_in_there(tmp_path: Path) -> None:
    """Between links that are impaired, the node is told so first; only mobile nodes move."""
    lab = existing(tmp_path)
    told = lines(by_hand.moving(lab, "mn", "foreign2", 0.05, True))
    assert told == [
        "ip netns exec mipsh-lab-cn ping -i 0.01 2001:db8:1::100",
        "ip -n mipsh-lab-links link set mn.1 nomaster down",
        "sleep 0.05",
        "ip -n mipsh-lab-links link set mn.1 master foreign2 up",
    ]
    lab.state.impairments["foreign2"] = Impairment(0.25, 0.01)
    first = json.loads(lines(by_hand.moving(lab, "mn", "foreign2", 0.05, False))[0])
    assert first["method"] == "set_impairment"
    assert first["params"] == {"interface": "eth0", "loss": 0.25, "delay_s": 0.01}
    with pytest.raises(RefusedError):
        by_hand.moving(lab, "ha", "foreign2", 0.05, False)
    with pytest.raises(UsageError):
        by_hand.moving(lab, "mn", "nowhere", 0.05, False)


def test_a_link_is_made_worse_by_telling_the_nodes_on_it(tmp_path: Path) -> None:
    """Each of them, of each of its interfaces."""
    rows = by_hand.impairing(existing(tmp_path), "foreign1", Impairment(0.1, 0.0))
    assert {row.step.split()[1] for row in rows} == {"mn", "r1"}
    worse = [json.loads(line)["params"] for line in lines(rows)]
    assert [params["loss"] for params in worse if params["loss"]] == [0.1, 0.1]


def test_faults_are_processes_that_end_and_begin(tmp_path: Path) -> None:
    """And for one, a line of the nodes' configuration."""
    lab = existing(tmp_path)
    assert lines(by_hand.breaking(lab, Fault.HOME_AGENT_DEAD)) == ["kill -KILL 101"]
    assert [line.split()[0] for line in lines(by_hand.breaking(lab, Fault.CORRESPONDENT_RESTARTED))] == ["kill", "ip"]
    assert lines(by_hand.breaking(lab, Fault.INTER_MN))[0].startswith("optimise_before_complete = true")
    assert by_hand.mending(lab) == []
    lab.state.node("ha").process = None
    lab.state.faults = (Fault.INTER_MN.value,)
    told = lines(by_hand.mending(lab))
    assert told[0].startswith("optimise_before_complete = false")
    assert "mipd run" in told[-1]


def test_its_end_names_what_is_there(tmp_path: Path) -> None:
    """Processes by their mark, the namespaces that are found, the files."""
    where = place(tmp_path)
    folder = where.folder / "netns"
    folder.mkdir(parents=True)
    (folder / "mipsh-lab-mn").touch()
    told = lines(by_hand.ending([(where, (Kind.USER,))]))
    assert where.mark in told[0]
    assert told[1:] == [f"umount {folder}/mipsh-lab-mn; rm {folder}/mipsh-lab-mn", f"rm -r {where.folder}"]


def test_a_capture_and_an_echo_are_programs_that_everybody_has(tmp_path: Path) -> None:
    """In the namespace in which they would be started."""
    lab = existing(tmp_path)
    (line,) = lines(by_hand.capturing(lab, "home", tmp_path / "a b.pcap"))
    assert line.startswith("ip netns exec mipsh-lab-links tcpdump -i home ")
    assert line.endswith(f"-w '{tmp_path}/a b.pcap'")
    (echo,) = by_hand.echoing(lab, "cn", "2001:db8:1::100", 2, 0.5)
    assert echo.equivalent == "ip netns exec mipsh-lab-cn ping -6 -c 2 -i 0.5 2001:db8:1::100"
    assert (echo.via, echo.reference) == ("packet", "RFC 4443 section 4.1")
