"""``config show``, ``lint`` and ``diff``: rows, statuses, formats, and text that means harm."""

from pathlib import Path

import pytest
from harness import Mipsh

from mipsh.builtin import FORMATS

RECORDED = Path(__file__).parents[1] / "node" / "mip6d_conf"
MN, HA, PROTECTED, CN = (str(RECORDED / f"{name}.conf") for name in ("mn", "ha", "ha-ipsec", "cn"))
SHAPES = [name for name in FORMATS if name not in ("table", "vertical")]


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """Return a file with a fault in its second line."""
    path = tmp_path / "broken.conf"
    path.write_text("NodeConfig MN;\nMnHomeLink {\n")
    return str(path)


def test_options_are_shown_as_they_count(mipsh: Mipsh) -> None:
    """What is set with its place, what is not with its default; those of other roles are left out."""
    ran = mipsh("config", "show", MN, "--json")
    assert ran.status == 0
    found = {row["option"]: row for row in ran.rows}
    role = found["NodeConfig"]
    assert (role["value"], role["default"], role["line"], role["takes"]) == ("MN", "CN", 1, "restart")
    assert (found["MnMaxHaBindingLife"]["value"], found["MnMaxHaBindingLife"]["is_default"]) == ("262140", True)
    assert found['MnHomeLink "mn0" HomeAddress']["value"] == "2001:db8:1::100/64"
    assert "HaMaxBindingLife" not in found
    assert found["UseMnHaIPsec"]["file"] == MN


def test_only_what_is_set_or_everything(mipsh: Mipsh) -> None:
    """By what is asked for."""
    only = mipsh("config", "show", CN, "--set-only", "--json").rows
    assert [row["option"] for row in only] == ["NodeConfig", "DebugLevel", "DoRouteOptimizationCN"]
    everything = {row["option"] for row in mipsh("config", "show", CN, "--all-roles", "--json").rows}
    assert {"HaMaxBindingLife", "MnMaxHaBindingLife"} <= everything


def test_a_broken_file_is_not_shown(mipsh: Mipsh, broken: str) -> None:
    """Its fault is, with its place."""
    ran = mipsh("config", "show", broken)
    assert ran.status == 2
    assert f"{broken}:3:1" in ran.stderr


def test_findings_have_places_and_advice(mipsh: Mipsh, tmp_path: Path) -> None:
    """Errors are status 2."""
    path = tmp_path / "x.conf"
    path.write_text("NodeConfig CN;\nDebugLevel yes;\nDoRouteOptimisationCN enabled;\n")
    ran = mipsh("config", "lint", str(path), "--json")
    assert ran.status == 2
    assert [(row["line"], row["col"], row["code"]) for row in ran.rows] == [
        (2, 12, "wrong-type"),
        (3, 1, "unknown-option"),
    ]
    assert "DoRouteOptimizationCN" in ran.rows[1]["advice"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ((CN,), 0),
        ((HA,), 1),
        ((HA, "--fail-on", "error"), 0),
        ((MN,), 0),
        ((MN, "--fail-on", "info"), 1),
        ((MN, PROTECTED), 2),
        (("none.conf",), 3),
        ((CN, "none.conf"), 3),
        (("none.conf", MN, PROTECTED), 2),
    ],
)
@pytest.mark.parametrize("format_", ["table", "json"])
def test_the_status_is_that_of_the_worst(mipsh: Mipsh, words: tuple[str, ...], status: int, format_: str) -> None:
    """Clean, warnings at the threshold, errors, could not read: in every format."""
    assert mipsh("config", "lint", *words, "-o", format_).status == status


def test_all_is_well_is_said(mipsh: Mipsh) -> None:
    """And of which files."""
    assert f"All is well: {CN}." in mipsh("config", "lint", CN).stdout


@pytest.mark.parametrize("format_", SHAPES)
def test_every_format_has_the_findings(mipsh: Mipsh, format_: str) -> None:
    """With the status that any other has."""
    ran = mipsh("config", "lint", HA, "-o", format_)
    assert ran.status == 1
    assert ran.stdout


def test_files_are_compared_with_each_other(mipsh: Mipsh, tmp_path: Path) -> None:
    """A mobile node and a home agent whose reqids differ."""
    text = Path(PROTECTED).read_text()
    node = text.replace("NodeConfig HA", "NodeConfig MN").replace("10 11", "20 21").replace("TunnelMh", "ICMP")
    link = 'MnHomeLink "ha0" { HomeAgentAddress 2001:db8:1::1; HomeAddress 2001:db8:1::100/64; }'
    path = tmp_path / "mn.conf"
    path.write_text(f"{node}{link}\n")
    rows = mipsh("config", "lint", str(path), PROTECTED, "--json").rows
    (found,) = [row for row in rows if row["code"] == "reqid-mismatch"]
    assert (found["file"], found["reference"]) == (str(path), "MIP-303")
    assert PROTECTED in found["message"]


def test_a_difference_says_what_it_takes(mipsh: Mipsh) -> None:
    """And all of them together, what to do."""
    ran = mipsh("config", "diff", HA, PROTECTED, "--json")
    assert ran.status == 0
    found = {row["option"]: row for row in ran.rows}
    assert (found["UseMnHaIPsec"]["before"], found["UseMnHaIPsec"]["after"]) == ("disabled", "enabled")
    assert (found["UseMnHaIPsec"]["takes"], found["UseMnHaIPsec"]["change"]) == ("restart", "changed")
    assert "Restart" in mipsh("config", "diff", HA, PROTECTED).stdout
    assert "Nothing changes" in mipsh("config", "diff", HA, HA).stdout


def test_a_difference_to_a_file_with_errors_says_so(mipsh: Mipsh, broken: str, tmp_path: Path) -> None:
    """The daemon would not take it."""
    assert mipsh("config", "diff", MN, broken).status == 2
    wrong = tmp_path / "wrong.conf"
    wrong.write_text(Path(MN).read_text() + "DebugLevel x;\n")
    assert "has errors" in mipsh("config", "diff", MN, str(wrong)).stderr
    assert mipsh("config", "diff", MN, "none").status == 3


def test_how_is_said_and_nothing_done(mipsh: Mipsh) -> None:
    """The file need not be there."""
    ran = mipsh("config", "show", "/x y", "--how", "--json")
    assert ran.status == 0
    assert [row["equivalent"] for row in ran.rows] == ["cat '/x y'", "mip6d --show-config -c '/x y'"]
    assert mipsh("config", "diff", "a", "b", "--how").status == 0
    assert mipsh("config", "lint", "a", "--how").status == 0


def test_text_that_means_harm_does_not_reach_the_terminal(mipsh: Mipsh, tmp_path: Path) -> None:
    """What would move a cursor is refused, and what looks like markup is text."""
    path = tmp_path / "evil.conf"
    path.write_text("\x1b[2J;")
    ran = mipsh("config", "lint", str(path), terminal=True)
    assert (ran.status, "\x1b[2J" in ran.stdout + ran.stderr) == (2, False)
    path.write_text("[bold]x[/bold]\u202e\u009b31m 1;")
    ran = mipsh("config", "lint", str(path), terminal=True)
    assert ran.status == 2
    assert not {"\u202e", "\u009b"} & set(ran.stdout + ran.stderr)
