"""Sends reports of findings and inspections to where incidents are decided; each once for every object.

A correction or retraction may name another object than its original, or none: every report of a fact goes to
every object that any of them names, so that what moves is taken back where it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from services.scoring import arriving, cases
from services.scoring.contract import FINDING_REPORTED, FINDINGS, INCIDENTS_SHARD, SOURCE
from services.scoring.domain.incidents.reading import object_of
from services.scoring.domain.incidents.rules import Rules
from services.scoring.plans import InForce
from services.scoring.reports import Catalogue, report_of
from services.scoring.store import columns
from shared.contracts import envelope, findings
from shared.contracts.envelope import AcceptedEvent
from shared.contracts.findings import Reported
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

_NOTE = """
    INSERT INTO findings_routed SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::text[])
    ON CONFLICT DO NOTHING RETURNING shard, number, object"""
_BODIES = msgspec.json.Decoder(list[msgspec.Raw])

Read = Sequence[tuple[Record, AcceptedEvent]]


class Route(NamedTuple):
    """A report, by its place in the archive of ingest, on its way to an object."""

    shard: int
    number: int
    object: str


def rules_in_force(schemes: Iterable[InForce]) -> list[Rules]:
    """Return the rules of incidents of schemes; some have none."""
    return [scheme.incidents for scheme in schemes if scheme.incidents is not None]


async def arrived(
    tx: PostgresTransaction, read: Read, rules: Mapping[int, Sequence[Rules]], catalogue: Catalogue
) -> list[Answer]:
    """Route what arrived; the cases of a batch are written already."""
    concerned = [(record, event) for record, event in read if _concerns(rules[record.shard], event)]
    if not concerned:
        return []
    found: dict[Route, bytes] = {}
    others: list[tuple[Record, AcceptedEvent]] = []
    for record, event in concerned:
        if arriving.is_alone(event, catalogue):
            routes = _routes(rules[record.shard], [event], catalogue)
            found |= dict.fromkeys(routes, record.body)
        else:
            others.append((record, event))
    keys, _ = await arriving.groups(tx, others, catalogue) if others else (set[cases.Key](), None)
    for case in (await cases.load(tx, keys)).values():
        found |= routes_of(rules[case.shard], case.events, catalogue)
    return await told(tx, found)


def routes_of(rules: Sequence[Rules], events: bytes, catalogue: Catalogue) -> dict[Route, bytes]:
    """Return where the stored events of one fact or case go, each with its body."""
    types = {name.encode() for one in rules for name in one.spec.types}
    if not any(name in events for name in types):
        return {}
    bodies = [bytes(body) for body in _BODIES.decode(b"[%b]" % events)]
    read = {event.number: (event, body) for body in bodies for event in [envelope.decode(body)]}
    concerned = [event for event, _ in read.values() if _concerns(rules, event)]
    return {route: read[route.number][1] for route in _routes(rules, concerned, catalogue)}


async def told(tx: PostgresTransaction, found: Mapping[Route, bytes]) -> list[Answer]:
    """Tell what was not told before."""
    if not found:
        return []
    fresh = {Route(**dict(row)) for row in await tx.many(_NOTE, *columns(sorted(found), 3))}
    return [(FINDINGS, _draft(route, found[route])) for route in sorted(fresh)]


def _concerns(rules: Iterable[Rules], event: AcceptedEvent) -> bool:
    return any(event.type in one.findings or event.type in one.inspections for one in rules)


def _routes(rules: Sequence[Rules], events: Sequence[AcceptedEvent], catalogue: Catalogue) -> set[Route]:
    reports = [report_of(event, catalogue) for event in events]
    objects = {found for one in rules for report in reports if (found := object_of(one, report)) is not None}
    return {Route(event.shard, event.number, name) for event in events for name in objects}


def _draft(route: Route, body: bytes) -> Draft:
    data = findings.written(Reported(route.object, msgspec.Raw(body)))
    return Draft(INCIDENTS_SHARD, envelope.encode_written(FINDING_REPORTED, SOURCE, route.object, data))
