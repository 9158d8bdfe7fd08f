"""The figures of a unit as they came, and what they are found by."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Group = tuple[str, str]
VersionPeriod = tuple[int, str]
VersionUnit = tuple[int, str]


class Row(NamedTuple):
    """The figures of a unit in a period by indicator, and the number of the record that they stand on.

    `points` are those of figures whose months several versions rule, in parts of 10^-12; `day` is the one on
    which the record was known; one that came behind what was told before says by `until` on which day it was.
    """

    worth: Mapping[str, int | None]
    volume: int
    number: int
    points: Mapping[str, int] = {}
    day: str = ""
    until: str = ""

    def after(self, old: "Row | None") -> "Row":
        """Return it on its day; what came behind is known no earlier than what it is put over."""
        is_behind = old is not None and self.day < old.day <= self.until
        return self._replace(day=old.day if old is not None and is_behind else self.day, until="")

    def merged(self, newer: "Row") -> "Row":
        """Put newer figures in the place of those that they are of."""
        kept = {code: points for code, points in self.points.items() if code not in newer.worth}
        return newer._replace(worth={**self.worth, **newer.worth}, points={**kept, **newer.points})


class Silence(NamedTuple):
    """By indicator of a unit the months in which a feed of its events is silent, as a record told."""

    months: Mapping[str, Sequence[str]]
    number: int


NO_ROW = Row({}, 0, 0)
NO_SILENCE = Silence({}, 0)
