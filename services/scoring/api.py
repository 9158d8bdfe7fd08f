"""The HTTP door of scoring."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from services.scoring import (
    authorship,
    behind,
    consultations,
    cursors,
    derived,
    facts,
    figuring,
    handlers,
    inputs,
    knowing,
    objecting,
    shown,
    store,
    traces,
)
from services.scoring.answers import (
    After,
    Backtest,
    BacktestQuery,
    CellAnswer,
    CellAsked,
    EntryAnswer,
    Explanation,
    PageQuery,
    Suspense,
    SuspenseQuery,
)
from services.scoring.asking import Schemes
from services.scoring.backtesting import Backtests
from services.scoring.consultation_answers import shown_version
from services.scoring.contract import CONSUMER_A, CONSUMER_B
from services.scoring.domain.document import SchemeDocument, json_schema
from services.scoring.domain.figures import merged
from services.scoring.domain.measures import AnyMeasure, PointsSpec
from services.scoring.domain.methods.amounts import Partials, actual_of
from services.scoring.domain.plan import scheme_id
from services.scoring.domain.sums import UnitSums
from services.scoring.domain.written import amount, lost
from services.scoring.evidence import Cursor, Wanted
from services.scoring.figuring import Read
from services.scoring.plans import shards_of_units
from services.scoring.questions import Question
from services.scoring.traces import Doubted, LedgerEntry, Until
from shared.contracts.fields import Approval, Version
from shared.kernel.canonical import digest_hex
from shared.kernel.errors import refuse
from shared.kernel.periods import Month, Period
from shared.kernel.points import shown_ratio, text
from shared.kernel.strict_json import Limits
from shared.kernel.trees import paths_of
from shared.storage.exchange import Exchange
from shared.storage.positions import positions_digest
from shared.storage.transaction import PostgresTransaction
from shared.web import bodies
from shared.web.access import Action, Role, Subject, Thing
from shared.web.tokens import allow, of_units, published, whole

SCHEME_LIMITS = Limits(depth=32, keys=2000, items=5000)
_BODY = {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": {"type": "object"}}}}}
READERS = (Role.READER, Role.OPERATOR, Role.AUTHOR, Role.APPROVER)
DETAILS = Action(frozenset(READERS))
Reader = Annotated[Subject, Depends(published(*READERS))]
UnitReader = Annotated[Subject, Depends(of_units(*READERS))]
Operator = Annotated[Subject, Depends(whole(Role.OPERATOR, Role.AUTHOR, Role.APPROVER))]
EntryId = Annotated[int, Path(ge=1, lt=1 << 63)]


def schemes_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which schemes are read."""
    router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

    @router.get("", name="list_schemes")
    async def list_schemes(_: Reader) -> dict[str, Any]:
        """List every version of every scheme with its state."""
        async with exchange.reading() as tx:
            return {"items": [shown_version(one) for one in await consultations.versions(tx)]}

    @router.get("/schema", name="show_scheme_schema")
    async def show_scheme_schema(_: Reader) -> dict[str, Any]:
        """Return the JSON Schema of a scheme document."""
        return json_schema()

    @router.get("/{code}/{version}", name="show_scheme")
    async def show_scheme(code: str, version: Version, _: Reader, response: Response) -> dict[str, Any]:
        """Return a version of a scheme; its `ETag` is the digest that whoever adopts it names."""
        async with exchange.reading() as tx:
            found = await store.scheme(tx, code, version)
        response.headers["ETag"] = f'"{found.digest}"'
        return found.document.written()

    return router


def adoption_router(exchange: Exchange) -> APIRouter:
    """Return the routes on which one person drafts a scheme and another adopts it."""
    router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

    @router.post("", name="draft_scheme", status_code=201, openapi_extra=_BODY)
    async def draft_scheme(
        request: Request, subject: Annotated[Subject, Depends(of_units(Role.AUTHOR))]
    ) -> dict[str, Any]:
        """Check a scheme and keep it as a draft; 422 lists every finding with its path.

        A unit's own scheme below an adopted one is written by its people too, any other for `/` alone.
        """
        document = await bodies.read_json(request, bodies.JSON, limits=SCHEME_LIMITS)
        if not isinstance(document, dict):
            raise refuse(422, "scheme_refused", "A scheme is a JSON object.")
        async with exchange.begin(actor=subject.name, action="draft scheme") as tx:
            await authorship.check_code(tx, handlers.parse(document), subject)
            parsed = await handlers.draft_scheme(tx, document, subject.name)
        head, digest = parsed.scheme, digest_hex(parsed.written())
        return {"code": head.code, "version": head.version, "state": "draft", "digest": digest}

    @router.post("/{code}/{version}:adopt", name="adopt_scheme")
    async def adopt_scheme(
        code: str,
        version: Version,
        read: Approval,
        subject: Annotated[Subject, Depends(whole(Role.APPROVER))],
    ) -> dict[str, Any]:
        """Put a draft in force as it was read; its author cannot; 409 `digest_changed` after a redraft."""
        detail = f"{code}/{version} {read.digest}"
        async with exchange.begin(actor=subject.name, action="adopt scheme", detail=detail) as tx:
            await handlers.check_read(tx, code, version, read.digest)
            await handlers.adopt_scheme(tx, code, version, subject.name)
        return {"code": code, "version": version, "state": "adopted"}

    return router


