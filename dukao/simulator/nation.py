"""The simulated nation: the units of the sample's scheme that work, and how eager or lazy each one is."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import yaml

from services.scoring.domain.document import SchemeDocument, UnitSpec

SAMPLE = Path(__file__).parents[2] / "samples" / "national"
BUREAU, DEPARTMENT, INSPECTORATE, DISCIPLINE = "bureau", "department", "inspectorate", "discipline"
SIZES = {BUREAU: 100, DEPARTMENT: 40, INSPECTORATE: 60, DISCIPLINE: 25}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that works and those its work counts for: itself, its region, and those above both.

    `upwards` are the unit and those above it; what items cost counts for them, for an item has no region.
    """

    code: str
    level: str
    region: str | None
    counts_for: tuple[str, ...]
    upwards: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nation:
    """The sample: scheme, event types and the units that work, in the order of the scheme."""

    scheme: SchemeDocument
    types: Mapping[str, Any]
    units: tuple[Unit, ...]

    def of(self, level: str) -> tuple[Unit, ...]:
        """Return the units of a level."""
        return tuple(unit for unit in self.units if unit.level == level)

    def groups_of(self, unit: Unit) -> tuple[str, ...]:
        """Return the groups that a unit is compared in."""
        return tuple(name for name, group in self.scheme.groups.items() if group.level == unit.level)

    def under(self, inspectorate: str, day: date) -> tuple[str, ...]:
        """Return the bureaus that an inspectorate is responsible for on a day."""
        incidents = self.scheme.incidents
        return tuple(
            bureau
            for one in (incidents.jurisdictions if incidents else ())
            if one.inspectorate == inspectorate
            and one.from_ <= day.isoformat()
            and (one.until is None or day.isoformat() <= one.until)
            for bureau in one.units
        )

    def own_of(self, unit: Unit, measure: str) -> str:
        """Return the individual indicator of a unit that takes a measure."""
        return next(
            one.code for one in self.scheme.indicators if one.measure == measure and unit.code in one.units
        )

    def region_of(self, code: str) -> str | None:
        """Return the region of a unit."""
        return next(unit.region for unit in self.units if unit.code == code)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a unit works; shares are per mille.

    `late`: deadlines missed; `slack`: work done badly; `slow`: reports that arrive days late;
    `sloppy`: reports that are corrected; `size`: its weight in the nation's work.
    """

    late: int
    slack: int
    slow: int
    sloppy: int
    size: int


def load(folder: Path = SAMPLE) -> Nation:
    """Read the sample."""
    scheme = SchemeDocument.model_validate(yaml.safe_load((folder / "scheme.yaml").read_text("utf-8")))
    with (folder / "regions.csv").open(encoding="utf-8", newline="") as file:
        regions = {row["bureau"]: row["region"] for row in csv.DictReader(file)}
    parents = {unit.code: unit.parent for unit in scheme.units}
    units = [_unit(spec, parents, regions.get(spec.code)) for spec in scheme.units if spec.level in SIZES]
    return Nation(scheme, yaml.safe_load((folder / "types.yaml").read_text("utf-8")), tuple(units))


def habits(rng: Random, level: str) -> Habits:
    """Draw a unit's habits: two in five are eager, one in five is lazy."""
    character = rng.randrange(5)
    diligence = (0, 0, 1, 1, 3)[character]
    return Habits(
        late=8 + 18 * diligence + rng.randrange(25),
        slack=8 + 16 * diligence + rng.randrange(30),
        slow=20 + 30 * diligence + rng.randrange(40),
        sloppy=10 + 8 * diligence + rng.randrange(15),
        size=(600 + rng.randrange(1200)) * SIZES[level] // 100,
    )


def _unit(spec: UnitSpec, parents: Mapping[str, str | None], region: str | None) -> Unit:
    upwards = tuple(_upwards(parents, spec.code))
    beside = () if region is None else _upwards(parents, region)
    return Unit(spec.code, spec.level, region, tuple(dict.fromkeys([*upwards, *beside])), upwards)


def _upwards(parents: Mapping[str, str | None], code: str) -> Iterator[str]:
    at: str | None = code
    while at is not None:
        yield at
        at = parents[at]
