"""Runs the examples of a scheme file: its measures against example events, without a platform.

Events pass the checks of ingest; live folding and DuckDB both say what the measures are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from dukao.checking import Finding, Paper
from services.ingest.domain.admission import ACCEPTED_OUTCOMES, admit
from services.ingest.domain.catalogue import Catalogue as Admitted
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.example_section import Example, ExampleEvent, ExamplesSpec, Expected
from services.scoring.domain.facts import Report, standing
from services.scoring.domain.measuring import Measured, folded
from services.scoring.domain.methods.amounts import Partials
from services.scoring.domain.plan import EventTypes, Plan, compile_plan, event_types
from services.scoring.domain.rows import typed
from services.scoring.domain.written import amount
from services.scoring.opinion import recompute
from shared.kernel import instants
from shared.kernel.errors import Refused
from shared.kernel.periods import Month
from shared.kernel.points import decimal, millionths
from shared.kernel.shards import SHARDS

Case = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one expectation of an example came to, by live folding and by DuckDB; amounts as text."""

    file: str
    line: int
    example: str
    measure: str
    unit: str
    month: str
    expected: str
    live: str
    duckdb: str
    agrees: bool

    def record(self) -> dict[str, Any]:
        """Return it as it is printed."""
        return asdict(self)


def with_units_of_examples(document: Any) -> Any:
    """Return a scheme that leaves its units to a table with those of its examples, to be checked."""
    if not _lacks_units(document):
        return document
    try:
        spec = ExamplesSpec.model_validate(document["examples"])
    except ValidationError:  # the check of the whole document names the places
        return document
    return document | {"units": spec.named_units()}


def run(paper: Paper, catalogue: Mapping[str, Any]) -> tuple[list[Outcome], list[Finding]]:
    """Run every example of a checked scheme; events that ingest would refuse are findings."""
    document = SchemeDocument.model_validate(paper.document)
    spec = document.examples
    if spec is None:
        return [], []
    if spec.units:
        document = SchemeDocument.model_validate(document.written() | {"units": spec.named_units()})
    running = _Running(document, catalogue)
    outcomes: list[Outcome] = []
    findings: list[Finding] = []
    for at, example in enumerate(spec.cases):
        path = f"/examples/cases/{at}"
        events, wrong = running.accepted(example, paper, path)
        wrong += _unknown_units(document, example, paper, path)
        findings += wrong
        if not wrong:
            groups = [standing(reports).facts for reports in running.together(events)]
            live, second = running.opinions(groups)
            outcomes += _compared(paper, path, example, live, second)
    return outcomes, findings


