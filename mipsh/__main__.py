"""Run the shell with ``python -m mipsh``."""

import sys

from mipsh.cli import main

if __name__ == "__main__":
    sys.exit(main())