def measures_router(exchange: Exchange) -> APIRouter:
    """Return the routes of measured values."""
    router = APIRouter(prefix="/v1/measures", tags=["measures"])
    backtests = Backtests(exchange)

    @router.get("/{code}/{version}/{period}/{unit}", name="show_measures")
    async def show_measures(
        code: str, version: Version, period: str, unit: str, subject: UnitReader
    ) -> dict[str, Any]:
        """Return every measure of a unit in a period: exact numerator and denominator, ratio at 6 places."""
        async with exchange.snapshot() as tx:
            document = (await store.scheme(tx, code, version)).document
            wanted = document.calendar.parse(period)
            path = paths_of([{"code": one.code, "parent": one.parent} for one in document.units]).get(unit)
            if path is None:
                raise refuse(404, "not_found", "The scheme has no such unit.")
            allow(subject, DETAILS, Thing(path))
            measures = await _measured(tx, document, wanted, unit)
        return {"scheme": code, "version": version, "period": period, "unit": unit, "state": "live"} | {
            "measures": measures
        }

    @router.get("/{code}/{measure}/{period}:backtest", name="backtest_measure")
    async def backtest_measure(
        code: str, measure: str, period: str, asked: Annotated[BacktestQuery, Query()], _: Operator
    ) -> Backtest:
        """Compare two versions of a measure on a past period, per unit, over the facts that are stored.

        503 `busy` while two others run.
        """
        found = await backtests.run(code, (asked.before, asked.after), measure, period)
        return shown.backtest(code, found)

    return router


def cells_router(exchange: Exchange) -> APIRouter:
    """Return the routes of cells: what an indicator of a unit is worth, and why."""
    router = APIRouter(prefix="/v1/cells", tags=["cells"])
    schemes = Schemes()

    @router.get("/{period}/{unit}/{indicator}", name="show_cell")
    async def show_cell(
        period: str, unit: str, indicator: str, asked: Annotated[CellAsked, Query()], subject: UnitReader
    ) -> CellAnswer:
        """Return what an indicator of a unit is worth in a period, with the entries of its month cells.

        With `as_of` what it was known to be then, by the ledger alone.
        """
        async with exchange.snapshot() as tx:
            question = await schemes.question(tx, (asked.scheme, asked.version), (period, unit, indicator))
            behind.check_sees(subject, question.paths)
            _check_ruled(question)
            read = await figuring.figure(tx, question)
            zone = question.scheme.document.scheme.zone
            until = traces.EVERYTHING
            if asked.as_of is not None:
                until = knowing.until_of(asked.as_of, zone, await traces.now(tx, replay=False))
            entries = await _entries(tx, question, until)
            known = None
            if asked.as_of is not None:
                known = asked.as_of, await knowing.known(tx, question, until, entries)
                read = replace(read, worth=knowing.worth_of(read.worth, known[1]))
            begun = await _begun(tx, question, read)
        return shown.cell_answer(begun, entries, known)

    @router.get("/{period}/{unit}/{indicator}/explain", name="explain_cell")
    async def explain_cell(
        period: str, unit: str, indicator: str, asked: Annotated[PageQuery, Query()], subject: UnitReader
    ) -> Explanation:
        """Return the formula with its numbers and, a page at a time, the cases behind it.

        `counted` keeps only the rows that count, or only those that do not.
        """
        async with exchange.snapshot() as tx:
            question = await schemes.question(tx, (asked.scheme, asked.version), (period, unit, indicator))
            behind.check_sees(subject, question.paths)
            _check_ruled(question)
            bound = f"{question.name} {asked.counted}"
            begin = None if asked.after is None else cursors.read(asked.after, bound, Cursor)
            read = await figuring.figure(tx, question)
            begun = await _begun(tx, question, read)
            rows, following = await behind.rows(tx, question, begin, asked.limit, Wanted(asked.counted))
            told = await objecting.objections(tx, question)
        next_page = None if following is None else cursors.write(following, bound)
        return shown.explanation(question, begun, read, rows, next_page, told)

    return router


