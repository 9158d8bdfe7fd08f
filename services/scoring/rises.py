"""Looks at the risk of regions in a month, and judges it by what was received before its T."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.scoring import calendars, clocks, counting, dossiers, store
from services.scoring.contract import (
    INCIDENTS_SHARD,
    RISES_JUDGED,
    RULINGS,
    SOURCE,
    RegionTested,
    RisesJudged,
)
from services.scoring.counting import ByMonth, Cut, Span
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.grace import cut
from services.scoring.domain.incident_section import RiseSpec
from services.scoring.domain.incidents.rises import MOST_EVENTS, Counted, Rise, rises
from services.scoring.domain.methods.amounts import Partials
from services.scoring.plans import months_of
from services.scoring.settling import STAGE
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from shared.kernel.trees import paths_of
from shared.storage.transaction import PostgresTransaction

NO_ROWS = Partials()
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/rises', 0)) AS alone"


@dataclass(frozen=True, slots=True)
class Asked:
    """The regions of a version of a scheme in a month; `closes` is T, None where no calendar knows it."""

    document: SchemeDocument
    spec: RiseSpec
    month: Month
    spans: tuple[Span, ...]
    closes: datetime | None

    @property
    def scheme(self) -> tuple[str, int]:
        """Code and version."""
        return self.document.scheme.code, self.document.scheme.version

    @property
    def paths(self) -> Mapping[str, str]:
        """The paths of all units of the scheme."""
        return paths_of([{"code": one.code, "parent": one.parent} for one in self.document.units])

    @property
    def units(self) -> list[str]:
        """The regions."""
        level = self.document.groups[self.spec.group].level
        return sorted(unit.code for unit in self.document.units if unit.level == level)

    def until(self, closes: str) -> Cut:
        """Return the regions by what was received before an instant."""
        return Cut(self.spans, self.spec.measure, tuple(self.units), closes)

    @property
    def baseline(self) -> range:
        """The months that are compared with."""
        begins = min(span.first for span in self.spans)
        return range(max(begins, self.month.ordinal - self.spec.baseline_months), self.month.ordinal)

    @property
    def before(self) -> list[str]:
        """The same, written."""
        return [str(Month.of_ordinal(one)) for one in self.baseline]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the regions of a month comes to, and what was judged of them, if anybody did."""

    asked: Asked
    regions: tuple[RegionTested, ...]
    judged: RisesJudged | None = None


async def look(tx: PostgresTransaction, scheme: tuple[str, int], code: str, month: Month) -> Looked:
    """Return what was judged of the regions of a month, else what they come to by all that is scored now."""
    asked = await _asked(tx, scheme, code, month)
    judged = await dossiers.judged(tx, scheme[0], code, str(month))
    if judged is not None:
        return Looked(asked, judged.regions, judged)
    return await _tested(asked, await counting.now(tx, asked.spans, asked.spec.measure, asked.units))


async def ready(tx: PostgresTransaction, scheme: tuple[str, int], code: str, month: Month) -> Looked:
    """Test the regions by what was received before T, or refuse; `tx` is one snapshot.

    T has passed when the clock of every shard has: what a shard receives is never of an earlier time, so that
    nothing of before is still to come. Whoever asks then, whenever, gets the same. One month is tested at a
    time, since every stored fact is read for it.
    """
    asked = await _asked(tx, scheme, code, month)
    await _check(tx, asked)
    if asked.closes is None:
        reason = "The working calendar does not know all days of grace; adopt one that does."
        raise refuse(409, "calendar_unknown", reason)
    closes = instants.text(asked.closes)
    reached = await clocks.read(tx, range(SHARDS))
    if len(reached) < SHARDS or any(one.received < closes for one in reached.values()):
        raise refuse(409, "month_open", f"The month is open until every shard has passed {closes}.")
    if not (await tx.many(_ALONE))[0]["alone"]:
        raise refuse(409, "judging", "Another month is being judged, for which every stored fact is read.")
    (found,) = await counting.before(tx, [asked.until(closes)])
    looked = await _tested(asked, found)
    if not looked.regions:
        raise refuse(409, "nothing_tested", "No region has counts in this month and in a baseline before it.")
    return looked


async def judge(tx: PostgresTransaction, looked: Looked, person: str) -> Looked:
    """Let what was tested be a fact, once for a month; it costs nobody anything until another applies it."""
    await tx.lock(RULINGS, [INCIDENTS_SHARD])
    await _check(tx, looked.asked)
    told = _judged(looked, person)
    subject = f"{told.scheme}/{told.code}/{told.month}"
    await tx.append(RULINGS, [Draft(INCIDENTS_SHARD, envelope.encode(RISES_JUDGED, SOURCE, subject, told))])
    return replace(looked, judged=told)


