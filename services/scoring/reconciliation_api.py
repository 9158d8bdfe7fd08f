"""The HTTP door of ready results: what other systems published, beside what the raw facts give (对账)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import cursors, inputs, reconciliation_answers, store
from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import scheme_id
from services.scoring.domain.reconciling import due, reconcile
from services.scoring.domain.result_section import ResultSpec
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.versions import ruled
from services.scoring.plans import shards_of_units
from services.scoring.reconciliation_answers import ReconciliationQuery, Reconciliations, ShownReconciled
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.kernel.trees import paths_of
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject, covers
from shared.web.tokens import of_units

Results = Mapping[str, ResultSpec]
UnitReader = Annotated[Subject, Depends(of_units(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]


def reconciliations_router(exchange: Exchange) -> APIRouter:
    """Return the route on which ready results are compared."""
    router = APIRouter(prefix="/v1/reconciliations", tags=["reconciliations"])

    @router.get("", name="list_reconciliations")
    async def list_reconciliations(
        asked: Annotated[ReconciliationQuery, Query()], subject: UnitReader
    ) -> Reconciliations:
        """List ready results of units beside what the raw facts give; a unit sees its own and those below."""
        async with exchange.snapshot() as tx:
            period = (await store.calendar(tx, asked.scheme)).parse(asked.period, "/query/period")
            document = await _scheme(tx, asked, period)
            results = due(document, period)
            bound = f"results {scheme_id(document)} {period} {asked.differing}"
            after = "" if asked.after is None else cursors.read(asked.after, bound, tuple[str])[0]
            units = [unit for unit in _units(document, results, subject) if unit > after]
            page = units[: asked.limit]
            sums = await _sums(tx, document, page)
            as_of = await positions_digest(tx, (CONSUMER_A, CONSUMER_B))
        shown = (one for unit in page for one in _reconciled(document, results, period, unit, sums[unit]))
        return Reconciliations(
            scheme=document.scheme.code,
            version=document.scheme.version,
            period=str(period),
            as_of=as_of,
            items=[one for one in shown if one.state.is_difference or not asked.differing],
            next=cursors.write((page[-1],), bound) if len(units) > len(page) else None,
        )

    return router


async def _scheme(tx: PostgresTransaction, asked: ReconciliationQuery, period: Period) -> SchemeDocument:
    """Return the version asked for, or the newest for the period; it rules all of its months."""
    months = str(period.first), str(period.last)
    version = await store.adopted_version(tx, asked.scheme, asked.version, months)
    found = {
        one: (await store.scheme(tx, asked.scheme, one)).document
        for one in await store.adopted_numbers(tx, asked.scheme, months)
    }
    ruling = ruled(one.scheme for one in found.values()).get(version)
    if ruling is None or period.first.ordinal < ruling[0] or ruling[1] < period.last.ordinal:
        raise refuse(404, "not_found", f"Version {version} does not rule every month of the period.")
    return found[version]


def _units(document: SchemeDocument, results: Results, subject: Subject) -> list[str]:
    """Return the units that results are published about and that the subject may see, in order."""
    levels = {document.groups[group].level for spec in results.values() for group in spec.groups}
    paths = paths_of([{"code": one.code, "parent": one.parent} for one in document.units])
    return sorted(
        one.code for one in document.units if one.level in levels and covers(subject.unit, paths[one.code])
    )


async def _sums(
    tx: PostgresTransaction, document: SchemeDocument, units: Sequence[str]
) -> Mapping[str, UnitSums]:
    shards = shards_of_units(document)
    found: dict[str, UnitSums] = {}
    for shard in sorted({shards[unit][0] for unit in units}):
        kept = [unit for unit in units if shards[unit][0] == shard]
        found |= await inputs.of_facts(tx, shard, scheme_id(document), kept, document.calendar)
    return found


def _reconciled(
    document: SchemeDocument, results: Results, period: Period, unit: str, sums: UnitSums
) -> Iterator[ShownReconciled]:
    level = next(one.level for one in document.units if one.code == unit)
    for name, spec in results.items():
        if level in {document.groups[group].level for group in spec.groups}:
            partials = {one: inputs.by_month(document, sums, one) for one in (spec.official, spec.ours)}
            found = reconcile(document, spec, period, partials)
            yield reconciliation_answers.shown(unit, name, spec.title, found)
