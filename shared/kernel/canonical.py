"""RFC 8785 for the values that the platform keeps: objects, arrays, strings, integers, booleans, null."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from shared.kernel.digests import sha256, sha256_hex

_ASTRAL = re.compile(rb"[\xf0-\xf4]")
_SORTING = msgspec.json.Encoder(order="sorted")
_KEEPING = msgspec.json.Encoder()


def canonical(value: object) -> bytes:
    """Write a value in its one canonical form; decimals are strings, floats are our own mistake.

    The library sorts keys by code point, the RFC by UTF-16 unit; they differ only beyond the basic plane.
    """
    written = _SORTING.encode(value)
    if _ASTRAL.search(written) is None:
        return written
    return _KEEPING.encode(_sorted(value))


def digest(value: object) -> bytes:
    """Return the SHA-256 of the canonical form."""
    return sha256(canonical(value))


def digest_hex(value: object) -> str:
    """Return the SHA-256 of the canonical form in hexadecimal."""
    return sha256_hex(canonical(value))


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {key: _sorted(item) for key, item in sorted(items, key=_utf_16)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_sorted(item) for item in cast("Sequence[Any]", value)]
    return value


def _utf_16(item: tuple[str, object]) -> bytes:
    return item[0].encode("utf-16-be")
