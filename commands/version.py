"""``version``: versions, as a bug report wants them."""

import platform

from mipsh import __version__
from mipsh.by_hand import here
from mipsh.grammar.declare import Command
from mipsh.model.shell import VERSIONS, VersionReport
from mipsh.result import Result
from mipsh.session import Session

LIBRARIES = ("msgspec", "prompt_toolkit", "pyroute2", "pyyaml", "rich", "scapy")


def run(session: Session) -> Result:
    """List mipsh, Python, the kernel and the libraries in use."""
    from importlib.metadata import PackageNotFoundError, version

    rows = [
        VersionReport("mipsh", __version__),
        VersionReport("python", platform.python_version()),
        VersionReport("kernel", platform.release()),
    ]
    for name in LIBRARIES:
        try:
            rows.append(VersionReport(name, version(name)))
        except PackageNotFoundError:
            rows.append(VersionReport(name, "not installed"))
    return Result(VERSIONS, rows)


COMMAND = Command(
    "version",
    "show versions of mipsh and of what it uses",
    run,
    aliases=("show version",),
    table="versions",
    how=here("ask Python's packages and the kernel for their versions", "pip list; uname -r"),
)
