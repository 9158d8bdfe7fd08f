"""How a scheme takes values: from events, items, what was decided of incidents, persons, surveys."""

from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from services.scoring.domain.shapes import Closed, DecimalText, MonthText, Name, Sourced, Version

ItemKind = Literal["decision", "document", "instruction", "control_risk", "alleged_finding"]
DECIDED = "decided:incidents"
MANUAL_POINTS, MANUAL_VALUES = "manual:points", "manual:values"
SURVEYED = "survey:"
LATE_DAYS_TOLD = 1_000
EVENTS, ITEMS, INCIDENTS = "of events", "of items", "of incidents"
POINTS, VALUES = "points of persons", "values of persons"
ANSWERS = "answers of raters"
_TAGS = {"items": ITEMS, "decided": INCIDENTS, "survey": ANSWERS}


class Span(Closed):
    """When a row enters a stock and when it leaves."""

    from_: str = Field(alias="from")
    until: str


class OwnedSpec(Sourced):
    """A measure (取数口径) has its own version, an owner, and the month from which it is taken so.

    Without `owner` it is the assessor's of the indicator, without `effective` it begins with its scheme.
    """

    version: Version = 1
    owner: str = ""
    effective: MonthText | None = None


class MeasureSpec(OwnedSpec):
    """How a value is taken from events: over a case view or an event type."""

    over: str
    kind: Literal["flow", "stock"] = "flow"
    period_by: str | Span
    numerator: str
    denominator: str | None = None
    counts_for: Literal["named"] | None = None
    """`named`: a row counts for the unit that it names and for none above, as what was published of it."""
    over_months: Literal["mean"] | None = None
    """`mean`: a longer period has the mean of the values of its months, those without data left out."""

    @property
    def is_mean(self) -> bool:
        """Whether several months come to the mean of their values, and not to what their sums do."""
        return self.over_months == "mean"

    @property
    def is_ratio(self) -> bool:
        """Whether its value is a quotient: of two sums, or a mean over months."""
        return self.denominator is not None or self.is_mean

    @model_validator(mode="after")
    def _span_for_a_stock(self) -> "MeasureSpec":
        if (self.kind == "stock") != isinstance(self.period_by, Span):
            raise ValueError("a flow has one period_by, a stock has from and until")
        return self

    @model_validator(mode="after")
    def _no_mean_of_a_stock(self) -> "MeasureSpec":
        if self.kind == "stock" and self.is_mean:
            raise ValueError(
                "a stock is what stands at the end of the last month; only a flow has a mean over months"
            )
        return self


class GivenSpec(OwnedSpec):
    """A measure of what others concluded; each amount stands in a month, so it is a flow."""

    @property
    def kind(self) -> Literal["flow"]:
        """What is given counts in its month."""
        return "flow"

    @property
    def period_by(self) -> str:
        """A late day counts in its month, a deduction in that of its finding, what persons give in theirs."""
        return "day"

    @property
    def denominator(self) -> str | None:
        """What is given is no ratio, but for the values of months."""
        return None

    @property
    def is_mean(self) -> bool:
        """Several months add up; the values of months do so with how many they are, which is their mean."""
        return False

    @property
    def is_ratio(self) -> bool:
        """Whether its value is a quotient of two sums."""
        return self.denominator is not None


class PointsSpec(GivenSpec):
    """A measure in points, which only `deduct` takes."""


class ItemsSpec(PointsSpec):
    """Points for late working days of items of a kind.

    Each day costs `per_day` until `cap` is reached over the life of the item, in the order of the days; the
    units bear it by their shares, in the month that contains the day.
    """

    items: ItemKind
    per_day: DecimalText
    cap: DecimalText

    @property
    def over(self) -> str:
        """What stands in the place of a view."""
        return f"items:{self.items}"


class DecidedSpec(PointsSpec):
    """Points that were decided of incidents, for the indicator that takes this measure."""

    decided: Literal["incidents"]

    @property
    def over(self) -> str:
        """What stands in the place of a view."""
        return DECIDED


class ManualPointsSpec(PointsSpec):
    """Points that persons asked for and others approved, for the indicator that takes this measure."""

    manual: Literal["points"]

    @property
    def over(self) -> str:
        """What stands in the place of a view."""
        return MANUAL_POINTS


class ManualValueSpec(GivenSpec):
    """The value of a month that a person asked for and another approved, for one indicator.

    Of several months it is their mean: a ratio of sums, over the months that have a value.
    """

    manual: Literal["value"]

    @property
    def denominator(self) -> str | None:
        """The months that have a value."""
        return "months"

    @property
    def over(self) -> str:
        """What stands in the place of a view."""
        return MANUAL_VALUES


class SurveyedSpec(GivenSpec):
    """What raters answer to one question of a survey, for the indicator that takes this measure.

    Only `survey` takes it, by the sums and counts of each class of raters.
    """

    survey: Name

    @property
    def over(self) -> str:
        """What stands in the place of a view."""
        return f"{SURVEYED}{self.survey}"


def _kind(value: Any) -> str:
    """Tell a measure by the word that only it has."""
    if isinstance(value, dict):
        names = cast("dict[str, Any]", value)
        if "manual" in names:
            return VALUES if names["manual"] == "value" else POINTS
        return next((tag for word, tag in _TAGS.items() if word in names), EVENTS)
    return _KINDS.get(type(value), EVENTS)


_KINDS: dict[type, str] = {
    ItemsSpec: ITEMS,
    DecidedSpec: INCIDENTS,
    ManualPointsSpec: POINTS,
    ManualValueSpec: VALUES,
    SurveyedSpec: ANSWERS,
}


AnyMeasure = Annotated[
    Annotated[MeasureSpec, Tag(EVENTS)]
    | Annotated[ItemsSpec, Tag(ITEMS)]
    | Annotated[DecidedSpec, Tag(INCIDENTS)]
    | Annotated[ManualPointsSpec, Tag(POINTS)]
    | Annotated[ManualValueSpec, Tag(VALUES)]
    | Annotated[SurveyedSpec, Tag(ANSWERS)],
    Discriminator(_kind),
]
