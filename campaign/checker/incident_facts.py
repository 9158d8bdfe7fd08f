"""The facts that incidents are worked out from: reports that stand, schemes in force, what persons ruled."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import asyncpg

from campaign.checker import archive

RULINGS = "scoring.rulings"
JUDGED = "dukao.rises-judged.v1"
Event: TypeAlias = Mapping[str, Any]
Name: TypeAlias = tuple[str, str]
Incident: TypeAlias = tuple[str, str, int]


@dataclass(slots=True)
class Known:
    """The facts: the newest of each report, the schemes in force, what persons ruled last."""

    facts: dict[Name, Event] = field(default_factory=dict[Name, Event])
    schemes: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    answers: dict[tuple[Name, str, Name], bool] = field(default_factory=dict[tuple[Name, str, Name], bool])
    risen: list[tuple[Name, Event]] = field(default_factory=list[tuple[Name, Event]])
    joins: dict[frozenset[Incident], bool] = field(default_factory=dict[frozenset[Incident], bool])


async def known_facts(database: asyncpg.Connection) -> Known:
    """Read the facts as they stand in the tables and archives of the services."""
    known = Known()
    for row in await database.fetch(
        "SELECT s.document::text FROM scoring.schemes s JOIN scoring.in_force f USING (code, version) "
        "WHERE f.stage = 'incidents' ORDER BY code, version"
    ):
        known.schemes.append(json.loads(row["document"]))
    types = await database.fetchval(
        "SELECT document::text FROM scoring.catalogues ORDER BY version DESC LIMIT 1"
    )
    keys = {
        name: spec.get("business_key") for name, spec in json.loads(types or "{}").get("types", {}).items()
    }
    named = {spec["type"] for one in known.schemes for spec in _specs(one)}
    if named:
        accepted = [json.loads(body) async for _, _, body, _ in archive.records(database, "ingest")]
        known.facts = _standing([one for one in accepted if one["type"] in named], keys)
    async for (stream, _), _, body, _ in archive.records(database, "scoring"):
        if stream == RULINGS:
            event = json.loads(body)
            if event["type"] == JUDGED:
                known.risen += _risen(event)
            else:
                _rule(known, event["data"])
    return known


def _risen(event: Event) -> Iterator[tuple[Name, Event]]:
    """Yield the regions whose risk rose in a judged month, each with what it is named."""
    for one in event["data"]["regions"]:
        if one["significant"]:
            yield ("dukao/scoring", f"{event['id']}/{one['unit']}"), {**event["data"], "subject": one["unit"]}


def _standing(events: Sequence[Event], keys: Mapping[str, Sequence[str] | None]) -> dict[Name, Event]:
    """Return what stands: of each report the highest revision, of reports of one fact one."""
    revisions: dict[Name, list[Event]] = defaultdict(list)
    for event in events:
        root = event if event.get("correctsid") is None else _original(event)
        revisions[root["source"], root["id"]].append(event)
    best: dict[object, tuple[tuple[int, str, str], Name, Event]] = {}
    for name, reported in revisions.items():
        first = min(reported, key=lambda one: one.get("revision") or 0)
        newest = max(reported, key=lambda one: (one.get("revision") or 0, one["source"], one["id"]))
        if first.get("revision") is not None or newest.get("data") is None:
            continue
        named = keys.get(first["type"])
        place = name if not named else (first["type"], *(str(first["data"][part]) for part in named))
        found = (-(newest.get("revision") or 0), newest["source"], newest["id"]), name, newest
        best[place] = min(best.get(place, found), found, key=lambda one: one[0])
    return {name: event for _, name, event in best.values()}


def _original(event: Event) -> Event:
    return {"source": event["correctssource"], "id": event["correctsid"]}


def _specs(scheme: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a scheme says of findings and of inspections."""
    spec = scheme.get("incidents") or {}
    return [*spec.get("findings", ()), *spec.get("inspections", ())]


def _rule(known: Known, act: Mapping[str, Any]) -> None:
    if act["other"] is not None:
        known.joins[frozenset({incident_of(act["incident"]), incident_of(act["other"])})] = (
            act["act"] == "join"
        )
    else:
        question = name_of(act["finding"]), act["trigger"], name_of(act["inspection"])
        known.answers[question] = act["act"] == "apply"


def years_of(spec: Mapping[str, Any], event: Event) -> tuple[int, int]:
    """Return the first and the last year that a report names."""
    return event["data"][spec["years"]["from"]], event["data"][spec["years"]["until"]]


def field_of(event: Event, name: str) -> str:
    """Return an instant of a report; `time` is that of the event."""
    return event["time"] if name == "time" else event["data"][name]


def day_of(instant: str, scheme: Mapping[str, Any]) -> date:
    """Return the day of an instant in the zone of a scheme."""
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(scheme["scheme"]["zone"]))
    return local.date()


def name_of(report: Mapping[str, str]) -> Name:
    """Return the name of a report."""
    return report["source"], report["id"]


def incident_of(name: Mapping[str, Any]) -> Incident:
    """Return the name of an incident."""
    return name["object"], name["content"], name["year"]
