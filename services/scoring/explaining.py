"""Reads a cell back from the tables: the figure, the formula, and the cases behind it, a page at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import msgspec

from services.scoring import cases, cursors, facts, inputs, store
from services.scoring.cases import Case, Found
from services.scoring.contract import ACCEPTED
from services.scoring.domain.absences import absences
from services.scoring.domain.derived import PointsPlan, following, points_plan
from services.scoring.domain.document import IndicatorSpec, SchemeDocument
from services.scoring.domain.explanation import Asked, ExplainedRow, explain, home_of, leaves_of
from services.scoring.domain.facts import standing
from services.scoring.domain.figures import (
    NOT_APPLICABLE,
    Worth,
    compared_worth,
    is_due,
    merged,
    window,
    worth,
)
from services.scoring.domain.groups import placed
from services.scoring.domain.measures import AnyMeasure
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.parts import Parted, Share, Succession, combined, shares_of, successions
from services.scoring.domain.plan import CompiledMeasure, Plan, compile_plan, event_types, measure_id
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.versions import ruled
from services.scoring.plans import group_shard
from services.scoring.reports import Catalogue, catalogue_of, report_of, stored_events
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.errors import refuse
from shared.kernel.figures import FigureState
from shared.kernel.periods import Month, Period
from shared.kernel.points import of_parts, short_text
from shared.kernel.reigns import Months
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

SCHEMES_KEPT = 8
VERSIONS_KEPT = 32
UNITS_PER_QUERY = 50
CASES_PER_QUERY = 200
PLACES_PER_QUERY = 20
CASES_PER_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Loaded:
    """An adopted version of a scheme, ready to explain its cells."""

    document: SchemeDocument
    plan: Plan
    points: PointsPlan
    catalogue: Catalogue

    @property
    def id(self) -> tuple[str, int]:
        """Code and version."""
        return self.document.scheme.code, self.document.scheme.version


@dataclass(frozen=True, slots=True)
class Question:
    """A cell that was asked for, and what of the scheme concerns it.

    Of a figure that is made of parts `parted` says how, and `pieces` are the questions to the versions that
    rule its months; `months` are those of such a piece. `ended` says that another version rules them now.
    """

    scheme: Loaded
    period: Period
    unit: str
    indicator: IndicatorSpec
    groups: tuple[str, ...]
    line: Succession | None = None
    parted: Parted | None = None
    months: tuple[int, ...] = ()
    pieces: tuple["Question", ...] = ()
    ended: bool = False

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions of the scheme that the figure comes from."""
        if self.line is None:
            return (self.scheme.id[1],)
        return tuple(plan.version for plan in self.line.plans)

    @property
    def each(self) -> tuple["Question", ...]:
        """The questions to the versions that rule its months, one of them or several."""
        return self.pieces or (self,)

    @property
    def name(self) -> str:
        """The cell in one text."""
        return f"{self.scheme.plan.id} {self.period} {self.unit} {self.indicator.code}"

    @property
    def unit_path(self) -> str:
        """The unit below those above it, as tokens write it."""
        return "/" + "/".join(reversed(self.scheme.plan.above[self.unit]))

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of the unit, and that of the indicator's assessor, if it is a unit of the scheme."""
        above = self.scheme.plan.above.get(self.indicator.assessor)
        return self.unit_path, *(() if above is None else ("/" + "/".join(reversed(above)),))

    @property
    def spec(self) -> AnyMeasure:
        """The measure as the scheme writes it."""
        return self.scheme.document.measures[self.indicator.measure]

    @property
    def measures(self) -> tuple[CompiledMeasure, ...]:
        """The compiled measures of events that the figure takes, that of the indicator first."""
        names = dict.fromkeys((self.indicator.measure, *self.indicator.method.further_measures.values()))
        known = {one.id: one for found in self.scheme.plan.measures.values() for one in found}
        return tuple(known[measure_id(self.scheme.document, name)] for name in names)

    @property
    def is_ratio(self) -> bool:
        """Whether the measure has a denominator."""
        return self.spec.denominator is not None

    @property
    def window(self) -> tuple[Month, ...]:
        """The months whose entries and cases concern the figure."""
        if self.months:
            return tuple(map(Month.of_ordinal, self.months))
        return window(self.indicator, self.period)

    @property
    def absent(self) -> frozenset[str]:
        """The units to which the indicator does not apply in any of the months that are taken."""
        at = self.window[0].ordinal, self.window[-1].ordinal
        found = absences(self.scheme.document, self.indicator)
        return frozenset(unit for unit, absence in found.items() if absence.covers(at))

    @property
    def last(self) -> int:
        """The last month that concerns the figure."""
        return self.window[-1].ordinal

    @property
    def among(self) -> tuple[str, ...]:
        """The units whose values the figure depends on: the whole group where the method compares them."""
        if self.indicator.method.comparing is None:
            return (self.unit,)
        document = self.scheme.document
        level = document.groups[self.groups[0]].level
        units = [one.code for one in document.units if one.level == level]
        return tuple(unit for unit in units if self.indicator.is_for(unit))

    @property
    def takers(self) -> tuple[IndicatorSpec, ...]:
        """The indicators of the unit that take the measure, for themselves or as a further one."""
        document, name = self.scheme.document, self.indicator.measure
        return tuple(
            one
            for one in document.indicators
            if name in {one.measure, *one.method.further_measures.values()}
            and self.unit in document.units_of(one)
        )

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What is asked of each case, by measure; a stock is made of all that came since the scheme began."""
        views, months = self.scheme.document.views, self.window
        first = self.scheme.plan.first if self.measures[0].stock else months[0].ordinal
        return tuple(
            Asked(self.unit, one, one.over in views, first, months[-1].ordinal) for one in self.measures
        )


@dataclass(frozen=True, slots=True)
class Read:
    """What a cell is worth and the sums it is made of; of one that is made of parts, the parts."""

    worth: Worth
    sums: Partials
    points: str
    shares: tuple[Share, ...] = ()


class Schemes:
    """Adopted versions, compiled once for the months that they rule; they never change."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, int], store.Scheme] = {}
        self._loaded: dict[tuple[str, int, Months], Loaded] = {}
        self._lines: dict[tuple[str, str, tuple[int, ...]], Succession] = {}

    async def question(
        self, tx: PostgresTransaction, scheme: tuple[str, int | None], cell: tuple[str, str, str]
    ) -> Question:
        """Find (period, unit, indicator) in a version, the newest for the period, or refuse with 404."""
        period = Period.parse(cell[0])
        version = await store.adopted_version(tx, *scheme, (str(period.first), str(period.last)))
        ruling = await self._ruling(tx, scheme[0], period)
        if version not in ruling or not _rules(ruling[version], period):
            found = await self._found(tx, scheme[0], version)
            loaded = self._load(found, ruled([found.document.scheme])[version])
            return replace(_question(loaded, period, cell), ended=version in ruling)
        loaded = [self._load(await self._found(tx, scheme[0], one), months) for one, months in ruling.items()]
        if len(loaded) == 1:
            return _question(loaded[0], period, cell)
        points = {one.plan.id: one for one in following(one.points for one in loaded)}
        loaded = [replace(one, points=points[one.plan.id]) for one in loaded]
        return await self._among(tx, loaded, period, cell, version)

    async def covering(self, tx: PostgresTransaction, code: str, month: str) -> SchemeDocument:
        """Return the newest adopted version of a scheme that covers a month, or refuse with 404."""
        version = await store.adopted_version(tx, code, None, (month, month))
        return await self.adopted(tx, code, version)

    async def adopted(self, tx: PostgresTransaction, code: str, version: int) -> SchemeDocument:
        """Return the document of an adopted version."""
        return (await self._found(tx, code, version)).document

    async def _among(
        self,
        tx: PostgresTransaction,
        loaded: Sequence[Loaded],
        period: Period,
        cell: tuple[str, str, str],
        version: int,
    ) -> Question:
        """Ask the versions of a year: those that share the figure, else the one that rules the period."""
        mine = [one for one in loaded if _rules((one.plan.first, one.plan.last), period)]
        knowing = [one for one in mine if _knows(one, cell)]
        newest = next((one for one in knowing if one.id[1] == version), (knowing or mine)[-1])
        question = _question(newest, period, cell)
        line = self._line(loaded, question.groups[0])
        told = line.parted(cell[1], line.clock(await _sums_of(tx, line)))
        parted = next(
            (one for one in told if one.parts and (one.period, one.code) == (period, cell[2])), None
        )
        if parted is None:
            return question
        by_version = {one.id[1]: _question(one, period, cell) for one in loaded if _knows(one, cell)}
        pieces = [
            replace(by_version[chapter.plan.version], months=months)
            for part in parted.parts
            for chapter, months in part.pieces
        ]
        base = by_version[parted.parts[-1].newest.plan.version]
        return replace(base, line=line, parted=parted, pieces=tuple(pieces))

    async def _ruling(self, tx: PostgresTransaction, code: str, period: Period) -> dict[int, Months]:
        """Return the adopted versions that rule months of the year of a period."""
        year = str(period.year)
        found = [
            (await self._found(tx, code, version)).document.scheme
            for version in await store.adopted_numbers(tx, code, (f"{year}-01", f"{year}-12"))
        ]
        return ruled(found)

    def _line(self, loaded: Sequence[Loaded], group: str) -> Succession:
        key = loaded[0].id[0], group, tuple(one.id[1] for one in loaded)
        if key not in self._lines:
            while len(self._lines) >= SCHEMES_KEPT:
                self._lines.pop(next(iter(self._lines)))
            (self._lines[key],) = successions([one.document for one in loaded], lambda _, name: name == group)
        return self._lines[key]

    async def _found(self, tx: PostgresTransaction, code: str, version: int) -> store.Scheme:
        if (code, version) not in self._stored:
            while len(self._stored) >= VERSIONS_KEPT:
                self._stored.pop(next(iter(self._stored)))
            self._stored[code, version] = await store.scheme(tx, code, version)
        return self._stored[code, version]

    def _load(self, found: store.Scheme, months: Months) -> Loaded:
        document = found.document
        key = document.scheme.code, document.scheme.version, months
        if key not in self._loaded:
            plan = compile_plan(document, event_types(found.catalogue), months)
            while len(self._loaded) >= SCHEMES_KEPT:
                self._loaded.pop(next(iter(self._loaded)))
            points = points_plan(document, plan, found.catalogue)
            self._loaded[key] = Loaded(document, plan, points, catalogue_of(found.catalogue))
        return self._loaded[key]


