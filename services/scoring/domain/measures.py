"""How a scheme takes values: from events, from the late days of items, from what was decided of incidents."""

from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, model_validator

from services.scoring.domain.shapes import Closed, DecimalText, MonthText, Sourced, Version

ItemKind = Literal["decision", "document", "instruction", "control_risk", "alleged_finding"]
DECIDED = "decided:incidents"
LATE_DAYS_TOLD = 1_000
EVENTS, ITEMS, INCIDENTS = "of events", "of items", "of incidents"
_TAGS = {"items": ITEMS, "decided": INCIDENTS}


class Span(Closed):
    """When a row enters a stock and when it leaves."""

    from_: str = Field(alias="from")
    until: str


class MeasureSpec(Sourced):
    """How a value is taken from events: over a case view or an event type."""

    version: Version = 1
    owner: str = ""
    effective: MonthText | None = None
    over: str
    kind: Literal["flow", "stock"] = "flow"
    period_by: str | Span
    numerator: str
    denominator: str | None = None

    @model_validator(mode="after")
    def _span_for_a_stock(self) -> "MeasureSpec":
        if (self.kind == "stock") != isinstance(self.period_by, Span):
            raise ValueError("a flow has one period_by, a stock has from and until")
        return self


class PointsSpec(Sourced):
    """A measure in points, which only `deduct` takes; each point stands in a month, so it is a flow."""

    version: Version = 1
    owner: str = ""
    effective: MonthText | None = None

    @property
    def kind(self) -> Literal["flow"]:
        """Points are lost in their months."""
        return "flow"

    @property
    def period_by(self) -> str:
        """A late day counts in its month, a deduction in that of its finding."""
        return "day"

    @property
    def denominator(self) -> None:
        """Points are no ratio."""
        return


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


def _kind(value: Any) -> str:
    """Tell a measure by the word that only it has."""
    if isinstance(value, dict):
        names = cast("dict[str, Any]", value)
        return next((tag for word, tag in _TAGS.items() if word in names), EVENTS)
    return {ItemsSpec: ITEMS, DecidedSpec: INCIDENTS}.get(type(value), EVENTS)


AnyMeasure = Annotated[
    Annotated[MeasureSpec, Tag(EVENTS)]
    | Annotated[ItemsSpec, Tag(ITEMS)]
    | Annotated[DecidedSpec, Tag(INCIDENTS)],
    Discriminator(_kind),
]
