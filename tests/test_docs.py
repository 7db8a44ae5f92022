"""The documents say what is: their commands run, their tables are real, their links lead somewhere."""

import re
import shlex
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import NamedTuple

import pytest
from harness import Mipsh, Replay

from mipsh import __version__
from mipsh.builtin import COMMANDS, FORMATS
from mipsh.config import parse_config
from mipsh.environment import Environment
from mipsh.grammar.lines import parse
from mipsh.grammar.tokens import tokens_of_argv
from mipsh.grammar.words import read_words
from mipsh.node.replay import RecordedResponder
from mipsh.process import PROGRAM
from mipsh.recording import load
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.settings import Settings
from mipsh.status import MEANINGS, ExitStatus

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DEMO = ROOT / "mipsh" / "recordings" / "route-optimised"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ROW = re.compile(r"^\| (\d+) \| (.*) \|$", re.MULTILINE)
OPERATORS = re.compile(r"[|&;<>()]+")
ELSEWHERE = {"completion", "demo", "lab", "mipd", "ping6", "record", "replay", "tour", "trace", "watch"}
NOT_HERE = {"-e", "-N", "-f", "--rate", "--directory", *ELSEWHERE}


class Shown(NamedTuple):
    """A line of mipsh that a document shows: its words, where it stands, and what is shown below it."""

    words: tuple[str, ...]
    where: str
    output: str = ""


def blocks(path: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of a document that are in one of the languages."""
    return [body for language, body in FENCE.findall(path.read_text("utf-8")) if language in languages]


def mipsh_words(line: str) -> tuple[str, ...] | None:
    """Return what a shell would give to mipsh, None where it does not run it."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = list(lexer)
    if "mipsh" not in words or (words[0] != "mipsh" and not line.startswith(("$ ", "*", "echo"))):
        return None
    words = words[words.index("mipsh") + 1 :]
    end = next((at for at, word in enumerate(words) if OPERATORS.fullmatch(word)), len(words))
    return tuple(words[:end])


def shown() -> Iterator[Shown]:
    """Yield every line of mipsh in the shell blocks of the documents."""
    for path in DOCUMENTS:
        where = path.relative_to(ROOT).as_posix()
        for block in blocks(path, "sh", "crontab"):
            for line in block.splitlines():
                words = mipsh_words(line)
                if words is not None:
                    yield Shown(words, f"{where}: {line}")
        for block in blocks(path, "console"):
            for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, output = piece.partition("\n")
                yield Shown(mipsh_words(line) or (), f"{where}: {line}", output)


SHOWN = list(shown())


@pytest.fixture
def mobile_node(mipsh: Mipsh, replay: Replay) -> Mipsh:
    """Return mipsh with the mobile node of the demo as its engine."""
    mipsh.variables["MIPSH_ENGINE"] = replay.serve(RecordedResponder(load(DEMO, "mn"))).uri
    return mipsh


def test_the_documents_show_something() -> None:
    """Enough lines are found that the tests below look at something."""
    assert len(SHOWN) >= 25
    assert sum(bool(line.output) for line in SHOWN) >= 2


@pytest.mark.parametrize("line", SHOWN, ids=lambda line: line.where)
def test_a_shown_line_is_understood(line: Shown) -> None:
    """The grammar reads it as it stands."""
    read = read_words(PROGRAM, tokens_of_argv(line.words), complete=False)
    assert not read.faults
    assert read.pending is None
    registry = Registry(plugins=False)
    lines = read.values.get("command", [])
    assert isinstance(lines, list)
    for source in [*lines, *([read.rest] if read.rest else [])]:
        assert not parse(source, registry).faults


@pytest.mark.parametrize(
    "line", [s for s in SHOWN if not NOT_HERE & {*s.words} and s.words], ids=lambda line: line.where
)
def test_a_shown_line_runs(mobile_node: Mipsh, line: Shown) -> None:
    """Its fields, values and tables are there: it answers, or says that it cannot tell."""
    ran = mobile_node(*line.words)
    known = {ExitStatus.OK, ExitStatus.CONDITION_NOT_MET, ExitStatus.COULD_NOT_TELL}
    assert ExitStatus(ran.status) in known, ran.stderr


@pytest.mark.parametrize("line", [s for s in SHOWN if s.output], ids=lambda line: line.where)
def test_a_shown_result_is_real(mobile_node: Mipsh, line: Shown) -> None:
    """What stands below a command is what the demo's mobile node says."""
    ran = mobile_node(*line.words)
    assert ran.status == ExitStatus.OK
    assert ran.stdout == line.output


@pytest.mark.parametrize("name", ["README.md", "docs/scripting.md"])
def test_the_table_of_exit_statuses_is_the_real_one(name: str) -> None:
    """Every status is there, in order, with the meaning that help gives it."""
    rows = ROW.findall((ROOT / name).read_text("utf-8"))
    assert rows == [(str(int(status)), meaning) for status, meaning in MEANINGS.items()]


def test_every_command_named_in_the_readme_exists() -> None:
    """The table of commands names real ones."""
    text = (ROOT / "README.md").read_text("utf-8")
    table = text[text.index("| Command |") : text.index("`?` shows")]
    named = set(re.findall(r"`([a-z]+)`", table))
    assert {"bc", "bul", "rr", "hal", "pl", "nonce", "stats", "status"} == named
    assert named <= set(COMMANDS)


def test_the_readme_lists_the_formats() -> None:
    """Every built-in format is named, and no other."""
    text = (ROOT / "README.md").read_text("utf-8")
    sentence = text[text.index("Formats: ") :].partition(". Off a terminal")[0]
    assert set(re.findall(r"`([a-z]+)`", sentence)) == set(FORMATS)


def test_every_target_named_is_in_the_makefile() -> None:
    """``make X`` works for every X that a document names."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)make (?:[A-Z]+=\S+ )?([a-z]+)", path.read_text("utf-8"), re.MULTILINE))
        assert named <= targets, path.name


def test_the_shown_configuration_is_accepted() -> None:
    """The settings file of the README is one."""
    (block,) = blocks(ROOT / "README.md", "toml")
    config = parse_config(block.encode(), "README.md")
    assert config.startup
    assert config.aliases
    assert config.settings != Settings()


def test_the_shown_plugin_works(tmp_path: Path, mobile_node: Mipsh) -> None:
    """The command in docs/plugins.md is one, and shows what it says."""
    (block,) = blocks(ROOT / "docs" / "plugins.md", "python")
    path = tmp_path / "shown_plugin.py"
    path.write_text(block, encoding="utf-8")
    spec = spec_from_file_location("shown_plugin", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = Settings(engine=mobile_node.variables["MIPSH_ENGINE"])
    with Session(Environment(mobile_node.variables), Registry(plugins=False), settings) as session:
        result = module.COMMAND.run(session)
    assert [row.peer_address for row in result.rows] == ["2001:db8:1::1"]


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    """A link names a file of the tree, and an anchor a heading of it."""
    broken = []
    for link in LINK.findall(path.read_text("utf-8")):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        file = path.parent / target if target else path
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert not broken


def test_the_changelog_knows_this_version() -> None:
    """The newest heading is the version that the package says it is."""
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == __version__


def test_the_screenshot_is_of_this_shell() -> None:
    """It shows the command at the top of the README, and fetches nothing from elsewhere."""
    text = (ROOT / "docs" / "screenshot.svg").read_text("utf-8")
    assert "2001:db8:2:0:f809:44ff:fec8:30f9" in text
    assert "@font-face" not in text
