"""One run of the program: its words, its files, its variables, its exit status."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import RECORDINGS, ROUTE_OPTIMISED, Mipsh, Replay

from mipsh import __version__
from mipsh.cli import main

NOWHERE = "umip:///nowhere/mip6d.sock"
ALIASES = "alias -o csv --no-headers"


def write(path: Path, text: str | bytes) -> str:
    """Write a file and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def config(mipsh: Mipsh, text: str | bytes) -> str:
    """Write the configuration file where mipsh looks for it."""
    return write(Path(mipsh.variables["XDG_CONFIG_HOME"]) / "mipsh" / "config.toml", text)


def test_lines_are_run_in_order(mipsh: Mipsh) -> None:
    """-c again and again, in one session."""
    ran = mipsh("-c", "alias a bc; alias b bul", "--command", "alias --remove a", "-c", ALIASES)
    assert (ran.status, ran.stdout, ran.stderr) == (0, "b,bul\r\n", "")


def test_a_file_of_lines_is_run(mipsh: Mipsh, tmp_path: Path) -> None:
    """Comments, blank lines, no line feed at the end; - is standard input."""
    text = f"# a comment\n\nalias a bc # another\n  {ALIASES}"
    path = write(tmp_path / "lines.mip", text)
    assert mipsh("-f", path).stdout == "a,bc\r\n"
    assert mipsh("-f", "-", stdin=text).stdout == "a,bc\r\n"
    assert mipsh(stdin=text).stdout == "a,bc\r\n"
    assert mipsh(stdin="").status == 0


@pytest.mark.parametrize("keep_going", [False, True])
def test_the_first_line_that_is_not_fine_ends_it(mipsh: Mipsh, tmp_path: Path, keep_going: bool) -> None:
    """Unless told to keep going; then the highest status counts."""
    lines = [
        "bul --bogus",
        f"bc -e {NOWHERE}",
        ALIASES.replace("alias", "version --columns program --where program=mipsh"),
    ]
    path = write(tmp_path / "lines.mip", "\n".join(lines))
    words = ["--keep-going"] if keep_going else []
    expected = (69, "mipsh\r\n") if keep_going else (64, "")
    arguments = [word for line in lines for word in ("-c", line)]
    for ran in (mipsh(*words, *arguments), mipsh(*words, "-f", path), mipsh(*words, stdin="\n".join(lines))):
        assert (ran.status, ran.stdout) == expected


def test_each_line_can_be_echoed(mipsh: Mipsh) -> None:
    """On stderr, before it runs; standard output has results only."""
    ran = mipsh("-E", "-c", f"alias a 'bc'; {ALIASES}", "-c", "quit")
    assert ran.stderr.splitlines() == ["+ alias a 'bc'", f"+ {ALIASES}", "+ quit"]
    assert ran.stdout == "a,bc\r\n"


def test_quit_ends_with_what_was_so_far(mipsh: Mipsh) -> None:
    """Nothing behind it runs."""
    ran = mipsh("-c", "quit", "-c", "bogus")
    assert (ran.status, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--bogus"], "has no option '--bogus'"),
        (["-c"], "--command needs a value"),
        (["-o"], "--output needs a value"),
        (["-c", "version", "bul"], "'bul' is one word too many beside -c or -f"),
        (["-f", "x", "bul"], "'bul' is one word too many beside -c or -f"),
        (["-c", "version", "-f", "x"], "-c and -f do not go together"),
        (["-f", "/nowhere/lines"], "cannot read /nowhere/lines: No such file or directory"),
        (["-f", "/"], "cannot read /: Is a directory"),
        (["--no-config=1", "bul"], "--no-config takes no value"),
        (["-N", "a/b", "version"], "is not the name of a network namespace"),
        (["-N", "no-such-namespace", "version"], "there is no network namespace 'no-such-namespace'"),
        (["--config", "/nowhere/config", "version"], "there is no configuration file /nowhere/config"),
    ],
)
def test_words_that_are_wrong_are_usage_errors(mipsh: Mipsh, words: list[str], said: str) -> None:
    """Status 64, one error, nothing on standard output."""
    ran = mipsh(*words)
    assert (ran.status, ran.stdout) == (64, "")
    assert ran.stderr.startswith("mipsh: error: ")
    assert said in ran.stderr


def test_a_file_that_is_no_text_is_a_usage_error(mipsh: Mipsh, tmp_path: Path) -> None:
    """From a file and from standard input, which a real process reads byte by byte."""
    path = write(tmp_path / "binary", b"\xff\xfe\x00")
    assert "cannot read" in mipsh("-f", path).stderr
    with Path(path).open("rb") as binary:
        ran = mipsh.process("--no-config", stdin=binary)
    assert ran.status == 64
    assert r"'\udcff\udcfe\x00' is not a command" in ran.stderr


def test_the_configuration_sets_and_starts(mipsh: Mipsh) -> None:
    """Settings and aliases from the file; an option and a variable win over it; --no-config reads none."""
    config(mipsh, f'output = "tsv"\nheaders = false\nengine = "{NOWHERE}"\n[aliases]\nmine = "bul --wide"\n')
    assert mipsh("alias").stdout == "mine\tbul --wide\n"
    assert mipsh("alias", "-o", "csv").stdout == "mine,bul --wide\r\n"
    assert mipsh("--json", "alias").rows == [{"alias": "mine", "line": "bul --wide"}]
    assert mipsh("--no-config", "alias").stdout == "Aliases: no entries\n"
    assert "/nowhere/mip6d.sock" in mipsh("bc").stderr
    mipsh.variables["MIPSH_ENGINE"] = "umip:///nowhere/else.sock"
    assert "/nowhere/else.sock" in mipsh("bc").stderr
    assert "/nowhere/third.sock" in mipsh("-e", "umip:///nowhere/third.sock", "bc").stderr


