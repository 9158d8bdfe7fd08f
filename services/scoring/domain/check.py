"""The rules of a scheme: a tuple of small functions, each naming what it refuses by path and reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from services.scoring.domain.absences import absences_are_said_well, something_applies_to_everyone
from services.scoring.domain.assessment_check import (
    days_are_named_well,
    indicators_say_who_and_whence,
    means_are_of_what_has_a_value,
    no_data_means_one_thing,
)
from services.scoring.domain.board_check import (
    a_floor_is_exceeded,
    boards_sum_to_the_total,
    indicators_fill_their_boards,
)
from services.scoring.domain.coverage_check import machines_cover_enough
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import Kind
from services.scoring.domain.incident_check import incident_findings
from services.scoring.domain.item_check import item_findings
from services.scoring.domain.magnitudes import is_magnitude
from services.scoring.domain.manual_check import what_persons_give_is_manual
from services.scoring.domain.measure_check import (
    examples_name_what_exists,
    keys_are_measured_alone,
    measures_begin_with_the_scheme,
    measures_compile,
    measures_have_owners,
    rows_count_for_the_same_units,
)
from services.scoring.domain.measures import GivenSpec
from services.scoring.domain.method_check import (
    further_measures_count_events,
    methods_can_be_reached,
    only_a_bonus_is_outside_the_boards,
)
from services.scoring.domain.overlay_check import (
    indicators_belong_to_overlays,
    indicators_fill_their_overlays,
    overlays_have_their_months,
    overlays_have_their_own_codes,
)
from services.scoring.domain.plan import (
    EventTypes,
    columns_of,
    event_types,
    overs,
)
from services.scoring.domain.points_check import (
    late_days_cost_something,
    points_are_deducted_as_they_are,
    points_have_one_indicator,
)
from services.scoring.domain.reading import MOST_FINDINGS, Finding
from services.scoring.domain.results_check import results_can_be_reconciled, what_is_published_does_not_add_up
from services.scoring.domain.survey_check import (
    raters_are_asked,
    rounds_count_for_somebody,
    rounds_have_their_days,
    surveys_and_methods_fit,
)
from services.scoring.domain.view_check import views_read_what_there_is
from shared.kernel.errors import Refused
from shared.kernel.instants import FIRST_YEAR
from shared.kernel.periods import Month

DEEPEST = 32
Rule = Callable[[SchemeDocument, EventTypes], Iterator[Finding]]


def findings(document: SchemeDocument, catalogue: Mapping[str, Any]) -> list[Finding]:
    """Return what is wrong with a scheme, in the order of the rules; of very much the first."""
    types = event_types(catalogue)
    found = chain(
        (finding for rule in RULES for finding in rule(document, types)),
        item_findings(document, catalogue),
        incident_findings(document, catalogue),
    )
    return list(islice(found, MOST_FINDINGS)) or list(deductions_are_magnitudes(document, catalogue))


def names_are_used_once(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Units, boards, overlays, indicators and tiers have their own codes; groups and units are named once."""
    listed: dict[str, Sequence[str]] = {
        "/units": [one.code for one in document.units],
        "/boards": [one.code for one in document.boards],
        "/overlays": [one.code for one in document.overlays],
        "/indicators": [one.code for one in document.indicators],
        "/tiers": [one.code for one in document.tiers],
    }
    for place, indicator in enumerate(document.indicators):
        listed[f"/indicators/{place}/groups"] = indicator.groups
        listed[f"/indicators/{place}/units"] = indicator.units
    for path, codes in listed.items():
        seen: set[str] = set()
        for place, code in enumerate(codes):
            if code in seen:
                yield Finding(f"{path}/{place}", "duplicate", f"{code} stands here a second time.")
            seen.add(code)


