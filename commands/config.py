"""``config``: what mip6d.conf and radvd.conf say, what is wrong with it, and what it takes to change."""

from collections.abc import Sequence
from shlex import quote

from mipsh.config_files import mip6d, mip6d_lint, radvd
from mipsh.config_files.compare import Difference, compare
from mipsh.config_files.findings import UNREADABLE, Finding, Severity, in_order
from mipsh.config_files.including import Whole
from mipsh.config_files.mip6d import Setting
from mipsh.config_files.options import Reload
from mipsh.config_files.pairs import between
from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.grammar.declare import Argument, Command, Option, Takes
from mipsh.model.configuration import (
    CONFIG_CHANGES,
    CONFIG_FINDINGS,
    CONFIG_SETTINGS,
    ConfigChange,
    ConfigFinding,
    ConfigSetting,
)
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

LEVELS = tuple(severity.value for severity in Severity)
MOST_FILES = 32
REFUSED = "refused"
RUNNING = "pgrep -a mip6d"


def show(session: Session, file: str = "", set_only: bool = False, all_roles: bool = False) -> Result:
    """Return the options as they count."""
    whole, notes = _read(file)
    if not whole.documents:
        return Result(CONFIG_SETTINGS, errors=_notices(whole.findings), status=ExitStatus.FAILED)
    role = mip6d.understand(whole).role
    settings = radvd.settings(whole) if radvd.is_radvd(whole) else mip6d.understand(whole).settings
    shown = [
        setting
        for setting in settings
        if (setting.place is not None or not set_only) and (all_roles or _matters(setting, role))
    ]
    rows = [_setting(setting) for setting in sorted(shown, key=lambda one: one.place is None)]
    warnings = (*notes, *_notices(whole.findings))
    status = ExitStatus.OK if whole.is_complete else ExitStatus.COULD_NOT_TELL
    return Result(CONFIG_SETTINGS, rows, warnings=warnings, status=status)


def lint(session: Session, file: Sequence[str] = (), fail_on: str = Severity.WARNING) -> Result:
    """Return what is wrong with files, and with what they say together."""
    wholes, unread, notes = _readable(file)
    found = [finding for whole in wholes for finding in _linted(whole)]
    if len(file) > MOST_FILES:
        raise UsageError(f"at most {MOST_FILES} files are linted together", "name fewer")
    if len(wholes) > 1:
        confs = [radvd.understand(one) if radvd.is_radvd(one) else mip6d.understand(one) for one in wholes]
        found += between(confs)
    found = in_order(found)
    status = _status(found, bool(unread), Severity(fail_on))
    names = ", ".join(whole.path for whole in wholes)
    summary = _summary(found, names) if wholes else ""
    return Result(
        CONFIG_FINDINGS, [_finding(one) for one in found], summary=summary, errors=unread, warnings=notes, status=status
    )


def diff(session: Session, before: str, after: str) -> Result:
    """Return what is not the same, and what it takes until it counts."""
    (one, _), (other, _) = _read(before), _read(after)
    broken = [whole for whole in (one, other) if not whole.documents]
    if broken:
        errors = _notices([finding for whole in broken for finding in whole.findings])
        return Result(CONFIG_CHANGES, errors=errors, status=ExitStatus.FAILED)
    found = compare(one, other)
    refused = [finding for finding in _linted(other) if finding.severity is Severity.ERROR]
    warnings = [*_notices([*one.findings, *other.findings])]
    if refused:
        first = refused[0]
        warnings.append(
            Notice("refused", f"{after} has errors: {first.place}: {first.message}", f"config lint {quote(after)}")
        )
    complete = one.is_complete and other.is_complete
    return Result(
        CONFIG_CHANGES,
        [_change(change) for change in found],
        summary=_advice(found),
        warnings=tuple(warnings),
        status=ExitStatus.OK if complete else ExitStatus.COULD_NOT_TELL,
    )


# Reading.


