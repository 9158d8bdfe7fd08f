"""A bureau's business with taxpayers: facts as they really were, and what each adds to the truth.

What is counted is written by hand from the meaning of the measures, never from the platform's folding.
"""

from dukao.simulator import season
from dukao.simulator.desk import CENT, ONE, Count, Desk, Fact, Work, money
from dukao.simulator.season import DAY_S, month_of, written


def declaration(desk: Desk) -> Work:
    """A declaration; after the filing period some are those that should have come before."""
    at = desk.moment()
    due = season.next_fifteenth(at)
    if season.day_of(at).day > season.BUSY_UNTIL_DAY and desk.chance(2 * desk.habits.late):
        due = season.next_fifteenth(at - season.BUSY_UNTIL_DAY * DAY_S - DAY_S)
    online = not desk.chance(desk.habits.slack + 20)
    tax = desk.one_of("VAT", "CIT", "IIT", "LVAT", "STAMP")
    data = desk.data(declaration_no=desk.number("SB"), tax=tax, due=written(due), online=online)
    fact = Fact("declaration.handled.v1", "core", desk.unit.code, at, data, key="declaration_no")
    counts = (
        Count("declared_on_time", month_of(due), ONE * (at <= due), ONE),
        Count("handled_online", month_of(at), ONE * online, ONE),
    )
    return Work((fact,), counts)


def refund(desk: Desk) -> Work:
    """A refund: asked for, then paid within its limit or not."""
    at, cents = desk.moment(), desk.rng.randrange(100_00, 90_000_00)
    deadline = season.end_of_day(at, 10 + desk.rng.randrange(6))
    paid = desk.done(at, deadline)
    case, unit = desk.number("TUIS"), desk.unit.code
    data = desk.data(amount=money(cents), deadline=written(deadline))
    facts = [Fact("refund.filed.v1", "core", unit, at, data, case)]
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
    case, unit = desk.number("TS"), desk.unit.code
    data = desk.data(channel=desk.one_of("phone", "web", "hall"), deadline=written(deadline))
    facts = [Fact("complaint.received.v1", "hotline", unit, at, data, case)]
    in_time = answered is not None and answered <= deadline
    counts = [Count("complaints_answered", month_of(deadline), ONE * in_time, ONE)]
    if answered is not None:
        satisfied = not desk.chance(2 * desk.habits.slack)
        data = desk.data(satisfied=satisfied)
        facts.append(Fact("complaint.answered.v1", "hotline", unit, answered, data, case))
        counts.append(Count("complaints_satisfied", month_of(answered), ONE * satisfied, ONE))
    return Work(tuple(facts), tuple(counts))


def rating(desk: Desk) -> Work:
    """A taxpayer's rating, one to five."""
    at = desk.moment()
    score = 1 + desk.rng.randrange(3) if desk.chance(desk.habits.slack) else 4 + desk.rng.randrange(2)
    fact = Fact("service.rated.v1", "hotline", desk.unit.code, at, desk.data(score=score))
    return Work(
        (fact,),
        (
            Count("services_praised", month_of(at), ONE * (score >= 4), ONE),
            Count("services_praised_highly", month_of(at), ONE * (score == 5)),
        ),
    )


def invoices(desk: Desk) -> Work:
    """A batch of invoices; some are irregular."""
    at, checked = desk.moment(), 50 + desk.rng.randrange(450)
    irregular = checked - desk.part(checked, desk.habits.slack // 3 + 12)
    data = desk.data(batch_no=desk.number("FP"), checked=checked, irregular=irregular)
    fact = Fact("invoice.batch-verified.v1", "core", desk.unit.code, at, data, key="batch_no")
    return Work((fact,), (Count("invoices_irregular", month_of(at), ONE * irregular, ONE * checked),))


def benefit(desk: Desk) -> Work:
    """A preferential policy pushed to those entitled."""
    at, entitled = desk.moment(), 20 + desk.rng.randrange(380)
    reached = desk.part(entitled, desk.habits.slack)
    data = desk.data(push_no=desk.number("ZD"), entitled=entitled, reached=reached)
    fact = Fact("benefit.reached.v1", "core", desk.unit.code, at, data, key="push_no")
    return Work((fact,), (Count("benefits_reached", month_of(at), ONE * reached, ONE * entitled),))


def revenue(desk: Desk) -> Work:
    """Revenue against its forecast, over it or under it."""
    at, planned = desk.moment(), desk.rng.randrange(1_000_000_00, 9_000_000_00)
    away = planned * desk.rng.randrange(2 * desk.habits.slack + 20) // 1000
    collected = planned + (away if desk.chance(400) else -away)
    data = desk.data(report_no=desk.number("SR"), planned=money(planned), collected=money(collected))
    fact = Fact("revenue.reported.v1", "core", desk.unit.code, at, data, key="report_no")
    return Work((fact,), (Count("revenue_collected", month_of(at), CENT * collected, CENT * planned),))
