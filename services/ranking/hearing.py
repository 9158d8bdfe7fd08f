"""What ranking does about manifests: keeps which days of sources differ, so none is closed over unseen."""

from collections.abc import Sequence

from services.ranking import papers
from services.ranking.contract import AGREED, DAY_TURNED, DayTurned
from services.ranking.domain.closing import Mismatch
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.kernel.records import Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction


class Days:
    """The handler of days that differ or agree again; a source's lie in one shard, in order."""

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions: nothing is."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the newest word on each day."""
        events = [known_event(record.stream, record.body) for record in batch]
        told = [envelope.decode_data(one, DayTurned) for one in events if one.type == DAY_TURNED]
        newest = {(one.source, one.day): one.state for one in told}
        differ = [Mismatch(*place, state) for place, state in newest.items() if state != AGREED]
        await papers.save(tx, differ)
        await papers.settle(tx, [place for place, state in newest.items() if state == AGREED])
        return []
