"""The one state machine of a request for manual points: states, steps, who takes them and what follows."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where a request stands; what is approved counts, until a withdrawal is approved too."""

    ASKED = "asked"
    REFUSED = "refused"
    APPROVED = "approved"
    WITHDRAWAL_ASKED = "withdrawal_asked"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What a person does to a request."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Rule:
    """From where a step leads to where.

    `second` says that it takes another person than the one who asked last; `tells` that it becomes a fact.
    """

    begins: State
    step: Step
    leads: State
    second: bool
    tells: bool
    follows: str


RULES: tuple[Rule, ...] = (
    Rule(State.ASKED, Step.APPROVE, State.APPROVED, second=True, tells=True, follows="it counts"),
    Rule(State.ASKED, Step.REFUSE, State.REFUSED, second=True, tells=False, follows="it never counts"),
    Rule(
        State.APPROVED,
        Step.WITHDRAW,
        State.WITHDRAWAL_ASKED,
        second=False,
        tells=False,
        follows="it counts until another person approves",
    ),
    Rule(
        State.WITHDRAWAL_ASKED,
        Step.APPROVE,
        State.WITHDRAWN,
        second=True,
        tells=True,
        follows="it is taken back by a difference",
    ),
    Rule(
        State.WITHDRAWAL_ASKED,
        Step.REFUSE,
        State.APPROVED,
        second=True,
        tells=False,
        follows="it goes on counting",
    ),
)
GONE = frozenset({State.REFUSED, State.WITHDRAWN})
STANDING = frozenset({State.APPROVED, State.WITHDRAWAL_ASKED})


def rule_of(state: State, step: Step) -> Rule | None:
    """Return the rule of a step, or None where it is not possible."""
    return next((rule for rule in RULES if (rule.begins, rule.step) == (state, step)), None)


def possible(state: State) -> tuple[Step, ...]:
    """Return what can be done now, in the order of the table."""
    return tuple(rule.step for rule in RULES if rule.begins is state)


def table() -> str:
    """Return the machine as a table in Markdown."""
    lines = ["| from | step | to | second person | what follows |", "|---|---|---|---|---|"]
    for rule in RULES:
        who = "yes" if rule.second else "no"
        lines.append(f"| {rule.begins} | {rule.step} | {rule.leads} | {who} | {rule.follows} |")
    return "\n".join(lines) + "\n"
