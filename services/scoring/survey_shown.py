"""Rounds of surveys as the door shows them."""

from collections.abc import Mapping
from typing import Any

from services.scoring.domain.methods.survey import FEWEST_IN_A_MEAN
from services.scoring.domain.rounds import Round, State
from services.scoring.survey_answers import QuestionLine, RaterLine, SurveyAnswer, SurveyLine

Counts = Mapping[tuple[str, str], int]


def line(one: Round, state: State) -> SurveyLine:
    """Return a round as it is listed."""
    return SurveyLine.model_validate(_fields(one, state))


def answer(one: Round, state: State, tokens: Counts, answered: Counts) -> SurveyAnswer:
    """Return a round whole; how many answered is told from five on."""
    raters = [
        RaterLine(
            rater=rater,
            title=title,
            issued=tokens.get((one.id, rater), 0),
            answered=_told(answered.get((one.id, rater), 0)),
        )
        for rater, title in sorted(one.section.raters.items())
    ]
    return SurveyAnswer.model_validate(
        _fields(one, state) | {"questions": list(_questions(one)), "raters": raters}
    )


def _questions(one: Round) -> list[QuestionLine]:
    return [
        QuestionLine(
            indicator=indicator.code,
            name=indicator.name,
            scale=method.scale,
            units=len(one.document.units_of(indicator)),
            raters=sorted(spec.rater for spec in method.classes),
        )
        for indicator in one.document.indicators_of_survey(one.survey)
        if (method := indicator.method.survey) is not None
    ]


def _told(answered: int) -> int | None:
    return answered if answered >= FEWEST_IN_A_MEAN else None


def _fields(one: Round, state: State) -> dict[str, Any]:
    return {
        "id": one.id,
        "scheme": one.document.scheme.code,
        "version": one.document.scheme.version,
        "survey": one.survey,
        "title": one.section.title,
        "month": one.spec.month,
        "state": state,
        "opens": one.spec.opens,
        "closes": one.spec.closes,
        "remind": list(one.spec.remind),
    }
