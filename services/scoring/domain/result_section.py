"""How a scheme says which ready results of other systems are reconciled, and with what (对账)."""

from pydantic import Field

from services.scoring.domain.shapes import Cycle, DecimalText, Sourced, Text


class ResultSpec(Sourced):
    """What another system publishes about units, and the measure that gives the same from raw facts."""

    title: Text
    """What people call it."""
    official: str
    """The measure that reads what the other system published."""
    ours: str
    """The measure that takes the same value from raw facts."""
    groups: tuple[str, ...] = Field(min_length=1)
    """The groups about whose units it is published."""
    cycle: Cycle = "month"
    """The periods for which it is published: months, quarters, half-years or years."""
    tolerance: DecimalText = "0"
    """By how much the two may be apart; without it they are equal exactly."""
