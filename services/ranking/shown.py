"""Standings as the door shows them, those of a closed period as the bytes that it answers ever after."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal

from services.ranking.answers import (
    FrozenStanding,
    RestatedStanding,
    ShownDifference,
    ShownLine,
    ShownOverlay,
    ShownPlace,
    ShownStanding,
    ShownTier,
)
from services.ranking.domain.restating import Difference, Stood, differences
from services.ranking.domain.rows import Group
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import Line, Unranked
from services.ranking.domain.standings import standing as lines_of
from services.ranking.domain.tiers import sizes
from services.ranking.knowing import Seen
from shared.kernel.canonical import canonical
from shared.kernel.points import text

State = Literal["live", "as_of", "closed"]


def frozen(group: Group, period: str, seen: Seen, day: str) -> bytes:
    """Return the standing at the end of a day as the bytes of a closed one."""
    return canonical(standing(group, period, seen, "closed", known_on=day).model_dump(mode="json"))


def standing(
    group: Group,
    period: str,
    seen: Seen,
    state: State,
    *,
    positions: str | None = None,
    known_on: str | None = None,
) -> ShownStanding:
    """Return a standing; a closed one stands on no positions, because none moves it."""
    scheme = seen.scheme
    lines, names = lines_of(seen.figures, scheme.rules), scheme.members(group[1])
    return ShownStanding(
        scheme=group[0],
        version=scheme.version,
        group=group[1],
        period=period,
        state=state,
        known_on=known_on,
        simulated=scheme.document["scheme"].get("simulated", False),
        fixture_values=tuple(one["code"] for one in scheme.document["indicators"] if not one.get("verified")),
        as_of=positions,
        fresh_at=seen.fresh_at,
        tiers=tuple(_tiers(scheme, lines)),
        overlays=tuple(_overlays(scheme, lines)),
        units=tuple(_line(line, names[line.unit]) for line in lines),
    )


def restated(frozen: bytes, live: ShownStanding) -> RestatedStanding:
    """Return what a closed standing comes to with all that came since, beside its difference from that."""
    closed = FrozenStanding.model_validate_json(frozen)
    found = differences(_stood(closed), _stood(live))
    names = {line.unit: line.name for line in (*closed.units, *live.units)}
    told = {name: getattr(live, name) for name in ShownStanding.model_fields if name != "state"}
    return RestatedStanding(**told, differences=tuple(_difference(one, names[one.unit]) for one in found))


def _stood(shown: ShownStanding | FrozenStanding) -> dict[str, Stood]:
    return {
        line.unit: Stood(
            points=_decimal(line.points),
            span=None if line.range is None else (Decimal(line.range[0]), Decimal(line.range[1])),
            rank=line.rank,
            tier=line.tier,
            boards={board: _decimal(value) for board, value in line.boards.items()},
        )
        for line in shown.units
    }


def _difference(one: Difference, name: str) -> ShownDifference:
    return ShownDifference(
        unit=one.unit,
        name=name,
        closed=_place(one.closed),
        restated=_place(one.restated),
        points=_text(one.points),
        boards={board: text(value) for board, value in one.boards.items()},
    )


def _place(one: Stood | None) -> ShownPlace | None:
    if one is None:
        return None
    span = None if one.span is None else (text(one.span[0]), text(one.span[1]))
    return ShownPlace(points=_text(one.points), range=span, rank=one.rank, tier=one.tier)


def _tiers(scheme: Scheme, lines: Sequence[Line]) -> Iterator[ShownTier]:
    tiers = scheme.rules.tiers
    planned = sizes(sum(line.rank is not None for line in lines), tiers)
    placed = [line.tier for line in lines]
    titles = {one["code"]: one.get("title") for one in scheme.document.get("tiers", ())}
    for tier, size in zip(tiers, planned, strict=True):
        yield ShownTier(
            code=tier.code,
            title=titles[tier.code],
            share=text(tier.share),
            planned=size,
            units=placed.count(tier.code),
        )


def _overlays(scheme: Scheme, lines: Sequence[Line]) -> Iterator[ShownOverlay]:
    """Yield the overlays of which anything is due to a unit."""
    for code, one in scheme.overlays.items():
        if any(code in line.overlays for line in lines):
            yield ShownOverlay(
                code=code,
                title=one["name"],
                counts=one["counts"],
                first=one["from"],
                last=one["until"],
                points=one["points"],
            )


def _line(line: Line, name: str) -> ShownLine:
    missing = line.unranked is Unranked.NOT_ASSESSED
    return ShownLine(
        unit=line.unit,
        name=name,
        rank=line.rank,
        points=_text(line.total),
        range=(text(line.low), text(line.high)) if missing else None,
        mark="未考" if missing else None,
        unranked=line.unranked,
        covered=text(line.covered),
        tier=line.tier,
        gap=_text(line.gap),
        volume=line.volume,
        boards={board: _text(value) for board, value in line.boards.items()},
        not_assessed=line.not_assessed,
        not_due=line.not_due,
        not_applicable=line.not_applicable,
        stale=line.stale,
        carried={board: text(points) for board, points in line.carried.items()},
        overlays={code: _text(value) for code, value in line.overlays.items()},
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else text(value)


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
