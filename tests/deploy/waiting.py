"""Waiting for a condition, with a bound."""

import time

LIMIT_S = 120.0
POLL_S = 0.05


def until(condition, limit_s=LIMIT_S):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {limit_s:.0f} s"
        time.sleep(POLL_S)
    return found