def _question(loaded: Loaded, period: Period, cell: tuple[str, str, str]) -> Question:
    """Ask a version, or refuse what it does not score."""
    document = loaded.document
    level = next((one.level for one in document.units if one.code == cell[1]), None)
    indicator = next((one for one in document.indicators if one.code == cell[2]), None)
    if level is None or indicator is None:
        what = "unit" if level is None else "indicator"
        raise refuse(404, "not_found", f"The scheme has no such {what}.")
    groups = tuple(name for name in indicator.groups if document.groups[name].level == level)
    if not groups or not indicator.is_for(cell[1]):
        raise refuse(404, "not_scored", "The indicator is not for this unit.")
    return Question(loaded, period, cell[1], indicator, groups)


def _knows(loaded: Loaded, cell: tuple[str, str, str]) -> bool:
    """Tell whether a version scores the indicator for the unit."""
    document = loaded.document
    return any(one.code == cell[2] and cell[1] in document.units_of(one) for one in document.indicators)


def _rules(months: Months, period: Period) -> bool:
    return months[0] <= period.last.ordinal and period.first.ordinal <= months[1]


SmallInt = Annotated[int, msgspec.Meta(ge=-1, le=SHARDS)]
Int = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]


class Cursor(NamedTuple):
    """Where a page of rows goes on: a case under its place, and how many of its rows were told."""

    unit: str
    month: Int
    grp: bytes
    shard: SmallInt
    rows: Int


