"""The exit codes of the command; scripts rely on them, so they never change their meaning."""

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    MISSING = 3
    NOT_RUNNING = 4
    REFUSED = 5
    INVALID = 6
    INTERRUPTED = 130


MEANINGS: Mapping[Exit, str] = {
    Exit.OK: "done",
    Exit.FAILED: "something of ours is broken",
    Exit.USAGE: "the command line is wrong",
    Exit.MISSING: "the machine lacks something, dukao doctor says what",
    Exit.NOT_RUNNING: "the platform does not run, or not all of it",
    Exit.REFUSED: "the platform runs and refused what was asked",
    Exit.INVALID: "a document, a file or an event has findings",
    Exit.INTERRUPTED: "Ctrl-C",
}
