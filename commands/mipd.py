"""``mipd``: run a Mobile IPv6 node on real interfaces, or look whether its file is right."""

from mipsh.errors import UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.grammar.tokens import quote
from mipsh.model.shell import How
from mipsh.node.config import NodeConfig
from mipsh.result import Result
from mipsh.session import Session

ACTIONS = ("run", "check")


def run(session: Session, action: str, file: str, vt: int | None = None) -> Result:
    """Run the node of a file until it is told to end, or check the file."""
    if vt is not None and not 1 <= vt <= 65535:
        raise UsageError(f"--vt is a port from 1 to 65535, not {vt}")
    from mipsh.node import config_file

    if action == "check":
        from mipsh.node.mipd import refuse_protection

        config = config_file.load(file)
        refuse_protection(config, file)
        return Result(summary=f"{file} is fine: {config.name}, {described(config)}")
    if session.stay:
        hint = f"type it at the system's prompt: mipsh mipd run {file}"
        raise UsageError("mipd gives up its privileges, and the shell would lose them too", hint)
    from mipsh.node.log import Log
    from mipsh.node.mipd import Mipd

    Mipd(file, Log(session.environment.stderr), session.environment.variables, vt).run()
    return Result()


def described(config: NodeConfig) -> str:
    """Return what a configuration makes of a node, for people."""
    roles = {
        "mobile node": config.mobile_node is not None,
        "home agent": config.home_agent is not None,
        "router": config.router,
    }
    names = ", ".join(link.name for link in config.interfaces)
    return f"{' and '.join(role for role, is_so in roles.items() if is_so) or 'correspondent node'} on {names}"


def how(session: Session, action: str, file: str, vt: int | None = None) -> list[How]:
    """Say which file is read, and what becomes of the interfaces that are in it."""
    from mipsh.node import config_file

    read = How("read the node's file", "file", f"cat {quote(file)}")
    if action == "check":
        return [read]
    config = config_file.load(file)
    rows = [read]
    for link in config.interfaces:
        rows.append(
            How(
                f"take {link.name} from the kernel's IPv6",
                "file",
                f"sysctl -w net/ipv6/conf/{link.name}/disable_ipv6=1",
            )
        )
        rows.append(How(f"switch {link.name} on", "netlink", f"ip link set dev {link.name} up"))
    if config.tun is not None:
        name, mtu = config.tun.name, config.tun.mtu
        rows.append(
            How(
                "give programs an interface",
                "netlink",
                f"ip tuntap add dev {name} mode tun; ip link set dev {name} mtu {mtu} up",
            )
        )
    port = vt or config.vt_port
    return [
        *rows,
        How("run the node", "process", f"mipsh mipd run {quote(file)}{f' --vt {port}' if port else ''}", "RFC 6275"),
    ]


COMMAND = Command(
    "mipd",
    "run a Mobile IPv6 node of mipsh's own on real interfaces",
    run,
    (
        Argument("action", Takes.WORD, "run it, or check its file and do nothing", choices=ACTIONS),
        Argument("file", Takes.PATH, "the node's configuration: TOML, or mip6d.conf syntax"),
    ),
    (Option("--vt", "let mip6d's clients ask, on this TCP port of the machine itself", Takes.INTEGER, metavar="PORT"),),
    details=(
        "It takes the interfaces over from the kernel, gives up its privileges but for CAP_NET_ADMIN and "
        "CAP_NET_RAW, and runs until SIGTERM or Ctrl-C, when a mobile node deregisters. SIGHUP reads the file anew. "
        "Its log goes to stderr. docs/mipd.md explains the file."
    ),
    examples=(
        ("mipd check mn.toml", "say what is wrong with a file, and where"),
        ("mipd run /etc/mip6d.conf", "be a node as mip6d would, on a kernel without Mobile IPv6"),
    ),
    how=how,
    changes=Changes.OWN,
)
