"""What files say of this node: kernel, settings, counters, groups, clocks, and a daemon's configuration."""

import gzip
import os
from pathlib import Path

import pytest
from harness import RECORDINGS
from hypothesis import given
from hypothesis import strategies as st

from mipsh.checks.sources import Key, Process, Unreadable
from mipsh.errors import UsageError
from mipsh.linux import config_files, facts_config, facts_files, facts_text
from mipsh.linux.facts import LiveSource, log_files
from mipsh.linux.facts_recorded import RecordedSource, place

NODE = RECORDINGS / "03-route-optimised"
EVERY = sorted({path.name.partition(".")[0] for path in NODE.iterdir()})


def test_the_kernel_is_that_of_uname() -> None:
    """Its version is read from the release."""
    found, _ = facts_files.kernel()
    assert found.release == os.uname().release
    assert found.version >= (3, 0, 0)


def test_counters_are_those_of_the_files() -> None:
    """Of the node and of an interface."""
    whole, _ = facts_files.snmp6("")
    one, origin = facts_files.snmp6("lo")
    assert "Ip6InReceives" in whole
    assert "Icmp6OutMsgs" in one
    assert origin == "/proc/net/dev_snmp6/lo"
    for word in ("../snmp6", "..", "."):
        with pytest.raises(ValueError, match="no interface"):
            facts_files.snmp6(word)


def test_settings_are_read_below_proc_sys_only() -> None:
    """One that is not there is none; a name that leads elsewhere is no name."""
    assert facts_files.setting("net/ipv6/conf/all/forwarding")[0] in ("0", "1", "2")
    assert facts_files.setting("net/ipv6/conf/nowhere/forwarding") == (
        None,
        "/proc/sys/net/ipv6/conf/nowhere/forwarding",
    )
    assert facts_files.setting("net/ipv6")[0] is None
    for name in ("", "/etc/passwd", "../version", "net/../../version", "net//ipv6", "net\0"):
        with pytest.raises(ValueError, match="no setting"):
            facts_files.setting(name)


def test_groups_are_read_from_their_lines() -> None:
    """Lines that cannot be read are left out."""
    listed = (
        "2 eth0 2001db80000100000000000000000000fdff 1\n3 ha0 20010db8000100000000fffffffffffe 1\nnonsense\n4 x zz\n"
    )
    assert [(one.address, one.interface) for one in facts_files.read_groups(listed)] == [
        ("2001:db8:1::ffff:ffff:fffe", "ha0")
    ]
    assert any(group.interface == "lo" for group in facts_files.groups("igmp6")[0])


def test_clocks_are_there() -> None:
    """Both move on."""
    before, after = facts_files.clocks()[0], facts_files.clocks()[0]
    assert before.boottime_s <= after.boottime_s
    assert before.realtime_s > 1_000_000_000


def test_no_process_is_the_daemon_here_but_its_own() -> None:
    """What is found is called mip6d."""
    assert all(one.name == "mip6d" for one in facts_files.processes()[0])


def test_a_log_is_read_from_its_end(tmp_path: Path) -> None:
    """The first file named that can be read; a directory cannot."""
    log = tmp_path / "mip6d.log"
    log.write_text("".join(f"line {number}\n" for number in range(40_000)))
    found, origin = facts_files.log([str(tmp_path), str(log)])
    assert origin == str(log)
    assert found[-1].text == "line 39999"
    assert 1000 < len(found) < 40_000
    assert found[0].text.startswith("line ")
    arguments = ("mip6d", "-l", "/var/log/x", "-c", "/etc/y", "-l", "relative")
    assert log_files((Process(1, "mip6d", arguments, True), Process(2, "mip6d", arguments, False))) == ["/var/log/x"]


def test_a_kernels_options_are_read_from_where_they_are(tmp_path: Path) -> None:
    """A file without any is no configuration."""
    packed = tmp_path / "config.gz"
    packed.write_bytes(gzip.compress(b'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_D="x"\n'))
    assert facts_files.options(packed) == {"A": "y", "C": "m", "D": "x"}
    for data in (b"", b"not packed", gzip.compress(b"nothing"), gzip.compress(b"x" * 100)[:-20]):
        packed.write_bytes(data)
        with pytest.raises(OSError, match=r"config\.gz"):
            facts_files.options(packed)


def test_every_source_of_this_machine_has_an_answer_or_a_reason() -> None:
    """And says when and from where."""
    source = LiveSource()
    for key in Key:
        try:
            found = source.read(key, "net/ipv6/conf/all/forwarding" if key is Key.SY else "")
        except Unreadable as error:
            assert error.reason
            assert error.key is key
        else:
            assert found.origin
            assert (found.time or "").endswith("Z")


def test_what_may_not_be_read_says_which_privilege_it_takes() -> None:
    """By the source."""

    def refuse(argument: str) -> tuple[object, str]:
        raise PermissionError(1, "Operation not permitted", "/proc/secret")

    source = LiveSource({Key.XP: refuse, Key.LG: refuse, Key.CF: refuse})
    said = {}
    for key in (Key.XP, Key.LG, Key.CF):
        with pytest.raises(Unreadable) as caught:
            source.read(key, "")
        said[key] = caught.value.privilege
        assert caught.value.reason == "/proc/secret: Operation not permitted"
    assert said == {Key.XP: "CAP_NET_ADMIN", Key.LG: "the group adm, or root", Key.CF: "root"}


