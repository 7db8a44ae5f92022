"""``check``: on this node, on recorded ones, with thresholds, suppressions and a baseline, in every format."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from harness import RECORDINGS, ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.builtin import FORMATS
from mipsh.registry import CHECKS, Plugin, Registry

MN = f"{RECORDINGS / ROUTE_OPTIMISED}/mn"
NOWHERE = "umip:///nowhere/mip6d.sock"
USER_CHECKS = """
checks:
  - id: SITE-001
    title: the tunnel of the mobile node is missing
    severity: high
    table: links
    field: name
    operator: "="
    value: nothing-like-that
    where: [name=ip6tnl1]
    remedy: ["start mip6d"]
  - id: SITE-002
    title: a rule of mobility is missing
    severity: low
    table: rules
    where: [priority=1001]
    field: table
    operator: "="
    value: 252
"""


@pytest.fixture
def site(mipsh: Mipsh) -> Mipsh:
    """Return mipsh with checks of its own: one that finds something on a recorded mobile node, one that does not."""
    folder = mipsh.home / "config" / "mipsh" / "checks.d"
    folder.mkdir(parents=True)
    (folder / "site.yaml").write_text(USER_CHECKS)
    return mipsh


def test_a_recorded_node_is_checked_by_what_was_recorded(mipsh: Mipsh) -> None:
    """Its daemon's tables among it."""
    ran = mipsh("check", "OPT-01", "OPT-03", "--from", MN, "--json")
    assert (ran.status, ran.stderr) == (0, "")
    assert [(row["id"], row["verdict"]) for row in ran.rows] == [("OPT-01", "PASS"), ("OPT-03", "PASS")]
    (evidence,) = ran.rows[1]["evidence"]
    assert evidence["source"] == "XP"


def test_people_see_what_is_wrong_and_what_to_do(site: Mipsh) -> None:
    """All of it with --all; one line of all checks, and how many there are."""
    ran = site("check", "user", "--from", MN)
    assert ran.status == 2
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["Verdict", "Id", "Severity", "Subject", "Observed"]
    assert lines[1].split()[:4] == ["AFFECTED", "SITE-001", "high", "ip6tnl1"]
    assert "SITE-001, the tunnel of the mobile node is missing: start mip6d" in lines
    assert lines[-2:] == ["SITE-001:KO SITE-002:OK", "1 found: 1 PASS, 1 AFFECTED."]
    assert "SITE-002" in site("check", "user", "--from", MN, "--all").stdout.partition("\n\n")[0]


def test_all_well_is_said(site: Mipsh) -> None:
    """With status 0, and nothing in the table."""
    ran = site("check", "SITE-002", "--from", MN)
    assert ran.status == 0
    assert ran.stdout.splitlines()[-1] == "All well: 1 PASS."


@pytest.mark.parametrize(("words", "status"), [((), 2), (("--fail-on", "critical"), 0), (("--skip", "SITE-001"), 0)])
@pytest.mark.parametrize("format_", FORMATS)
def test_the_status_is_the_same_in_every_format(site: Mipsh, format_: str, words: tuple[str, ...], status: int) -> None:
    """By the threshold, and by what is left out."""
    assert site("check", "user", "--from", MN, "-o", format_, *words).status == status


def test_what_is_suppressed_is_shown_and_does_not_count(site: Mipsh) -> None:
    """With its reason; one that has ended is said."""
    folder = site.home / "config" / "mipsh"
    kept = '[[suppress]]\nid = "SITE-*"\nreason = "renamed"\nuntil = 2999-01-01\n'
    (folder / "suppressions.toml").write_text(kept + kept.replace("2999", "1999").replace("SITE-*", "OPT-01"))
    ran = site("check", "user", "--from", MN, "--json")
    assert ran.status == 0
    assert [row["suppressed"] for row in ran.rows] == ["renamed (until 2999-01-01)", None]
    assert "the suppression of OPT-01 ended on 1999-01-01" in ran.stderr
    (folder / "suppressions.toml").write_text("x")
    assert site("check", "user", "--from", MN).status == 64


def test_what_was_so_before_does_not_count(site: Mipsh, tmp_path: Path) -> None:
    """A baseline is the document of an earlier check."""
    before = tmp_path / "before.json"
    before.write_text(site("check", "user", "--from", MN, "--json").stdout)
    assert site("check", "user", "--from", MN, "--baseline", str(before)).status == 0
    assert site("check", "user", "--from", MN, "--baseline", str(tmp_path / "missing")).status == 64


def test_a_file_of_checks_that_is_wrong_is_said_and_the_others_run(site: Mipsh) -> None:
    """As a warning that names it."""
    (site.home / "config" / "mipsh" / "checks.d" / "zz.yaml").write_text("checks: [{}]")
    ran = site("check", "SITE-002", "--from", MN)
    assert ran.status == 0
    assert "zz.yaml: check 1" in ran.stderr


def test_an_area_of_a_package_that_is_broken_is_named_and_the_others_run(site: Mipsh) -> None:
    """It keeps nothing from being checked."""
    broken = Plugin(CHECKS, "broken", "mipsh_nowhere:AREA", "nowhere", "1")
    strange = Plugin(CHECKS, "strange", "mipsh.commands.check:COMMAND", "strange-package", "1")
    ran = site.lines(Registry(scan=lambda: [broken, strange]), f"check SITE-002 --from {MN}")
    assert ran.status == 0
    assert "the check 'broken' of the package nowhere cannot be used" in ran.stderr
    assert "is a Command, not a Area" in ran.stderr


