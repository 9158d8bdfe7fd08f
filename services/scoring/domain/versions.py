"""Versions of one scheme beside each other."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.scoring.domain.document import Head, SchemeDocument, ViewSpec
from services.scoring.domain.reading import Finding


def covers(newer: Head, older: Head) -> bool:
    """Tell whether a version takes the place of another: it covers every month of it."""
    return newer.effective <= older.effective and older.until <= newer.until


def overlaps(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> Iterator[Finding]:
    """Refuse a version that shares a year with an adopted one without taking its place.

    The points of a year of two schemes are weighted by months; until that is done, a year has one.
    """
    for other in adopted:
        new, old = draft.scheme, other.scheme
        if new.effective[:4] != old.effective[:4]:
            continue
        if new.version <= old.version or not covers(new, old):
            reason = (
                f"Version {old.version} is in force from {old.effective} to {old.until}; a newer version "
                "covers all of these months, or begins in another year."
            )
            yield Finding("/scheme/effective", "overlap", reason)


def measures_keep_their_meaning(
    draft: SchemeDocument, adopted: Iterable[SchemeDocument]
) -> Iterator[Finding]:
    """A version of a measure has one meaning: what is taken otherwise has another version."""
    for other in adopted:
        for name, spec in draft.measures.items():
            before = other.measures.get(name)
            if before is None or spec.version != before.version:
                continue
            if _meaning(draft, name) == _meaning(other, name):
                continue
            reason = (
                f"Version {spec.version} of {name} was adopted with another meaning in version "
                f"{other.scheme.version} of the scheme; raise its version."
            )
            yield Finding(f"/measures/{name}/version", "measure_version", reason)


def _meaning(document: SchemeDocument, name: str) -> tuple[dict[str, Any], ViewSpec | None]:
    """Return how a measure is taken, the view that it runs over included."""
    spec = document.measures[name]
    return spec.meaning(), document.views.get(spec.over)
