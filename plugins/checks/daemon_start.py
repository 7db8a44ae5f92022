"""Checks of how the daemon was started: its file, its log, its unit of systemd, and changes since."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Configuration, Key, Service, Unreadable
from mipsh.model.findings import By, Evidence, Severity
from mipsh.plugins.checks.configuration_words import home_links, protected, read
from mipsh.plugins.checks.daemon_words import (
    ALL,
    AS_ROLE,
    DAEMON,
    FILE,
    LEVEL,
    LOG,
    of_command,
    option,
    started_as,
    told,
)
from mipsh.plugins.checks.kernel_xfrm import HAO, TRIGGER, asks_for, has_ipsec

AREA = Area("daemon", "")
OTHERS = 0o022
NEVER_READY = ("forking", "notify", "notify-reload", "dbus")
"""The types of systemd that wait for what mip6d does not do where systemd itself starts it."""
FROM_HOME = 1001
"""The priority of the rule for packets from a home address."""
UNSEEN = ("CnBindingPolicySet", "InitialSolicitTimer", "InterfaceInitialInitDelay", "DebugLogFile")
"""Options that need a restart, and of which nothing outside of the daemon tells."""
LAST_OF_MIP6D = 20
SAME_S = 1.0


@AREA.check(
    About(
        "MIP-205",
        "mip6d without its configuration: it runs as a correspondent node",
        Severity.HIGH,
        roles=ALL,
        needs=(Key.PR,),
        remedy=("start mip6d with -c FILE: then it ends where it cannot read the file",),
        reference="UMIP src/conf.c",
        boot=True,
    )
)
def silent_correspondent(facts: Facts) -> Judgements:
    """Without -c, mip6d ignores that its default file is not there or wrong, and runs with defaults.

    The default role is that of a correspondent node: a home agent or mobile node that does nothing as such.
    """
    process = next(iter(facts.daemons), None)
    if process is None:
        yield not_applicable("no mip6d runs here")
        return
    said: tuple[Evidence, ...] = (facts.saw(Key.PR, told(process)),)
    is_named = any(word.startswith(FILE) for word in process.arguments)
    try:
        configuration = facts.configuration
    except Unreadable as error:
        if is_named or error.privilege:
            raise
        yield _without_file(facts, said)
        return
    wanted = configuration.word("NodeConfig", "CN").lower()
    is_other = started_as(facts) == "cn" and wanted != "cn" and not set(process.arguments).intersection(AS_ROLE)
    said = (*said, facts.saw(Key.CF, f"NodeConfig {wanted.upper()}"))
    if is_other:
        yield affected("it runs as a correspondent node", expected=f"NodeConfig {wanted.upper()}", evidence=said)
    elif configuration.faults and not is_named:
        observed = f"it was started without -c, and its file is wrong: {configuration.faults[0]}"
        yield affected(observed, expected="-c FILE", evidence=said)
    else:
        yield passed("it was started with -c" if is_named else "its default file can be read", evidence=said)


def _without_file(facts: Facts, said: tuple[Evidence, ...]) -> Judgement:
    """Judge a daemon that names no file where none is at the usual places; its build may have another place."""
    role = started_as(facts)
    if role == "cn":
        return affected("it names no file, there is none, and it is a correspondent node", evidence=said)
    if role:
        return passed(f"it has found one, since it runs as {role}", evidence=said)
    return likely("it names no file, and there is none", expected="-c FILE", evidence=said, by=By.CONFIGURATION)


@AREA.check(
    About(
        "MIP-212",
        "a log of the daemon that everybody may write",
        Severity.MEDIUM,
        roles=ALL,
        needs=(Key.PR,),
        remedy=(
            "chmod 640 FILE (after each start)",
            "mip6d.conf: DebugLogFile with an absolute name in a folder of root",
        ),
        reference="UMIP src/main.c (daemon_start: umask(0))",
    )
)
def open_log(facts: Facts) -> Judgements:
    """mip6d gives up the umask and makes its log for all to write; a name that is not absolute is below /tmp."""
    name = of_command(facts, LOG) or facts.configuration.word("DebugLogFile")
    if not name:
        yield not_applicable("it has no log of its own")
        return
    path = str(PurePosixPath("/tmp") / name)
    mode = facts.file_mode(path)
    if mode is None:
        yield unknown("it is not there", path)
        return
    said = (facts.saw(Key.LG, f"{path} {mode:04o}", f"mode {path}"),)
    if mode & OTHERS:
        yield affected(f"its mode is {mode:04o}", path, expected="0640", evidence=said)
    else:
        yield passed(f"its mode is {mode:04o}", path, evidence=said)


@AREA.check(
    About(
        "MIP-213",
        "a unit of systemd that waits for what mip6d does not do",
        Severity.MEDIUM,
        needs=(Key.PR,),
        remedy=("the unit: Type=simple, ExecStart=…/mip6d -c FILE", "systemctl daemon-reload"),
        reference="UMIP src/main.c (daemon_start); systemd.service(5)",
        boot=True,
    )
)
def wrong_unit(facts: Facts) -> Judgements:
    """Started by systemd itself, mip6d does not fork; with DebugLevel above 0 and no log file it never does.

    With Type=forking systemd waits until it gives up, and ends the daemon. mip6d does not say when it is ready, either.
    """
    if not facts.services:
        yield not_applicable("no unit of systemd starts mip6d")
    for service in facts.services:
        said = (facts.saw(Key.PR, f"{service.path}: Type={service.kind}", "services"),)
        if service.kind in NEVER_READY and (_is_direct(service) or service.kind != "forking"):
            yield affected(f"Type={service.kind}", service.name, expected="simple", evidence=said)
        elif service.kind == "forking" and _stays(facts, service):
            yield affected("it debugs to its terminal, and does not detach", service.name, evidence=said)
        else:
            yield passed(f"Type={service.kind}", service.name, evidence=said)


def _is_direct(service: Service) -> bool:
    """Tell whether systemd starts mip6d itself, and no script that does."""
    return bool(service.command) and PurePosixPath(service.command[0]).name == DAEMON


def _stays(facts: Facts, service: Service) -> bool:
    """Tell whether the daemon stays on its terminal: it debugs, and into no file."""
    level = option(service.command, LEVEL)
    debugs = level not in ("", "0") or (not level and facts.configuration.number("DebugLevel", 0) > 0)
    return debugs and not option(service.command, LOG) and not facts.configuration.word("DebugLogFile")


@AREA.check(
    About(
        "MIP-215",
        "a configuration that was changed, and takes a restart to be used",
        Severity.MEDIUM,
        roles=ALL,
        needs=(Key.PR, Key.CF, Key.XP, Key.RU),
        remedy=("restart mip6d",),
        reference="UMIP src/conf_changes.c",
    )
)
def not_applied(facts: Facts) -> Judgements:
    """A SIGHUP does not apply every option: the role, home links, IPsec, and route optimisation when disabled.

    Looked for where the file is newer than the daemon, by what the kernel has of it.
    """
    process = next(iter(facts.daemons), None)
    changed = facts.configuration.modified_at
    if process is None:
        yield not_applicable("no mip6d runs here")
        return
    if process.started_at is None or changed is None:
        yield unknown("when it was started, or the file was changed, is not told")
        return
    said = (facts.saw(Key.CF, f"changed {changed - process.started_at:+.0f} s after the start"),)
    if changed <= process.started_at + SAME_S:
        yield passed("the file is older than the daemon", evidence=said)
        return
    configuration = read(facts)
    other = list(_disagreements(facts, configuration, by_hand=bool(set(process.arguments).intersection(AS_ROLE))))
    unseen = [name for name in UNSEEN if configuration.every(name)]
    if other:
        yield affected(f"not in use: {', '.join(other)}", expected="as the file says", evidence=said)
    elif unseen:
        yield unknown(f"nothing tells whether it is in use: {', '.join(unseen)}", evidence=said)
    else:
        yield passed("the kernel has what the file says", evidence=said)


def _disagreements(facts: Facts, configuration: Configuration, *, by_hand: bool) -> Iterator[str]:
    """Yield the options of the file that the kernel says not to be in use."""
    role, wanted = started_as(facts), configuration.word("NodeConfig", "CN")
    if role and role != wanted.lower() and not by_hand:
        yield f"NodeConfig {wanted}"
    ours = [policy for policy in facts.policies if policy.priority < LAST_OF_MIP6D]
    protects = any(has_ipsec(policy) for policy in ours)
    is_wanted = configuration.is_enabled("UseMnHaIPsec", True)
    if protects and not is_wanted:
        yield "UseMnHaIPsec disabled"
    if is_wanted and not protects and protected(configuration):
        yield "UseMnHaIPsec enabled"
    if not configuration.is_enabled("DoRouteOptimizationMN", True) and any(asks_for(one, HAO, TRIGGER) for one in ours):
        yield "DoRouteOptimizationMN disabled"
    homes = {home.address for home in home_links(configuration)}
    used = {rule.source for rule in facts.rules if rule.priority == FROM_HOME}
    if used - homes:
        yield f"MnHomeLink without {', '.join(sorted(used - homes))}"
