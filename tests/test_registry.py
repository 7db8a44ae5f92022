"""Plugins: found, loaded, classified; a broken one is named and costs nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Mipsh

from mipsh.builtin import COMMANDS, FORMATS
from mipsh.environment import Environment
from mipsh.errors import EngineRefused, PluginError, UsageError
from mipsh.registry import Plugin, Registry, load_target, scan_entry_points, unusable
from mipsh.session import Session

PLUGIN = '''
"""A plugin of a test."""
from mipsh.engine import Connector, EngineKind
from mipsh.grammar.declare import Command
from mipsh.model.reading import Reading
from mipsh.model.records import BINDING_CACHE, ENGINE, EngineInfo
from mipsh.render.format import Format
from mipsh.result import Result

class Faulty(Connector):
    def connect(self):
        if self.at == "connect":
            raise ValueError("cannot connect\\x1b[31m")
        self.info = EngineInfo("faulty", "faulty:x", "mn", None, ("binding_cache",))
        return self.info
    def binding_cache(self):
        if self.at == "close":
            return Reading(BINDING_CACHE, [], self.info, 0.0)
        raise KeyError("binding_cache")
    def warnings(self):
        if self.at == "close":
            return ()
        raise OSError("no warnings")
    def close(self):
        if self.at == "close":
            raise RuntimeError("cannot close")

def open_faulty(uri):
    found = Faulty()
    found.at = uri.partition(":")[2]
    if found.at == "open":
        raise IndexError("cannot open")
    return found

def good(session):
    return Result(ENGINE, [EngineInfo("good", "good:1")])

def bad(session):
    return {}["missing"]

def late(session):
    yield good(session)
    bad(session)

def render(document, style):
    yield "begun\\n"
    raise ZeroDivisionError("by zero")

GOOD = Command("good", "is fine", good)
BAD = Command("bad", "is not fine", bad)
LATE = Command("late", "is fine at first", late)
TEXT = Command("text", "returns a text", lambda session: "text")
ILL = Format("ill", "fails", render)
WELL = Format("well", "does not fail", lambda document, style: iter(["well\\n"]))
FAULTY = EngineKind("faulty", "fails", open_faulty)
OTHER = Command("other-name", "has another name", good)
NUMBER = 7
'''

Plug = Callable[..., Registry]


@pytest.fixture
def plug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Make a registry that finds plugins of a package ``pack``: ``plug(command="good:GOOD")``."""
    (tmp_path / "pack_good.py").write_text(PLUGIN)
    (tmp_path / "pack_missing.py").write_text("import a_library_that_is_not_there\n")
    (tmp_path / "pack_exits.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "pack_typo.py").write_text("import os\nos.no_such_name\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    groups = {
        "command": "mipsh.commands",
        "engine": "mipsh.engines",
        "format": "mipsh.formats",
        "check": "mipsh.checks",
    }

    def make(*found: str) -> Registry:
        plugins = []
        for one in found:
            kind, name, target = one.split()
            plugins.append(Plugin(groups[kind], name, f"pack_{target}", "pack", "1.2"))
        return Registry(scan=lambda: plugins)

    return make


def test_a_plugin_is_found_loaded_and_used(mipsh: Mipsh, plug: Plug) -> None:
    """A command and a format of another package stand beside those of mipsh."""
    registry = plug("command good good:GOOD", "format well good:WELL")
    ran = mipsh.lines(registry, "good", "good -o well", "plugins --where package=pack -o tsv --no-headers")
    assert ran.stdout.splitlines()[:3] == [
        "Engine  Address  Role  Version  Capabilities",
        "good    good:1   -     -        -",
        "well",
    ]
    assert ran.stdout.splitlines()[3:] == [
        "command\tgood\tpack\t1.2\tok\t\tis fine",
        "format\twell\tpack\t1.2\tok\t\tdoes not fail",
    ]
    assert (ran.status, ran.stderr) == (0, "")


BROKEN = {
    "missing:X": "ModuleNotFoundError: No module named 'a_library_that_is_not_there'",
    "exits:X": "importing 'pack_exits:X' ends the process",
    "typo:X": "AttributeError: module 'os' has no attribute 'no_such_name'",
    "good:NOTHING": "'pack_good' has no 'NOTHING'",
    "good:NUMBER": "'pack_good:NUMBER' is a int, not a Command",
    "good:ILL": "'pack_good:ILL' is a Format, not a Command",
    "good:OTHER": "it calls itself 'other-name'",
}


@pytest.mark.parametrize("target", BROKEN)
def test_a_broken_plugin_is_named_and_the_shell_goes_on(mipsh: Mipsh, plug: Plug, target: str) -> None:
    """Used, it is status 70 with its package and its problem; listed, a warning; helped, left out."""
    registry = plug(f"command ill {target}", "command good good:GOOD")
    named = f"the command 'ill' of the package pack cannot be used: {BROKEN[target]}"
    ran = mipsh.lines(registry, "ill and its words")
    assert ran.status == 70
    assert ran.stderr.splitlines()[0] == f"mipsh: error: {named}"
    ran = mipsh.lines(
        registry, "ill", "good -o tsv --columns engine", "plugins --where state=broken -o tsv --columns name"
    )
    assert ran.stdout.splitlines() == ["engine", "good", "name", "ill"]
    assert ran.stderr.splitlines()[-1] == f"mipsh: warning: {named}"
    assert " ill " not in mipsh.lines(registry, "help").stdout
    assert "good" in mipsh.lines(registry, "help").stdout


@pytest.mark.parametrize("kind", ["command", "engine", "format"])
def test_a_name_that_is_taken_stays(plug: Plug, kind: str) -> None:
    """What mipsh brings wins, then the first plugin; the other one is said."""
    group, name = f"mipsh.{kind}s", {"command": "bc", "engine": "umip", "format": "json"}[kind]
    registry = plug(f"{kind} {name} good:X", f"{kind} twice missing:X", f"{kind} twice good:GOOD")
    assert type(registry.get(group, name)).__module__.startswith("mipsh.")
    taken = [plugin for plugin in registry.broken() if plugin.problem == "the name is taken already"]
    assert [(plugin.name, plugin.target) for plugin in taken] == [(name, "pack_good:X"), ("twice", "pack_good:GOOD")]
    with pytest.raises(PluginError, match="a_library_that_is_not_there"):
        registry.get(group, "twice")


def test_what_is_built_in_is_never_scanned_for() -> None:
    """The scan is for names that are not built in, and happens once."""
    scans = []

    def scan() -> list[Plugin]:
        scans.append(1)
        return []

    registry = Registry(scan=scan)
    registry.command("bc")
    registry.format("json")
    registry.engine("umip")
    registry.names("mipsh.commands", plugins=False)
    assert registry.phrases()
    assert scans == []
    for name in ("x", "y"):
        with pytest.raises(UsageError):
            registry.command(name)
    assert scans == [1]


def test_without_plugins_there_are_none(plug: Plug) -> None:
    """Nothing is looked for, and nothing is found."""

    def scan() -> list[Plugin]:
        raise AssertionError

    registry = Registry(plugins=False, scan=scan)
    assert registry.names("mipsh.commands") == list(COMMANDS)
    assert registry.plugin_phrases() == {}
    assert registry.broken() == []
    with pytest.raises(UsageError):
        registry.format("well")


def test_an_unknown_name_is_met_with_those_near_it(plug: Plug) -> None:
    """Those of plugins too."""
    registry = plug("format fancy good:WELL")
    with pytest.raises(UsageError) as caught:
        registry.format("fanzy")
    assert (caught.value.message, caught.value.hint) == ("there is no format 'fanzy'", "did you mean fancy?")
    with pytest.raises(UsageError) as caught:
        registry.format("qqqqqqq")
    assert caught.value.hint == f"there are: {', '.join(FORMATS)}, fancy"


RUNS = {
    "bad": "the command 'bad' failed in the package pack: KeyError: 'missing' (in bad, line ",
    "late": "the command 'late' failed in the package pack: KeyError: 'missing' (in bad, line ",
    "text": "the command 'text' returned a str, not a Result",
    "version -o ill": "the format 'ill' failed in the package pack: ZeroDivisionError: by zero (in render, line ",
    "bc -e faulty:open": "the engine 'faulty' failed in the package pack: IndexError: cannot open (in open_faulty",
    "bc -e faulty:connect": r"the engine 'faulty' failed in the package pack: ValueError: cannot connect\x1b[31m (in ",
    "bc -e faulty:bc": "the command 'bc' failed in the package pack: KeyError: 'binding_cache' (in binding_cache, ",
    "connect faulty:bc": "the command 'connect' failed in the package pack: OSError: no warnings (in warnings, line ",
    "status -e faulty:bc": "the command 'status' failed in the package pack: KeyError: 'binding_cache' (in ",
    "watch --count 1 bad": "the command 'bad' failed in the package pack: KeyError: 'missing' (in bad, line ",
}
FOUND = (
    "command bad good:BAD",
    "command late good:LATE",
    "command text good:TEXT",
    "command good good:GOOD",
    "format ill good:ILL",
    "engine faulty good:FAULTY",
)


@pytest.mark.parametrize("line", RUNS)
def test_a_plugin_that_fails_is_named_and_the_shell_goes_on(mipsh: Mipsh, plug: Plug, line: str) -> None:
    """Status 70, the plugin, its package and the place; -v has the whole trace; then the next line runs."""
    ran = mipsh.lines(plug(*FOUND), "good > /dev/null", line)
    assert ran.status == 70
    assert RUNS[line] in ran.stderr
    assert "Traceback" not in ran.stderr
    if "failed" in RUNS[line]:
        assert "this is a bug in pack" in ran.stderr
        verbose = mipsh.lines(plug(*FOUND), f"{line} -v").stderr
        assert "Traceback (most recent call last):" in verbose
        assert "pack_good.py" in verbose
    after = mipsh.lines(plug(*FOUND), line, "good -o tsv --columns engine")
    assert (after.status, after.stdout.splitlines()[-1]) == (0, "good")


def test_an_engine_that_cannot_be_let_go_of_is_said(mipsh: Mipsh, plug: Plug) -> None:
    """By the command that let go, after its result; by the end of the session; the rest is closed."""
    ran = mipsh.lines(plug(*FOUND), "bc -e faulty:close --json")
    assert (ran.status, ran.rows) == (70, [])
    assert "the engine 'faulty' failed in the package pack: RuntimeError: cannot close (in close, " in ran.stderr
    ran = mipsh.lines(plug(*FOUND), "connect faulty:close > /dev/null", "disconnect")
    assert ran.status == 70
    closed: list[str] = []
    with pytest.raises(PluginError), Session(Environment(mipsh.variables), plug(*FOUND)) as session:
        session.connect("faulty:close")
        session.resources.callback(closed.append, "closed")
    assert closed == ["closed"]


def test_a_bug_of_mipsh_s_own_is_said_to_be_one(mipsh: Mipsh) -> None:
    """No package is blamed."""
    registry = Registry(plugins=False)
    with pytest.raises(PluginError) as caught, registry.calling("mipsh.commands", "bc"):
        raise ValueError("oops")
    assert caught.value.message.startswith("the command 'bc' failed: ValueError: oops (in test_a_bug")
    assert caught.value.hint.startswith("this is a bug in mipsh: run it again with -v")
    with pytest.raises(EngineRefused), registry.calling("mipsh.engines", "umip"):
        raise EngineRefused("nobody there")


def test_the_real_scan_finds_mipsh_itself() -> None:
    """The metadata of the installed package is read; nothing of it is loaded."""
    found = {(plugin.group, plugin.name): plugin for plugin in scan_entry_points() if plugin.package == "mipsh"}
    assert found["mipsh.commands", "bc"].target == COMMANDS["bc"]
    assert found["mipsh.formats", "json"].value is None


def test_a_target_without_its_attribute_is_not_a_bug_of_its_module() -> None:
    """The sentence names both."""
    with pytest.raises(PluginError, match=r"'mipsh\.status' has no 'NOTHING'"):
        load_target("mipsh.status:NOTHING")
    plugin = Plugin("mipsh.engines", "x", "y:Z", "pack", "1", problem="it is broken")
    assert unusable(plugin) == "the engine 'x' of the package pack cannot be used: it is broken"
