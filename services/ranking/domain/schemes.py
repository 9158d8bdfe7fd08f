"""A version of a scheme as ranking needs it, in one period or in all."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from services.ranking.domain.documents import (
    Document,
    absences,
    calendar_of,
    covers,
    groups_of_units,
    is_due,
    is_for,
    named_months,
    overlay_of,
    points_of,
    window,
    within,
)
from services.ranking.domain.rows import NO_ROW, NO_SILENCE, Row, Silence, VersionUnit
from services.ranking.domain.scores import Kind
from services.ranking.domain.standings import DUE, Figure, Rules
from services.ranking.domain.tiers import Tier
from shared.kernel.figures import FigureState
from shared.kernel.periods import Period, PeriodCalendar
from shared.kernel.points import of_parts, parts_of, short_text

Figures = dict[str, list[Figure]]
V = TypeVar("V")


@dataclass(frozen=True)
class Scheme:
    """A version of a scheme as ranking needs it, in one period or in all.

    `before` are the versions that ruled months of the period before it, the newest first: what they have
    alone counts there too. `earlier` are those that ruled months of the year before the period, the newest
    first: what is due at the end of a longer cycle is taken from these too.
    """

    version: int
    document: Document
    before: tuple[Document, ...] = ()
    earlier: tuple[Document, ...] = ()

    @cached_property
    def calendar(self) -> PeriodCalendar:
        """The calendar of its periods."""
        return calendar_of(self.document)

    @cached_property
    def rules(self) -> Rules:
        """What the scheme says of its standings."""
        gate = self.document.get("ranking", {}).get("minimum_volume") or {"at_least": 0}
        tiers = tuple(Tier(tier["code"], Decimal(tier["share"])) for tier in self.document.get("tiers", ()))
        return Rules(places=self.document["scheme"].get("places", 2), tiers=tiers, at_least=gate["at_least"])

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """The version, then those before it."""
        return self.document, *self.before

    @cached_property
    def _of_year(self) -> tuple[Document, ...]:
        """Its documents, then those before the period; the first that covers a month rules it."""
        return *self.documents, *self.earlier

    @cached_property
    def indicators(self) -> tuple[Document, ...]:
        """The indicators of the version, then those of the versions before it."""
        return tuple(one for document in self.documents for one in document["indicators"])

    @cached_property
    def _groups(self) -> tuple[dict[str, frozenset[str]], ...]:
        return tuple(groups_of_units(document) for document in self._of_year)

    def _indicators_of(self, version: Document, group: str, unit: str) -> list[Document]:
        """Return the indicators of a unit of the group in a version, by the groups that had it there."""
        at = next(at for at, one in enumerate(self._of_year) if one is version)
        groups = self._groups[at].get(unit, frozenset())
        groups = {group} if group in groups else groups
        return [one for one in version["indicators"] if is_for(one, groups, unit)]

    @cached_property
    def boards(self) -> dict[str, str]:
        """The titles of the boards by their codes, those of the versions before it too."""
        documents = reversed(self.documents)
        return {
            one["code"]: one.get("title", one["code"]) for each in documents for one in each.get("boards", ())
        }

    @cached_property
    def overlays(self) -> dict[str, Document]:
        """The special assessments (专项考评) by their codes, those of the versions before it too."""
        documents = reversed(self.documents)
        return {one["code"]: one for each in documents for one in each.get("overlays", ())}

    @cached_property
    def titles(self) -> dict[str, str]:
        """The titles of boards and overlays by their codes."""
        return self.boards | {code: one["name"] for code, one in self.overlays.items()}

    @cached_property
    def beside(self) -> frozenset[str]:
        """The indicators of overlays that stand beside the total."""
        found = {code for code, one in self.overlays.items() if one["counts"] == "beside"}
        return frozenset(one["code"] for one in self.indicators if one.get("overlay") in found)

    def counted(self, told: Mapping[str, V]) -> Mapping[str, V]:
        """Return of what is told of indicators what counts in the total, or may."""
        if not self.beside or self.beside.isdisjoint(told):
            return told
        return {code: value for code, value in told.items() if code not in self.beside}

    @cached_property
    def measures(self) -> dict[str, Document]:
        """The measures by name, those of the versions before it too."""
        documents = reversed(self.documents)
        return {name: one for each in documents for name, one in each.get("measures", {}).items()}

    @cached_property
    def points(self) -> dict[str, int]:
        """The points of every indicator, in parts of 10^-12; outside boards and overlays there are none."""
        return {one["code"]: parts_of(points_of(one)) for one in reversed(self.indicators)}

    def indicator(self, code: str) -> Document:
        """Return an indicator as the newest version has it."""
        return self._newest(code)[1]

    def _newest(self, code: str, period: Period | None = None) -> tuple[Document, Document]:
        """Return the newest version that has an indicator, and it; one that has it in a period, if any."""
        having = self._having[code]
        there = having if period is None else [pair for pair in having if within(*pair, period)]
        return (there or having)[0]

    @cached_property
    def _having(self) -> dict[str, list[tuple[Document, Document]]]:
        found: dict[str, list[tuple[Document, Document]]] = {}
        for each in self.documents:
            for one in each["indicators"]:
                found.setdefault(one["code"], []).append((each, one))
        return found

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Where the points of every indicator stand, and whether it deducts."""
        return {
            one["code"]: Kind(
                one.get("board"), self.points[one["code"]], "deduct" in one["method"], one.get("overlay")
            )
            for one in reversed(self.indicators)
        }

    def kinds_with(self, points: Mapping[str, int]) -> Mapping[str, Kind]:
        """Return the same with points that were told beside figures."""
        told = {code: self.kinds[code]._replace(points=found) for code, found in points.items()}
        return {**self.kinds, **told} if told else self.kinds

    def absent(self, group: str, period: str) -> dict[str, frozenset[str]]:
        """Return by unit of a group what is due in a period and does not apply to it, if anything."""
        wanted, found = self.calendar.parse(period), dict[str, set[str]]()
        for code in {one["code"] for one in self.indicators if one.get("not_applicable")}:
            document, one = self._newest(code, wanted)
            if is_due(document, one, wanted):
                months = self._taken_from(code, wanted)
                for unit in self._named_absent(code):
                    said = [
                        told for at in months if (told := self._is_absent(code, group, unit, at)) is not None
                    ]
                    if said and all(said):
                        found.setdefault(unit, set()).add(code)
        members = self.members(group)
        return {unit: frozenset(codes) for unit, codes in found.items() if unit in members}

    def _named_absent(self, code: str) -> set[str]:
        mine = [one for one in self.indicators if one["code"] == code]
        return {unit for one in mine for said in one.get("not_applicable", ()) for unit in said["units"]}

    def _is_absent(self, code: str, group: str, unit: str, month: str) -> bool | None:
        """Tell whether an indicator does not apply to a unit in a month; None: it does not have it."""
        mine = self._in_month(code, group, unit, month)
        return None if mine is None else bool(absences(mine, unit, month))

    def _in_month(self, code: str, group: str, unit: str, month: str) -> Document | None:
        """Return an indicator of a unit as the version that rules a month has it."""
        ruling = self._ruling(month)
        return next((one for one in self._indicators_of(ruling, group, unit) if one["code"] == code), None)

    def _ruling(self, month: str) -> Document:
        return next(one for one in self._of_year if covers(one, month))

    def reason(self, indicator: str, group: str, unit: str, period: str) -> str | None:
        """Return why an indicator does not apply to a unit in a period, as said of its months."""
        months = self._taken_from(indicator, self.calendar.parse(period))
        of_months = ((month, self._in_month(indicator, group, unit, month)) for month in months)
        said = [one for month, mine in of_months if mine is not None for one in absences(mine, unit, month)]
        return "；".join(dict.fromkeys(one["reason"] for one in said)) or None

    def _taken_from(self, code: str, period: Period) -> list[str]:
        """Return the months of the scheme that a figure is taken from; of a stock that is the last.

        Where the newest version names days they are those; else each names its own. Of an overlay each
        version has its own months, and none unless one lies in the period.
        """
        document, indicator = self._newest(code, period)
        if indicator.get("overlay"):
            months = self._of_overlay(code, period)
        else:
            there = [str(at) for at in window(document, indicator, period)]
            months = [at for at in there if any(covers(one, at) for one in self._of_year)]
            if named_months(indicator) is None:
                months = [at for at in months if self._names(code, at)]
        measure = self.document.get("measures", {}).get(indicator.get("measure"), {})
        return months[-1:] if measure.get("kind") == "stock" else months

    def _of_overlay(self, code: str, period: Period) -> list[str]:
        """Return the months that versions take of an overlay, each those that it rules."""
        return sorted(
            str(at)
            for each in self._of_year
            for one in each["indicators"]
            if one["code"] == code
            for at in window(each, one, period)
            if covers(each, str(at)) and self._ruling(str(at)) is each
        )

    def _names(self, code: str, month: str) -> bool:
        """Tell whether the version that rules a month assesses it, as one of its days or without any."""
        ruling = next(at for at, one in enumerate(self._of_year) if covers(one, month))
        days = self._days[ruling].get(code)
        return days is None or month in days

    @cached_property
    def _days(self) -> tuple[dict[str, frozenset[str]], ...]:
        return tuple(
            {one["code"]: days for one in each["indicators"] if (days := named_months(one)) is not None}
            for each in self._of_year
        )

    def due(self, group: str, period: str) -> dict[str, dict[str, int]]:
        """Return by unit of a group the points of what it is due in a period."""
        at = self.calendar.parse(period)
        document = self.document
        due = [one for one in document["indicators"] if group in one["groups"] and is_due(document, one, at)]
        common = {one["code"]: self.points[one["code"]] for one in due if not one.get("units")}
        found = dict.fromkeys(self.members(group), common)
        for one in due:
            for unit in found.keys() & set(one.get("units", ())):
                found[unit] = {**found[unit], one["code"]: self.points[one["code"]]}
        for unit in found if self.before else ():
            gone = self._gone(group, unit, at)
            found[unit] = {**found[unit], **{code: self.points[code] for code in gone}}
        return found

    def _gone(self, group: str, unit: str, period: Period) -> set[str]:
        """Return what a unit was due in the months of the versions before and no longer has, or has later."""
        newest = self._indicators_of(self.document, group, unit)
        newer, found = {one["code"] for one in newest if _lies_in(self.document, one, period)}, set[str]()
        for document, until in zip(self.before, self.documents, strict=False):
            mine = [
                one
                for one in self._indicators_of(document, group, unit)
                if one["code"] not in newer
                and _lies_in(document, one, period)
                and _began(document, one, before=until)
            ]
            newer |= {one["code"] for one in mine}
            found |= {one["code"] for one in mine if is_due(document, one, period)}
        return found

    def _outside(self, period: str) -> frozenset[str]:
        """Return the indicators of overlays that have no month in a period: there they are not at all.

        Nor are those of an overlay that a newer version drops before it begins.
        """
        at, there = self.calendar.parse(period), set[str]()
        for nth, document in enumerate(self.documents):
            for one in document["indicators"]:
                began = nth == 0 or _began(document, one, before=self.documents[nth - 1])
                if began and within(document, one, at):
                    there.add(one["code"])
        return frozenset(self._having.keys() - there)

    def figures(
        self,
        group: str,
        unit: str,
        due: Collection[str],
        row: Row | None,
        absent: Collection[str] = (),
        outside: Collection[str] = (),
    ) -> list[Figure]:
        """Return the figures of a unit: what came, and of what did not whether it is due and applies.

        What is `outside` its months is not there at all.
        """
        row = row or NO_ROW
        kinds = self.kinds_with(row.points)
        mine = {one["code"] for each in self.documents for one in self._indicators_of(each, group, unit)}
        found: dict[str, Figure] = {}
        for one in self.indicators:
            code = one["code"]
            if code not in found and (code in row.worth or (code in mine and code not in outside)):
                value = None if code in absent else row.worth.get(code)
                state = FigureState.NOT_DUE
                if code in absent:
                    state = FigureState.NOT_APPLICABLE
                elif code in due or code in row.worth:
                    state = FigureState.NOT_ASSESSED if value is None else FigureState.SCORED
                points = Decimal(short_text(kinds[code].points) if code in row.points else points_of(one))
                worth = None if value is None else of_parts(value)
                found[code] = Figure(
                    code,
                    kinds[code].board,
                    points,
                    worth,
                    state,
                    row.volume,
                    kinds[code].deducts,
                    overlay=kinds[code].overlay,
                    beside=code in self.beside,
                )
        return list(found.values())

    def members(self, group: str) -> dict[str, str]:
        """Return the names of a group's units by their codes; none if the scheme has no such group."""
        level = self.document["groups"].get(group, {}).get("level")
        return {unit["code"]: unit["name"] for unit in self.document["units"] if unit["level"] == level}

    def silent(
        self, group: str, unit: str, period: Period, told: Mapping[VersionUnit, Silence]
    ) -> frozenset[str]:
        """Return the indicators of a unit of whose events a feed is silent in months that a period takes."""
        versions = (one["scheme"]["version"] for one in self._of_year)
        found = {code for one in versions for code in told.get((one, unit), NO_SILENCE).months}
        return frozenset(
            code
            for code in found & self.points.keys()
            if any(
                month in self._silence(unit, month, told).get(code, ())
                and not self._is_absent(code, group, unit, month)
                for month in self._taken_from(code, period)
            )
        )

    def _silence(
        self, unit: str, month: str, told: Mapping[VersionUnit, Silence]
    ) -> Mapping[str, Sequence[str]]:
        """Return what the version that rules a month was told to be silent of a unit."""
        return told.get((self._ruling(month)["scheme"]["version"], unit), NO_SILENCE).months

    def group_figures(
        self,
        group: str,
        period: str,
        rows: Mapping[str, Row],
        silences: Mapping[VersionUnit, Silence] | None = None,
    ) -> Figures:
        """Return by unit of a group the figures of a period, those of silent feeds marked stale."""
        found = self._group_figures(group, period, rows)
        for unit in {unit for _, unit in silences or {}} & found.keys():
            silent = self.silent(group, unit, self.calendar.parse(period), silences or {})
            found[unit] = [
                replace(one, stale=one.state in DUE and one.indicator in silent) for one in found[unit]
            ]
        return found

    def _group_figures(self, group: str, period: str, rows: Mapping[str, Row]) -> Figures:
        absent, outside = self.absent(group, period), self._outside(period) if self.overlays else ()
        return {
            unit: self.figures(group, unit, due, rows.get(unit), absent.get(unit, ()), outside)
            for unit, due in self.due(group, period).items()
        }


def _lies_in(document: Document, indicator: Document, period: Period) -> bool:
    """Tell whether a version has an indicator in any month of a period: of an overlay in its own alone."""
    return indicator.get("overlay") is None or bool(within(document, indicator, period))


def _began(document: Document, indicator: Document, *, before: Document) -> bool:
    """Tell whether what a version says of an indicator begins before a newer version does."""
    overlay = overlay_of(document, indicator)
    return overlay is None or overlay["from"] < before["scheme"]["effective"]
