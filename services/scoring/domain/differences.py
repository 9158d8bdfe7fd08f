"""What is another between two versions of a scheme: by section, thing and field."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, cast

from sqlglot import exp

from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.expressions import parse
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import AnyMeasure, MeasureSpec, Span
from services.scoring.domain.shapes import SIGNED_PATTERN
from services.scoring.domain.views import closure, reads_of
from shared.kernel.errors import Refused

Change = Literal["added", "removed", "changed"]
SECTIONS = ("scheme", "boards", "overlays", "indicators", "measures", "views", "groups", "units")
NAMED_BY = ("code", "type", "inspectorate", "rater", "closes")
OF_THINGS = frozenset({"trees", "groups", "views", "measures", "items", "surveys", "results"})
NOT_TAKEN = {"version": 1, "owner": "", "effective": None, "source": None, "verified": False}
OF_ITSELF = frozenset({"scheme/version", "scheme/code"})
WORDS = frozenset({"name", "title", "reason", "document", "clause", "owner", "assessor", "code"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One change: of the thing `key` in a section, at a place in it; old and new as they are written.

    A thing that was added or removed has no place; its points, where it has any, are its new or old value.
    `splits` says that an indicator is scored in parts from the newer version on.
    """

    section: str
    key: str
    name: str
    change: Change
    place: str = ""
    old: str | None = None
    new: str | None = None
    splits: bool = False


def differences(older: SchemeDocument, newer: SchemeDocument) -> tuple[Difference, ...]:
    """Return every difference; that the newer has another version is none."""
    old, new = _sections(older), _sections(newer)
    split = splits(older, newer)
    rest = sorted((old.keys() | new.keys()) - set(SECTIONS))
    return tuple(
        found
        for section in (*SECTIONS, *rest)
        for found in _of_section(section, old.get(section, {}), new.get(section, {}), split)
    )


def splits(older: SchemeDocument, newer: SchemeDocument) -> frozenset[str]:
    """Return the indicators of both whose points, method, parameters, measure or word for no data are others.

    Only these are scored in parts by months; a measure is another with its view, not with its owner.
    """
    before = {one.code: one for one in older.indicators}
    return frozenset(
        one.code
        for one in newer.indicators
        if one.code in before and scoring_of(older, before[one.code]) != scoring_of(newer, one)
    )


def scoring_of(document: SchemeDocument, indicator: IndicatorSpec) -> tuple[object, ...]:
    """Return all that a value depends on: the indicator's own words, its measures and their columns.

    Numbers are compared by what they are worth: 20 is 20.0.
    """
    named = (indicator.measure, *indicator.method.further_measures.values())
    method = _worth(indicator.method.model_dump(exclude_none=True))
    taken = [taking_of(document, name) for name in named]
    return _worth(indicator.points), method, indicator.no_data, taken


def taking_of(document: SchemeDocument, name: str) -> object:
    """Return all that the value of a measure depends on.

    Of a survey that is which one it asks: its title, its days and what raters are called score nothing.
    """
    spec = document.measures.get(name)
    return None if spec is None else meaning_of(document, spec)


def meaning_of(document: SchemeDocument, spec: AnyMeasure) -> tuple[object, object]:
    """Return how a measure takes its value; its number, owner and source are no part of that.

    Of a case view only the columns are that it reads, or that lead a row into a tree of units.
    """
    columns = _columns_of(document, spec) if isinstance(spec, MeasureSpec) else None
    return _worth(spec.model_copy(update=NOT_TAKEN).model_dump(exclude_none=True)), columns


def _columns_of(document: SchemeDocument, spec: MeasureSpec) -> object:
    """Return how the columns of a view are taken on which a measure depends; None where it reads events.

    Of a draft whose expressions cannot be read they are all.
    """
    view = document.views.get(spec.over)
    if view is None:
        return None
    by = (
        (spec.period_by.from_, spec.period_by.until)
        if isinstance(spec.period_by, Span)
        else (spec.period_by,)
    )
    texts = (spec.numerator, spec.denominator, *by)
    try:
        read = {name for text in texts if text is not None for name in _read(text)}
        reads = {name: reads_of(spec.over, column) for name, column in view.columns.items()}
    except Refused:
        return view.columns
    needed = closure(read | {*document.trees.values()}, reads)
    return {name: column for name, column in view.columns.items() if name in needed}


