"""The `items` section of a scheme: which events put a matter under supervision, and on which terms."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.scoring.domain.shapes import Closed, Code, Flag, Name, Sourced, Whole

WorkingDays = Annotated[Whole, Field(ge=1, le=2000)]
Values = Annotated[tuple[Annotated[str, Field(max_length=200)], ...], Field(min_length=1, max_length=100)]


class MatchSpec(Closed):
    """Events of a type; `when` names fields and the values that are meant, as text."""

    type: str
    """The event type."""
    when: dict[Name, Values] = Field({})
    """Fields and the values that are meant; without it every event is."""


class OpensSpec(MatchSpec):
    """What opens an item; `unit` is the field of the lead unit, `title` that of a title of its own."""

    unit: Name = "subject"
    """The field of the lead unit."""
    title: Name | None = None
    """The field of a title of its own."""


class DueSpec(Closed):
    """Until when: the instant `at` a field, the day of it, or a budget of working time from the event on.

    `working_days_of` names the field that holds the number of working days.
    """

    at: Name | None = None
    """The field of the instant at which it is due."""
    day_of: Name | None = None
    """The field whose day is the last."""
    working_days: WorkingDays | None = None
    """So many working days from the event on."""
    working_days_of: Name | None = None
    """The field that holds the number of working days."""
    office_minutes: Annotated[Whole, Field(ge=1, le=1_000_000)] | None = None
    """So many minutes of office time from the event on."""

    @model_validator(mode="after")
    def _one_of_them(self) -> "DueSpec":
        if len(self.model_dump(exclude_none=True)) != 1:
            raise ValueError(f"a deadline has exactly one of {', '.join(DueSpec.model_fields)}")
        return self


class ItemSpec(Sourced):
    """A kind of item (督考事项) that events open; an event without a deadline opens none.

    An `indicator` that is for some units takes only their items.
    `accept` lets a completion wait until a person accepts it; `yellow_days` are the last working days before
    the due time, `sign_days` the limit of 签收, `approval_days` that of the approvals of an extension.
    """

    kind: Literal["decision", "document", "instruction", "control_risk", "alleged_finding"]
    """Where the matter comes from."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    """What people call it."""
    opens: OpensSpec
    """The events that open an item."""
    due: DueSpec
    """Until when; an event without a deadline opens none."""
    completes: MatchSpec | None = None
    """The events that complete an item."""
    accept: Flag = False
    """True where a person accepts a completion first."""
    indicator: Code | None = None
    """The indicator that its late days belong to."""
    sign_days: WorkingDays | None = None
    """Working days until it is signed for (签收)."""
    yellow_days: Annotated[Whole, Field(ge=0, le=2000)] = 1
    """The last working days in which its light is yellow."""
    approval_days: WorkingDays = 3
    """Working days in which an extension is approved."""
