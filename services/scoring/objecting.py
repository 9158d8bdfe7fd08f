"""What a unit said to entries of a cell and what was answered: reviews with their decisions, replies."""

from services.scoring import replies, reply_shown, reviews
from services.scoring.answers import Objections, ShownReply, ShownReview
from services.scoring.domain.reviews import DECIDED
from services.scoring.questions import Question
from services.scoring.replies import Reply
from services.scoring.reviews import Review
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.storage.transaction import PostgresTransaction

SHOWN = 100


async def objections(tx: PostgresTransaction, question: Question) -> Objections:
    """Return the reviews of a cell's entries and the replies to them, 100 at most of each.

    In a trial count those of the cell in force.
    """
    cell = question.scheme.points.scheme, question.unit, question.indicator.code
    months = [month.ordinal for month in question.window]
    reviewed = await reviews.of_cell(tx, cell, months, SHOWN + 1)
    replied = await replies.of_cell(tx, cell, months, SHOWN + 1)
    return Objections(
        reviews=[await _review(tx, one) for one in reviewed[:SHOWN]],
        replies=[_reply(one) for one in replied[:SHOWN]],
        truncated=max(len(reviewed), len(replied)) > SHOWN,
    )


def _reply(one: Reply) -> ShownReply:
    told = reply_shown.answer(one).model_dump(mode="json")
    return ShownReply.model_validate({name: told[name] for name in ShownReply.model_fields})


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
