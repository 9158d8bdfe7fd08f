"""What every answer must be, told from the archive alone: what is accepted stays, so it explains each."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from services.ingest.contract import NOTICES
from services.ingest.domain.admission import MOVES, Outcome
from services.ingest.domain.envelope import Candidate
from services.ingest.outcomes import Answer
from shared.kernel.records import Record
from tests.simulation.stages import SHARDS, SOURCE_NAME, accepted
from tests.simulation.storage import CONFLICT, Database

TAKEN = {Outcome.CREATED, Outcome.DUPLICATE}
Place = tuple[int, int]
Records = dict[tuple[str, int], list[Record]]


@dataclass(frozen=True)
class Archive:
    """The events of the source by their places and ids, and where the first of each fact lies."""

    events: dict[Place, dict]
    places: dict[str, Place]
    firsts: dict[tuple, Place]

    def holds(self, sent: dict) -> bool:
        """Tell whether an event was accepted as it was sent."""
        at = self.places.get(sent["id"])
        return at is not None and content(self.events[at]) == content(sent)


def archived(records: Records) -> Archive:
    """Read the archive."""
    read = {(r.shard, r.number): json.loads(r.body) for shard in SHARDS for r in accepted(records, shard)}
    events = {at: event for at, event in read.items() if event["source"] == SOURCE_NAME}
    firsts: dict[tuple, Place] = {}
    for at, event in events.items():
        firsts.setdefault((fact(event), content(event)), at)
    return Archive(events, {event["id"]: at for at, event in events.items()}, firsts)


def content(event: dict) -> tuple:
    """Return what makes two reports the same."""
    names = ("type", "subject", "time", "case", "data", "correctsid", "revision")
    return tuple(json.dumps(event.get(name), sort_keys=True) for name in names)


def fact(event: dict) -> tuple:
    """Return what only one content may stand for: a number, or a revision of an event."""
    corrected = event.get("correctsid")
    return (event["data"]["number"],) if corrected is None else (corrected, event["revision"])


def said(answer: Answer) -> str:
    """Return what a client reads."""
    return answer.outcome.value if answer.problem is None else answer.problem.code


def wrong(database: Database, answers: list[tuple[bytes, Answer]]) -> Iterator[str]:
    """Return each answer that the archive does not bear out."""
    archive = archived(database.state.records)
    created: set[str] = set()
    for body, answer in answers:
        sent = json.loads(body)
        if answer.outcome in TAKEN:
            yield from _taken(sent, answer, archive)
        elif archive.holds(sent):
            yield f"{sent['id']} was called {said(answer)} and is in the archive as it was sent"
        elif said(answer) not in _reasons(sent, answer, archive):
            yield f"{sent['id']} was called {said(answer)}, and nothing in the archive is the reason"
        if answer.outcome is Outcome.CREATED:
            if sent["id"] in created:
                yield f"{sent['id']} was called new twice"
            created.add(sent["id"])


def _taken(sent: dict, answer: Answer, archive: Archive) -> Iterator[str]:
    at = answer.shard, answer.number
    if not archive.holds(sent) or at not in archive.events:
        yield f"{sent['id']} was acknowledged and is not in the archive as it was sent"
    elif at != archive.firsts[fact(sent), content(sent)]:
        yield f"{sent['id']} was not given the receipt of the first report of its fact"
    elif answer.outcome is Outcome.CREATED and archive.places[sent["id"]] != at:
        yield f"{sent['id']} was called new and repeats {archive.events[at]['id']}"


def _reasons(sent: dict, answer: Answer, archive: Archive) -> Iterator[str]:
    """Return what an event that is not in the archive may be answered."""
    there = archive.events.get((answer.shard, answer.number))
    if there is not None and content(there) != content(sent):
        if there["id"] == sent["id"]:
            yield "id_conflict"
        elif fact(there) == fact(sent):
            yield "business_key_conflict" if "revision" not in sent else "revision_conflict"
    original = archive.places.get(sent.get("correctsid", ""))
    if original is not None and archive.events[original]["case"] != sent["case"]:
        yield MOVES


def untold(database: Database, answers: list[tuple[Candidate, Answer]]) -> Iterator[str]:
    """Return what persons were not told of, or not once: every conflict answered, whatever contradicts."""
    kept = Counter(key[1:] for key in database.state.rows if key[0] == CONFLICT)
    for one, answer in answers:
        if (
            answer.outcome is Outcome.CONFLICT
            and (said(answer), SOURCE_NAME, one.id, one.content) not in kept
        ):
            yield f"{one.id} was called {said(answer)} and is not kept for a person"
    told = Counter(
        (data["why"], data["source"], data["id"], bytes.fromhex(data["content"]))
        for shard in SHARDS
        for record in database.state.records.get((NOTICES, shard), [])
        for data in [json.loads(record.body)["data"]]
    )
    yield from (
        f"persons were told {told[key]} times of {key[2]}: {key[0]}"
        for key in sorted(kept | told)
        if told[key] != kept[key]
    )
