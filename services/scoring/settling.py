"""Loads what is known of objects that hang together, and settles it under the schemes in force."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from services.scoring import dossiers
from services.scoring.contract import INCIDENTS_SHARD, IncidentName, ReportName, RulingAct
from services.scoring.domain.facts import Report
from services.scoring.domain.incidents.facts import Join, Key, Name, Question, Ruling, join_of
from services.scoring.domain.incidents.reading import object_of
from services.scoring.domain.incidents.rules import Rules
from services.scoring.domain.incidents.settling import Facts, Settled, settle
from services.scoring.dossiers import Ruled
from services.scoring.plans import InForce, Plans, cut_zones
from services.scoring.reports import Catalogue, catalogue_of, report_of
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.shards import partition_of
from shared.storage.transaction import PostgresTransaction

STAGE = "incidents"
_RULING = {RulingAct.APPLY: Ruling.APPLIES, RulingAct.DISMISS: Ruling.DISMISSED}


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything of objects that hang together: reports, rulings in order, and what they come to.

    `named` are those of the objects that the reports of a finding or inspection name; one beside them is
    settled by itself, and what is written under it is written then.
    """

    objects: frozenset[str]
    named: Mapping[Name, frozenset[str]]
    reports: tuple[AcceptedEvent, ...]
    rulings: tuple[Ruled, ...]
    settled: Settled
    schemes: tuple[InForce, ...]

    @property
    def newest(self) -> str:
        """The newest `received` of its reports and rulings."""
        return max((one.received for one in (*self.reports, *self.rulings)), default="")

    def path_of(self, unit: str) -> str:
        """Return the path of a unit in the newest scheme that knows it, else one of its own."""
        found = [scheme.plan.above[unit] for scheme in self.schemes if unit in scheme.plan.above]
        return "/" + "/".join(reversed(found[-1])) if found else f"/{unit}"


class Dossiers:
    """Opens dossiers; what is in force is kept until it is forgotten."""

    def __init__(self) -> None:
        self._plans = Plans(STAGE)
        self._catalogues: dict[tuple[str, ...], Catalogue] = {}

    def forget(self, partitions: Iterable[int]) -> None:
        """Drop what is cached of partitions."""
        self._plans.forget(set(partitions))

    def refresh(self) -> None:
        """Ask again which schemes are in force: another process may have adopted some."""
        self.forget([partition_of(INCIDENTS_SHARD)])

    async def adopt(self, tx: PostgresTransaction, code: str, version: int) -> None:
        """Apply a version from here on."""
        await self._plans.adopt(tx, INCIDENTS_SHARD, code, version)

    async def cut_zones(self, tx: PostgresTransaction) -> set[ZoneInfo]:
        """Return the zones of schemes whose periods have a cut."""
        return cut_zones(await self._plans.of(tx, INCIDENTS_SHARD))

    async def open(
        self, tx: PostgresTransaction, objects: Collection[str], beside: Sequence[Ruled] = ()
    ) -> list[Dossier]:
        """Return what is known of objects and all that is joined to them; `beside` are more rulings."""
        schemes = await self._plans.of(tx, INCIDENTS_SHARD)
        known, rulings = await _together(tx, objects, beside)
        reports = await dossiers.reports(tx, known)
        catalogue = self._catalogue(schemes)
        return [
            await asyncio.to_thread(_dossier, schemes, catalogue, together, reports, rulings)
            for together in _apart(known, rulings)
        ]

    def _catalogue(self, schemes: Sequence[InForce]) -> Catalogue:
        """Return the types of the schemes in force; a catalogue has the types of all before it."""
        name = tuple(scheme.plan.id for scheme in schemes)
        if name not in self._catalogues:
            types: dict[str, object] = {}
            for scheme in schemes:
                types |= scheme.types.get("types", {})
            self._catalogues = {name: catalogue_of({"types": types})}
        return self._catalogues[name]


def _dossier(
    schemes: tuple[InForce, ...],
    catalogue: Catalogue,
    together: frozenset[str],
    reports: Mapping[str, Sequence[AcceptedEvent]],
    rulings: Sequence[Ruled],
) -> Dossier:
    """Settle what hangs together: a thread's work, for of an object with many findings it takes long."""
    mine = tuple(one for one in rulings if one.objects & together)
    joins, answers = ruled(mine)
    places = {(event.shard, event.number): event for name in together for event in reports.get(name, ())}
    events = tuple(places[place] for place in sorted(places))
    read = [report_of(event, catalogue) for event in events]
    rules = _by_code(schemes)
    settled = settle(rules, Facts(together, read, joins, answers))
    named = _named([one for mine in rules for one in mine], read, together)
    return Dossier(together, named, events, mine, settled, schemes)


def ruled(rulings: Iterable[Ruled]) -> tuple[frozenset[Join], Mapping[Question, Ruling]]:
    """Return the joins and answers that count: on each pair and question the last."""
    joins: dict[Join, bool] = {}
    answers: dict[Question, Ruling] = {}
    for one in sorted(rulings, key=lambda one: one.number):
        act = one.act
        if act.other is not None:
            joins[join_of(key_of(act.incident), key_of(act.other))] = act.act is RulingAct.JOIN
        elif act.finding is not None and act.trigger is not None and act.inspection is not None:
            question = Question(name_of(act.finding), act.trigger, name_of(act.inspection))
            answers[question] = _RULING[act.act]
    return frozenset(join for join, stands in joins.items() if stands), answers


def key_of(incident: IncidentName) -> Key:
    """Read the name of an incident."""
    return Key(incident.object, incident.content, incident.year)


def name_of(report: ReportName) -> tuple[str, str]:
    """Read the name of a report."""
    return report.source, report.id


async def _together(
    tx: PostgresTransaction, objects: Collection[str], beside: Sequence[Ruled]
) -> tuple[frozenset[str], list[Ruled]]:
    """Return objects with all that any ruling ever named beside them, and the rulings on them."""
    known, asked = frozenset(objects), frozenset[str]()
    found: dict[int, Ruled] = {}
    while known != asked:
        asked = known
        here = [one for one in beside if one.objects & known]
        found |= {one.number: one for one in [*await dossiers.rulings(tx, known), *here]}
        known = known.union(*(one.objects for one in found.values()))
    return known, [found[number] for number in sorted(found)]


def _apart(objects: Collection[str], rulings: Iterable[Ruled]) -> list[frozenset[str]]:
    """Return the objects that hang together by rulings, in order."""
    groups = {name: frozenset({name}) for name in objects}
    for one in rulings:
        whole = frozenset[str]().union(*(groups[name] for name in one.objects))
        groups |= dict.fromkeys(whole, whole)
    return sorted(set(groups.values()), key=min)


def _named(
    rules: Sequence[Rules], reports: Iterable[Report], among: frozenset[str]
) -> dict[Name, frozenset[str]]:
    found: dict[Name, frozenset[str]] = {}
    for report in reports:
        objects = {name for one in rules if (name := object_of(one, report)) is not None}
        found[report.root] = found.get(report.root, frozenset()) | (objects & among)
    return found


def _by_code(schemes: Sequence[InForce]) -> list[list[Rules]]:
    found: dict[str, list[Rules]] = {}
    for scheme in schemes:
        if scheme.incidents is not None:
            found.setdefault(scheme.document.scheme.code, []).append(scheme.incidents)
    return list(found.values())
