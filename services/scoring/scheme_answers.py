"""What the door answers about schemes beside their documents."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.scoring.domain.coverage import (
    Achieved,
    Planned,
    Ruling,
    Scored,
    achieved,
    least,
    planned,
    planned_in,
    target_of,
)
from services.scoring.domain.difference_words import Lang, in_words
from services.scoring.domain.differences import Change, differences, splits
from services.scoring.domain.document import SchemeDocument
from shared.contracts.fields import Version
from shared.kernel.points import shown_ratio, text


class DiffQuery(BaseModel):
    """With which version a version is compared, and in which language it is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: Version | None = Field(None, description="the older version; without it the one adopted before")
    lang: Lang = Field("zh", description="the language of the texts")


class Answer(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


class ShownDifference(Answer):
    """One change in words, and as what it is: `place` is empty where a thing is new or gone.

    `splits` says that an indicator is scored in parts by months from the newer version on.
    """

    section: str
    key: str
    change: Change
    place: str
    old: str | None
    new: str | None
    splits: bool
    text: str


class Diff(Answer):
    """What changed from an older version to a newer one; `splits` are the indicators scored in parts."""

    scheme: str
    since: int
    version: int
    lang: Literal["zh", "en"]
    splits: list[str]
    differences: list[ShownDifference]


class CoverageQuery(BaseModel):
    """For which period it is asked what was achieved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    period: str | None = Field(None, max_length=10, description="2021-03, 2021-Q1, 2021-H1 or 2021")


class ShownTarget(Answer):
    """The shares that a scheme aims at; only their sum decides."""

    machine: str
    system: str
    sum: str


class ShownPlanned(Answer):
    """Points by how they are collected, of the unit of the group that machines cover least.

    In a period they are weighted by the months in which versions rule them, without what does not apply.
    """

    unit: str
    machine: str
    system: str
    manual: str
    share: str
    reaches_target: bool | None = Field(description="null where the scheme has no target")


class ShownMissing(Answer):
    """Indicators of a unit that did not wholly come from machines in the period, and what share did."""

    unit: str
    share: str
    indicators: list[str]


class ShownAchieved(Answer):
    """Points of all units of a group that came from machines in the period, of how many; who lacks what.

    What does not apply to a unit in a month is in neither.
    """

    points: str
    total: str
    share: str
    missing: list[ShownMissing]


class ShownCoverage(Answer):
    """What machines cover in a group: planned, and achieved where a period is asked for."""

    group: str
    units: int
    planned: ShownPlanned
    achieved: ShownAchieved | None


class Coverage(Answer):
    """The coverage meter of a scheme."""

    scheme: str
    version: int
    target: ShownTarget | None
    period: str | None
    groups: list[ShownCoverage]


def coverage(document: SchemeDocument) -> Coverage:
    """Return the meter as the scheme plans it."""
    return _coverage(document, None, planned(document), {})


def coverage_in(
    document: SchemeDocument, period: str, rulings: Sequence[Ruling], cells: Mapping[Scored, int]
) -> Coverage:
    """Return the meter of a period: planned by the versions that rule it, and achieved beside it."""
    return _coverage(document, period, planned_in(rulings), achieved(rulings, cells))


def _coverage(
    document: SchemeDocument,
    period: str | None,
    plan: Mapping[str, Mapping[str, Planned]],
    done: Mapping[str, Mapping[str, Achieved]],
) -> Coverage:
    head, spec, target = document.scheme, document.coverage, target_of(document)
    return Coverage(
        scheme=head.code,
        version=head.version,
        target=None
        if spec is None or target is None
        else ShownTarget(machine=spec.machine, system=spec.system, sum=text(target)),
        period=period,
        groups=[
            ShownCoverage(
                group=group,
                units=len(units),
                planned=_planned(*least(units), target),
                achieved=_achieved(done[group]) if group in done else None,
            )
            for group, units in plan.items()
            if units
        ],
    )


def _planned(unit: str, found: Planned, target: Decimal | None) -> ShownPlanned:
    return ShownPlanned(
        unit=unit,
        machine=text(found.machine),
        system=text(found.system),
        manual=text(found.manual),
        share=_share(found.share()),
        reaches_target=None if target is None else found.share() >= Fraction(target),
    )


def _achieved(units: Mapping[str, Achieved]) -> ShownAchieved:
    points = sum((one.points for one in units.values()), Decimal(0))
    total = sum((one.total for one in units.values()), Decimal(0))
    return ShownAchieved(
        points=text(points),
        total=text(total),
        share=_share(Fraction(points) / Fraction(total) if total else Fraction(0)),
        missing=[
            ShownMissing(unit=unit, share=_share(one.share()), indicators=list(one.missing))
            for unit, one in units.items()
            if one.missing
        ],
    )


def _share(value: Fraction) -> str:
    return text(shown_ratio(value))


def diff(older: SchemeDocument, newer: SchemeDocument, lang: Lang) -> Diff:
    """Return what changed, each change in words of a language."""
    return Diff(
        scheme=newer.scheme.code,
        since=older.scheme.version,
        version=newer.scheme.version,
        lang=lang,
        splits=sorted(splits(older, newer)),
        differences=[
            ShownDifference(
                section=one.section,
                key=one.key,
                change=one.change,
                place=one.place,
                old=one.old,
                new=one.new,
                splits=one.splits,
                text=in_words(one, lang),
            )
            for one in differences(older, newer)
        ],
    )
