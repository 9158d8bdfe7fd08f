"""An item as the fold of its facts: what opened it, what completed it, what persons did; in any order."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from services.supervision.domain.calendar import Calendar
from services.supervision.domain.machine import (
    DONE_STATES,
    Act,
    State,
    Who,
    fits,
    possible,
    rule_of,
)
from services.supervision.domain.worktime import (
    Budget,
    Course,
    Extension,
    Pause,
    approved_at,
    due,
    in_time,
    lapses,
)

WHOLE = Decimal(1)
APPROVAL_DAYS = 3


class Kind(StrEnum):
    """What a matter came from."""

    DECISION = "decision"
    DOCUMENT = "document"
    INSTRUCTION = "instruction"
    CONTROL_RISK = "control_risk"
    ALLEGED_FINDING = "alleged_finding"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the scheme says of items of a kind, in working days; `accept`: a completion waits for a person."""

    accept: bool = False
    sign_days: int | None = None
    yellow_days: int = 1
    approval_days: int = APPROVAL_DAYS


@dataclass(frozen=True, slots=True)
class Opening:
    """What an item is before anybody acts on it; `event` is (source, id), of a person's opening `None`."""

    kind: Kind
    title: str
    unit: str
    shares: Mapping[str, Decimal]
    given: datetime
    budget: Budget
    scheme: str | None = None
    indicator: str | None = None
    case: str | None = None
    event: tuple[str, str] | None = None
    terms: Terms = Terms()


@dataclass(frozen=True, slots=True)
class Taken:
    """An act with its time: `received` of a person's, `time` of an event that completes.

    Of the asking for an extension it says what the door found: when the item was `due`, and when the request
    `lapses`.
    """

    act: Act
    at: datetime
    person: str
    number: int = 0
    reason: str = ""
    unit: str | None = None
    shares: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    day: date | None = None
    evidence: tuple[tuple[str, str], ...] = ()
    due: datetime | None = None
    lapses: datetime | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an item's history; `refused` says why an act had no effect in the state that it met."""

    taken: Taken
    state: State
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """An extension that was asked for and not refused; who asked and who approved."""

    person: str
    extension: Extension
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """Who has an item by which shares from an instant on, `None` from the beginning."""

    since: datetime | None
    shares: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Item:
    """The state of an item; `done` is when the clock stopped, `submitter` who may not accept.

    `held` says in order who had it when; nobody before the first assignment of what a person opened. `begun`
    is when the clock began, `assigned` the newest assignment.
    """

    opening: Opening
    state: State
    unit: str
    shares: Mapping[str, Decimal]
    held: tuple[Holding, ...] = ()
    begun: datetime | None = None
    assigned: datetime | None = None
    paused_since: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    requests: tuple[Request, ...] = ()
    done: datetime | None = None
    cancelled: datetime | None = None
    submitter: str | None = None
    lines: tuple[Line, ...] = ()

    @property
    def course(self) -> Course:
        """What is on record about its time."""
        running = () if self.paused_since is None else (Pause(self.paused_since),)
        extensions = tuple(request.extension for request in self.requests)
        return Course(self.begun, self.opening.budget, (*self.pauses, *running), extensions)

    def shares_before(self, instant: datetime) -> Mapping[str, Decimal] | None:
        """Return who had it just before an instant; what is assigned then comes after."""
        had = [one.shares for one in self.held if one.since is None or one.since < instant]
        return had[-1] if had else None


@dataclass(frozen=True, slots=True)
class NotPossible:
    """Why an act cannot be taken: a stable code and a sentence."""

    code: str
    detail: str