def _read(path: str) -> tuple[Whole, tuple[Notice, ...]]:
    """Return the file that is meant, the running daemon's where none is named, and what is to say of it."""
    from mipsh.linux.config_files import running, whole

    if path:
        return whole(path), ()
    found = running()
    where = f"of mip6d, process {found.pid}" if found.pid is not None else "that a mip6d would read: none runs here"
    notes = [Notice("file", f"{found.path}, {where}")]
    if found.role is not None:
        notes.append(Notice("role", f"mip6d was started as {found.role}, whatever NodeConfig says"))
    if found.pid is not None and not found.is_named:
        message = "mip6d was started without -c: of a file that it refuses it says nothing (MIP-205)"
        notes.append(Notice("not_named", message, f"start it with -c {found.path}"))
    return whole(found.path), tuple(notes)


def _readable(paths: Sequence[str]) -> tuple[list[Whole], tuple[Notice, ...], tuple[Notice, ...]]:
    """Return the files that could be read, why the others could not, and what is to say of them."""
    wholes: list[Whole] = []
    unread: list[Notice] = []
    notes: tuple[Notice, ...] = ()
    for path in paths or ("",):
        try:
            whole, notes = _read(path)
        except CannotTell as error:
            unread.append(Notice(error.code, error.message, error.hint))
        else:
            wholes.append(whole)
    return wholes, tuple(unread), notes


def _linted(whole: Whole) -> list[Finding]:
    return radvd.lint(whole) if radvd.is_radvd(whole) else mip6d_lint.lint(whole)


def _status(found: Sequence[Finding], is_unread: bool, level: Severity) -> ExitStatus:
    """Return the status: errors, before what could not be read, before what else is at the level."""
    unread = [one for one in found if one.code == UNREADABLE]
    if any(one.severity is Severity.ERROR for one in found if one not in unread):
        return ExitStatus.FAILED
    if is_unread or unread:
        return ExitStatus.COULD_NOT_TELL
    reached = any(one.severity.rank >= level.rank for one in found)
    return ExitStatus.CONDITION_NOT_MET if reached else ExitStatus.OK


# What is shown.


def _summary(found: Sequence[Finding], names: str) -> str:
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    if not found:
        return f"\nAll is well: {names}."
    said = [f"{count} {one.value}{'' if count == 1 else 's'}" for one, count in counts.items() if count]
    return f"\n{', '.join(said)}: {names}."


def _advice(found: Sequence[Difference]) -> str:
    """Say what the changes take together."""
    if not found:
        return "\nNothing changes."
    if any(change.takes is Reload.RESTART for change in found):
        return "\nRestart the daemon: a reload does not take all of it."
    if any(change.takes is Reload.RELOAD for change in found):
        return "\nA reload takes it: pkill -HUP -x mip6d (of radvd: radvd)."
    return "\nNothing of it has an effect."


def _matters(setting: Setting, role: str) -> bool:
    roles = () if setting.option is None else setting.option.roles
    return setting.place is not None or not roles or role in roles


def _setting(setting: Setting) -> ConfigSetting:
    option, place = setting.option, setting.place
    return ConfigSetting(
        setting.path,
        setting.value,
        None if option is None else option.default,
        place is None,
        None if place is None else place.file,
        None if place is None else place.line,
        None if place is None else place.column,
        () if option is None else option.roles,
        REFUSED if option is None else option.reload.value,
        "" if option is None else option.unit,
        "" if option is None else option.meaning,
        "" if option is None else option.note,
    )


def _finding(one: Finding) -> ConfigFinding:
    place = one.place
    return ConfigFinding(
        place.file,
        place.line,
        place.column,
        one.severity.value,
        one.code,
        one.option,
        one.message,
        one.expected,
        one.advice,
        one.reference,
    )


def _change(change: Difference) -> ConfigChange:
    before, after = change.before_place, change.after_place
    kind = "changed"
    if change.before is None and before is None:
        kind = "added"
    elif change.after is None and after is None:
        kind = "removed"
    return ConfigChange(
        change.option,
        change.before,
        change.after,
        kind,
        change.takes.value,
        change.note,
        None if before is None else str(before),
        None if after is None else str(after),
    )


def _notices(found: Sequence[Finding]) -> tuple[Notice, ...]:
    return tuple(Notice(one.code, f"{one.place}: {one.message}", one.advice) for one in found)


# By hand.


def _files(paths: Sequence[str]) -> list[How]:
    """Say which files are read, and of whom."""
    rows = []
    for path in paths:
        name = path
        if not path:
            rows.append(How("look how mip6d was started", "file", RUNNING, "proc(5)"))
            try:
                name = _running_path()
            except MipshError:
                name = "/etc/mip6d.conf"
        rows.append(How("read the file, and what it includes", "file", f"cat {quote(name)}", "mip6d.conf(5)"))
    return rows


