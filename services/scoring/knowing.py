"""What a cell was known to be: from the entries of its month, or from the figures that were published."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.scoring.contract import ENTRIES, ENTRIES_POSTED
from services.scoring.domain.figures import Worth
from services.scoring.plans import group_shard
from services.scoring.questions import Question
from services.scoring.traces import LedgerEntry, Until
from shared.contracts import entries
from shared.contracts.catalogue import known_event
from shared.contracts.entries import Figures
from shared.kernel import instants
from shared.kernel.errors import Refused, refuse
from shared.kernel.figures import FigureState
from shared.kernel.instants import MICROSECOND
from shared.kernel.periods import Cycle, day
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction

RECORDS_PER_READ = 100
RECORDS_LOOKED_AT = 2_000


@dataclass(frozen=True, slots=True)
class Known:
    """What was known: the value, None where there was none, and the entry or record that said so last."""

    until: Until
    value: Decimal | None
    said_by: str | None
    known_at: str | None


def until_of(asked: str, zone: str, now: datetime) -> Until:
    """Read a day of the scheme's zone, to its end; an instant, itself included; or the id of an entry.

    A day that has not begun, or an instant that is not over, is refused.
    """
    pointer = "/query/as_of"
    if asked.isdecimal() and not asked.startswith("0"):
        return Until(entry=min(int(asked), Until().entry))
    if len(asked) != len("2021-04-10"):
        instant = instants.parse(asked, pointer)
        if instant > now:
            raise _not_yet()
        return Until(before=instants.text(instant + MICROSECOND))
    try:
        last = day(asked, pointer)
    except Refused:
        raise _refused() from None
    if last > now.astimezone(ZoneInfo(zone)).date():
        raise _not_yet()
    ends = datetime.combine(last + timedelta(days=1), time.min, ZoneInfo(zone))
    return Until(before=instants.text(ends))


def worth_of(now: Worth, found: Known) -> Worth:
    """Return the figure that was known; what is not due now was not due then."""
    if now.state is FigureState.NOT_DUE:
        return now
    return Worth(found.value, FigureState.NOT_ASSESSED if found.value is None else FigureState.SCORED)


async def known(
    tx: PostgresTransaction, question: Question, until: Until, found: Sequence[LedgerEntry]
) -> Known:
    """Return what the cell was known to be; `found` are its entries until then, oldest first."""
    if question.period.cycle is Cycle.MONTH and question.window == question.period.months():
        last = found[-1] if found else None
        if last is None:
            return Known(until, None, None, None)
        return Known(until, last.new, f"entry {last.id}", last.known_at)
    if until.entry != Until().entry:
        reason = "Only month cells have entries; ask for a merged period by a day or an instant."
        raise refuse(422, "as_of_merged", reason, pointer="/query/as_of")
    return await _published(tx, question, until)


async def _published(tx: PostgresTransaction, question: Question, until: Until) -> Known:
    """Look for the newest published figure of a merged period, by who tells it, the newest first."""
    for group, versions in _tellers(question):
        found = await _told_by(tx, question, group, versions, until)
        if found is not None:
            return found
    return Known(until, None, None, None)


def _tellers(question: Question) -> list[tuple[str, frozenset[int]]]:
    """Return the groups that have the unit by versions that follow each other, the newest first.

    What a version tells in another group is only that the unit is there no more.
    """
    if question.line is None:
        return [(question.group, frozenset(question.versions))]
    found: list[tuple[str, frozenset[int]]] = []
    for chapter in reversed(question.line.chapters):
        version = chapter.plan.version
        groups = chapter.groups_of(question.unit)
        for group in sorted(groups.intersection(question.indicator.groups) or groups):
            if found and found[-1][0] == group:
                found[-1] = group, found[-1][1] | {version}
            else:
                found.append((group, frozenset((version,))))
    return found


async def _told_by(
    tx: PostgresTransaction, question: Question, group: str, versions: frozenset[int], until: Until
) -> Known | None:
    """Look backwards for the newest figure that versions told in a group."""
    shard = group_shard(question.scheme.id[0], group)
    last = (await tx.reached(ENTRIES)).get(shard)
    end = 0 if last is None else last.number
    for begin in range(end, max(0, end - RECORDS_LOOKED_AT), -RECORDS_PER_READ):
        after = max(0, begin - RECORDS_PER_READ)
        for record in reversed(await tx.read(ENTRIES, shard, after, begin - after)):
            event = known_event(ENTRIES, record.body)
            if event.type != ENTRIES_POSTED:
                continue
            posted: Figures = entries.read_figures(event.data)
            mine = (posted.scheme, posted.group) == (question.scheme.id[0], group)
            if mine and posted.version in versions and posted.fresh_at < until.before:
                found = _figure(question, until, record, posted)
                if found is not None:
                    return found
        if after == 0:
            break
    else:
        if end:
            reason = f"More than {RECORDS_LOOKED_AT} records were posted since; ask for its months."
            raise refuse(422, "as_of_merged", reason, pointer="/query/as_of")
    return None


def _figure(question: Question, until: Until, record: Record, posted: Figures) -> Known | None:
    for row in posted.figures:
        is_mine = (row.unit, row.period) == (question.unit, str(question.period))
        if is_mine and question.indicator.code in row.values:
            value = row.values[question.indicator.code]
            said = f"{ENTRIES}/{record.shard}/{record.number}"
            return Known(until, None if value is None else Decimal(value), said, posted.fresh_at)
    return None


def _not_yet() -> Refused:
    return refuse(422, "as_of_future", "That has not come yet.", pointer="/query/as_of")


def _refused() -> Refused:
    reason = "A day as 2021-04-10, an instant as 2021-04-10T00:00:00Z, or the id of an entry."
    return refuse(422, "as_of", reason, pointer="/query/as_of")
