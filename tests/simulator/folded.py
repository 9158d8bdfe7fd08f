"""What the platform's own folding makes of simulated events, case by case, without any service running."""

from collections import defaultdict

from services.ingest.domain.admission import Outcome, admit
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.figures import merged
from services.scoring.domain.folding import Tally
from services.scoring.domain.plan import compile_plan, event_types, measure_id
from services.scoring.domain.rows import typed
from shared.kernel import instants
from shared.kernel.periods import Month
from shared.kernel.shards import SHARDS
from tests.scoring_domain.test_worked_cases import by_measure

CREATED = (Outcome.CREATED, Outcome.REPORT)


class Folding:
    """Admits events as ingest does and folds what stands of them."""

    def __init__(self, nation):
        self.nation = nation
        self.types = event_types(nation.types)
        self.catalogue = compile_catalogue(parse(nation.types))
        self.plan = compile_plan(nation.scheme, self.types)

    def outcomes(self, events):
        candidates = [candidate(event, self.catalogue) for event in events]
        rulings, _ = admit(candidates, {}, dict.fromkeys(range(SHARDS), 0))
        return [ruling.outcome for ruling in rulings]

    def sums(self, events):
        """Return month partials by (measure, unit)."""
        accepted = [e for e, outcome in zip(events, self.outcomes(events), strict=True) if outcome in CREATED]
        tally = Tally()
        for reports in self.together(accepted):
            tally.add(self.plan, standing(reports).facts)
        return by_measure(self.plan, tally.spread())

    def together(self, events):
        """Return the reports that stand or fall together: those of a case, a fact, or a correction's root."""
        reports = [(self.report(event, number), event.get("case")) for number, event in enumerate(events, 1)]
        facts = {report.root: report.fact for report, case in reports if report.fact is not None}
        groups = defaultdict(list)
        for report, case in reports:
            groups[case or (report.type, facts.get(report.root) or report.root)].append(report)
        return groups.values()

    def report(self, event, number):
        kind, data = event["type"], event.get("data")
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
            data=None if data is None else typed(data, self.types[kind]),
            fact=None if corrects or not key else "/".join(str(data[name]) for name in key),
            corrects=corrects,
            revision=event.get("revision", 0),
        )

    def measured(self, sums, line):
        """Return numerator and denominator of a line of the truth as folded."""
        stock = self.nation.scheme.measures[line.measure].kind == "stock"
        partials = sums[measure_id(self.nation.scheme, line.measure), line.unit]
        found = merged((Month.parse(line.month),), partials, stock=stock)
        return found.numerator, found.denominator