class _Running:
    """A scheme made ready for its examples."""

    def __init__(self, document: SchemeDocument, catalogue: Mapping[str, Any]) -> None:
        self._document = document
        self._sources: Mapping[str, Any] = catalogue.get("sources", {})
        self._keys = {name: spec.get("business_key", ()) for name, spec in catalogue["types"].items()}
        self._types: EventTypes = event_types(catalogue)
        self._admitted: Admitted = compile_catalogue(parse(catalogue))
        self._plan: Plan = compile_plan(document, self._types)

    def opinions(self, groups: Sequence[Sequence[Report]]) -> tuple[Measured, Measured]:
        """Return what live folding and DuckDB make of standing facts."""
        return folded(self._plan, groups), recompute(self._document, self._types, groups)

    def accepted(
        self, example: Example, paper: Paper, path: str
    ) -> tuple[list[Mapping[str, Any]], list[Finding]]:
        """Return the events that ingest would accept, and what it would refuse."""
        written = [self._event(event, number) for number, event in enumerate(example.events, 1)]
        found: list[Finding] = []
        candidates = []
        for place, event in enumerate(written):
            try:
                candidates.append(candidate(event, self._admitted))
            except Refused as refused:
                problem = refused.problem
                inside = (
                    problem.pointer if (problem.pointer or "").startswith(("/data", "/time", "/case")) else ""
                )
                where = f"{path}/events/{place}{inside}"
                found.append(paper.finding(where, problem.code, problem.detail))
        if found:
            return [], found
        rulings, _ = admit(candidates, {}, dict.fromkeys(range(SHARDS), 0))
        pairs = zip(written, rulings, strict=True)
        return [event for event, ruling in pairs if ruling.outcome in ACCEPTED_OUTCOMES], []

    def together(self, events: Iterable[Mapping[str, Any]]) -> list[list[Report]]:
        """Return the reports that stand or fall together: of a case, of a fact, or of a correction's root."""
        reports = [(self._report(event, number), event.get("case")) for number, event in enumerate(events, 1)]
        facts = {report.root: report.fact for report, _ in reports if report.fact is not None}
        groups: dict[Case, list[Report]] = {}
        for report, case in reports:
            alone = facts.get(report.root)
            key = (case,) if case else (report.type, alone) if alone is not None else report.root
            groups.setdefault(key, []).append(report)
        return list(groups.values())

    def _event(self, event: ExampleEvent, number: int) -> dict[str, Any]:
        source = event.source or self._source(event.type)
        written: dict[str, Any] = {
            "specversion": "1.0",
            "id": event.id or f"example-{number}",
            "source": source,
            "type": event.type,
            "subject": event.unit,
            "time": event.time,
        }
        written |= {} if event.case is None else {"case": event.case}
        if event.corrects is not None:
            written |= {
                "correctssource": source,
                "correctsid": event.corrects,
                "revision": event.revision or 1,
            }
        if event.corrects is None or event.data is not None:
            written["data"] = event.data or {}
        return written

    def _source(self, kind: str) -> str:
        """Return the first source that may send a type."""
        may = (name for name, spec in self._sources.items() if kind in (spec.get("types") or [kind]))
        return next(may, "example")

    def _report(self, event: Mapping[str, Any], number: int) -> Report:
        kind, data = event["type"], event.get("data")
        corrects = (event["correctssource"], event["correctsid"]) if "revision" in event else None
        key = self._keys[kind]
        return Report(
            source=event["source"],
            id=event["id"],
            type=kind,
            subject=event["subject"],
            time=instants.parse_micros(event["time"]),
            shard=0,
            number=number,
            data=None if data is None else typed(data, self._types[kind]),
            fact=None if corrects or not key else "/".join(str(event["data"][name]) for name in key),
            corrects=corrects,
            revision=event.get("revision", 0),
        )


def _unknown_units(document: SchemeDocument, example: Example, paper: Paper, path: str) -> list[Finding]:
    codes = {unit.code for unit in document.units}
    return [
        paper.finding(f"{path}/expect/{place}/unit", "unknown_unit", f"There is no unit {expected.unit}.")
        for place, expected in enumerate(example.expect)
        if expected.unit not in codes
    ]


def _lacks_units(document: Any) -> bool:
    return isinstance(document, dict) and document.get("units") == [] and bool(document.get("examples"))


def _compared(
    paper: Paper, path: str, example: Example, live: Measured, second: Measured
) -> Iterator[Outcome]:
    for place, expected in enumerate(example.expect):
        ratio = expected.denominator is not None
        key = expected.measure, expected.unit, Month.parse(expected.month).ordinal
        found = [_written(one.get(key, Partials()), ratio=ratio) for one in (live, second)]
        wanted = _wanted(expected)
        file, line = paper.place_of(f"{path}/expect/{place}")
        yield Outcome(
            file=file,
            line=line,
            example=example.name,
            measure=expected.measure,
            unit=expected.unit,
            month=expected.month,
            expected=wanted,
            live=found[0],
            duckdb=found[1],
            agrees=found == [wanted, wanted],
        )


def _written(partials: Partials, *, ratio: bool) -> str:
    numerator = amount(partials.numerator)
    return f"{numerator}/{amount(partials.denominator)}" if ratio else numerator


def _wanted(expected: Expected) -> str:
    amounts = [expected.numerator, *([] if expected.denominator is None else [expected.denominator])]
    return "/".join(amount(millionths(decimal(one))) for one in amounts)
