"""Where the command begins: Ctrl-C ends it without a traceback also while its modules load."""

import importlib
import sys

from dukao.exits import Exit


def main() -> None:
    """Load the command line and run it."""
    try:
        cli = importlib.import_module("dukao.cli")
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
    cli.main()
