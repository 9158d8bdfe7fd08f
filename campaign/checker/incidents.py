"""What incidents must come to: worked out anew from accepted events, rulings and the schemes in force."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import asyncpg

from campaign.checker import archive

ACCEPTED, RULINGS, DEDUCTIONS = "ingest.accepted", "scoring.rulings", "scoring.deductions"
OVER = "decided:incidents"
JUDGED = "dukao.rises-judged.v1"
PARTS = 10**12
COUNTING = {"counted", "revived"}
Event: TypeAlias = Mapping[str, Any]
Name: TypeAlias = tuple[str, str]
Incident: TypeAlias = tuple[str, str, int]


class Loss(NamedTuple):
    """What a finding would cost a unit; the least of those of one problem and unit counts."""

    points: Fraction  # below 0, so that the highest is the least
    indicator: str
    occurred: datetime
    finding: Name
    trigger: str
    role: str
    inspection: Name
    unit: str
    month: str
    scheme: str


@dataclass(slots=True)
class Known:
    """The facts: the newest of each report, the schemes in force, what persons ruled last."""

    facts: dict[Name, Event] = field(default_factory=dict[Name, Event])
    schemes: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])
    answers: dict[tuple[Name, str, Name], bool] = field(default_factory=dict[tuple[Name, str, Name], bool])
    risen: list[tuple[Name, Event]] = field(default_factory=list[tuple[Name, Event]])
    joins: dict[frozenset[Incident], bool] = field(default_factory=dict[frozenset[Incident], bool])


async def incidents(database: asyncpg.Connection) -> list[str]:
    """C5: what was decided last is what the facts say, it is kept by stage A, and it is what units lose."""
    known = await _known(database)
    told = await _newest(database)
    wanted = {_line(loss) for loss in _counting(known)}
    found = {line for one in told.values() for line in _told(one)}
    return [
        *(f"decided, and the facts do not say so: {one}" for one in found - wanted),
        *(f"the facts say so, and it was not decided: {one}" for one in wanted - found),
        *await _kept(database, told),
        *await _sums(database, told),
    ]


async def _known(database: asyncpg.Connection) -> Known:
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
        known.joins[frozenset({_incident(act["incident"]), _incident(act["other"])})] = act["act"] == "join"
    else:
        question = _name(act["finding"]), act["trigger"], _name(act["inspection"])
        known.answers[question] = act["act"] == "apply"


def _counting(known: Known) -> Iterator[Loss]:
    """Yield of each problem and unit the highest deduction, under every scheme."""
    for code in sorted({one["scheme"]["code"] for one in known.schemes}):
        mine = [one for one in known.schemes if one["scheme"]["code"] == code and one.get("incidents")]
        found = [one for name, event in known.facts.items() for one in _finding(mine, name, event)]
        rose = [(loss, about) for name, event in known.risen for loss, about in _rose(mine, name, event)]
        problem_of = _problems([*found, *((None, None, None, [about]) for _, about in rose)], known)
        rivals: dict[tuple[Incident, str], list[Loss]] = defaultdict(list)
        for loss, about in rose:
            rivals[problem_of[about], loss.unit].append(loss)
        for scheme, name, event, years in found:
            for loss in _losses(scheme, name, event, years, known):
                rivals[problem_of[years[0]], loss.unit].append(loss)
        yield from map(min, rivals.values())


def _finding(
    schemes: Sequence[Mapping[str, Any]], name: Name, event: Event
) -> Iterator[tuple[Mapping[str, Any], Name, Event, list[Incident]]]:
    """Yield a confirmed finding with the version of its month and its incidents."""
    for scheme in schemes:
        month = _day(event["time"], scheme).isoformat()[:7]
        covers = scheme["scheme"]["effective"] <= month <= scheme["scheme"]["until"]
        spec = next((one for one in scheme["incidents"]["findings"] if one["type"] == event["type"]), None)
        if spec is not None and covers and event["data"][spec["status"]] == "confirmed":
            first, last = _years(spec, event)
            about = event["data"][spec["object"]], event["data"][spec["content"]]
            yield scheme, name, event, [(*about, year) for year in range(first, last + 1)]


def _rose(schemes: Sequence[Mapping[str, Any]], name: Name, event: Event) -> Iterator[tuple[Loss, Incident]]:
    """Yield what a region whose risk rose costs, by the version of its month."""
    unit, month = event["subject"], event["month"]
    for scheme in schemes:
        head, spec = scheme["scheme"], scheme["incidents"]
        rise = next((one for one in spec.get("rises", ()) if one["code"] == event["code"]), None)
        if rise is None or head["code"] != event["scheme"] or not head["effective"] <= month <= head["until"]:
            continue
        day = _day(event["at"], scheme)
        lost = {
            "department": spec["contents"].get(rise["content"]),
            "bureau": unit,
            "inspectorate": _responsible(scheme, unit, day),
        }
        roles = rise["roles"]
        if all(
            whose and _scored(scheme, whose, roles[role]["indicator"], month) for role, whose in lost.items()
        ):
            for role, whose in lost.items():
                at = datetime.fromisoformat(event["at"])
                loss = (
                    -Fraction(roles[role]["points"]),
                    roles[role]["indicator"],
                    at,
                    name,
                    event["code"],
                    role,
                )
                version = f"{head['code']}@{head['version']}"
                about = unit, rise["content"], day.year
                yield Loss(*loss, ("", ""), str(whose), month, version), about


def _problems(
    found: Iterable[tuple[Any, Any, Any, list[Incident]]], known: Known
) -> dict[Incident, Incident]:
    """Return for each incident one that stands for all it hangs together with."""
    groups: list[set[Incident]] = []
    joined = [set(pair) for pair, stands in known.joins.items() if stands]
    for group in [*(set(years) for *_, years in found), *joined]:
        apart = [one for one in groups if not one & group]
        groups = [*apart, group.union(*(one for one in groups if one & group))]
    return {one: min(group) for group in groups for one in group}


def _losses(
    scheme: Mapping[str, Any], name: Name, event: Event, years: list[Incident], known: Known
) -> Iterator[Loss]:
    spec = next(one for one in scheme["incidents"]["findings"] if one["type"] == event["type"])
    month = _day(event["time"], scheme).isoformat()[:7]
    version = f"{scheme['scheme']['code']}@{scheme['scheme']['version']}"

    def loss(
        points: str, indicator: str, unit: str, role: str, why: tuple[str, Name] = ("", ("", ""))
    ) -> Loss:
        occurred = datetime.fromisoformat(event["time"])
        at = (Fraction(points) * -1, indicator, occurred, name, why[0], role, why[1])
        return Loss(*at, unit, month, version)

    own = spec.get("deducts")
    if own is not None:
        points = own["points"] if own["points"][0].isdigit() else str(event["data"].get(own["points"]) or 0)
        if Fraction(points) > 0 and _scored(scheme, event["subject"], own["indicator"], month):
            yield loss(points, own["indicator"], event["subject"], "own")
    for trigger, inspection, started in _fired(scheme, name, event, spec, known):
        lost = (
            ("department", scheme["incidents"]["contents"].get(years[0][1])),
            ("bureau", event["subject"]),
            ("inspectorate", _responsible(scheme, event["subject"], started)),
        )
        roles = trigger["roles"]
        if all(unit and _scored(scheme, unit, roles[role]["indicator"], month) for role, unit in lost):
            for role, unit in lost:
                why = trigger["code"], inspection
                yield loss(roles[role]["points"], roles[role]["indicator"], str(unit), role, why)


def _fired(
    scheme: Mapping[str, Any], name: Name, event: Event, spec: Mapping[str, Any], known: Known
) -> Iterator[tuple[Mapping[str, Any], Name, date]]:
    """Yield the triggers that fire, each with the inspection and the first day of it."""
    data = event["data"]
    found: dict[str, Any] = {
        "finding.type": event["type"],
        "finding.unit": event["subject"],
        "finding.object": data[spec["object"]],
        "finding.content": data[spec["content"]],
        "finding.years": _years(spec, event),
        "finding.discovered": _day(_field(event, spec["discovered"]), scheme),
        "finding.severity": data[spec["severity"]],
        "finding.finder": (data.get(spec["finder"]) if spec.get("finder") else None) or event["source"],
    }
    for at, looked in known.facts.items():
        kinds = scheme["incidents"].get("inspections", ())
        kind = next((one for one in kinds if one["type"] == looked["type"]), None)
        if kind is None or looked["data"][kind["object"]] != data[spec["object"]]:
            continue
        told = found | _looked(kind, looked, scheme)
        for trigger in scheme["incidents"].get("triggers", ()):
            answer = known.answers.get((name, trigger["code"], at))
            said = {_holds(one, told) for one in trigger["when"]}
            fires = False not in said and (None not in said or answer) and answer is not False
            if fires and data[spec["severity"]] >= trigger["gate"]:
                yield trigger, at, told["inspection.started"]


def _looked(kind: Mapping[str, Any], event: Event, scheme: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of an inspection by the names that conditions give them."""
    data = event["data"]
    inspector = (data.get(kind["inspector"]) if kind.get("inspector") else None) or event["subject"]
    seats = {one["inspectorate"] for one in scheme["incidents"].get("jurisdictions", ())}
    return {
        "inspection.type": event["type"],
        "inspection.unit": event["subject"],
        "inspection.object": data[kind["object"]],
        "inspection.content": data.get(kind["content"]) if kind.get("content") else None,
        "inspection.years": _years(kind, event),
        "inspection.started": _day(_field(event, kind["started"]), scheme),
        "inspection.ended": _day(_field(event, kind["ended"]), scheme),
        "inspection.found": data[kind["found"]],
        "inspection.inspector": inspector,
        "inspection.by": "inspectorate" if inspector in seats else "other",
    }


