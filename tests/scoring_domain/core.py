"""The pure cores of ingest and of both stages of scoring in memory: no service, no table, one event at a time.

`Intake` judges and numbers as the committer does; `Scoring` folds what it accepts as stage A does, by the short way
where that takes it and by the plain one where not, and what persons conclude, of which the newest version counts; it
posts what moved as stage B does.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from operator import add

from services.ingest.domain.admission import ACCEPTED_OUTCOMES, admit
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.scoring.arriving import is_alone
from services.scoring.domain.changes import Standing
from services.scoring.domain.comparing import compare
from services.scoring.domain.derived import fold_derived
from services.scoring.domain.folding import Tally, fold_under
from services.scoring.domain.ordinary import Sums
from services.scoring.domain.parted import parted_figures
from services.scoring.domain.plan import scheme_id
from services.scoring.domain.posting import end, everything, post
from services.scoring.domain.sums import REVIEWED, UnitSums, home_of
from services.scoring.reports import (
    catalogue_of,
    data_of,
    fact_key,
    fact_of,
    report_of,
    root_key,
    time_of,
)
from shared.contracts.envelope import decode
from shared.kernel.digests import key_digest
from shared.kernel.shards import SHARDS, shard_of
from tests.scoring_domain.anew import reviewed_rows, told_of
from tests.scoring_domain.forces import Force, in_force


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
class Ledger:
    """Stage B: sums and standings by version and unit, every entry, and the figures that versions share."""

    force: Force | None = None
    sums: dict = field(default_factory=lambda: defaultdict(UnitSums))
    standings: dict = field(default_factory=lambda: defaultdict(Standing))
    entries: list = field(default_factory=list)
    shared: dict = field(default_factory=dict)
    clocks: dict = field(default_factory=dict)

    def post(self, rows):
        """Take absolute rows by (version, over, unit, month, shard) and post what depends on what moved."""
        moved = defaultdict(lambda: defaultdict(lambda: defaultdict(set)))
        for (version, over, unit, month, shard), numbers in rows.items():
            places = self.sums[version, unit].take((over, month, shard), numbers)
            moved[version][unit][home_of(over), month].update(places)
        for line in self.force.lines:
            touched = set()
            for plan in line.plans:
                found = {unit: places for unit, places in moved[plan.id].items() if unit in plan.units}
                touched |= moved[plan.id].keys() & set(line.units)
                self._post(plan, found)
            self._share(line, touched)

    def adopt(self, force, adopted):
        """Post every cell of a version as it stands without any row, and end those that others lose to it."""
        self.force = force
        for line in force.lines:
            for plan in line.plans:
                moved = everything(plan) if plan.id == adopted else {}
                self._post(plan, dict.fromkeys(plan.units, moved), ending=True)
            self.shared.pop(line.name, None)
            self._share(line, line.units)

    def _post(self, plan, moved, *, ending=False):
        sums = {unit: self.sums[plan.id, unit] for unit in plan.units}
        standings = {unit: self.standings[plan.id, plan.name, unit] for unit in plan.units}
        changed = {
            unit: post(plan, unit, sums[unit], standings[unit], places) for unit, places in moved.items()
        }
        if ending:
            for unit, changes in changed.items():
                end(plan, standings[unit], changes)
        if plan.compared:
            compare(plan, sums, standings, moved, changed)
        self.entries += [
            ((plan.id, plan.name, unit, month, code), old, new)
            for unit, changes in changed.items()
            for month, found in changes.cells.items()
            for code, (old, new) in found.items()
        ]

    def _share(self, line, touched):
        """Compute the figures made of parts anew: of what moved, or of all where a month or a peer moves it."""
        if not line.shared:
            return
        before, clock = self.shared.get(line.name, {}), line.clock(self.sums)
        anew = line.compares or not before or self.clocks[line.name] != clock
        now = parted_figures(line, line.units if anew else touched, self.sums, clock)
        self.clocks[line.name] = clock
        self.shared[line.name] = {**before, **now}

    @property
    def state(self):
        """Every cell and figure of what rules that has a value, and what versions share."""
        found = {}
        for line in self.force.lines:
            for plan in line.plans:
                for unit in plan.units:
                    due = {(at, one.code) for one in (*plan.of(unit), *plan.compared) for at, _ in one.due}
                    standing = self.standings[plan.id, plan.name, unit]
                    figures = {key: one for key, one in standing.figures.items() if key in due}
                    for key, value in (standing.cells | figures).items():
                        if value is not None:
                            found[plan.id, plan.name, unit, *key] = value
            if line.shared:
                found |= told_of(line, self.shared[line.name])
        return found

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
        """Every month cell that has a value, of versions that rule no more, too."""
        return {
            (*of, month, code): value
            for of, standing in self.standings.items()
            for (month, code), value in standing.cells.items()
        }


class Scoring:
    """Stages A and B, one event or adoption at a time."""

    def __init__(self, types):
        self.catalogue = catalogue_of(types)
        self.force = None
        self.ledger = Ledger()
        self._alone = {}
        self._cases = {}
        self._facts = {}
        self._rows = {}
        self.concluded = {}

    def adopt(self, scheme):
        """Put a version in force from its first month on: fold everything under what rules before and after."""
        before, given = self._plans, self._points
        schemes = [] if self.force is None else [one.scheme for one in self.force.rulings]
        self.force = in_force((*schemes, scheme))
        tallies = defaultdict(Tally)
        for (shard, _), events in [*self._cases.items(), *((at, [one]) for at, one in self._alone.items())]:
            reports = self._reports(events)
            fold_under(tallies[shard], before, reports, -1)
            fold_under(tallies[shard], self._plans, reports)
        self.ledger.adopt(self.force, scheme_id(scheme.document))
        for shard, tally in tallies.items():
            self._tell(shard, tally.spread())
        for fact in self.concluded.values():
            cells = {}
            fold_derived(cells, given, fact, -1)
            fold_derived(cells, self._points, fact)
            self._tell(shard_of(fact.unit), cells)
        for shard in {shard_of(fact.unit) for fact in self.concluded.values()}:
            self._review(shard)
        ruling = {one.id: range(one.first, one.last + 1) for one in self._plans}
        left = {key for key, row in self._rows.items() if any(row) and key[4] not in ruling.get(key[1], ())}
        assert left == set(), "what versions had added in months that they no longer rule is taken back"

    def arrive(self, event):
        """Fold an accepted event."""
        tally, sums = Tally(), None if self.force is None else Sums(self.force.ordinary)
        if is_alone(event, self.catalogue):
            self._alone[event.shard, event.number] = event
            if sums is None or sums.alone(event.type, data_of(event), time_of(event), event.subject) is None:
                fold_under(tally, self._plans, self._reports([event]))
        else:
            self._fold(event, tally, sums)
        self._tell(event.shard, tally.spread())
        touched = set(tally.touched())
        if sums is not None:
            self._tell(event.shard, sums.cells())
            touched |= set(sums.touched())
        self._review(event.shard, touched)

    def conclude(self, fact):
        """Take what somebody concluded; the newest version of it counts, whenever it comes."""
        known = self.concluded.get(fact.key)
        if known is None or known.version < fact.version:
            self.concluded[fact.key] = fact
            cells = {}
            fold_derived(cells, self._points, known, -1)
            fold_derived(cells, self._points, fact)
            self._tell(shard_of(fact.unit), cells)
            touched = {(unit, month) for _, _, unit, month in cells}
            self._review(shard_of(fact.unit), touched | {(fact.unit, fact.month)})

    def _review(self, shard, touched=None):
        """Count what reviews change of months that moved, or of all, by the facts as they are now."""
        mine = [one for one in self.concluded.values() if shard_of(one.unit) == shard]
        cases = [events for (of, _), events in self._cases.items() if of == shard]
        alone = [[event] for (of, _), event in self._alone.items() if of == shard]
        reports = [self._reports(events) for events in (*cases, *alone)]
        rows = reviewed_rows(self._points, mine, reports, touched)
        gone = (
            {}
            if touched is not None
            else {
                key[1:]: [0] * len(row)
                for key, row in self._rows.items()
                if key[0] == shard and key[2].startswith(REVIEWED) and key[1:] not in rows
            }
        )
        self._rows |= {(shard, *key): row for key, row in (gone | rows).items()}
        told = {(*key, shard): row for key, row in (gone | rows).items()}
        if told and self.force is not None:
            self.ledger.post(told)

    @property
    def _points(self):
        return [] if self.force is None else self.force.points

    @property
    def _plans(self):
        return [] if self.force is None else self.force.plans

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
            self.force.ordinary.rows(sorted(fact_of(one, self.catalogue) for one in found))
            for found in (old, new)
        )
        return sums.change(before, after) is not None

    def _reports(self, events):
        return [report_of(one, self.catalogue) for one in events]

    def _tell(self, shard, moved):
        rows = {}
        for (version, over, unit, month), change in moved.items():
            key = shard, version, over, unit, month
            known = self._rows.get(key)
            self._rows[key] = change if known is None else list(map(add, known, change))
            rows[version, over, unit, month, shard] = self._rows[key]
        if rows:
            self.ledger.post(rows)
