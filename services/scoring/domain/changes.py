"""How a unit stands in a group as it was last posted, and what became another."""

from dataclasses import dataclass, field

Cell = tuple[int, str]
PeriodFigure = tuple[str, str]

UNTOLD = object()


@dataclass(slots=True)
class Standing:
    """Month cells and figures of a unit in a group as they were last posted; a cell has a value."""

    cells: dict[Cell, int] = field(default_factory=dict[Cell, int])
    figures: dict[PeriodFigure, int | None] = field(default_factory=dict[PeriodFigure, int | None])

    def has(self, period: str, indicator: str, value: int | None) -> bool:
        """Tell whether a figure was posted as it is."""
        return self.figures.get((period, indicator), UNTOLD) == value


@dataclass(slots=True)
class Changes:
    """What became another in a unit: (old, new) by month and indicator, figures by period and indicator.

    `points` are those of figures that are not those of the version.
    """

    cells: dict[int, dict[str, tuple[int | None, int | None]]] = field(
        default_factory=dict[int, dict[str, tuple[int | None, int | None]]]
    )
    figures: dict[str, dict[str, int | None]] = field(default_factory=dict[str, dict[str, int | None]])
    volumes: dict[str, int] = field(default_factory=dict[str, int])
    points: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])

    def cell(self, standing: Standing, month: int, indicator: str, new: int | None) -> None:
        """Note a month cell that became another."""
        key = month, indicator
        self.cells.setdefault(month, {})[indicator] = standing.cells.get(key), new
        if new is None:
            del standing.cells[key]
        else:
            standing.cells[key] = new

    def figure(self, standing: Standing, period: str, indicator: str, new: int | None) -> None:
        """Note a figure that became another."""
        standing.figures[period, indicator] = self.figures.setdefault(period, {})[indicator] = new
