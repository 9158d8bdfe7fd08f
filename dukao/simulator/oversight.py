"""Risks, findings, inspections and leads: what is found at a unit or by it, as facts and as counts."""

from collections.abc import Iterator, Mapping

from dukao.simulator import season
from dukao.simulator.desk import ONE, Count, Desk, Fact, Value, Work
from dukao.simulator.season import DAY_S, HOUR_S, month_of, written

LIMITS = {"low": 15, "medium": 10, "high": 5}
CONTENTS = ("vat-refund", "income-tax", "property-tax", "fees", "enforcement", "collection")
OBJECTS = 40  # taxpayers of a bureau that are looked at, so that findings meet inspections
CHECK_DAYS = 10


def risk(desk: Desk) -> Work:
    """A risk: found, pushed, answered, and put right, sometimes a second time."""
    at, level = desk.moment(), desk.one_of("low", "low", "medium", "medium", "high")
    deadline = season.end_of_day(at, LIMITS[level])
    answered = desk.done(at, deadline)
    case, unit = desk.number("FX"), desk.unit.code
    facts: list[Fact] = []
    if desk.chance(300):
        found = at - 1 - desk.rng.randrange(5 * HOUR_S)
        facts.append(Fact("risk.found.v1", "core", unit, found, desk.data(level=level), case))
    data = desk.data(level=level, deadline=written(deadline))
    facts.append(Fact("risk.pushed.v1", "core", unit, at, data, case))
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
    if level != "low":
        counts += desk.late("risks_late", deadline, answered)
    if level == "high":
        months = _months_open(at, max(improved, default=None))
        counts += [Count("high_risks_open", month, ONE) for month in months]
    return Work(tuple(facts), tuple(counts))


def finding(desk: Desk) -> Work:
    """A finding at the unit, weighing one to three: confirmed at once, or alleged first."""
    at, weight = desk.moment(), (1, 1, 1, 2, 3)[desk.rng.randrange(5)]
    field = desk.one_of("party", "party", "safety", "secrecy")
    fact = _finding(
        desk,
        at,
        _course(desk),
        desk.data(
            finding_no=desk.number("JC"),
            field=field,
            weight=weight,
            object=desk.unit.code,
            content="discipline" if field == "party" else "secrecy",
            finder=desk.one_of("patrol", "audit", "petition"),
        ),
    )
    check = _check(desk, fact)
    if fact.data["status"] != "confirmed":
        return check
    measure = "party_findings" if field == "party" else "safety_findings"
    return Work(check.facts, (Count(measure, month_of(at), ONE * weight), *check.counts))


def taxpayer_finding(desk: Desk) -> Work:
    """A finding of another source about a taxpayer of a bureau; incidents are made of such, no measure is."""
    at = desk.moment()
    data = desk.data(
        finding_no=desk.number("WT"),
        field="tax",
        weight=1 + desk.rng.randrange(3),
        object=_object(desk, desk.unit.code),
        content=desk.one_of(*CONTENTS),
        finder=desk.one_of("audit", "petition", "state-council"),
    )
    return _check(desk, _finding(desk, at, _course(desk), data))


