"""The web factory: every service's HTTP door is made here and behaves alike."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles

from shared.kernel.errors import Problem, Refused
from shared.telemetry.logs import logger
from shared.telemetry.metrics import CONTENT_TYPE, METRICS
from shared.web import problems
from shared.web.gate import Gate
from shared.web.guard import Guard
from shared.web.rates import ADDRESS_RATE, CLIENT_RATE
from shared.web.tokens import TokenCheck
from shared.web.turnstile import Turnstile

STATIC = Path(__file__).parent / "static"
API_VERSION = "0.1.0"
READINESS_TIMEOUT_S = 2.0

Readiness = Callable[[], Awaitable[Mapping[str, bool]]]
_LOG = logger(__name__)


def create_app(
    *,
    title: str,
    service: str,
    routers: Sequence[APIRouter],
    readiness: Readiness,
    tokens: TokenCheck | None,
    denied: problems.Denied | None = None,
    gate: Gate | None = None,
) -> FastAPI:
    """Return the application of a service; `readiness` names each part and whether it is ready.

    `denied` puts on record who asked for what is hidden from their unit, and for what. Without a `gate` it
    has one of its own.
    """
    app = FastAPI(
        title=title,
        version=API_VERSION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    app.state.tokens = tokens
    app.state.denied = denied
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.include_router(_health(readiness))
    _add_docs(app)
    own = Gate(tokens=tokens, client_rate=CLIENT_RATE, address_rate=ADDRESS_RATE)
    app.add_middleware(Turnstile, gate=gate or own)
    app.add_middleware(Guard)
    return app


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document; refusals are described as what is really answered."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        app.openapi_schema = _with_problems(document)
    return app.openapi_schema


def _health(readiness: Readiness) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/livez", name="livez")
    async def livez() -> dict[str, str]:
        """Answer that the process lives."""
        return {"status": "ok"}

    @router.get("/readyz", name="readyz")
    async def readyz() -> dict[str, Any]:
        """Every part that the service needs is there; 503 names those that are not."""
        parts = await _judged(readiness)
        if not all(parts.values()):
            missing = sorted(name for name, ready in parts.items() if not ready)
            headers = {"retry-after": "1"}
            raise Refused(
                Problem(503, "not_ready", ", ".join(missing), extra={"parts": parts}, headers=headers)
            )
        return {"status": "ok", "parts": parts}

    @router.get("/metrics", name="metrics", response_class=Response)
    async def metrics() -> Response:
        """Show the metrics of this process as Prometheus reads them."""
        return Response(METRICS.render(), media_type=CONTENT_TYPE)

    return router


async def _judged(readiness: Readiness) -> dict[str, bool]:
    """Judge a check that fails or takes too long as not ready."""
    try:
        async with asyncio.timeout(READINESS_TIMEOUT_S):
            return dict(await readiness())
    except Exception as error:  # noqa: BLE001 - whatever it is, we are not ready
        _LOG.warning("readiness check failed", error=f"{type(error).__name__} {error}")
        return {"check": False}


def _add_docs(app: FastAPI) -> None:
    app.openapi = lambda: openapi_of(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return JSONResponse(openapi_of(app))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return FileResponse(STATIC / "docs.html", media_type="text/html")


def _operation_id(route: APIRoute) -> str:
    return route.name


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = problems.ProblemBody.model_json_schema()
    content = {problems.PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "Refused", "content": content}
    return document
