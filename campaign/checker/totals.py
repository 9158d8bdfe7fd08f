"""C6 of any scheme: what was last told of a unit is what its figures come to, as its document says."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import asyncpg

from campaign.checker import folding
from campaign.checker.cycles import Document, days_of, is_due, overlay_of, own_months, window
from campaign.checker.found import Found
from campaign.checker.rescaling import Share, total

Group: TypeAlias = tuple[str, str, str]
PARTS = 10**12


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a unit in a period, and the points of those that versions share, in parts of 10^-12."""

    worth: Mapping[str, int | None]
    points: Mapping[str, int]


@dataclass(frozen=True)
class Versions:
    """The versions of a scheme by their number; the newest that covers a month rules it."""

    documents: Mapping[int, Document]

    @property
    def places(self) -> int:
        """How many places the newest version prints."""
        return int(self.documents[max(self.documents)]["scheme"].get("places", 2))

    @cached_property
    def by_month(self) -> Mapping[int, Document]:
        """The version that rules each month."""
        in_order = (self.documents[number] for number in sorted(self.documents))
        return {month: one for one in in_order for month in _covered(one)}

    @cached_property
    def excepted(self) -> frozenset[str]:
        """The indicators of which any version says that they do not apply to somebody."""
        return frozenset(
            one["code"]
            for document in self.documents.values()
            for one in document["indicators"]
            if one.get("not_applicable")
        )

    @property
    def first_month(self) -> int:
        """The month in which years begin, 1 to 12, by all of them."""
        (found,) = {one["scheme"].get("first_month", 1) for one in self.documents.values()}
        return int(found)

    def ruling(self, month: int) -> Document | None:
        """Return the version that rules a month."""
        return self.by_month.get(month)

    def upto(self, version: int) -> "Versions":
        """Return the versions as they were before any newer one."""
        return Versions({number: one for number, one in self.documents.items() if number <= version})

    def newest(self, code: str) -> tuple[Document, Document]:
        """Return the newest version that has an indicator, and the indicator as it has it."""
        return self._newest[code]

    def asking(self, code: str, months: Iterable[int]) -> tuple[Document, Document]:
        """Return the newest version of months that has an indicator in them, and it; else the newest."""
        asked = list(months)
        ruling = {id(self.ruling(month)) for month in asked}
        for number in sorted(self.documents, reverse=True):
            document = self.documents[number]
            for one in document["indicators"] if id(document) in ruling else ():
                if one["code"] == code and _is_within(document, one, asked):
                    return document, one
        return self.newest(code)

    @cached_property
    def _newest(self) -> Mapping[str, tuple[Document, Document]]:
        in_order = (self.documents[number] for number in sorted(self.documents))
        return {one["code"]: (document, one) for document in in_order for one in document["indicators"]}

    def taken(self, code: str, months: Sequence[int]) -> list[int]:
        """Return the months that a figure is taken from: of days those that the newest version names.

        Where it names none, and of an overlay, each version names the days of its own months; of an overlay
        each has its months, too.
        """
        document, one = self.asking(code, months)
        if overlay_of(document, one) is not None:
            return self._of_overlay(code, months)
        if days_of(one) is not None:
            return window(one, months, self.first_month)
        plain = {name: value for name, value in one.items() if name not in {"dates", "milestones"}}
        return [month for month in window(plain, months, self.first_month) if self.assesses(code, month)]

    def _of_overlay(self, code: str, months: Sequence[int]) -> list[int]:
        """Return the months that versions take of an overlay and rule; of one without a month there none."""
        return sorted(
            month
            for document in self.documents.values()
            for one in document["indicators"]
            if one["code"] == code
            for month in window(one, months, self.first_month, own_months(document, one))
            if self.ruling(month) is document
        )

    def assesses(self, code: str, month: int) -> bool:
        """Tell whether the version that rules a month assesses it: in its overlay, at one of its days."""
        document = self.ruling(month)
        if document is None or not has_indicator(document, code):
            return True
        one = next(one for one in document["indicators"] if one["code"] == code)
        return all(only is None or month in only for only in (own_months(document, one), days_of(one)))

    def absent(self, code: str, unit: str, months: Iterable[int]) -> bool:
        """Tell whether an indicator applies to a unit in none of these months; of a stock in the last.

        Months of a version that does not have it say nothing.
        """
        ruled = [(month, one) for month in months if (one := self.ruling(month)) is not None]
        if code not in self.excepted or not ruled:
            return False
        last = ruled[-1][1]
        spec = next((one for one in last["indicators"] if one["code"] == code), None)
        stock = spec is not None and last["measures"][spec["measure"]].get("kind") == "stock"
        having = [pair for pair in (ruled[-1:] if stock else ruled) if has_indicator(pair[1], code)]
        return bool(having) and all(_absent(one, code, unit, month) for month, one in having)


