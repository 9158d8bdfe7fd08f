"""What the routes of ingest work with."""

from collections.abc import Sequence

from services.ingest import store
from services.ingest.committing import Admission, Answer, count
from services.ingest.domain.admission import Outcome
from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.sources import Sender
from shared.kernel.canonical import digest_hex
from shared.kernel.errors import Problem
from shared.messaging.committer import Committer
from shared.storage.exchange import Exchange
from shared.web.access import Role, Subject


def sender_of(subject: Subject) -> Sender:
    """Return who brings events with this token."""
    return Sender(subject.name, subject.client, Role.BACKFILL in subject.roles)


class Door:
    """What the routes work with."""

    def __init__(self, admission: Admission, committer: Committer[Candidate, Answer]) -> None:
        self.exchange: Exchange = admission.exchange
        self.replay = admission.replay
        self._admission = admission
        self._committer = committer

    async def types(self) -> Catalogue:
        """Return the catalogue in force."""
        await self._admission.newest()
        return self._admission.catalogue

    async def take(self, events: Sequence[object], sender: Sender) -> list[Answer]:
        """Admit what is good and answer for each, in order; refusals are kept."""
        judged = await self._admission.judge(events, sender)
        ready = [one for one in judged if isinstance(one, Candidate)]
        committed = iter(await self._committer.submit(ready) if ready else ())
        answers = [
            Answer(Outcome.REFUSED, problem=one) if isinstance(one, Problem) else next(committed)
            for one in judged
        ]
        refusals = [
            store.Refusal(answer.problem, digest_hex(event), sender.client or "")
            for event, answer in zip(events, answers, strict=True)
            if answer.outcome is Outcome.REFUSED and answer.problem is not None
        ]
        await self.refuse(refusals)
        count(answers)
        return answers

    async def refuse(self, refusals: Sequence[store.Refusal]) -> None:
        """Keep refusals for the work list."""
        if refusals:
            async with self.exchange.begin(actor="ingest", action="refused", detail=str(len(refusals))) as tx:
                await store.note_refusals(tx, refusals)