def points_are_above_zero(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The total, every board, overlay and indicator have points, every tier a share."""
    listed = {"/scheme/total": document.scheme.total}
    listed |= {f"/boards/{place}/points": one.points for place, one in enumerate(document.boards)}
    listed |= {f"/overlays/{place}/points": one.points for place, one in enumerate(document.overlays)}
    listed |= {f"/indicators/{place}/points": one.points for place, one in enumerate(document.indicators)}
    for path, points in listed.items():
        if Decimal(points) == 0:
            yield Finding(path, "no_points", "What has 0 points is not assessed; leave it out.")
    for place, tier in enumerate(document.tiers):
        if Decimal(tier.share) == 0:
            yield Finding(f"/tiers/{place}/share", "no_share", "A tier of 0 holds nobody; leave it out.")


def units_hang_together(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every parent is a unit, no unit lies above itself or too far down, every group has units."""
    parents = {unit.code: unit.parent for unit in document.units}
    levels = {unit.level for unit in document.units}
    depths = _depths(parents)
    for place, unit in enumerate(document.units):
        if unit.parent is not None and unit.parent not in parents:
            yield Finding(f"/units/{place}/parent", "unknown_unit", f"There is no unit {unit.parent}.")
        elif depths[unit.code] is None:
            reason = f"{unit.code} lies above itself, or below a unit that does."
            yield Finding(f"/units/{place}/parent", "unit_cycle", reason)
        elif depths[unit.code] == DEEPEST + 1:
            reason = f"{unit.code} has more than {DEEPEST} units above it."
            yield Finding(f"/units/{place}/parent", "too_deep", reason)
    for name, group in document.groups.items():
        if group.level not in levels:
            yield Finding(f"/groups/{name}/level", "empty_group", f"No unit has the level {group.level}.")


def indicators_name_what_exists(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Boards, groups, measures and assessors of indicators exist."""
    boards = {board.code for board in document.boards}
    units = {unit.code for unit in document.units}
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}"
        if indicator.board is not None and indicator.board not in boards:
            yield Finding(f"{path}/board", "unknown_board", f"There is no board {indicator.board}.")
        for group in indicator.groups:
            if group not in document.groups:
                yield Finding(f"{path}/groups", "unknown_group", f"There is no group {group}.")
        if indicator.measure not in document.measures:
            yield Finding(f"{path}/measure", "unknown_measure", f"There is no measure {indicator.measure}.")
        if indicator.assessor and indicator.assessor not in units:
            yield Finding(f"{path}/assessor", "unknown_unit", f"There is no unit {indicator.assessor}.")


def a_parent_is_named_by_who_carries_it_on(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """An indicator breaks one of the parent down only where the scheme names its parent."""
    for place, indicator in enumerate(document.indicators):
        if indicator.decomposes is not None and document.parent is None:
            reason = "It carries an indicator of a parent on; the scheme names no parent."
            yield Finding(f"/indicators/{place}/decomposes", "no_parent", reason)


def indicators_become_due(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A cycle of every indicator ends within the months of the scheme; that of an overlay ends with it."""
    first, last = Month.parse(document.scheme.effective), Month.parse(document.scheme.until)
    for place, indicator in enumerate(document.indicators):
        ends = document.calendar.containing(first, indicator.calendar_cycle).last
        at_once = indicator.method.is_always_due or indicator.overlay is not None
        if not at_once and ends > last:
            reason = f"No {indicator.cycle} ends between {first} and {last}: it would never be due."
            yield Finding(f"/indicators/{place}/cycle", "never_due", reason)


def individual_indicators_name_units(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The units of an individual indicator are units of its groups."""
    levels = {unit.code: unit.level for unit in document.units}
    for place, indicator in enumerate(document.indicators):
        compared = {document.groups[group].level for group in indicator.groups if group in document.groups}
        for at, unit in enumerate(indicator.units):
            path = f"/indicators/{place}/units/{at}"
            if unit not in levels:
                yield Finding(path, "unknown_unit", f"There is no unit {unit}.")
            elif levels[unit] not in compared:
                yield Finding(path, "other_group", f"{unit} is in none of {', '.join(indicator.groups)}.")


def dates_are_in_order(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A scheme covers months of one year, from its first to its last, in a zone that exists."""
    first, last = Month.parse(document.scheme.effective), Month.parse(document.scheme.until)
    if document.scheme.year < FIRST_YEAR:
        yield Finding("/scheme/effective", "dates", f"Its year begins before {FIRST_YEAR}.")
    if last < first or document.calendar.year_of(last.ordinal) != document.scheme.year:
        yield Finding("/scheme/until", "dates", "A scheme covers months of one year, in order.")
    if _zone(document) is None:
        yield Finding("/scheme/zone", "zone", "There is no such time zone.")


def tiers_share_everything(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The shares of the tiers sum to 1."""
    if document.tiers and sum(Decimal(tier.share) for tier in document.tiers) != 1:
        yield Finding("/tiers", "tier_sum", "The shares of the tiers sum to 1.")


def rows_lead_to_units(document: SchemeDocument, types: EventTypes) -> Iterator[Finding]:
    """A tree is a column of text; what measures run over has the column of at least one tree."""
    for over in overs(document):
        try:
            columns = columns_of(document, over, types)
        except Refused:
            continue
        present = [column for column in document.trees.values() if column in columns]
        if not present:
            wanted = ", ".join(sorted(document.trees.values())) or "no tree at all"
            yield Finding(_over_path(document, over), "no_unit", f"{over} leads to no unit: {wanted}.")
        for column in present:
            if columns[column] is not Kind.TEXT:
                reason = f"Column {column} of {over} is a tree's and holds no code."
                yield Finding(_over_path(document, over), "no_unit", reason)


def the_gate_is_a_flow(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The minimum volume names a measure of what came in the period; a stock would move later ones too."""
    gate = document.ranking.minimum_volume
    if gate is None:
        return
    if gate.measure not in document.measures:
        yield Finding("/ranking/minimum_volume", "unknown_measure", f"There is no measure {gate.measure}.")
    elif isinstance(document.measures[gate.measure], GivenSpec):
        reason = f"{gate.measure} is given; a volume counts events."
        yield Finding("/ranking/minimum_volume/measure", "points", reason)
    elif document.measures[gate.measure].kind == "stock":
        reason = f"{gate.measure} is a stock; a volume is a flow, such as what came in."
        yield Finding("/ranking/minimum_volume/measure", "stock", reason)


def deductions_are_magnitudes(document: SchemeDocument, catalogue: Mapping[str, Any]) -> Iterator[Finding]:
    """What a deduction or a bonus counts is never negative; asked last, of measures that compile."""
    deducted = {one.measure for one in document.indicators if one.method.deduct is not None}
    won = {name for one in document.indicators for name in one.method.further_measures.values()}
    for name in sorted((deducted | won) & document.event_measures.keys()):
        if not is_magnitude(document, document.event_measures[name], catalogue):
            what = "deduction" if name in deducted else "bonus"
            reason = f"A {what} sums what cannot be negative: declare minimum: 0, or take GREATEST(…, 0)."
            yield Finding(f"/measures/{name}/numerator", "magnitude", reason)


RULES: tuple[Rule, ...] = (
    boards_sum_to_the_total,
    a_floor_is_exceeded,
    points_are_above_zero,
    names_are_used_once,
    units_hang_together,
    indicators_name_what_exists,
    indicators_say_who_and_whence,
    a_parent_is_named_by_who_carries_it_on,
    methods_can_be_reached,
    means_are_of_what_has_a_value,
    further_measures_count_events,
    only_a_bonus_is_outside_the_boards,
    points_are_deducted_as_they_are,
    late_days_cost_something,
    points_have_one_indicator,
    what_persons_give_is_manual,
    surveys_and_methods_fit,
    raters_are_asked,
    rounds_count_for_somebody,
    rounds_have_their_days,
    indicators_become_due,
    days_are_named_well,
    no_data_means_one_thing,
    individual_indicators_name_units,
    indicators_fill_their_boards,
    overlays_have_their_months,
    overlays_have_their_own_codes,
    indicators_belong_to_overlays,
    indicators_fill_their_overlays,
    absences_are_said_well,
    something_applies_to_everyone,
    dates_are_in_order,
    tiers_share_everything,
    machines_cover_enough,
    views_read_what_there_is,
    measures_compile,
    rows_count_for_the_same_units,
    measures_have_owners,
    measures_begin_with_the_scheme,
    keys_are_measured_alone,
    examples_name_what_exists,
    results_can_be_reconciled,
    what_is_published_does_not_add_up,
    rows_lead_to_units,
    the_gate_is_a_flow,
)


def _over_path(document: SchemeDocument, over: str) -> str:
    if over in document.views:
        return f"/views/{over}/columns"
    name = next(name for name, spec in document.event_measures.items() if spec.over == over)
    return f"/measures/{name}/over"


def _zone(document: SchemeDocument) -> ZoneInfo | None:
    """Return the zone of a scheme; what is a folder of the zone data, or no file name at all, is none."""
    try:
        return ZoneInfo(document.scheme.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _depths(parents: Mapping[str, str | None]) -> dict[str, int | None]:
    """Return how many units lie above each, None above whom there is no end; each unit is looked at once."""
    depths: dict[str, int | None] = {}
    for code in parents:
        line: dict[str, None] = {}
        at: str | None = code
        while at is not None and at in parents and at not in depths and at not in line:
            line[at] = None
            at = parents[at]
        above = None if at in line else _depth(at, depths)
        for unit in reversed(line):
            above = None if above is None else above + 1
            depths[unit] = above
    return depths


def _depth(unit: str | None, depths: Mapping[str, int | None]) -> int | None:
    """Return how many lie above a unit that is known; above the topmost, and what is no unit, lies -1."""
    return depths.get(unit, -1) if unit is not None else -1
