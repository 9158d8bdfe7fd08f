"""What a bureau does in a day: facts as they really were, and what each adds to the truth.

What is counted here is written by hand from the meaning of the measures, never from the platform's folding.
"""

from collections.abc import Callable, Iterator

from dukao.simulator import season
from dukao.simulator.desk import CENT, ONE, Count, Desk, Fact, Work
from dukao.simulator.season import DAY_S, month_of, written


def declaration(desk: Desk) -> Work:
    """A declaration; after the filing period some are those that should have come before."""
    at = desk.moment()
    due = season.next_fifteenth(at)
    if season.day_of(at).day > season.BUSY_UNTIL_DAY and desk.chance(2 * desk.habits.late):
        due = season.next_fifteenth(at - season.BUSY_UNTIL_DAY * DAY_S - DAY_S)
    online = not desk.chance(desk.habits.slack + 20)
    tax = ("VAT", "CIT", "IIT", "LVAT", "STAMP")[desk.rng.randrange(5)]
    number = desk.number("SB")
    data = desk.data(declaration_no=number, tax=tax, due=written(due), online=online)
    fact = Fact("declaration.handled.v1", "core", desk.bureau.code, at, data, key="declaration_no")
    counts = (
        Count("handled", month_of(at), ONE),
        Count("declared_on_time", month_of(due), ONE * (at <= due), ONE),
        Count("handled_online", month_of(at), ONE * online, ONE),
    )
    return Work((fact,), counts)


def refund(desk: Desk) -> Work:
    """A refund: asked for, then paid within its limit or not."""
    at, cents = desk.moment(), desk.rng.randrange(100_00, 90_000_00)
    deadline = season.end_of_day(at, 10 + desk.rng.randrange(6))
    paid = desk.done(at, deadline)
    case, unit = desk.number("TUIS"), desk.bureau.code
    amount = f"{cents // 100}.{cents % 100:02d}"
    facts = [
        Fact("refund.filed.v1", "core", unit, at, desk.data(amount=amount, deadline=written(deadline)), case)
    ]
    if paid is not None:
        data = desk.data(voucher_no=desk.number("PZ"))
        facts.append(Fact("refund.paid.v1", "core", unit, paid, data, case, "voucher_no"))
    in_time = paid is not None and paid <= deadline
    counts = (
        Count("refunded_on_time", month_of(deadline), ONE * in_time, ONE),
        Count("refunded_amount", month_of(deadline), CENT * cents * in_time, CENT * cents),
    )
    return Work(tuple(facts), counts)


def complaint(desk: Desk) -> Work:
    """A complaint: received, then answered to somebody's satisfaction or not."""
    at = desk.moment()
    deadline = season.end_of_day(at, 5 + desk.rng.randrange(10))
    answered = desk.done(at, deadline)
    case, unit = desk.number("TS"), desk.bureau.code
    channel = ("phone", "web", "hall")[desk.rng.randrange(3)]
    data = desk.data(channel=channel, deadline=written(deadline))
    facts = [Fact("complaint.received.v1", "hotline", unit, at, data, case)]
    counts = [
        Count(
            "complaints_answered",
            month_of(deadline),
            ONE * (answered is not None and answered <= deadline),
            ONE,
        )
    ]
    if answered is not None:
        satisfied = not desk.chance(2 * desk.habits.slack)
        facts.append(
            Fact("complaint.answered.v1", "hotline", unit, answered, desk.data(satisfied=satisfied), case)
        )
        counts.append(Count("complaints_satisfied", month_of(answered), ONE * satisfied, ONE))
    return Work(tuple(facts), tuple(counts))


def risk(desk: Desk) -> Work:
    """A risk: pushed, answered, and put right, sometimes a second time."""
    at, level = desk.moment(), ("low", "low", "medium", "medium", "high")[desk.rng.randrange(5)]
    deadline = season.end_of_day(at, {"low": 15, "medium": 10, "high": 5}[level])
    answered = desk.done(at, deadline)
    case, unit = desk.number("FX"), desk.bureau.code
    facts = [
        Fact("risk.pushed.v1", "core", unit, at, desk.data(level=level, deadline=written(deadline)), case)
    ]
    improved: list[int] = []
    if answered is not None:
        data = desk.data(confirmed=desk.chance(700))
        facts.append(Fact("risk.answered.v1", "core", unit, answered, data, case))
        improved = _improvements(desk, answered)
    facts += [Fact("risk.improved.v1", "core", unit, when, desk.data(), case) for when in improved]
    in_time = answered is not None and answered <= deadline
    counts = [
        Count("risks_answered", month_of(deadline), ONE * in_time, ONE),
        Count("risks_improved", month_of(at), ONE * bool(improved), ONE),
    ]
    if level == "high":
        counts += [
            Count("high_risks_open", month, ONE) for month in _months_open(at, max(improved, default=None))
        ]
    return Work(tuple(facts), tuple(counts))


def task(desk: Desk) -> Work:
    """A supervised task of the office or of a project."""
    return _task(desk, ("work", "work", "project")[desk.rng.randrange(3)])


def party_task(desk: Desk) -> Work:
    """A supervised task of party building."""
    return _task(desk, "party")


def document(desk: Desk) -> Work:
    """An official document, handled by its day or after it."""
    at = desk.moment()
    late = desk.chance(desk.habits.late)
    due = season.end_of_day(at, -1 - desk.rng.randrange(5) if late else desk.rng.randrange(6))
    data = desk.data(document_no=desk.number("GW"), due=written(due))
    fact = Fact("document.handled.v1", "office", desk.bureau.code, at, data, key="document_no")
    return Work((fact,), (Count("documents_on_time", month_of(due), ONE * (at <= due), ONE),))


