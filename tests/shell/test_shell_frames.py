"""Frames drawn over each other, the words of the prompt, and the shell that only prints."""

import io

import pyte
import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.environment import Environment
from mipsh.execute import Runner
from mipsh.registry import Registry
from mipsh.render.frames import Frames, cells, fit, rows
from mipsh.session import Session
from mipsh.settings import Settings
from mipsh.shell.plain import PlainShell
from mipsh.shell.prompt import age, prompt_text, toolbar_text
from mipsh.status import ExitStatus

RED = "\x1b[31mred\x1b[0m"


def drawn(*frames: list[str], columns: int = 10, height: int = 8) -> list[str]:
    """Draw frames behind a line of text; return the screen."""
    screen = pyte.Screen(columns, height)
    stream = pyte.Stream(screen)
    stream.feed("before\r\n")
    frame = Frames()
    for lines in frames:
        stream.feed(frame.draw(lines, columns).replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display]


def test_cells_are_what_a_line_fills() -> None:
    """Colour fills nothing, wide characters two columns, combining ones none."""
    assert cells("abc") == cells(RED) == 3
    assert cells("漢字") == 4
    assert cells("e\u0301") == 1
    assert rows(["", "a" * 10, "a" * 11, RED], 10) == 5


def test_a_frame_replaces_the_one_before() -> None:
    """Longer or shorter, with lines that wrap or fill the width exactly."""
    assert drawn(["one", "two"], ["three"])[:3] == ["before", "three", ""]
    assert drawn(["one"], ["two", "three"])[:4] == ["before", "two", "three", ""]
    assert drawn(["x" * 14, "y"], ["a" * 10, "b" * 12])[:5] == ["before", "a" * 10, "b" * 10, "bb", ""]
    assert drawn(["x" * 20, "y"], ["a" * 12, "b"])[:5] == ["before", "a" * 10, "aa", "b", ""]
    assert drawn(["x" * 10] * 3, ["a" * 10] * 2)[:4] == ["before", "a" * 10, "a" * 10, ""]


def test_a_frame_whose_place_is_not_known_is_left() -> None:
    """A terminal that was made narrower than the frame's lines may have wrapped them, or cut them."""
    frame = Frames()
    frame.draw(["a" * 15, "b"], 20)
    assert frame.draw(["c"], 10).startswith("\r")
    frame.draw(["a" * 9, "b"], 20)
    assert frame.draw(["c"], 10).startswith("\x1b[2A\r")
    assert frame.draw(["c"], 10).startswith("\x1b[1A\r")


def test_what_does_not_fit_is_counted() -> None:
    """The first lines and the last ones stay; lines that wrap take their rows."""
    lines = [str(number) for number in range(10)]
    assert fit(lines, 80, 10) == lines
    assert fit(lines, 80, 5) == ["0", "1", "2", "... 6 more lines", "9"]
    assert fit(lines, 80, 5, tail=2) == ["0", "1", "... 6 more lines", "8", "9"]
    wide = ["a" * 15, "b", "c", "d", "end"]
    assert fit(wide, 10, 5) == ["a" * 15, "b", "... 2 more lines", "end"]
    for height in range(3, 12):
        assert rows(fit(lines, 80, height), 80) <= height


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3.0, "just now"),
        (9.9, "just now"),
        (10, "10s ago"),
        (59, "50s ago"),
        (61, "1m ago"),
        (3599, "59m ago"),
        (3700, "1h01m ago"),
        (90_000, "1d01h ago"),
    ],
)
def test_an_age_is_coarse(seconds: float, text: str) -> None:
    """It stays true until the toolbar is drawn again."""
    assert age(seconds) == text


def test_the_prompt_and_the_toolbar_name_what_is_in_use(replay: Replay) -> None:
    """The template is filled in; without an engine both say so."""
    session = Session(Environment({}), Registry(plugins=False))
    assert prompt_text(session) == "mipsh> "
    assert toolbar_text(session, 80) == " no engine: type 'connect'  read-only"
    with session:
        uri = replay(ROUTE_OPTIMISED, "mn").uri
        info = session.connect(uri).info
        assert info is not None
        assert prompt_text(session) == f"mn@umip {uri.removeprefix('umip://')}> "
        assert toolbar_text(session, 80) == " MN  read-only"
        session.registry.command("bul").run(session)
        taken = session.readings["binding_update_list"].taken_at
        assert toolbar_text(session, 80, taken + 130) == " MN  2 updates  read 2m ago  read-only"
        assert toolbar_text(session, 30, taken + 130) == " MN  read 2m ago  read-only"
        assert toolbar_text(session, 18, taken + 130) == " MN  read-only"
        assert toolbar_text(session, 5, taken + 130) == " MN"


def test_the_plain_shell_reads_lines_to_their_end(mipsh: Mipsh) -> None:
    """Prompts go to stderr, results to stdout; lines are remembered as elsewhere."""
    out, err = io.StringIO(), io.StringIO()
    typed = io.StringIO("version -o csv --columns program | first 1\n secret\nnosuch; version\nhistory -o csv\n")
    environment = Environment(mipsh.variables, typed, out, err)
    with Session(environment, Registry(plugins=False), Settings(engine="umip://[::1]:1")) as session:
        assert PlainShell(Runner(session)).run() is ExitStatus.OK
    assert out.getvalue().splitlines()[:2] == ["program", "mipsh"]
    assert "1,version -o csv --columns program | first 1" in out.getvalue()
    assert "secret" not in out.getvalue()
    assert err.getvalue().count("mipsh> ") == 5
    assert "'nosuch' is not a command" in err.getvalue()
    assert (mipsh.home / "state" / "mipsh" / "history").read_text("utf-8").count("\n") == 3
