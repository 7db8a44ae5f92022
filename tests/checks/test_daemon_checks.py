"""What the daemon is and left behind, each condition in every verdict."""

from typing import Any

import pytest
from given import address, cannot, engine, findings, link, policy, rule, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks, Configuration, LogLine, Process, Service, Setting, Socket
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

HOA, COA, AGENT = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1"
BOTH = "policies and states"
STARTED = "Nov 24 10:00:00 ha mip6d[7]: UMIP Mobile IPv6 for Linux v{} started ({})"
DEFAULTS = "net/ipv6/conf/default/"
NO_FILE = cannot("CF", "no mip6d.conf is there", "")


def daemon(*arguments: str, is_here: bool | None = True, started_at: float | None = 100.0) -> Process:
    """Return a process of mip6d."""
    return Process(7, "mip6d", ("mip6d", *arguments), is_here, started_at=started_at)


def configuration(**options: str) -> Configuration:
    """Return mip6d.conf with some options, changed at 50 s."""
    settings = tuple(Setting(name, (value,)) for name, value in options.items())
    return Configuration("mip6d.conf", settings, modified_at=50.0)


def log(version: str = "1.0", role: str = "Home Agent") -> tuple[LogLine, ...]:
    """Return a log in which the daemon says its version and role."""
    return (LogLine("something else"), LogLine(STARTED.format(version, role)))


def at(seconds: float, *, step: float = 0.0, kept: bool | None = True) -> Clocks:
    """Return the clocks some seconds after a start, and what somebody added to the time of day."""
    return Clocks(1_800_000_000.0 + seconds + step, seconds, kept)


def window(before: dict[str, Any], now: dict[str, Any], length: float = 5.0, role: str = "ha") -> Facts:
    """Return two moments of a node."""
    earlier = facts(role, engine=engine(role), CK=at(0), **before)
    return facts(role, earlier, engine=engine(role), **{"CK": at(length), **now})


