"""Findings that were revoked, as they stood: what revives is told from the set of reports, not its order."""

from collections.abc import Collection, Iterator, Sequence

from services.scoring.domain.facts import Report, Standing, standing
from services.scoring.domain.incidents.facts import Status
from services.scoring.domain.incidents.rules import Rules


def before_revocation(rules: Sequence[Rules], reports: Collection[Report]) -> Standing:
    """Return what would stand if nothing had been withdrawn, nor dropped after it was confirmed."""
    by_root: dict[tuple[str, str], list[Report]] = {}
    for report in reports:
        by_root.setdefault(report.root, []).append(report)
    return standing(report for revisions in by_root.values() for report in _kept(rules, revisions))


def _kept(rules: Sequence[Rules], revisions: Sequence[Report]) -> Iterator[Report]:
    """Yield the revisions of a report up to the last that did not revoke it; an original is one always."""
    ordered = sorted(revisions, key=lambda one: (one.revision, one.source, one.id))
    last = len(ordered)
    while last > 1 and _revokes(rules, ordered[last - 1], ordered[: last - 1]):
        last -= 1
    yield from ordered[:last]


def _revokes(rules: Sequence[Rules], report: Report, before: Sequence[Report]) -> bool:
    if report.data is None:
        return True
    dropped = _status(rules, report) == Status.DROPPED
    return dropped and any(_status(rules, one) == Status.CONFIRMED for one in before)


def _status(rules: Sequence[Rules], report: Report) -> str | None:
    found = [one.findings[report.type] for one in rules if report.type in one.findings]
    return None if not found or report.data is None else report.data.get(found[-1].status)