def _running_path() -> str:
    from mipsh.linux.config_files import running

    return running().path


def how_show(session: Session, file: str = "", set_only: bool = False, all_roles: bool = False) -> list[How]:
    """Say what is read; mip6d prints its own view of a file and exits."""
    rows = _files([file])
    name = rows[-1].equivalent or ""
    path = name.removeprefix("cat ")
    return [*rows, How("the daemon's own view", "process", f"mip6d --show-config -c {path}", "mip6d(1)")]


def how_lint(session: Session, file: Sequence[str] = (), fail_on: str = "") -> list[How]:
    """Say what is read."""
    return _files(list(file) or [""])


def how_diff(session: Session, before: str, after: str) -> list[How]:
    """Say what is read."""
    return [*_files([before, after]), How("compare them", "none", f"diff {quote(before)} {quote(after)}")]


SHOW = Command(
    "config show",
    "the options of a configuration file as they count",
    show,
    (Argument("file", Takes.PATH, "mip6d.conf or radvd.conf; none: that of the mip6d that runs here", required=False),),
    (
        Option("--set-only", "only what is set in the file"),
        Option("--all-roles", "options of other roles, too"),
    ),
    table=CONFIG_SETTINGS.name,
    details=(
        "Every option with its value, its default, where it is set, the roles that read it, and whether a reload "
        "(SIGHUP) takes a change of it or a restart is needed. Included files are read, too; of an option that is "
        "there twice, the last counts. --wide says what each is for.\n"
        "Without FILE it is the file of the mip6d in this network namespace: the one behind -c, else "
        "/etc/mip6d.conf or /usr/local/etc/mip6d.conf.\n"
        "Status 0: read; 2: the file is not well formed; 3: it, or one that it includes, could not be read."
    ),
    examples=(
        ("config show /etc/mip6d.conf", "what counts"),
        ("config show /etc/mip6d.conf --set-only --wide", "what is set, and what it is for"),
        ("config show /etc/radvd.conf --where option~HomeAgent", "what a home agent advertises"),
    ),
    how=how_show,
)

LINT = Command(
    "config lint",
    "what is wrong with configuration files, alone and together",
    lint,
    (Argument("file", Takes.PATH, "files; none: that of the mip6d that runs here", required=False, many=True),),
    (
        Option(
            "--fail-on",
            "from which severity on the status is 1; errors are always 2",
            Takes.WORD,
            metavar="LEVEL",
            choices=LEVELS,
        ),
    ),
    table=CONFIG_FINDINGS.name,
    details=(
        "Names with did-you-mean, types, ranges, options of another role, repetitions, missing semicolons, "
        "includes that loop; and what contradicts itself, with the id of the known condition (MIP-…).\n"
        "Files of a mobile node, its home agent and the home agent's radvd that are given together are compared: "
        "reqids, policies, lifetimes, who is admitted, what is advertised.\n"
        "An error is refused by the daemon, or cannot work; a warning does otherwise than meant; an info is good "
        "to know. Status 0: nothing at the level; 1: something; 2: errors; 3: a file could not be read."
    ),
    examples=(
        ("config lint", "the file of the mip6d that runs here"),
        ("config lint mn.conf ha.conf ha.radvd.conf", "three files, and what they say together"),
        ("config lint mip6d.conf --fail-on error", "status 0 with warnings, for a build server"),
    ),
    how=how_lint,
)

DIFF = Command(
    "config diff",
    "compare two configuration files, and say what a change takes",
    diff,
    (
        Argument("before", Takes.PATH, "the file as it is"),
        Argument("after", Takes.PATH, "the file as it is to be"),
    ),
    table=CONFIG_CHANGES.name,
    details=(
        "Options are compared as they count: blanks, comments, order and defaults that are written out do not "
        "matter. Each change says whether a reload (SIGHUP) takes it or a restart is needed.\n"
        "Status 0: compared; 2: a file is not well formed; 3: one could not be read."
    ),
    examples=(
        ("config diff /etc/mip6d.conf new.conf", "what would change"),
        ("config diff /etc/mip6d.conf new.conf --where takes=restart", "what a reload would not take"),
    ),
    how=how_diff,
)
