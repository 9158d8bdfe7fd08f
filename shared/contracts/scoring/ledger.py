"""Ledger entries and the figures of periods, of schemes in force and of trials."""

from typing import Annotated

from pydantic import Field

from shared.contracts.fields import (
    Closed,
    Code,
    DayText,
    DecimalText,
    InstantText,
    MonthText,
    PeriodText,
    Version,
)
from shared.contracts.scoring.sums import Cause

ENTRIES_POSTED = "dukao.entries-posted.v1"
TRIAL_ENTRIES_POSTED = "dukao.trial-entries-posted.v1"

OldAndNew = Annotated[tuple[DecimalText | None, DecimalText | None], Field(strict=False)]


class MonthEntries(Closed):
    """The ledger entries of a unit's month cells: (old, new) by indicator; 12 places, `None` is no value."""

    unit: Code
    month: MonthText
    cells: dict[Code, OldAndNew]


class PeriodFigures(Closed):
    """The absolute figures of a unit in a period that changed, by indicator, and its volume.

    `None` is due and not yet assessed; what is not due has no figure. `points` are those of figures whose
    months several versions rule: weighted by months, so far; of every other they are those of the version.
    What applies to the unit in none of these months has points there and `None`.
    """

    unit: Code
    period: PeriodText
    volume: int = 0
    values: dict[Code, DecimalText | None]
    points: dict[Code, DecimalText] = Field({})


class UnitSilence(Closed):
    """By indicator of a unit the months in which a feed of its events is silent: all there are."""

    unit: Code
    months: dict[Code, tuple[MonthText, ...]] = Field(strict=False)


class EntriesPosted(Closed):
    """What a batch changed in one group: its ledger entries, and the figures whose value is another.

    `fresh_at` is the newest `received` in it, `day` the day of the scheme's zone that contains that.
    After an adopted scheme every figure that is due is told once. `silent` are the units of which a feed
    became stale or fresh; of every other stands what was told last. `brought` is the day of the newest
    `received` that the batch itself brought, where it is before `day`: it came behind what was told before,
    in the periods of units that `behind` names, whether their figures became others or not.
    """

    scheme: Code
    version: Version
    group: Code
    cause: tuple[Cause, ...] = Field(strict=False)
    fresh_at: InstantText
    day: DayText
    entries: tuple[MonthEntries, ...] = Field((), strict=False)
    figures: tuple[PeriodFigures, ...] = Field((), strict=False)
    silent: tuple[UnitSilence, ...] = Field((), strict=False)
    brought: DayText | None = None
    behind: dict[Code, tuple[PeriodText, ...]] = Field({}, strict=False)


class TrialEntriesPosted(EntriesPosted):
    """What a batch would have changed in one group, were the draft in force: no ledger holds it.

    With `ended` nothing follows of this trial and group, and what was told of them counts no more.
    """

    trial: Code
    ended: bool = False
