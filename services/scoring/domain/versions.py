"""Versions of one scheme beside each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.scoring.domain.differences import meaning_of
from services.scoring.domain.document import Head, SchemeDocument
from services.scoring.domain.reading import Finding
from shared.kernel.periods import Month, PeriodCalendar
from shared.kernel.reigns import Months, reigns


def ruled(heads: Iterable[Head]) -> dict[int, Months]:
    """Return by version of one scheme the first and last month that it rules."""
    return reigns({head.version: _covered(head) for head in heads})


def overlaps(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> Iterator[Finding]:
    """Refuse a version that does not follow those adopted for its year; it rules from its first month on."""
    new = draft.scheme
    others = [one.scheme for one in adopted if one.scheme.year == new.year]
    for old in others:
        covered = f"Version {old.version} is in force from {old.effective} to {old.until}"
        if new.version <= old.version:
            yield Finding("/scheme/version", "overlap", f"{covered}; what follows it has a higher version.")
        elif new.until < old.until:
            reason = f"{covered}; a newer version of the year holds as long, {new.until} is before its end."
            yield Finding("/scheme/until", "overlap", reason)
    if others:
        yield from _gaps(new, max(old.until for old in others))
    yield from _zones(new, [one.scheme for one in adopted])


def years_begin_alike(
    draft: SchemeDocument, calendars: Mapping[str, PeriodCalendar], below: Iterable[str] = ()
) -> Iterator[Finding]:
    """Refuse another first month than the versions before have, or schemes above or below: it would mislead.

    `calendars` are those of the adopted schemes by their code; `below` are those that name it as parent.
    """
    above = () if draft.parent is None else (draft.parent.scheme,)
    for code in (draft.scheme.code, *above, *below):
        known = calendars.get(code, draft.calendar)
        if known != draft.calendar:
            reason = f"Years of {code} begin in month {known.first_month}; a year has one meaning in both."
            yield Finding("/scheme/first_month", "first_month", reason)


def _gaps(new: Head, until: str) -> Iterator[Finding]:
    """Refuse months that no version of the year would rule."""
    next_month = Month.parse(until).plus(1)
    if Month.parse(new.effective) > next_month:
        reason = f"The version before it ends with {until}; begin in {next_month}, or months have no version."
        yield Finding("/scheme/effective", "gap", reason)


def _zones(new: Head, others: Sequence[Head]) -> Iterator[Finding]:
    """Refuse another zone beside a version that goes on ruling: an instant would lie in months of both."""
    stand = ruled([new, *others])
    for old in others:
        if old.version in stand and old.version != new.version and old.zone != new.zone:
            reason = (
                f"Version {old.version} rules its months in {old.zone}; beside it there is no other zone."
            )
            yield Finding("/scheme/zone", "zone_of_versions", reason)


def _covered(head: Head) -> Months:
    return Month.parse(head.effective).ordinal, Month.parse(head.until).ordinal


def measures_keep_their_meaning(
    draft: SchemeDocument, adopted: Iterable[SchemeDocument]
) -> Iterator[Finding]:
    """A version of a measure has one meaning: what is taken otherwise has another version."""
    for other in adopted:
        for name, spec in draft.measures.items():
            before = other.measures.get(name)
            if before is None or spec.version != before.version:
                continue
            if meaning_of(draft, spec) == meaning_of(other, before):
                continue
            reason = (
                f"Version {spec.version} of {name} was adopted with another meaning in version "
                f"{other.scheme.version} of the scheme; raise its version."
            )
            yield Finding(f"/measures/{name}/version", "measure_version", reason)
