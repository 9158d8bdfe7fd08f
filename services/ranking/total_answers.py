"""What a total or a board is made of, as it is answered: points are decimals as text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from services.ranking.answers import Answer
from services.ranking.domain.documents import Document
from services.ranking.domain.losses import Lost, Summed, summed
from services.ranking.domain.rescaling import BoardSum
from services.ranking.domain.schemes import Figures, Scheme
from services.ranking.domain.standings import DUE, Figure, Line, is_any_due, standing
from shared.kernel.codes import CODE_PATTERN
from shared.kernel.errors import refuse
from shared.kernel.figures import FigureState
from shared.kernel.points import of_parts, published, published_parts, scaled, text

PAGE_LIMIT = 200
GUARD_PLACES = 9

Links = Callable[[str], tuple[str, str]]
CodeText = Annotated[str, Field(pattern=CODE_PATTERN, max_length=64)]


class TotalWanted(BaseModel):
    """Of which group and board or overlay the total is, and which of its figures are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: CodeText | None = Field(None, description="without it the first group of the unit by name")
    board: CodeText | None = Field(None, description="without it the whole total")
    overlay: CodeText | None = Field(None, description="a special assessment (专项考评) by itself")
    after: int = Field(0, ge=0, le=100_000, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=PAGE_LIMIT)


class TotalQuery(TotalWanted):
    """Of which scheme the total is, and as known when."""

    scheme: CodeText
    as_of: str | None = Field(
        None, max_length=32, description="a day of the scheme's zone: what was known at its end"
    )


class ShownPart(Answer):
    """An indicator in a total: its points, its value at 12 places, what it lost, and where it is explained.

    `published` is what it would print alone; the total rounds the sum and never the parts. `reason` says why
    an indicator does not apply to the unit. It is `stale` while a feed of its events is silent.
    """

    indicator: str
    name: str
    board: str | None
    overlay: str | None
    points: str
    value: str | None
    published: str | None
    lost: str | None
    state: FigureState
    stale: bool
    reason: str | None
    method: str
    measure: str
    measure_version: int
    cell: str
    explain: str


class ShownRescaling(Answer):
    """A board of which something does not apply to the unit, or that carries points of such a board.

    `points` are those that are due in it, `not_applicable` those of them that do not apply, `gained` what it
    carries of other boards. `kept` is what its deduct indicators have, `rest` the sum of the others, which
    is multiplied (缺项折算); of deduct indicators alone the points are stretched and never the losses.
    `value` is the board with what it carries, `published` the board before that; both are null while
    something has no data, and of a board of which nothing applies, whose points the others carry.
    """

    board: str
    title: str
    points: str
    not_applicable: str
    gained: str
    deduct_points: str
    kept: str
    rest: str
    applies: bool
    value: str | None
    published: str | None
    formula: str


class ShownOverlaySum(Answer):
    """A special assessment (专项考评) of the period: inside the total if it is `added`, else beside it.

    `value` and `published` are null while something of it has no data: then `range` says what it may be.
    """

    overlay: str
    title: str
    counts: Literal["added", "beside"]
    first: str
    last: str
    points: str
    value: str | None
    published: str | None
    range: tuple[str, str] | None


class TotalExplained(Answer):
    """Why a total or a board stands where it stands: its figures, the dearest loss first.

    `points` are those that are due, what does not apply included, which is spread (`rescaled`). A board is
    the one before it carries points of another. `value` is the exact sum, `published` its one rounding, both
    null while something due has no data: then `range` says between what it lies. `overlays` are those of the
    unit in the period, told beside a whole total. `as_of` is the digest of positions. With `known_on` it is
    what was known at the end of that day of the scheme's zone, and `state` is `as_of`.
    """

    scheme: str
    version: int
    zone: str
    group: str
    period: str
    unit: str
    unit_name: str
    board: str | None
    board_title: str | None
    overlay: str | None
    overlay_title: str | None
    state: Literal["live", "as_of"] = "live"
    known_on: str | None = None
    as_of: str
    fresh_at: str | None
    rank: int | None
    ranked: int
    tier: str | None
    points: str
    value: str | None
    published: str | None
    range: tuple[str, str] | None
    lost: str
    formula: str
    rescaled: list[ShownRescaling]
    overlays: list[ShownOverlaySum]
    parts: list[ShownPart]
    parts_total: int
    next: int | None = Field(description="pass it as `after` to read on; null at the end")


