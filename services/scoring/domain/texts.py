"""Texts of a document that are not what they look like: characters that move others or show nothing."""

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple, cast

LONGEST_TEXT = 2000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class Oddity(NamedTuple):
    """A text that is not taken, by its JSON pointer: a character is not seen, or None: it is too long."""

    path: str
    unseen: str | None


def oddities(value: object, path: str = "") -> Iterator[Oddity]:
    """Yield every text that is too long or holds what is not seen: controls, directions, half a pair.

    A line feed is taken. The key of a member is reported at what it is a member of.
    """
    if isinstance(value, str):
        yield from _oddity(value, path)
    elif isinstance(value, list):
        for place, item in enumerate(cast("list[object]", value)):
            yield from oddities(item, f"{path}/{place}")
    elif isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            odd = list(_oddity(key, path))
            yield from odd or oddities(item, f"{path}/{escaped(key)}")


def escaped(step: str) -> str:
    """Return a key as a step of a JSON pointer."""
    return step.replace("~", "~0").replace("/", "~1")


def _oddity(text: str, path: str) -> Iterator[Oddity]:
    if len(text) > LONGEST_TEXT:
        yield Oddity(path, None)
    elif not text.isprintable():
        unseen = [one for one in text if one != "\n" and unicodedata.category(one) in _UNSEEN]
        if unseen:
            yield Oddity(path, unseen[0])