async def _asked(tx: PostgresTransaction, scheme: tuple[str, int], code: str, month: Month) -> Asked:
    document = (await store.scheme(tx, *scheme)).document
    spec = _spec(document, code)
    first, last = await months_of(tx, document)
    if spec is None or not first <= month.ordinal <= last:
        raise refuse(404, "not_found", "The scheme looks at no such risk in this month.")
    following, zone = month.plus(1), ZoneInfo(document.scheme.zone)
    known = await calendars.known_days(tx, document.scheme.zone)
    return Asked(
        document=document,
        spec=spec,
        month=month,
        spans=tuple(await counting.alike(tx, document, spec)),
        closes=cut(date(following.year, following.month, 1), spec.grace_days, known, zone),
    )


async def again(tx: PostgresTransaction, judged: Sequence[RisesJudged]) -> list[tuple[RegionTested, ...]]:
    """Return what regions come to that were judged, by the facts received before T; `tx` is one snapshot."""
    asked = [await _judged_of(tx, one) for one in judged]
    cuts = [one.until(told.closes) for one, told in zip(asked, judged, strict=True)]
    found = await counting.before(tx, cuts)
    return [(await _tested(one, by_month)).regions for one, by_month in zip(asked, found, strict=True)]


async def _judged_of(tx: PostgresTransaction, told: RisesJudged) -> Asked:
    document = (await store.scheme(tx, told.scheme, told.version)).document
    spec = _spec(document, told.code)
    assert spec is not None, "an adopted version never changes"
    spans = await counting.alike(tx, document, spec)
    return Asked(document, spec, Month.parse(told.month), tuple(spans), instants.parse(told.closes))


def _spec(document: SchemeDocument, code: str) -> RiseSpec | None:
    specs = () if document.incidents is None else document.incidents.rises
    return next((one for one in specs if one.code == code), None)


async def _check(tx: PostgresTransaction, asked: Asked) -> None:
    if asked.scheme not in await store.in_force(tx, STAGE, INCIDENTS_SHARD):
        raise refuse(409, "not_in_force", "Another version is in force, or none is.")
    if await dossiers.judged(tx, asked.scheme[0], asked.spec.code, str(asked.month)) is not None:
        raise refuse(409, "already_judged", "The rises of this month were judged; a month is judged once.")


async def _tested(asked: Asked, by_month: ByMonth) -> Looked:
    counted = {unit: _counted(found, asked.month.ordinal, asked.baseline) for unit, found in by_month.items()}
    minimum, alpha = asked.spec.minimum, Decimal(asked.spec.alpha)
    found = await asyncio.to_thread(rises, counted, minimum=minimum, alpha=alpha)
    return Looked(asked, tuple(tested(unit, one) for unit, one in found.items()))


def _judged(looked: Looked, person: str) -> RisesJudged:
    asked = looked.asked
    assert asked.closes is not None, "what is judged has its T"
    ends = asked.month.plus(1).starts(ZoneInfo(asked.document.scheme.zone))
    return RisesJudged(
        scheme=asked.scheme[0],
        version=asked.scheme[1],
        code=asked.spec.code,
        month=str(asked.month),
        at=instants.text(ends - instants.MICROSECOND),
        closes=instants.text(asked.closes),
        measure=asked.spec.measure,
        baseline=tuple(asked.before),
        minimum=asked.spec.minimum,
        alpha=asked.spec.alpha,
        person=person,
        regions=looked.regions,
    )


def tested(unit: str, one: Rise) -> RegionTested:
    """Write what the test says of a region."""
    return RegionTested(
        unit=unit,
        count=one.counted.count,
        exposure=one.counted.exposure,
        before=one.counted.before,
        exposure_before=one.counted.exposure_before,
        p=f"{one.p:.12f}",
        adjusted=f"{one.adjusted:.12f}",
        significant=one.is_significant,
    )


def _counted(by_month: Mapping[int, Partials], month: int, months: range) -> Counted:
    before = sum((by_month.get(one, NO_ROWS) for one in months), NO_ROWS)
    now = by_month.get(month, NO_ROWS)
    told = (now.numerator, now.denominator, before.numerator, before.denominator)
    if any(number < 0 or number % MILLIONTHS for number in told):
        raise refuse(409, "not_counts", "The measure of this risk gives other than whole counts.")
    one = Counted(*(number // MILLIONTHS for number in told))
    if one.count + one.before > MOST_EVENTS:
        raise refuse(409, "too_many_counts", f"More than {MOST_EVENTS} events are not tested.")
    return one
