"""What the door is asked about a cell and what it answers; amounts are decimals as text."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.explanation import Uncounted
from services.scoring.domain.measures import AnyMeasure
from services.scoring.domain.methods.spec import MethodSpec
from shared.contracts.fields import Version
from shared.contracts.scoring import Cause
from shared.kernel.figures import FigureState

PAGE_LIMIT = 200
CURSOR_CHARACTERS = 1_000


class CellQuery(BaseModel):
    """Of which scheme the cell is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: str = Field(max_length=64, description="the code of the scheme")
    version: Version | None = Field(None, description="without it the newest for the period")


class CellAsked(CellQuery):
    """Of which scheme the cell is, and when."""

    as_of: str | None = Field(
        None,
        max_length=40,
        description="as it was known: a day of the scheme's zone (to its end), an instant, or after an entry",
    )


class After(BaseModel):
    """Which page is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: str | None = Field(None, max_length=CURSOR_CHARACTERS, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=PAGE_LIMIT)


class RowsQuery(After):
    """Which rows are wanted."""

    counted: bool | None = Field(None, description="only rows that count, or only those that do not")


class PageQuery(CellQuery, RowsQuery):
    """Of which cell which rows are wanted."""


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ShownFigure(Answer):
    """What an indicator is worth: at the 12 places that a cell keeps, and as it is published.

    It is `stale` while a feed of its events is silent: some of them may be missing.
    """

    points: str
    value: str | None
    published: str | None
    state: FigureState
    stale: bool


class ShownMeasure(Answer):
    """The measure and its definition; `owner` answers for it, `effective` is its first month."""

    name: str
    version: int
    owner: str
    effective: str
    definition: AnyMeasure


class Head(Answer):
    """Which cell this is, and on what the answer stands.

    `as_of` is the digest of the positions that both stages reached, `fresh_at` the newest `received` in it;
    `zone` is the time zone of the scheme.
    """

    scheme: str
    version: int
    zone: str
    period: str
    unit: str
    unit_name: str
    indicator: str
    indicator_name: str
    board: str | None
    overlay: str | None = None
    state: Literal["live", "as_of"] = "live"
    as_of: str
    fresh_at: str | None
    figure: ShownFigure
    measure: ShownMeasure


class ShownEntry(Answer):
    """One change of a month cell and the records behind it; `known_at` is their newest `received`."""

    id: int
    month: str
    old: str | None
    new: str | None
    cause: list[Cause]
    known_at: str


class ShownKnown(Answer):
    """What the ledger said at the time that was asked for.

    `said_by` is the entry, or of a merged period the published record, that said it last, and `known_at` the
    newest `received` in it; both null where nothing was said yet. An entry is of one batch: what one batch
    brought was known at once.
    """

    asked: str
    said_by: str | None
    known_at: str | None


class CellAnswer(Head):
    """A cell with the newest 100 entries of its month cells, oldest first.

    Where there are more they are `truncated`: of a month those before the first come with its id less one as
    `as_of`, of a longer period they are asked for by its months.
    With `known` the value and entries are those that were known then, `state` is `as_of`, and the points and
    the measure are those of the version asked for.
    """

    known: ShownKnown | None = None
    entries: list[ShownEntry]
    truncated: bool = False


class Formula(Answer):
    """How the value comes about: in symbols, and with the numbers put in."""

    symbolic: str
    with_numbers: str
    method: MethodSpec


class Inputs(Answer):
    """The exact sums that the formula takes."""

    numerator: str
    denominator: str | None
    months: list[str]


class ShownPart(Answer):
    """What versions that score an indicator alike give to a figure: for how many of its months so far.

    `points` and `value` are those of the part by itself, before months weight them; a deduction or bonus
    counts in the figure in full.
    """

    versions: list[int]
    months: list[str]
    weight: int
    points: str
    numerator: str
    denominator: str | None
    value: str | None
    formula: str


class ShownEvent(Answer):
    """An accepted report; `left_out` says why it does not count.

    `taken_by` are the columns of its case that have their value of it, or count or sum it.
    """

    source: str
    id: str
    type: str
    time: str
    received: str
    shard: int
    number: int
    left_out: Uncounted | None = None
    taken_by: list[str] = []


class ShownRow(Answer):
    """A case or event: its columns, what it adds, and the reports it is made of.

    `met` is there where the measure has a denominator and the row counts in it. `reason` says why a row does
    not count. At most 100 reports are shown, `reports_total` says how many there are. `measure` is named
    where it is a further one, as the awards of another level.
    """

    case: str | None
    unit: str
    month: str | None
    counted: bool
    met: bool | None
    reason: Uncounted | None
    numerator: str
    denominator: str | None
    columns: dict[str, str | bool | None]
    reports: list[ShownEvent]
    reports_total: int
    measure: str | None = None


class ShownReview(Answer):
    """A review of an entry of the cell: who asked when and why, and what was decided by whom."""

    id: str
    entry: int
    month: str
    state: str
    asked_at: str
    asked_by: str
    asked: str
    decided_at: str | None
    decided_by: str | None
    decided: str | None
    difference: dict[str, str]


class ShownReply(Answer):
    """What the unit said to an entry of the cell, and the dated answer, if there is one."""

    number: int
    entry: int
    month: str
    at: str
    person: str
    says: str
    answered_at: str | None
    answered_by: str | None
    answer: str | None


class Objections(Answer):
    """What was said against entries of the cell: reviews, and replies with their answers, at most so many."""

    reviews: list[ShownReview]
    replies: list[ShownReply]
    truncated: bool


class Explanation(Head):
    """Why a cell stands where it stands, with a page of its rows, and with what was said to its entries.

    The rows are those of stage A, which can be ahead of the figure by what is on its way. `parts` are there
    where several versions of the scheme rule its months; inputs are then those of the last.
    """

    formula: Formula
    inputs: Inputs
    parts: list[ShownPart] = []
    reviews: list[ShownReview]
    replies: list[ShownReply]
    truncated: bool = Field(description="there are more reviews or replies; the lists have all")
    rows: list[ShownRow]
    titles: dict[str, str] = Field(
        {}, description="what people call columns of the rows, by event-type fields"
    )
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class EntryAnswer(Head):
    """Why an entry was posted: what it changed, and which events among its causes concern its cell.

    The rows are those of which a report is among the causes, as they stand now. `adopted` are the schemes
    among the causes. A derived fact that was told anew since is no longer among them: the newest is kept.
    """

    formula: Formula
    entry: ShownEntry
    change: str | None
    adopted: list[Cause]
    rows: list[ShownRow]
    titles: dict[str, str] = Field(
        {}, description="what people call columns of the rows, by event-type fields"
    )
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class SuspenseQuery(After):
    """Which page is wanted, and of what: `waiting`, `settled` or `all`."""

    state: Literal["waiting", "settled", "all"] = "waiting"


class ShownSuspense(Answer):
    """An entry of suspense, of 0 points: `opened` or `settled` by a record, as stream/shard/number."""

    id: int
    what: Literal["opened", "settled"]
    by: str
    points: Literal["0"] = "0"


class SuspendedCase(Answer):
    """What waits in suspense with 0 points: why, what of it, and the records that brought it there.

    `settled` is the record that settled it, null while it waits; it can come back, `entries` say every time.
    """

    why: str
    what: str
    state: Literal["waiting", "settled"]
    opened: str
    settled: str | None
    entries: list[ShownSuspense]
    points: Literal["0"] = "0"
    case: str | None
    reports: list[ShownEvent]
    reports_total: int


class Suspense(Answer):
    """A page of what waits."""

    items: list[SuspendedCase]
    next: str | None = Field(description="pass it as `after` to read on; null at the end")


class BacktestQuery(BaseModel):
    """Which two versions of the scheme are compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: Version = Field(description="a version of the scheme, drafted or adopted")
    after: Version = Field(description="the version it is compared with")


class MeasuredValue(Answer):
    """Exact numerator and denominator, and the ratio at 6 places where there is one."""

    numerator: str
    denominator: str | None
    ratio: str | None


class BacktestedUnit(Answer):
    """A unit under both versions; `after` less `before` is what the newer version would have changed."""

    unit: str
    before: MeasuredValue
    after: MeasuredValue
    differs: bool


class Backtest(Answer):
    """Two versions of a measure on a period, over all facts that are stored, recomputed by DuckDB.

    Units of which no version measures anything are left out; `differing` counts those that differ.
    """

    scheme: str
    measure: str
    period: str
    before: int
    after: int
    definitions: dict[Literal["before", "after"], AnyMeasure]
    facts: int
    differing: int
    units: list[BacktestedUnit]
