"""``completion``: the scripts really complete, in the shells they are for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from harness import Mipsh

# What stands on the line, how bash cuts it into words, and what bash may put in place of the last one.
LINES: dict[str, tuple[list[str], list[str]]] = {
    "mipsh bu": (["mipsh", "bu"], ["bu", "bul"]),
    "mipsh bul --wh": (["mipsh", "bul", "--wh"], ["--where"]),
    "mipsh bul --where sta": (["mipsh", "bul", "--where", "sta"], ["state="]),
    "mipsh -o js": (["mipsh", "-o", "js"], ["json"]),
    "mipsh -o js bul": (["mipsh", "-o", "js"], ["json"]),
    "mipsh -e umip:": (["mipsh", "-e", "umip", ":"], ["//[::1]:7777", "//127.0.0.1:7777"]),
    "mipsh -e umip://[": (["mipsh", "-e", "umip", "://["], ["//[::1]:7777"]),
    "mipsh assert bul where state=bound has reg": (
        ["mipsh", "assert", "bul", "where", "state", "=", "bound", "has", "reg"],
        ["registration="],
    ),
    "mipsh show ipv6 mobile ": (
        ["mipsh", "show", "ipv6", "mobile", ""],
        ["binding", "globals", "home-agents", "traffic"],
    ),
    "mipsh set completion ": (["mipsh", "set", "completion", ""], ["live", "off", "tab"]),
    "mipsh raw bc nothing-begins-so": (["mipsh", "raw", "bc", "nothing-begins-so"], []),
}

COMPLETE = """
source {script}
compopt() {{ :; }}
COMP_LINE={line} COMP_POINT=${{#COMP_LINE}} COMP_WORDS=({words}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_POINT=$((COMP_POINT - {behind}))
_mipsh && printf '%s\\n' "${{COMPREPLY[@]}}"
complete -p mipsh
"""


def run(argv: list[str], mipsh: Mipsh, path: str) -> subprocess.CompletedProcess[str]:
    """Run a program that finds ``mipsh`` on its PATH."""
    variables = {**mipsh.variables, "PATH": path}
    return subprocess.run(argv, env=variables, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def path(mipsh: Mipsh, tmp_path: Path) -> str:
    """Return a PATH on which ``mipsh`` is this mipsh."""
    program = tmp_path / "bin" / "mipsh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mipsh "$@"\n')
    program.chmod(0o700)
    return f"{program.parent}:{mipsh.variables['PATH']}"


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("line", LINES)
def test_bash_completes(mipsh: Mipsh, path: str, tmp_path: Path, line: str) -> None:
    """The function is called as bash calls it: words cut at : and =, the cursor behind the last."""
    words, expected = LINES[line]
    script = tmp_path / "mipsh.bash"
    script.write_text(mipsh("completion", "bash").stdout)
    behind = len(" bul") if line.endswith("js bul") else 0
    quoted = " ".join(f"'{word}'" for word in words)
    text = COMPLETE.format(script=script, line=f"'{line}'", words=quoted, behind=behind)
    done = run(["bash", "--norc", "-c", text], mipsh, path)
    assert done.stderr == ""
    *found, installed = done.stdout.splitlines()
    assert installed == "complete -o default -F _mipsh mipsh"
    assert sorted(filter(None, found)) == sorted(expected)


ZSH = """
compdef() {{ :; }}
_describe() {{ print -rl -- "${{(@P)2}}" }}
_files() {{ print FILES }}
source {script}
words=(mipsh {words}) CURRENT=$(({count} + 1))
_mipsh
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_completes(mipsh: Mipsh, path: str, tmp_path: Path) -> None:
    """What zsh's _describe gets: word and meaning, colons in the word escaped; files where nothing fits."""
    script = tmp_path / "mipsh.zsh"
    script.write_text(mipsh("completion", "zsh").stdout)

    def complete(*words: str) -> list[str]:
        quoted = " ".join(f"'{word}'" for word in words)
        text = ZSH.format(script=script, words=quoted, count=len(words))
        done = run(["zsh", "-f", "-c", text], mipsh, path)
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert complete("bul", "--wh") == ["--where:only rows that meet a condition"]
    assert "umip\\://[\\:\\:1]\\:7777:UMIP's mip6d, through its virtual terminal" in complete("-e", "umip:")
    assert complete("bul", "nothing-begins-so") == ["FILES"]


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_completes(mipsh: Mipsh, path: str, tmp_path: Path) -> None:
    """What fish offers for a line."""
    script = tmp_path / "mipsh.fish"
    script.write_text(mipsh("completion", "fish").stdout)

    def complete(line: str) -> list[str]:
        done = run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], mipsh, path)
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert complete("mipsh bul --wh") == ["--where\tonly rows that meet a condition"]
    assert "bul\tshow the binding update list" in complete("mipsh b")
    assert any(line.startswith("umip://[::1]:7777\t") for line in complete("mipsh -e umip:"))


def test_the_words_are_a_table(mipsh: Mipsh) -> None:
    """What the scripts ask for: words with their meanings, for any format; no engine is asked."""
    rows = mipsh("--json", "completion", "words", "bul", "--wh").rows
    assert rows == [{"word": "--where", "meaning": "only rows that meet a condition"}]
    assert mipsh("completion", "words", "").stdout.count("\n") > 20
    assert mipsh("completion", "tcsh").status == 64
