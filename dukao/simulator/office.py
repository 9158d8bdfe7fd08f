"""What every office does, as facts and as counts: matters with a deadline, documents, training, ratings."""

from collections.abc import Mapping, Sequence

from dukao.simulator import season
from dukao.simulator.desk import CENT, ONE, Count, Desk, Fact, Value, Work, money
from dukao.simulator.nation import DISCIPLINE
from dukao.simulator.season import DAY_S, month_of, written

MATTERS = ("模拟：专项督查", "模拟：改革任务落实", "模拟：重点工作推进", "模拟：会议议定事项")


def decision(desk: Desk) -> Work:
    """A matter that a meeting decided, with a budget of working days."""
    meeting = desk.one_of("party-committee", "executive", "special")
    return _budgeted(desk, "decision.made.v1", "decision.completed.v1", "decisions", meeting=meeting)


def assignment(desk: Desk) -> Work:
    """A matter that a document assigned."""
    number = desk.number("WJ")
    return _budgeted(desk, "document.assigned.v1", "document.completed.v1", "assignments", document_no=number)


def instruction(desk: Desk) -> Work:
    """A leader's instruction."""
    leader = desk.one_of("L1", "L2", "L3")
    return _budgeted(desk, "instruction.given.v1", "instruction.completed.v1", "instructions", leader=leader)


def task(desk: Desk) -> Work:
    """A supervised task of the office or of a project."""
    return _task(desk, desk.one_of("work", "work", "project"), "office")


def own_task(desk: Desk) -> Work:
    """A task of what a department alone answers for: one that is to be in time, or one to be done at all."""
    kind, measure = (("dated", "own_tasks_on_time"), ("planned", "own_tasks_done"))[desk.rng.randrange(2)]
    at = desk.moment()
    deadline = season.end_of_day(at, 5 + desk.rng.randrange(25))
    done = desk.done(at, deadline)
    told = {"indicator": desk.nation.own_of(desk.unit, measure), "kind": kind, "deadline": written(deadline)}
    facts = _opened(desk, "duty.assigned.v1", "office", at, **told)
    if done is not None:
        facts.append(_closed(facts[0], "duty.done.v1", done, desk.data()))
    if kind == "dated":
        return Work(tuple(facts), (_on_time(measure, deadline, done),))
    return Work(tuple(facts), (Count(measure, month_of(at), ONE * (done is not None), ONE),))


def party_task(desk: Desk) -> Work:
    """A supervised task of party building."""
    return _task(desk, "party", "party")


def discipline_task(desk: Desk) -> Work:
    """A task of political supervision."""
    return _task(desk, "discipline", "discipline")


def petition(desk: Desk) -> Work:
    """A petition: received and answered."""
    at = desk.moment()
    deadline = season.end_of_day(at, 15 + desk.rng.randrange(20))
    answered = desk.done(at, deadline)
    channel = desk.one_of("letter", "visit", "web")
    facts = _opened(desk, "petition.received.v1", "hotline", at, channel=channel, deadline=written(deadline))
    if answered is not None:
        facts.append(_closed(facts[0], "petition.answered.v1", answered, desk.data(upheld=desk.chance(100))))
    return Work(tuple(facts), (_on_time("petitions_answered", deadline, answered),))


def question(desk: Desk) -> Work:
    """A bureau's question to a department."""
    at = desk.moment()
    deadline = season.end_of_working_days(at, 3 + desk.rng.randrange(8))
    answered = desk.done(at, deadline)
    topic = desk.one_of("policy", "system", "procedure")
    facts = _opened(desk, "question.received.v1", "office", at, topic=topic, deadline=written(deadline))
    if answered is not None:
        facts.append(_closed(facts[0], "question.answered.v1", answered, desk.data()))
    return Work(tuple(facts), (_on_time("guidance_answered", deadline, answered),))


def rectification(desk: Desk) -> Work:
    """Something that an inspection showed and that is put right, and accepted once more after a relapse."""
    at = desk.moment()
    deadline = season.end_of_day(at, 30 + desk.rng.randrange(30))
    data = {"matter": desk.one_of(*MATTERS), "deadline": written(deadline)}
    facts = _opened(desk, "rectification.assigned.v1", "party", at, **data)
    accepted = _closings(desk, at, deadline)
    facts += [_closed(facts[0], "rectification.accepted.v1", when, desk.data()) for when in accepted]
    return Work(tuple(facts), (_on_time("rectified_on_time", deadline, max(accepted, default=None)),))


def document(desk: Desk) -> Work:
    """An official document, handled by its day or after it."""
    at = desk.moment()
    late = desk.chance(desk.habits.late)
    due = season.end_of_day(at, -1 - desk.rng.randrange(5) if late else desk.rng.randrange(6))
    data = desk.data(document_no=desk.number("GW"), due=written(due))
    fact = Fact("document.handled.v1", "office", desk.unit.code, at, data, key="document_no")
    counts = (
        Count("documents_handled", month_of(at), ONE),
        Count("documents_on_time", month_of(due), ONE * (at <= due), ONE),
    )
    return Work((fact,), counts)


def policy(desk: Desk) -> Work:
    """A policy document, issued by its day or after it."""
    at = desk.moment()
    late = desk.chance(2 * desk.habits.late)
    due = season.end_of_day(at, -1 - desk.rng.randrange(15) if late else desk.rng.randrange(20))
    data = desk.data(policy_no=desk.number("ZC"), due=written(due))
    fact = Fact("policy.issued.v1", "office", desk.unit.code, at, data, key="policy_no")
    return Work((fact,), (Count("policies_on_time", month_of(due), ONE * (at <= due), ONE),))


