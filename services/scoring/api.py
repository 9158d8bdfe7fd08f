"""The HTTP door of scoring."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.scoring import handlers, store
from services.scoring.domain.cells import Partials, actual_of
from services.scoring.domain.document import SchemeDocument, json_schema
from services.scoring.domain.figures import merged
from services.scoring.domain.plan import measure_id
from shared.kernel.errors import refuse
from shared.kernel.periods import Period
from shared.kernel.points import MILLIONTHS, of_millionths, shown_ratio, text
from shared.kernel.strict_json import Limits
from shared.storage.exchange import Exchange
from shared.storage.transaction import PostgresTransaction
from shared.web import bodies
from shared.web.access import Subject
from shared.web.tokens import require

SCHEME_LIMITS = Limits(depth=32, keys=2000, items=5000)
_BODY = {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": {"type": "object"}}}}}
Reader = Annotated[Subject, Depends(require("reader", "operator", "author", "approver"))]


def schemes_router(exchange: Exchange) -> APIRouter:
    """Return the routes of schemes."""
    router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

    @router.get("", name="list_schemes")
    async def list_schemes(_: Reader) -> dict[str, Any]:
        """List every version of every scheme with its state."""
        async with exchange.reading() as tx:
            return {"items": await store.list_schemes(tx)}

    @router.get("/schema", name="show_scheme_schema")
    async def show_scheme_schema(_: Reader) -> dict[str, Any]:
        """Return the JSON Schema of a scheme document."""
        return json_schema()

    @router.get("/{code}/{version}", name="show_scheme")
    async def show_scheme(code: str, version: int, _: Reader) -> dict[str, Any]:
        """Return a version of a scheme."""
        async with exchange.reading() as tx:
            found = await store.scheme(tx, code, version)
        return found.document.model_dump(mode="json", by_alias=True, exclude_none=True)

    @router.post("", name="draft_scheme", status_code=201, openapi_extra=_BODY)
    async def draft_scheme(
        request: Request, subject: Annotated[Subject, Depends(require("author"))]
    ) -> dict[str, Any]:
        """Check a scheme and keep it as a draft; 422 lists every finding with its path."""
        document = await bodies.read_json(request, bodies.JSON, limits=SCHEME_LIMITS)
        if not isinstance(document, dict):
            raise refuse(422, "scheme_refused", "A scheme is a JSON object.")
        async with exchange.begin(actor=subject.name, action="draft scheme") as tx:
            parsed = await handlers.draft_scheme(tx, document, subject.name)
        return {"code": parsed.scheme.code, "version": parsed.scheme.version, "state": "draft"}

    @router.post("/{code}/{version}:adopt", name="adopt_scheme")
    async def adopt_scheme(
        code: str, version: int, subject: Annotated[Subject, Depends(require("approver"))]
    ) -> dict[str, Any]:
        """Put a draft in force; its author cannot."""
        detail = f"{code}/{version}"
        async with exchange.begin(actor=subject.name, action="adopt scheme", detail=detail) as tx:
            await handlers.adopt_scheme(tx, code, version, subject.name)
        return {"code": code, "version": version, "state": "adopted"}

    return router


def measures_router(exchange: Exchange) -> APIRouter:
    """Return the routes of measured values."""
    router = APIRouter(prefix="/v1/measures", tags=["measures"])

    @router.get("/{code}/{version}/{period}/{unit}", name="show_measures")
    async def show_measures(code: str, version: int, period: str, unit: str, _: Reader) -> dict[str, Any]:
        """Return every measure of a unit in a period: exact numerator and denominator, ratio at 6 places."""
        wanted = Period.parse(period)
        async with exchange.reading() as tx:
            document = (await store.scheme(tx, code, version)).document
            if unit not in {one.code for one in document.units}:
                raise refuse(404, "not_found", "The scheme has no such unit.")
            measures = await _measured(tx, document, wanted, unit)
        return {"scheme": code, "version": version, "period": period, "unit": unit, "state": "live"} | {
            "measures": measures
        }

    return router


async def _measured(
    tx: PostgresTransaction, document: SchemeDocument, period: Period, unit: str
) -> Mapping[str, Any]:
    identities = {name: measure_id(document, name) for name in document.measures}
    sums = await store.sums(tx, [unit], list(identities.values()))
    return {
        name: _shown(
            merged(
                period.months(),
                sums.get((identity, unit), {}),
                stock=document.measures[name].kind == "stock",
            ),
            is_ratio=document.measures[name].denominator is not None,
        )
        for name, identity in sorted(identities.items())
    }


def _shown(partials: Partials, *, is_ratio: bool) -> dict[str, str | None]:
    numerator, denominator = (_amount(value) for value in (partials.numerator, partials.denominator))
    actual: Fraction | None = actual_of(partials, is_ratio=True) if is_ratio else None
    return {
        "numerator": numerator,
        "denominator": denominator if is_ratio else None,
        "ratio": None if actual is None else text(shown_ratio(actual)),
    }


def _amount(value: int) -> str:
    return str(value // MILLIONTHS) if value % MILLIONTHS == 0 else text(of_millionths(value))
