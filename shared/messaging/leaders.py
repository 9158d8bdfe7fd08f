"""Asks the leaders of partitions over one client: each for one fetch at a time; who fails, after a rest."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Hashable, Mapping
from itertools import groupby
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

import aiokafka.errors as kafka_errors
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, LeaderNotAvailableError, OffsetOutOfRangeError

from shared.messaging import kafka_clients
from shared.messaging.kafka_access import KafkaAccess
from shared.messaging.kafka_clients import REQUEST_TIMEOUT_MS
from shared.messaging.rests import Rests

Brought = TypeVar("Brought")
Offsets: TypeAlias = Mapping[TopicPartition, int]


class Answer(NamedTuple):
    """What a leader answers: as it came, what it says of partitions, and which do not have the offset."""

    whole: Any
    brought: list[tuple[TopicPartition, list[Any]]]
    lost: list[TopicPartition]


class Leaders(Generic[Brought]):
    """Who leads partitions, what is asked of them, and who rests: leaders and partitions."""

    def __init__(self, access: KafkaAccess) -> None:
        self.client: Any = AIOKafkaClient(**access.options(), request_timeout_ms=REQUEST_TIMEOUT_MS)
        self._fetches: dict[int, asyncio.Task[Brought]] = {}
        self._rests = Rests()

    async def start(self, offsets: Offsets) -> None:
        """Connect and learn who leads the partitions."""
        await kafka_clients.start(self._start({place.topic for place in offsets}))

    async def stop(self) -> None:
        """End what is under way and close the connections."""
        await kafka_clients.stop(self._stop(), self.client)

    def resting(self) -> dict[Hashable, float]:
        """Return who rests now and for how many seconds yet."""
        return self._rests.resting(_now())

    def ask(self, offsets: Offsets, fetch: Callable[[int, Offsets], Coroutine[Any, Any, Brought]]) -> None:
        """Ask every leader of whom nothing is asked already for all its partitions that do not rest."""
        by_leader: dict[int, dict[TopicPartition, int]] = defaultdict(dict)
        resting = self.resting()
        leaderless: dict[int | TopicPartition, type[Exception]] = {}
        for place, offset in offsets.items():
            leader = self.client.cluster.leader_for_partition(place)
            if place in resting or leader in resting:
                continue
            if leader is None or leader < 0:
                leaderless[place] = LeaderNotAvailableError
            else:
                by_leader[leader][place] = offset
        self._let_rest(leaderless)
        for leader in by_leader.keys() - self._fetches.keys():
            self._fetches[leader] = asyncio.ensure_future(fetch(leader, by_leader[leader]))

    async def brought(self, within_s: float, when: str = asyncio.FIRST_COMPLETED) -> list[Brought]:
        """Return what the first fetch brings within a time, or all; of none, once someone has rested."""
        if not self._fetches:
            if when == asyncio.FIRST_COMPLETED:
                await asyncio.sleep(min([within_s, *self.resting().values()]))
            return []
        done, _ = await asyncio.wait(self._fetches.values(), timeout=within_s, return_when=when)
        ended = [leader for leader, fetch in self._fetches.items() if fetch in done]
        return [self._fetches.pop(leader).result() for leader in ended]

    async def answer(self, leader: int, request: Any) -> Answer:
        """Return what a leader answers; it rests if it fails, and what it refuses rests but what is lost."""
        try:
            whole = await self.client.send(leader, request)
        except KafkaError as error:
            self._let_rest({leader: type(error)})
            return Answer(None, [], [])
        self._rests.answered(leader)
        answer, refused = Answer(whole, [], []), dict[int | TopicPartition, type[Exception]]()
        for topic, partitions in whole.topics:
            for partition, code, *more in partitions:
                place = TopicPartition(topic, partition)
                if not code:
                    self._rests.answered(place)
                    answer.brought.append((place, more))
                elif (error := kafka_errors.for_code(code)) is OffsetOutOfRangeError:
                    answer.lost.append(place)
                else:
                    refused[place] = error
        self._let_rest(refused)
        return answer

    def _let_rest(self, refused: Mapping[int | TopicPartition, type[Exception]]) -> None:
        """Let leaders or partitions rest, and learn meanwhile who leads."""
        for who, error in refused.items():
            self._rests.refused(who, error.__name__, _now())
        if refused:
            self.client.force_metadata_update()

    async def _start(self, topics: set[str]) -> None:
        await self.client.bootstrap()
        await self.client.set_topics(topics)

    async def _stop(self) -> None:
        for fetch in self._fetches.values():
            fetch.cancel()
        if self._fetches:
            await asyncio.wait(self._fetches.values())
        for fetch in self._fetches.values():
            if not fetch.cancelled():
                fetch.exception()  # looked at, so that nobody is told that nobody did
        await self.client.close()


def by_topic(offsets: Offsets, most_bytes: int) -> list[tuple[str, list[tuple[int, int, int]]]]:
    """Ask in this order: a topic is named again rather than its partitions moved before who waited longer."""
    return [
        (topic, [(place.partition, offset, most_bytes) for place, offset in run])
        for topic, run in groupby(offsets.items(), key=lambda item: item[0].topic)
    ]


def _now() -> float:
    return asyncio.get_running_loop().time()
