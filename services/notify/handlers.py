"""What becomes of what other services tell: notices by the rules in force, each written once."""

from collections.abc import Iterator, Sequence

from services.notify import store
from services.notify.contract import ITEM_CHANGED, SCHEME_ADOPTED, SCHEMES, ItemChanged, SchemeAdopted
from services.notify.domain.happenings import Happening
from services.notify.domain.items import Item, ended, happened
from services.notify.domain.notices import Notice, notices
from services.notify.hearing import happening_of, item_of
from services.notify.rulebook import Rulebook
from services.notify.store import Ending
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent
from shared.kernel.records import Record
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

SCHEMES_SHARD = 0  # every shard is told of a scheme; here it is heard in this one

Read = Sequence[tuple[Record, AcceptedEvent]]


class Notify:
    """The handler of items, standings, closes, adopted schemes and what ingest lets persons know of."""

    def __init__(self) -> None:
        self._rules = Rulebook()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions: nothing is, versions of rules never change."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Write the notices of a batch; an inbox entry is delivered by that, so nothing is answered."""
        await self._rules.read_on(tx)
        heard = [
            (record, known_event(record.stream, record.body))
            for record in batch
            if record.stream != SCHEMES or record.shard == SCHEMES_SHARD
        ]
        await self._tell_items(tx, [one for one in heard if one[1].type == ITEM_CHANGED])
        await self._tell_others(tx, [one for one in heard if one[1].type != ITEM_CHANGED])
        return []

    async def _tell_others(self, tx: PostgresTransaction, heard: Read) -> None:
        found: list[tuple[int, Notice]] = []
        for record, event in heard:
            if event.type == SCHEME_ADOPTED:
                scheme = envelope.decode_data(event, SchemeAdopted)
                await store.save_scheme(tx, scheme.code, scheme.version, scheme.document)
            happening = happening_of(event)
            if happening is not None:
                found += self._notices(record, happening)
        await store.add_notices(tx, found)

    async def _tell_items(self, tx: PostgresTransaction, heard: Read) -> None:
        """Compare each version of an item with the one before; an older one is no news."""
        changed = [(record, item_of(envelope.decode_data(event, ItemChanged))) for record, event in heard]
        known = await store.items(tx, {item.item for _, item in changed})
        moved: dict[str, Item] = {}
        found: list[tuple[int, Notice]] = []
        endings: list[Ending] = []
        for record, new in changed:
            old = known.get(new.item)
            if old is not None and old.version >= new.version:
                continue
            endings += [Ending(new.item, new.version, new.at, kind) for kind in ended(old, new)]
            for happening in happened(old, new):
                found += self._notices(record, happening)
            known[new.item] = moved[new.item] = new
        await store.save_items(tx, moved.values())
        await store.add_notices(tx, found)
        await store.cancel_reminders(tx, endings)

    def _notices(self, record: Record, happening: Happening) -> Iterator[tuple[int, Notice]]:
        in_force = self._rules.of(record)
        for notice in notices(in_force.rules, happening):
            yield in_force.version, notice
