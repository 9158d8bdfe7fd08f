"""Loads counts and exposure of the units of a group, and tests whether the risk of any rose."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.scoring import dossiers, inputs, store, traces
from services.scoring.contract import (
    INCIDENTS_SHARD,
    RISES_JUDGED,
    RULINGS,
    SOURCE,
    RegionTested,
    RisesJudged,
)
from services.scoring.domain.differences import taking_of
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.incident_section import RiseSpec
from services.scoring.domain.incidents.rises import MOST_EVENTS, Counted, Rise, rises
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import scheme_id
from services.scoring.domain.versions import ruled
from services.scoring.plans import adopted_beside, group_shard, months_of
from services.scoring.settling import STAGE
from shared.contracts import envelope
from shared.kernel import instants
from shared.kernel.errors import refuse
from shared.kernel.periods import Month
from shared.kernel.points import MILLIONTHS
from shared.kernel.records import Draft
from shared.kernel.trees import paths_of
from shared.storage.transaction import PostgresTransaction

NO_ROWS = Partials()


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the regions of a month comes to, by unit; `paths` lead to them, `closes` is its T."""

    spec: RiseSpec
    month: Month
    ends: datetime
    closes: datetime
    baseline: tuple[Month, ...]
    found: Mapping[str, Rise]
    paths: Mapping[str, str]


async def look(tx: PostgresTransaction, scheme: tuple[str, int], code: str, month: Month) -> Looked:
    """Test the regions of a scheme in a month, or refuse what is not there or cannot be tested."""
    document = (await store.scheme(tx, *scheme)).document
    specs = () if document.incidents is None else document.incidents.rises
    spec = next((one for one in specs if one.code == code), None)
    first, last = await months_of(tx, document)
    if spec is None or not first <= month.ordinal <= last:
        raise refuse(404, "not_found", "The scheme looks at no such risk in this month.")
    zone, following = ZoneInfo(document.scheme.zone), month.plus(1)
    level = document.groups[spec.group].level
    units = sorted(unit.code for unit in document.units if unit.level == level)
    begins, by_month = await _by_month(tx, document, spec, units)
    months = range(max(begins, month.ordinal - spec.baseline_months), month.ordinal)
    counted = {unit: _counted(found, month.ordinal, months) for unit, found in by_month.items()}
    return Looked(
        spec=spec,
        month=month,
        ends=following.starts(zone),
        closes=datetime.combine(
            date(following.year, following.month, 1) + timedelta(days=spec.grace_days), time.min, zone
        ),
        baseline=tuple(map(Month.of_ordinal, months)),
        found=await asyncio.to_thread(rises, counted, minimum=spec.minimum, alpha=Decimal(spec.alpha)),
        paths=_paths(document),
    )


async def judge(
    tx: PostgresTransaction, scheme: tuple[str, int], code: str, asked: Month, person: str
) -> Looked:
    """Let what is tested be a fact: once for a month, and when something received after its T is scored."""
    await tx.lock(RULINGS, [INCIDENTS_SHARD])
    looked = await look(tx, scheme, code, asked)
    spec, month = looked.spec, str(asked)
    if scheme not in await store.in_force(tx, STAGE, INCIDENTS_SHARD):
        raise refuse(409, "not_in_force", "Another version is in force, or none is.")
    newest = await traces.newest(tx)
    if newest is None or instants.parse(newest) < looked.closes:
        raise refuse(409, "month_open", f"The month is open until {instants.text(looked.closes)}.")
    if await dossiers.judged(tx, scheme[0], spec.code, month):
        raise refuse(409, "already_judged", "The rises of this month were judged; a month is judged once.")
    if not looked.found:
        raise refuse(409, "nothing_tested", "No region has counts in this month and in a baseline before it.")
    told = RisesJudged(
        scheme=scheme[0],
        version=scheme[1],
        code=spec.code,
        month=month,
        at=instants.text(looked.ends - instants.MICROSECOND),
        measure=spec.measure,
        baseline=tuple(map(str, looked.baseline)),
        minimum=spec.minimum,
        alpha=spec.alpha,
        person=person,
        regions=tuple(tested(unit, one) for unit, one in looked.found.items()),
    )
    body = envelope.encode(RISES_JUDGED, SOURCE, f"{scheme[0]}/{spec.code}/{month}", told)
    await tx.append(RULINGS, [Draft(INCIDENTS_SHARD, body)])
    return looked


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


async def _by_month(
    tx: PostgresTransaction, document: SchemeDocument, spec: RiseSpec, units: Sequence[str]
) -> tuple[int, dict[str, dict[int, Partials]]]:
    """Return since when a risk is measured alike, and by unit and month what it was under each version."""
    shard = group_shard(document.scheme.code, spec.group)
    wanted, begins = taking_of(document, spec.measure), (await months_of(tx, document))[0]
    found: dict[str, dict[int, Partials]] = {unit: {} for unit in units}
    beside = {one.scheme.version: one for one in await adopted_beside(tx, document)}
    ruling = ruled(one.scheme for one in beside.values())
    if document.scheme.version not in ruling:
        ruling = ruled([document.scheme])
    for version in sorted(ruling, key=lambda one: ruling[one], reverse=True):
        first, last = ruling[version]
        one = beside[version]
        if first > begins or (version != document.scheme.version and last != begins - 1):
            continue
        if taking_of(one, spec.measure) != wanted or spec.group not in one.groups:
            break
        begins = first
        sums = await inputs.load(tx, shard, scheme_id(one), units)
        for unit in units:
            months = inputs.by_month(one, sums[unit], spec.measure).items()
            found[unit] |= {month: partials for month, partials in months if first <= month <= last}
    return begins, found


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


def _paths(document: SchemeDocument) -> Mapping[str, str]:
    return paths_of([{"code": one.code, "parent": one.parent} for one in document.units])
