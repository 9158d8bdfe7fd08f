"""Where nothing scores what is read: it does not apply to the unit, or its overlay has another month."""

from collections.abc import Mapping

from services.scoring.domain.absences import Absence, absences
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.indicator_section import IndicatorSpec
from shared.kernel.reigns import Months

Place = tuple[str, int]


def unscored(
    document: SchemeDocument,
    overs: Mapping[str, Mapping[str, tuple[str, ...]]],
    months: Months,
) -> dict[str, frozenset[Place]]:
    """Return by view or type the leaves and months of which nothing that reads it takes anything.

    `overs` are the views and types, each with the units for which a row counts by the leaf that it names;
    `months` are those that the scheme rules. Left out is what is taken whole. A month between
    the days of an indicator is not due, and no such month.
    """
    outside = {one.code: _outside(document, one, months) for one in document.indicators}
    absent = {one.code: absences(document, one) for one in document.indicators if one.not_applicable}
    if not absent and not any(outside.values()):
        return {}
    whole, found = _taken_whole(document), dict[str, frozenset[Place]]()
    for over, chains in overs.items():
        readers = [one for one in document.indicators if over in _read(document, one)]
        if over in whole or not any(outside[one.code] or one.code in absent for one in readers):
            continue
        units = {one.code: document.units_of(one) for one in readers}
        places: set[Place] = set()
        for leaf, chain in chains.items():
            of_each = [
                outside[one.code] | _months_gone(absent.get(one.code, {}).get(unit))
                for one in readers
                for unit in units[one.code].intersection(chain)
            ]
            if of_each:
                places.update((leaf, month) for month in of_each[0].intersection(*of_each))
        found[over] = frozenset(places)
    return found


def _taken_whole(document: SchemeDocument) -> set[str]:
    """Return what the volume of a unit is counted by, and by what the risk of regions is looked at."""
    gate = document.ranking.minimum_volume
    rises = () if document.incidents is None else document.incidents.rises
    measures = [one.measure for one in (*rises, *(() if gate is None else (gate,)))]
    return {document.measures[name].over for name in measures}


def _outside(document: SchemeDocument, indicator: IndicatorSpec, months: Months) -> frozenset[int]:
    """Return the months whose events an overlay does not take; what a stock held before it stands in it."""
    own = document.months_of(indicator)
    if own is None:
        return frozenset()
    names = (indicator.measure, *indicator.further)
    stock = any(document.measures[name.partition("/")[0]].kind == "stock" for name in names)
    every = range(months[0], months[1] + 1)
    return frozenset(month for month in every if month > own[1] or (month < own[0] and not stock))


def _months_gone(absence: Absence | None) -> frozenset[int]:
    """Return the months whose events take nothing; what a stock holds counts in later ones."""
    return frozenset() if absence is None or absence.stock else absence.months


def _read(document: SchemeDocument, indicator: IndicatorSpec) -> set[str]:
    names = (indicator.measure, *indicator.further)
    return {document.measures[name.partition("/")[0]].over for name in names}
