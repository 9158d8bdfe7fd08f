"""The rules of who assesses an indicator and when, whence it comes, and what no data means."""

from collections.abc import Iterable, Iterator

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import MeasureSpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from shared.kernel.periods import Cycle, Month

NAMED_BY = {"point": "dates", "progress": "milestones"}


def indicators_say_who_and_whence(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every indicator says who assesses it and where it comes from."""
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}"
        if not indicator.assessor:
            reason = "Say who assesses it: `assessor`, a unit of the scheme."
            yield Finding(f"{path}/assessor", "no_assessor", reason)
        if indicator.source is None:
            reason = "Say where it comes from: `source`, the document and its clause; your own: 本方案设定."
            yield Finding(f"{path}/source", "no_source", reason)


def days_are_named_well(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What is assessed at days names them, of the scheme's year and its own months, each once."""
    for place, indicator in enumerate(document.indicators):
        for cycle, word in NAMED_BY.items():
            path, named = f"/indicators/{place}/{word}", getattr(indicator, word)
            if indicator.cycle == cycle and not named:
                yield Finding(
                    path, "no_days", f"With `cycle: {cycle}` say at which days it is assessed: `{word}`."
                )
            elif indicator.cycle != cycle and named:
                yield Finding(
                    path, "other_cycle", f"`{word}` are of `cycle: {cycle}`, and this is a {indicator.cycle}."
                )
            elif indicator.cycle == cycle:
                yield from _days(document, indicator, path)


def _days(document: SchemeDocument, indicator: IndicatorSpec, path: str) -> Iterator[Finding]:
    """Name days outside the year, after the end, outside an overlay, or before there was any version."""
    head, seen = document.scheme, set[str]()
    year = head.calendar.containing(Month.parse(head.effective), Cycle.YEAR)
    first = Month.parse(head.effective) if head.version == 1 else year.first
    within = document.months_of(indicator)
    for at, day in enumerate(indicator.days):
        month = Month.parse(day[:7])
        if not first <= month <= min(year.last, Month.parse(head.until)):
            yield Finding(f"{path}/{at}", "dates", f"{day} lies in no month of the scheme in its year.")
        elif within is not None and not within[0] <= month.ordinal <= within[1]:
            yield Finding(f"{path}/{at}", "dates", f"{day} lies outside the months of {indicator.overlay}.")
        if day in seen:
            yield Finding(f"{path}/{at}", "duplicate", f"{day} stands here a second time.")
        seen.add(day)


def days_stay(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> Iterator[Finding]:
    """A version names the days before it that the one before of its year names: what they gave counts still.

    An indicator that has another cycle since, or is no more, is another decision.
    """
    head = draft.scheme
    known: dict[str, IndicatorSpec] = {}
    for document in sorted(adopted, key=lambda one: one.scheme.version):
        if document.scheme.year == head.year and document.scheme.effective < head.effective:
            known |= {one.code: one for one in document.indicators}
    for place, one in enumerate(draft.indicators):
        before = known.get(one.code)
        if before is None or before.cycle != one.cycle or None in (before.named_months, one.named_months):
            continue
        over = [day for day in before.days if day[:7] < head.effective and day not in one.days]
        if over:
            reason = f"Before {head.effective} the year has {', '.join(over)}; name it, it counts still."
            yield Finding(f"/indicators/{place}/{NAMED_BY[one.cycle]}", "days_dropped", reason)


def days_are_ruled(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> Iterator[Finding]:
    """A day before the first month of a version lies in a month that an adopted version of its year rules.

    `check` cannot know what is adopted: a version with any number may in truth be the first.
    """
    head = draft.scheme
    months = [(one.scheme.effective, one.scheme.until) for one in adopted if one.scheme.year == head.year]
    for place, one in enumerate(draft.indicators):
        for at, day in enumerate(one.days):
            month = day[:7]
            if month < head.effective and not any(first <= month <= last for first, last in months):
                reason = f"{day} lies in no month that a version of the scheme rules; nothing counts there."
                yield Finding(f"/indicators/{place}/{NAMED_BY[one.cycle]}/{at}", "dates", reason)


def no_data_means_one_thing(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What a method makes of no data the scheme does not say otherwise."""
    for place, indicator in enumerate(document.indicators):
        path, word = f"/indicators/{place}/no_data", indicator.no_data
        if word == "not_assessed":
            continue
        if indicator.method.is_always_due:
            worth = "all its points" if indicator.method.deduct is not None else "0 points"
            reason = f"Without any event it is {worth} by its method; leave it out."
            yield Finding(path, "no_data", reason)
        elif indicator.method.survey is not None:
            yield Finding(path, "no_data", "Below its minimum sample a survey is not assessed; leave it out.")


def means_are_of_what_has_a_value(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """What is taken in full, once, and what is a volume, is a sum and no mean of months."""
    used = {
        f"/indicators/{place}/{path}": name
        for place, one in enumerate(document.indicators)
        if one.method.is_always_due
        for path, name in (
            ("measure", one.measure),
            *((f"method/{path}", name) for path, name in one.method.further_measures.items()),
        )
    }
    gate = document.ranking.minimum_volume
    if gate is not None:
        used["/ranking/minimum_volume/measure"] = gate.measure
    for path, name in used.items():
        spec = document.measures.get(name)
        if isinstance(spec, MeasureSpec) and spec.is_mean:
            yield Finding(path, "mean", f"{name} is a mean over months; a sum is taken here.")
