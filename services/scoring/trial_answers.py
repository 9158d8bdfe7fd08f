"""What the door is asked and answers about trials."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.answers import Explanation
from services.scoring.trials import Trial
from shared.contracts.fields import Code, Digest, MonthText, Version
from shared.kernel.shards import SHARDS

TRIAL_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z:._-]{0,31}$"
TrialName = Annotated[str, Field(pattern=TRIAL_PATTERN)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]


class Asked(BaseModel):
    """What a person asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrialAsked(Asked):
    """Which draft is to be tried, as it was read, over which months, and why."""

    scheme: Code
    version: Version
    digest: Digest
    trial: TrialName = Field(description="its name, once and for ever within the scheme")
    first: MonthText | None = Field(None, description="without it the first month of the draft")
    last: MonthText | None = Field(None, description="without it the last month of the draft")
    reason: Reason


class TrialEnd(Asked):
    """Why a trial ends."""

    reason: Reason


class ShownTrial(BaseModel):
    """A trial: which draft by digest, over which months, who started and ended it and why.

    `before` are the adopted versions that it follows: their months stand before its own in each period.
    """

    model_config = ConfigDict(frozen=True)

    scheme: str
    trial: str
    state: Literal["running", "ended", "adopted"]
    version: int
    digest: str
    first: str
    last: str
    before: tuple[int, ...]
    started_by: str
    started: datetime
    reason: str
    ended_by: str | None
    ended: datetime | None
    end_reason: str | None


class TrialsPage(BaseModel):
    """Trials by scheme and name; `next` is the `after` of the next page."""

    model_config = ConfigDict(frozen=True)

    items: tuple[ShownTrial, ...]
    next: str | None


class TrialExplanation(Explanation):
    """Why a cell of a running trial would stand where it stands; no ledger holds it.

    `reviews` are those of the cell in force, which count in the trial too. Of all `shards` those that
    have `folded` the trial are in the figure.
    """

    mark: Literal["试考评"] = "试考评"
    trial: str
    folded: int
    shards: int = SHARDS


def shown(one: Trial) -> ShownTrial:
    """Return a trial as it is answered."""
    over = "adopted" if one.adopted else "ended"
    return ShownTrial(
        scheme=one.code,
        trial=one.trial,
        state="running" if one.ended is None else over,
        version=one.version,
        digest=one.digest,
        first=one.first,
        last=one.last,
        before=tuple(one.before),
        started_by=one.started_by,
        started=one.started,
        reason=one.why,
        ended_by=one.ended_by,
        ended=one.ended,
        end_reason=one.why_ended,
    )
