"""What the facts of incidents cost whom: of each problem and unit the highest deduction."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from campaign.checker.incident_facts import (
    Event,
    Incident,
    Known,
    Name,
    day_of,
    field_of,
    years_of,
)


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


def counting(known: Known) -> Iterator[Loss]:
    """Yield of each problem and unit the highest deduction, under every scheme."""
    for code in sorted({one["scheme"]["code"] for one in known.schemes}):
        mine = [one for one in known.schemes if one["scheme"]["code"] == code and one.get("incidents")]
        found = [one for name, event in known.facts.items() for one in _finding(mine, name, event)]
        rose = [
            (loss, about)
            for name, event in known.risen
            if known.answers.get((name, event["code"], name))
            for loss, about in _rose(mine, name, event)
        ]
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
        month = day_of(event["time"], scheme).isoformat()[:7]
        covers = scheme["scheme"]["effective"] <= month <= scheme["scheme"]["until"]
        spec = next((one for one in scheme["incidents"]["findings"] if one["type"] == event["type"]), None)
        if spec is not None and covers and event["data"][spec["status"]] == "confirmed":
            first, last = years_of(spec, event)
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
        day = day_of(event["at"], scheme)
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
    month = day_of(event["time"], scheme).isoformat()[:7]
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
        "finding.years": years_of(spec, event),
        "finding.discovered": day_of(field_of(event, spec["discovered"]), scheme),
        "finding.severity": data[spec["severity"]],
        "finding.finder": data[spec["finder"]] if spec.get("finder") else event["source"],
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
    inspector = data[kind["inspector"]] if kind.get("inspector") else event["subject"]
    seats = {one["inspectorate"] for one in scheme["incidents"].get("jurisdictions", ())}
    return {
        "inspection.type": event["type"],
        "inspection.unit": event["subject"],
        "inspection.object": data[kind["object"]],
        "inspection.content": data.get(kind["content"]) if kind.get("content") else None,
        "inspection.years": years_of(kind, event),
        "inspection.started": day_of(field_of(event, kind["started"]), scheme),
        "inspection.ended": day_of(field_of(event, kind["ended"]), scheme),
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
