"""Where the command begins: Ctrl-C ends it without a traceback also while it loads and is made."""

import importlib
import sys

from dukao.exits import Exit


def main() -> None:
    """Load the command line and run it."""
    try:
        importlib.import_module("dukao.cli").main()
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)
