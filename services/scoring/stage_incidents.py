"""Decides incidents, in one shard: from every report of an object and what persons ruled, in any order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.scoring import dossiers, telling
from services.scoring.causes import Range
from services.scoring.contract import (
    ACCEPTED,
    FINDINGS,
    INCIDENT_RULED,
    INCIDENTS_SHARD,
    RISES_JUDGED,
    RULINGS,
    SCHEME_ADOPTED,
    SCHEMES,
    Cause,
    SchemeAdopted,
)
from services.scoring.dossiers import Kept, Line
from services.scoring.settling import Dossier, Dossiers
from services.scoring.telling import News
from shared.contracts import envelope, findings
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.instants import by_days
from shared.kernel.records import Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

OBJECTS_PER_PAGE = 100

Read = Sequence[tuple[Record, AcceptedEvent]]


@dataclass(slots=True)
class Why:
    """The records that a decision stands on, by their shard, and the newest `received` of them."""

    ranges: dict[tuple[str, int], tuple[int, int]] = field(
        default_factory=dict[tuple[str, int], tuple[int, int]]
    )
    received: str = ""

    def add(self, found: Range, received: str) -> None:
        """Take in a record."""
        place = found.stream, found.shard
        first, last = self.ranges.get(place, (found.first, found.last))
        self.ranges[place] = min(first, found.first), max(last, found.last)
        self.received = max(self.received, received)

    def and_(self, other: "Why") -> None:
        """Take in what another stands on."""
        for (stream, shard), (first, last) in other.ranges.items():
            self.add(Range(stream, shard, first, last), other.received)

    @property
    def cause(self) -> tuple[Cause, ...]:
        """The records in order."""
        return tuple(
            Cause(stream=stream, shard=shard, first=first, last=last)
            for (stream, shard), (first, last) in sorted(self.ranges.items())
        )


class StageIncidents:
    """The handler of findings, rulings and adopted schemes."""

    def __init__(self) -> None:
        self._dossiers = Dossiers()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        self._dossiers.forget(partitions)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply a batch; where periods have a cut, what was received on different days apart."""
        mine = [record for record in batch if record.shard == INCIDENTS_SHARD]
        read = [(record, known_event(record.stream, record.body)) for record in mine]
        answers: list[Answer] = []
        for part in by_days(read, _known_at, await self._dossiers.cut_zones(tx)):
            answers += await self._apply(tx, part)
        return answers

    async def _apply(self, tx: PostgresTransaction, read: Read) -> list[Answer]:
        """Keep what came, then tell every decision that is another by it."""
        touched = await _keep_reports(tx, read)
        for name, why in (await _keep_rulings(tx, read)).items():
            touched.setdefault(name, Why()).and_(why)
        adopted = [(record, event) for record, event in read if event.type == SCHEME_ADOPTED]
        for _, event in adopted:
            told = envelope.decode_data(event, SchemeAdopted)
            await self._dossiers.adopt(tx, told.code, told.version)
        if not adopted:
            return await self._decide(tx, touched)
        return await self._decide_all(tx, touched, adopted)

    async def _decide_all(
        self, tx: PostgresTransaction, touched: Mapping[str, Why], adopted: Read
    ) -> list[Answer]:
        """Look at every object again, a page at a time; those that something else touched too say so."""
        answers: list[Answer] = []
        after = ""
        while page := await dossiers.objects_after(tx, after, OBJECTS_PER_PAGE):
            whys = {name: _adopting(adopted) for name in page}
            for name in touched.keys() & whys.keys():
                whys[name].and_(touched[name])
            answers += await self._decide(tx, whys)
            after = page[-1]
        return answers

    async def _decide(self, tx: PostgresTransaction, touched: Mapping[str, Why]) -> list[Answer]:
        """Settle what was touched, each object with all that hangs together with it; a page at a time."""
        answers: list[Answer] = []
        names = sorted(touched)
        for at in range(0, len(names), OBJECTS_PER_PAGE):
            opened = await self._dossiers.open(tx, names[at : at + OBJECTS_PER_PAGE])
            answers += await _told(tx, opened, touched)
        return answers


async def _told(
    tx: PostgresTransaction, opened: Sequence[Dossier], touched: Mapping[str, Why]
) -> list[Answer]:
    """Write what dossiers come to and answer with the decisions that are news."""
    objects = frozenset[str]().union(*(one.objects for one in opened))
    before = await dossiers.decisions(tx, objects)
    answers: list[Answer] = []
    kept: list[Kept] = []
    lines: list[Line] = []
    for dossier in opened:
        why = _why(dossier, touched)
        mine = {key: one for key, one in before.items() if one.object in dossier.objects}
        fresh = await asyncio.to_thread(telling.news, mine, dossier.settled.decided())
        kept += [one.kept for one in fresh]
        answers += await asyncio.to_thread(_messages, fresh, why, dossier.newest)
        lines += await asyncio.to_thread(_lines, dossier)
    unread = [one for dossier in opened for one in telling.unread(dossier.settled, dossier.named)]
    await dossiers.save_incidents(tx, objects, lines, unread)
    await dossiers.save_decisions(tx, kept)
    return answers


def _messages(fresh: Sequence[News], why: Why, newest: str) -> list[Answer]:
    return [one.message(why.received, why.cause, newest) for one in fresh]


def _lines(dossier: Dossier) -> list[Line]:
    return [telling.line(one, dossier.path_of) for one in dossier.settled.incidents]


def _why(dossier: Dossier, touched: Mapping[str, Why]) -> Why:
    why = Why()
    for name in sorted(dossier.objects & touched.keys()):
        why.and_(touched[name])
    return why


async def _keep_reports(tx: PostgresTransaction, read: Read) -> dict[str, Why]:
    touched: dict[str, Why] = {}
    reports: list[tuple[str, AcceptedEvent, bytes]] = []
    for record, event in read:
        if record.stream == FINDINGS:
            told = findings.read(event.data)
            report = envelope.decode(bytes(told.event))
            reports.append((told.object, report, bytes(told.event)))
            place = Range(ACCEPTED, report.shard, report.number, report.number)
            touched.setdefault(told.object, Why()).add(place, report.received)
    await dossiers.add_reports(tx, reports)
    return touched


async def _keep_rulings(tx: PostgresTransaction, read: Read) -> dict[str, Why]:
    touched: dict[str, Why] = {}
    told = [(record, event) for record, event in read if record.stream == RULINGS]
    for number, event in [(record.number, event) for record, event in told if event.type == RISES_JUDGED]:
        rose = dossiers.reported(number, event)
        await dossiers.add_reports(tx, rose)
        for name, _, _ in rose:
            touched.setdefault(name, Why()).add(_place(number), event.received)
    rulings = {record.number: record.body for record, event in told if event.type == INCIDENT_RULED}
    await dossiers.add_rulings(tx, rulings)
    for number, body in rulings.items():
        one = dossiers.ruled(number, body)
        for name in one.objects:
            touched.setdefault(name, Why()).add(_place(number), one.received)
    return touched


def _known_at(one: tuple[Record, AcceptedEvent]) -> str:
    """Return when what a record tells was received: a finding when its report was."""
    record, event = one
    if record.stream != FINDINGS:
        return event.received
    return envelope.decode(bytes(findings.read(event.data).event)).received


def _place(number: int) -> Range:
    return Range(RULINGS, INCIDENTS_SHARD, number, number)


def _adopting(adopted: Read) -> Why:
    why = Why()
    for record, event in adopted:
        why.add(Range(SCHEMES, record.shard, record.number, record.number), event.received)
    return why
