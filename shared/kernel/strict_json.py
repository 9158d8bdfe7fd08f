"""The one strict JSON decoder: what others let through in silence is refused by name."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from json import JSONDecodeError
from typing import Any, NoReturn, TypeAlias, cast

from shared.kernel.errors import refuse

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

MIB = 1 << 20
LARGEST_INTEGER = (1 << 53) - 1
_LONGEST_INTEGER = len(str(-LARGEST_INTEGER))


@dataclass(frozen=True, slots=True)
class Limits:
    """How large one value may be; `depth` counts open brackets, `key_bytes` is UTF-8."""

    depth: int = 64
    keys: int = 512
    items: int = 1000
    key_bytes: int = 128


LIMITS = Limits()

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_RARE_ESCAPE = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def decode(raw: bytes, *, max_bytes: int = MIB, limits: Limits = LIMITS) -> Json:
    """Decode one JSON text, or refuse it.

    Codes: too_large (413); encoding, depth, complexity, non_finite, number, duplicate_key, json (400).
    """
    if len(raw) > max_bytes:
        raise refuse(413, "too_large", f"At most {max_bytes} bytes are taken.")
    text = _text(raw)
    _check_depth(raw, limits.depth)
    try:
        value: Json = _decoder(limits).decode(text)
    except JSONDecodeError as error:
        raise refuse(400, "json", f"This is not JSON: character {error.pos}.") from None
    if isinstance(value, list):
        _check_items(value, limits.items)
    if _RARE_ESCAPE.search(raw) is not None:
        _check_strings(value)
    return value


def _text(raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf") or b"\x00" in raw:
        raise refuse(400, "encoding", "JSON is UTF-8 without a byte order mark and without NUL.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise refuse(400, "encoding", f"Not UTF-8 at byte {error.start}.") from None


def _check_depth(raw: bytes, limit: int) -> None:
    """Count open brackets outside strings before anything is parsed."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return
    brackets = _STRING.sub(b"", raw).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > limit:
        raise refuse(400, "depth", f"At most {limit} levels are taken.")


_DECODERS: dict[Limits, json.JSONDecoder] = {}


def _decoder(limits: Limits) -> json.JSONDecoder:
    known = _DECODERS.get(limits)
    if known is None:
        known = _DECODERS[limits] = _make_decoder(limits)
    return known


def _make_decoder(limits: Limits) -> json.JSONDecoder:
    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(pairs) > limits.keys:
            raise refuse(400, "complexity", f"At most {limits.keys} keys are taken in one object.")
        found = dict(pairs)
        if len(found) != len(pairs):
            raise refuse(400, "duplicate_key", "A key stands twice in one object.")
        for key, value in pairs:
            if len(key) > limits.key_bytes or not (key.isascii() or _fits(key, limits.key_bytes)):
                raise refuse(400, "complexity", f"A key has at most {limits.key_bytes} bytes.")
            if isinstance(value, list):
                _check_items(cast("list[Any]", value), limits.items)
        return found

    return json.JSONDecoder(
        object_pairs_hook=read_object,
        parse_int=_integer,
        parse_float=_fraction,
        parse_constant=_constant,
    )


def _fits(key: str, limit: int) -> bool:
    return len(key.encode(errors="surrogatepass")) <= limit


def _check_items(items: list[Any], limit: int) -> None:
    if len(items) > limit:
        raise refuse(400, "complexity", f"At most {limit} items are taken in one array.")
    for item in items:
        if isinstance(item, list):
            _check_items(cast("list[Any]", item), limit)


def _integer(written: str) -> int:
    value = int(written) if len(written) <= _LONGEST_INTEGER else LARGEST_INTEGER + 1
    if abs(value) > LARGEST_INTEGER or (value == 0 and written[0] == "-"):
        raise refuse(400, "number", "An integer lies within 2^53 and zero has no sign.")
    return value


def _fraction(_written: str) -> NoReturn:
    raise refuse(400, "number", "A JSON number is an integer; a decimal is a string.")


def _constant(_name: str) -> NoReturn:
    raise refuse(400, "non_finite", "NaN and Infinity are not JSON.")


def _check_strings(value: Json) -> None:
    """Refuse a NUL or a lone surrogate that came in as an escape."""
    for string in _strings(value):
        if "\x00" in string or any("\ud800" <= character <= "\udfff" for character in string):
            raise refuse(400, "encoding", "A string holds neither NUL nor half a surrogate pair.")


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
