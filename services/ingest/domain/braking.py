"""When a partition of an inbound topic is stopped: our own mistakes refuse too many of its records.

One record at which we fail is refused at its place and blocks no other. Where those behind it fail too, the
mistake is not the record's, and going on would empty the topic into refusals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

IN_A_ROW = 20
ONE_IN = 20  # so many records make up for a mistake; more of them, for long, stop a partition too

Place: TypeAlias = tuple[str, int]


class Fate(IntEnum):
    """What a record does to the level of its partition; a refusal for its content says nothing of us."""

    GOOD = -1
    REFUSED = 0
    MISTAKE = ONE_IN


@dataclass(frozen=True, slots=True)
class Braked:
    """Which records are taken, each by its turn; how near partitions are to a stop; and which stop now."""

    taken: list[bool]
    levels: dict[Place, int]
    stopped: frozenset[Place]


def brake(levels: Mapping[Place, int], records: Sequence[tuple[Place, Fate]]) -> Braked:
    """Go through records in their order; behind the one that stops its partition none of that is taken.

    After a stop a partition begins at nothing, so that a person who lets it go on sees as many again.
    """
    found, stopped, taken = dict(levels), set[Place](), list[bool]()
    for place, fate in records:
        taken.append(place not in stopped)
        if taken[-1]:
            found[place] = max(0, found.get(place, 0) + fate)
            if found[place] >= IN_A_ROW * ONE_IN:
                stopped.add(place)
    kept = {place: level for place, level in found.items() if level and place not in stopped}
    return Braked(taken, kept, frozenset(stopped))
