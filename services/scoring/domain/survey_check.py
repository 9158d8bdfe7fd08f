"""The rules of surveys: what they name exists, and every round has its days and its month."""

from collections.abc import Iterator
from itertools import pairwise

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import SurveyedSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from services.scoring.domain.survey_section import RoundSpec, SurveySection
from shared.kernel.periods import Month


def surveys_and_methods_fit(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A measure of a survey is taken by the method `survey`, whose classes are raters of it."""
    for name, spec in document.measures.items():
        if isinstance(spec, SurveyedSpec) and spec.survey not in document.surveys:
            reason = f"There is no survey {spec.survey}."
            yield Finding(f"/measures/{name}/survey", "unknown_survey", reason)
    for place, indicator in enumerate(document.indicators):
        yield from _fits(document, indicator, f"/indicators/{place}")


def raters_are_asked(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every class of raters answers to some indicator."""
    for name, survey in document.surveys.items():
        asked = {
            one.rater
            for indicator in document.indicators_of_survey(name)
            if indicator.method.survey is not None
            for one in indicator.method.survey.classes
        }
        for rater in survey.raters:
            if rater not in asked:
                reason = f"No indicator of {name} asks {rater}; leave the class out."
                yield Finding(f"/surveys/{name}/raters/{rater}", "rater_unused", reason)


def rounds_count_for_somebody(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A round of the version's months closes in one in which some indicator of the survey is assessed."""
    for name, survey in document.surveys.items():
        taken = [document.months_taken(one) for one in document.indicators_of_survey(name)]
        for place, one in enumerate(survey.rounds):
            month = Month.parse(one.month).ordinal
            ruled = one.month >= document.scheme.effective
            if ruled and taken and not any(months is None or month in months for months in taken):
                reason = f"No indicator of {name} is assessed in {one.month}, in which the round counts."
                yield Finding(f"/surveys/{name}/rounds/{place}/closes", "round_unused", reason)


def rounds_have_their_days(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A round ends in the year of the scheme, reminds while it is open, and follows the one before.

    One of an earlier month is ruled by the version before, whose survey the newer one keeps.
    """
    first, last = document.scheme.effective, document.scheme.until
    for name, survey in document.surveys.items():
        for place, one in enumerate(survey.rounds):
            path = f"/surveys/{name}/rounds/{place}"
            if one.closes < one.opens:
                yield Finding(f"{path}/closes", "dates", "A round closes on the day it opens, or later.")
            year = document.calendar.year_of(Month.parse(one.month).ordinal)
            if year != document.scheme.year or one.month > last:
                reason = f"It counts in {one.month}; the scheme ends the year of {first} with {last}."
                yield Finding(f"{path}/closes", "outside_scheme", reason)
            for at, day in enumerate(one.remind):
                if not one.opens <= day <= one.closes or day in one.remind[:at]:
                    reason = f"A reminder is a day of its own between {one.opens} and {one.closes}."
                    yield Finding(f"{path}/remind/{at}", "dates", reason)
        yield from _in_order(f"/surveys/{name}/rounds", survey)


def _fits(document: SchemeDocument, indicator: IndicatorSpec, path: str) -> Iterator[Finding]:
    spec, method = document.measures.get(indicator.measure), indicator.method.survey
    if isinstance(spec, SurveyedSpec) != (method is not None):
        reason = "The method `survey` takes a measure of a survey, and no other method does."
        yield Finding(f"{path}/method", "survey_method", reason)
        return
    if method is None or not isinstance(spec, SurveyedSpec):
        return
    if indicator.collection == "machine":
        reason = "What raters say is no machine's: write `collection: system`."
        yield Finding(f"{path}/collection", "not_system", reason)
    survey = document.surveys.get(spec.survey)
    for at, one in enumerate(method.classes):
        if survey is not None and one.rater not in survey.raters:
            reason = f"{spec.survey} has no raters {one.rater}."
            yield Finding(f"{path}/method/survey/classes/{at}/rater", "unknown_rater", reason)


def _in_order(path: str, survey: SurveySection) -> Iterator[Finding]:
    for at, (one, following) in enumerate(pairwise(survey.rounds), 1):
        if not _follows(one, following):
            reason = "A round opens after the one before has closed, and counts in a month of its own."
            yield Finding(f"{path}/{at}", "round_order", reason)


def _follows(one: RoundSpec, following: RoundSpec) -> bool:
    return one.closes < following.opens and one.month < following.month