def training(desk: Desk) -> Work:
    """A training session; one in four is of skills, which are not assessed."""
    at, invited = desk.moment(), 20 + desk.rng.randrange(60)
    assessed = DISCIPLINE if desk.unit.level == DISCIPLINE else "party"
    kind, attended = assessed if desk.chance(750) else "skill", desk.part(invited, desk.habits.slack + 10)
    data = desk.data(session_no=desk.number("PX"), kind=kind, invited=invited, attended=attended)
    fact = Fact("training.held.v1", "party", desk.unit.code, at, data, key="session_no")
    measure = {"party": "training_attended", DISCIPLINE: "discipline_training"}.get(kind)
    counts = () if measure is None else (Count(measure, month_of(at), ONE * attended, ONE * invited),)
    return Work((fact,), counts)


def budget(desk: Desk) -> Work:
    """Spending against the budget."""
    at, planned = desk.moment(), desk.rng.randrange(10_000_00, 900_000_00)
    spent = desk.part(planned, 3 * desk.habits.slack // 2)
    data = desk.data(report_no=desk.number("YS"), planned=money(planned), spent=money(spent))
    fact = Fact("budget.reported.v1", "office", desk.unit.code, at, data, key="report_no")
    return Work((fact,), (Count("budget_executed", month_of(at), CENT * spent, CENT * planned),))


def data_check(desk: Desk) -> Work:
    """A batch of data that was checked."""
    at, checked = desk.moment(), 100 + desk.rng.randrange(900)
    wrong = checked - desk.part(checked, desk.habits.slack // 4 + 2)
    data = desk.data(batch_no=desk.number("SJ"), checked=checked, wrong=wrong)
    fact = Fact("data.checked.v1", "core", desk.unit.code, at, data, key="batch_no")
    return Work((fact,), (Count("data_wrong", month_of(at), ONE * wrong, ONE * checked),))


def unit_rated(desk: Desk) -> Work:
    """A bureau's rating of a unit of headquarters, out of a hundred."""
    at = desk.moment()
    score = 60 + desk.rng.randrange(30) if desk.chance(2 * desk.habits.slack) else 90 + desk.rng.randrange(11)
    data = desk.data(rating_no=desk.number("PJ"), score=score)
    fact = Fact("unit.rated.v1", "audit", desk.unit.code, at, data, key="rating_no")
    return Work((fact,), (Count("rated_by_bureaus", month_of(at), ONE * score, ONE),))


def appraisal(desk: Desk) -> Work:
    """An appraisal that a person enters."""
    at, full = desk.moment(), 100_00
    awarded = desk.part(full, desk.habits.slack)
    data = desk.data(
        appraisal_no=desk.number("KP"), assessor="D-KHKP", awarded=money(awarded), full_marks=money(full)
    )
    fact = Fact("appraisal.recorded.v1", "audit", desk.unit.code, at, data, key="appraisal_no")
    return Work((fact,), (Count("appraised", month_of(at), CENT * awarded, CENT * full),))


def _budgeted(desk: Desk, opening: str, closing: str, matters: str, **named: Value) -> Work:
    """A matter with a budget of working days that the unit leads; what is sent back is completed again."""
    at, days = desk.moment(), 3 + desk.rng.randrange(18)
    deadline = season.end_of_working_days(at, days)
    told = named | {"matter": desk.one_of(*MATTERS), "budget_days": days, "deadline": written(deadline)}
    facts = _opened(desk, opening, "office", at, **told)
    completed = _closings(desk, at, deadline)
    facts += [_closed(facts[0], closing, when, desk.data()) for when in completed]
    done = max(completed, default=None)
    late = desk.late(f"{matters}_late", deadline, done)
    return Work(tuple(facts), (_on_time(f"{matters}_on_time", deadline, done), *late))


def _task(desk: Desk, kind: str, source: str) -> Work:
    at = desk.moment()
    deadline = season.end_of_day(at, 5 + desk.rng.randrange(25))
    done = desk.done(at, deadline)
    facts = _opened(desk, "task.assigned.v1", source, at, kind=kind, deadline=written(deadline))
    if done is not None:
        facts.append(_closed(facts[0], "task.done.v1", done, desk.data()))
    measure = {"work": "tasks", "project": "tasks"}.get(kind, f"{kind}_tasks")
    counts = [_on_time(f"{measure}_on_time", deadline, done)]
    if kind == "party":
        counts.append(Count(f"{measure}_done", month_of(at), ONE * (done is not None), ONE))
    return Work(tuple(facts), tuple(counts))


def _opened(desk: Desk, kind: str, source: str, at: int, /, **data: Value) -> list[Fact]:
    return [Fact(kind, source, desk.unit.code, at, desk.data(**data), desk.number("DB"))]


def _closed(opened: Fact, kind: str, at: int, data: Mapping[str, Value]) -> Fact:
    return Fact(kind, opened.source, opened.unit, at, data, opened.case)


def _closings(desk: Desk, begun: int, deadline: int) -> Sequence[int]:
    """Return when a matter was completed: mostly once, after it was sent back again, or not yet."""
    first = desk.done(begun, deadline)
    if first is None:
        return []
    times = [first, first + DAY_S + desk.rng.randrange(6 * DAY_S)] if desk.chance(40) else [first]
    return [when for when in times if when < desk.end]


def _on_time(measure: str, deadline: int, done: int | None) -> Count:
    return Count(measure, month_of(deadline), ONE * (done is not None and done <= deadline), ONE)
