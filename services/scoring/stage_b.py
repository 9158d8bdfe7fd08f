"""Stage B: merges partials over all A shards, computes cells by one function, posts entries and figures."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import zip_longest
from typing import Protocol
from zoneinfo import ZoneInfo

from services.scoring import dating, inputs, ledger, pages
from services.scoring import held as memory
from services.scoring.batches import Batch, Told
from services.scoring.causes import Causes, Range, Ranges
from services.scoring.contract import (
    CUTS,
    ENTRIES,
    ENTRIES_POSTED,
    SCHEME_ADOPTED,
    SCHEMES,
    SOURCE,
    SchemeAdopted,
)
from services.scoring.domain.changes import Changes
from services.scoring.domain.comparing import Movers, compare
from services.scoring.domain.groups import GroupPlan
from services.scoring.domain.parted import parted_changes, parted_figures
from services.scoring.domain.plan import Edition
from services.scoring.domain.posting import Moved, end, everything, is_heard, post, silent
from services.scoring.domain.successions import Succession, successions
from services.scoring.held import Held, Shard
from services.scoring.ledger import Dated, Entry, Fresh, Group
from services.scoring.plans import InForce, Plans, cut_zones, cut_zones_begun, group_shard
from shared.contracts import entries as contract
from shared.contracts import envelope, partials
from shared.contracts.catalogue import known_event
from shared.contracts.entries import Posted, Silence, Span
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.instants import day_in
from shared.kernel.periods import Month
from shared.kernel.records import Draft, Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "b"


class Book(Protocol):
    """Where what is posted is kept, and how it is told; `replay` says that the feed has days of its own."""

    replay: bool

    async def cells(
        self, tx: PostgresTransaction, group: Group, units: Sequence[str]
    ) -> dict[str, dict[tuple[int, str], int]]:
        """Return the cells of units of a group by (month, indicator), in parts of 10^-12."""
        ...

    async def post(
        self, tx: PostgresTransaction, group: Group, entries: Sequence[Entry], fresh: Fresh
    ) -> Dated:
        """Keep entries of a group and the cells they lead to, and return their dates."""
        ...

    def message(self, shard: int, posted: Posted) -> Answer:
        """Tell what was posted."""
        ...


class Ledger:
    """The book of schemes in force; in a `replay` the day on which a thing is known is the feed's."""

    cells = staticmethod(ledger.cells)

    def __init__(self, *, replay: bool = False) -> None:
        self.replay = replay

    async def post(
        self, tx: PostgresTransaction, group: Group, entries: Sequence[Entry], fresh: Fresh
    ) -> Dated:
        """Keep entries in the ledger, and the cells they lead to."""
        return await ledger.post(tx, group, entries, fresh, replay=self.replay)

    def message(self, shard: int, posted: Posted) -> Answer:
        """Tell what was posted to the ledger."""
        subject = f"{posted.scheme}/{posted.group}"
        body = envelope.encode_written(ENTRIES_POSTED, SOURCE, subject, contract.written(posted))
        return ENTRIES, Draft(shard, body)