def rating(desk: Desk) -> Work:
    """A taxpayer's rating, one to five."""
    at = desk.moment()
    score = 1 + desk.rng.randrange(3) if desk.chance(desk.habits.slack) else 4 + desk.rng.randrange(2)
    fact = Fact("service.rated.v1", "hotline", desk.bureau.code, at, desk.data(score=score))
    return Work((fact,), (Count("services_praised", month_of(at), ONE * (score >= 4), ONE),))


def invoices(desk: Desk) -> Work:
    """A batch of invoices; some are irregular."""
    at, checked = desk.moment(), 50 + desk.rng.randrange(450)
    irregular = checked - desk.part(checked, desk.habits.slack // 3 + 12)
    data = desk.data(batch_no=desk.number("FP"), checked=checked, irregular=irregular)
    fact = Fact("invoice.batch-verified.v1", "core", desk.bureau.code, at, data, key="batch_no")
    return Work((fact,), (Count("invoices_irregular", month_of(at), ONE * irregular, ONE * checked),))


def benefit(desk: Desk) -> Work:
    """A preferential policy pushed to those entitled."""
    at, entitled = desk.moment(), 20 + desk.rng.randrange(380)
    reached = desk.part(entitled, desk.habits.slack)
    data = desk.data(push_no=desk.number("ZD"), entitled=entitled, reached=reached)
    fact = Fact("benefit.reached.v1", "core", desk.bureau.code, at, data, key="push_no")
    return Work((fact,), (Count("benefits_reached", month_of(at), ONE * reached, ONE * entitled),))


def training(desk: Desk) -> Work:
    """A training session; three in four are the party's, others are not assessed."""
    at, invited = desk.moment(), 20 + desk.rng.randrange(60)
    kind, attended = "party" if desk.chance(750) else "skill", desk.part(invited, desk.habits.slack + 10)
    data = desk.data(session_no=desk.number("PX"), kind=kind, invited=invited, attended=attended)
    fact = Fact("training.held.v1", "party", desk.bureau.code, at, data, key="session_no")
    party = kind == "party"
    return Work(
        (fact,), (Count("party_training", month_of(at), ONE * attended * party, ONE * invited * party),)
    )


def finding(desk: Desk) -> Work:
    """A confirmed finding of an inspection, weighing one to three."""
    at, weight = desk.moment(), (1, 1, 1, 2, 3)[desk.rng.randrange(5)]
    field = ("party", "party", "safety", "secrecy")[desk.rng.randrange(4)]
    content = ("模拟：台账不全", "模拟：整改不到位", "模拟：未按规定登记")[desk.rng.randrange(3)]
    data = desk.data(finding_no=desk.number("JC"), field=field, weight=weight, content=content)
    fact = Fact("finding.confirmed.v1", "office", desk.bureau.code, at, data, key="finding_no")
    measure = "party_findings" if field == "party" else "safety_findings"
    return Work((fact,), (Count(measure, month_of(at), ONE * weight),))


Maker = Callable[[Desk], Work]
SHARES: tuple[tuple[int, Maker], ...] = (
    (400, declaration),
    (130, rating),
    (110, document),
    (90, refund),
    (70, invoices),
    (70, complaint),
    (70, risk),
    (60, task),
)


def volume(desk: Desk) -> Work:
    """Return one piece of the work that comes in numbers, by its share per mille."""
    at = desk.rng.randrange(1000)
    for share, make in SHARES:
        at -= share
        if at < 0:
            return make(desk)
    raise AssertionError("the shares sum to 1000")


def routine(desk: Desk, turn: int) -> Iterator[Work]:
    """Yield the work of a bureau that comes at its turn, however much else there is; findings by slack."""
    if turn % 10 == 0:
        yield training(desk)
    if turn % 10 == 4:
        yield benefit(desk)
    if turn % 15 == 7:
        yield party_task(desk)
    if desk.chance(20 + desk.habits.slack // 2):
        yield finding(desk)


def _task(desk: Desk, kind: str) -> Work:
    at = desk.moment()
    deadline = season.end_of_day(at, 5 + desk.rng.randrange(25))
    done = desk.done(at, deadline)
    case, unit = desk.number("DB"), desk.bureau.code
    source = "party" if kind == "party" else "office"
    data = desk.data(kind=kind, deadline=written(deadline))
    facts = [Fact("task.assigned.v1", source, unit, at, data, case)]
    if done is not None:
        facts.append(Fact("task.done.v1", source, unit, done, desk.data(), case))
    in_time = ONE * (done is not None and done <= deadline)
    if kind != "party":
        return Work(tuple(facts), (Count("tasks_on_time", month_of(deadline), in_time, ONE),))
    counts = (
        Count("party_tasks_on_time", month_of(deadline), in_time, ONE),
        Count("party_tasks_done", month_of(at), ONE * (done is not None), ONE),
    )
    return Work(tuple(facts), counts)


def _improvements(desk: Desk, answered: int) -> list[int]:
    """Return when a risk was put right: mostly once, after a relapse a second time, or never."""
    if desk.chance(desk.habits.slack):
        return []
    first = answered + DAY_S + desk.rng.randrange(25 * DAY_S)
    times = [first, first + DAY_S + desk.rng.randrange(9 * DAY_S)] if desk.chance(50) else [first]
    return [when for when in times if when < desk.end]


def _months_open(pushed: int, improved: int | None) -> Iterator[str]:
    """Yield the months of the year at whose end a risk was open; what was never put right stays open."""
    day = season.day_of(pushed)
    closed = None if improved is None else month_of(improved)
    for month in range(day.month, 13):
        at = f"{day.year:04d}-{month:02d}"
        if closed is not None and at >= closed:
            return
        yield at