async def totals(database: asyncpg.Connection) -> Found:
    """C6: the total or range that was last told of every unit is the sum of its figures, rescaled."""
    schemes = await adopted(database)
    upto = {
        (code, version): found.upto(version) for code, found in schemes.items() for version in found.documents
    }
    figures: dict[Group, dict[int, dict[str, Figures]]] = defaultdict(lambda: defaultdict(dict))
    for row in await database.fetch("SELECT * FROM ranking.figures"):
        group = row["scheme"], row["grp"], row["period"]
        read = Figures(json.loads(row["worth"]), json.loads(row["points"]))
        figures[group][row["version"]][row["unit"]] = read
    wrong: list[str] = []
    compared = 0
    for row in await database.fetch("SELECT * FROM ranking.places"):
        group = row["scheme"], row["grp"], row["period"]
        if row["scheme"] not in schemes or not figures[group]:
            continue
        compared += 1
        version = max(figures[group])
        known = figures[group][version].get(row["unit"], Figures({}, {}))
        versions = upto[row["scheme"], version]
        wanted = told_of(list(shares(versions, group, row["unit"], known)), versions.places)
        if (told := (row["points"], row["low"], row["high"])) != wanted:
            wrong.append(f"{group} {row['unit']}: its figures come to {wanted}, told was {told}")
    return Found(wrong, totals=compared)


def shares(versions: Versions, group: Group, unit: str, figures: Figures) -> Iterator[Share]:
    """Yield every indicator that is due to a unit in a period, or has a figure there, and is in the total."""
    months = folding.months_of(group[2], versions.first_month)
    for code in sorted(due(versions, group[1], unit, months) | figures.worth.keys()):
        document, one = versions.newest(code)
        overlay = overlay_of(document, one)
        if overlay is not None and overlay["counts"] == "beside":
            continue
        points = Fraction(figures.points[code], PARTS) if code in figures.points else Fraction(one["points"])
        worth = figures.worth.get(code)
        yield Share(
            board=one.get("board"),
            points=points,
            worth=None if worth is None else Fraction(worth, PARTS),
            applies=not versions.absent(code, unit, versions.taken(code, months)),
            deducts="deduct" in one["method"],
            overlay=one.get("overlay"),
        )


def due(versions: Versions, group: str, unit: str, months: Sequence[int]) -> set[str]:
    """Return what is due to a unit by the newest version, and what others before it alone had in the period.

    They have it by the unit's groups there; an overlay that had not begun as another left it out never was.
    """
    newest = max(versions.documents)
    ruling = {id(one) for month in months if (one := versions.ruling(month)) is not None}
    found, known = set[str](), set[str]()
    until: Document | None = None
    for number in sorted(versions.documents, reverse=True):
        document = versions.documents[number]
        if number != newest and id(document) not in ruling:
            continue
        groups = {group} if until is None else groups_in(document, group, unit)
        asked = {
            one["code"]: is_due(one, months, versions.first_month, own)
            for one in document["indicators"]
            if is_for(one, groups, unit) and _is_within(document, one, months)
            for own in (own_months(document, one),)
            if until is None or own is None or own[0] < _covered(until)[0]
        }
        found |= {code for code, is_owed in asked.items() if is_owed and code not in known}
        known |= asked.keys()
        until = document
    return found


def is_for(indicator: Document, groups: set[str], unit: str) -> bool:
    """Tell whether a unit of groups has an indicator."""
    return not groups.isdisjoint(indicator["groups"]) and unit in (indicator.get("units") or [unit])


def has_indicator(document: Document, code: str) -> bool:
    """Tell whether a version has an indicator."""
    return any(one["code"] == code for one in document["indicators"])


def groups_of(document: Document, unit: str) -> set[str]:
    """Return the groups that a unit is in by a version."""
    levels = {one["code"]: one["level"] for one in document.get("units", ())}
    return {name for name, one in document.get("groups", {}).items() if one["level"] == levels.get(unit)}


def groups_in(document: Document, group: str, unit: str) -> set[str]:
    """Return by which groups a version gives a unit what it brings to a group: that one, if it is in it."""
    mine = groups_of(document, unit)
    return {group} if group in mine else mine


def told_of(found: list[Share], places: int) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Return points, or the range while something has no data or nothing but a bonus is due."""
    sums = total(found, places)
    applying = [one for one in found if one.applies]
    whole = any(one.board or one.overlay for one in applying) and all(
        one.worth is not None for one in applying
    )
    return (sums.low, None, None) if whole else (None, sums.low, sums.high)


async def adopted(database: asyncpg.Connection) -> dict[str, Versions]:
    """Return the schemes in force; trials have a code that no scheme has."""
    found: dict[str, dict[int, Document]] = defaultdict(dict)
    rows = await database.fetch("SELECT code, version, document::text FROM ranking.schemes")
    for row in rows:
        if "~" not in row["code"]:
            found[row["code"]][row["version"]] = json.loads(row["document"])
    return {code: Versions(documents) for code, documents in found.items()}


def _is_within(document: Document, indicator: Document, months: Iterable[int]) -> bool:
    """Tell whether a version has an indicator in any of these months: one of an overlay in its own alone."""
    own = own_months(document, indicator)
    return own is None or any(month in own for month in months)


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
