"""The simulated nation: the bureaus of the sample's scheme, and how eager or lazy each one is."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

from services.scoring.domain.document import SchemeDocument

SAMPLE = Path(__file__).parents[2] / "samples" / "national"
BUREAU_LEVEL = "bureau"


@dataclass(frozen=True, slots=True)
class Bureau:
    """A bureau and the units its work counts for: itself, those above it, its region and those above that."""

    code: str
    region: str
    counts_for: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Nation:
    """The sample: scheme, event types and bureaus, in the order of the scheme."""

    scheme: SchemeDocument
    types: Mapping[str, Any]
    bureaus: tuple[Bureau, ...]


@dataclass(frozen=True, slots=True)
class Habits:
    """How a bureau works; shares are per mille.

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
    bureaus = [
        Bureau(unit.code, regions[unit.code], _counts_for(parents, unit.code, regions[unit.code]))
        for unit in scheme.units
        if unit.level == BUREAU_LEVEL
    ]
    return Nation(scheme, yaml.safe_load((folder / "types.yaml").read_text("utf-8")), tuple(bureaus))


def habits(rng: Random) -> Habits:
    """Draw a bureau's habits: two in five are eager, one in five is lazy."""
    character = rng.randrange(5)
    diligence = (0, 0, 1, 1, 3)[character]
    return Habits(
        late=8 + 18 * diligence + rng.randrange(25),
        slack=8 + 16 * diligence + rng.randrange(30),
        slow=20 + 30 * diligence + rng.randrange(40),
        sloppy=10 + 8 * diligence + rng.randrange(15),
        size=600 + rng.randrange(1200),
    )


def _counts_for(parents: Mapping[str, str | None], bureau: str, region: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_upwards(parents, bureau), *_upwards(parents, region)]))


def _upwards(parents: Mapping[str, str | None], code: str) -> Iterator[str]:
    at: str | None = code
    while at is not None:
        yield at
        at = parents[at]
