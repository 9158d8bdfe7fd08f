"""What reviews changed of a cell: differences of its exact sums, capped by what the facts under them say now.

A review is of an entry, and the entry stands on facts. What a review gives back of a deduction is at most
what these take; it counts none for more than one and lifts no part of a share above the whole; where none is
left, nothing is changed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.scoring.domain.derived import Loss, PointsPlan, Taking
from services.scoring.domain.sums import REVIEWED

REVIEWS = "reviews"
FactName = tuple[str, str]
Numbers = tuple[int, int]


class Change(NamedTuple):
    """What is added to numerator and denominator of a measure, in the units of its sums."""

    numerator: int
    denominator: int = 0

    def __add__(self, other: object) -> "Change":
        assert isinstance(other, Change), "changes are added to changes"
        return Change(self.numerator + other.numerator, self.denominator + other.denominator)

    def __sub__(self, other: "Change") -> "Change":
        return Change(self.numerator - other.numerator, self.denominator - other.denominator)


NONE = Change(0)


@dataclass(frozen=True, slots=True)
class Stands:
    """What a fact says in a cell; by the `numbers` of its reports ranges of events find it."""

    name: FactName
    numbers: tuple[int, ...]
    numerator: int
    denominator: int = 0


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A decision: what is added to the sums of the measure that an indicator of a unit takes in a month.

    `points` are parts of 10^-12 that a measure in points loses, numerator and denominator are millionths. It
    stands on `facts` and on events by their `numbers` in a shard; without either on all there is.
    """

    key: str
    version: int
    scheme: str
    unit: str
    indicator: str
    month: int
    points: int = 0
    numerator: int = 0
    denominator: int = 0
    entry: int = 0
    facts: frozenset[FactName] | None = None
    events: tuple[Numbers, ...] | None = None

    @property
    def is_change(self) -> bool:
        """Whether it changes anything: an entry that was upheld stands."""
        return bool(self.points or self.numerator or self.denominator)

    def losses(self, under: PointsPlan) -> Iterator[Loss]:
        """Yield that it waits where a scheme does not have the indicator; what it changes hangs on facts."""
        if self.scheme == under.scheme and self.is_change and self.place(under) is None:
            yield Loss(REVIEWED, None, self.unit, self.month, 0, indicator=self.indicator)

    def place(self, under: PointsPlan) -> Taking | None:
        """Return what it changes of a scheme: an indicator of the unit that alone takes its measure."""
        found = under.taken.get(self.indicator)
        if found is None or not found.applies(self.unit, self.month) or self.unit in found.shared:
            return None
        return found

    def places(self) -> frozenset[tuple[str, str, int]]:
        """Return where it is found, whether it changed anything or not."""
        return frozenset({(REVIEWS, self.unit, self.month)})

    def wanted(self, place: Taking) -> Change:
        """Return what it changes if nothing caps it."""
        return Change(self.points if place.in_points else self.numerator, self.denominator)

    def rests_on(self, fact: Stands) -> bool:
        """Tell whether the entry that it is of stands on a fact."""
        if self.facts is None and self.events is None:
            return True
        told = any(first <= number <= last for first, last in self.events or () for number in fact.numbers)
        return told or fact.name in (self.facts or ())


@dataclass(slots=True)
class _Left:
    """What a fact says after the reviews so far; `is_bounded` where its part stays within its whole.

    A count is; so is an amount that was within it as it was told, not one of which the whole is another fact.
    """

    numbers: list[int]
    is_bounded: bool

    @classmethod
    def of(cls, fact: Stands, place: Taking) -> "_Left":
        """Return what a fact says before any review."""
        is_within = fact.numerator <= fact.denominator
        return cls([fact.numerator, fact.denominator], place.counts or (place.is_share and is_within))

    def room(self, wanted: int) -> int:
        """Return how far the numerator can move: down to 0, up to the denominator where that bounds it."""
        numerator, denominator = self.numbers
        if wanted < 0:
            return max(0, numerator)
        return max(0, denominator - numerator) if self.is_bounded else wanted

    def depth(self) -> int:
        """Return how far the denominator can sink."""
        numerator, denominator = self.numbers
        return denominator - max(0, numerator) if self.is_bounded else denominator

    def gives(self, wanted: Change) -> bool:
        """Tell whether it can move at all towards what a review wants."""
        if wanted.denominator > 0 or (wanted.denominator < 0 and self.depth() > 0):
            return True
        return wanted.numerator != 0 and self.room(wanted.numerator) > 0


def gives(reviews: Iterable[Reviewed], fact: Stands, place: Taking) -> bool:
    """Tell whether any review can move a fact; `changed` comes to the same without those that none can."""
    of = _Left.of(fact, place)
    return any(review.rests_on(fact) and of.gives(review.wanted(place)) for review in reviews)


def changed(reviews: Iterable[Reviewed], facts: Iterable[Stands], place: Taking) -> Change:
    """Return what the reviews of one cell change, the first entry first; no fact gives twice."""
    left = {fact: _Left.of(fact, place) for fact in sorted(facts, key=lambda one: one.name)}
    found = NONE
    for review in sorted(reviews, key=lambda one: (one.entry, one.key)):
        mine = [of for fact, of in left.items() if review.rests_on(fact)]
        wanted = review.wanted(place)
        down = min(0, wanted.denominator)
        up = _moved(mine, 1, wanted.denominator - down, [wanted.denominator] * len(mine))
        numerator = _moved(mine, 0, wanted.numerator, [of.room(wanted.numerator) for of in mine])
        found += Change(numerator, up + _moved(mine, 1, down, [of.depth() for of in mine]))
    return found


def _moved(mine: Sequence[_Left], at: int, wanted: int, rooms: Sequence[int]) -> int:
    """Move a number of facts in their order, each as far as it can; return by how much in all."""
    sign, left = (-1, -wanted) if wanted < 0 else (1, wanted)
    for of, room in zip(mine, rooms, strict=True):
        step = max(0, min(left, room))
        of.numbers[at] += sign * step
        left -= step
    return wanted - sign * left
