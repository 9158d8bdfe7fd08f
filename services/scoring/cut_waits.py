"""What the cuts of a scheme wait for: shards that have not passed T, then what is not applied yet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.scoring import clocks, cuts, cutting
from services.scoring.clocks import Passed
from services.scoring.cutting import Unread
from shared.kernel.errors import refuse
from shared.storage.transaction import PostgresTransaction


@dataclass(frozen=True, slots=True)
class Waiting:
    """A cut that is not told: at step 0 `shards` have yet to pass T, then `unread` is what it waits for."""

    period: str
    version: int
    cut: str
    day: str
    step: int
    unread: tuple[Unread, ...] = ()
    shards: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """The cuts of a scheme that are due, or come next, and the shards that have not passed the last T."""

    cuts: tuple[Waiting, ...]
    shards: dict[int, Passed]


async def of_scheme(tx: PostgresTransaction, scheme: str) -> Waits:
    """Return what the cuts of a scheme wait for, or refuse where its periods have none."""
    if scheme not in await cuts.heads_of_schemes(tx):
        raise refuse(404, "not_found", "No scheme of this code whose periods have a cut is in force.")
    noted = [
        Waiting(one.period, one.version, one.cut, one.day, one.step + 1, tuple(unread))
        for one, unread in await cutting.waits(tx)
        if one.scheme == scheme
    ]
    passed = await clocks.passed(tx)
    to_come = [
        Waiting(period, version, cut, day, step=0, shards=tuple(_behind(passed, cut)))
        for code, period, version, cut, day in await cutting.unnoted(tx)
        if code == scheme
    ]
    upcoming = _upcoming(to_come)
    behind = _behind(passed, max(one.cut for one in upcoming)) if upcoming else ()
    return Waits((*noted, *upcoming), {shard: passed[shard] for shard in behind})


def _behind(passed: Mapping[int, Passed], cut: str) -> Iterator[int]:
    """Yield the shards that have not passed T."""
    return (shard for shard, one in passed.items() if not one.is_past(cut))


def _upcoming(to_come: Sequence[Waiting]) -> list[Waiting]:
    """Return those that every shard has passed, and those of the next T."""
    ahead = [one.cut for one in to_come if one.shards]
    following = min(ahead, default=None)
    found = [one for one in to_come if following is None or one.cut <= following]
    return sorted(found, key=lambda one: (one.cut, one.period))
