"""Conditions of triggers: named facts of a finding and an inspection, and what a scheme asks of them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import cast

from services.scoring.domain.incident_section import ConditionSpec, FactName
from services.scoring.domain.incidents.facts import Finding, Inspection


class Answer(StrEnum):
    """What a condition, and with all of them a trigger, says of a finding and an inspection."""

    FIRES = "fires"
    SAME_DAY = "same_day"
    NO = "no"


class Kind(StrEnum):
    """What a fact is; only facts of one kind are compared."""

    TYPE = "an event type"
    WHO = "a unit or person"
    OBJECT = "an object"
    CONTENT = "a content"
    YEARS = "years"
    DAY = "a day"
    NUMBER = "a number"
    BY = "inspectorate or other"


Pair = Callable[[Finding, Inspection], object]
Test = Callable[[Finding, Inspection], Answer]


@dataclass(frozen=True, slots=True)
class Fact:
    """A named fact: its kind, and how it is read."""

    kind: Kind
    read: Pair


FACTS: Mapping[FactName, Fact] = {
    "finding.type": Fact(Kind.TYPE, lambda finding, _: finding.type),
    "finding.unit": Fact(Kind.WHO, lambda finding, _: finding.unit),
    "finding.object": Fact(Kind.OBJECT, lambda finding, _: finding.object),
    "finding.content": Fact(Kind.CONTENT, lambda finding, _: finding.content),
    "finding.years": Fact(Kind.YEARS, lambda finding, _: finding.years),
    "finding.discovered": Fact(Kind.DAY, lambda finding, _: finding.discovered),
    "finding.severity": Fact(Kind.NUMBER, lambda finding, _: finding.severity),
    "finding.finder": Fact(Kind.WHO, lambda finding, _: finding.finder),
    "inspection.type": Fact(Kind.TYPE, lambda _, inspection: inspection.type),
    "inspection.unit": Fact(Kind.WHO, lambda _, inspection: inspection.unit),
    "inspection.object": Fact(Kind.OBJECT, lambda _, inspection: inspection.object),
    "inspection.content": Fact(Kind.CONTENT, lambda _, inspection: inspection.content),
    "inspection.years": Fact(Kind.YEARS, lambda _, inspection: inspection.years),
    "inspection.started": Fact(Kind.DAY, lambda _, inspection: inspection.started),
    "inspection.ended": Fact(Kind.DAY, lambda _, inspection: inspection.ended),
    "inspection.found": Fact(Kind.NUMBER, lambda _, inspection: inspection.found),
    "inspection.inspector": Fact(Kind.WHO, lambda _, inspection: inspection.inspector),
    "inspection.by": Fact(Kind.BY, lambda _, inspection: inspection.by.value),
}
_SAME_DAY = {"person": Answer.SAME_DAY, "before": Answer.FIRES, "not_before": Answer.NO}


def test_of(spec: ConditionSpec) -> Test:
    """Make the one test of a condition ready; `scheme check` has seen that its facts fit."""
    one = FACTS[spec.fact].read
    if spec.meets is not None:
        met = _years_meet if FACTS[spec.fact].kind is Kind.YEARS else _same
        return _comparing(one, FACTS[spec.meets].read, met)
    if spec.differs is not None:
        return _comparing(one, FACTS[spec.differs].read, lambda mine, other: not _same(mine, other))
    if spec.is_ is not None:
        values = frozenset(spec.is_)
        return lambda finding, inspection: _fires(_one_of(one(finding, inspection), values))
    if spec.before is not None and spec.same_day is not None:
        return _before(one, FACTS[spec.before].read, _SAME_DAY[spec.same_day])
    least, most = spec.at_least, spec.at_most
    return lambda finding, inspection: _fires(_within(least, one(finding, inspection), most))


def _comparing(one: Pair, other: Pair, holds: Callable[[object, object], bool]) -> Test:
    return lambda finding, inspection: _fires(holds(one(finding, inspection), other(finding, inspection)))


def _before(one: Pair, other: Pair, same_day: Answer) -> Test:
    def test(finding: Finding, inspection: Inspection) -> Answer:
        first, then = cast("date", one(finding, inspection)), cast("date", other(finding, inspection))
        return same_day if first == then else _fires(first < then)

    return test


def _fires(holds: bool) -> Answer:  # noqa: FBT001
    return Answer.FIRES if holds else Answer.NO


def _same(one: object, other: object) -> bool:
    """Tell whether two facts are one; `None` is the content of an inspection of every content."""
    return one is None or other is None or one == other


def _one_of(fact: object, values: Collection[str]) -> bool:
    """Tell whether a fact is one of values; an inspection of every content is one of each."""
    return fact is None or str(fact) in values


def _years_meet(one: object, other: object) -> bool:
    mine, theirs = cast("tuple[int, int]", one), cast("tuple[int, int]", other)
    return max(mine[0], theirs[0]) <= min(mine[1], theirs[1])


def _within(least: int | None, number: object, most: int | None) -> bool:
    found = cast("int", number)
    return (least is None or least <= found) and (most is None or found <= most)
