"""The rules of a scheme: a tuple of small functions, each naming what it refuses by path and reason."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.plan import EventTypes, compile_plan, event_types
from shared.kernel.errors import Refused
from shared.kernel.periods import Month


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a scheme is refused, and where."""

    path: str
    code: str
    reason: str


Rule = Callable[[SchemeDocument, EventTypes], Iterator[Finding]]


def read(document: object) -> SchemeDocument | list[Finding]:
    """Read a scheme document, or return every place that is not of its shape."""
    try:
        return SchemeDocument.model_validate(document)
    except ValidationError as error:
        return [
            Finding(
                _pointer(document, one["loc"], missing=one["type"] == "missing"),
                "shape",
                one["msg"].removeprefix("Value error, "),
            )
            for one in error.errors(include_url=False, include_input=False)
        ]


def findings(document: SchemeDocument, catalogue: Mapping[str, Any]) -> list[Finding]:
    """Return everything that is wrong with a scheme, in the order of the rules."""
    types = event_types(catalogue)
    return [finding for rule in RULES for finding in rule(document, types)]


def covers(newer: SchemeDocument, older: SchemeDocument) -> bool:
    """Tell whether a version takes the place of another: it covers every month of it."""
    new, old = newer.scheme, older.scheme
    return new.effective <= old.effective and old.until <= new.until


def boards_sum_to_the_total(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The points of the boards are the total."""
    found = sum(Decimal(board.points) for board in document.boards)
    if found != Decimal(document.scheme.total):
        yield Finding(
            "/boards", "board_sum", f"The boards have {found} points, the total is {document.scheme.total}."
        )


def a_floor_is_exceeded(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A board with a floor has strictly more than its share of the total."""
    for place, board in enumerate(document.boards):
        floor = board.floor_above
        if floor is not None and Decimal(board.points) <= Decimal(floor) * Decimal(document.scheme.total):
            yield Finding(
                f"/boards/{place}/points", "board_floor", f"{board.code} is not above {floor} of the total."
            )


def names_are_used_once(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Units, boards, indicators and tiers have codes of their own."""
    for path, codes in (
        ("/units", [one.code for one in document.units]),
        ("/boards", [one.code for one in document.boards]),
        ("/indicators", [one.code for one in document.indicators]),
        ("/tiers", [one.code for one in document.tiers]),
    ):
        for code, count in Counter(codes).items():
            if count > 1:
                yield Finding(path, "duplicate", f"{code} stands {count} times.")


def units_hang_together(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Every parent is a unit, no unit lies above itself, every group has units."""
    parents = {unit.code: unit.parent for unit in document.units}
    levels = {unit.level for unit in document.units}
    for place, unit in enumerate(document.units):
        if unit.parent is not None and unit.parent not in parents:
            yield Finding(f"/units/{place}/parent", "unknown_unit", f"There is no unit {unit.parent}.")
        elif _is_above_itself(unit.code, parents):
            yield Finding(f"/units/{place}/parent", "unit_cycle", f"{unit.code} lies above itself.")
    for name, group in document.groups.items():
        if group.level not in levels:
            yield Finding(f"/groups/{name}/level", "empty_group", f"No unit has the level {group.level}.")


def indicators_name_what_exists(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """Boards, groups and measures of indicators exist; a target of 0 is only for reverse."""
    boards = {board.code for board in document.boards}
    for place, indicator in enumerate(document.indicators):
        path = f"/indicators/{place}"
        if indicator.board not in boards:
            yield Finding(f"{path}/board", "unknown_board", f"There is no board {indicator.board}.")
        for group in indicator.groups:
            if group not in document.groups:
                yield Finding(f"{path}/groups", "unknown_group", f"There is no group {group}.")
        if indicator.measure not in document.measures:
            yield Finding(f"{path}/measure", "unknown_measure", f"There is no measure {indicator.measure}.")
        target = indicator.method.target
        if target is not None and target.direction == "up" and Decimal(target.target) == 0:
            yield Finding(
                f"{path}/method", "target_zero", "A target of 0 is reached by nobody and everybody."
            )


def indicators_fill_their_boards(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """In every group that is scored, the indicators of a board have the points of the board."""
    scored = {group for indicator in document.indicators for group in indicator.groups}
    for group in sorted(scored & document.groups.keys()):
        for board in document.boards:
            found = sum(
                Decimal(one.points)
                for one in document.indicators
                if one.board == board.code and group in one.groups
            )
            if found != Decimal(board.points):
                reason = (
                    f"{group}: the indicators of {board.code} have {found} points, the board {board.points}."
                )
                yield Finding("/indicators", "indicator_sum", reason)


def dates_are_in_order(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """A scheme covers months of one year, from its first to its last, in a zone that exists."""
    first, last = Month.parse(document.scheme.effective), Month.parse(document.scheme.until)
    if last < first or last.year != first.year:
        yield Finding("/scheme/until", "dates", "A scheme covers months of one year, in order.")
    try:
        ZoneInfo(document.scheme.zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding("/scheme/zone", "zone", "There is no such time zone.")


def tiers_share_everything(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The shares of the tiers sum to 1."""
    if document.tiers and sum(Decimal(tier.share) for tier in document.tiers) != 1:
        yield Finding("/tiers", "tier_sum", "The shares of the tiers sum to 1.")


def measures_compile(document: SchemeDocument, types: EventTypes) -> Iterator[Finding]:
    """Every measure parses and reads only what its events have; each is tried alone."""
    for name, spec in document.measures.items():
        alone = document.model_copy(update={"measures": {name: spec}})
        try:
            compile_plan(alone, types)
        except Refused as refused:
            yield Finding(f"/measures/{name}", refused.problem.code, refused.problem.detail)
        except (ZoneInfoNotFoundError, ValueError):
            return


def the_gate_is_a_measure(document: SchemeDocument, _types: EventTypes) -> Iterator[Finding]:
    """The minimum volume names a measure."""
    gate = document.ranking.minimum_volume
    if gate is not None and gate.measure not in document.measures:
        yield Finding("/ranking/minimum_volume", "unknown_measure", f"There is no measure {gate.measure}.")


RULES: tuple[Rule, ...] = (
    boards_sum_to_the_total,
    a_floor_is_exceeded,
    names_are_used_once,
    units_hang_together,
    indicators_name_what_exists,
    indicators_fill_their_boards,
    dates_are_in_order,
    tiers_share_everything,
    measures_compile,
    the_gate_is_a_measure,
)


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
        steps.append("/" + str(step).replace("~", "~0").replace("/", "~1"))
    return "".join(steps)


def _members(value: object) -> Mapping[Any, Any]:
    match value:
        case Mapping():
            return cast("Mapping[Any, Any]", value)
        case list():
            return dict(enumerate(cast("list[Any]", value)))
        case _:
            return {}


def _is_above_itself(code: str, parents: Mapping[str, str | None]) -> bool:
    seen: set[str] = set()
    at = parents[code]
    while at is not None and at not in seen:
        if at == code:
            return True
        seen.add(at)
        at = parents.get(at)
    return False