def test_old_daemons() -> None:
    """By the version in the log, and with the faults that are this role's; nothing is likely of 1.0."""
    assert verdicts("MIP-201", facts("ha", LG=log())) == {"": "PASS"}
    assert verdicts("MIP-201", facts("ha", LG=log("0.4"))) == {"": "LIKELY"}
    faults = {role: findings("MIP-201", facts(role, LG=log("0.3")))[0].evidence for role in ("ha", "mn", "cn")}
    assert "6a5a68e" in faults["cn"][0].value
    assert not any("6a5a68e" in one.value for one in faults["mn"])
    assert verdicts("MIP-201", facts("ha", LG=(LogLine("Mobile IPv6 for Linux started"),))) == {"": "UNKNOWN"}
    assert verdicts("MIP-201", facts("ha", LG=cannot("LG"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-201", facts("", LG=log("0.4"))) == {"": "N/A"}


def test_a_wedged_binding() -> None:
    """The same entry, in duplicate address detection for longer than that takes."""
    wedged: dict[str, Any] = {"bc": (BindingCacheEntry(HOA, COA, "dad", sequence=3),)}
    later = {"bc": (BindingCacheEntry(HOA, COA, "dad", sequence=4),)}
    assert verdicts("MIP-202", window(wedged, {"bc": ()})) == {"": "PASS"}
    assert verdicts("MIP-202", window(wedged, later)) == {HOA: "PASS"}
    found = findings("MIP-202", window(wedged, wedged | {"VT_raw thread": "bu workers 1"}))
    assert (found[0].verdict, found[0].confidence) == ("AFFECTED", "behaviour")
    assert found[0].evidence[1].value == "bu workers 1"
    assert verdicts("MIP-202", window(wedged, wedged, 2.0)) == {HOA: "UNKNOWN"}
    assert verdicts("MIP-202", facts("ha", engine=engine("ha"), **wedged)) == {"": "UNKNOWN"}
    assert verdicts("MIP-202", facts("ha", engine=engine("ha"), bc=())) == {"": "PASS"}
    assert verdicts("MIP-202", facts("mn", engine=engine("mn"))) == {"": "N/A"}


def test_clocks_that_step() -> None:
    """Forwards and backwards by more than a second; what nobody keeps may step."""
    assert verdicts("MIP-203", window({}, {})) == {"": "PASS"}
    for step in (-7200.0, 1.5):
        assert verdicts("MIP-203", window({}, {"CK": at(5, step=step)})) == {"": "AFFECTED"}
    assert verdicts("MIP-203", window({}, {"CK": at(5, step=0.9)})) == {"": "PASS"}
    assert verdicts("MIP-203", window({}, {"CK": at(5, kept=False)})) == {"": "LIKELY"}
    assert verdicts("MIP-203", facts("ha", CK=at(5))) == {"": "UNKNOWN"}
    assert verdicts("MIP-203", facts("", CK=at(5))) == {"": "N/A"}


def test_signs_of_a_clock_that_stepped() -> None:
    """Times that are long over, and such that the daemon calls broken; one that is just due is none."""
    over = BindingUpdateListEntry(HOA, COA, AGENT, "home", mps_next_s=-1_795_342_443)
    due = BindingUpdateListEntry(HOA, COA, AGENT, "home", next_event_s=-1)
    name = f"{HOA} to {AGENT}"
    assert verdicts("MIP-203", facts("mn", engine=engine("mn"), CK=at(5), bul=(over,)))[name] == "AFFECTED"
    assert verdicts("MIP-203", window({}, {"bul": (due,)}, role="mn")) == {"": "PASS"}
    assert verdicts("MIP-203", window({}, {"VT_raw bc": "lifetime (broken) / 5"})) == {"bc": "AFFECTED", "": "PASS"}


def test_what_a_daemon_left() -> None:
    """Policies and states without a daemon; worst is a policy that blocks everything."""
    left: dict[str, Any] = {"XP": (policy("out", proto="mh"),), "XS": (), "RU": (), "PR": ()}
    found = findings("MIP-204", facts(**left))[0]
    assert (found.subject, found.verdict, found.severity) == (BOTH, "AFFECTED", "high")
    blocked = left | {"XP": (policy("out", action="block", priority=4),)}
    assert findings("MIP-204", facts(**blocked))[0].severity == "critical"
    assert verdicts("MIP-204", facts(**left | {"XP": (), "XS": (state("hao"),)}))[BOTH] == "AFFECTED"
    assert verdicts("MIP-204", facts(**left | {"XP": ()})) == {BOTH: "PASS", "rules": "PASS"}
    assert verdicts("MIP-204", facts(**left | {"PR": (daemon(),)}))[BOTH] == "PASS"
    assert verdicts("MIP-204", facts(**left | {"PR": (daemon(is_here=False),)}))[BOTH] == "AFFECTED"
    assert verdicts("MIP-204", facts(**left | {"PR": (daemon(is_here=None),)}))[BOTH] == "UNKNOWN"
    assert verdicts("MIP-204", facts("ha", **left | {"engine": engine("ha")}))[BOTH] == "PASS"
    assert verdicts("MIP-204", facts(**left | {"XS": cannot("XS")})) == {"": "UNKNOWN"}


def test_rules_that_are_there_twice() -> None:
    """The same priority and source; those of others do not count."""
    none: dict[str, Any] = {"XP": (), "XS": ()}
    twice = (rule(1001, f"{HOA}/128", 252),) * 2
    assert verdicts("MIP-204", facts(RU=twice, **none))["rules"] == "AFFECTED"
    two = (rule(1002, f"{COA}/64"), rule(1002, "fe80::/64"), rule(32766), rule(32766))
    assert verdicts("MIP-204", facts(RU=two, **none))["rules"] == "PASS"


def test_a_silent_correspondent() -> None:
    """Without -c: no file, or a wrong one; or a role that is not that of the file."""
    plain, named = (daemon(),), (daemon("-c", "/etc/x.conf"),)
    good = configuration(NodeConfig="MN")
    wrong = Configuration("/etc/mip6d.conf", (), ("line 3: …",), is_named=False)
    as_cn: dict[str, Any] = {"engine": engine("cn")}
    as_mn: dict[str, Any] = {"engine": engine("mn")}
    assert verdicts("MIP-205", facts("cn", PR=plain, CF=NO_FILE, **as_cn)) == {"": "AFFECTED"}
    assert verdicts("MIP-205", facts("mn", PR=plain, CF=NO_FILE, **as_mn)) == {"": "PASS"}
    assert verdicts("MIP-205", facts("cn", PR=plain, CF=NO_FILE)) == {"": "LIKELY"}
    assert verdicts("MIP-205", facts("cn", PR=plain, CF=wrong)) == {"": "AFFECTED"}
    assert verdicts("MIP-205", facts("cn", PR=named, CF=good, **as_cn)) == {"": "AFFECTED"}
    assert verdicts("MIP-205", facts("cn", PR=named, CF=good, LG=log("1.0", "Correspondent Node"))) == {"": "AFFECTED"}
    assert verdicts("MIP-205", facts("cn", PR=(daemon("-C", "-c", "x"),), CF=good, **as_cn)) == {"": "PASS"}
    assert verdicts("MIP-205", facts("mn", PR=named, CF=good, **as_mn)) == {"": "PASS"}
    assert verdicts("MIP-205", facts("cn", PR=named, CF=NO_FILE, **as_cn)) == {"": "UNKNOWN"}
    assert verdicts("MIP-205", facts("cn", PR=plain, CF=cannot("CF", privilege="root"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-205", facts("cn", PR=(), CF=good)) == {"": "N/A"}


def test_localhost() -> None:
    """An address of lo, which is up; or a virtual terminal that answers."""
    there: dict[str, Any] = {"TN": (link("lo", 1),), "AD": (address("::1/128", "lo", scope="host"),)}
    for names in (("::1",), ("127.0.0.1",), ("2001:db8::9", "127.0.1.1")):
        assert verdicts("MIP-206", facts("ha", SK_localhost=names, **there)) == {"": "PASS"}
    for wrong in ((), ("2001:db8::9",)):
        assert verdicts("MIP-206", facts("ha", SK_localhost=wrong, **there)) == {"": "AFFECTED"}
    assert verdicts("MIP-206", facts("ha", TN=())) == {"": "AFFECTED"}
    assert verdicts("MIP-206", facts("ha", TN=(), engine=engine("ha"))) == {"": "PASS"}
    assert verdicts("MIP-206", facts("ha", **there)) == {"": "UNKNOWN"}
    assert verdicts("MIP-206", facts("ha", engine=engine("ha", "mipd"), TN=())) == {"": "N/A"}


def listening(local: str = "::1", owner: str | None = "mip6d (pid 7)", port: int = 7777, user: int = 0) -> Socket:
    """Return a socket that listens."""
    return Socket(local, port, "::", 0, "LISTEN", 1, user, owner=owner)


def connected(queue: int = 0, inode: int = 5) -> tuple[Socket, Socket]:
    """Return both ends of a connection to the virtual terminal."""
    far = Socket("::1", 40000, "::1", 7777, "ESTABLISHED", 6, owner="telnet (pid 9)")
    return Socket("::1", 7777, "::1", 40000, "ESTABLISHED", inode, send_queue=queue), far


def test_the_port_of_the_virtual_terminal() -> None:
    """Nobody's, mip6d's, another one's; another port where the daemon was told so."""
    assert verdicts("MIP-207", facts("ha", SK=())) == {"": "PASS"}
    assert verdicts("MIP-207", facts("ha", SK=(listening(),))) == {"[::1]:7777": "PASS"}
    other = (listening(owner="nc (pid 3)"),)
    assert verdicts("MIP-207", facts("ha", SK=other)) == {"[::1]:7777": "AFFECTED"}
    assert verdicts("MIP-207", facts("ha", SK=other, PR=(daemon("--vt-service", "7000"),))) == {"": "PASS"}
    unseen = (listening(owner=None),)
    assert verdicts("MIP-207", facts("ha", SK=unseen)) == {"[::1]:7777": "UNKNOWN"}
    assert verdicts("MIP-207", facts("ha", SK=unseen, engine=engine("ha"))) == {"[::1]:7777": "PASS"}
    assert verdicts("MIP-207", facts("ha")) == {"": "UNKNOWN"}
    assert verdicts("MIP-207", facts("", SK=other)) == {"": "N/A"}


def test_the_place_at_the_virtual_terminal() -> None:
    """Who holds it is said, also where only the refusal is seen."""
    assert verdicts("MIP-208", facts("ha", SK=(listening(),))) == {"": "PASS"}
    found = findings("MIP-208", facts("ha", SK=connected()))[0]
    assert (found.subject, found.observed) == ("[::1]:40000", "telnet (pid 9) holds it")
    busy = cannot("VT", "mip6d at localhost:7777 is busy: another client holds its only slot", "")
    assert verdicts("MIP-208", facts("ha", SK=(), engine=busy)) == {"": "AFFECTED"}
    assert verdicts("MIP-208", facts("ha")) == {"": "UNKNOWN"}
    assert verdicts("MIP-208", facts("", SK=())) == {"": "N/A"}


def test_a_client_that_does_not_read() -> None:
    """The same bytes wait in the same connection for two seconds."""
    full, name = {"SK": connected(900)}, "[::1]:40000"
    assert verdicts("MIP-209", window(full, full)) == {name: "AFFECTED"}
    assert verdicts("MIP-209", window(full, {"SK": connected(800)})) == {name: "PASS"}
    assert verdicts("MIP-209", window(full, {"SK": connected(900, inode=8)})) == {name: "PASS"}
    assert verdicts("MIP-209", window({"SK": connected()}, {"SK": connected()})) == {name: "PASS"}
    assert verdicts("MIP-209", window(full, {"SK": ()})) == {"": "PASS"}
    assert verdicts("MIP-209", window(full, full, 1.0)) == {name: "UNKNOWN"}
    assert verdicts("MIP-209", facts("ha", SK=connected(900))) == {"": "UNKNOWN"}
    assert verdicts("MIP-209", facts("", SK=())) == {"": "N/A"}


def test_a_virtual_terminal_that_is_open() -> None:
    """To the network, to many users, to few; whose it is has to be seen."""
    assert verdicts("MIP-210", facts("ha", SK=(listening(),))) == {"[::1]:7777": "PASS"}
    for local in ("::", "0.0.0.0", AGENT, "::ffff:192.0.2.1"):
        assert list(verdicts("MIP-210", facts("ha", SK=(listening(local),))).values()) == ["AFFECTED"]
    users = tuple(listening(owner="x (pid 1)", port=80 + user, user=user) for user in (1000, 1001))
    assert verdicts("MIP-210", facts("ha", SK=(listening(), *users))) == {"[::1]:7777": "LIKELY"}
    assert verdicts("MIP-210", facts("ha", SK=(listening(owner=None),))) == {"": "UNKNOWN"}
    seen = facts("ha", SK=(listening("::", None),), engine=engine("ha"))
    assert verdicts("MIP-210", seen) == {"[::]:7777": "AFFECTED"}
    assert verdicts("MIP-210", facts("ha", SK=())) == {"": "N/A"}


def test_a_log_that_others_may_write() -> None:
    """As the daemon was started or configured; a name that is not absolute is below /tmp."""
    by_hand: dict[str, Any] = {"PR": (daemon("-l", "/var/x"),)}
    by_file: dict[str, Any] = {"PR": (), "CF": configuration(DebugLogFile="x")}
    assert verdicts("MIP-212", facts("ha", **by_hand | {"LG_mode /var/x": 0o666})) == {"/var/x": "AFFECTED"}
    assert verdicts("MIP-212", facts("ha", **by_hand | {"LG_mode /var/x": 0o640})) == {"/var/x": "PASS"}
    assert verdicts("MIP-212", facts("ha", **by_file | {"LG_mode /tmp/x": 0o620})) == {"/tmp/x": "AFFECTED"}
    assert verdicts("MIP-212", facts("ha", **by_file | {"LG_mode /tmp/x": None})) == {"/tmp/x": "UNKNOWN"}
    assert verdicts("MIP-212", facts("ha", PR=(), CF=configuration())) == {"": "N/A"}
    assert verdicts("MIP-212", facts("ha", PR=(daemon(),))) == {"": "UNKNOWN"}


@pytest.mark.parametrize(
    ("kind", "command", "verdict"),
    [
        ("simple", "/usr/sbin/mip6d -c x", "PASS"),
        ("forking", "/usr/sbin/mip6d -c x", "AFFECTED"),
        ("notify", "/bin/sh mip6d.sh", "AFFECTED"),
        ("forking", "/bin/sh mip6d.sh", "PASS"),
        ("forking", "/bin/sh mip6d.sh -d 3", "AFFECTED"),
        ("forking", "/bin/sh mip6d.sh -d 3 -l /var/log/x", "PASS"),
    ],
)
def test_units_of_systemd(kind: str, command: str, verdict: str) -> None:
    """systemd does not wait for what mip6d does not do."""
    service = Service("mip6d.service", kind, tuple(command.split()))
    known = facts(PR=(), PR_services=(service,), CF=configuration())
    assert verdicts("MIP-213", known) == {"mip6d.service": verdict}


def test_units_of_systemd_that_are_not_there() -> None:
    """None, and not known."""
    assert verdicts("MIP-213", facts(PR=(), PR_services=())) == {"": "N/A"}
    assert verdicts("MIP-213", facts(PR=())) == {"": "UNKNOWN"}


def test_settings_that_were_not_set_back() -> None:
    """Both off, and no daemon that has them so."""
    off = {f"{DEFAULTS}accept_ra": 0, f"{DEFAULTS}autoconf": 0}
    assert verdicts("MIP-214", facts(SY=off, PR=())) == {"": "LIKELY"}
    assert verdicts("MIP-214", facts(SY=off | {f"{DEFAULTS}accept_ra": 1})) == {"": "PASS"}
    assert verdicts("MIP-214", facts(SY=off, PR=(daemon(),))) == {"": "N/A"}
    assert verdicts("MIP-214", facts(SY=off, PR=(daemon(is_here=None),))) == {"": "UNKNOWN"}
    assert verdicts("MIP-214", facts(SY={})) == {"": "UNKNOWN"}
    assert verdicts("MIP-214", facts()) == {"": "UNKNOWN"}


def test_changes_that_are_not_in_use() -> None:
    """Where the file is newer than the daemon, and the kernel or the role says otherwise."""
    home = Setting("MnHomeLink", ("eth0",), (Setting("HomeAddress", (f"{HOA}/64",)),))

    def judged(*settings: Setting, started_at: float = 10.0, **more: Any) -> str:
        file = Configuration("x", (Setting("NodeConfig", ("MN",)), home, *settings), modified_at=50.0)
        known = {"XP": (), "RU": (), "engine": engine("mn"), **more}
        return verdicts("MIP-215", facts("mn", PR=(daemon(started_at=started_at),), CF=file, **known))[""]

    without = Setting("DoRouteOptimizationMN", ("disabled",))
    plain = Setting("UseMnHaIPsec", ("disabled",))
    esp = policy("out", proto="mh", ptype="main", priority=2, templates=("esp transport reqid 3",))
    trigger = policy("out", f"{HOA}/128", priority=18, templates=("hao in_trigger",))
    assert judged() == "PASS"
    assert judged(started_at=60.0, engine=engine("ha")) == "PASS"
    assert judged(engine=engine("ha")) == "AFFECTED"
    assert judged(plain, XP=(esp,)) == "AFFECTED"
    assert judged(without, XP=(trigger,)) == "AFFECTED"
    assert judged(XP=(trigger,), RU=(rule(1001, f"{HOA}/128", 252),)) == "PASS"
    assert judged(RU=(rule(1001, "2001:db8:1::7/128", 252),)) == "AFFECTED"
    assert judged(Setting("InitialSolicitTimer", ("3.0",))) == "UNKNOWN"
    assert judged(XP=cannot("XP")) == "UNKNOWN"
    idle = facts("mn", PR=(), CF=configuration(), XP=(), RU=())
    assert verdicts("MIP-215", idle) == {"": "N/A"}
