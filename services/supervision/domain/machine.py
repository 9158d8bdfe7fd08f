"""The one state machine of an item: states, acts, who may and what follows, as data."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where an item stands; overdue is derived and no state."""

    REGISTERED = "registered"
    ASSIGNED = "assigned"
    SIGNED = "signed"
    IN_PROGRESS = "in_progress"
    SUBMITTED = "submitted"
    SENT_BACK = "sent_back"
    COMPLETED = "completed"
    CLEARED = "cleared"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


CHINESE = {
    State.REGISTERED: "已登记",
    State.ASSIGNED: "已交办",
    State.SIGNED: "已签收",
    State.IN_PROGRESS: "办理中",
    State.SUBMITTED: "已报送",
    State.SENT_BACK: "已退回",
    State.COMPLETED: "已办结",
    State.CLEARED: "已销号",
    State.CANCELLED: "已取消",
    State.WITHDRAWN: "已撤回",
}


class Act(StrEnum):
    """What is done to an item; `open`, `complete` and `withdraw` also follow from events."""

    OPEN = "open"
    ASSIGN = "assign"
    SIGN = "sign"
    START = "start"
    SUBMIT = "submit"
    ACCEPT = "accept"
    SEND_BACK = "send-back"
    PAUSE = "pause"
    RESUME = "resume"
    ASK_EXTENSION = "ask-extension"
    APPROVE_EXTENSION = "approve-extension"
    REFUSE_EXTENSION = "refuse-extension"
    CANCEL = "cancel"
    REOPEN = "reopen"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"


class Who(StrEnum):
    """Who acts: the office that issued the item, the unit that does it, who checks it, or an event."""

    ISSUER = "issuer"
    UNIT = "unit"
    CHECKER = "checker"
    EVENT = "event"


class Clock(StrEnum):
    """What must be so of the clock of an item."""

    RUNS = "runs"
    PAUSED = "paused"
    EITHER = "either"


class Request(StrEnum):
    """What must be so of the extension of an item."""

    NONE_ASKED = "none asked"
    ASKED = "asked"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Rule:
    """From which states an act is possible, where it leads (`None` stays), who may and what must be so."""

    act: Act
    begins: tuple[State, ...]
    leads: State | None
    who: Who
    follows: str
    clock: Clock = Clock.EITHER
    request: Request = Request.ANY


_GIVEN = (State.ASSIGNED, State.SIGNED, State.IN_PROGRESS, State.SENT_BACK)
OPEN_STATES = (State.REGISTERED, *_GIVEN)
DONE_STATES = (State.SUBMITTED, State.COMPLETED, State.CLEARED)
_WORK = (State.SIGNED, State.IN_PROGRESS, State.SENT_BACK)

RULES: tuple[Rule, ...] = (
    Rule(
        Act.ASSIGN,
        OPEN_STATES,
        State.ASSIGNED,
        Who.ISSUER,
        "lead unit and shares are set anew; the first begins the clock",
    ),
    Rule(Act.SIGN, (State.ASSIGNED,), State.SIGNED, Who.UNIT, "签收", Clock.RUNS),
    Rule(Act.START, (State.SIGNED,), State.IN_PROGRESS, Who.UNIT, "work begins", Clock.RUNS),
    Rule(Act.SUBMIT, _WORK, State.SUBMITTED, Who.UNIT, "the clock stops here if it is accepted", Clock.RUNS),
    Rule(Act.ACCEPT, (State.SUBMITTED, State.COMPLETED), State.CLEARED, Who.CHECKER, "销号"),
    Rule(Act.SEND_BACK, (State.SUBMITTED,), State.SENT_BACK, Who.CHECKER, "the time until then is a pause"),
    Rule(Act.PAUSE, _GIVEN, None, Who.ISSUER, "the clock stands", Clock.RUNS),
    Rule(Act.RESUME, _GIVEN, None, Who.ISSUER, "the clock runs again", Clock.PAUSED),
    Rule(Act.ASK_EXTENSION, _GIVEN, None, Who.UNIT, "before the due time", request=Request.NONE_ASKED),
    Rule(
        Act.APPROVE_EXTENSION,
        (*_GIVEN, *DONE_STATES),
        None,
        Who.CHECKER,
        "the second of two persons moves the due time",
        request=Request.ASKED,
    ),
    Rule(
        Act.REFUSE_EXTENSION,
        (*_GIVEN, *DONE_STATES),
        None,
        Who.CHECKER,
        "the due time stays",
        request=Request.ASKED,
    ),
    Rule(Act.CANCEL, (*OPEN_STATES, State.SUBMITTED), State.CANCELLED, Who.ISSUER, "no later day is late"),
    Rule(
        Act.REOPEN,
        (State.COMPLETED, State.CLEARED, State.CANCELLED),
        State.IN_PROGRESS,
        Who.CHECKER,
        "the time until then is a pause; what was never assigned is registered again",
    ),
    Rule(
        Act.COMPLETE,
        (*_GIVEN, State.SUBMITTED, State.COMPLETED),
        State.COMPLETED,
        Who.EVENT,
        "done when it occurred; a submission of a person that waits stands",
    ),
)
_BY_ACT = {rule.act: rule for rule in RULES}


