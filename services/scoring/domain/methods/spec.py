"""The method of an indicator: exactly one of those that there are."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar, Protocol, cast

from pydantic import model_validator

from services.scoring.domain.methods.amounts import Fault, Formula, Measured
from services.scoring.domain.methods.award import BonusSpec
from services.scoring.domain.methods.bands import BandsSpec
from services.scoring.domain.methods.benchmark import BenchmarkSpec
from services.scoring.domain.methods.deduct import DeductSpec
from services.scoring.domain.methods.efficacy import EfficacySpec
from services.scoring.domain.methods.excess import ExcessSpec
from services.scoring.domain.methods.rank import RankSpec
from services.scoring.domain.methods.survey import SurveySpec
from services.scoring.domain.methods.target import TargetSpec
from services.scoring.domain.methods.within import WithinSpec
from services.scoring.domain.shapes import Closed


class Method(Protocol):
    """A method with its parameters; `points` are w, `actual` is how the value is written in a formula."""

    title: ClassVar[str]
    source: ClassVar[str]

    def symbolic(self, actual: str, /) -> str:
        """Return the formula in symbols."""
        ...

    def put_in(self, points: str, measured: Measured, /) -> str:
        """Return the formula with numbers."""
        ...

    def faults(self, points: Decimal, /) -> Iterator[Fault]:
        """Yield what is wrong with the parameters."""
        ...


class OwnMethod(Method, Protocol):
    """A method that scores a unit by its own sums alone."""

    def formula(self, points: int, /, *, is_ratio: bool) -> Formula:
        """Return the score as a function of sums; points in millionths."""
        ...


class ComparingMethod(Method, Protocol):
    """A method that scores units by comparing them: what moves one value can move every score."""

    def scores(self, points: int, values: Mapping[str, Fraction], /) -> dict[str, int]:
        """Return the points of the units that have a value, in parts of 10^-12; points in millionths."""
        ...


class MethodSpec(Closed):
    """Exactly one method."""

    target: TargetSpec | None = None
    """How much of a target was reached."""
    within: WithinSpec | None = None
    """Whether a value lies in a range, or how far outside."""
    deduct: DeductSpec | None = None
    """What each event costs, and what wins points back."""
    bands: BandsSpec | None = None
    """The points of the band that holds the value."""
    excess: ExcessSpec | None = None
    """What lies above a limit costs points."""
    bonus: BonusSpec | None = None
    """Awards by their level."""
    benchmark: BenchmarkSpec | None = None
    """The share of the best value of the group."""
    rank: RankSpec | None = None
    """The place in the group."""
    efficacy: EfficacySpec | None = None
    """The place between the worst and the best value of the group."""
    survey: SurveySpec | None = None
    """What classes of raters say, by their weights."""

    @model_validator(mode="after")
    def _one_method(self) -> "MethodSpec":
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("an indicator has exactly one method")
        return self

    @property
    def name(self) -> str:
        """The word by which the scheme names the method."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def chosen(self) -> Method:
        """The method."""
        return cast("Method", getattr(self, self.name))

    @property
    def comparing(self) -> ComparingMethod | None:
        """The method if it compares units with each other."""
        return self.benchmark or self.rank or self.efficacy

    @property
    def own(self) -> OwnMethod | None:
        """The method if it scores a unit by its own sums."""
        plain = self.target or self.within or self.deduct or self.bands
        return plain or self.excess or self.bonus or self.survey

    @property
    def in_full(self) -> DeductSpec | BonusSpec | None:
        """The method if what it takes counts in full, once, and only its limits are weighted by months."""
        return self.deduct or self.bonus

    @property
    def is_always_due(self) -> bool:
        """Whether an event posts at once, so that the cycle does not matter."""
        return self.deduct is not None or self.bonus is not None

    @property
    def further_measures(self) -> Mapping[str, str]:
        """The measures that the formula takes as further sums, in its order, by their place in the method."""
        if self.bonus is not None:
            return {f"bonus/levels/{at}/measure": one.measure for at, one in enumerate(self.bonus.levels)}
        if self.deduct is not None and self.deduct.bonus is not None:
            return {"deduct/bonus/measure": self.deduct.bonus.measure}
        return {}
