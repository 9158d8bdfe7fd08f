"""Replies as the door and explanations show them."""

from dataclasses import asdict

from services.scoring.replies import Reply
from services.scoring.reply_answers import ReplyAnswer
from shared.kernel import instants
from shared.kernel.periods import Month


def answer(one: Reply) -> ReplyAnswer:
    """Return a reply with its answer."""
    told = asdict(one) | {
        "month": str(Month.of_ordinal(one.month)),
        "at": instants.text(one.at),
        "answered_at": None if one.answered_at is None else instants.text(one.answered_at),
    }
    del told["paths"]
    return ReplyAnswer.model_validate(told)