@pytest.mark.parametrize("node", EVERY)
def test_a_recorded_node_is_read_as_it_was(node: str) -> None:
    """Routes, rules, addresses and tunnels; what was not recorded is unreadable."""
    source = RecordedSource(NODE, node)
    assert source.read(Key.RU, "").value
    assert source.read(Key.RT, "").value
    assert source.read(Key.AD, "").value
    assert source.read(Key.XP, "").value
    for key in (Key.SK, Key.CK, Key.PR, Key.NF, Key.XD):
        with pytest.raises(Unreadable, match="not recorded"):
            source.read(key, "")


def test_the_mobile_nodes_objects_are_those_of_the_recording() -> None:
    """The rules, the table of the tunnel, and the home address with its flags."""
    source = RecordedSource(*place(f"{NODE}/mn"))
    rules = source.read(Key.RU, "").value
    assert isinstance(rules, tuple)
    assert [(rule.priority, rule.table, rule.action) for rule in rules][1:5] == [
        (1001, 252, "lookup"),
        (1002, 254, "lookup"),
        (1002, 254, "lookup"),
        (1003, 0, "blackhole"),
    ]
    addresses = source.read(Key.AD, "").value
    assert isinstance(addresses, tuple)
    (home,) = [one for one in addresses if "home" in one.flags]
    assert (home.address, home.interface, home.flags) == ("2001:db8:1::100", "ip6tnl1", {"home", "nodad", "permanent"})
    routes = source.read(Key.RT, "").value
    assert isinstance(routes, tuple)
    assert [(one.interface, one.protocol, one.metric) for one in routes if one.table == 252] == [("ip6tnl1", 16, 128)]
    way = source.read(Key.RT, "2001:db8:4::2 2001:db8:1::100").value
    assert getattr(way, "interface", None) == "ip6tnl1"


def test_a_place_of_a_recording_is_a_folder_or_a_node_in_it(tmp_path: Path) -> None:
    """Of several, one has to be named."""
    assert place(f"{NODE}/cn") == (str(NODE), "cn")
    for word in (str(NODE), str(tmp_path), f"{NODE}/nobody", str(tmp_path / "missing")):
        with pytest.raises(UsageError):
            place(word)


LISTINGS = st.text(st.sampled_from("0123456789abcdef:/. \n\tdevinmtulookfrchpxy<>,@"), max_size=300)


@given(LISTINGS | st.text(max_size=100))
def test_any_text_is_read_or_passed_over(listed: str) -> None:
    """A listing may come from anywhere."""
    ends = facts_text.tunnels(listed)
    for rows in (
        facts_text.links(listed, ends),
        facts_text.addresses(listed),
        facts_text.routes(listed),
        facts_text.rules(listed),
        facts_text.neighbours(listed),
        facts_text.proxies(listed),
    ):
        assert len(list(rows)) <= len(listed.splitlines())


def test_a_configuration_is_read_with_what_it_includes(tmp_path: Path) -> None:
    """In the order of the text; what is wrong is a fault of the file, not an error."""
    (tmp_path / "mip6d.conf").write_text('NodeConfig HA;\ninclude "more/*.conf"\nInterface "eth0" { IfType IN; }\n')
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.conf").write_text("NodeConfig MN;\n")
    (tmp_path / "more" / "b.conf").write_text("broken {\n")
    found = facts_config.configuration(str(tmp_path / "mip6d.conf"))
    assert [(one.name, one.values, one.line) for one in found.settings] == [
        ("NodeConfig", ("HA",), 1),
        ("NodeConfig", ("MN",), 1),
        ("Interface", ("eth0",), 3),
    ]
    assert [one.name for one in found.settings[2].block] == ["IfType"]
    assert len(found.faults) == 1
    assert "b.conf:" in found.faults[0]
    assert (found.word("NodeConfig"), found.is_enabled("UseMnHaIPsec", True)) == ("MN", True)
    assert len(found.every("NodeConfig")) == 2


def test_files_that_include_each_other_come_to_an_end(tmp_path: Path) -> None:
    """Said as a fault."""
    (tmp_path / "a.conf").write_text('include "a.conf"\nDebugLevel 1;\n')
    found = facts_config.configuration(str(tmp_path / "a.conf"))
    assert "includes itself" in found.faults[0]
    (tmp_path / "b.conf").write_text('include "*.conf"\ninclude "*.conf"\n')
    assert len(facts_config.configuration(str(tmp_path / "b.conf")).settings) < 1000


def test_the_file_is_that_of_the_daemon_here() -> None:
    """Named by its arguments; a daemon of another namespace is not asked."""
    here = Process(7, "mip6d", ("mip6d", "-c", "/etc/x.conf"), True)
    assert config_files.place([Process(6, "mip6d", ("mip6d", "-c", "/etc/y.conf"), False), here]) == (
        "/etc/x.conf",
        True,
    )
    relative = Process(7, "mip6d", ("mip6d", "-c", "x.conf"), None)
    assert config_files.place([relative]) == ("/proc/7/cwd/x.conf", True)
    assert config_files.place([])[1] is False