@dataclass(frozen=True, slots=True)
class Told:
    """A row of a measure with the events it was made of, by (source, id)."""

    row: ExplainedRow
    measure: CompiledMeasure
    events: Mapping[tuple[str, str], AcceptedEvent]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are wanted: that count or do not, that have a report in (stream, shard, first, last)."""

    counted: bool | None = None
    causes: Sequence[tuple[str, int, int, int]] | None = None

    def takes(self, told: Told) -> bool:
        """Tell whether a row is wanted."""
        row = told.row
        reports = (*row.facts, *(report for report, _ in row.left_out))
        return self.by_count(counted=row.reason is None) and any(
            self.caused(ACCEPTED, report.shard, report.number) for report in reports
        )

    def by_count(self, *, counted: bool) -> bool:
        """Tell whether rows that count, or do not, are wanted."""
        return self.counted in {None, counted}

    def caused(self, stream: str, shard: int, number: int) -> bool:
        """Tell whether a record is among the causes, where some are asked for."""
        return self.causes is None or any(
            (of, at) == (stream, shard) and first <= number <= last for of, at, first, last in self.causes
        )


async def figure(tx: PostgresTransaction, question: Question) -> Read:
    """Return what a cell is worth and the sums that it is made of."""
    document, indicator = question.scheme.document, question.indicator
    if question.ended:
        return Read(Worth(None, FigureState.NOT_ASSESSED), Partials(), indicator.points)
    if question.line is not None and question.parted is not None:
        return await _made_of_parts(tx, question, question.line, question.parted)
    shard = group_shard(document.scheme.code, question.groups[0])
    sums = await inputs.load(tx, shard, question.scheme.plan.id, question.among)
    by_unit = {unit: inputs.of_indicator(document, found, indicator) for unit, found in sums.items()}
    partials = by_unit[question.unit]
    if question.unit in question.absent and is_due(indicator, question.period):
        found = NOT_APPLICABLE
    elif indicator.method.comparing is None:
        found = worth(document, indicator, question.period, partials)
    else:
        there = {unit: of_unit for unit, of_unit in by_unit.items() if unit not in question.absent}
        found = compared_worth(document, indicator, question.period, there)[question.unit]
    found = _heard(question, found, sums[question.unit])
    total = merged(question.window, partials, stock=question.spec.kind == "stock")
    return Read(found, total, indicator.points)


async def _sums_of(tx: PostgresTransaction, line: Succession) -> dict[tuple[str, str], UnitSums]:
    """Return the sums of all units of a group, by version and unit."""
    shard = group_shard(line.code, line.name)
    return {
        (plan.id, unit): found
        for plan in line.plans
        for unit, found in (await inputs.load(tx, shard, plan.id, sorted(plan.units))).items()
    }


async def _made_of_parts(
    tx: PostgresTransaction, question: Question, line: Succession, parted: Parted
) -> Read:
    """Return a figure that several versions share, with its parts."""
    sums = await _sums_of(tx, line)
    shares = shares_of(line, parted, question.unit, sums)
    value = combined(parted, shares)
    state = FigureState.NOT_ASSESSED if value is None else FigureState.SCORED
    stale = any(one.stale for one in shares)
    found = Worth(None if value is None else of_parts(value), state, shares[-1].among, stale)
    points = question.indicator.points if parted.points is None else short_text(parted.points)
    return Read(found, shares[-1].sums, points, tuple(shares))


def _heard(question: Question, found: Worth, sums: UnitSums) -> Worth:
    """Mark a figure of a silent feed; one of no event at all is then not assessed."""
    one = placed(question.scheme.document, question.indicator)
    at = question.window[0].ordinal, question.window[-1].ordinal
    if found.state not in {FigureState.SCORED, FigureState.NOT_ASSESSED} or not one.is_stale(sums, at):
        return found
    if one.at_once and one.waits(sums, (question.scheme.plan.first, at[1]) if one.stock else at):
        return Worth(None, FigureState.NOT_ASSESSED, stale=True)
    return replace(found, stale=True)


async def rows(
    tx: PostgresTransaction, question: Question, after: Cursor | None, limit: int, wanted_by: Wanted
) -> tuple[list[Told], Cursor | None]:
    """Return a page of rows and where the next begins; it ends early where few of many are wanted."""
    page: list[Told] = []
    seen = 0
    async for found, case in _cases(tx, question, after[:4] if after else None):
        skip = after.rows if after and after[:4] == found else 0
        told = _rows(question, found, case)
        wanted = [one for one in told[skip:] if wanted_by.takes(one)]
        room = limit - len(page)
        if len(wanted) > room or seen == CASES_PER_PAGE:
            last = told.index(wanted[room - 1]) + 1 if room and wanted else skip
            return [*page, *wanted[:room]], Cursor(*found, last)
        page += wanted
        seen += 1
    return page, None


def _rows(question: Question, found: Found, case: Case) -> list[Told]:
    """Return the rows of a case, at the first place under which it is found and nowhere else."""
    events = stored_events(case.events)
    stands = standing(report_of(event, question.scheme.catalogue) for event in events)
    if home_of(question.scheme.plan, question.asked[0], stands) != found[:2]:
        return []
    by_id = {(event.source, event.id): event for event in events}
    told = [
        Told(row, asked.measure, by_id)
        for asked in question.asked
        for row in explain(question.scheme.plan, asked, stands)
    ]
    return _told_once(told)


def _told_once(told: Sequence[Told]) -> list[Told]:
    """Return of the rows that measures have of the same reports those that count, or else the first."""
    counted = {_reports(one) for one in told if one.row.reason is None}
    first: dict[tuple[str, tuple[int, ...]], Told] = {}
    for one in told:
        first.setdefault(_reports(one), one)
    return [
        one
        for one in told
        if one.row.reason is None or (_reports(one) not in counted and first[_reports(one)] is one)
    ]


def _reports(one: Told) -> tuple[str, tuple[int, ...]]:
    reports = (*one.row.facts, *(report for report, _ in one.row.left_out))
    return one.measure.over, tuple(report.number for report in reports)


async def _cases(
    tx: PostgresTransaction, question: Question, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the facts and then the cases found under a unit's leaves, from the one that a cursor names on."""
    asked = question.asked[0]
    months = range(asked.first, asked.last + 1)
    units = leaves_of(question.scheme.plan, asked.unit)
    if at is not None and (at[0] not in units or at[1] not in months):
        raise cursors.refused()
    among_facts = at is None or len(at[2]) == facts.NUMBER_BYTES
    async for one in _facts(tx, units if among_facts else (), months, at):
        yield one
    if among_facts:
        at = None
    elif at is not None:
        units = units[units.index(at[0]) :]
    async for one in _of_cases(tx, units, months, at):
        yield one


