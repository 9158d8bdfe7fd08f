"""Commands on incidents: what a person rules is checked against all that is known, and becomes a fact."""

from dataclasses import dataclass

from services.scoring import dossiers
from services.scoring.contract import (
    CONSUMER_INCIDENTS,
    INCIDENT_RULED,
    INCIDENTS_SHARD,
    RULINGS,
    SOURCE,
    IncidentRuled,
    RulingAct,
)
from services.scoring.domain.incidents.deciding import TO_SAY
from services.scoring.domain.incidents.facts import Key, Question, Ruling, join_of
from services.scoring.domain.incidents.facts import key_of as read_key
from services.scoring.domain.incidents.settling import Incident
from services.scoring.dossiers import Ruled
from services.scoring.settling import Dossier, Dossiers, key_of, name_of, ruled
from shared.contracts import envelope
from shared.kernel.errors import Unavailable, refuse
from shared.kernel.records import Draft
from shared.storage.transaction import PostgresTransaction

PENDING_RULINGS = 1_000
_POSITION = "SELECT number FROM positions WHERE consumer = $1 AND stream = $2 AND shard = $3"
_ANSWERS = {RulingAct.APPLY: Ruling.APPLIES, RulingAct.DISMISS: Ruling.DISMISSED}


@dataclass(frozen=True, slots=True)
class Found:
    """An incident and the dossier that it stands in, with rulings that are still on their way."""

    incident: Incident
    dossier: Dossier

    @property
    def paths(self) -> frozenset[str]:
        """The paths of the units that it concerns."""
        units = {one.finding.unit for one in self.incident.findings}
        units |= {one.deduction.unit for one in self.incident.deductions}
        return frozenset(self.dossier.path_of(unit) for unit in units)

    @property
    def at_stake(self) -> frozenset[str]:
        """Those paths, and those of the units that would lose by what is asked of it."""
        return self.paths | {self.dossier.path_of(unit) for unit in self.incident.at_stake}


class Desk:
    """Where persons rule."""

    def __init__(self) -> None:
        self._dossiers = Dossiers()

    async def find(self, tx: PostgresTransaction, incident: str, pointer: str | None = None) -> Found:
        """Return an incident, or refuse with 404."""
        key = read_key(incident)
        if key is None:
            raise refuse(404, "not_found", "There is no such incident.", pointer=pointer)
        self._dossiers.refresh()
        opened = await self._dossiers.open(tx, [key.object], await _pending(tx))
        dossier = next(one for one in opened if key.object in one.objects)
        found = next((one for one in dossier.settled.incidents if one.key == key), None)
        if found is None:
            raise refuse(404, "not_found", "There is no such incident.", pointer=pointer)
        return Found(found, dossier)

    async def rule(self, tx: PostgresTransaction, told: IncidentRuled) -> None:
        """Take a ruling that is possible; one that says what stands already changes nothing."""
        await tx.lock(RULINGS, [INCIDENTS_SHARD])
        found = await self.find(tx, key_of(told.incident).id)
        if told.other is not None:
            await self.find(tx, key_of(told.other).id, "/other")
        if not _says_news(found, told):
            return
        body = envelope.encode(INCIDENT_RULED, SOURCE, key_of(told.incident).id, told)
        await tx.append(RULINGS, [Draft(INCIDENTS_SHARD, body)])


def _says_news(found: Found, told: IncidentRuled) -> bool:
    """Tell whether a ruling says anything new, or refuse one that is not possible."""
    joins, answers = ruled(found.dossier.rulings)
    if told.other is not None:
        return _joins_anew(key_of(told.incident), key_of(told.other), told.act, joined=joins)
    assert told.finding is not None
    assert told.inspection is not None
    assert told.trigger is not None
    question = Question(name_of(told.finding), told.trigger, name_of(told.inspection))
    judged_by = {one.finding.name: one.finding.judged_by for one in found.incident.findings}
    if judged_by.get(question.finding) == told.person:
        raise refuse(403, "same_person", "Another person than the one who judged the month decides.")
    waiting = {one.question: one.why for one in found.incident.waiting}
    if question not in waiting and question not in dict(found.incident.answered):
        raise refuse(409, "not_waiting", "Nobody is asked this of the incident; see what is waiting.")
    why = waiting.get(question)
    if told.act is RulingAct.APPLY and why is not None and why not in TO_SAY:
        reason = f"It cannot apply while it is {why.value}: that is mended in the scheme."
        raise refuse(409, "cannot_apply", reason)
    return answers.get(question) is not _ANSWERS[told.act]


def _joins_anew(one: Key, other: Key, act: RulingAct, *, joined: frozenset[tuple[Key, Key]]) -> bool:
    if one == other:
        raise refuse(422, "same_incident", "An incident is one with itself.", pointer="/other")
    stands = join_of(one, other) in joined
    if act is RulingAct.PART and not stands:
        raise refuse(409, "not_joined", "No person joined these two.", pointer="/other")
    return act is RulingAct.PART or not stands


async def _pending(tx: PostgresTransaction) -> list[Ruled]:
    """Return the rulings that the consumer has not come to yet."""
    rows = await tx.many(_POSITION, CONSUMER_INCIDENTS, RULINGS, INCIDENTS_SHARD)
    after = rows[0]["number"] if rows else 0
    records = await tx.read(RULINGS, INCIDENTS_SHARD, after, PENDING_RULINGS)
    if len(records) == PENDING_RULINGS:
        raise Unavailable("rulings are waiting to be applied", code="busy")
    return [
        dossiers.ruled(record.number, record.body)
        for record in records
        if envelope.decode(record.body).type == INCIDENT_RULED
    ]
