"""``stats --rate`` and ``watch``: what changes between two looks."""

import json
import signal
from typing import Any

from harness import RECORDINGS, ROUTE_OPTIMISED, Mipsh, Ran, Replay, Scripted

from mipsh.recording import VtOptions, load

NOWHERE = "umip:///nowhere/mip6d.sock"
STATS = load(RECORDINGS / ROUTE_OPTIMISED, "mn").answers("stats", VtOptions(prompt=False)) or ""


class Counting(Scripted):
    """An engine that counts: each time it is asked, its tables have moved on."""

    def __init__(self, step: int = 30) -> None:
        super().__init__({"bc": "", "stats": "", "nonce": ""})
        self.step = step

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return tables that depend on how often they were asked for."""
        looks = self.asked.count(command)
        lifetime = 400 - looks
        first = (
            f"hoa 2001:db8:0:0:0:0:0:1 nonce 0 status {'cached' if looks else 'dad'}\n"
            " coa 2001:db8:0:0:0:0:0:2 nonce 0 flags A---\n local 2001:db8:0:0:0:0:0:3\n"
            f" lifetime {lifetime} / 420 seq 3 unreach 0\n"
        )
        other = first.replace(":1 nonce", f":{looks + 7} nonce").replace("dad", "cached")
        headers = f"{100 + looks * self.step} Mobility Headers"
        self.answers = {
            "bc": first + other,
            "stats": STATS.replace("8 Mobility Headers", headers, 1),
            "nonce": "",
        }
        return super().answer(command, options)


def frames(ran: Ran) -> list[dict[str, Any]]:
    """Return the documents of a stream, one a line."""
    return [json.loads(line) for line in ran.stdout.splitlines()]


def counter(ran: Ran, direction: str, name: str) -> dict[str, Any]:
    """Return one counter of a JSON document."""
    (found,) = [row for row in ran.rows if (row["direction"], row["name"]) == (direction, name)]
    return found


def test_a_rate_is_the_change_over_the_time_between(mipsh: Mipsh, replay: Replay) -> None:
    """30 headers in 200 ms or a little more; what nobody counts has no rate."""
    uri = replay.serve(Counting()).uri
    ran = mipsh("-e", uri, "stats", "--rate", "200ms", "--json")
    headers = counter(ran, "received", "mobility_headers")
    assert (headers["value"], headers["delta"]) == (130, 30)
    assert 15 < headers["rate_per_s"] <= 150
    still = counter(ran, "received", "binding_updates")
    assert (still["delta"], still["rate_per_s"]) == (0, 0.0)
    dead = counter(ran, "received", "home_address_options")
    assert (dead["value"], dead["counted"], dead["delta"], dead["rate_per_s"]) == (None, False, None, None)
    table = mipsh("-e", uri, "stats", "--rate", "1ms").stdout
    assert table.splitlines()[0].split() == ["Direction", "Counter", "Value", "Delta", "Rate"]
    assert mipsh("-e", uri, "stats", "--rate", "1ms", "-o", "tsv", "|", "count").stdout.startswith("count\n")


def test_a_counter_that_went_back_has_no_rate(mipsh: Mipsh, replay: Replay) -> None:
    """The engine was started again in between: the change is unknown, not negative."""
    ran = mipsh("-e", replay.serve(Counting(-50)).uri, "stats", "--rate", "50ms", "--json")
    headers = counter(ran, "received", "mobility_headers")
    assert (headers["value"], headers["delta"], headers["rate_per_s"]) == (50, None, None)


def test_without_a_rate_the_counters_are_read_once(mipsh: Mipsh, replay: Replay) -> None:
    """``--rate 0`` is no rate."""
    responder = Counting()
    uri = replay.serve(responder).uri
    for words in (["stats"], ["stats", "--rate", "0"]):
        responder.asked.clear()
        assert mipsh("-e", uri, *words).status == 0
        assert responder.asked == ["stats"]
    assert mipsh("-e", uri, "stats", "--rate", "soon").status == 64


def test_watch_writes_a_document_a_look(mipsh: Mipsh, replay: Replay) -> None:
    """Two looks, each a JSON line; without --diff nothing is compared."""
    ran = mipsh("-e", replay.serve(Counting()).uri, "--json", "watch", "-n", "1", "--count", "2", "bc")
    found = frames(ran)
    assert ran.status == 0
    assert [frame["data"][0]["status"] for frame in found] == ["dad", "cached"]
    assert all(frame["table"] == "binding_cache" and "changes" not in frame for frame in found)
    assert found[0]["time"] < found[1]["time"]


def test_watch_says_what_changed(mipsh: Mipsh, replay: Replay) -> None:
    """A row that changed, one that came, one that went; a clock that went on is no change."""
    ran = mipsh("-e", replay.serve(Counting()).uri, "--json", "watch", "--diff", "-n", "1", "--count", "2", "bc")
    first, second = frames(ran)
    assert first["changes"] == []
    assert sorted((change["change"], change["key"], change["columns"]) for change in second["changes"]) == [
        ("added", "2001:db8::8 2001:db8::3", []),
        ("changed", "2001:db8::1 2001:db8::3", ["status"]),
        ("removed", "2001:db8::7 2001:db8::3", []),
    ]


def test_watch_for_people_marks_and_sums_up(mipsh: Mipsh, replay: Replay) -> None:
    """Frames follow each other off a terminal; an interval below a second is a second."""
    ran = mipsh(
        "-e", replay.serve(Counting()).uri, "watch", "--diff", "-n", "0.1", "--count", "2", "bc", "--columns", "hoa"
    )
    lines = ran.stdout.splitlines()
    assert lines[:3] == ["Home address", "2001:db8::1", "2001:db8::7"]
    assert lines[3].startswith("every 1 s, ")
    assert lines[4:8] == ["Home address", "2001:db8::1", "2001:db8::8", "gone: 2001:db8::7 2001:db8::3"]
    assert len(lines) == 9


def test_watch_goes_on_without_an_engine(mipsh: Mipsh) -> None:
    """Each look says that it is away; the status is that of the last."""
    ran = mipsh("-e", NOWHERE, "-o", "json", "watch", "-n", "1", "--count", "2", "bc")
    assert ran.status == 69
    assert [frame["errors"][0]["code"] for frame in frames(ran)] == ["engine_refused"] * 2
    assert ran.stderr.count("mipsh: error: nothing listens") == 2


def test_watch_takes_any_command_once(mipsh: Mipsh, replay: Replay) -> None:
    """A command that goes on by itself is looked at once; a command that is not there is a usage error."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    assert mipsh("-e", uri, "watch", "--count", "1", "watch", "bul", "-o", "ndjson").stdout.count("\n") == 2
    assert mipsh("-e", uri, "watch", "--count", "1", "version").status == 0
    assert mipsh("-e", uri, "watch", "--count", "1", "nothing").status == 64
    assert mipsh("-e", uri, "watch").status == 64


def test_ctrl_c_ends_a_watch_with_a_document(mipsh: Mipsh, replay: Replay) -> None:
    """A real process, a real signal: status 130, every line is JSON, the last one says why."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    with mipsh.start("--no-config", "-e", uri, "watch", "-n", "60", "bul", "-o", "json") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert len(json.loads(first)["data"]) == 2
    assert json.loads(out)["errors"][0]["code"] == "interrupted"
    assert process.returncode == 130
    assert "Traceback" not in err
