"""What becomes of what ranking tells: ingest keeps which periods are closed."""

from collections.abc import Sequence

from services.ingest import closings
from services.ingest.contract import PERIOD_CLOSED, PeriodClosed
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import decode_data
from shared.kernel.records import Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction


class Hearing:
    """The handler of closes."""

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions: nothing is."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Keep the periods that a batch closes."""
        heard = [known_event(record.stream, record.body) for record in batch]
        closed = [decode_data(event, PeriodClosed) for event in heard if event.type == PERIOD_CLOSED]
        await closings.save(tx, closed)
        return []
