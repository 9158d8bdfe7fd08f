"""The rules of special assessments (专项考评): their months, their points, and what belongs to them."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from services.scoring.domain.board_check import most, sums
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.overlay_section import OverlaySpec
from services.scoring.domain.plan import EventTypes
from services.scoring.domain.reading import Finding
from shared.kernel.periods import Month
from shared.kernel.points import parts, short_text


def overlays_have_their_months(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """An overlay has months of the scheme's year, in order, and ends in one that the scheme covers."""
    head = document.scheme
    year = head.year
    for place, one in enumerate(document.overlays):
        path = f"/overlays/{place}"
        if document.calendar.year_of(one.months[0]) != year:
            yield Finding(f"{path}/from", "dates", f"An overlay has months of the scheme's year, {year}.")
        if one.until < one.from_:
            yield Finding(f"{path}/until", "dates", "It ends before it begins.")
        elif one.until < head.effective:
            reason = f"It ended before {head.effective}; leave it out: what it gave counts in the year still."
            yield Finding(f"{path}/until", "dates", reason)
        elif one.until > head.until:
            yield Finding(f"{path}/until", "dates", f"The scheme ends before it, with {head.until}.")


def overlays_have_their_own_codes(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Beside boards in one standing, an overlay has a code that no board has."""
    boards = {board.code for board in document.boards}
    for place, one in enumerate(document.overlays):
        if one.code in boards:
            reason = f"{one.code} is the code of a board; standings name both."
            yield Finding(f"/overlays/{place}/code", "duplicate", reason)


def indicators_belong_to_overlays(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """An indicator belongs to a board or to an overlay that exists, and every overlay has one."""
    codes = {one.code for one in document.overlays}
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}/overlay"
        if indicator.overlay is not None and indicator.overlay not in codes:
            yield Finding(path, "unknown_overlay", f"There is no overlay {indicator.overlay}.")
        elif indicator.overlay is not None and indicator.board is not None:
            reason = f"Its points belong to board {indicator.board} or to overlay {indicator.overlay}."
            yield Finding(path, "board_and_overlay", reason)
    taken = {one.overlay for one in document.indicators}
    for place, one in enumerate(document.overlays):
        if one.code not in taken:
            yield Finding(f"/overlays/{place}", "empty_overlay", f"No indicator belongs to {one.code}.")


def indicators_fill_their_overlays(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A unit that has any indicator of an overlay has its points; what is added reaches whole groups."""
    for place, one in enumerate(document.overlays):
        for group in document.groups:
            within = [of for of in document.indicators if of.overlay == one.code and group in of.groups]
            found = sums(document, group, within)
            for whose, points in found:
                if points not in (0, Decimal(one.points)):
                    told = f"the indicators of {one.code} have {points} points, the overlay {one.points}"
                    yield Finding(f"/overlays/{place}/points", "overlay_sum", f"{whose}: {told}.")
            without = [whose for whose, points in found if not points]
            if one.counts == "added" and 0 < len(without) < len(found):
                reason = (
                    f"{without[0]}: {one.code} is added to others of the group; let it be beside, or for all."
                )
                yield Finding(f"/overlays/{place}/counts", "overlay_uneven", reason)


def overlays_stay(draft: SchemeDocument, adopted: Iterable[SchemeDocument]) -> Iterator[Finding]:
    """Beside the versions adopted for its year a version moves no indicator into an overlay or out of it.

    Nor does it count an overlay otherwise: a total takes one that is added in all months that it had.
    What an overlay gave under a version before is in the totals of the year, and the floors hold with it,
    whether the version leaves the overlay out, moves it or gives it fewer points.
    """
    head = draft.scheme
    before = [
        one for one in adopted if one.scheme.year == head.year and one.scheme.effective < head.effective
    ]
    known = {one.code: one.overlay for document in before for one in document.indicators}
    for place, one in enumerate(draft.indicators):
        if one.code in known and known[one.code] != one.overlay:
            reason = (
                f"In this year {one.code} belonged to {known[one.code] or 'no overlay'}; give it a new code."
            )
            yield Finding(f"/indicators/{place}/overlay", "overlay_moved", reason)
    counted = {one.code: one.counts for document in before for one in document.overlays}
    for place, one in enumerate(draft.overlays):
        if (known_as := counted.get(one.code, one.counts)) != one.counts:
            reason = f"In this year {one.code} is {known_as}, and what it gave stays so; give it a new code."
            yield Finding(f"/overlays/{place}/counts", "overlay_counts", reason)
    yield from _floors_of_the_year(draft, _kept(draft, before))


def _floors_of_the_year(draft: SchemeDocument, kept: Mapping[str, Fraction]) -> Iterator[Finding]:
    mine = {one.code for one in draft.overlays if one.counts == "added"}
    there = [one for one in draft.indicators if one.is_extra or one.overlay in mine]
    total = Fraction(draft.scheme.total) + Fraction(most(draft, there)) + sum(kept.values())
    for place, board in enumerate(draft.boards if kept else ()):
        floor = board.floor_above
        if floor is not None and Fraction(board.points) <= Fraction(floor) * total:
            reached = f"{short_text(parts(*total.as_integer_ratio()))}, which a total of the year reaches"
            named = f"with {', '.join(kept)} of the versions before"
            reason = f"{board.code} is not above {floor} of {reached} {named}."
            yield Finding(f"/boards/{place}/points", "board_floor", reason)


def _kept(draft: SchemeDocument, before: Iterable[SchemeDocument]) -> dict[str, Fraction]:
    """Return by overlay how many points versions before add at most above those that the draft gives it.

    It is asked of every period that the draft rules too; months of the overlay weight its points there.
    """
    own = {one.code: Fraction(one.points) for one in draft.overlays}
    in_order = [*sorted(before, key=lambda one: one.scheme.effective), draft]
    above: dict[str, dict[int, Fraction]] = {}
    for document, following in pairwise(in_order):
        ruled = range(_first(document), _first(following))
        for one in document.overlays:
            if one.counts == "added":
                more = Fraction(one.points) - own.get(one.code, Fraction(0))
                above.setdefault(one.code, {}).update({at: more for at in _months(one) if at in ruled})
    for one in draft.overlays:
        if one.code in above:
            above[one.code].update({at: Fraction(0) for at in _months(one) if at >= _first(draft)})
    most_above = {code: _most_mean(draft, by_month) for code, by_month in above.items()}
    return {code: points for code, points in most_above.items() if points > 0}


def _most_mean(draft: SchemeDocument, by_month: Mapping[int, Fraction]) -> Fraction:
    """Return the largest mean of the months of a period that the draft rules, or rules in part."""
    means = [Fraction(0)]
    for period in {one for at in by_month for one in draft.calendar.around(Month.of_ordinal(at))}:
        if period.last.ordinal >= _first(draft):
            found = [by_month[at.ordinal] for at in period.months() if at.ordinal in by_month]
            means.append(sum(found, Fraction(0)) / len(found))
    return max(means)


def _months(overlay: OverlaySpec) -> range:
    first, last = overlay.months
    return range(first, last + 1)


def _first(document: SchemeDocument) -> int:
    return Month.parse(document.scheme.effective).ordinal
