"""One run of mipsh from its words to its exit status."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import structs

from mipsh.config import Config, load_config
from mipsh.environment import Environment
from mipsh.errors import MipshError, UsageError
from mipsh.execute import Runner, options_of, permissions_of
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.grammar.tokens import Token, TokenKind, tokens_of_argv
from mipsh.grammar.words import Words, read_words
from mipsh.model.text import escape
from mipsh.output import quiet_exit
from mipsh.registry import Registry
from mipsh.result import Result
from mipsh.session import Permission, Session
from mipsh.settings import Settings, checked
from mipsh.status import ExitStatus

PROGRAM = Command(
    "mipsh",
    "diagnostic shell for Mobile IPv6 nodes",
    lambda session: Result(),
    (Argument("words", Takes.RAW, "a command to run; without one, the shell opens", required=False),),
    (
        Option(
            "--command",
            "run this line and leave; may be given again",
            Takes.TEXT,
            "-c",
            many=True,
            metavar="LINE",
        ),
        Option("--file", "run the lines of a file, - for standard input", Takes.PATH, "-f", metavar="FILE"),
        Option("--netns", "work in this network namespace", Takes.NETNS, "-N", metavar="NAME"),
        Option("--keep-going", "do not stop at the first line that is not fine"),
        Option("--echo", "say each line on stderr before it runs", short="-E"),
        Option("--config", "read this configuration file", Takes.PATH, metavar="FILE"),
        Option("--no-config", "read no configuration file"),
        Option("--no-plugins", "use nothing but what mipsh brings"),
        Option("--version", "say the version and leave", short="-V"),
    ),
)


def run(words: Sequence[str], environment: Environment | None = None) -> ExitStatus:
    """Run mipsh with the words of a command line; returns its exit status."""
    environment = environment or Environment()
    try:
        return _run(words, environment)
    except MipshError as error:
        environment.warn(f"mipsh: error: {escape(error.message)}")
        if error.hint:
            environment.warn(f"       {escape(error.hint)}")
        return error.status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    finally:
        quiet_exit(environment)


def _run(words: Sequence[str], environment: Environment) -> ExitStatus:
    read = read_words(PROGRAM, tokens_of_argv(words), complete=False)
    _check(read)
    values, rest = read.values, read.rest or []
    config = _config(values, environment)
    registry = Registry(plugins="no_plugins" not in values)
    permission = Permission(**permissions_of(read.common))
    with Session(environment, registry, _settings(config, read, environment), permission) as session:
        session.aliases.update(_aliases(config, registry, environment))
        runner = Runner(session, "keep_going" in values, "echo" in values)
        runner.how = "how" in read.common
        if "netns" in values:
            from mipsh.linux.namespaces import enter

            session.netns = str(values["netns"])
            enter(session.netns)
        status = _work(runner, values, rest, read.common)
        if not session.stay:
            return status
        return _shell(runner, config.startup)


def _check(read: Words) -> None:
    if read.faults:
        fault = read.faults[0]
        raise UsageError(fault.message, fault.hint.replace("'mipsh ?'", "'mipsh --help'"))
    if read.pending is not None:
        raise UsageError(f"{read.pending.name} needs a value", f"write {read.pending.name} {read.pending.metavar}")


def _config(values: dict[str, object], environment: Environment) -> Config:
    if "no_config" in values:
        return Config(Settings(), {})
    if "config" in values:
        return load_config(str(values["config"]), required=True)
    return load_config(environment.config_file())


def _settings(config: Config, read: Words, environment: Environment) -> Settings:
    """Return the settings: the file's, then the variables', then the options'."""
    settings = config.settings
    engine = environment.variables.get("MIPSH_ENGINE")
    if engine:
        settings = structs.replace(settings, engine=engine)
    return checked(settings, options_of(read.common))


def _aliases(config: Config, registry: Registry, environment: Environment) -> dict[str, str]:
    """Return the configured aliases; one with the name of a command is left out, and said."""
    taken = [name for name in config.aliases if registry.is_command(name)]
    for name in taken:
        environment.warn(f"mipsh: warning: the configured alias '{escape(name)}' is not used: it is a command's name")
    return {name: line for name, line in config.aliases.items() if name not in taken}


def _work(runner: Runner, values: dict[str, object], rest: list[Token], common: dict[str, object]) -> ExitStatus:
    """Do what the words ask for: lines, a file, a command, or the shell."""
    session = runner.session
    lines = values.get("command")
    if "version" in values:
        return runner.run("version")
    if common.get("help"):
        return runner.run(f"help {PROGRAM.name}")
    if rest and (lines or "file" in values):
        raise UsageError(f"'{rest[0].text}' is one word too many beside -c or -f", "quote the line after -c")
    if lines and "file" in values:
        raise UsageError("-c and -f do not go together", "write -c 'source FILE'")
    if isinstance(lines, list):
        return run_lines(runner, [str(line) for line in lines])
    if "file" in values:
        return run_lines(runner, _file_lines(str(values["file"]), session.environment))
    if rest:
        return runner.run(_with_filters(rest, common))
    if not session.environment.is_terminal(session.environment.stdin):
        return run_lines(runner, _stdin_lines(session.environment))
    if runner.how:
        raise UsageError("--how needs a command that is to be explained", "write mipsh --how bc")
    session.stay = True
    return ExitStatus.OK


def _with_filters(rest: list[Token], common: dict[str, object]) -> list[Token]:
    """Give a command the row options that stood before it (``mipsh --where … bc``)."""
    options: list[str] = []
    for name in ("columns", "sort"):
        if name in common:
            options += [f"--{name}", str(common[name])]
    where = common.get("where")
    for condition in where if isinstance(where, list) else []:
        options += ["--where", str(condition)]
    end = next((index for index, token in enumerate(rest) if token.kind is not TokenKind.WORD), len(rest))
    return rest[:end] + tokens_of_argv(options) + rest[end:]


def run_lines(runner: Runner, lines: Iterable[str]) -> ExitStatus:
    """Run lines until one is not fine (all, with keep-going); returns the highest status."""
    worst = ExitStatus.OK
    for line in lines:
        status = runner.run(line)
        worst = max(worst, status)
        if runner.session.leave or (status and not runner.keep_going):
            break
    return worst


def _file_lines(path: str, environment: Environment) -> Iterable[str]:
    if path == "-":
        return _stdin_lines(environment)
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise UsageError(f"cannot read {path}: {reason}") from None


def _stdin_lines(environment: Environment) -> Iterable[str]:
    return iter(environment.stdin.readline, "")


def _shell(runner: Runner, startup: Sequence[str]) -> ExitStatus:
    environment = runner.session.environment
    for line in startup:
        with suppress(KeyboardInterrupt), runner.session.only_looking():
            runner.run(line)
    if environment.dumb or environment.stdout is None or not environment.interactive:
        from mipsh.shell.plain import PlainShell

        return PlainShell(runner).run()
    from mipsh.shell.repl import Shell

    return Shell(runner, environment.stdout).run()
