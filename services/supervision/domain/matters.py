"""What the events of one case open and complete, whatever their order; corrections are in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from services.supervision.domain.items import WHOLE, Act, Opening, Taken
from services.supervision.domain.plans import Plan, Rule, in_force_at, written
from shared.kernel import instants
from shared.kernel.codes import is_code
from shared.kernel.digests import key_digest
from shared.kernel.facts import ORIGINAL_MISSING, Report, Standing, standing
from shared.kernel.periods import month_of

TITLE_CHARACTERS = 200
ID_HEX = 20


@dataclass(frozen=True, slots=True)
class Matter:
    """An item that events opened: under which scheme, and which events completed it.

    A withdrawn one is as it was before no event opened it any more.
    """

    opening: Opening
    plan: Plan
    is_withdrawn: bool
    completions: tuple[Taken, ...] = field(default=())


def matters_of(plans: Sequence[Plan], case: str, reports: Iterable[Report]) -> dict[str, Matter]:
    """Return the items of a case by their ids: one for each rule of a scheme, opened by the first event.

    What opened one once and does no more leaves it withdrawn, unless its newest revision completes the item.
    """
    reports = tuple(reports)
    known = standing(reports)
    facts, before = known.facts, _before(known)
    found: dict[str, Matter] = {}
    for place, fact in enumerate((*facts, *before)):
        for plan in _plans_at(plans, fact):
            for rule in plan.rules.values():
                opening = _opening(plan, rule, case, fact)
                if opening is None:
                    continue
                item = item_id(plan.code, rule.name, case)
                turned = None if place < len(facts) else _turned(rule, fact, facts, reports)
                is_withdrawn = place >= len(facts) and turned is None
                if item not in found or (turned is not None and found[item].is_withdrawn):
                    others = [one for one in facts if turned is None or one.root != fact.root]
                    completions = (*_completions(rule, others), *(() if turned is None else (turned,)))
                    found[item] = Matter(opening, plan, is_withdrawn, completions)
    return found


def _turned(rule: Rule, opened: Report, facts: Sequence[Report], reports: Sequence[Report]) -> Taken | None:
    """Return the completion by what opened the item, whose newest revision says that the matter is done.

    It is done when the first of the revisions was told from which on all say so: an alleged finding that is
    checked, and confirmed later, was checked in time or not.
    """
    newest = next((one for one in facts if one.root == opened.root), None)
    if newest is None or rule.completes is None or not rule.completes.takes(newest):
        return None
    first = newest
    revisions = [one for one in reports if one.root == opened.root and one.subject == newest.subject]
    for one in sorted(revisions, key=_order, reverse=True):
        if not rule.completes.takes(one):
            break
        first = one
    at = instants.of_micros(max(first.told, opened.time))
    return Taken(Act.COMPLETE, at, first.source, evidence=((first.id, ""),))


def _order(report: Report) -> tuple[int, str, str]:
    return report.revision, report.source, report.id


def _before(known: Standing) -> list[Report]:
    """Return what was reported and counts no more: the highest revision first, of equals the first event."""
    left_out = [report for report, why in known.left_out if why != ORIGINAL_MISSING]
    originals = {report.root for report in (*known.facts, *left_out) if report.revision == 0}
    revised = [report for report in left_out if report.root in originals and report.data is not None]
    return sorted(revised, key=lambda one: (-one.revision, one.time, one.source, one.id))


@lru_cache(maxsize=1 << 14)
def item_id(scheme: str, rule: str, case: str) -> str:
    """Return the id that stands for an item of a case: short, and safe in an address."""
    return f"e-{key_digest('item', scheme, rule, case).hex()[:ID_HEX]}"


def _plans_at(plans: Sequence[Plan], fact: Report) -> list[Plan]:
    """Return what was in force when the event occurred, by the zone of each scheme."""
    at = instants.of_micros(fact.time)
    months = {plan.zone.key: month_of(at, plan.zone).ordinal for plan in plans}
    return [
        found
        for zone, month in months.items()
        for found in in_force_at([plan for plan in plans if plan.zone.key == zone], month)
    ]


def _opening(plan: Plan, rule: Rule, case: str, fact: Report) -> Opening | None:
    """Return what an event opens; nothing without a deadline, or without a unit that the rule is for."""
    if not rule.opens.takes(fact):
        return None
    data = fact.data or {}
    unit = fact.subject if rule.unit == "subject" else written(data.get(rule.unit))
    if rule.units and unit not in rule.units:
        return None
    budget = rule.budget(fact)
    if budget is None or not is_code(unit):
        return None
    title = written(data.get(rule.title)) if rule.title is not None else ""
    return Opening(
        kind=rule.kind,
        title=(title or rule.named)[:TITLE_CHARACTERS],
        unit=unit,
        shares={unit: WHOLE},
        given=instants.of_micros(fact.time),
        budget=budget,
        scheme=plan.code,
        indicator=rule.indicator,
        case=case,
        event=fact.root,
        terms=rule.terms,
    )


def _completions(rule: Rule, facts: Sequence[Report]) -> tuple[Taken, ...]:
    if rule.completes is None:
        return ()
    return tuple(
        Taken(Act.COMPLETE, instants.of_micros(fact.time), fact.source, evidence=((fact.id, ""),))
        for fact in facts
        if rule.completes.takes(fact)
    )
