"""What was sent and cannot be on its way any more is missing, also while other records come."""

import pytest

from shared.kernel.errors import Unavailable
from shared.kernel.records import Position, Reached
from shared.messaging.lookout import PATIENCE, Lookout

QUIET, BUSY = "test.quiet", "test.busy"
LOST, BESIDE, ELSEWHERE = 1, 17, 2  # of one partition, and of another


class Told:
    """An archive that tells how far a stream has come, by shard: archived, sent."""

    def __init__(self, **reached: tuple[int, int]):
        self.reached_by_shard = {int(name[1:]): Reached(*at) for name, at in reached.items()}
        self.away = False

    async def reached(self, stream: str):
        if self.away:
            raise Unavailable("away")
        return dict(self.reached_by_shard)

    async def read(self, stream: str, shard: int, after: int, limit: int):
        raise AssertionError("the lookout reads nothing")


def at(stream=QUIET, **applied):
    return [Position(stream, int(name[1:]), number=number) for name, number in applied.items()]


async def look(lookout, now, positions, *, idle=False):
    return await lookout.missing(positions, now, idle=idle)


def test_while_records_come_it_looks_every_half_minute_and_else_as_soon_as_it_is_due():
    lookout = Lookout({})
    assert lookout.is_due(PATIENCE.every_s, idle=False)
    lookout._looked, lookout._due = 100.0, 100.0 + PATIENCE.again_s
    assert not lookout.is_due(100.0 + PATIENCE.again_s, idle=False)
    assert lookout.is_due(100.0 + PATIENCE.again_s, idle=True)
    assert lookout.is_due(100.0 + PATIENCE.every_s, idle=False)


async def test_what_stands_still_while_nothing_comes_is_missing_at_the_second_look():
    lookout = Lookout({QUIET: Told(s1=(5, 5))})
    assert await look(lookout, 0, at(s1=4), idle=True) == {}
    assert await look(lookout, PATIENCE.again_s, at(s1=4), idle=True) == {(QUIET, LOST): 5}


async def test_a_last_record_is_missing_once_its_partition_brings_what_was_archived_later():
    archive = Told(s1=(5, 5), s17=(50, 40))
    lookout = Lookout({QUIET: archive})
    assert await look(lookout, 0, at(s1=4, s17=30)) == {}
    archive.reached_by_shard[BESIDE] = Reached(90, 80)
    assert await look(lookout, 30, at(s1=4, s17=50)) == {}
    assert await look(lookout, 60, at(s1=4, s17=51)) == {(QUIET, LOST): 5}


@pytest.mark.parametrize(("elsewhere", "stream"), [(ELSEWHERE, QUIET), (BESIDE, BUSY)])
async def test_what_another_partition_brings_says_nothing(elsewhere: int, stream: str):
    archives = {QUIET: Told(s1=(5, 5), s2=(9, 9)), BUSY: Told(s17=(9, 9))}
    lookout = Lookout(archives)
    await look(lookout, 0, [*at(s1=4), Position(stream, elsewhere, number=9)])
    assert await look(lookout, 60, [*at(s1=4), Position(stream, elsewhere, number=99)]) == {}


async def test_a_partition_that_brings_nothing_for_two_minutes_is_missing_while_others_come():
    lookout = Lookout({QUIET: Told(s1=(5, 5), s17=(7, 7))})
    assert await look(lookout, 10, at(s1=4, s17=7)) == {}
    assert await look(lookout, 9 + PATIENCE.still_s, at(s1=4, s17=7)) == {}
    assert await look(lookout, 10 + PATIENCE.still_s, at(s1=4, s17=7)) == {(QUIET, LOST): 5}


async def test_a_shard_deep_in_the_backlog_of_its_partition_is_not_missing():
    lookout = Lookout({QUIET: Told(s1=(500, 500), s17=(900, 900))})
    for turn in range(20):
        assert await look(lookout, turn * PATIENCE.every_s, at(s1=4, s17=turn)) == {}


async def test_a_producer_that_is_away_hides_no_other():
    away = Told()
    away.away = True
    lookout = Lookout({BUSY: away, QUIET: Told(s1=(5, 5))})
    positions = [*at(s1=4), *at(BUSY, s1=4)]
    await look(lookout, 0, positions, idle=True)
    assert await look(lookout, 5, positions, idle=True) == {(QUIET, LOST): 5}


async def test_what_fails_otherwise_than_by_being_away_fails_as_if_asked_alone():
    class Broken(Told):
        async def reached(self, stream: str):
            raise ConnectionError(stream)

    lookout = Lookout({QUIET: Broken(), BUSY: Told(s1=(9, 9))})
    with pytest.raises(ConnectionError, match=QUIET):
        await look(lookout, 0.0, [*at(s1=5), *at(BUSY, s1=5)])
