"""Bodies are read raw, bounded in bytes and seconds, and decoded by the one strict decoder."""

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from shared.kernel import media_types
from shared.kernel.errors import Problem, Refused, refuse
from shared.kernel.strict_json import LIMITS, MIB, Json, Limits, decode

BODY_TIMEOUT_S = 10.0
JSON = "application/json"
GONE = Problem(400, "disconnected", "The client went away.")
_CLOSE = {"connection": "close"}


def expect(request: Request, *accepted: str) -> str:
    """Return the media type if it is one of those taken, in UTF-8 and not compressed; else 415."""
    if request.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise refuse(415, "content_encoding", "Compressed bodies are not taken.")
    found = media_types.in_utf_8(request.headers.getlist("content-type"))
    if found not in accepted:
        raise refuse(415, "content_type", f"Taken: {', '.join(accepted)} in UTF-8.")
    return found


async def read(request: Request, *, max_bytes: int = MIB, timeout_s: float = BODY_TIMEOUT_S) -> bytes:
    """Read a body; 413 by its declared length before reading, 413 at the limit, 408 when it is too slow."""
    declared_bytes(request, max_bytes=max_bytes)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes)
                parts.append(part)
    except TimeoutError:
        raise Refused(
            Problem(408, "slow_body", f"The body took over {timeout_s:g} s.", headers=_CLOSE)
        ) from None
    except ClientDisconnect:
        raise Refused(GONE) from None
    return b"".join(parts)


def declared_bytes(request: Request, *, max_bytes: int = MIB) -> int:
    """Return how large the body is said to be, else how large it may be; 413 if that is too large."""
    declared = request.headers.get("content-length")
    if declared is None:
        return max_bytes
    declared = declared.strip()
    if not declared.isdecimal() or len(declared) > len(str(max_bytes)) or int(declared) > max_bytes:
        raise _too_large(max_bytes)
    return int(declared)


async def read_json(
    request: Request,
    *accepted: str,
    max_bytes: int = MIB,
    limits: Limits = LIMITS,
) -> Json:
    """Read and decode a JSON body; `accepted` names the media types taken, plain JSON if none."""
    expect(request, *(accepted or (JSON,)))
    return decode(await read(request, max_bytes=max_bytes), max_bytes=max_bytes, limits=limits)


def _too_large(max_bytes: int) -> Refused:
    return Refused(Problem(413, "too_large", f"At most {max_bytes} bytes are taken.", headers=_CLOSE))
