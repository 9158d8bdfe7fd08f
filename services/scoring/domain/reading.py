"""Reads a scheme document, or names every place that is not of its shape."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from pydantic import ValidationError

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.texts import LONGEST_TEXT, escaped, oddities

MOST_FINDINGS = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a scheme is refused, and where."""

    path: str
    code: str
    reason: str


def read(document: object) -> SchemeDocument | list[Finding]:
    """Read a scheme document, or return the places that are not of its shape; of very many the first."""
    odd = list(islice(_odd(document), MOST_FINDINGS))
    if odd:
        return odd
    try:
        return SchemeDocument.model_validate(document)
    except ValidationError as error:
        return [
            Finding(
                _pointer(document, one["loc"], missing=one["type"] == "missing"),
                "shape",
                one["msg"].removeprefix("Value error, "),
            )
            for one in error.errors(include_url=False, include_input=False)[:MOST_FINDINGS]
        ]


def _odd(document: object) -> Iterator[Finding]:
    """Name texts that are not taken; none of them comes into a path or reason that a terminal shows."""
    for path, unseen in oddities(document):
        if unseen is None:
            yield Finding(path, "too_long", f"A text has at most {LONGEST_TEXT} characters.")
        else:
            reason = f"U+{ord(unseen):04X} is not seen, or moves what stands around it; leave it out."
            yield Finding(path, "characters", reason)


def _pointer(document: object, location: Sequence[str | int], *, missing: bool) -> str:
    """Write a location as a JSON pointer into the document; steps that only name a branch are left out."""
    steps: list[str] = []
    at: Any = document
    for place, step in enumerate(location):
        members = _members(at)
        if step in members:
            at = members[step]
        elif not (missing and place == len(location) - 1):
            continue
        steps.append("/" + escaped(str(step)))
    return "".join(steps)


def _members(value: object) -> Mapping[Any, Any]:
    match value:
        case Mapping():
            return cast("Mapping[Any, Any]", value)
        case list():
            return dict(enumerate(cast("list[Any]", value)))
        case _:
            return {}
