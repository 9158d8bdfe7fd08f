"""Facts: what stands of the reports that were accepted, in whatever order they came."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ORIGINAL_MISSING = "original_missing"


@dataclass(frozen=True, slots=True)
class Report:
    """An accepted event of ingest: `time` in microseconds, `fact` the business key where the type has one.

    `told` is when its source recorded it, else when it was received, in microseconds; 0 where nobody asks.
    A correction names the report it revises and a revision from 1; one without data withdraws it.
    """

    source: str
    id: str
    type: str
    subject: str
    time: int
    shard: int
    number: int
    data: Mapping[str, Any] | None
    fact: str | None = None
    corrects: tuple[str, str] | None = None
    revision: int = 0
    told: int = 0

    @property
    def root(self) -> tuple[str, str]:
        """The first report that this one stands for or revises."""
        return self.corrects or (self.source, self.id)


@dataclass(frozen=True, slots=True)
class Standing:
    """The reports that count, and those that do not with the reason."""

    facts: tuple[Report, ...]
    left_out: tuple[tuple[Report, str], ...]


def standing(reports: Iterable[Report]) -> Standing:
    """Fold the reports of one case or fact: the highest revision counts, a repeated fact counts once.

    A correction without an original of its type and unit waits: ingest refuses one that moves, unless it came
    first. The result does not depend on the order of the reports.
    """
    by_root: dict[tuple[str, str], list[Report]] = {}
    for report in sorted(reports, key=lambda r: (r.revision, r.source, r.id)):
        by_root.setdefault(report.root, []).append(report)
    left_out: list[tuple[Report, str]] = []
    counting: dict[tuple[str, str], Report] = {}
    for reported in by_root.values():
        revisions = [report for report in reported if _is_beside(report, reported[0])]
        left_out += [(report, ORIGINAL_MISSING) for report in reported if not _is_beside(report, reported[0])]
        left_out += [(report, "revised") for report in revisions[:-1]]
        newest, original = revisions[-1], revisions[0]
        if original.revision != 0:
            left_out.append((newest, ORIGINAL_MISSING))
        elif newest.data is None:
            left_out.append((newest, "withdrawn"))
        else:
            _count(newest, original.fact, counting, left_out)
    facts = sorted(counting.values(), key=lambda r: (r.time, r.source, r.id))
    return Standing(tuple(facts), tuple(left_out))


def _is_beside(report: Report, original: Report) -> bool:
    return report.subject == original.subject and report.type == original.type


def _count(
    report: Report,
    fact: str | None,
    counting: dict[tuple[str, str], Report],
    left_out: list[tuple[Report, str]],
) -> None:
    """Count one report of a fact: the one revised last, of equals the lower (source, id)."""
    place = report.root if fact is None else ("", f"{report.type} {fact}")
    known = counting.get(place)
    if known is None:
        counting[place] = report
        return
    order = (-known.revision, known.source, known.id) < (-report.revision, report.source, report.id)
    counting[place], dropped = (known, report) if order else (report, known)
    left_out.append((dropped, "same_fact"))
