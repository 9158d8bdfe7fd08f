"""RFC 9457 answers for every refusal, ours and the framework's; they never repeat the input."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException

from shared.kernel.errors import Hidden, Problem, Refused, Unavailable
from shared.storage.failures import STORAGE_ERRORS, may_pass
from shared.telemetry.logs import logger

STORAGE_RETRY_S = 1
ASKED_CHARACTERS = 500
PROBLEM_TYPE = "application/problem+json"

_CODES = {"missing": "missing_field", "extra_forbidden": "unknown_field"}
_STATUS_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    401: "invalid_token",
    403: "forbidden",
    413: "too_large",
    415: "content_type",
}
_LOG = logger(__name__)

Denied = Callable[[str, str], Awaitable[None]]


class ProblemBody(BaseModel):
    """The body of a refusal, as the API describes it."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    pointer: str | None = None


def body_of(problem: Problem) -> dict[str, Any]:
    """Return the members of the answer; empty ones are left out."""
    members: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.title or HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
    }
    if problem.detail:
        members["detail"] = problem.detail
    if problem.pointer is not None:
        members["pointer"] = problem.pointer
    return members | dict(problem.extra)


def answer(problem: Problem) -> Response:
    """Return the answer for a problem."""
    return JSONResponse(
        body_of(problem),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=dict(problem.headers),
    )


def install(app: FastAPI) -> None:
    """Answer everything that the framework or a route refuses as a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(Unavailable, _unavailable)
    for storage_error in STORAGE_ERRORS:
        app.add_exception_handler(storage_error, _storage)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


def unavailable(retry_after_s: int, code: str = "unavailable") -> Problem:
    """Return the problem for what is not there now."""
    return Problem(503, code, "Try again later.", headers={"retry-after": str(retry_after_s)})


def of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """Name the first field that was refused and list all; a message of the library is not passed on."""
    found = [{"code": _CODES.get(error["type"], "invalid"), "pointer": _place(error)} for error in errors]
    first = found[0] if found else {"code": "invalid", "pointer": ""}
    detail = {"missing_field": "A field is missing.", "unknown_field": "A field is not known."}
    return Problem(
        422,
        first["code"],
        detail.get(first["code"], "A value is not taken."),
        pointer=first["pointer"],
        extra={"errors": found},
    )


async def _refused(request: Request, error: Exception) -> Response:
    """Answer; that something was hidden is put on record afterwards, so that the answer takes no longer."""
    assert isinstance(error, Refused)
    response = answer(error.problem)
    denied: Denied | None = request.app.state.denied
    if isinstance(error, Hidden) and denied is not None:
        path = request.scope["raw_path"].decode("ascii", "replace")
        asked = f"{request.method} {path} {error.what}".rstrip()
        response.background = BackgroundTask(denied, request.state.subject.name, asked[:ASKED_CHARACTERS])
    return response


async def _unavailable(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    return answer(unavailable(error.retry_after_s, error.code))


async def _storage(_request: Request, error: Exception) -> Response:
    """Answer 503 while the database is away or busy; another error of it is a mistake of ours."""
    if not may_pass(error):
        raise error
    _LOG.warning("storage does not answer", error=f"{type(error).__name__} {error}")
    return answer(unavailable(STORAGE_RETRY_S, "storage"))


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(of_validation(error.errors()))


async def _framework(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _STATUS_CODES.get(error.status_code, "refused")
    return answer(Problem(error.status_code, code, headers=dict(error.headers or {})))


def _place(error: Mapping[str, Any]) -> str:
    """Return where a value is refused; a key that the client made up is named by what holds it."""
    location: Sequence[str | int] = error["loc"]
    return _pointer(location[:-1] if error["type"] == "extra_forbidden" else location)


def _pointer(location: Sequence[str | int]) -> str:
    """Write a location as a JSON pointer; keys that the client made up are cut short."""
    return "".join("/" + str(part)[:128].replace("~", "~0").replace("/", "~1") for part in location)
