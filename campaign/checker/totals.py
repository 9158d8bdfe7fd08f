"""C6 of any scheme: what was last told of a unit is what its figures come to, as its document says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import asyncpg

from campaign.checker import folding
from campaign.checker.rescaling import Share, total

Document: TypeAlias = Mapping[str, Any]
Group: TypeAlias = tuple[str, str, str]
PARTS = 10**12
MONTHS_OF = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a unit in a period, and the points of those that versions share, in parts of 10^-12."""

    worth: Mapping[str, int | None]
    points: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a scheme by their number; the newest that covers a month rules it."""

    documents: Mapping[int, Document]

    @property
    def first_month(self) -> int:
        """The month in which years begin, 1 to 12, by all of them."""
        (found,) = {one["scheme"].get("first_month", 1) for one in self.documents.values()}
        return int(found)

    def ruling(self, month: int) -> Document | None:
        """Return the version that rules a month."""
        found = [number for number, one in self.documents.items() if month in _covered(one)]
        return self.documents[max(found)] if found else None

    def indicator(self, code: str, version: int) -> Document:
        """Return an indicator as a version has it, or the newest before it that had it."""
        for number in sorted(self.documents, reverse=True):
            if number <= version:
                for one in self.documents[number]["indicators"]:
                    if one["code"] == code:
                        return one
        raise LookupError(code)

    def absent(self, code: str, unit: str, months: Iterable[int]) -> bool:
        """Tell whether an indicator applies to a unit in none of these months; of a stock in the last."""
        ruled = [(month, one) for month in months if (one := self.ruling(month)) is not None]
        if not ruled:
            return False
        last = ruled[-1][1]
        spec = next((one for one in last["indicators"] if one["code"] == code), None)
        stock = spec is not None and last["measures"][spec["measure"]].get("kind") == "stock"
        return all(_absent(one, code, unit, month) for month, one in (ruled[-1:] if stock else ruled))


async def totals(database: asyncpg.Connection) -> list[str]:
    """C6: the total or range that was last told of every unit is the sum of its figures, rescaled."""
    schemes = await adopted(database)
    figures: dict[Group, dict[int, dict[str, Figures]]] = defaultdict(lambda: defaultdict(dict))
    for row in await database.fetch("SELECT * FROM ranking.figures"):
        group = row["scheme"], row["grp"], row["period"]
        read = Figures(json.loads(row["worth"]), json.loads(row["points"]))
        figures[group][row["version"]][row["unit"]] = read
    wrong: list[str] = []
    for row in await database.fetch("SELECT * FROM ranking.places"):
        group = row["scheme"], row["grp"], row["period"]
        if row["scheme"] not in schemes or not figures[group]:
            continue
        version = max(figures[group])
        known = figures[group][version].get(row["unit"], Figures({}, {}))
        wanted = _wanted(list(shares(schemes[row["scheme"]], version, group, row["unit"], known)))
        if (told := (row["points"], row["low"], row["high"])) != wanted:
            wrong.append(f"{group} {row['unit']}: its figures come to {wanted}, told was {told}")
    return wrong


def shares(versions: Versions, version: int, group: Group, unit: str, figures: Figures) -> Iterable[Share]:
    """Yield every indicator that is due to a unit in a period, or has a figure there."""
    document, months = versions.documents[version], folding.months_of(group[2], versions.first_month)
    due = {
        one["code"]
        for one in document["indicators"]
        if group[1] in one["groups"]
        and unit in (one.get("units") or [unit])
        and is_due(one, months, versions.first_month)
    }
    for code in sorted(due | figures.worth.keys()):
        one = versions.indicator(code, version)
        points = Fraction(figures.points[code], PARTS) if code in figures.points else Fraction(one["points"])
        worth = figures.worth.get(code)
        yield Share(
            board=one.get("board"),
            points=points,
            worth=None if worth is None else Fraction(worth, PARTS),
            applies=not versions.absent(code, unit, window(one, months)),
            deducts="deduct" in one["method"],
        )


def is_due(indicator: Document, months: Sequence[int], first_month: int = 1) -> bool:
    """Tell whether a cycle ends in a period, or a named day lies in it; deductions and bonuses are due."""
    if (days := days_of(indicator)) is not None:
        return not days.isdisjoint(months)
    cycle = MONTHS_OF.get(indicator.get("cycle", "month"), 1)
    return _is_always_due(indicator) or any((month + 2 - first_month) % cycle == 0 for month in months)


def days_of(indicator: Document) -> set[int] | None:
    """Return the months of the days that an indicator names to be assessed at; None where it names none."""
    days = [*indicator.get("dates", ()), *(one["due"] for one in indicator.get("milestones", ()))]
    if not days or _is_always_due(indicator):
        return None
    return {int(day[:4]) * 12 + int(day[5:7]) - 1 for day in days}


def window(indicator: Document, months: Sequence[int]) -> list[int]:
    """Return the months that a figure is taken from: the period's, those of a longer cycle, or of days."""
    if (days := days_of(indicator)) is not None:
        return [month for month in months if month in days]
    cycle = MONTHS_OF.get(indicator.get("cycle", "month"), 1)
    first = months[0] if _is_always_due(indicator) or cycle <= len(months) else months[-1] + 1 - cycle
    return list(range(first, months[-1] + 1))


def _is_always_due(indicator: Document) -> bool:
    return not {"deduct", "bonus"}.isdisjoint(indicator["method"])


def _wanted(found: list[Share]) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return points, or the range while something has no data or nothing but a bonus is due."""
    sums = total(found)
    applying = [one for one in found if one.applies]
    whole = any(one.board for one in applying) and all(one.worth is not None for one in applying)
    return (sums.low, None, None) if whole else (None, sums.low, sums.high)


async def adopted(database: asyncpg.Connection) -> dict[str, Versions]:
    """Return the schemes in force; trials have a code that no scheme has, overlays are no boards."""
    found: dict[str, dict[int, Document]] = defaultdict(dict)
    rows = await database.fetch("SELECT code, version, document::text FROM ranking.schemes")
    for row in rows:
        if "~" not in row["code"]:
            found[row["code"]][row["version"]] = json.loads(row["document"])
    return {
        code: Versions(documents)
        for code, documents in found.items()
        if not any(one.get("overlays") for one in documents.values())
    }


def _covered(document: Document) -> range:
    head = document["scheme"]
    first, last = (folding.months_of(head[name])[0] for name in ("effective", "until"))
    return range(first, last + 1)


def _absent(document: Document, code: str, unit: str, month: int) -> bool:
    for indicator in document["indicators"]:
        if indicator["code"] == code:
            return any(
                unit in one["units"] and month in _span(document, one)
                for one in indicator.get("not_applicable", ())
            )
    return False


def _span(document: Document, absence: Document) -> range:
    covered = _covered(document)
    first = folding.months_of(absence["from"])[0] if absence.get("from") else covered[0]
    last = folding.months_of(absence["until"])[0] if absence.get("until") else covered[-1]
    return range(first, last + 1)
