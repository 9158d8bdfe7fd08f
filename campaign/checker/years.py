"""C6 of schemes with versions within a year: figures of periods that several rule, from their months' sums.

Known are targets and deductions of schemes that measure events alone, by sums and counts; what else there
is, what does not apply to somebody, and units of which a review or a silent feed changes more, are left.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias, cast

import asyncpg

from campaign.checker import folding, kept_sums
from campaign.checker.cycles import MONTHS_OF, Document, days_of, own_months
from campaign.checker.found import Found
from campaign.checker.totals import PARTS, Versions, adopted, groups_in, groups_of, has_indicator, is_for
from campaign.checker.weighing import Bounds, Part, deducted, weighed

Sums: TypeAlias = Mapping[tuple[str, str, int], tuple[int, int, int]]
Place: TypeAlias = tuple[str, str, str, str]
Run: TypeAlias = tuple[Document, list[int]]
MILLION = 1_000_000


async def years(database: asyncpg.Connection) -> Found:
    """C6: a figure of a period that several versions rule is what its months come to, weighed."""
    every = await adopted(database)
    schemes = {code: found for code, found in every.items() if _shares_a_year(found) and _is_plain(found)}
    if not schemes:
        return Found([], years=0)
    sums, moved = await _sums(database), await _moved(database)
    told: dict[Place, tuple[int, Any]] = {}
    for row in await database.fetch("SELECT * FROM ranking.figures"):
        key = row["scheme"], row["grp"], row["period"], row["unit"]
        named = row["scheme"], row["unit"]
        if row["scheme"] in schemes and named not in moved and row["version"] >= told.get(key, (0, None))[0]:
            told[key] = row["version"], row
    found = [
        _otherwise(key, version, row, schemes[key[0]], sums.get(key[0], {}))
        for key, (version, row) in told.items()
    ]
    wrong = [line for one in found for line in one]
    return Found(wrong, years=sum(one.compared["years"] for one in found))


def _otherwise(key: Place, version: int, row: asyncpg.Record, versions: Versions, sums: Sums) -> Found:
    """Return which figures that were last told of a unit in a period are not what its months come to."""
    scheme, group, period, unit = key
    worth, points = json.loads(row["worth"]), json.loads(row["points"])
    if group not in groups_of(versions.documents[version], unit):
        wrong = [
            f"{scheme} {group} {period} {unit} {code}: the unit is in another group, told was {value}"
            for code, value in worth.items()
            if value is not None
        ]
        return Found(wrong, years=0)
    wrong = list[str]()
    made = {code: wanted for code, wanted in figures(versions, group, period, unit, sums) if code in worth}
    for code, wanted in made.items():
        own = Fraction(versions.upto(version).newest(code)[1]["points"])
        found = worth[code], points.get(code, own * PARTS)
        if found != wanted:
            wrong.append(f"{scheme} {group} {period} {unit} {code}: it is {wanted}, told was {found}")
    return Found(wrong, years=len(made))


def figures(
    versions: Versions, group: str, period: str, unit: str, sums: Sums
) -> Iterator[tuple[str, tuple[int | None, int]]]:
    """Yield worth and points, in parts of 10^-12, of the indicators of a unit that several versions rule."""
    covered = folding.months_of(period, versions.first_month)
    months = [month for month in covered if versions.ruling(month) is not None]
    if len({id(versions.ruling(month)) for month in months}) < 2:
        return
    until = max(_clock(versions, group, sums), months[0])
    codes = {one["code"] for document in versions.documents.values() for one in document["indicators"]}
    for code in sorted(codes):
        taken = _taken(versions, code, _ruled(versions, code, group, unit, months), until)
        runs = _runs(versions, code, group, unit, taken)
        if runs and all(_is_known(document, code, months) for document, _ in runs):
            rest = [month for month in taken if all(month not in run[1] for run in runs)]
            come = [month for month in rest if month <= until or until < taken[0]]
            worth, points = _weighed(runs, code, unit, until, sums, len(come))
            ruled = _ruled(versions, code, group, unit, months)
            so_far = [month for month in ruled if month <= until] or ruled
            whole = _points(versions, code, group, unit, so_far)
            scaled = None if worth is None else round(worth * whole / points * PARTS)
            yield code, (scaled, round(whole * PARTS))


def _points(versions: Versions, code: str, group: str, unit: str, months: Sequence[int]) -> Fraction:
    """Return what months give an indicator of a unit in the mean, whether it is assessed in them or not."""
    found = [versions.ruling(month) for month in months]
    having = [one for one in found if one is not None and _has(one, code, group, unit)]
    return sum((Fraction(_indicator(one, code)["points"]) for one in having), Fraction(0)) / len(found)


def _weighed(
    runs: list[Run], code: str, unit: str, until: int, sums: Sums, without: int
) -> tuple[Fraction | None, Fraction]:
    """Weigh what each run of versions comes to by its months so far, beside those without it."""
    begun = [(run, so_far) for run in runs if (so_far := sum(month <= until for month in run[1]))]
    begun = begun or [(run, len(run[1])) for run in runs]
    parts: list[Part] = [Part(without, Fraction(0), Fraction(0))] if without else []
    bounds: list[Bounds] = []
    losses = Fraction(0)
    for (document, months), so_far in begun:
        spec = _indicator(document, code)
        points, method = Fraction(spec["points"]), spec["method"]
        measured = _measured(document, spec, unit, months, sums)
        if "deduct" in method:
            bounds.append(Bounds(so_far, points, Fraction(method["deduct"].get("floor", 0))))
            losses += Fraction(method["deduct"]["each"]) * measured[0] / MILLION
        parts.append(Part(so_far, points, _reached(document, spec, measured)))
    worth, points = weighed(parts)
    if bounds:
        worth = deducted([*bounds, Bounds(without, Fraction(0))], losses)
    return worth, points


def _reached(document: Document, spec: Document, measured: tuple[int, int, int]) -> Fraction | None:
    """Return what a target is worth, at 12 places; without data None, or what the scheme says that it is."""
    numerator, denominator, rows = measured
    measure = document["measures"][spec["measure"]]
    ratio = measure.get("denominator") is not None or measure.get("over_months") == "mean"
    if "target" not in spec["method"]:
        return None
    if not rows or (ratio and not denominator):
        return {"zero": Fraction(0), "full": Fraction(spec["points"])}.get(spec.get("no_data", ""))
    actual = Fraction(numerator, denominator if ratio else MILLION)
    share = actual / Fraction(spec["method"]["target"]["target"])
    worth = Fraction(spec["points"]) * max(Fraction(0), min(Fraction(1), share))
    return Fraction(round(worth * PARTS), PARTS)


def _taken(versions: Versions, code: str, months: Sequence[int], until: int) -> list[int]:
    """Return the months that a figure is taken from: of days those that the newest version names.

    Where it names none, and of an overlay, each version names the days of its own months.
    """
    if _of_overlay(versions, code):
        return [at for at in months if versions.assesses(code, at)]
    for month in reversed([month for month in months if month <= until]):
        document = versions.ruling(month)
        if document is not None and has_indicator(document, code):
            days = days_of(_indicator(document, code))
            if days is not None:
                return [at for at in months if at in days]
            return [at for at in months if versions.assesses(code, at)]
    return list(months)


def _ruled(versions: Versions, code: str, group: str, unit: str, months: Sequence[int]) -> list[int]:
    """Return the months in which versions give points: of an overlay its own, where the unit has it."""
    if not _of_overlay(versions, code):
        return list(months)
    found: list[int] = []
    for month in months:
        document = versions.ruling(month)
        if document is not None and _has(document, code, group, unit):
            own = own_months(document, _indicator(document, code))
            found += [month] if own is not None and month in own else []
    return found


def _of_overlay(versions: Versions, code: str) -> bool:
    return versions.newest(code)[1].get("overlay") is not None


def _is_plain(versions: Versions) -> bool:
    """Tell whether a scheme measures events alone, and nothing by keys that a row of sums holds apart."""
    measures = [one for document in versions.documents.values() for one in document["measures"].values()]
    keys = re.compile(r"\s*(min|max|count\s*\(\s*distinct)\b", re.IGNORECASE)
    return all("over" in one and not keys.match(one["numerator"]) for one in measures)


def _shares_a_year(versions: Versions) -> bool:
    """Tell whether several versions rule months of one year."""
    years: dict[int, set[int]] = defaultdict(set)
    for month, one in versions.by_month.items():
        years[(month + 1 - versions.first_month) // 12].add(id(one))
    return any(len(found) > 1 for found in years.values())


def _runs(versions: Versions, code: str, group: str, unit: str, months: Iterable[int]) -> list[Run]:
    """Put months together whose versions score an indicator of a unit alike; one without it parts them."""
    runs: list[Run] = []
    before: object = None
    for month in months:
        document = versions.ruling(month)
        has = document is not None and _has(document, code, group, unit)
        scoring = None if document is None or not has else _scoring(document, code)
        if document is None or scoring is None:
            before = None
        elif scoring == before:
            runs[-1] = document, [*runs[-1][1], month]
        else:
            runs.append((document, [month]))
        before = scoring
    return runs


def _scoring(document: Document, code: str) -> tuple[Any, ...] | None:
    """Return how an indicator is scored: points, method, what no data means, measure, columns."""
    found = [one for one in document["indicators"] if one["code"] == code]
    if not found:
        return None
    measure = dict(document["measures"][found[0]["measure"]])
    for name in ("version", "owner", "effective", "source", "verified"):
        measure.pop(name, None)
    words = set(re.findall(r"\w+", f"{measure} {list(document.get('trees', {}).values())}"))
    columns = document.get("views", {}).get(measure.get("over"), {}).get("columns", {})
    while more := _filtering(measure, [columns[name] for name in words & columns.keys()]) - words:
        words |= more
    taken = {name: column for name, column in columns.items() if name in words}
    without = found[0].get("no_data", "not_assessed")
    return Fraction(found[0]["points"]), _worth(found[0]["method"]), without, measure, taken


def _filtering(measure: Document, columns: Iterable[Document]) -> set[str]:
    """Return the columns that the conditions of columns name, as `view.column`."""
    named = re.compile(rf'\b{measure.get("over")}"?\s*\.\s*"?(\w+)')
    return {name for column in columns for name in named.findall(column.get("where", ""))}


def _worth(value: Any) -> Any:
    """Return a value in which numbers are what they are worth."""
    if isinstance(value, dict):
        return {name: _worth(one) for name, one in cast("Document", value).items()}
    if isinstance(value, list):
        return [_worth(one) for one in cast("list[Any]", value)]
    return Fraction(value) if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value) else value


def _has(document: Document, code: str, group: str, unit: str) -> bool:
    """Tell whether a unit has an indicator by a version: in the group, or where it was before."""
    groups = groups_in(document, group, unit)
    return any(one["code"] == code and is_for(one, groups, unit) for one in document["indicators"])


def _is_known(document: Document, code: str, months: Sequence[int]) -> bool:
    """Tell whether an indicator is a target or a deduction of events, by months."""
    spec = _indicator(document, code)
    measure, method = document["measures"][spec["measure"]], spec["method"]
    plain = measure.get("over") is not None and measure.get("kind", "flow") == "flow"
    target = method.get("target", {}).get("direction") == "up" or method.get("target", {}).keys() == {
        "target"
    }
    deduct = (
        "deduct" in method and method["deduct"].keys() <= {"each", "floor"} and "each" in method["deduct"]
    )
    short = "deduct" in method or MONTHS_OF.get(spec.get("cycle", "month"), 1) <= len(months)
    return plain and (target or deduct) and short and not spec.get("not_applicable")


def _measured(
    document: Document, indicator: Document, unit: str, months: Iterable[int], sums: Sums
) -> tuple[int, int, int]:
    """Return numerator, denominator and rows over months, as a quotient where it is the mean of theirs."""
    measure, spec = indicator["measure"], document["measures"][indicator["measure"]]
    found = [sums[measure, unit, month] for month in months if (measure, unit, month) in sums]
    if spec.get("over_months") == "mean":
        ratio = spec.get("denominator") is not None
        values = [Fraction(one[0], one[1] if ratio else MILLION) for one in found if one[1 if ratio else 2]]
        mean = sum(values, Fraction(0)) / len(values) if values else Fraction(0)
        return mean.numerator, mean.denominator if values else 0, sum(one[2] for one in found)
    numerator, denominator, rows = (
        (sum(column) for column in zip(*found, strict=True)) if found else (0, 0, 0)
    )
    return numerator, denominator, rows


def _clock(versions: Versions, group: str, sums: Sums) -> int:
    """Return the newest month of a unit that any version has in the group, by when what it has occurred."""
    units = {
        one["code"]
        for document in versions.documents.values()
        for one in document["units"]
        if one["level"] == document["groups"].get(group, {}).get("level")
    }
    newest = 0
    for (measure, unit, month), amounts in sums.items():
        document = versions.ruling(month)
        if document is not None and any(amounts) and unit in units and _says_when(document, measure):
            newest = max(newest, month)
    return newest


def _says_when(document: Document, measure: str) -> bool:
    """Tell whether all that is measured over the same is placed by when it occurred, or nothing at all is."""
    by_over: dict[str, bool] = {}
    for spec in document["measures"].values():
        by_over[spec["over"]] = by_over.get(spec["over"], True) and _by_time(document, spec)
    mine = document["measures"].get(measure)
    return mine is not None and (by_over[mine["over"]] or not any(by_over.values()))


def _by_time(document: Document, spec: Document) -> bool:
    placed, view = spec.get("period_by"), document.get("views", {}).get(spec["over"])
    if not isinstance(placed, str):
        return False
    if view is None:
        return bool(placed == "time")
    return "time" in {value for name, value in view["columns"].get(placed, {}).items() if name != "of"}


def _indicator(document: Document, code: str) -> Document:
    return next(one for one in document["indicators"] if one["code"] == code)


async def _moved(database: asyncpg.Connection) -> set[tuple[str, str]]:
    """Return the schemes and units of which a review or a silent feed changes what events come to."""
    rows = await database.fetch(
        "SELECT DISTINCT split_part(scheme, '@', 1) AS code, unit FROM scoring.partials "
        "WHERE over LIKE 'reviewed:%' OR over LIKE 'stale:%'"
    )
    return {(row["code"], row["unit"]) for row in rows}


async def _sums(database: asyncpg.Connection) -> dict[str, Sums]:
    """Return by scheme what stage A keeps by measure, unit and month, of the version that rules the month."""
    found: dict[str, dict[tuple[str, str, int], tuple[int, int, int]]] = defaultdict(dict)
    partials = await kept_sums.partials_of(database)
    for (_, measure, unit, month), amounts in partials.items():
        key = kept_sums.name_of(measure), unit, month
        known = found[measure.partition("@")[0]].get(key, (0, 0, 0))
        added = known[0] + amounts[0], known[1] + amounts[1], known[2] + amounts[2]
        found[measure.partition("@")[0]][key] = added
    return dict(found)