async def _of_cases(
    tx: PostgresTransaction, units: Sequence[str], months: range, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the cases."""
    while units:
        page = await cases.find(tx, units[:UNITS_PER_QUERY], months, at, CASES_PER_QUERY)
        known = await cases.load(tx, {(shard, grp) for _, _, grp, shard in page})
        for found in page:
            if (found[3], found[2]) in known:
                yield found, known[found[3], found[2]]
        if len(page) < CASES_PER_QUERY:
            units, at = units[UNITS_PER_QUERY:], None
        else:
            unit, month, grp, shard = page[-1]
            units, at = units[units.index(unit) :], (unit, month, grp, shard + 1)


async def _facts(
    tx: PostgresTransaction, units: Sequence[str], months: range, at: Found | None
) -> AsyncIterator[tuple[Found, Case]]:
    """Yield the facts that are reports of their own, a row at a time."""
    begin = None
    if units and at is not None:
        units = units[units.index(at[0]) :]
        begin = at[1], at[3], int.from_bytes(at[2], "big")
    while units:
        page = await facts.find(tx, units[:UNITS_PER_QUERY], months, begin, PLACES_PER_QUERY)
        for place in page:
            row = await facts.row(tx, place.shard, place.first)
            for case in facts.cases_at(row, place, await facts.revised(tx, row)):
                found = place.unit, place.month, case.grp, case.shard
                if at is None or found[:2] != at[:2] or found[3] != at[3] or found[2] >= at[2]:
                    yield found, case
        if len(page) < PLACES_PER_QUERY:
            units, begin = units[UNITS_PER_QUERY:], None
        else:
            units = units[units.index(page[-1].unit) :]
            begin = page[-1].month, page[-1].shard, page[-1].first + 1