def inspection(desk: Desk) -> Work:
    """An inspectorate looks at a taxpayer of a bureau that it is responsible for that day."""
    at = desk.moment()
    deadline = season.end_of_day(at, 20 + desk.rng.randrange(30))
    ended = desk.done(at, deadline)
    bureau = desk.one_of(*desk.nation.under(desk.unit.code, season.day_of(at)))
    looked = {"object": _object(desk, bureau), "content": desk.one_of(*CONTENTS), "bureau": bureau}
    case, unit = desk.number("DC"), desk.unit.code
    facts = [Fact("inspection.planned.v1", "audit", unit, at, looked | {"deadline": written(deadline)}, case)]
    in_time = ended is not None and ended <= deadline
    counts = [
        Count("inspections_on_time", month_of(deadline), ONE * in_time, ONE),
        Count("inspections_done", month_of(at), ONE * (ended is not None), ONE),
    ]
    if ended is not None:
        found = 1 + desk.rng.randrange(3) if desk.chance(550 - 2 * desk.habits.slack) else 0
        years = _years(desk)
        data = looked | years | {"started": written((at + ended) // 2), "found": found}
        facts.append(Fact("inspection.ended.v1", "audit", unit, ended, data, case))
        facts += [_found(desk, ended, looked, years) for _ in range(found)]
        counts.append(Count("inspections_finding", month_of(ended), ONE * (found > 0), ONE))
    return Work(tuple(facts), tuple(counts))


def case_file(desk: Desk) -> Work:
    """A review of an inspection's file."""
    at = desk.moment()
    faults = desk.rng.randrange(3) if desk.chance(3 * desk.habits.slack) else 0
    data = desk.data(review_no=desk.number("AJ"), faults=faults)
    fact = Fact("case-file.reviewed.v1", "audit", desk.unit.code, at, data, key="review_no")
    return Work((fact,), (Count("case_file_faults", month_of(at), ONE * faults),))


def lead(desk: Desk) -> Work:
    """A lead that a disciplinary body follows."""
    at = desk.moment()
    deadline = season.end_of_day(at, 10 + desk.rng.randrange(20))
    handled = desk.done(at, deadline)
    case, unit = desk.number("XS"), desk.unit.code
    data = desk.data(origin=desk.one_of("petition", "patrol", "audit"), deadline=written(deadline))
    facts = [Fact("lead.received.v1", "discipline", unit, at, data, case)]
    if handled is not None:
        data = desk.data(outcome=desk.one_of("closed", "warned", "filed"))
        facts.append(Fact("lead.handled.v1", "discipline", unit, handled, data, case))
    in_time = handled is not None and handled <= deadline
    counts = (
        Count("leads_handled_on_time", month_of(deadline), ONE * in_time, ONE),
        Count("leads_handled", month_of(at), ONE * (handled is not None), ONE),
    )
    return Work(tuple(facts), counts)


def _found(desk: Desk, at: int, looked: Mapping[str, Value], years: Mapping[str, Value]) -> Fact:
    """What an inspection found at a taxpayer stands against the bureau."""
    bureau = str(looked["bureau"])
    data: dict[str, Value] = {
        "region": desk.nation.region_of(bureau) or "",
        "finding_no": desk.number("WT"),
        "field": "tax",
        "weight": 1 + desk.rng.randrange(3),
        "object": looked["object"],
        "content": looked["content"],
        "finder": desk.unit.code,
    }
    return _finding(desk, at, ("confirmed",), data | dict(years), unit=bureau)


def _finding(
    desk: Desk, at: int, course: tuple[str, ...], data: Mapping[str, Value], *, unit: str | None = None
) -> Fact:
    """Return a finding as far as it came in the end, with what was told of it before."""
    told = _years(desk) | dict(data)
    told |= {"discovered": written(at), "budget_days": CHECK_DAYS}
    told["deadline"] = written(season.end_of_working_days(at, CHECK_DAYS))
    *earlier, last = (told | {"status": status} for status in course)
    whose = unit or desk.unit.code
    return Fact("finding.reported.v1", "audit", whose, at, last, key="finding_no", earlier=tuple(earlier))


def _check(desk: Desk, finding: Fact) -> Work:
    """Return a finding, and the check on site that the unit owes where it was alleged."""
    if not any(told["status"] == "alleged" for told in finding.earlier):
        return Work((finding,))
    deadline = season.end_of_working_days(finding.time, CHECK_DAYS)
    reported = desk.done(finding.time, deadline)
    told = desk.data(
        finding_no=finding.data["finding_no"], budget_days=CHECK_DAYS, deadline=written(deadline)
    )
    case = desk.number("HC")
    facts = [finding, Fact("check.assigned.v1", "audit", finding.unit, finding.time, told, case)]
    if reported is not None:
        facts.append(Fact("check.reported.v1", "audit", finding.unit, reported, desk.data(), case))
    return Work(tuple(facts), tuple(desk.late("checks_late", deadline, reported)))


def _course(desk: Desk) -> tuple[str, ...]:
    """Return how far a finding comes, step by step."""
    courses = (
        ("confirmed",),
        ("confirmed",),
        ("alleged", "confirmed"),
        ("alleged", "checked", "confirmed"),
        ("alleged", "dropped"),
    )
    return courses[desk.rng.randrange(len(courses))]


def _years(desk: Desk) -> dict[str, Value]:
    first = 2017 + desk.rng.randrange(4)
    return {"first_year": first, "last_year": min(2020, first + desk.rng.randrange(3))}


def _object(desk: Desk, bureau: str) -> str:
    return f"NSR-{bureau}-{desk.rng.randrange(OBJECTS):03d}"


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
