"""The pure cores of ingest and of both stages of scoring in memory: no service, no table, one event at a time.

`Intake` judges and numbers as the committer does; `Scoring` folds what it accepts as stage A does, by the short way
where that takes it and by the plain one where not, and posts what moved as stage B does; `recomputed` folds
everything anew by the plain functions alone.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from operator import add

from services.ingest.domain.admission import ACCEPTED_OUTCOMES, admit
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.arriving import is_alone
from services.scoring.domain.adders import adder
from services.scoring.domain.changes import Standing
from services.scoring.domain.comparing import compare, compared_figures
from services.scoring.domain.facts import standing
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.groups import group_plan
from services.scoring.domain.ordinary import Ordinary, Sums
from services.scoring.domain.plan import compile_plan
from services.scoring.domain.posting import everything, post, posted
from services.scoring.domain.proof import cells_of
from services.scoring.domain.sums import UnitSums
from services.scoring.reports import catalogue_of, fact_key, fact_of, report_of, root_key
from shared.contracts.envelope import decode
from shared.kernel.digests import key_digest
from shared.kernel.shards import SHARDS


class Intake:
    """What ingest remembers: keys, and the last number of each shard."""

    def __init__(self, types):
        self._catalogue = compile_catalogue(parse(types))
        self._known = {}
        self._last = dict.fromkeys(range(SHARDS), 0)

    def take(self, event, received):
        """Judge an event; return its outcome and what the archive tells of it, None where it is not accepted."""
        (ruling,), keys = admit([candidate(event, self._catalogue)], self._known, self._last)
        self._known |= keys
        if ruling.outcome not in ACCEPTED_OUTCOMES:
            return ruling.outcome, None
        shard = ruling.candidate.shard
        self._last[shard] += 1
        told = {"sequence": str(self._last[shard]), "partitionkey": str(shard), "received": received}
        return ruling.outcome, decode(json.dumps(json.loads(ruling.body) | told).encode())


@dataclass
class Scheme:
    """A version as both stages apply it."""

    document: object
    plan: object
    ordinary: Ordinary
    groups: tuple

    @staticmethod
    def of(document, types):
        catalogue = catalogue_of(types)
        plan = compile_plan(document, catalogue.types)
        adders = [adder(document, plan, over) for over in plan.columns]
        groups = tuple(group_plan(document, name) for name in document.groups)
        return Scheme(document, plan, Ordinary(adders, catalogue.types), groups)


@dataclass
class Ledger:
    """Stage B under one version: sums and standings by unit, and every entry that was posted."""

    scheme: Scheme
    sums: dict = field(default_factory=lambda: defaultdict(UnitSums))
    standings: dict = field(default_factory=lambda: defaultdict(Standing))
    entries: list = field(default_factory=list)

    def post(self, rows):
        """Take absolute rows by (over, unit, month, shard) and post what depends on the places that moved."""
        moved = defaultdict(lambda: defaultdict(set))
        for (over, unit, month, shard), numbers in rows.items():
            moved[unit][over, month].update(self.sums[unit].take((over, month, shard), numbers))
        for group in self.scheme.groups:
            self._post(group, {unit: places for unit, places in moved.items() if unit in group.units})

    def begin(self):
        """Post every cell as it stands without any row."""
        for group in self.scheme.groups:
            self._post(group, dict.fromkeys(group.units, everything(group)))

    def _post(self, group, moved):
        sums = {unit: self.sums[unit] for unit in group.units}
        standings = {unit: self.standings[group.name, unit] for unit in group.units}
        changed = {
            unit: post(group, unit, sums[unit], standings[unit], places) for unit, places in moved.items()
        }
        if group.compared:
            compare(group, sums, standings, moved, changed)
        self.entries += [
            ((group.name, unit, month, code), old, new)
            for unit, changes in changed.items()
            for month, found in changes.cells.items()
            for code, (old, new) in found.items()
        ]

    @property
    def state(self):
        """Every cell and figure that has a value."""
        return {
            (group, unit, *key): value
            for (group, unit), standing in self.standings.items()
            for kept in (standing.cells, standing.figures)
            for key, value in kept.items()
            if value is not None
        }

    @property
    def summed(self):
        """Every cell as its entries sum up; each goes on from the one before."""
        last, total = {}, defaultdict(int)
        for cell, old, new in self.entries:
            assert last.get(cell) == old != new, (cell, old, new)
            last[cell] = new
            total[cell] += (new or 0) - (old or 0)
        assert all(total[cell] == (new or 0) for cell, new in last.items())
        return {cell: new for cell, new in last.items() if new is not None}

    @property
    def cells(self):
        """Every month cell that has a value."""
        return {
            (group, unit, month, code): value
            for (group, unit), standing in self.standings.items()
            for (month, code), value in standing.cells.items()
        }


class Scoring:
    """Stages A and B, one event or adoption at a time."""

    def __init__(self, types):
        self.catalogue = catalogue_of(types)
        self.ledger = None
        self._alone = {}
        self._cases = {}
        self._facts = {}
        self._rows = {}

    def adopt(self, scheme):
        """Fold everything under a version, in place of the one before."""
        before = [] if self.ledger is None else [self.ledger.scheme.plan]
        tallies = defaultdict(Tally)
        for (shard, _), events in [*self._cases.items(), *((at, [one]) for at, one in self._alone.items())]:
            reports = self._reports(events)
            fold_under(tallies[shard], before, reports, -1)
            fold_under(tallies[shard], [scheme.plan], reports)
        self.ledger = Ledger(scheme)
        self.ledger.begin()
        for shard, tally in tallies.items():
            self._tell(shard, tally.spread())
        left = {key: row for key, row in self._rows.items() if key[1] != scheme.plan.id and any(row)}
        assert left == {}, "what the version before had added is taken back"

    def arrive(self, event):
        """Fold an accepted event."""
        tally, sums = Tally(), None if self.ledger is None else Sums(self.ledger.scheme.ordinary)
        if is_alone(event, self.catalogue):
            self._alone[event.shard, event.number] = event
            if sums is None or sums.alone(fact_of(event, self.catalogue)) is None:
                fold_under(tally, self._plans, self._reports([event]))
        else:
            self._fold(event, tally, sums)
        self._tell(event.shard, tally.spread())
        if sums is not None:
            self._tell(event.shard, sums.cells())

    @property
    def _plans(self):
        return [] if self.ledger is None else [self.ledger.scheme.plan]

    def _fold(self, event, tally, sums):
        key, root = self._keys(event)
        early = self._cases.pop(root, []) if root not in {None, key} else []
        first = None
        if event.case is None and event.correctsnumber is not None:
            first = self._alone.pop((event.shard, int(event.correctsnumber)), None)
        alone = [] if first is None else [first]
        old = self._cases.get(key, [])
        new = self._cases[key] = [*old, *early, *alone, event]
        if early or alone or not self._fold_ordinary(sums, old, new):
            for group in (old, early, alone):
                fold_under(tally, self._plans, self._reports(group), -1)
            fold_under(tally, self._plans, self._reports(new))

    def _keys(self, event):
        """Return what an event belongs to, and where a correction waits that came before it."""
        if event.case is not None:
            return (event.shard, key_digest("case", event.case)), None
        root = event.shard, root_key(event)
        fact = fact_key(event, self.catalogue)
        if fact is not None:
            self._facts[root] = event.shard, fact
        return self._facts.get(root, root), root

    def _fold_ordinary(self, sums, old, new):
        if sums is None or any(
            one.correctsid is not None or self.catalogue.keys.get(one.type) for one in new
        ):
            return False
        before, after = (
            self.ledger.scheme.ordinary.rows(sorted(fact_of(one, self.catalogue) for one in found))
            for found in (old, new)
        )
        return sums.change(before, after) is not None

    def _reports(self, events):
        return [report_of(one, self.catalogue) for one in events]

    def _tell(self, shard, moved):
        rows = {}
        for (scheme, over, unit, month), change in moved.items():
            key = shard, scheme, over, unit, month
            known = self._rows.get(key)
            self._rows[key] = change if known is None else list(map(add, known, change))
            if scheme == self.ledger.scheme.plan.id:
                rows[over, unit, month, shard] = self._rows[key]
        if rows:
            self.ledger.post(rows)


def recomputed(scheme, catalogue, accepted):
    """Return every cell and figure that has a value, folded anew from all that was accepted."""
    reports = [(report_of(one, catalogue), one.case) for one in accepted]
    facts = {report.root: report.fact for report, _ in reports if report.fact is not None}
    groups = defaultdict(list)
    for report, case in reports:
        groups[("case", case) if case else (report.type, facts.get(report.root) or report.root)].append(
            report
        )
    tally = Tally()
    for found in groups.values():
        tally.add(scheme.plan, standing(found).facts)
    sums = defaultdict(UnitSums)
    for (_, over, unit, month), numbers in tally.spread().items():
        sums[unit].take((over, month, 0), numbers)
    state = {}
    for group in scheme.groups:
        of_group = {unit: sums[unit] for unit in group.units}
        compared = compared_figures(group, of_group)
        for unit, cells in cells_of(group, of_group).items():
            figures = posted(group, unit, of_group[unit], {}).figures | compared[unit]
            state |= {(group.name, unit, *key): value for key, value in cells.items()}
            state |= {(group.name, unit, *key): value for key, value in figures.items() if value is not None}
    return state