def test_another_configuration_can_be_named(mipsh: Mipsh, tmp_path: Path) -> None:
    """By an option and by a variable; one that is only looked for need not be there."""
    config(mipsh, 'output = "csv"\n')
    other = write(tmp_path / "other.toml", 'output = "tsv"\n')
    assert mipsh("set", "output").stdout.startswith("setting,")
    assert mipsh("--config", other, "set", "output").stdout.startswith("setting\t")
    mipsh.variables["MIPSH_CONFIG"] = other
    assert mipsh("set", "output").stdout.startswith("setting\t")
    mipsh.variables["MIPSH_CONFIG"] = str(tmp_path / "missing.toml")
    assert mipsh("set", "output").stdout.startswith("Setting ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("output = ", ":1: not TOML: "),
        ("\noutptu = 1\n", ":2: there is no key 'outptu'"),
        ("\n\ntimeout = 0\n", ":3: timeout cannot be '0'"),
        ("[aliases]\nx = 1\n", ":2: the alias 'x' is a text"),
        ("startup = 'status'\n", ":1: startup is a list of lines"),
        (b"# \xff\n", ":1: not UTF-8"),
    ],
)
def test_a_configuration_that_is_wrong_names_the_line(mipsh: Mipsh, text: str | bytes, said: str) -> None:
    """Status 64, and nothing is run."""
    path = config(mipsh, text)
    ran = mipsh("version")
    assert (ran.status, ran.stdout) == (64, "")
    assert f"{path}{said}" in ran.stderr


def test_a_configured_alias_takes_no_command_s_place(mipsh: Mipsh) -> None:
    """It is left out with a warning; the others are used."""
    config(mipsh, '[aliases]\nbul = "version"\nmine = "version"\n')
    ran = mipsh("alias", "-o", "csv", "--no-headers")
    assert ran.stdout == "mine,version\r\n"
    assert ran.stderr == "mipsh: warning: the configured alias 'bul' is not used: it is a command's name\n"


def test_the_engine_can_be_named_everywhere(mipsh: Mipsh, replay: Replay) -> None:
    """Before the command, behind it, by a variable, by a line."""
    uri = replay(ROUTE_OPTIMISED, "ha").uri
    other = Mipsh(mipsh.home, {**mipsh.variables, "MIPSH_ENGINE": uri})
    runs = [
        mipsh("-e", uri, "hal", "-o", "csv"),
        mipsh("hal", "-o", "csv", "--engine", uri),
        mipsh(f"--engine={uri}", "-c", "hal -o csv"),
        mipsh("-c", f"set engine {uri}; hal -o csv"),
        other("hal", "-o", "csv"),
    ]
    assert {(ran.status, ran.stdout) for ran in runs} == {(0, runs[0].stdout)}
    assert "2001:db8:1::1" in runs[0].stdout


def test_quiet_and_verbose_are_of_the_whole_run(mipsh: Mipsh) -> None:
    """Errors are never quiet."""
    assert mipsh("-q", "-e", NOWHERE, "bc").stderr.startswith("mipsh: error: nothing listens")
    assert mipsh("-v", "version").stderr == ""


def test_the_version_costs_nothing(mipsh: Mipsh, capsys: pytest.CaptureFixture[str]) -> None:
    """Alone it is said at once; a broken configuration does not matter."""
    config(mipsh, "broken")
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mipsh {__version__}\n"
    assert mipsh.process("-V").stdout == f"mipsh {__version__}\n"


@pytest.fixture
def namespace() -> Iterator[str]:
    """Make a network namespace with its loopback up, and remove it."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    pyroute2 = importlib.import_module("pyroute2")
    name = f"mipsh-test-{os.getpid()}"
    try:
        pyroute2.netns.create(name)
    except OSError as error:
        pytest.skip(f"no network namespace can be made here: {error}")
    try:
        with pyroute2.NetNS(name) as inside:
            inside.link("set", index=1, state="up")
        yield name
    finally:
        pyroute2.netns.remove(name)


@pytest.mark.system
def test_an_engine_in_another_network_namespace_is_reached(mipsh: Mipsh, namespace: str) -> None:
    """The same address is an engine there, and none here; who serves it there is not warned of here."""
    serve = ("replay", str(RECORDINGS / ROUTE_OPTIMISED), "--node", "mn", "--port", "0")
    ask = ("status", "-o", "tsv", "--no-headers", "--columns", "role")
    with mipsh.start("--no-config", "-o", "tsv", "--no-headers", "-N", namespace, *serve) as server:
        assert server.stdout is not None
        uri = server.stdout.readline().split("\t")[0]
        inside = mipsh.process("--no-config", "-N", namespace, "-e", uri, *ask)
        outside = mipsh.process("--no-config", "-e", uri, *ask)
        server.terminate()
        server.communicate(timeout=30)
    assert (inside.status, inside.stdout, inside.stderr) == (0, "mn\n", "")
    assert (outside.status, outside.stdout) == (69, "")