@lru_cache(maxsize=4096)
def _read(text: str) -> frozenset[str]:
    """Return the columns that an expression names, or refuse what is none."""
    return frozenset(one.name for one in parse(text).find_all(exp.Column))


def _worth(value: Any) -> object:
    """Return a value with every number in it as what it is worth."""
    match value:
        case dict():
            return {key: _worth(one) for key, one in cast("dict[str, Any]", value).items()}
        case list() | tuple():
            return [_worth(one) for one in cast("list[Any]", value)]
        case str() if re.fullmatch(SIGNED_PATTERN, value):
            return Decimal(value)
        case _:
            return value


def _sections(document: SchemeDocument) -> dict[str, dict[str, Any]]:
    """Return a document as sections of things by their keys; a section of no things is one thing without."""
    found: dict[str, dict[str, Any]] = {}
    for section, value in document.written().items():
        match value:
            case list():
                found[section] = _keyed(cast("list[Any]", value))
            case dict() if section in OF_THINGS:
                found[section] = cast("dict[str, Any]", value)
            case _:
                found[section] = {"": value}
    return found


def _keyed(items: list[Any]) -> dict[str, Any]:
    """Return things by what names them, so that another order is no difference."""
    name = next((key for key in NAMED_BY if all(isinstance(one, dict) and key in one for one in items)), None)
    if name is None:
        return {str(place): item for place, item in enumerate(items)}
    keyed: dict[str, Any] = {}
    for item in items:
        key, again = str(item[name]), 2
        while key in keyed:
            key, again = f"{item[name]} {again}", again + 1
        keyed[key] = item
    return keyed


def _of_section(
    section: str, old: Mapping[str, Any], new: Mapping[str, Any], split: frozenset[str]
) -> Iterator[Difference]:
    for key in [*old, *(key for key in new if key not in old)]:
        splitting = section == "indicators" and key in split
        if key not in new:
            yield Difference(section, key, _name(old[key]), "removed", old=_points(old[key]))
        elif key not in old:
            yield Difference(section, key, _name(new[key]), "added", new=_points(new[key]))
        else:
            yield from _of_thing(section, key, old[key], new[key], splitting=splitting)


def _of_thing(section: str, key: str, old: Any, new: Any, *, splitting: bool) -> Iterator[Difference]:
    before, after = dict(_leaves(old)), dict(_leaves(new))
    for place in [*before, *(place for place in after if place not in before)]:
        was, now = before.get(place), after.get(place)
        if not _is_same(place, was, now) and f"{section}/{place}" not in OF_ITSELF:
            yield Difference(section, key, _name(new), "changed", place, was, now, splitting)


def _is_same(place: str, was: str | None, now: str | None) -> bool:
    """Tell whether a place says the same: of numbers, whatever it writes behind the point."""
    return was == now or (place.rpartition("/")[2] not in WORDS and _worth(was) == _worth(now))


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every value with its place; a list of plain values is one, of things each by what names it."""
    match value:
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                yield from _leaves(item, f"{place}/{key}" if place else key)
        case list() if any(isinstance(one, dict) for one in cast("list[Any]", value)):
            yield from _leaves(_keyed(cast("list[Any]", value)), place)
        case list():
            yield place, ", ".join(str(one) for one in cast("list[Any]", value))
        case bool():
            yield place, "true" if value else "false"
        case _:
            yield place, str(value)


def _name(thing: Any) -> str:
    """Return what people call a thing."""
    named = cast("dict[str, Any]", thing) if isinstance(thing, dict) else {}
    return str(named.get("name") or named.get("title") or "")


def _points(thing: Any) -> str | None:
    return cast("dict[str, Any]", thing).get("points") if isinstance(thing, dict) else None
