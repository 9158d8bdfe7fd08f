"""The `examples` section of a scheme: events as they could come, and what measures then are."""

from typing import Annotated, Any

from pydantic import Field

from services.scoring.domain.shapes import Closed, Code, Flag, MonthText, Name, Version, Whole

EXAMPLES_MOST = 200
EVENTS_MOST = 200
AmountText = Annotated[str, Field(pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,6})?$")]
Text = Annotated[str, Field(min_length=1, max_length=200)]


class ExampleUnit(Closed):
    """A unit that only examples have, for a scheme that leaves its units to a table."""

    code: Code
    parent: str | None = None
    level: Name


class ExampleEvent(Closed):
    """An event; `id` and `source` only where they matter, `corrects` names the id of the event it revises."""

    type: str
    unit: Code
    time: str
    id: Code | None = None
    source: Code | None = None
    case: Code | None = None
    data: dict[Name, str | Whole | Flag] | None = None
    corrects: Code | None = None
    revision: Version | None = None


class Expected(Closed):
    """What a measure of a unit is in a month; a stock at its end. A ratio has a denominator too."""

    measure: Name
    unit: Code
    month: MonthText
    numerator: AmountText
    denominator: AmountText | None = None


class Example(Closed):
    """Events of one example, and what is expected of them."""

    name: Text
    events: tuple[ExampleEvent, ...] = Field(min_length=1, max_length=EVENTS_MOST)
    expect: tuple[Expected, ...] = Field(min_length=1, max_length=EVENTS_MOST)


class ExamplesSpec(Closed):
    """Examples of measures, which `dukao measure test` runs; they score nothing."""

    units: tuple[ExampleUnit, ...] = ()
    cases: tuple[Example, ...] = Field(min_length=1, max_length=EXAMPLES_MOST)

    def named_units(self) -> list[dict[str, Any]]:
        """Return the units of the examples as a scheme writes them."""
        return [one.model_dump() | {"name": one.code} for one in self.units]
