"""How what stage B posts is parted into messages of about so many values."""

from collections.abc import Iterator, Mapping, Sequence

from services.scoring.domain.changes import Changes
from shared.contracts.entries import MonthRow, PeriodRow, Silence
from shared.kernel.periods import Month
from shared.kernel.points import parts_text

VALUES_PER_MESSAGE = 4_000


def of_values(changed: Mapping[str, Changes]) -> Iterator[tuple[list[MonthRow], list[PeriodRow]]]:
    """Yield entries and figures as they travel, about so many values a message; one message at least."""
    months, periods, values = list[MonthRow](), list[PeriodRow](), 0
    for row in (row for unit, changes in changed.items() for row in _rows(unit, changes)):
        if isinstance(row, MonthRow):
            months.append(row)
            values += 2 * len(row.cells)
        else:
            periods.append(row)
            values += len(row.values)
        if values >= VALUES_PER_MESSAGE:
            yield months, periods
            months, periods, values = [], [], 0
    if months or periods or not any(one.figures or one.cells for one in changed.values()):
        yield months, periods


def of_silence(silence: Sequence[Silence]) -> Iterator[list[Silence]]:
    """Yield what is silent as it travels, about so many months a message; a unit is told whole."""
    page, months = list[Silence](), 0
    for one in silence:
        page.append(one)
        months += sum(map(len, one.months.values()))
        if months >= VALUES_PER_MESSAGE:
            yield page
            page, months = [], 0
    if page:
        yield page


def _rows(unit: str, changes: Changes) -> Iterator[MonthRow | PeriodRow]:
    for month, cells in changes.cells.items():
        told = {code: (_text(old), _text(new)) for code, (old, new) in cells.items()}
        yield MonthRow(unit, str(Month.of_ordinal(month)), told)
    for period, figures in changes.figures.items():
        found = {code: _text(value) for code, value in figures.items()}
        points = {code: parts_text(value) for code, value in changes.points.get(period, {}).items()}
        yield PeriodRow(unit, period, changes.volumes[period], found, points)


def _text(parts: int | None) -> str | None:
    return None if parts is None else parts_text(parts)
