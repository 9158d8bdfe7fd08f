"""When the cut of a period has passed: all that was received before it is in what was told before."""

from shared.contracts.fields import Closed, Code, DayText, InstantText, PeriodText

CUT_SETTLED = "dukao.cut-settled.v1"
CUT_PASSED = "dukao.cut-passed.v1"


class CutSettled(Closed):
    """Every partial of what was received before the cut of a period has been applied in a group's shard.

    `cut` is T, the instant from which on what is received is late: 24:00 of the last day of grace in the
    scheme's zone; `day` is that day. Once for a period and group.
    """

    scheme: Code
    group: Code
    period: PeriodText
    cut: InstantText
    day: DayText


class CutPassed(CutSettled):
    """The same among the figures: all of this group that were known by the end of `day` stand before it."""
