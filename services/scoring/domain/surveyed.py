"""What a closed round of a survey came to for one question and unit: sums of classes, never an answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan, Question
from services.scoring.domain.layout import Slots
from services.scoring.domain.measures import SURVEYED
from services.scoring.domain.methods.survey import SurveySpec, Trimmed, kept
from shared.kernel.points import MILLIONTHS


@dataclass(frozen=True, slots=True)
class Counted:
    """The classes of raters that reached their minimum; while one of them is `short` nothing is assessed.

    A trial may ask on another `scale`, of other classes, or with other limits than what was counted.
    """

    key: str
    version: int
    scheme: str
    survey: str
    unit: str
    indicator: str
    month: int
    scale: int
    classes: Mapping[str, Trimmed]
    short: tuple[str, ...]

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield how many answered, then sum and count of what is kept of each class, in millionths.

        Of a round that is short only that it is: with it no longer period is assessed either. So with one
        that a scheme asks otherwise, which these sums do not tell; it waits too.
        """
        if self.scheme != under.scheme:
            return
        over, question = f"{SURVEYED}{self.survey}", under.surveyed.get(self.indicator)
        if question is None or question.over != over:
            if not self.short:
                yield self._waiting(over)
            return
        told = self._answers(question.method)
        if not told and not self.short:
            yield self._waiting(over)
        if not told or self._is_short(question.method):
            yield Loss(over, question.short, self.unit, self.month, MILLIONTHS)
            return
        for slots, amount in self._sums(question):
            yield Loss(over, slots, self.unit, self.month, amount * MILLIONTHS)

    def _waiting(self, over: str) -> Loss:
        return Loss(over, None, self.unit, self.month, 0, indicator=self.indicator)

    def _sums(self, question: Question) -> Iterator[tuple[Slots, int]]:
        yield question.slots, sum(one.answers for one in self.classes.values())
        for rater, (total, left) in question.classes.items():
            if rater in self.classes:
                yield total, self.classes[rater].total
                yield left, self.classes[rater].kept

    def _answers(self, method: SurveySpec) -> bool:
        """Tell whether these are sums of what a method asks: on its scale, of its classes, so trimmed."""
        asked = {one.rater for one in method.classes}
        counted = [one for rater, one in self.classes.items() if rater in asked]
        return (
            self.scale == method.scale
            and asked <= self.classes.keys() | set(self.short)
            and all(one.kept == kept(one.answers, method.trim) for one in counted)
        )

    def _is_short(self, method: SurveySpec) -> bool:
        return any(
            one.rater in self.short or self.classes[one.rater].answers < one.minimum for one in method.classes
        )

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, assessed or not."""
        return frozenset({(f"{SURVEYED}{self.survey}", self.unit, self.month)})