def entries_router(exchange: Exchange) -> APIRouter:
    """Return the routes of ledger entries."""
    router = APIRouter(prefix="/v1/entries", tags=["cells"])
    schemes = Schemes()

    @router.get("/{entry}/explain", name="explain_entry")
    async def explain_entry(
        entry: EntryId, asked: Annotated[After, Query()], subject: UnitReader
    ) -> EntryAnswer:
        """Return why a cell changed: the entry, and a page of the events among its causes that concern it."""
        async with exchange.snapshot() as tx:
            found = await traces.entry(tx, entry)
            if found is None:
                raise refuse(404, "not_found", "The ledger has no such entry.")
            cell = str(Month.of_ordinal(found.entry.month)), found.unit, found.indicator
            question = await schemes.question(tx, found.scheme, cell)
            behind.check_sees(subject, question.paths, "The ledger has no such entry.")
            bound = f"entry {entry}"
            begin = None if asked.after is None else cursors.read(asked.after, bound, Cursor)
            read = await figuring.figure(tx, question)
            begun = await _begun(tx, question, read)
            causes = [(one["stream"], one["shard"], one["first"], one["last"]) for one in found.entry.cause]
            rows, following = await behind.rows(tx, question, begin, asked.limit, Wanted(causes=causes))
        next_page = None if following is None else cursors.write(following, bound)
        return shown.entry_answer(question, begun, read, found.entry, rows, next_page)

    return router


def suspense_router(exchange: Exchange) -> APIRouter:
    """Return the routes of what could not be scored."""
    router = APIRouter(prefix="/v1/suspense", tags=["suspense"])

    @router.get("", name="list_suspense")
    async def list_suspense(asked: Annotated[SuspenseQuery, Query()], _: Operator) -> Suspense:
        """List what was accepted and is worth 0 points until it can be scored: why, and what settled it."""
        bound = shown.suspense_bound(asked.state)
        begin = None if asked.after is None else cursors.read(asked.after, bound, Doubted)
        settled = None if asked.state == "all" else asked.state == "settled"
        async with exchange.snapshot() as tx:
            found = await traces.suspended(tx, begin, asked.limit, settled=settled)
            groups = {(one.shard, one.grp) for one in found}
            known = await facts.waiting(tx, groups) | await derived.waiting(tx, groups)
        return shown.suspense(found, known, asked)

    return router


def _check_ruled(question: Question) -> None:
    if question.ended:
        raise refuse(404, "not_found", "Another version of the scheme rules the months of this period.")


async def _entries(tx: PostgresTransaction, question: Question, until: Until) -> list[LedgerEntry]:
    """Return the newest entries of the month cells behind a figure, oldest first, whatever their version.

    One at least more than are shown, where there are more.
    """
    found: list[LedgerEntry] = []
    for piece in question.each:
        cell = piece.groups[0], piece.unit, piece.indicator.code
        months = [month.ordinal for month in piece.window]
        found += await traces.entries(tx, piece.scheme.id, cell, months, shown.ENTRIES_SHOWN + 1, until)
    return sorted(found, key=lambda entry: entry.id)


async def _begun(tx: PostgresTransaction, question: Question, read: Read) -> dict[str, Any]:
    code, versions = question.scheme.id[0], question.versions
    fresh_at = await traces.fresh_at(tx, code, versions, [question.group, *question.groups])
    return shown.head(question, read, await positions_digest(tx, (CONSUMER_A, CONSUMER_B)), fresh_at)


async def _measured(
    tx: PostgresTransaction, document: SchemeDocument, period: Period, unit: str
) -> Mapping[str, Any]:
    shards = shards_of_units(document)[unit]
    sums = UnitSums()
    if shards:
        loaded = await inputs.load(tx, shards[0], scheme_id(document), [unit], document.calendar)
        sums = loaded[unit]
    return {
        name: _shown(merged(period.months(), inputs.by_month(document, sums, name), spec), spec)
        for name, spec in sorted(document.measures.items())
    }


def _shown(partials: Partials, spec: AnyMeasure) -> dict[str, str | None]:
    summed = partials.summed
    actual: Fraction | None = actual_of(partials, is_ratio=True) if spec.is_ratio else None
    return {
        "numerator": (lost if isinstance(spec, PointsSpec) else amount)(summed.numerator),
        "denominator": None if spec.denominator is None else amount(summed.denominator),
        "ratio": None if actual is None else text(shown_ratio(actual)),
    }
