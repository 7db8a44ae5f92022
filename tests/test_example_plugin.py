"""The example plugin: installed as anybody installs one, found, and used through the program."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay, Scripted

EXAMPLE = Path(__file__).parents[1] / "docs" / "example-plugin"
INSTALL = ("install", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example into a folder of its own, with nothing fetched."""
    target = tmp_path_factory.mktemp("site")
    argv = [sys.executable, "-m", "pip", *INSTALL, "--target", str(target), str(EXAMPLE)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def plugged(mipsh: Mipsh, installed: Path) -> Mipsh:
    """Return mipsh with the example on its path."""
    mipsh.variables["PYTHONPATH"] = str(installed)
    return mipsh


def test_it_is_listed_with_its_package(plugged: Mipsh) -> None:
    """Command, format and engine; with --no-plugins, none of it."""
    ran = plugged.process("--no-config", "plugins", "--json", "--where", "package=mipsh-example")
    assert (ran.status, ran.stderr) == (0, "")
    assert [(row["kind"], row["name"], row["state"]) for row in ran.rows] == [
        ("command", "expiring", "ok"),
        ("engine", "saved", "ok"),
        ("format", "org", "ok"),
    ]
    without = plugged.process("--no-config", "--no-plugins", "expiring")
    assert without.status == 64
    assert "'expiring' is not a command" in without.stderr


def test_its_command_is_like_any_other(plugged: Mipsh, replay: Replay) -> None:
    """Options, filters, formats, help and completion follow from its declaration."""
    uri = replay(ROUTE_OPTIMISED, "cn").uri
    fine = plugged.process("--no-config", "-e", uri, "expiring", "--json")
    assert (fine.status, fine.rows, fine.document["table"]) == (0, [], "expiring")
    soon = plugged.process("--no-config", "-e", uri, "expir", "--within", "10m", "-o", "csv")
    assert (soon.status, soon.stdout) == (1, "home_address,remaining_s\n2001:db8:1::100,404\n")
    assert "1 bindings end within 600 s" in soon.stderr
    assert plugged.process("--no-config", "expiring", "--bogus").status == 64
    assert plugged.process("--no-config", "expiring", "?").stdout.startswith("expiring: show bindings that end soon\n")
    words = plugged.process("--no-config", "--json", "completion", "words", "exp").rows
    assert words == [{"word": "expiring", "meaning": "show bindings that end soon"}]


def test_its_format_writes_rows_errors_and_nothing(plugged: Mipsh, replay: Replay) -> None:
    """A bar in a cell is no border, and nothing in it acts on a terminal."""
    entry = "hoa 2001:db8:0:0:0:0:0:1 nonce 0 status a|b\x07\n coa 2001:db8:0:0:0:0:0:2 nonce 0 flags A---\n"
    uri = replay.serve(Scripted({"bc": entry, "stats": "", "nonce": ""})).uri
    ran = plugged.process("--no-config", "-e", uri, "bc", "-o", "org", "--columns", "hoa,status")
    assert ran.status == 0
    assert ran.stdout.splitlines() == [
        "| Home address | Status |",
        "|-+-|",
        r"| 2001:db8::1 | a\vert{}b\x07 |",
    ]
    empty = plugged.process("--no-config", "-e", uri, "nonce", "-o", "org", "--columns", "hoa")
    assert (empty.status, empty.stdout) == (0, "| Home address |\n|-|\n")
    error = plugged.process("--no-config", "-e", uri, "bul", "-o", "org", "--columns", "hoa")
    assert error.status == 3
    assert error.stdout.splitlines()[-1].startswith("# the binding update list is kept by mobile nodes; this is ")


def test_its_engine_answers_from_a_document(plugged: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """The same rows as from the engine that the document came from; other tables are missing."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    path = tmp_path / "bul.json"
    assert plugged.process("--no-config", "-e", uri, "bul", "-o", "json", ">", str(path)).status == 0
    saved = plugged.process("--no-config", "bul", "-e", f"saved:{path}", "--json")
    assert saved.status == 0
    assert saved.rows == json.loads(path.read_text())["data"]
    assert saved.document["engine"]["engine"] == "saved"
    assert plugged.process("--no-config", "assert", "bul", "has", "state=bound", "-e", f"saved:{path}").status == 0
    other = plugged.process("--no-config", "bc", "-e", f"saved:{path}")
    assert other.status == 3
    assert "this is a mobile node" in other.stderr


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (None, 69, "cannot read "),
        ("{}", 69, "is no document of mipsh"),
        ('{"table": "help", "engine": {"engine": "x", "address": "y"}, "data": []}', 69, "which no engine keeps"),
        ('{"table": "binding_cache", "engine": {"engine": "x", "address": "y"}, "data": [{}]}', 69, "is not one of"),
    ],
)
def test_its_engine_says_what_is_wrong_with_a_file(
    plugged: Mipsh, tmp_path: Path, text: str | None, status: int, said: str
) -> None:
    """Each with the status of an engine that cannot be used."""
    path = tmp_path / "bc.json"
    if text is not None:
        path.write_text(text)
    ran = plugged.process("--no-config", "bc", "-e", f"saved:{path}")
    assert ran.status == status
    assert said in ran.stderr
    assert plugged.process("--no-config", "bc", "-e", "saved:").status == 64