def rule_of(act: Act) -> Rule:
    """Return the rule of an act that an item can meet once it is open."""
    return _BY_ACT[act]


def possible(state: State, *, paused: bool, asked: bool) -> Iterator[Rule]:
    """Yield what persons can do now, in the order of the table."""
    for rule in RULES:
        if rule.who is not Who.EVENT and fits(rule, state, paused=paused, asked=asked):
            yield rule


def fits(rule: Rule, state: State, *, paused: bool, asked: bool) -> bool:
    """Tell whether a rule can be followed."""
    return (
        state in rule.begins
        and rule.clock in {Clock.EITHER, Clock.PAUSED if paused else Clock.RUNS}
        and rule.request in {Request.ANY, Request.ASKED if asked else Request.NONE_ASKED}
    )


def diagram() -> str:
    """Return the machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    direction LR"]
    lines += [f"    {state.value} : {CHINESE[state]}<br/>{state.value}" for state in State]
    lines += [
        f"    [*] --> {State.REGISTERED} : open",
        f"    [*] --> {State.ASSIGNED} : event",
    ]
    lines += [f"    {begin} --> {to} : {' / '.join(acts)}" for (begin, to), acts in _arrows().items()]
    lines += [
        f"    {State.ASSIGNED} --> {State.WITHDRAWN} : withdraw (its event is taken back, from any state)"
    ]
    lines += [f"    {state} --> [*]" for state in (State.CLEARED, State.CANCELLED, State.WITHDRAWN)]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page of the machine: the diagram, then the table that it is drawn from."""
    return (
        "# The states of an item\n\nGenerated from `services/supervision/domain/machine.py`; "
        "`make docs` writes it anew. Overdue is derived from ticks and no state.\n\n"
        f"```mermaid\n{diagram()}```\n\n{table()}"
    )


def table() -> str:
    """Return the machine as a table in Markdown."""
    lines = [
        "| act | from | to | who | clock | extension | what follows |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in RULES:
        begins = ", ".join(rule.begins)
        needs = f"{rule.clock} | {rule.request}"
        lines.append(
            f"| {rule.act} | {begins} | {rule.leads or '—'} | {rule.who} | {needs} | {rule.follows} |"
        )
    return "\n".join(lines) + "\n"


def _arrows() -> dict[tuple[State, State], list[str]]:
    """Return the acts that lead from one state to another or leave it, in the order of the table."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for rule in RULES:
        for begin in rule.begins:
            arrows.setdefault((begin, rule.leads or begin), []).append(f"{rule.act}{_condition(rule)}")
    return arrows


def _condition(rule: Rule) -> str:
    needs = [str(rule.clock)] if rule.clock is not Clock.EITHER else []
    needs += [str(rule.request)] if rule.request is not Request.ANY else []
    return f" ({', '.join(needs)})" if needs else ""
