"""What the national sample puts under supervision: budgets end where the simulator says, each indicator is covered."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from dukao import yamls
from dukao.simulator.nation import load
from dukao.simulator.stream import Settings, simulate
from dukao.simulator.truth import Truth
from services.supervision.domain.calendar_document import CalendarDocument, compiled
from services.supervision.domain.items import fold
from services.supervision.domain.matters import matters_of
from services.supervision.domain.plans import plan_of
from services.supervision.domain.worktime import Course, Due, WorkingDays, due
from services.supervision.shown import coverage
from shared.kernel import instants
from shared.kernel.facts import Report

CALENDAR = compiled(
    CalendarDocument.model_validate(
        yamls.read(Path(__file__).parents[2] / "samples" / "calendars" / "china.yaml").value
    )
)
A_SECOND = timedelta(seconds=1)


def read(event, number):
    """Read a simulated event as supervision does, once it is accepted."""
    return Report(
        source=event["source"],
        id=event["id"],
        type=event["type"],
        subject=event["subject"],
        time=instants.parse_micros(instants.text(instants.parse(event["time"]))),
        shard=0,
        number=number,
        data=event.get("data"),
        fact=None,
        corrects=(event["correctssource"], event["correctsid"]) if "correctsid" in event else None,
        revision=event.get("revision", 0),
    )


def test_every_budget_ends_at_the_deadline_that_the_simulator_set_and_every_own_indicator_has_items():
    nation = load()
    document = nation.scheme.model_dump(mode="json", by_alias=True, exclude_none=True)
    plan = plan_of(document)
    cases: dict[str, list[Report]] = {}
    known: set[tuple[str, str]] = set()
    events = simulate(Settings(units=98, days=365, rate=1, seed=7), nation, Truth(nation.scheme))
    for number, event in enumerate(events):
        if "case" in event and event["type"] in plan.types and (event["source"], event["id"]) not in known:
            known.add((event["source"], event["id"]))
            cases.setdefault(event["case"], []).append(read(event, number))
    counts: Counter[tuple[str | None, str]] = Counter()
    budgets = 0
    for case, reports in cases.items():
        for matter in matters_of([plan], case, reports).values():
            opening = matter.opening
            counts.update((opening.indicator, unit) for unit in opening.shares)
            item = fold(opening, matter.completions)
            end = due(CALENDAR, item.course)
            assert not end.provisional
            data = next(one.data or {} for one in reports if (one.source, one.id) == opening.event)
            if "budget_days" in data and all(one.corrects is None for one in reports):
                counted = due(CALENDAR, Course(opening.given, WorkingDays(int(data["budget_days"]))))
                assert end == counted == Due(instants.parse(str(data["deadline"])) + A_SECOND)
                budgets += 1
    assert budgets > 500
    everyone = [unit["code"] for unit in document["units"]]
    items = {(code, unit): count for (code, unit), count in counts.items() if code is not None}
    found = coverage(document, items, everyone)
    assert (found.pairs, found.covered, found.percent, found.missing) == (40, 40, "100.00", [])