class StageB:
    """The handler of partials and adopted schemes; over its ledger the only writer of cells and entries."""

    tells_days_apart = True

    def __init__(self, stage: str = STAGE, book: Book | None = None) -> None:
        self._book: Book = book or Ledger()
        self._plans = Plans(stage)
        self._successions: dict[int, tuple[tuple[Edition, ...], list[Succession]]] = {}
        self._held = Held()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is cached of partitions."""
        self._plans.forget(set(partitions))
        self._held.forget(partitions)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Apply records shard by shard, and where periods have a cut day by day.

        A cut that is settled has passed after what came with it.
        """
        cuts = [record for record in batch if record.stream == CUTS]
        telling = [record for record in batch if record.stream != CUTS] if cuts else batch
        answers: list[Answer] = []
        for shard in sorted({record.shard for record in telling}):
            mine = [record for record in telling if record.shard == shard]
            zones = await self._zones(tx, shard, mine) if self.tells_days_apart else ()
            for part in dating.day_by_day(mine, zones):
                answers += await self._apply(tx, shard, part)
        self._held.shrink()
        return answers + [dating.passed(record) for record in cuts]

    async def _zones(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> set[ZoneInfo]:
        """Return the zones in which days are kept apart; in a replay an adoption has no day of the feed."""
        zones = cut_zones(await self._plans.of(tx, shard))
        if not self._book.replay:
            of_schemes = [one for one in records if one.stream == SCHEMES]
            zones |= cut_zones_begun(known_event(one.stream, one.body) for one in of_schemes)
        return zones

    async def _apply(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> list[Answer]:
        """Hold what is touched as it was, put what was told in its place, and post what became another."""
        told, adopted = await self._read(tx, shard, records)
        held = self._held.of(shard)
        schemes = await self._plans.of(tx, shard)
        lines = self._lines_of(schemes, shard)
        cutting = {one.document.scheme.code for one in schemes if one.document.scheme.grace_days is not None}
        batches = [Batch(line, told, adopted, has_cuts=line.code in cutting) for line in lines]
        for batch in batches:
            await self._hold(tx, shard, batch)
        await inputs.save(tx, shard, told.rows)
        told.merge(held)
        answers: list[Answer] = []
        for batch in batches:
            for plan, units in batch.touched.items():
                if units:
                    answers += await self._post(tx, shard, plan, batch)
            if batch.shared:
                answers += await self._share(tx, shard, batch)
        return answers

    async def _hold(self, tx: PostgresTransaction, shard: int, batch: Batch) -> None:
        """Hold what is touched of a group as it was before the batch."""
        held, line = self._held.of(shard), batch.line
        for plan, units in batch.touched.items():
            needed = plan.units if units and plan.compared else units
            held_units = line.heard if batch.shared else needed
            await memory.sums_of(tx, shard, held, plan, held_units)
            cells_of = None if plan in batch.adopted else self._book.cells
            await memory.standings_of(tx, held, plan, needed, cells_of)
        if batch.shared and not batch.adopted:
            memory.parted_of(held, line)

    async def _read(
        self, tx: PostgresTransaction, shard: int, records: Sequence[Record]
    ) -> tuple[Told, dict[str, Range]]:
        """Return what was told, and the schemes that were adopted with their records."""
        told, adopted = Told(), dict[str, Range]()
        for record in records:
            event = known_event(record.stream, record.body)
            if record.stream != SCHEMES:
                told.add(partials.read(event.data))
                continue
            for code, version in self.begun(event):
                await self._plans.adopt(tx, shard, code, version)
                adopted[f"{code}@{version}"] = Range(SCHEMES, shard, record.number, record.number)
                told.begun = event.received
                head = (await self._plans.scheme(tx, code, version)).document.scheme
                told.begins = instants.text(Month.parse(head.effective).starts(ZoneInfo(head.zone)))
        return told, adopted

    async def _post(self, tx: PostgresTransaction, shard: int, plan: GroupPlan, batch: Batch) -> list[Answer]:
        """Post what became another in the units of a group."""
        held = self._held.of(shard)
        told, units, causes = batch.told, batch.touched[plan], batch.causes_of(plan)
        group = plan.scheme, plan.version, plan.name
        whole = everything(plan) if plan in batch.adopted else None
        moved = {unit: whole or told.moved.get(plan.id, {}).get(unit, {}) for unit in units}
        changed: dict[str, Changes] = {}
        for unit in units:
            sums, standing = held.sums[plan.id, unit], held.standings[group, unit]
            changed[unit] = post(plan, unit, sums, standing, moved[unit])
            if plan in batch.taken:
                end(plan, standing, changed[unit])
        movers = _compare(held, plan, moved, changed) if plan.compared else {}
        dated = await self._book.post(tx, group, list(_entries(plan, changed, movers, causes)), told.fresh)
        heard = {unit for unit in units if is_heard(told.moved.get(plan.id, {}).get(unit, {}))}
        silence = list(_silences(plan, units if plan in batch.taken else heard, heard, held))
        batch.dated = dated if batch.dated is None else max(batch.dated, dated)
        ranges = causes.of_units(units)
        behind = partial(dating.behind, plan, units, told.rows) if batch.has_cuts else None
        return self._messages(shard, batch.line, plan.version, changed, ranges, dated, silence, behind)

    async def _share(self, tx: PostgresTransaction, shard: int, batch: Batch) -> list[Answer]:
        """Post the figures made of parts of several versions that became others, by who tells them.

        What moved them may be of months in which the unit was in another group alone.
        """
        held, line = self._held.of(shard), batch.line
        before = {} if batch.adopted else held.parted[line]
        clock = line.clock(held.sums)
        anew = line.compares or not before or held.clocks[line] != clock
        now = parted_figures(line, line.units if anew else batch.shared, held.sums, clock)
        held.clocks[line] = clock
        found = parted_changes(line, before, now, held.sums)
        held.parted[line] = {**before, **now}
        causes = Causes(tuple(batch.adopted.values()), batch.told.causes.months).of_units(batch.shared)
        if not found:
            return []
        if batch.dated is None:
            group = line.code, line.plans[-1].version, line.name
            batch.dated = await self._book.post(tx, group, [], batch.told.fresh)
        return [
            answer
            for version, changed in sorted(found.items())
            for answer in self._messages(
                shard, line, version, changed, causes, batch.dated, behind=dict if batch.has_cuts else None
            )
        ]

    def _messages(
        self,
        shard: int,
        line: Succession,
        version: int,
        changed: Mapping[str, Changes],
        causes: Ranges,
        dated: Dated,
        silence: Sequence[Silence] = (),
        behind: Callable[[], dict[str, list[str]]] | None = None,
    ) -> list[Answer]:
        """Tell what was posted, and from the first message on what is silent; the first names the causes."""
        cause = [Span(one.shard, one.first, one.last, one.stream) for one in causes]
        group, zone = (line.code, version, line.name), line.zones[version]
        day, brought = day_in(zone, dated.known_at), day_in(zone, dated.brought_at)
        earlier, late = None, dict[str, list[str]]()
        if behind is not None and brought < day:
            earlier, late = brought, behind()
        answers: list[Answer] = []
        for figures_in, silent_in in zip_longest(pages.of_values(changed), pages.of_silence(silence)):
            entries, figures = figures_in or ([], [])
            posted = Posted(*group, cause, dated.at, day, entries, figures, silent_in or [], earlier, late)
            answers.append(self._book.message(shard, posted))
            cause, late = [], {}
        return answers

    def begun(self, event: AcceptedEvent) -> list[tuple[str, int]]:
        """Return the versions that an event puts in force."""
        if event.type != SCHEME_ADOPTED:
            return []
        told = envelope.decode_data(event, SchemeAdopted)
        return [(told.code, told.version)]

    def _lines_of(self, schemes: Sequence[InForce], shard: int) -> list[Succession]:
        """Return the groups whose cells a shard keeps and that have anything to score, over all versions."""
        editions = tuple(scheme.plan.edition for scheme in schemes)
        known = self._successions.get(shard)
        if known is None or known[0] != editions:
            found = successions(
                [scheme.document for scheme in schemes], lambda code, name: group_shard(code, name) == shard
            )
            scoring = [one for one in found if any(plan.scored or plan.compared for plan in one.plans)]
            known = self._successions[shard] = editions, scoring
        return known[1]


def _silences(
    plan: GroupPlan, units: Collection[str], heard: Collection[str], held: Shard
) -> Iterator[Silence]:
    """Yield which feeds of units are silent in which months, of those heard of also that none is."""
    for unit in sorted(units):
        found = silent(plan, unit, held.sums[plan.id, unit])
        if found or unit in heard:
            told = {code: [str(Month.of_ordinal(at)) for at in months] for code, months in found.items()}
            yield Silence(unit, told)


def _compare(
    held: Shard, plan: GroupPlan, moved: Mapping[str, Moved], changed: dict[str, Changes]
) -> dict[str, Movers]:
    """Score the units of a group anew that are compared with one that moved."""
    group = plan.scheme, plan.version, plan.name
    sums = {unit: held.sums[plan.id, unit] for unit in plan.units}
    standings = {unit: held.standings[group, unit] for unit in plan.units}
    return compare(plan, sums, standings, moved, changed)


def _entries(
    plan: GroupPlan, changed: Mapping[str, Changes], movers: Mapping[str, Movers], causes: Causes
) -> Iterator[Entry]:
    """Yield an entry for every cell, each with what moved its month: in its unit, or in those compared."""
    of_group: dict[tuple[str, int], Ranges] = {}
    for unit, changes in changed.items():
        for month, cells in changes.cells.items():
            known: dict[bool, Ranges] = {}
            for indicator, (old, new) in cells.items():
                stock = indicator in plan.stocks
                if indicator in movers:
                    key = indicator, month
                    if key not in of_group:
                        of_group[key] = causes.of_movers(movers[indicator], month, stock=stock)
                    cause = of_group[key]
                else:
                    if stock not in known:
                        known[stock] = causes.of(unit, month, stock=stock)
                    cause = known[stock]
                yield Entry(unit, month, indicator, old, new, cause)
