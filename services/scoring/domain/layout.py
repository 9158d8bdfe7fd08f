"""Where the numbers of measures stand in a row of partial sums: one flat list for each view or event type.

Messages and tables hold such rows without names, so the layout of a version that was adopted never changes:
measures by name, each with its numerator, the counts of its keys and its denominator where it has them, and
how many rows came in; flows that place rows alike count them together, at the first of them. A question of a
survey is followed by two sums of each class of raters and by how many rounds were short, each by a name of
its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import class_sums, short_rounds
from services.scoring.domain.keyed import Keys, keyed
from services.scoring.domain.measures import MeasureSpec, SurveyedSpec
from services.scoring.domain.methods.amounts import Amounts, Partials

Numbers = Sequence[int]


class Slots(NamedTuple):
    """The places of one measure in a row; `denominator` is None where it has none.

    Of bounded keys `keys` says where their counts stand; the numerator counts the rows that hold one.
    """

    numerator: int
    denominator: int | None
    rows: int
    keys: Keys | None = None

    def of(self, numbers: Numbers) -> Amounts:
        """Return numerator and denominator in millionths, and the rows that came in."""
        denominator = 0 if self.denominator is None else numbers[self.denominator]
        numerator = numbers[self.numerator] if self.keys is None else self.keys.counts(numbers).amount
        return numerator, denominator, numbers[self.rows]

    def partials(self, numbers: Numbers) -> Partials:
        """Return the same as sums that merge over months."""
        held = None if self.keys is None else self.keys.counts(numbers)
        return Partials(*self.of(numbers), held=held)

    @property
    def places(self) -> frozenset[int]:
        """Every place that a value depends on."""
        own = {self.numerator, self.rows} | ({self.denominator} if self.denominator is not None else set())
        return frozenset(own | set(() if self.keys is None else self.keys.places))


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of all measures over one view or event type, by their names."""

    width: int
    slots: Mapping[str, Slots]


def layout_of(document: SchemeDocument, over: str) -> Layout:
    """Lay out the measures of a scheme over a view or an event type."""
    slots: dict[str, Slots] = {}
    rows: dict[str, int] = {}
    width = 0
    for name in sorted(name for name, spec in document.measures.items() if spec.over == over):
        spec = document.measures[name]
        numerator, width = width, width + 1
        keys = None
        found = keyed(spec.numerator) if isinstance(spec, MeasureSpec) else None
        if found is not None:
            keys, width = Keys(found.how, found.values, width), width + len(found.values)
        denominator = None
        if spec.denominator is not None:
            denominator, width = width, width + 1
        placed = f"stock {name}" if spec.kind == "stock" else f"flow {spec.period_by}"
        if placed not in rows:
            rows[placed], width = width, width + 1
        slots[name] = Slots(numerator, denominator, rows[placed], keys)
        for further in _of_survey(document, name):
            slots[further], width = Slots(width, None, rows[placed]), width + 1
    return Layout(width, slots)


def _of_survey(document: SchemeDocument, measure: str) -> list[str]:
    spec = document.measures[measure]
    survey = document.surveys.get(spec.survey) if isinstance(spec, SurveyedSpec) else None
    if survey is None:
        return []
    classes = (class_sums(measure, rater) for rater in sorted(survey.raters))
    return [*(name for sums in classes for name in sums), short_rounds(measure)]
