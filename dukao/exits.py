"""The exit codes of the command; scripts rely on them, so they never change their meaning."""

from enum import IntEnum


class Exit(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1  # something of ours is broken
    USAGE = 2  # the command line is wrong
    MISSING = 3  # the machine lacks something; `dukao doctor` says what
    NOT_RUNNING = 4  # the platform does not run, or not all of it
    REFUSED = 5  # the platform runs and refused what was asked
    INVALID = 6  # a document or a file has findings
