"""What a closed round of a survey came to for one question and unit: sums of classes, never an answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.scoring.domain.derived import Loss, PointsPlan
from services.scoring.domain.layout import Slots
from services.scoring.domain.measures import SURVEYED
from services.scoring.domain.methods.survey import Trimmed
from shared.kernel.points import MILLIONTHS


@dataclass(frozen=True, slots=True)
class Counted:
    """The classes of raters that reached their minimum; while any is `short` the unit is not yet assessed."""

    key: str
    version: int
    scheme: str
    survey: str
    unit: str
    indicator: str
    month: int
    classes: Mapping[str, Trimmed]
    short: tuple[str, ...]

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield how many answered, then sum and count of what is kept of each class, in millionths.

        Of a round that is short only that it is: with it no longer period is assessed either.
        """
        if self.scheme != under.scheme:
            return
        over, question = f"{SURVEYED}{self.survey}", under.surveyed.get(self.indicator)
        if self.short:
            if question is not None and question.over == over:
                yield Loss(over, question.short, self.unit, self.month, MILLIONTHS)
            return
        if question is None or question.over != over or not question.asked <= self.classes.keys():
            yield Loss(over, None, self.unit, self.month, 0, indicator=self.indicator)
            return
        answers = sum(one.answers for one in self.classes.values())
        places: list[tuple[Slots, int]] = [(question.slots, answers)]
        for rater, (total, kept) in question.classes.items():
            if rater in self.classes:
                places += [(total, self.classes[rater].total), (kept, self.classes[rater].kept)]
        for slots, amount in places:
            yield Loss(over, slots, self.unit, self.month, amount * MILLIONTHS)

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, assessed or not."""
        return frozenset({(f"{SURVEYED}{self.survey}", self.unit, self.month)})
