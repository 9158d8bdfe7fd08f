"""What a unit said against entries of a cell and what was answered: reviews with their decisions."""

from services.scoring import reviews
from services.scoring.answers import ShownReview
from services.scoring.domain.reviews import DECIDED
from services.scoring.explaining import Question
from services.scoring.reviews import Review
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction

SHOWN = 100


async def reviews_of(tx: PostgresTransaction, question: Question) -> list[ShownReview]:
    """Return the reviews of a cell's entries, 100 at most."""
    cell = question.scheme.document.scheme.code, question.unit, question.indicator.code
    months = [month.ordinal for month in question.window]
    return [await _review(tx, one) for one in await reviews.of_cell(tx, cell, months, SHOWN)]


async def _review(tx: PostgresTransaction, one: Review) -> ShownReview:
    steps = await reviews.steps(tx, one.id)
    asking, ending = steps[0], steps[-1]
    decided = one.state in DECIDED
    return ShownReview(
        id=one.id,
        entry=one.entry,
        month=str(Month.of_ordinal(one.month)),
        state=one.state.value,
        asked_at=instants.text(asking.at),
        asked_by=asking.person,
        asked=asking.reason,
        decided_at=instants.text(ending.at) if decided else None,
        decided_by=ending.person if decided else None,
        decided=ending.reason if decided else None,
        difference=dict(one.decided or {}),
    )
