"""What the prompt does while a line is typed: completion, ``?``, Meta keys, pasting."""

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from terminal import CTRL_C, ENTER, ESCAPE, TAB, Terminal

pytestmark = pytest.mark.pty

NOWHERE = ("-e", "umip://[::1]:1")
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"


def test_words_complete_while_they_are_typed(mipsh: Mipsh, replay: Replay) -> None:
    """Commands, options, columns, formats, and the addresses of the last readings, with their meanings."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri) as terminal:
        terminal.run("bul -o csv --columns hoa")
        for typed, offered, meaning in (
            ("b", "binding-cache", "show the binding cache"),
            ("ul --wh", "--where", "only rows that meet a condition"),
            ("ere ", "home_address=", "home address the Binding Update was sent for"),
            ("peer=2001:db8:4", "2001:db8:4::2", ""),
            (" --columns ", "care_of_address", "care-of address sent"),
            ("hoa,st", "hoa,state", "bound, return_routability"),
            (" -o v", "vertical", "a block a row"),
        ):
            terminal.send(typed)
            terminal.see(offered, meaning)
        terminal.send(CTRL_C)
        terminal.prompt()
        terminal.type("bul 2001:db8:4")
        terminal.send(TAB)
        terminal.behind("> bul 2001:db8:4::2")
        assert "Peer" in terminal.text
        terminal.send(ENTER)
        terminal.prompt()
        assert "Registration     correspondent" in terminal.text
        assert "Registration     home" not in terminal.text


def test_completion_may_wait_for_tab_or_be_off(mipsh: Mipsh) -> None:
    """``set completion`` works at once, and takes no room while there is nothing to show."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.run("set completion tab")
        terminal.type("disc")
        terminal.send(TAB)
        terminal.see("> disconnect")
        terminal.send(CTRL_C)
        terminal.run("set completion off")
        terminal.type("disc")
        terminal.send(f"{TAB}onnect")
        terminal.see("> disconnect")
        assert "use no engine" not in terminal.text
        terminal.send(ENTER)
        terminal.run("set completion live")
        terminal.type("disc")
        terminal.see("use no engine")


def test_a_question_mark_shows_what_can_stand_there(mipsh: Mipsh) -> None:
    """On an empty line, behind a command, within a word, in the middle of a line; the line stays."""
    with Terminal(mipsh, *NOWHERE, size=(80, 60)) as terminal:
        terminal.prompt()
        terminal.send("?")
        terminal.see("watch       run a command again and again")
        terminal.prompt()
        assert not any("quote" in line for line in terminal.lines)
        terminal.type("bul ")
        terminal.send("?")
        terminal.see("[ADDRESS]  only rows with this address, or in this prefix")
        terminal.behind("> bul ")
        terminal.type("--columns ")
        terminal.send("?")
        terminal.see("  peer_address          home agent or correspondent node")
        terminal.behind("> bul --columns ")
        assert all(len(line) <= 80 for line in terminal.lines)
        terminal.send("\x01?")
        terminal.see("  alias")
        terminal.until(lambda: terminal.line == "mipsh> ")


def test_a_question_mark_may_be_a_character(mipsh: Mipsh) -> None:
    """Within quotes and regular expressions it is typed like any other."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        for line in ("version | include 'pyt?hon'", "version | include msg?", "version --where program~pyt?hon"):
            shown = terminal.run(f"{line} -o csv" if "--where" in line else line)
            assert not any("regular expression" in text for text in shown)
        assert shown == ["program,version", *[text for text in shown if text.startswith("python,")]]
        assert len(shown) == 2


def test_meta_keys_move_by_words(mipsh: Mipsh) -> None:
    """Alt-B is the Escape byte and b in one go, or one after the other."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.type("bul one two")
        terminal.send("\x1bb")
        terminal.behind("one ")
        terminal.send("\x1bbX")
        terminal.behind("bul X")
        assert "> bul Xone two" in terminal.text


def test_escape_closes_the_menu_and_keeps_the_line(mipsh: Mipsh) -> None:
    """A lone Escape is no key of its own otherwise, and does not hold up what is typed next."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.type("dis")
        terminal.see("use no engine")
        terminal.send(ESCAPE)
        terminal.until(lambda: "use no engine" not in terminal.text)
        assert terminal.line.endswith("> dis")
        terminal.send("connect")
        terminal.behind("> disconnect")


def test_pasted_lines_run_in_order_after_enter(mipsh: Mipsh) -> None:
    """A paste runs nothing by itself; a ``?`` in it is a character."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.send(f"{PASTE_BEGINS}alias one 'version'\ralias two 'bul'\rset prompt 'a?'{PASTE_ENDS}")
        terminal.behind("'a?'")
        terminal.send(ENTER)
        terminal.prompt()
        assert terminal.run("alias -o csv") == ["alias,line", "one,version", "two,bul"]
        assert terminal.run("set prompt -o csv --columns value") == ["value", "a?"]
        assert terminal.run("history -o csv --columns line | first 2") == [
            "line",
            "alias one 'version'",
            "alias two 'bul'",
        ]


def test_lines_typed_ahead_are_not_lost(mipsh: Mipsh) -> None:
    """A terminal without bracketed paste sends whole lines at once."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.send("alias one 'version'\ralias two 'bul'\ralias -o csv\r")
        terminal.see("two,bul")
        terminal.prompt()
        assert "one,version" in terminal.lines