def test_formats_for_machines_say_what_was_found(site: Mipsh) -> None:
    """Each in its own way."""

    def output(format_: str) -> str:
        return site("check", "user", "--from", MN, "-o", format_).stdout

    (suite,) = ElementTree.fromstring(output("junit"))
    assert (suite.attrib["tests"], suite.attrib["failures"], suite.attrib["errors"]) == ("2", "1", "0")
    assert output("tap").splitlines()[:3] == [
        "TAP version 13",
        "1..2",
        "not ok 1 - SITE-001 [ip6tnl1] the tunnel of the mobile node is missing",
    ]
    first, second = output("nagios").splitlines()
    assert first.startswith("MIPSH CRITICAL - SITE-001: 1 PASS, 1 AFFECTED | pass=1;;;0;2 affected=1;;;0;2 ")
    assert second.startswith("AFFECTED SITE-001 [ip6tnl1] ")
    assert 'mipsh_check_findings{verdict="AFFECTED"} 1' in output("prometheus")
    assert "mipsh_exit_status 2" in output("prometheus")


def test_a_node_of_another_machine_is_not_taken_for_this_one(mipsh: Mipsh, replay: Replay) -> None:
    """The engine answers here, and its node's addresses are elsewhere: the kernel here is not its."""
    ran = mipsh("-e", replay(ROUTE_OPTIMISED, "mn").uri, "check", "OPT-04", "--json")
    (row,) = ran.rows
    assert (ran.status, row["verdict"]) == (3, "UNKNOWN")
    assert "not the one that mipsh is on" in row["observed"]


def test_a_node_without_mobility_has_nothing_to_check(mipsh: Mipsh) -> None:
    """Which is not that all is well; --role says what it is to be."""
    ran = mipsh("-e", NOWHERE, "check", "OPT-04", "--json")
    assert (ran.status, ran.rows[0]["verdict"]) in ((3, "N/A"), (3, "UNKNOWN"))
    ran = mipsh("-e", NOWHERE, "check", "OPT-04", "--role", "mn", "--json")
    assert (ran.status, ran.rows[0]["verdict"]) == (0, "PASS")


def test_waiting_ends_when_all_is_well_or_time_is_over(site: Mipsh) -> None:
    """It is run again until then."""
    assert site("check", "SITE-002", "--from", MN, "--wait", "60").status == 0
    assert site("check", "SITE-001", "--from", MN, "--wait", "200ms").status == 2


def test_without_privilege_it_could_not_be_told(mipsh: Mipsh) -> None:
    """And which one it takes is said: never that all is well."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv(1) of util-linux is not installed")
    drop = ["--bounding-set", "-all", "--inh-caps", "-all"] if os.geteuid() == 0 else []
    mipsh_ = [sys.executable, "-m", "mipsh", "-e", NOWHERE, "check", "OPT-04", "MIP-603", "--role", "mn", "--json"]
    argv = [setpriv, *drop, *mipsh_]
    done = subprocess.run(argv, env=mipsh.variables, capture_output=True, text=True, check=False, timeout=30)
    rows = {row["id"]: row for row in json.loads(done.stdout)["data"]}
    assert done.returncode != 0
    assert rows["MIP-603"]["verdict"] == "UNKNOWN"
    assert rows["MIP-603"]["privilege"] == "CAP_NET_ADMIN"
    assert "CAP_NET_ADMIN" in done.stderr


def test_words_that_mean_no_check_are_an_error(mipsh: Mipsh) -> None:
    """With what was probably meant."""
    ran = mipsh("check", "OPT-99")
    assert ran.status == 64
    assert "there is no check 'OPT-99'" in ran.stderr


def test_checks_are_listed_and_explained(site: Mipsh) -> None:
    """Those of the site, too."""
    listed = {row["id"]: row for row in site("check", "list", "--json").rows}
    assert listed["SITE-001"]["area"] == "user"
    assert listed["OPT-04"]["sources"] == ["KR"]
    assert {row["id"] for row in site("check", "list", "OPT-0*", "--json").rows} <= set(listed)
    page = site("check", "explain", "opt-04").stdout
    assert page.startswith("OPT-04: no route optimisation mode in XFRM")
    assert "reads KR: uname -r, /etc/os-release" in page
    assert site("check", "explain").status == 64


def test_how_says_what_is_read(mipsh: Mipsh) -> None:
    """By its keys, and reads nothing."""
    ran = mipsh("check", "OPT-04", "--how", "--json")
    assert [(row["step"], row["equivalent"]) for row in ran.rows] == [
        ("read KR", "uname -r, /etc/os-release"),
        ("read VT", "the virtual terminal, or the engine in use"),
    ]
    assert "checks.d" in mipsh("check", "list", "--how").stdout


def test_the_kernel_is_not_held_against_itself(mipsh: Mipsh) -> None:
    """Its own tables say nothing about a daemon that nobody asks."""
    ran = mipsh("-e", "kernel:", "check", "MIP-601", "--role", "ha", "--json")
    assert ran.status == 3
    assert [row["verdict"] for row in ran.rows] == ["UNKNOWN"]
