"""When the cut of a period has passed: all that was received before it is in what was told before."""

from pydantic import Field

from shared.contracts.fields import Closed, Code, DayText, InstantText, PeriodText, Version
from shared.contracts.scoring.ledger import PeriodFigures

CUT_COUNTED = "dukao.cut-counted.v1"
CUT_FIGURED = "dukao.cut-figured.v1"
CUT_SETTLED = "dukao.cut-settled.v1"
CUT_PASSED = "dukao.cut-passed.v1"


class CutSettled(Closed):
    """Every partial of what was received before the cut of a period has been applied in a group's shard.

    `cut` is T, the instant from which on what is received is late: 24:00 of the last day of grace in the
    scheme's zone; `day` is that day. Once for a period and group. `exact` says that the figures of every unit
    of the group by what was received before T were told before this.
    """

    scheme: Code
    group: Code
    period: PeriodText
    cut: InstantText
    day: DayText
    exact: bool = False


class CutPassed(CutSettled):
    """The same among the figures: all of this group that were known by the end of `day` stand before it."""


class CutCounted(Closed):
    """The figures of units of a group in a period by exactly what was received before its cut.

    All that are due, of some of the units; what follows has the others.
    """

    scheme: Code
    version: Version
    group: Code
    period: PeriodText
    figures: tuple[PeriodFigures, ...] = Field(strict=False)


class CutFigured(CutCounted):
    """The same, said among the figures before the cut has passed."""
