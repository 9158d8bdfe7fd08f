"""Finds the versions of a scheme that a cell is asked of; they never change, so they are compiled once."""

from collections.abc import Sequence
from dataclasses import replace

from services.scoring import inputs, store, trials
from services.scoring.domain.derived import following, points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.measures import ItemsSpec
from services.scoring.domain.parts import Parted, parted_of
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.successions import Succession, successions
from services.scoring.domain.trials import is_of_year
from services.scoring.domain.versions import ruled
from services.scoring.questions import Loaded, Question
from services.scoring.reports import catalogue_of
from services.scoring.trials import Trial
from shared.kernel.codes import is_trial, trial_code
from shared.kernel.errors import Refused, refuse
from shared.kernel.periods import Cycle, Period
from shared.kernel.reigns import Months
from shared.kernel.trees import paths_of
from shared.storage.transaction import PostgresTransaction

LINES_KEPT = 8
VERSIONS_KEPT = 32
WHOLE = "/"
NOT_FOUND = 404


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
        calendar = await store.calendar(tx, scheme[0])
        period = calendar.parse(cell[0])
        year = calendar.containing(period.first, Cycle.YEAR)
        version = await store.adopted_version(tx, *scheme, (str(period.first), str(period.last)))
        ruling = await self._ruling(tx, scheme[0], year)
        if version not in ruling or not _rules(ruling[version], period):
            found = await self._found(tx, scheme[0], version)
            loaded = self._load(found, ruled([found.document.scheme])[version])
            return replace(_question(loaded, period, cell), ended=version in ruling)
        loaded = [self._load(await self._found(tx, scheme[0], one), months) for one, months in ruling.items()]
        before = await self._before(tx, scheme[0], year, loaded)
        return await self._following(tx, (before, loaded), period, cell, version)

    async def tried(self, tx: PostgresTransaction, trial: Trial, cell: tuple[str, str, str]) -> Question:
        """Find (period, unit, indicator) in a running trial, or refuse.

        A period is explained that ends in the months of the trial, by all the versions that it scores.
        """
        name = trial_code(trial.code, trial.trial)
        found = [await self._found(tx, name, one) for one in (*trial.before, trial.version)]
        period = found[-1].document.calendar.parse(cell[0])
        if not trial.first <= str(period.last) <= trial.last:
            reason = f"The trial runs from {trial.first} to {trial.last}; name a period that ends in them."
            raise refuse(422, "outside_trial", reason, pointer="/period")
        ruling = ruled(one.document.scheme for one in found)
        known = [self._load(one, ruling[one.document.scheme.version]) for one in found]
        head = found[-1].document.scheme
        scored = [one for one in known if is_of_year(head, one.document.scheme)]
        before = [one for one in known if not is_of_year(head, one.document.scheme)]
        return await self._following(tx, (before, scored), period, cell, trial.version)

    async def paths_in_force(
        self, tx: PostgresTransaction, code: str, cell: tuple[str, str, str]
    ) -> tuple[str, ...]:
        """Return the paths of those who see a cell in force; of one that is not in force that of its unit.

        A unit that is in no version in force is seen with the whole tree alone.
        """
        try:
            return (await self.question(tx, (code, None), cell)).paths
        except Refused as refused:
            if refused.problem.status != NOT_FOUND:
                raise
        period = (await store.calendar(tx, code)).parse(cell[0])
        versions = await store.adopted_numbers(tx, code, (str(period.first), str(period.last)))
        units = (await self.adopted(tx, code, versions[-1])).units if versions else ()
        return (paths_of([{"code": one.code, "parent": one.parent} for one in units]).get(cell[1], WHOLE),)

    async def _following(
        self,
        tx: PostgresTransaction,
        known: tuple[Sequence[Loaded], Sequence[Loaded]],
        period: Period,
        cell: tuple[str, str, str],
        version: int,
    ) -> Question:
        """Ask the versions of a year, of `known` the last, after those of the years before."""
        before, ruling = known
        points = {one.plan.id: one for one in following(one.points for one in (*before, *ruling))}
        loaded = [replace(one, points=points[one.plan.id]) for one in ruling]
        if len(loaded) == 1:
            return _question(loaded[0], period, cell)
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
        groups = [question.groups[0], *(name for one in reversed(mine) for name in _groups(one, cell[1]))]
        told = await self._told(tx, loaded, groups, period, cell)
        if told is None:
            return question
        line, parted = told
        by_version = {one.id[1]: _question(one, period, cell) for one in loaded if _knows(one, cell)}
        pieces = [
            replace(by_version[chapter.plan.version], months=months)
            for part in parted.parts
            for chapter, months in part.pieces
        ]
        base = by_version[parted.parts[-1].newest.plan.version]
        return replace(base, line=line, parted=parted, pieces=tuple(pieces))

    async def _told(
        self,
        tx: PostgresTransaction,
        loaded: Sequence[Loaded],
        groups: Sequence[str],
        period: Period,
        cell: tuple[str, str, str],
    ) -> tuple[Succession, Parted] | None:
        """Return the first group that tells the figure in parts, and its parts; None where none does."""
        for group in dict.fromkeys(groups):
            line = self._line(loaded, group)
            for one in parted_of(line, cell[1], line.clock(await inputs.of_line(tx, line))):
                if one.parts and (one.period, one.code) == (period, cell[2]):
                    return line, one
        return None

    async def _ruling(self, tx: PostgresTransaction, code: str, year: Period) -> dict[int, Months]:
        """Return the adopted versions that rule months of a year."""
        found = [
            (await self._found(tx, code, version)).document.scheme
            for version in await store.adopted_numbers(tx, code, (str(year.first), str(year.last)))
        ]
        return ruled(found)

    async def _before(
        self, tx: PostgresTransaction, code: str, year: Period, loaded: Sequence[Loaded]
    ) -> list[Loaded]:
        """Return the versions that ruled the years before one, where late days run on from them."""
        measures = [spec for one in loaded for spec in one.document.measures.values()]
        if not any(isinstance(spec, ItemsSpec) for spec in measures):
            return []
        numbers = await store.adopted_numbers(tx, code, ("0001-01", str(year.first.plus(-1))))
        found = {one: await self._found(tx, code, one) for one in numbers}
        ruling = ruled(one.document.scheme for one in found.values())
        return [self._load(found[version], months) for version, months in ruling.items()]

    def _line(self, loaded: Sequence[Loaded], group: str) -> Succession:
        key = loaded[0].id[0], group, tuple(one.id[1] for one in loaded)
        if key not in self._lines:
            while len(self._lines) >= LINES_KEPT:
                self._lines.pop(next(iter(self._lines)))
            (self._lines[key],) = successions([one.document for one in loaded], lambda _, name: name == group)
        return self._lines[key]

    async def _found(self, tx: PostgresTransaction, code: str, version: int) -> store.Scheme:
        if (code, version) not in self._stored:
            while len(self._stored) >= VERSIONS_KEPT:
                self._stored.pop(next(iter(self._stored)))
            read = trials.scheme if is_trial(code) else store.scheme
            self._stored[code, version] = await read(tx, code, version)
        return self._stored[code, version]

    def _load(self, found: store.Scheme, months: Months) -> Loaded:
        document = found.document
        key = document.scheme.code, document.scheme.version, months
        if key not in self._loaded:
            plan = compile_plan(document, event_types(found.catalogue), months)
            while len(self._loaded) >= VERSIONS_KEPT:
                self._loaded.pop(next(iter(self._loaded)))
            points = points_plan(document, plan, found.catalogue)
            self._loaded[key] = Loaded(document, plan, points, catalogue_of(found.catalogue), found.catalogue)
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


def _groups(loaded: Loaded, unit: str) -> list[str]:
    """Return the groups that a unit is in by a version."""
    document = loaded.document
    level = next((one.level for one in document.units if one.code == unit), None)
    return [name for name, group in document.groups.items() if group.level == level]


def _knows(loaded: Loaded, cell: tuple[str, str, str]) -> bool:
    """Tell whether a version scores the indicator for the unit."""
    document = loaded.document
    return any(one.code == cell[2] and cell[1] in document.units_of(one) for one in document.indicators)


def _rules(months: Months, period: Period) -> bool:
    return months[0] <= period.last.ordinal and period.first.ordinal <= months[1]