def _holds(condition: Mapping[str, Any], told: Mapping[str, Any]) -> bool | None:
    """Tell whether a condition holds; None is left to a person."""
    fact, (test, asked) = told[condition["fact"]], _test(condition)
    if test in {"meets", "differs"} and condition["fact"].endswith(".years"):
        return fact[0] <= told[asked][1] and told[asked][0] <= fact[1]
    if test in {"meets", "differs"}:
        same = fact == told[asked] or fact is None or told[asked] is None
        return same if test == "meets" else not same
    if test == "before" and fact == told[asked]:
        return {"person": None, "before": True, "not_before": False}[condition["same_day"]]
    if test == "before":
        return fact < told[asked]
    if test == "is":
        return fact is None or str(fact) in asked
    return fact >= asked if test == "at_least" else fact <= asked


def _test(condition: Mapping[str, Any]) -> tuple[str, Any]:
    return next((word, asked) for word, asked in condition.items() if word not in {"fact", "same_day"})


def _responsible(scheme: Mapping[str, Any], unit: str, day: date) -> str | None:
    for one in scheme["incidents"].get("jurisdictions", ()):
        until = one.get("until") or "9999-12-31"
        if unit in one["units"] and one["from"] <= day.isoformat() <= until:
            return one["inspectorate"]
    return None


