"""The names that mipsh brings, with where each is declared: known without loading anything.

The same names stand as entry points in the package's metadata, as those of any plugin do; a test
holds the two, and each command's own declaration of its aliases, together.
"""

COMMANDS = {
    "alias": "mipsh.commands.alias:COMMAND",
    "assert": "mipsh.commands.assert_:COMMAND",
    "audit": "mipsh.commands.audit:COMMAND",
    "bc": "mipsh.commands.bc:COMMAND",
    "binding add": "mipsh.commands.binding:ADD",
    "binding del": "mipsh.commands.binding:DELETE",
    "binding refresh": "mipsh.commands.binding:REFRESH",
    "both": "mipsh.commands.both:COMMAND",
    "bu": "mipsh.commands.bu:COMMAND",
    "bul": "mipsh.commands.bul:COMMAND",
    "check": "mipsh.commands.check:COMMAND",
    "check explain": "mipsh.commands.check:EXPLAIN",
    "check list": "mipsh.commands.check:LIST",
    "completion": "mipsh.commands.completion:COMMAND",
    "connect": "mipsh.commands.connect:COMMAND",
    "craft": "mipsh.commands.craft:COMMAND",
    "craft file": "mipsh.commands.craft:FILE",
    "craft hex": "mipsh.commands.craft:HEX",
    "demo": "mipsh.commands.demo:COMMAND",
    "describe": "mipsh.commands.describe:COMMAND",
    "disable": "mipsh.commands.disable:COMMAND",
    "disconnect": "mipsh.commands.disconnect:COMMAND",
    "enable": "mipsh.commands.enable:COMMAND",
    "flush": "mipsh.commands.flush:COMMAND",
    "hal": "mipsh.commands.hal:COMMAND",
    "handover": "mipsh.commands.handover:COMMAND",
    "help": "mipsh.commands.help:COMMAND",
    "history": "mipsh.commands.history:COMMAND",
    "mipd": "mipsh.commands.mipd:COMMAND",
    "lab capture": "mipsh.commands.lab_use:CAPTURE",
    "lab delay": "mipsh.commands.lab_changes:DELAY",
    "lab down": "mipsh.commands.lab:DOWN",
    "lab exec": "mipsh.commands.lab_use:EXEC",
    "lab fault": "mipsh.commands.lab_changes:FAULT",
    "lab loss": "mipsh.commands.lab_changes:LOSS",
    "lab move": "mipsh.commands.lab_changes:MOVE",
    "lab ping": "mipsh.commands.lab_use:PING",
    "lab shell": "mipsh.commands.lab_use:SHELL_COMMAND",
    "lab status": "mipsh.commands.lab:STATUS",
    "lab up": "mipsh.commands.lab:UP",
    "move": "mipsh.commands.move:COMMAND",
    "nonce": "mipsh.commands.nonce:COMMAND",
    "ping6": "mipsh.commands.ping6:COMMAND",
    "pl": "mipsh.commands.pl:COMMAND",
    "plugins": "mipsh.commands.plugins:COMMAND",
    "quit": "mipsh.commands.quit:COMMAND",
    "raw": "mipsh.commands.raw:COMMAND",
    "record": "mipsh.commands.record:COMMAND",
    "replay": "mipsh.commands.replay:COMMAND",
    "rr": "mipsh.commands.rr:COMMAND",
    "set": "mipsh.commands.set:COMMAND",
    "source": "mipsh.commands.source:COMMAND",
    "stats": "mipsh.commands.stats:COMMAND",
    "status": "mipsh.commands.status:COMMAND",
    "tour": "mipsh.commands.tour:COMMAND",
    "trace": "mipsh.commands.trace:COMMAND",
    "version": "mipsh.commands.version:COMMAND",
    "watch": "mipsh.commands.watch:COMMAND",
    "why": "mipsh.commands.why:COMMAND",
}

ALIASES = {
    "binding-cache": "bc",
    "binding-update-list": "bul",
    "return-routability": "rr",
    "nonces": "nonce",
    "home-agents": "hal",
    "prefixes": "pl",
    "prefix-list": "pl",
    "statistics": "stats",
    "exit": "quit",
    "?": "help",
    "binding-update": "bu",
    "trigger bu": "bu",
    "binding delete": "binding del",
    "show bc": "bc",
    "show binding-cache": "bc",
    "show bul": "bul",
    "show binding-update-list": "bul",
    "show rr": "rr",
    "show nonce": "nonce",
    "show hal": "hal",
    "show home-agents": "hal",
    "show pl": "pl",
    "show prefixes": "pl",
    "show stats": "stats",
    "show status": "status",
    "show version": "version",
    "show ipv6 mobile binding": "bc",
    "show ipv6 mobile globals": "status",
    "show ipv6 mobile home-agents": "hal",
    "show ipv6 mobile traffic": "stats",
}

ENGINES = {
    "umip": "mipsh.plugins.engines.umip:ENGINE",
    "mipd": "mipsh.plugins.engines.mipd:ENGINE",
    "kernel": "mipsh.plugins.engines.kernel:ENGINE",
}

FORMATS = {
    name: f"mipsh.plugins.formats.{module}:FORMAT"
    for name, module in {
        "table": "table",
        "vertical": "vertical",
        "json": "json",
        "ndjson": "ndjson",
        "csv": "csv",
        "tsv": "tsv",
        "markdown": "markdown",
        "yaml": "yaml",
        "html": "html",
        "junit": "junit",
        "nagios": "nagios",
        "prometheus": "prometheus",
        "tap": "tap",
    }.items()
}

CHECKS = {
    "configuration": "mipsh.plugins.checks.configuration:AREA",
    "correspondent": "mipsh.plugins.checks.correspondent:AREA",
    "daemon": "mipsh.plugins.checks.daemon:AREA",
    "guide": "mipsh.plugins.checks.guide:AREA",
    "home_agent": "mipsh.plugins.checks.home_agent:AREA",
    "kernel": "mipsh.plugins.checks.kernel:AREA",
    "mobile_node": "mipsh.plugins.checks.mobile_node:AREA",
    "path": "mipsh.plugins.checks.path:AREA",
    "security": "mipsh.plugins.checks.security:AREA",
}

BUILT_IN: dict[str, dict[str, str]] = {
    "mipsh.commands": COMMANDS,
    "mipsh.engines": ENGINES,
    "mipsh.formats": FORMATS,
    "mipsh.checks": CHECKS,
}

PHRASES: dict[tuple[str, ...], str] = {
    **{tuple(name.split()): name for name in COMMANDS},
    **{tuple(alias.split()): name for alias, name in ALIASES.items()},
}
