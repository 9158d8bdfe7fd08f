"""What the door of closing takes and answers."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from services.ranking.domain.closing import State, Step
from shared.contracts.fields import Closed, Code, Digest, InstantText, PeriodText

CODE = r"[0-9A-Za-z][0-9A-Za-z:._-]{0,63}"
PERIOD = r"[0-9]{4}(-([0-9]{2}|Q[1-4]|H[12]))?"
ID_PATTERN = rf"^{CODE}~{PERIOD}~[1-9][0-9]{{0,8}}$"
PLAIN = r"^[^\x00-\x1f\x7f]*$"
PAGE_LIMIT = 200

PeriodState = Literal["no_cut", "open", "unknown", "mixed", "ready", "asked", "closed"]
RequestPath = Annotated[str, Path(pattern=ID_PATTERN, max_length=128, description="scheme~period~number")]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=PLAIN)]


class NewClose(Closed):
    """Which period is to be closed; `digest` is that of the exact effect, as it was read.

    While manifests of its days differ, only who says so asks to close over them; who approves approves that.
    """

    scheme: Code
    period: PeriodText
    digest: Digest
    reason: Reason
    accept_mismatches: bool = False


class Approving(Closed):
    """What is approved: the effect with this digest, and why."""

    digest: Digest
    reason: Reason


class Why(Closed):
    """Why a step is taken; it stands in the history."""

    reason: Reason


class ClosesQuery(BaseModel):
    """Which requests are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: Code | None = None
    period: PeriodText | None = None
    state: State | None = None
    after: Annotated[str | None, Field(pattern=ID_PATTERN, max_length=128)] = None
    limit: int = Field(50, ge=1, le=PAGE_LIMIT)


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class StepLine(Answer):
    """A step: when, which, by whom and why."""

    at: InstantText
    what: str
    person: str
    reason: str


class MismatchLine(Answer):
    """A day of which a source's manifest and the archive differ; `difference` is the digest of how."""

    source: str
    day: str
    state: str
    difference: str


class WaitLine(Answer):
    """A consumer that has yet to apply `records` of a stream, in `shards`; null: its producer is away."""

    consumer: str
    stream: str
    shards: list[int]
    records: int | None


class CloseRequest(Answer):
    """A request to close a period, what can be done now, and every step with its person.

    `accepted` are the mismatches over which it closes: who asked and who approved named them in the digest.
    """

    id: str
    scheme: str
    period: str
    digest: str
    state: State
    accepted: list[MismatchLine]
    possible: list[Step]
    history: list[StepLine]


class ClosePage(Answer):
    """A page of requests in the order of their ids."""

    items: list[CloseRequest]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class ClosingGroup(Answer):
    """The standing of a group that is frozen: version, T, the last day before it, SHA-256 of its bytes."""

    group: str
    version: int
    cut: str
    day: str
    digest: str


class Closing(Answer):
    """What closing a period freezes, or froze.

    It is `no_cut` where the scheme has no `grace_days`, `open` while a group is `lacking`: not all that was
    received before T has been told of it, or while it `waits` for ranking to hear what ingest told of days;
    `unknown` while of groups or units nothing had been told before T; `mixed` where of some that cannot be
    told apart from what is late; neither where the figures at T were told. It is `ready` to be asked for by
    its `digest`; `asked`; `closed`. `request` is the one that waits, or that closed it. `mismatches` are the
    days of the period of which a source's manifest and the archive differ now: over them it is closed only
    if two persons accept that; of a closed one, those accepted.
    """

    scheme: str
    period: str
    state: PeriodState
    lacking: list[str]
    unknown: list[str]
    mixed: list[str]
    mismatches: list[MismatchLine]
    waits: list[WaitLine]
    groups: list[ClosingGroup]
    digest: str | None
    request: CloseRequest | None


class CutLine(Answer):
    """A period whose cut (`cut`, T) has been told at step 4 of scoring's, and what it still waits for."""

    period: str
    version: int
    cut: str
    day: str
    step: Literal[5]
    waits: list[WaitLine]


class CutsAnswer(Answer):
    """The periods of a scheme whose cuts have been told and that wait to be closed."""

    scheme: str
    cuts: list[CutLine]
