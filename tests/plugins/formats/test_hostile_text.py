"""Text from outside: whatever an engine says, no format lets it act on a terminal, a page or a parser."""

import csv
import json
import re
import unicodedata
from io import StringIO

import pytest
import yaml
from harness import Mipsh, Replay, Scripted
from hypothesis import given
from hypothesis import strategies as st

from mipsh.builtin import FORMATS
from mipsh.model.records import BINDING_CACHE, BindingCacheEntry, EngineInfo
from mipsh.model.shell import RAW, RawReply
from mipsh.node.faults import Garbage
from mipsh.registry import Registry
from mipsh.render.format import Document, Style
from mipsh.result import Notice, Result

ATTACKS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[H",
    "\x9b31m\x85\x90q\x9c",
    "\x7f\x08\x08",
    "\xe2\x80\xae\xe2\x80\x8b",
    "[red]markup[/red]",
    "<script>alert(1)</script>",
    "&lt;b&gt;|a|b|",
    '"quoted,field"',
)
SAFE_LINE_ENDS = {"csv": "\r\n", "tsv": "\n\t"}
COLOUR = re.compile("\x1b\\[(?:0|3[1-6]|1|1;3[1-6]|7|3[1-6];7|7;3[1-6])m")

# Every kind of character that Unicode has for acting on what stands around it, and some that have none.
anything = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\x00\x07\x08\t\n\r\x1b\x7f\x80\x9b\x85\u200b\u202e\u2028\u2066\ufeff\U000e0041\ud800\udcff|`<&,\"'"
        ),
    ),
    max_size=30,
)


def entry(word: str) -> str:
    """Return a binding cache entry in which a word stands wherever mip6d prints one."""
    return (
        f"hoa 2001:db8:0:0:0:0:0:1 nonce 0 status {word}\n"
        f" coa 2001:db8:0:0:0:0:0:2 nonce 0 flags A-{word}\n"
        f" local 2001:db8:0:0:0:0:0:3 tunnel {word} link {word}\n"
        f" lifetime 1 / 2 seq 3 unreach 0 {word} {word}\n"
        f"{word}\n"
    )


def unsafe(text: str, allowed: str = "\n") -> set[str]:
    """Return the characters of a text that are neither printed nor allowed."""
    return {char for char in text if not char.isprintable()} - set(allowed)


WORDS = [attack.replace(" ", "") for attack in ATTACKS]
ENTRIES = "".join(entry(word) for word in WORDS)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_hostile_engine_reaches_no_terminal(mipsh: Mipsh, replay: Replay, format_: str) -> None:
    """In cells, in what could not be read, in errors and in raw text: nothing acts."""
    answers = {"bc": ENTRIES, "stats": "\n".join(WORDS), "nonce": "", "thread": "\n".join(WORDS)}
    uri = replay.serve(Scripted(answers)).uri
    conditions = [["bc", "--where", f"status={word}"] for word in WORDS]
    for words in (["bc", "--wide"], ["raw", "bc"], ["raw", "thread"], ["stats"], ["bul"], *conditions):
        ran = mipsh("-e", uri, "-o", format_, *words)
        assert unsafe(ran.stdout, SAFE_LINE_ENDS.get(format_, "\n")) == set()
        assert unsafe(ran.stderr) == set()
        assert ran.stdout or ran.stderr
    assert len(mipsh("-e", uri, "--json", "bc").rows) == len(ATTACKS)


@pytest.mark.parametrize("format_", ["table", "vertical"])
def test_on_a_terminal_only_our_own_colours_act(mipsh: Mipsh, replay: Replay, format_: str) -> None:
    """Coloured output without its colours is the output that has none."""
    uri = replay.serve(Scripted({"bc": ENTRIES, "stats": "", "nonce": ""})).uri
    mipsh.variables["COLUMNS"] = "400"
    words = ("-e", uri, "-o", format_, "bc", "--wide", "--no-pager")
    coloured = mipsh(*words, "--color", "always", terminal=True).stdout
    plain = mipsh(*words, "--color", "never", terminal=True).stdout
    assert coloured != plain
    assert COLOUR.sub("", coloured) == plain
    assert unsafe(plain) == set()


def test_markup_is_text(mipsh: Mipsh, replay: Replay) -> None:
    """Rich markup, HTML and Markdown stand there as the engine said them."""
    uri = replay.serve(Scripted({"bc": entry("[red]x[/red]<b>|y|"), "stats": "", "nonce": ""})).uri
    mipsh.variables["COLUMNS"] = "400"
    shown = mipsh("-e", uri, "bc", "--color", "always", "--no-pager", terminal=True).stdout
    assert "[red]x[/red]<b>|y|" in shown
    assert "<b>" not in mipsh("-e", uri, "bc", "-o", "html").stdout.replace("<b>warning:</b>", "")
    assert r"\[red\]x\[/red\]\<b\>\|y\|" in mipsh("-e", uri, "bc", "-o", "markdown").stdout


def test_an_unknown_greeting_is_quoted_safely(mipsh: Mipsh, replay: Replay) -> None:
    """What greets instead of mip6d is shown, and does nothing."""
    ran = mipsh("-e", replay.serve(Scripted({}), Garbage(b"\x1b[2J\x9bm")).uri, "bc")
    assert unsafe(ran.stderr) == set()
    assert r"it began with '\x1b[2J\x9bm'" in ran.stderr


def document(text: str) -> Document:
    """Return a document with a text in every place that comes from outside."""
    row = BindingCacheEntry(text, text, text, (text,), extra={text: text}, mobile_network_prefixes=(text, text))
    notices = (Notice("code", text, text),)
    engine = EngineInfo("umip", text, text, text, (text,))
    return Document(text, "2026-01-01T00:00:00.000Z", Result(BINDING_CACHE, [row], engine, 0.0, text, notices, notices))


@pytest.mark.parametrize("format_", FORMATS)
@given(text=anything)
def test_no_character_gets_through(format_: str, text: str) -> None:
    """Any text at all, with colours off and on, in tables and in prose."""
    render = Registry(plugins=False).format(format_).render
    prose = Document(text, "", Result(RAW, [RawReply(text, text)]))
    for style in (Style(), Style(width=2000), Style(width=30, wide=True), Style(stream=True, unicode=False)):
        for found in (document(text), prose):
            out = "".join(render(found, style))
            assert unsafe(out, SAFE_LINE_ENDS.get(format_, "\n") + idle(text)) == set()
            assert out.encode("utf-8").decode("utf-8") == out


def idle(text: str) -> str:
    """Return the characters that Python does not print and that act on nothing: spaces, private and unassigned ones."""
    return "".join(char for char in text if unicodedata.category(char) in ("Zs", "Co", "Cn"))


@given(text=anything)
def test_programs_get_the_text_itself(text: str) -> None:
    """JSON and YAML carry every text that can be encoded unchanged; CSV carries it as one field."""
    registry = Registry(plugins=False)
    if not any("\ud800" <= char <= "\udfff" for char in text):
        for name in ("json", "yaml"):
            out = "".join(registry.format(name).render(document(text), Style()))
            found = json.loads(out) if name == "json" else yaml.safe_load(out)
            assert found["data"][0]["status"] == text
            assert found["errors"][0]["message"] == text
    out = "".join(registry.format("csv").render(document(text), Style()))
    rows = list(csv.reader(StringIO(out, newline=""), strict=True))
    assert len(rows) == 2
    assert len(rows[1]) == len(BINDING_CACHE.columns)
