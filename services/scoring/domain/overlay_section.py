"""The section of special assessments (专项考评): what is assessed in its own months, outside the boards."""

from typing import Literal

from pydantic import Field

from services.scoring.domain.shapes import Code, DecimalText, MonthText, Sourced, Text
from shared.kernel.periods import Month
from shared.kernel.reigns import Months


class OverlaySpec(Sourced):
    """A special assessment (专项考评): its own months and points, outside the boards."""

    code: Code
    """What names it; indicators say that they belong to it by `overlay`."""
    name: Text
    """What people call it."""
    from_: MonthText = Field(alias="from")
    """Its first month, of the scheme's year."""
    until: MonthText
    """Its last month, of the scheme's year."""
    counts: Literal["added", "beside"]
    """added: its points are inside the total that is ranked; beside: they stand on a line of their own."""
    points: DecimalText
    """Its points; its indicators sum to them for every unit that has any of them."""

    @property
    def months(self) -> Months:
        """Its first and its last month."""
        return Month.parse(self.from_).ordinal, Month.parse(self.until).ordinal

    def lies_in(self, first: int, last: int) -> bool:
        """Tell whether it has any of these months."""
        return self.months[0] <= last and first <= self.months[1]
