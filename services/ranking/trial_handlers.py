"""What ranking does about trials: keeps their figures beside those in force, and tells nobody."""

from collections.abc import Sequence

from services.ranking import store, versions
from services.ranking.contract import (
    TRIAL_ENDED,
    TRIAL_SHARD_POSTED,
    TRIAL_STARTED,
    TRIALS,
    TrialEnded,
    TrialShardPosted,
    TrialStarted,
    read_trial_figures,
)
from services.ranking.domain.rows import Group
from services.ranking.handlers import News, keep
from services.ranking.held import Groups
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.codes import trial_code
from shared.kernel.records import Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction


class Trials:
    """The handler of what trials post, of their beginning and their end."""

    def __init__(self) -> None:
        self._groups = Groups()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions."""
        self._groups.forget(partitions)

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the figures of a batch; of what ended nothing stays."""
        for record in batch:
            event = known_event(record.stream, record.body)
            if event.type == TRIAL_STARTED:
                await _begin(tx, envelope.decode_data(event, TrialStarted))
            elif event.type == TRIAL_ENDED:
                over = envelope.decode_data(event, TrialEnded)
                await versions.drop(tx, trial_code(over.code, over.trial))
        for shard in sorted({record.shard for record in batch}):
            mine = [record for record in batch if record.shard == shard and record.stream == TRIALS]
            await self._keep(tx, shard, mine)
        self._groups.shrink()
        return []

    async def _keep(self, tx: PostgresTransaction, shard: int, records: Sequence[Record]) -> None:
        """Keep the newest figures of each group; nothing follows the record with which a group ends."""
        news: dict[Group, News] = {}
        over: set[Group] = set()
        for record in records:
            event = known_event(record.stream, record.body)
            if event.type == TRIAL_SHARD_POSTED:
                told = envelope.decode_data(event, TrialShardPosted)
                await store.save_folded(tx, trial_code(told.code, told.trial), shard, told.shard)
                continue
            one = read_trial_figures(event.data)
            group = trial_code(one.scheme, one.trial), one.group
            news.setdefault(group, News(shard)).add(record.number, one)
            if one.ended:
                over.add(group)
        for group, of_group in sorted(news.items()):
            if group not in over:
                await keep(tx, self._groups, group, of_group)
        for group in sorted(over):
            self._groups.drop(group)
            await store.drop_group(tx, group)
            await store.drop_folded(tx, group[0], shard)


async def _begin(tx: PostgresTransaction, told: TrialStarted) -> None:
    """Keep what a trial runs, and the versions of its year that it follows."""
    name = trial_code(told.code, told.trial)
    for one in told.before:
        if one.document is not None:
            await versions.save(tx, name, one.version, one.document)
    await versions.save(tx, name, told.version, told.document)
