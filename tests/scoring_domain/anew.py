"""Everything that scoring keeps, folded anew by the plain functions alone."""

from collections import defaultdict

from services.scoring.domain.comparing import compared_figures
from services.scoring.domain.derived import fold_derived
from services.scoring.domain.facts import standing
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.parted import parted_figures
from services.scoring.domain.posting import posted
from services.scoring.domain.proof import cells_of
from services.scoring.domain.reviewed import Reviewed, Stands, changed
from services.scoring.domain.sums import REVIEWED, UnitSums
from services.scoring.reports import report_of
from shared.kernel.shards import shard_of


def recomputed(force, catalogue, accepted, concluded=()):
    """Return every cell and figure that has a value, folded anew from all that was accepted and concluded."""
    sums = _sums(force, list(_cases(catalogue, accepted)), tuple(concluded))
    state = {}
    for line in force.lines:
        for plan in line.plans:
            state |= _of_plan(plan, {unit: sums[plan.id, unit] for unit in plan.units})
        if line.shared:
            state |= told_of(line, parted_figures(line, line.units, sums, line.clock(sums)))
    return state


def _cases(catalogue, accepted):
    reports = [(report_of(one, catalogue), one.case) for one in accepted]
    facts = {report.root: report.fact for report, _ in reports if report.fact is not None}
    groups = defaultdict(list)
    for report, case in reports:
        own = report.type, facts.get(report.root) or report.root
        groups[("case", case) if case else own].append(report)
    return groups.values()


def _sums(force, cases, concluded):
    tally, given = Tally(), {}
    for reports in cases:
        facts = standing(reports).facts
        for plan in force.plans:
            tally.add(plan, facts)
    for fact in concluded:
        fold_derived(given, force.points, fact)
    sums = defaultdict(UnitSums)
    reviewed = {}
    for shard in {shard_of(fact.unit) for fact in concluded}:
        mine = [fact for fact in concluded if shard_of(fact.unit) == shard]
        reports = [found for found in cases if found[0].shard == shard]
        reviewed |= reviewed_rows(force.points, mine, reports)
    for (version, over, unit, month), numbers in [*tally.spread().items(), *given.items(), *reviewed.items()]:
        sums[version, unit].take((over, month, 0), numbers)
    return sums


def reviewed_rows(points, concluded, cases, touched=None):
    """Return what reviews of a shard change, by the facts and cases that it keeps; of the months touched."""
    rows = {}
    reviews = [one for one in concluded if isinstance(one, Reviewed)]
    for under in points:
        for review in reviews:
            place, at = review.place(under), (review.unit, review.month)
            inside = under.plan.first <= review.month <= under.plan.last and review.unit in under.plan.scored
            if place is None or place.slots.keys is not None or not inside:
                continue
            if touched is not None and at not in touched:
                continue
            mine = [one for one in reviews if (one.indicator, one.unit, one.month) == (review.indicator, *at)]
            change = changed(mine, list(_stands(under, place, review, concluded, cases)), place)
            key = under.plan.id, f"{REVIEWED}{place.over}", *at
            row = rows.setdefault(key, [0] * under.widths[key[1]])
            row[place.slots.numerator] = change.numerator
            if place.slots.denominator is not None:
                row[place.slots.denominator] = change.denominator
    return rows


def _stands(under, place, review, concluded, cases):
    """Yield what each fact and case says in the cell of a review."""
    for fact in concluded:
        for one in () if isinstance(fact, Reviewed) else fact.losses(under):
            if (one.over, one.slots, one.unit, one.month) == (
                place.over,
                place.slots,
                review.unit,
                review.month,
            ):
                yield Stands(("points", fact.key), (), one.parts, one.base)
    for reports in cases:
        tally = Tally()
        fold_under(tally, [under.plan], reports)
        first = under.plan.first if place.stock else review.month
        sums = tally.spread()
        months = [
            row
            for month in range(first, review.month + 1)
            if (row := sums.get((under.plan.id, place.over, review.unit, month))) is not None
        ]
        if months:
            amounts = [place.slots.of(row) for row in months]
            name = "events", f"{min(report.number for report in reports):09d}"
            yield Stands(name, (), sum(one[0] for one in amounts), sum(one[1] for one in amounts))


def _of_plan(plan, sums):
    state, compared = {}, compared_figures(plan, sums)
    for unit, cells in cells_of(plan, sums).items():
        figures = posted(plan, unit, sums[unit], {}).figures | compared[unit]
        for key, value in (cells | figures).items():
            if value is not None:
                state[plan.id, plan.name, unit, *key] = value
    return state


def told_of(line, shared):
    """Return what versions share by unit, version, period and indicator."""
    return {(line.name, unit, *key): one for unit, found in shared.items() for key, one in found.items()}
