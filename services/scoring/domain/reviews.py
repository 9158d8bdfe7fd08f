"""Reviews (申诉复核): one table of states and steps, and the thirty days within which each must come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

LIMIT_DAYS = 30
A_DAY = timedelta(days=1)
SATURDAY = 5


class State(StrEnum):
    """Where a review stands."""

    ASKED = "asked"
    DROPPED = "dropped"
    UPHELD = "upheld"
    CHANGED = "changed"


class Step(StrEnum):
    """What a person does to a review."""

    DROP = "drop"
    UPHOLD = "uphold"
    CHANGE = "change"


class Who(StrEnum):
    """Who takes a step: people of the unit that asked, or of one above it and its assessor."""

    UNIT = "unit"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Rule:
    """From where a step leads to where, whose it is, and what follows."""

    begins: State
    step: Step
    leads: State
    who: Who
    follows: str


RULES: tuple[Rule, ...] = (
    Rule(State.ASKED, Step.DROP, State.DROPPED, Who.UNIT, "the unit may ask again within its thirty days"),
    Rule(State.ASKED, Step.UPHOLD, State.UPHELD, Who.ABOVE, "the cell stays as it is"),
    Rule(State.ASKED, Step.CHANGE, State.CHANGED, Who.ABOVE, "the decision posts entries"),
)
DECIDED = frozenset({State.UPHELD, State.CHANGED})

Worked = Mapping[date, bool]


def rule_of(state: State, step: Step) -> Rule | None:
    """Return the rule of a step, or None where it is not possible."""
    return next((rule for rule in RULES if (rule.begins, rule.step) == (state, step)), None)


def possible(state: State) -> tuple[Step, ...]:
    """Return what can be done now, in the order of the table."""
    return tuple(rule.step for rule in RULES if rule.begins is state)


def last_day(begins: date, worked: Worked) -> date:
    """Return the last of the thirty calendar days after a day, which is not counted itself.

    If it is not worked, it is the next working day; a day that `worked` does not name goes by its weekday.
    """
    day = begins + LIMIT_DAYS * A_DAY
    while not worked.get(day, day.weekday() < SATURDAY):
        day += A_DAY
    return day


def table() -> str:
    """Return the machine as a table in Markdown."""
    lines = ["| from | step | to | by people of | what follows |", "|---|---|---|---|---|"]
    for rule in RULES:
        whose = {Who.UNIT: "the unit", Who.ABOVE: "a unit above unit and assessor"}[rule.who]
        lines.append(f"| {rule.begins} | {rule.step} | {rule.leads} | {whose} | {rule.follows} |")
    return "\n".join(lines) + "\n"