@dataclass(frozen=True, slots=True)
class Place:
    """Which total is explained: of a unit of a group in a period, by the version in force there."""

    scheme: Scheme
    group: str
    period: str
    unit: str


def explained(
    asked: TotalWanted, place: Place, figures: Figures, head: Mapping[str, Any], links: Links
) -> TotalExplained:
    """Return what is asked for of the figures of a group; `head` says of which code and how fresh."""
    scheme, mine = place.scheme, figures[place.unit]
    found = summed(_wanted(asked, mine), scheme.rules.places)
    is_whole = asked.board is None and asked.overlay is None
    overlays = _overlays(scheme, mine) if is_whole else []
    lines = standing(figures, scheme.rules)
    return _answer(asked, place, lines, found, {**head, "overlays": overlays}, links)


def path_of(*steps: str) -> str:
    """Return steps as the rest of a path."""
    return "".join(f"/{quote(step, safe='')}" for step in steps)


def check_asked(asked: TotalWanted, scheme: Scheme, group: str, unit: str) -> None:
    """Refuse a unit, board or overlay that a version does not have."""
    if unit not in scheme.members(group):
        raise refuse(404, "not_found", "The scheme has no such unit in this group.")
    if asked.board is not None and asked.board not in scheme.boards:
        raise refuse(404, "not_found", "The scheme has no such board.")
    if asked.overlay is not None and asked.overlay not in scheme.overlays:
        raise refuse(404, "not_found", "The scheme has no such overlay.")


def _wanted(asked: TotalWanted, figures: list[Figure]) -> list[Figure]:
    """Return what is asked for: a board, an overlay, or all that is inside the total."""
    if asked.board is not None or asked.overlay is not None:
        return [one for one in figures if (one.board, one.overlay) == (asked.board, asked.overlay)]
    return [one for one in figures if not one.beside]


def _overlays(scheme: Scheme, figures: list[Figure]) -> list[ShownOverlaySum]:
    """Return what each overlay comes to of which anything is due."""
    return [
        _overlay(one, summed(mine, scheme.rules.places))
        for code, one in scheme.overlays.items()
        if is_any_due(mine := [figure for figure in figures if figure.overlay == code])
    ]


def _overlay(one: Document, found: Summed) -> ShownOverlaySum:
    return ShownOverlaySum(
        overlay=one["code"],
        title=one["name"],
        counts=one["counts"],
        first=one["from"],
        last=one["until"],
        points=text(found.points),
        value=_text(found.value),
        published=_text(found.published),
        range=None if found.value is not None else (text(found.low), text(found.high)),
    )


def _answer(
    asked: TotalWanted,
    place: Place,
    lines: list[Line],
    found: Summed,
    head: Mapping[str, Any],
    links: Links,
) -> TotalExplained:
    scheme = place.scheme
    line = next(one for one in lines if one.unit == place.unit)
    shown = found.parts[asked.after : asked.after + asked.limit]
    end = asked.after + len(shown)
    return TotalExplained(
        **head,
        group=place.group,
        period=place.period,
        unit=place.unit,
        version=scheme.version,
        zone=scheme.document["scheme"].get("zone", "UTC"),
        unit_name=scheme.members(place.group)[place.unit],
        board=asked.board,
        board_title=None if asked.board is None else scheme.boards[asked.board],
        overlay=asked.overlay,
        overlay_title=None if asked.overlay is None else scheme.titles[asked.overlay],
        rank=line.rank,
        ranked=sum(one.rank is not None for one in lines),
        tier=line.tier,
        points=text(found.points),
        value=_text(found.value),
        published=_text(found.published),
        range=None if found.value is not None else (text(found.low), text(found.high)),
        lost=text(found.lost),
        formula=_formula(found, scheme.rules.places),
        rescaled=[
            _rescaled(code, scheme.titles[code], one, scheme.rules.places)
            for code, one in found.rescaled.all.items()
            if one.absent or one.gained
        ],
        parts=[_part(one, place, links(one.figure.indicator)) for one in shown],
        parts_total=len(found.parts),
        next=end if end < len(found.parts) else None,
    )


