"""What a trial would change: two standings of one group and period beside each other, unit by unit."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

from services.ranking.domain.documents import Document, Indicator, calendar_of, is_due, overlay_of
from services.ranking.domain.schemes import Scheme
from services.ranking.domain.standings import Line
from shared.kernel.periods import Cycle, Month, Period, PeriodCalendar

OF_MEASURES = frozenset({"version", "owner", "effective"})
OF_INDICATORS = frozenset({"name", "assessor", "collection", "decomposes"})
NAMING = frozenset({"code", "board", "overlay", "measure", "over"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Beside:
    """A unit in both standings; one that a side does not have stands nowhere there.

    `points` are those of the trial less those in force, `places` how many it would go up; None where a side
    has none.
    """

    unit: str
    real: Line | None
    trial: Line | None
    points: Decimal | None
    places: int | None

    @property
    def moves_points(self) -> bool:
        """Tell whether other points would be printed, or another range in their place."""
        return _printed(self.real) != _printed(self.trial)

    @property
    def moves_rank(self) -> bool:
        """Tell whether the unit would have another rank, or one at all."""
        return _of(self.real, "rank") != _of(self.trial, "rank")

    @property
    def moves_tier(self) -> bool:
        """Tell whether the unit would stand in another tier."""
        return _of(self.real, "tier") != _of(self.trial, "tier")


@dataclass(frozen=True, slots=True)
class Side:
    """The standing of a group and period, in force or in a trial."""

    scheme: Scheme
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Tried:
    """The months of a trial, and which periods end in them: of these it tells another end."""

    document: Document

    @property
    def months(self) -> tuple[Month, Month]:
        """Return the first and the last month."""
        head = self.document["scheme"]
        return Month.parse(head["effective"]), Month.parse(head["until"])

    @property
    def calendar(self) -> PeriodCalendar:
        """Return the calendar of the draft's periods."""
        return calendar_of(self.document)

    def scores(self, group: str) -> bool:
        """Tell whether a group has units and indicators."""
        document = self.document
        return group in document["groups"] and any(group in one["groups"] for one in document["indicators"])

    def compares(self, period: Period) -> bool:
        """Tell whether a period ends in months that are tried; what lies before them is of other versions."""
        first, last = self.months
        return first <= period.last <= last

    def never_due(self, group: str | None = None) -> tuple[str, ...]:
        """Return the indicators, of a group or of all, of which no cycle ends within the trial.

        None of it is compared.
        """
        first, last = self.months
        months = [Month.of_ordinal(at) for at in range(first.ordinal, last.ordinal + 1)]
        periods = [self.calendar.containing(month, Cycle.MONTH) for month in months]
        return tuple(
            one["code"]
            for one in self.document["indicators"]
            if (group is None or group in one["groups"])
            and not any(is_due(self.document, one, period) for period in periods)
        )


def beside(real: Iterable[Line], trial: Iterable[Line]) -> list[Beside]:
    """Return every unit of either standing, in the order of the trial's, then those it does not have."""
    ours, theirs = ({line.unit: line for line in lines} for lines in (real, trial))
    units = [*theirs, *(unit for unit in ours if unit not in theirs)]
    return [_beside(unit, ours.get(unit), theirs.get(unit)) for unit in units]


def so_far(found: Iterable[Beside]) -> list[Beside]:
    """Return the same of a trial of which shards are missing: no place in it counts yet, no difference."""
    return [
        Beside(one.unit, one.real, one.trial and replace(one.trial, rank=None, tier=None), None, None)
        for one in found
    ]


def changed(real: Document, trial: Document) -> tuple[str, ...]:
    """Return the indicators that one of two schemes has alone, or that they define or measure otherwise."""
    ours, theirs = (_definitions(document) for document in (real, trial))
    return tuple(code for code in sorted(ours.keys() | theirs.keys()) if ours.get(code) != theirs.get(code))


def _definitions(document: Document) -> dict[str, tuple[Any, ...]]:
    """Return by indicator all that decides its figure, which is neither its name nor who answers for it."""
    measures = {name: _without(spec, OF_MEASURES) for name, spec in document.get("measures", {}).items()}
    views, trees = document.get("views", {}), document.get("trees", {})
    found: dict[str, tuple[Any, ...]] = {}
    for one in document["indicators"]:
        taken = [measures.get(name) for name in _measures_of(one)]
        rows = [
            (_rows(spec["over"], views.get(spec["over"]), {*_words(spec), *trees.values()}), trees)
            for spec in taken
            if spec is not None and "over" in spec
        ]
        found[one["code"]] = _without(one, OF_INDICATORS), taken, rows, overlay_of(document, one)
    return found


def _rows(over: str, view: Document | None, named: Collection[str]) -> Document | None:
    """Return what rows a view has, of its columns those that are named: others change no figure."""
    if view is None:
        return None
    needed = _needed(over, view["columns"], named)
    columns = {name: view["columns"][name] for name in view["columns"] if name in needed}
    return {**view, "events": sorted(view.get("events", ())), "columns": columns}


def _needed(over: str, columns: Mapping[str, Any], named: Collection[str]) -> set[str]:
    """Return the columns that are named, and those that their filters name, as `view.column`."""
    needed, asked = set[str](), [*named]
    while asked:
        name = asked.pop()
        if name in columns and name not in needed:
            needed.add(name)
            match columns[name]:
                case {"where": str(condition)}:
                    asked += re.findall(rf'\b{over}"?\s*\.\s*"?(\w+)', condition)
                case _:
                    pass
    return needed


def _words(value: Any) -> Iterator[str]:
    """Yield the words of a measure, among them the columns that it names."""
    match value:
        case str():
            yield from _WORD.findall(value)
        case dict():
            for one in value.values():
                yield from _words(one)
        case _:
            return


def _measures_of(indicator: Indicator) -> list[str]:
    """Return the measures that a figure is made of: the indicator's own, then those that its method names."""
    method = indicator.get("method", {})
    levels = method.get("bonus", {}).get("levels", ())
    won = method.get("deduct", {}).get("bonus")
    further = [one["measure"] for one in (*levels, *([won] if won else ()))]
    return [*([indicator["measure"]] if "measure" in indicator else ()), *further]


def _without(part: Document, names: frozenset[str]) -> dict[str, Any]:
    """Return a part of a document without some fields of its own, and without all sources in it.

    Numbers are compared by what they are worth and not by how they are written.
    """
    return {
        name: value if name in NAMING else _plain(value)
        for name, value in part.items()
        if name not in names and not _sourced(name, value)
    }


def _plain(value: Any) -> Any:
    match value:
        case str() if _DECIMAL.match(value):
            return Decimal(value)
        case dict():
            return _without(value, frozenset())
        case list():
            return [_plain(one) for one in value]
        case _:
            return value


def _sourced(name: str, value: Any) -> bool:
    """Tell whether a field says where values come from, and is none that a scheme happens to call so."""
    is_source = name == "source" and isinstance(value, dict) and "document" in value
    return is_source or (name == "verified" and isinstance(value, bool))


def _beside(unit: str, real: Line | None, trial: Line | None) -> Beside:
    points, places = None, None
    if real is not None and trial is not None:
        if real.total is not None and trial.total is not None:
            points = trial.total - real.total
        if real.rank is not None and trial.rank is not None:
            places = real.rank - trial.rank
    return Beside(unit, real, trial, points, places)


def _printed(line: Line | None) -> tuple[Decimal | None, Decimal, Decimal] | None:
    return None if line is None else (line.total, line.low, line.high)


def _of(line: Line | None, what: Literal["rank", "tier"]) -> int | str | None:
    return None if line is None else getattr(line, what)