def _scored(scheme: Mapping[str, Any], unit: str, indicator: str, month: str) -> bool:
    levels = {one["code"]: one["level"] for one in scheme["units"]}
    spec = next(one for one in scheme["indicators"] if one["code"] == indicator)
    level = levels.get(unit)
    if any(
        unit in one["units"] and one.get("from", "") <= month <= one.get("until", "9999-12")
        for one in spec.get("not_applicable", ())
    ):
        return False
    return any(scheme["groups"][group]["level"] == level for group in spec["groups"]) and (
        not spec.get("units") or unit in spec["units"]
    )


async def _newest(database: asyncpg.Connection) -> dict[tuple[int, str], Event]:
    """Return the newest version of every decision up to the positions of stage A."""
    reached = await archive.reached(database, "scoring", "scoring-a")
    newest: dict[tuple[int, str], Event] = {}
    async for (stream, shard), number, body, _ in archive.records(database, "scoring"):
        if stream == DEDUCTIONS and number <= reached.get((stream, shard), 0):
            told = json.loads(body)["data"]
            known = newest.get((shard, told["key"]))
            if known is None or known["version"] < told["version"]:
                newest[shard, told["key"]] = told
    return newest


async def _kept(database: asyncpg.Connection, told: Mapping[tuple[int, str], Event]) -> list[str]:
    kept = {
        (row["shard"], row["key"]): json.loads(row["body"])["data"]
        for row in await database.fetch("SELECT * FROM scoring.derived WHERE stream = $1", DEDUCTIONS)
    }
    places = {
        (row["unit"], row["month"], row["shard"], row["key"])
        for row in await database.fetch("SELECT * FROM scoring.derived_places WHERE over = $1", OVER)
    }
    wanted = {
        (one["unit"], _ordinal(row["month"]), *at) for at, one in told.items() for row in one["deductions"]
    }
    keys = told.keys() | kept.keys()
    return [
        *(f"decision {at}: kept is {kept.get(at)}" for at in keys if told.get(at) != kept.get(at)),
        *(f"found where nothing was decided, or not where it was: {one}" for one in wanted ^ places),
    ]


