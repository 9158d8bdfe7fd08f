"""The HTTP door of what schemes say beside their documents: what changed, what machines cover."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.scoring import inputs, layer_answers, scheme_answers, store
from services.scoring.domain.coverage import Ruling, Scored, months_with_data
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import scheme_id
from services.scoring.domain.versions import ruled
from services.scoring.layer_answers import Layers, LayersQuery
from services.scoring.plans import adopted_beside, group_shard
from services.scoring.scheme_answers import Coverage, CoverageQuery, Diff, DiffQuery
from shared.contracts.fields import Version
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction
from shared.web.access import Role, Subject
from shared.web.tokens import published

MOST_LAYERS = 8
Reader = Annotated[Subject, Depends(published(Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]


def comparing_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which schemes are compared and measured."""
    router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

    @router.get("/{code}/{version}/differences", name="diff_scheme")
    async def diff_scheme(
        code: str, version: Version, asked: Annotated[DiffQuery, Query()], _: Reader
    ) -> Diff:
        """Return in words what a version changed since the one adopted before it, or since another."""
        async with exchange.reading() as tx:
            newer = await store.scheme(tx, code, version)
            since = asked.since or await store.adopted_before(tx, code, version)
            if since is None:
                raise refuse(404, "not_found", "No version was adopted before this one; name one by `since`.")
            older = await store.scheme(tx, code, since)
        return scheme_answers.diff(older.document, newer.document, asked.lang)

    @router.get("/{code}/{version}/coverage", name="show_scheme_coverage")
    async def show_scheme_coverage(
        code: str, version: Version, asked: Annotated[CoverageQuery, Query()], _: Reader
    ) -> Coverage:
        """Return the share of the points that machines give: planned, and achieved in a period."""
        async with exchange.snapshot() as tx:
            document = (await store.scheme(tx, code, version)).document
            if asked.period is None:
                return scheme_answers.coverage(document)
            wanted = document.calendar.parse(asked.period, "/query/period")
            rulings = await _rulings(tx, document, wanted)
            months = [(one.document.scheme.version, month) for one in rulings for month in one.months]
            found = await store.months_scored(tx, code, months)
            cells = {Scored(*place): months for place, months in found.items()}
            for ruling in rulings:
                cells |= await _with_data(tx, ruling, cells)
        return scheme_answers.coverage_in(document, str(wanted), rulings, cells)

    @router.get("/{code}/{version}/layers", name="show_scheme_layers")
    async def show_scheme_layers(
        code: str, version: Version, asked: Annotated[LayersQuery, Query()], _: Reader
    ) -> Layers:
        """Return what a scheme asks beyond those above it (层层加码), and what it carries on of them."""
        async with exchange.reading() as tx:
            chain = await _chain(tx, code, version)
        if len(chain) == 1:
            raise refuse(409, "no_parent", "This scheme names no parent.")
        return layer_answers.layers(chain, asked.lang)

    return router


async def _rulings(tx: PostgresTransaction, document: SchemeDocument, period: Period) -> list[Ruling]:
    """Return the versions that rule months of a period beside this one; a replaced one stands by itself."""
    mine = document.scheme.version
    beside = await adopted_beside(tx, document)
    months = ruled(one.scheme for one in beside)
    if mine not in months:
        beside, months = [document], ruled([document.scheme])
    wanted = [one.ordinal for one in period.months()]
    within = {
        version: tuple(one for one in wanted if first <= one <= last)
        for version, (first, last) in months.items()
    }
    if not within[mine]:
        raise refuse(404, "not_found", "The scheme rules no month of this period.")
    by_version = {one.scheme.version: one for one in beside}
    return [Ruling(by_version[version], found) for version, found in within.items() if found]


async def _with_data(
    tx: PostgresTransaction, ruling: Ruling, cells: Mapping[Scored, int]
) -> dict[Scored, int]:
    """Return in how many months there is data of what the scheme gives points without any."""
    document, found = ruling.document, dict[Scored, int]()
    sure = [one for one in document.indicators if one.no_data != "not_assessed"]
    for group in sorted({group for one in sure for group in one.groups}):
        units = [one.code for one in document.units if one.level == document.groups[group].level]
        shard = group_shard(document.scheme.code, group)
        loaded = await inputs.load(tx, shard, scheme_id(document), units, document.calendar)
        for unit, sums in loaded.items():
            for one in (one for one in sure if group in one.groups):
                place = Scored(document.scheme.version, group, unit, one.code)
                partials = inputs.of_indicator(document, sums, one)
                found[place] = min(months_with_data(ruling, one, unit, partials), cells.get(place, 0))
    return found


async def _chain(tx: PostgresTransaction, code: str, version: int) -> list[SchemeDocument]:
    """Return a scheme below those above it, the topmost first."""
    chain = [(await store.scheme(tx, code, version)).document]
    while (parent := chain[0].parent) is not None:
        if len(chain) == MOST_LAYERS:
            raise refuse(409, "too_many_layers", f"At most {MOST_LAYERS} schemes lie above each other.")
        chain.insert(0, (await store.scheme(tx, parent.scheme, parent.version)).document)
    return chain
