"""``enable``, ``disable`` and the options beside them: what permits a change, for how long, and what never does."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from terminal import ENTER, Terminal

from mipsh.action.permit import permit
from mipsh.environment import Environment
from mipsh.errors import RefusedError
from mipsh.execute import Runner, permissions_of
from mipsh.grammar.declare import COMMON_OPTIONS, Changes, Command
from mipsh.model.shell import HOW, How
from mipsh.registry import COMMANDS, Plugin, Registry
from mipsh.result import Result
from mipsh.session import Permission, Session
from mipsh.shell.prompt import prompt_text, toolbar_text


class Engine:
    """Something that may be changed, through commands of a registry: ``touch`` a node, ``build`` a lab."""

    def __init__(self) -> None:
        self.touched: list[str] = []

    def registry(self) -> Registry:
        """Return a registry with the commands."""
        node = Command("touch", "change the node", self._touch, changes=Changes.NODE, how=self._how)
        own = Command("build", "make something", self._build, changes=Changes.OWN, how=self._how)
        quiet = Command("quiet", "say nothing of it", self._build, changes=Changes.OWN)
        commands = (node, own, quiet)
        return Registry(
            scan=lambda: [Plugin(COMMANDS, each.name, "", "test", "1", value=each) for each in commands],
        )

    def _touch(self, session: Session) -> Result:
        if session.permission.dry_run:
            return Result(HOW, self._how(session))
        permit(session, "touch the node")
        self.touched.append(session.line)
        return Result()

    def _build(self, session: Session) -> Result:
        self.touched.append(session.line)
        return Result()

    def _how(self, session: Session) -> list[How]:
        return [How("touch it", "none", "touch")]


@pytest.fixture
def engine() -> Engine:
    """Return something that may be changed."""
    return Engine()


@pytest.fixture
def runner(engine: Engine, mipsh: Mipsh) -> Iterator[Runner]:
    """Return a runner in whose session nobody is there to be asked, and --yes holds."""
    environment = Environment(mipsh.variables, StringIO(), StringIO(), StringIO())
    with Session(environment, engine.registry(), permission=Permission(yes=True)) as session:
        yield Runner(session)


def statuses(runner: Runner, *lines: str) -> list[int]:
    """Run lines; return the status of each."""
    return [int(runner.run(line)) for line in lines]


def test_a_shell_only_looks_until_it_is_enabled(runner: Runner, engine: Engine) -> None:
    """And again once it is disabled; each twice is as good as once."""
    lines = ("touch", "enable", "enable", "touch", "disable", "disable", "touch")
    assert statuses(runner, *lines) == [77, 0, 0, 0, 0, 0, 77]
    assert engine.touched == ["touch"]


def test_an_option_permits_one_command(runner: Runner, engine: Engine) -> None:
    """The line is known to it as it was typed."""
    assert statuses(runner, "touch --write", "touch", "touch --write; touch") == [0, 77, 77]
    assert engine.touched == ["touch --write", "touch --write"]


def test_a_disable_is_stronger_than_an_option_around_it(runner: Runner, tmp_path: Path) -> None:
    """A file that was run with --write may take it back for the rest of it; it may also grant it for later."""
    file = tmp_path / "lines"
    file.write_text("touch\ndisable\ntouch\n")
    assert statuses(runner, f"source {file} --write", "touch") == [77, 77]
    file.write_text("enable\n")
    assert statuses(runner, f"source {file}", "touch") == [0, 0]


def test_where_lines_only_look_nothing_permits_a_change(runner: Runner, engine: Engine) -> None:
    """Neither an option nor ``enable``; afterwards all is as before."""
    runner.session.enable()
    with runner.session.only_looking():
        assert statuses(runner, "touch", "touch --write --yes", "enable") == [77, 77, 77]
        with pytest.raises(RefusedError):
            runner.session.enable()
    assert statuses(runner, "touch") == [0]


def test_a_dry_run_keeps_what_is_one_s_own_too(runner: Runner, engine: Engine) -> None:
    """It says what would be done, also in a watch; a command that cannot say it is not run."""
    lines = ("build --dry-run", "touch --dry-run --write", "watch --count 1 build --dry-run", "quiet --dry-run")
    assert statuses(runner, *lines) == [0, 0, 0, 3]
    stdout = runner.session.environment.stdout
    assert isinstance(stdout, StringIO)
    assert stdout.getvalue().count("touch it") == 3
    assert engine.touched == []
    assert statuses(runner, "build", "watch --count 1 build") == [0, 0]
    assert len(engine.touched) == 2


def test_a_watch_does_not_change_a_node(runner: Runner, engine: Engine) -> None:
    """Not even where it is permitted."""
    assert statuses(runner, "enable", "watch --count 1 touch") == [0, 64]
    assert engine.touched == []


def test_options_of_the_program_hold_for_all_its_lines(mipsh: Mipsh) -> None:
    """They are found in what runs; no setting and no file has them."""
    assert permissions_of({option.key: True for option in COMMON_OPTIONS}) == dict.fromkeys(
        ("write", "yes", "dry_run"), True
    )
    for name in ("write", "yes", "dry_run", "dry-run", "permission"):
        assert mipsh("-c", f"set {name} on").status == 64
        config = mipsh.home / "config.toml"
        config.write_text(f"{name} = true\n")
        assert mipsh("--config", str(config), "version").status == 64


def test_the_program_s_dry_run_holds_for_every_line(mipsh: Mipsh, tmp_path: Path) -> None:
    """A folder that would be written is not."""
    line = f"describe bc --schema --directory {tmp_path / 'out'}"
    for ran in (mipsh("--dry-run", "-c", line), mipsh("-c", f"{line} --dry-run"), mipsh("--dry-run", *line.split())):
        assert ran.status == 0
        assert "binding_cache.json" in ran.stdout
    assert not (tmp_path / "out").exists()
    assert mipsh("-c", line).status == 0


def test_the_shell_shows_that_commands_may_change_the_node(mipsh: Mipsh, replay: Replay) -> None:
    """In the prompt, which a bare terminal has too, and in the toolbar."""
    environment = Environment(mipsh.variables, StringIO(), StringIO(), StringIO())
    with Session(environment, Registry(False)) as session:
        assert (prompt_text(session), toolbar_text(session, 80).split("  ")[-1]) == ("mipsh> ", "read-only")
        session.enable()
        assert (prompt_text(session), toolbar_text(session, 80).split("  ")[-1]) == ("mipsh# ", "WRITE")
        session.connect(replay(ROUTE_OPTIMISED, "mn").uri)
        assert prompt_text(session).endswith("# ")
        assert runs(session, "set prompt '{role} says '") == 0
        assert prompt_text(session) == "mn says "


def runs(session: Session, line: str) -> int:
    """Run a line; return its status."""
    return int(Runner(session).run(line))


STARTUP = """
startup = ["enable", "version --columns program | first 1 > started"]
"""


@pytest.mark.pty
def test_no_line_of_a_configuration_file_enables_anything(mipsh: Mipsh) -> None:
    """It is refused in words, and the shell opens as it would have; ``enable`` at the prompt works."""
    (mipsh.home / "config.toml").write_text(STARTUP)
    words = ("--config", str(mipsh.home / "config.toml"), "-e", "umip://[::1]:1")
    with Terminal(mipsh, *words) as terminal:
        terminal.see("the lines of a configuration file only look")
        terminal.prompt()
        assert terminal.line == "mipsh> "
        terminal.see("read-only")
        terminal.type("enable")
        terminal.send(ENTER)
        terminal.behind("mipsh# ")
        terminal.see("WRITE")
        assert (mipsh.home / "started").exists()


@pytest.mark.pty
def test_the_program_s_write_opens_a_shell_that_may(mipsh: Mipsh) -> None:
    """Also on a terminal that can only print."""
    for variables in ({}, {"TERM": "dumb"}):
        with Terminal(mipsh, "--no-config", "--write", "-e", "umip://[::1]:1", variables=variables) as terminal:
            terminal.behind("mipsh# ")


@pytest.mark.pty
def test_nothing_is_explained_without_a_command(mipsh: Mipsh) -> None:
    """A shell in which nothing runs would be a trap."""
    with Terminal(mipsh, "--no-config", "--how") as terminal:
        terminal.see("--how needs a command")
        assert terminal.status() == 64
