"""Stage B of trials: what would be posted were their drafts in force; no ledger, no cell in force moves."""

from collections.abc import Sequence

from services.scoring import store, trials
from services.scoring.batches import Told
from services.scoring.causes import Range
from services.scoring.contract import (
    SOURCE,
    TRIAL_ENDED,
    TRIAL_ENTRIES_POSTED,
    TRIAL_FOLDED,
    TRIAL_SHARD_POSTED,
    TRIAL_STARTED,
    TrialEnded,
    TrialFolded,
    TrialShardPosted,
    TrialStarted,
)
from services.scoring.contract import TRIALS as STREAM
from services.scoring.ledger import Dated, Entry, Fresh, Group
from services.scoring.stage_b import StageB
from services.scoring.trial_cells import cells, drop, post
from shared.contracts import entries as contract
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.entries import Posted, TrialPosted
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.codes import OF_TRIAL, trial_code
from shared.kernel.instants import day_in
from shared.kernel.records import Draft, Record
from shared.kernel.shards import partition_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

STAGE = "trial-b"
OVER = "trial-over"


class TrialBook:
    """The book of trials: their cells alone."""

    replay = False
    cells = staticmethod(cells)

    async def post(
        self, tx: PostgresTransaction, group: Group, entries: Sequence[Entry], fresh: Fresh
    ) -> Dated:
        """Keep the cells that entries lead to, and how fresh they are."""
        await post(tx, group, entries, fresh.at)
        return Dated(fresh.at, fresh.at, fresh.at)

    def message(self, shard: int, posted: Posted) -> Answer:
        """Tell what would have been posted."""
        return _message(shard, posted, ended=False)


class TrialStage(StageB):
    """The handler of trials' partials, of their beginning and their end; nothing of them is ever closed."""

    tells_days_apart = False

    def __init__(self) -> None:
        super().__init__(STAGE, TrialBook())

    def begun(self, event: AcceptedEvent) -> list[tuple[str, int]]:
        """Return the versions that an event begins to try: the draft, after those of its year before it."""
        if event.type != TRIAL_STARTED:
            return []
        told = envelope.decode_data(event, TrialStarted)
        return [(trial_code(told.code, told.trial), version) for version in trials.scored(told)]

    async def _apply(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> list[Answer]:
        """Post what moved, say which shards of stage A are in it, then leave nothing of what ended."""
        read = [(record, known_event(record.stream, record.body)) for record in records]
        moving = [record for record, event in read if event.type != TRIAL_FOLDED]
        answers = await super()._apply(tx, shard, moving)
        answers += await self._folded(tx, shard, [event for _, event in read])
        for _, event in read:
            if event.type == TRIAL_ENDED:
                answers += await self._end(tx, shard, event)
        return answers

    async def _folded(
        self, tx: PostgresTransaction, shard: int, events: Sequence[AcceptedEvent]
    ) -> list[Answer]:
        """Tell which shards of stage A are in what was posted: of a trial that begins here all that came."""
        told = [envelope.decode_data(one, TrialFolded) for one in events if one.type == TRIAL_FOLDED]
        begun = [envelope.decode_data(one, TrialStarted) for one in events if one.type == TRIAL_STARTED]
        if not told and not begun:
            return []
        over = {code for code, _ in await store.in_force(tx, OVER, shard)}
        fresh = [one for one in told if trial_code(one.code, one.trial) not in over]
        for one in fresh:
            await trials.save_folded(tx, shard, trial_code(one.code, one.trial), one.shard)
        running = {one.document.scheme.code for one in await self._plans.of(tx, shard)}
        beginning = {trial_code(one.code, one.trial) for one in begun}
        answers = [
            _shard_posted(shard, one, one.shard)
            for one in fresh
            if (name := trial_code(one.code, one.trial)) in running and name not in beginning
        ]
        for one in begun:
            kept = await trials.folded(tx, shard, trial_code(one.code, one.trial))
            answers += [_shard_posted(shard, one, of) for of in kept]
        return answers

    async def _read(
        self, tx: PostgresTransaction, shard: int, records: Sequence[Record]
    ) -> tuple[Told, dict[str, Range]]:
        """Pass over what is still told of trials that are over here."""
        told, begun = await super()._read(tx, shard, records)
        if told.rows:
            over = {f"{code}@{version}" for code, version in await store.in_force(tx, OVER, shard)}
            told.rows = {key: numbers for key, numbers in told.rows.items() if key[0] not in over}
        return told, begun

    async def _end(self, tx: PostgresTransaction, shard: int, event: AcceptedEvent) -> list[Answer]:
        told = envelope.decode_data(event, TrialEnded)
        code = trial_code(told.code, told.trial)
        days = {
            (plan.scheme, plan.version, plan.name): day_in(line.zones[plan.version], event.received)
            for line in self._lines_of(await self._plans.of(tx, shard), shard)
            for plan in line.plans
            if plan.scheme == code
        }
        for version in await self._plans.leave(tx, shard, code):
            await store.put_in_force(tx, OVER, shard, code, version)
            await trials.drop_inputs(tx, shard, f"{code}@{version}")
        await trials.drop_folded(tx, shard, code)
        self._held.forget([partition_of(shard)])
        for group in days:
            await drop(tx, group)
        last = {
            name: Posted(code, told.version, name, [], event.received, day, [], [])
            for (_, _, name), day in days.items()
        }
        return [_message(shard, posted, ended=True) for posted in last.values()]


def _shard_posted(shard: int, trial: TrialFolded | TrialStarted, folded: int) -> Answer:
    told = TrialShardPosted(code=trial.code, trial=trial.trial, version=trial.version, shard=folded)
    body = envelope.encode(TRIAL_SHARD_POSTED, SOURCE, f"{trial.code}/{trial.trial}", told)
    return STREAM, Draft(shard, body)


def _message(shard: int, posted: Posted, *, ended: bool) -> Answer:
    scheme, _, trial = posted.scheme.partition(OF_TRIAL)
    told = TrialPosted(
        scheme=scheme,
        version=posted.version,
        group=posted.group,
        cause=posted.cause,
        fresh_at=posted.fresh_at,
        day=posted.day,
        entries=posted.entries,
        figures=posted.figures,
        silent=posted.silent,
        trial=trial,
        ended=ended,
    )
    body = envelope.encode_written(
        TRIAL_ENTRIES_POSTED, SOURCE, f"{scheme}/{posted.group}", contract.written(told)
    )
    return STREAM, Draft(shard, body)
