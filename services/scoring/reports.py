"""Accepted events read as reports: typed by the catalogue, kept by their case, their fact or themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.scoring.domain.facts import Report
from services.scoring.domain.ordinary import Fact, row_of
from services.scoring.domain.plan import EventTypes, event_types
from services.scoring.domain.rows import typed
from shared.contracts.envelope import NO_DATA, AcceptedEvent
from shared.kernel import instants
from shared.kernel.digests import key_digest

_EVENTS = msgspec.json.Decoder(list[AcceptedEvent])
_DATA = msgspec.json.Decoder(dict[str, str | int | bool | None] | None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What folding needs of the adopted types: their columns and their business keys."""

    types: EventTypes
    keys: Mapping[str, Sequence[str]]


def catalogue_of(document: Mapping[str, Any]) -> Catalogue:
    """Compile an adopted catalogue document."""
    keys = {name: spec.get("business_key", ()) for name, spec in document.get("types", {}).items()}
    return Catalogue(event_types(document), keys)


def stored_events(events: bytes) -> list[AcceptedEvent]:
    """Read the events of a stored case."""
    return _EVENTS.decode(b"[%b]" % events)


def report_of(event: AcceptedEvent, catalogue: Catalogue) -> Report:
    """Read an accepted event as a report."""
    raw = _DATA.decode(event.data) if event.has_data else None
    corrects = None
    if event.correctssource is not None and event.correctsid is not None:
        corrects = (event.correctssource, event.correctsid)
    return Report(
        source=event.source,
        id=event.id,
        type=event.type,
        subject=event.subject,
        time=instants.parse_micros(event.time),
        shard=event.shard,
        number=event.number,
        data=None if raw is None else typed(raw, catalogue.types.get(event.type, {})),
        fact=_fact(event, raw, catalogue),
        corrects=corrects,
        revision=event.revision or 0,
    )


def _fact(event: AcceptedEvent, data: Mapping[str, Any] | None, catalogue: Catalogue) -> str | None:
    """Return the business key of an original report, where its type has one."""
    names = catalogue.keys.get(event.type)
    if not names or event.revision is not None or data is None:
        return None
    return msgspec.json.encode([str(data[name]) for name in names]).decode()


def time_of(event: AcceptedEvent) -> int:
    """Return when an event that ingest has checked occurred, in microseconds since 1970."""
    return instants.micros(datetime.fromisoformat(event.time))


def data_of(event: AcceptedEvent) -> Mapping[str, Any] | None:
    """Return the data of an event as it was written."""
    return None if event.data is NO_DATA else _DATA.decode(event.data)


def fact_of(event: AcceptedEvent, catalogue: Catalogue) -> Fact:
    """Read an accepted event, which neither revises nor repeats another, as a fact that stands."""
    time, data = time_of(event), data_of(event)
    columns = catalogue.types.get(event.type, {})
    return Fact(time, event.source, event.id, event.type, row_of(data, time, event.subject, columns))


def root_key(event: AcceptedEvent) -> bytes:
    """Name the first report that a report is or revises."""
    if event.correctssource is not None and event.correctsid is not None:
        return key_digest("root", event.correctssource, event.correctsid)
    return key_digest("root", event.source, event.id)


def fact_key(event: AcceptedEvent, catalogue: Catalogue) -> bytes | None:
    """Name the fact that an original report repeats, where its type has a business key."""
    if event.revision is not None or not catalogue.keys.get(event.type):
        return None
    fact = _fact(event, _DATA.decode(event.data) if event.has_data else None, catalogue)
    return None if fact is None else key_digest("fact", event.type, fact)