async def _sums(database: asyncpg.Connection, told: Mapping[tuple[int, str], Event]) -> list[str]:
    schemes = {
        f"{row['code']}@{row['version']}": json.loads(row["document"])
        for row in await database.fetch(
            "SELECT code, version, document::text FROM scoring.schemes s WHERE EXISTS (SELECT FROM "
            "scoring.in_force f WHERE f.stage = 'a' AND f.code = s.code AND f.version = s.version)"
        )
    }
    wanted: dict[tuple[str, str, int, str], Fraction] = defaultdict(Fraction)
    for line in (line for one in told.values() for line in _told(one)):
        scheme, unit, indicator, month, points = line[:5]
        if scheme in schemes:
            specs = {one["code"]: one["measure"] for one in schemes[scheme]["indicators"]}
            wanted[scheme, unit, _ordinal(month), specs[indicator]] += points
    found: dict[tuple[str, str, int, str], Fraction] = defaultdict(Fraction)
    for row in await database.fetch("SELECT * FROM scoring.partials WHERE over = $1", OVER):
        if row["scheme"] in schemes:
            measures = schemes[row["scheme"]]["measures"].items()
            names = sorted(name for name, spec in measures if spec.get("decided") == "incidents")
            numbers = json.loads(row["numbers"])
            for name, spot in zip(names, [0, *range(2, len(names) + 1)], strict=True):
                found[row["scheme"], row["unit"], row["month"], name] += Fraction(numbers[spot], PARTS)
    return [
        f"deductions of {at} cost {wanted.get(at)}, the sums are {found.get(at)}"
        for at in wanted.keys() | found.keys()
        if wanted.get(at, 0) != found.get(at, 0)
    ]


def _told(one: Event) -> Iterator[tuple[str, str, str, str, Fraction, Name, str]]:
    for row in one["deductions"]:
        if row["state"] in COUNTING:
            finding = _name(row["finding"])
            points = Fraction(row["points"])
            yield row["scheme"], one["unit"], row["indicator"], row["month"], points, finding, row["role"]


def _line(one: Loss) -> tuple[str, str, str, str, Fraction, Name, str]:
    return one.scheme, one.unit, one.indicator, one.month, -one.points, one.finding, one.role


def _years(spec: Mapping[str, Any], event: Event) -> tuple[int, int]:
    return event["data"][spec["years"]["from"]], event["data"][spec["years"]["until"]]


def _field(event: Event, name: str) -> str:
    return event["time"] if name == "time" else event["data"][name]


def _day(instant: str, scheme: Mapping[str, Any]) -> date:
    local = datetime.fromisoformat(instant).astimezone(ZoneInfo(scheme["scheme"]["zone"]))
    return local.date()


def _name(report: Mapping[str, str]) -> Name:
    return report["source"], report["id"]


def _incident(name: Mapping[str, Any]) -> Incident:
    return name["object"], name["content"], name["year"]


def _ordinal(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:7]) - 1
