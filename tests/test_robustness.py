"""Real processes whose streams are closed, whose readers go away, and who are interrupted."""

import json
import os
import signal
from pathlib import Path

import pytest
import yaml
from harness import ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.node.faults import Mute, Sending, Silent, Trouble

LONG = "describe --all --schema"


class Announced(Trouble, frozen=True):
    """The engine greets, writes to a pipe that it was asked something, and never answers."""

    pipe: int

    def reply(self, reply: bytes) -> Sending:
        """Tell, and return nothing."""
        os.write(self.pipe, b".")
        return Sending()


@pytest.fixture
def uri(replay: Replay) -> str:
    """Return the address of the recorded mobile node."""
    return replay(ROUTE_OPTIMISED, "mn").uri


def quiet(stderr: str) -> bool:
    """Tell whether Python itself said nothing."""
    return "Traceback" not in stderr and "Exception ignored" not in stderr


@pytest.mark.parametrize("line", [LONG, f"{LONG} -o json", "help --json", "version; version; version"])
def test_a_reader_that_goes_away_is_status_141(mipsh: Mipsh, line: str) -> None:
    """Nothing is said about it; how much was written does not matter."""
    reader, writer = os.pipe()
    os.close(reader)
    ran = mipsh.process("--no-config", "-c", line, stdout=writer)
    os.close(writer)
    assert (ran.status, ran.stderr) == (141, "")


def test_a_reader_of_the_beginning_ends_a_long_result(mipsh: Mipsh) -> None:
    """As ``mipsh … | head -n 1`` does."""
    ran = mipsh.shell(f"mipsh --no-config {LONG} | head -n 1; echo ${{PIPESTATUS[0]}}")
    assert ran.stdout.splitlines() == ["{", "141"]
    assert ran.stderr == ""


def test_a_reader_that_goes_away_ends_a_watch(mipsh: Mipsh, uri: str) -> None:
    """At the next frame."""
    ran = mipsh.shell(f"mipsh --no-config -e {uri} watch -n 1 bul -o ndjson | head -n 1; echo ${{PIPESTATUS[0]}}")
    assert ran.stdout.splitlines()[-1] == "141"
    assert ran.stderr == ""


def test_a_closed_standard_output_is_said(mipsh: Mipsh, uri: str) -> None:
    """Status 2 and how to get the result; what goes elsewhere is not touched."""
    ran = mipsh.shell(f"mipsh --no-config -e {uri} bul >&-")
    assert ran.status == 2
    assert ran.stderr.splitlines()[0] == "mipsh: error: standard output is closed"
    assert mipsh.shell("mipsh --no-config --version >&-").status == 2
    ran = mipsh.shell(f"mipsh --no-config -e {uri} bul -o tsv --columns reg '>' {mipsh.home}/out >&-")
    assert (ran.status, ran.stderr) == (0, "")
    assert (mipsh.home / "out").read_text() == "registration\nhome\ncorrespondent\n"


def test_closed_input_and_error_streams_change_nothing(mipsh: Mipsh, uri: str) -> None:
    """No input is empty input; errors that nobody hears are still the status."""
    ran = mipsh.shell(f"mipsh --no-config -e {uri} bul -o tsv --columns reg <&- 2>&-")
    assert (ran.status, ran.stdout) == (0, "registration\nhome\ncorrespondent\n")
    assert mipsh.shell(f"mipsh --no-config -e {uri} hal 2>&-").status == 3
    assert mipsh.shell("mipsh --no-config <&-").status == 0
    assert mipsh.shell("mipsh --no-config bogus >&- 2>&- <&-").status in (2, 64)


@pytest.mark.parametrize("format_", ["json", "yaml", "ndjson", "table"])
def test_ctrl_c_while_the_engine_hangs(mipsh: Mipsh, replay: Replay, format_: str) -> None:
    """Status 130 and a document that says so, when the question is under way."""
    asked, tell = os.pipe()
    uri = replay(ROUTE_OPTIMISED, "mn", Announced(tell)).uri
    with mipsh.start("--no-config", "-e", uri, "-t", "60", "-o", format_, "bul") as process:
        os.read(asked, 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    os.close(asked)
    os.close(tell)
    assert process.returncode == 130
    assert err.startswith("mipsh: error: interrupted\n")
    assert quiet(err)
    if format_ == "table":
        assert out == ""
    else:
        document = yaml.safe_load(out) if format_ == "yaml" else json.loads(out)
        assert document["errors"][0]["code"] == "interrupted"
        assert (document["status"], document["table"]) == (130, "binding_update_list")


def test_ctrl_c_ends_lines_too(mipsh: Mipsh, replay: Replay) -> None:
    """A file of lines ends with the one that was interrupted."""
    asked, tell = os.pipe()
    uri = replay(ROUTE_OPTIMISED, "mn", Announced(tell)).uri
    with mipsh.start("--no-config", "-e", uri, "-t", "60", "-c", "bul", "-c", "version") as process:
        os.read(asked, 1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    os.close(asked)
    os.close(tell)
    assert (process.returncode, out) == (130, "")
    assert quiet(err)


@pytest.mark.parametrize("trouble", [Silent(), Mute()])
def test_a_hanging_engine_costs_its_deadline_and_no_more(mipsh: Mipsh, replay: Replay, trouble: Trouble) -> None:
    """Status 124, within the time that was given."""
    uri = replay(ROUTE_OPTIMISED, "mn", trouble).uri
    ran = mipsh.process("--no-config", "-e", uri, "-t", "300ms", "bul", "--json")
    assert (ran.status, ran.document["errors"][0]["code"]) == (124, "deadline")
    assert quiet(ran.stderr)


def test_words_that_are_no_text_are_carried(mipsh: Mipsh) -> None:
    """Bytes that are not UTF-8 in the words of the command line, in every format."""
    argv = ["--no-config", "-o"]
    for format_ in ("table", "json", "ndjson", "yaml", "html", "markdown", "csv"):
        ran = mipsh.process(*argv, format_, os.fsdecode(b"bogus\xff"))
        assert ran.status == 64
        assert r"'bogus\udcff' is not a command" in ran.stderr
        assert quiet(ran.stderr)
        if format_ == "json":
            assert ran.document["errors"][0]["message"] == r"'bogus\udcff' is not a command"


def test_another_encoding_loses_nothing(mipsh: Mipsh) -> None:
    """Where the terminal's encoding lacks a character it is spelled out; JSON is ASCII anyway."""
    mipsh.variables |= {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
    ran = mipsh.process("--no-config", "help", "assert")
    assert ran.status == 0
    assert r"assert TABLE WORDS \u2026" in ran.stdout
    assert quiet(ran.stderr)


def test_a_result_leaves_no_process_behind(mipsh: Mipsh, uri: str, tmp_path: Path) -> None:
    """A shell command in a pipe is waited for."""
    ran = mipsh.process("--no-config", "-e", uri, "bul", "|", f"!cat > {tmp_path}/kept; echo done")
    assert (ran.status, ran.stdout) == (0, "done\n")
    assert (tmp_path / "kept").read_text() == mipsh("-e", uri, "bul").stdout
