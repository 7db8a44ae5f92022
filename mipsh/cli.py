"""The process: argv, the streams, which of shell, script or one command it is, the exit status."""

import sys
from collections.abc import Sequence

from mipsh import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run mipsh and return its exit status; nothing heavy is loaded for ``--version``."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]) and sys.stdout is not None:
        sys.stdout.write(f"mipsh {__version__}\n")
        return 0
    try:
        from mipsh.process import run

        return int(run(words))
    except KeyboardInterrupt:
        return 130