def fold(opening: Opening, facts: Iterable[Taken]) -> Item:
    """Return what all facts together make of an item; what its state does not allow stays without effect.

    What the door judged by the clock is in the fact and is not judged again: no calendar is asked.
    An event gives what it opens; what a person opens is given by its first assignment.
    """
    item = Item(opening, State.REGISTERED, opening.unit, opening.shares)
    if opening.event is not None:
        held, given = (Holding(None, opening.shares),), opening.given
        item = replace(item, state=State.ASSIGNED, held=held, begun=given, assigned=given)
    for taken in sorted(facts, key=lambda one: (one.at, one.act is not Act.COMPLETE, one.number, one.person)):
        after = follow(item, taken)
        if isinstance(after, NotPossible):
            item = replace(item, lines=(*item.lines, Line(taken, item.state, after.code)))
        else:
            item = replace(after, lines=(*item.lines, Line(taken, after.state)))
    return item


def judge(calendar: Calendar, item: Item, taken: Taken) -> Taken | NotPossible:
    """Judge an act at the door by all that is known: return it with what was found, or why it cannot be.

    What is known may lie ahead of the act: then it must have its effect before that.
    """
    judged = _judged_now(calendar, item, taken)
    if isinstance(judged, NotPossible):
        return judged
    lines = fold(item.opening, [*(line.taken for line in item.lines), judged]).lines
    if all(line.refused is None for line in lines if line.taken is judged):
        return judged
    return NotPossible("illegal_step", "It follows what lies a little ahead of it: try again in a moment.")


def _judged_now(calendar: Calendar, item: Item, taken: Taken) -> Taken | NotPossible:
    if taken.act is not Act.ASK_EXTENSION:
        after = follow(item, taken)
        return after if isinstance(after, NotPossible) else taken
    end = due(calendar, item.course)
    limit = lapses(calendar, taken.at, item.opening.terms.approval_days)
    found = replace(taken, due=end.instant, lapses=limit)
    after = follow(item, found)
    if isinstance(after, NotPossible):
        return after
    if end.passed(taken.at):
        return NotPossible("extension_too_late", "An extension is asked for before the due time.")
    assert taken.day is not None
    if not _is_later(calendar, item, taken, taken.day):
        return NotPossible(
            "extension_not_later", "An extension names a day after the one on which it is due."
        )
    return found


def follow(item: Item, taken: Taken) -> Item | NotPossible:
    """Return the item after an act that was taken, or why its state does not allow it."""
    asked = asked_now(item, taken.at)
    rule = rule_of(taken.act)
    allowed = fits(rule, item.state, paused=item.paused_since is not None, asked=asked is not None)
    if not allowed or (taken.act is Act.COMPLETE and _waits(item)):
        return NotPossible(
            "illegal_step", f"An item that is {_described(item, asked)} cannot be: {taken.act}."
        )
    if rule.who is Who.CHECKER and (refusal := _four_eyes(item, taken, asked)) is not None:
        return refusal
    return _after(item, taken)


def asked_now(item: Item, at: datetime) -> Request | None:
    """Return the extension that waits for an approval at an instant."""
    if not item.requests:
        return None
    last = item.requests[-1]
    if approved_at(last.extension) is not None:
        return None
    return last if at < last.extension.lapses else None


def possible_now(calendar: Calendar, item: Item, at: datetime) -> list[tuple[Act, Who]]:
    """Return what can be done at an instant, and by whom."""
    paused, asked = item.paused_since is not None, asked_now(item, at) is not None
    acts = [(rule.act, rule.who) for rule in possible(item.state, paused=paused, asked=asked)]
    late = not in_time(calendar, item.course, at)
    return [(act, who) for act, who in acts if act is not Act.ASK_EXTENSION or not late]


def _waits(item: Item) -> bool:
    """Tell whether a person's submission waits to be accepted; no event moves when it was."""
    return item.state is State.SUBMITTED and item.submitter is not None


def _described(item: Item, asked: Request | None) -> str:
    words = [str(item.state)]
    words += ["paused"] if item.paused_since is not None else []
    words += ["waiting for an extension"] if asked is not None else []
    return ", ".join(words)


