"""What the routes of ingest work with."""

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Annotated, cast

import msgspec
from fastapi import Depends

from services.ingest import store
from services.ingest.api.answers import times_of
from services.ingest.closings import Closings
from services.ingest.committing import Admission
from services.ingest.contract import ACCEPTED
from services.ingest.domain.admission import Outcome
from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.sources import Sender
from services.ingest.outcomes import Answer, count
from services.ingest.storage import Storage
from shared.kernel.canonical import digest_hex
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused, Unavailable, hidden
from shared.messaging.committer import Committer
from shared.storage import excerpts
from shared.storage.exchange import Exchange
from shared.storage.failures import STORAGE_ERRORS
from shared.telemetry.metrics import METRICS
from shared.web.access import Role, Subject, covers
from shared.web.tokens import authenticated

BODIES_BYTES = 32 << 20  # of all requests that are read or wait for their commit
STREAMS_OF_CLIENT = 4
STREAMS = 32
STREAM_RETRY_S = 5
NOT_ACCEPTED = "No event was accepted under this source and id."
NOTHING_UNREAD: Mapping[int, str] = MappingProxyType({})


def sender_of(subject: Subject) -> Sender:
    """Return who brings events with this token."""
    return Sender(subject.name, subject.client, Role.BACKFILL in subject.roles)


class Door:
    """Takes events for as long as they can be stored, and no more at once than memory is meant for."""

    def __init__(
        self,
        admission: Admission,
        committer: Committer[Candidate, Answer],
        storage: Storage,
        closings: Closings,
    ) -> None:
        self.exchange: Exchange = admission.exchange
        self.replay = admission.replay
        self.admission = admission
        self.closings = closings
        self._committer = committer
        self._storage = storage
        self._bodies_bytes = 0
        self._streams = Counter[str]()

    async def types(self) -> Catalogue:
        """Return the catalogue in force."""
        await self.admission.newest()
        return self.admission.catalogue

    async def shown(self, source: str, subject: Annotated[Subject, Depends(authenticated)]) -> None:
        """Let the accounts of a source see what it sent, and who has the unit `/`; others find nothing."""
        if covers(subject.unit, "/"):
            return
        scope = (await self.types()).scopes.get(source)
        speaks = scope is not None and scope.stranger(sender_of(subject)) is None
        if not speaks or Role.INTEGRATOR not in subject.roles:
            raise hidden(NOT_ACCEPTED)

    def check(self) -> None:
        """Raise Unavailable if what comes now could not be committed soon."""
        try:
            self._storage.check()
        except Unavailable:
            METRICS.count("dukao_turned_away_total", reason="storage")
            raise
        if self._committer.full:
            METRICS.count("dukao_turned_away_total", reason="queue")
            raise Unavailable("too many events are waiting to be committed")

    @contextmanager
    def holding(self, size: int) -> Generator[None]:
        """Hold room for a body of so many bytes until it is answered; Unavailable when there is none."""
        self.check()
        if self._bodies_bytes + size > BODIES_BYTES:
            METRICS.count("dukao_turned_away_total", reason="bodies")
            raise Unavailable("too many bodies are waiting to be committed")
        self._bodies_bytes += size
        try:
            yield
        finally:
            self._bodies_bytes -= size

    @contextmanager
    def streaming(self, subject: Subject) -> Generator[None]:
        """Hold one of the few streams that a client, and all of them, may have open."""
        self.check()
        if self._streams[subject.caller] >= STREAMS_OF_CLIENT:
            METRICS.count("dukao_turned_away_total", reason="streams")
            detail = f"A client has at most {STREAMS_OF_CLIENT} streams open."
            headers = {"retry-after": str(STREAM_RETRY_S)}
            raise Refused(Problem(429, "too_many_streams", detail, headers=headers))
        if self._streams.total() >= STREAMS:
            METRICS.count("dukao_turned_away_total", reason="streams")
            raise Unavailable("too many streams are open", retry_after_s=STREAM_RETRY_S)
        self._streams[subject.caller] += 1
        METRICS.set("dukao_event_streams", self._streams.total())
        try:
            yield
        finally:
            self._streams[subject.caller] -= 1
            self._streams += Counter[str]()  # forgets who has none
            METRICS.set("dukao_event_streams", self._streams.total())

    async def take(
        self, events: Sequence[object], sender: Sender, unread: Mapping[int, str] = NOTHING_UNREAD
    ) -> Sequence[Answer]:
        """Admit what is good and answer for each, in order; refusals are kept.

        What could not be read as an event is a Problem, and `unread` has its digest by place.
        """
        try:
            return await self._take(events, sender, unread)
        except STORAGE_ERRORS:
            self._storage.suspect()
            raise

    async def _take(
        self, events: Sequence[object], sender: Sender, unread: Mapping[int, str]
    ) -> Sequence[Answer]:
        judged = await self.admission.judge(events, sender)
        ready = [one for one in judged if isinstance(one, Candidate)]
        committed = iter(await self._committer.submit(ready) if ready else ())
        answers = [
            Answer(Outcome.REFUSED, problem=one) if isinstance(one, Problem) else next(committed)
            for one in judged
        ]
        sources = self.admission.catalogue.sources
        refusals = [
            store.Refusal(
                answer.problem,
                unread.get(place) or _digest(event),
                sender.client or "",
                source=_named(event, sources),
            )
            for place, (event, answer) in enumerate(zip(events, answers, strict=True))
            if answer.outcome is Outcome.REFUSED and answer.problem is not None
        ]
        await self.refuse(refusals)
        count(answers)
        return self.closings.told(await self._timed(answers))

    async def _timed(self, answers: Sequence[Answer]) -> list[Answer]:
        """Answer each duplicate with the times of the first, as its first answer had them."""
        first = {(a.shard, a.number) for a in answers if a.outcome is Outcome.DUPLICATE}
        if not first:
            return list(answers)
        async with self.exchange.reading() as tx:
            bodies = await excerpts.bodies(tx, ACCEPTED, first)
        return [
            msgspec.structs.replace(a, times=times_of(bodies[a.shard, a.number]))
            if a.outcome is Outcome.DUPLICATE
            else a
            for a in answers
        ]

    async def refuse(self, refusals: Sequence[store.Refusal]) -> None:
        """Keep refusals for the work list."""
        if refusals:
            async with self.exchange.begin(actor="ingest", action="refused", detail=str(len(refusals))) as tx:
                await store.note_refusals(tx, refusals)


def _digest(event: object) -> str:
    """Return the digest of a refused event in its canonical form."""
    return sha256_hex(event.body) if isinstance(event, Candidate) else digest_hex(event)


def _named(event: object, known: Collection[str]) -> str | None:
    """Return the registered source that a refused event names, if it does."""
    if isinstance(event, Candidate):
        return event.source if event.source in known else None
    source = cast("dict[str, object]", event).get("source") if isinstance(event, dict) else None
    return source if isinstance(source, str) and source in known else None
