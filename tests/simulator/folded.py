"""What the platform's own folding makes of simulated events, case by case, without any service running."""

from collections import defaultdict
from datetime import UTC, datetime
from fractions import Fraction

import yaml

from dukao.simulator.nation import SAMPLE
from services.ingest.domain.admission import Outcome, admit
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.domain.derived import fold_derived, points_plan
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import merged
from services.scoring.domain.folding import Tally
from services.scoring.domain.incidents.deciding import decide
from services.scoring.domain.incidents.rules import rules_of
from services.scoring.domain.late_days import LateItem
from services.scoring.domain.measures import DecidedSpec, PointsSpec
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from services.supervision.domain.calendar_document import CalendarDocument, compiled, read
from services.supervision.domain.items import fold
from services.supervision.domain.matters import matters_of
from services.supervision.domain.plans import plan_of
from services.supervision.domain.seen import see
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS, PARTS
from shared.kernel.shards import SHARDS
from tests.scoring_domain.test_worked_cases import by_measure

CREATED = (Outcome.CREATED, Outcome.REPORT)
LONG_AFTER = datetime(2022, 6, 30, tzinfo=UTC)


def statutory_calendar():
    found = read(yaml.safe_load((SAMPLE / "calendar.yaml").read_text("utf-8")))
    assert isinstance(found, CalendarDocument), found
    return compiled(found)


class Folding:
    """Admits events as ingest does and folds what stands of them."""

    def __init__(self, nation):
        self.nation = nation
        self.types = event_types(nation.types)
        self.catalogue = compile_catalogue(parse(nation.types))
        self.plan = compile_plan(nation.scheme, self.types)
        self.points = points_plan(nation.scheme, self.plan, {})
        self.rules = plan_of(nation.scheme.written())
        self.calendar = statutory_calendar()

    def outcomes(self, events):
        candidates = [candidate(event, self.catalogue) for event in events]
        rulings, _ = admit(candidates, {}, dict.fromkeys(range(SHARDS), 0))
        return [ruling.outcome for ruling in rulings]

    def sums(self, events):
        """Return month partials by (measure, unit)."""
        accepted = self.accepted(events)
        tally = Tally()
        for reports in self.together(accepted):
            tally.add(self.plan, standing(reports).facts)
        return by_measure(self.plan, tally.spread()) | self.lost(accepted) | self.decided(accepted)

    def lost(self, accepted):
        """Return the month partials of points by (measure, unit) that late days of items cost."""
        cells = {}
        for item in self.items(accepted):
            fold_derived(cells, [self.points], item)
        found = defaultdict(lambda: defaultdict(Partials))
        for (_, over, unit, month), numbers in cells.items():
            for measure in {one.measure for one in self.points.late_days[over.removeprefix("items:")]}:
                partials = Partials(*measure.slots.of(numbers))
                found[measure_id(self.nation.scheme, measure.name), unit][month] = partials
        return found

    def decided(self, accepted):
        """Return the month partials of points by (measure, unit) that incidents cost."""
        scheme = self.nation.scheme
        reports = [
            self.report(event, number, self.typed(event))
            for number, event in enumerate(accepted, 1)
            if event["type"] in scheme.incidents.types
        ]
        found = defaultdict(lambda: defaultdict(Partials))
        (measure,) = [name for name, spec in scheme.measures.items() if isinstance(spec, DecidedSpec)]
        for one in decide([rules_of(scheme)], standing(reports).facts).deductions:
            if one.counts:
                found[measure_id(scheme, measure), one.unit][one.month] += Partials(one.points * MILLIONTHS)
        return found

    def accepted(self, events):
        return [e for e, outcome in zip(events, self.outcomes(events), strict=True) if outcome in CREATED]

    def items(self, accepted):
        """Yield what supervision tells of items in the end, as scoring reads it."""
        cases = defaultdict(list)
        for number, event in enumerate(accepted, 1):
            if event["type"] in self.rules.types:
                cases[event["case"]].append(self.report(event, number, event.get("data")))
        for case, reports in cases.items():
            for name, matter in matters_of([self.rules], case, reports).items():
                if matter.is_withdrawn:
                    continue
                item = fold(matter.opening, matter.completions)
                seen = see(self.calendar, item, LONG_AFTER)
                assert not seen.due.provisional
                own = {"kind": matter.opening.kind.value, "indicator": matter.opening.indicator}
                days = tuple((day, ((item.unit, MILLIONTHS),)) for day in seen.late)
                yield LateItem(name, 1, days=days, **own)

    def together(self, events):
        """Return the reports that stand or fall together: those of a case, a fact, or a correction's root."""
        reports = [
            (self.report(event, number, self.typed(event)), event.get("case"))
            for number, event in enumerate(events, 1)
        ]
        facts = {report.root: report.fact for report, case in reports if report.fact is not None}
        groups = defaultdict(list)
        for report, case in reports:
            groups[case or (report.type, facts.get(report.root) or report.root)].append(report)
        return groups.values()

    def typed(self, event):
        return None if "data" not in event else typed(event["data"], self.types[event["type"]])

    def report(self, event, number, data):
        kind = event["type"]
        corrects = (event["correctssource"], event["correctsid"]) if "revision" in event else None
        key = self.nation.types["types"][kind].get("business_key", ())
        return Report(
            source=event["source"],
            id=event["id"],
            type=kind,
            subject=event["subject"],
            time=instants.parse_micros(event["time"]),
            shard=0,
            number=number,
            data=data,
            fact=None if corrects or not key else "/".join(str(event["data"][name]) for name in key),
            corrects=corrects,
            revision=event.get("revision", 0),
        )

    def measured(self, sums, line):
        """Return numerator and denominator of a line of the truth as folded."""
        spec = self.nation.scheme.measures[line.measure]
        partials = sums[measure_id(self.nation.scheme, line.measure), line.unit]
        found = merged((Month.parse(line.month),), partials, spec)
        scale = PARTS // MILLIONTHS if isinstance(spec, PointsSpec) else 1
        return Fraction(found.numerator, scale), found.denominator