def _four_eyes(item: Item, taken: Taken, asked: Request | None) -> NotPossible | None:
    """Nobody approves their own, and no one approves twice."""
    if taken.act is Act.APPROVE_EXTENSION and asked is not None:
        if taken.person == asked.person:
            return NotPossible("same_person", "An extension is approved by others than who asked for it.")
        if taken.person in asked.approvers:
            return NotPossible("already_approved", "An extension takes two persons; you approved it before.")
    if taken.act in {Act.ACCEPT, Act.SEND_BACK} and taken.person == item.submitter:
        return NotPossible("same_person", "What you submitted is checked by another person.")
    return None


def _is_later(calendar: Calendar, item: Item, taken: Taken, day: date) -> bool:
    """Tell whether a day ends after the due time; of an item that rests, after what that would be now."""
    end = due(calendar, _running(item, taken).course).instant
    return end is None or calendar.ends(calendar.on_or_after(day)) > end


def _after(item: Item, taken: Taken) -> Item:
    """Return the item after an act that is possible."""
    leads = rule_of(taken.act).leads or item.state
    if taken.act is Act.COMPLETE and item.opening.terms.accept:
        leads = State.SUBMITTED
    if taken.act is Act.REOPEN and item.begun is None:
        leads = State.REGISTERED
    effect = _EFFECTS.get(taken.act)
    return replace(item if effect is None else effect(item, taken), state=leads)


def _assigned(item: Item, taken: Taken) -> Item:
    unit = taken.unit or item.unit
    shares = taken.shares or ({unit: WHOLE} if taken.unit else item.shares)
    held = (*item.held, Holding(taken.at, shares))
    begun = item.begun or taken.at
    return replace(item, unit=unit, shares=shares, held=held, begun=begun, assigned=taken.at)


def _submitted(item: Item, taken: Taken) -> Item:
    return replace(item, done=taken.at, submitter=taken.person)


def _completed(item: Item, taken: Taken) -> Item:
    """Of the completions before a person accepts, the last counts."""
    return replace(_running(item, taken), done=taken.at, submitter=None)


def _paused(item: Item, taken: Taken) -> Item:
    return replace(item, paused_since=taken.at)


def _running(item: Item, taken: Taken) -> Item:
    if item.paused_since is None:
        return item
    return replace(item, paused_since=None, pauses=(*item.pauses, Pause(item.paused_since, taken.at)))


def _cancelled(item: Item, taken: Taken) -> Item:
    return replace(_running(item, taken), done=item.done or taken.at, cancelled=taken.at)


def _resumed(item: Item, taken: Taken) -> Item:
    """The time in which the item was out of its unit's hands is a pause."""
    assert item.done is not None
    away = Pause(item.done, max(item.done, taken.at))
    return replace(item, done=None, cancelled=None, submitter=None, pauses=(*item.pauses, away))


def _asked(item: Item, taken: Taken) -> Item:
    assert taken.day is not None
    assert taken.lapses is not None
    request = Request(taken.person, Extension(taken.at, taken.day, taken.lapses))
    return replace(item, requests=(*item.requests, request))


def _approved(item: Item, taken: Taken) -> Item:
    *before, asked = item.requests
    extension = replace(asked.extension, approvals=(*asked.extension.approvals, taken.at))
    request = replace(asked, extension=extension, approvers=(*asked.approvers, taken.person))
    return replace(item, requests=(*before, request))


def _refused(item: Item, _taken: Taken) -> Item:
    return replace(item, requests=item.requests[:-1])


_EFFECTS: Mapping[Act, Callable[[Item, Taken], Item]] = {
    Act.ASSIGN: _assigned,
    Act.SUBMIT: _submitted,
    Act.COMPLETE: _completed,
    Act.PAUSE: _paused,
    Act.RESUME: _running,
    Act.CANCEL: _cancelled,
    Act.SEND_BACK: _resumed,
    Act.REOPEN: _resumed,
    Act.ASK_EXTENSION: _asked,
    Act.APPROVE_EXTENSION: _approved,
    Act.REFUSE_EXTENSION: _refused,
}


def is_done(item: Item) -> bool:
    """Tell whether the clock of an item stopped with a submission."""
    return item.state in DONE_STATES