def _formula(found: Summed, places: int) -> str:
    """Return how the sum comes about: every value exactly, rounded once."""
    due = [one.figure for one in found.parts if one.figure.state in DUE]
    if not is_any_due(due):
        return "nothing is due that applies"
    if found.value is None or found.published is None:
        missing = sum(one.value is None for one in due)
        return f"{missing} of {len(due)} have no data yet: {text(found.low)} to {text(found.high)}"
    guarded = text(published(found.value, GUARD_PLACES))
    spread = ", rescaled" if any(one.absent or one.gained for one in found.rescaled.all.values()) else ""
    end = f"{text(found.value)} → {guarded} → {text(found.published)} ({places} places)"
    return f"Σ of {len(due)}{spread} = {end}"


def _rescaled(code: str, title: str, one: BoardSum, places: int) -> ShownRescaling:
    whole = one.applies and one.is_whole
    return ShownRescaling(
        board=code,
        title=title,
        points=_short(one.points),
        not_applicable=_short(one.absent),
        gained=_short(one.gained),
        deduct_points=_short(one.deduct),
        kept=_short(one.deduct_value),
        rest=_short(one.rest_value),
        applies=one.applies,
        value=text(of_parts(one.carrying.low)) if whole else None,
        published=text(published_parts(one.own.low, places)) if whole else None,
        formula=_spread(one),
    )


def _spread(one: BoardSum) -> str:
    """Return how what does not apply is spread, with numbers."""
    more = "".join(f" + {_short(points)}" for points in (one.absent, one.gained) if points)
    if one.rest:
        kept = f"{_short(one.deduct_value)} + " if one.deduct else ""
        rest = _short(one.rest)
        return f"{kept}{_short(one.rest_value)} · ({rest}{more}) / {rest}"
    if one.deduct:
        known = one.deduct - one.deduct_missing
        return f"{_short(one.deduct_value)} + ({more[3:]}) · {_short(known)} / {_short(one.deduct)}"
    return f"0 of {_short(one.points)}: carried by the other boards"


def _short(parts: int | Fraction) -> str:
    """Write parts of 10^-12 without zeros at the end; a share of points is rounded once, half even."""
    written = text(of_parts(scaled(1, Fraction(parts))))
    return written.rstrip("0").rstrip(".")


def _part(one: Lost, place: Place, links: tuple[str, str]) -> ShownPart:
    figure, scheme = one.figure, place.scheme
    spec = scheme.indicator(figure.indicator)
    measure = spec.get("measure", "")
    cell, explain = links
    return ShownPart(
        indicator=figure.indicator,
        name=spec.get("name", figure.indicator),
        board=figure.board,
        overlay=figure.overlay,
        points=text(figure.points),
        value=_text(figure.value),
        published=None if figure.value is None else text(published(figure.value, scheme.rules.places)),
        lost=_text(one.lost),
        state=figure.state,
        stale=figure.stale,
        reason=scheme.reason(figure.indicator, place.group, place.unit, place.period)
        if figure.state is FigureState.NOT_APPLICABLE
        else None,
        method=next(iter(spec["method"])),
        measure=measure,
        measure_version=scheme.measures.get(measure, {}).get("version", 1),
        cell=cell,
        explain=explain,
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)
