"""Reads back the rows behind a cell, those that count and those that do not, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import msgspec

from services.scoring.cases import Case, Found
from services.scoring.contract import ACCEPTED
from services.scoring.domain.explanation import ExplainedRow, explain, home_of
from services.scoring.domain.facts import standing
from services.scoring.domain.plan import CompiledMeasure
from services.scoring.questions import Question
from services.scoring.reports import report_of, stored_events
from services.scoring.searching import search
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.shards import SHARDS
from shared.storage.transaction import PostgresTransaction

CASES_PER_PAGE = 2_000

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


async def rows(
    tx: PostgresTransaction, question: Question, after: Cursor | None, limit: int, wanted_by: Wanted
) -> tuple[list[Told], Cursor | None]:
    """Return a page of rows and where the next begins; it ends early where few of many are wanted."""
    page: list[Told] = []
    seen = 0
    async for found, case in search(
        tx, question.scheme.plan, question.asked[0], after[:4] if after else None
    ):
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
