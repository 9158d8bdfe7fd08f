"""What reviews changed of a cell: differences of its exact sums, capped by what the facts under them say now.

A review is of an entry, and the entry stands on facts. What a review gives back of a deduction is at most
what these take; it counts none for more than one and lifts no part of a share above the whole; where none is
left, nothing is changed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from services.scoring.domain.derived import Loss, PointsPlan, Taking
from services.scoring.domain.sums import REVIEWED

REVIEWS = "reviews"
FactName = tuple[str, str]
Numbers = tuple[int, int]

BEFORE_ALL: FactName = ("", "")


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


class Outcome(NamedTuple):
    """What reviews change, and by review the last fact, by name, that it took of.

    A review that wanted more than there is has no end.
    """

    change: Change
    ends: Mapping[str, FactName]


def changed(reviews: Iterable[Reviewed], facts: Iterable[Stands], place: Taking) -> Change:
    """Return what the reviews of one cell change, the first entry first; no fact gives twice."""
    return outcome(reviews, facts, place).change


def outcome(reviews: Iterable[Reviewed], facts: Iterable[Stands], place: Taking) -> Outcome:
    """Return the same with how far it went among the facts, which give in the order of their names."""
    left = {fact: _Left.of(fact, place) for fact in sorted(facts, key=lambda one: one.name)}
    found, ends = NONE, dict[str, FactName]()
    for review in sorted(reviews, key=lambda one: (one.entry, one.key)):
        names = [fact.name for fact in left if review.rests_on(fact)]
        mine = [of for fact, of in left.items() if review.rests_on(fact)]
        wanted = review.wanted(place)
        down = min(0, wanted.denominator)
        up, at_up = _moved(mine, 1, wanted.denominator - down, [wanted.denominator] * len(mine))
        numerator, at = _moved(mine, 0, wanted.numerator, [of.room(wanted.numerator) for of in mine])
        sunk, at_down = _moved(mine, 1, down, [of.depth() for of in mine])
        found += Change(numerator, up + sunk)
        last = max(at_up, at, at_down)
        if last < len(mine):
            ends[review.key] = names[last] if last >= 0 else BEFORE_ALL
    return Outcome(found, ends)


def _moved(mine: Sequence[_Left], at: int, wanted: int, rooms: Sequence[int]) -> tuple[int, int]:
    """Move a number of facts in their order, each as far as it can; return by how much in all, and the last.

    Where nothing is wanted the last is -1, where more is wanted than there is it lies behind all.
    """
    sign, left = (-1, -wanted) if wanted < 0 else (1, wanted)
    last = -1
    for place, (of, room) in enumerate(zip(mine, rooms, strict=True)):
        if not left:
            break
        step = max(0, min(left, room))
        of.numbers[at] += sign * step
        left -= step
        last = place
    return wanted - sign * left, len(mine) if left else last


@dataclass(slots=True)
class Reach:
    """The facts that reviews of a cell take of: of each review all, or those up to its bound, by name.

    A review that comes to its end within its bound takes of none behind it, so that what reviews change is
    the same as by all facts; where one does not, it `is_short`, and all facts have to be read. So many facts
    are held before bounds are put closer.
    """

    facts: dict[FactName, Stands] = field(default_factory=dict[FactName, Stands])
    bounds: dict[str, FactName] = field(default_factory=dict[str, FactName])
    room: int = 0

    def __len__(self) -> int:
        return len(self.facts)

    def put(self, reviews: Iterable[Reviewed], fact: Stands) -> None:
        """Hold what a fact says now, if any review may take of it."""
        if self._takes(reviews, fact):
            self.facts[fact.name] = fact

    def outcome(self, reviews: Sequence[Reviewed], place: Taking, spare: int) -> Outcome:
        """Return what reviews change; of more than there is room for `spare` facts behind each end stay."""
        found = outcome(reviews, self.facts.values(), place)
        if len(self.facts) > self.room:
            if not self.is_short(found):
                self._trim(reviews, found, spare)
            self.room = 2 * (len(self.facts) + spare)
        return found

    def is_short(self, found: Outcome) -> bool:
        """Tell whether a review did not come to its end within its bound."""
        return any(key not in found.ends or found.ends[key] > bound for key, bound in self.bounds.items())

    def _trim(self, reviews: Sequence[Reviewed], found: Outcome, spare: int) -> None:
        for review in reviews:
            end, bound = found.ends.get(review.key), self.bounds.get(review.key)
            if end is not None:
                behind = sorted(
                    name
                    for name, fact in self.facts.items()
                    if end < name and (bound is None or name <= bound) and review.rests_on(fact)
                )
                if len(behind) > spare:
                    self.bounds[review.key] = [end, *behind][spare]
        self.facts = {name: fact for name, fact in self.facts.items() if self._takes(reviews, fact)}

    def _takes(self, reviews: Iterable[Reviewed], fact: Stands) -> bool:
        return any(
            review.rests_on(fact) and ((bound := self.bounds.get(review.key)) is None or fact.name <= bound)
            for review in reviews
        )
