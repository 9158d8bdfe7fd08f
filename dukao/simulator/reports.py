"""How what happened is reported: late, twice, wrongly, corrected, withdrawn, and not in order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from dukao.simulator.desk import Fact
from dukao.simulator.nation import Habits
from dukao.simulator.season import DAY_S, HOUR_S, written, written_in_utc

Event = dict[str, Any]
REPEATED = 20  # per mille, of all these
REPEATED_BY_ANOTHER = 25
REPEAT_WITHDRAWN = 150
REVISED_TWICE = 200
CORRECTION_FIRST = 150
ANOTHER = "exchange"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event and the second at which it reaches the platform."""

    at: int
    event: Event


class Reporter:
    """Turns facts into arrivals; `kinds` counts what was done to them."""

    def __init__(self, rng: Random, serial: Iterator[int], kinds: Counter[str]) -> None:
        self._rng = rng
        self._serial = serial
        self.kinds = kinds

    def report(self, fact: Fact, habits: Habits, *, bogus: bool) -> list[Arrival]:
        """Report a fact as its unit's habits have it; a bogus one never happened and is withdrawn."""
        versions = self._versions(fact, habits, bogus=bogus)
        original = self._original(versions[0], habits, fact.time)
        arrivals = [original, *self._revisions(original, versions[1:])]
        if len(versions) == 1 and fact.key is not None and self._chance(REPEATED_BY_ANOTHER):
            arrivals += self._repeat(original, fact)
        elif len(versions) > 1 and self._chance(CORRECTION_FIRST):
            self.kinds["corrections_first"] += 1
            arrivals[0] = replace(original, at=arrivals[-1].at + 1 + self._rng.randrange(2 * DAY_S))
        arrivals += [self._again(one) for one in arrivals if self._chance(REPEATED)]
        return arrivals

    def _versions(self, fact: Fact, habits: Habits, *, bogus: bool) -> list[Fact | None]:
        """Return what is told in turn: what came before, or blunders; then the fact, or nothing."""
        if bogus:
            return [fact, None]
        if fact.earlier:
            return [*(replace(fact, data=data) for data in fact.earlier), fact]
        if not self._chance(habits.sloppy):
            return [fact]
        blunders = 2 if self._chance(REVISED_TWICE) else 1
        return [*(self._blunder(fact) for _ in range(blunders)), fact]

    def _blunder(self, fact: Fact) -> Fact:
        """Return the fact with its time or one value wrong; what names it stays."""
        fields = [name for name, value in fact.data.items() if isinstance(value, int) or name == "amount"]
        place = self._rng.randrange(len(fields) + 1)
        if place == len(fields):
            return replace(fact, time=fact.time - 1 - self._rng.randrange(20 * DAY_S))
        name = fields[place]
        return replace(fact, data=dict(fact.data) | {name: self._wrong(fact.data[name])})

    def _wrong(self, value: str | int | bool) -> str | int | bool:
        if isinstance(value, bool):
            return not value
        if isinstance(value, int):
            return value + 1 + self._rng.randrange(5)
        return f"{self._rng.randrange(10_000_000)}.{self._rng.randrange(100):02d}"

    def _original(self, fact: Fact | None, habits: Habits, happened: int) -> Arrival:
        assert fact is not None, "what comes first is never a withdrawal"
        self.kinds["first_reports"] += 1
        slow = self._chance(habits.slow)
        delay = DAY_S + self._rng.randrange(12 * DAY_S) if slow else self._rng.randrange(2 * HOUR_S)
        at = happened + delay
        event = self._event(fact, fact.source)
        if slow:
            self.kinds["late"] += 1
            event["recorded"] = written(at)
        return Arrival(at, event | {"data": dict(fact.data)})

    def _revisions(self, original: Arrival, versions: list[Fact | None]) -> Iterator[Arrival]:
        at = original.at
        for revision, fact in enumerate(versions, 1):
            at += HOUR_S + self._rng.randrange(8 * DAY_S)
            yield self._revision(original.event, fact, revision, at)

    def _revision(self, original: Event, fact: Fact | None, revision: int, at: int) -> Arrival:
        self.kinds["retractions" if fact is None else "corrections"] += 1
        named = {"correctssource": original["source"], "correctsid": original["id"], "revision": revision}
        told = {name: value for name, value in original.items() if name not in {"data", "recorded"}}
        if fact is not None:
            told |= {"time": _time(fact), "data": dict(fact.data)}
        event = told | {"id": self._id(original["source"]), "recorded": written(at)} | named
        return Arrival(at, event)

    def _repeat(self, original: Arrival, fact: Fact) -> Iterator[Arrival]:
        """Yield the same fact as told by another source; one of the two reports may be withdrawn."""
        self.kinds["same_fact"] += 1
        at = original.at + self._rng.randrange(3 * DAY_S)
        event = self._event(fact, ANOTHER) | {"data": dict(fact.data)}
        yield Arrival(at, event)
        if self._chance(REPEAT_WITHDRAWN):
            withdrawn = (original.event, event)[self._rng.randrange(2)]
            yield self._revision(withdrawn, None, 1, at + HOUR_S + self._rng.randrange(3 * DAY_S))

    def _again(self, arrival: Arrival) -> Arrival:
        self.kinds["repeated"] += 1
        return Arrival(arrival.at + self._rng.randrange(2 * DAY_S), arrival.event)

    def _event(self, fact: Fact, source: str) -> Event:
        event: Event = {
            "specversion": "1.0",
            "id": self._id(source),
            "source": source,
            "type": fact.type,
            "subject": fact.unit,
            "time": _time(fact),
        }
        return event if fact.case is None else event | {"case": fact.case}

    def _id(self, source: str) -> str:
        return f"SIM-{source}-{next(self._serial):09d}"

    def _chance(self, per_mille: int) -> bool:
        return self._rng.randrange(1000) < per_mille


def _time(fact: Fact) -> str:
    return written_in_utc(fact.time) if fact.source == "hotline" else written(fact.time)
