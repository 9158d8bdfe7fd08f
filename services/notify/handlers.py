"""What becomes of items, tiers and schemes: notices by the rules in force, each written once."""

from collections.abc import Iterator, Sequence

from services.notify import store
from services.notify.contract import (
    ITEMS,
    SCHEMES,
    TIER_CHANGED,
    ItemChanged,
    SchemeAdopted,
    TierChanged,
)
from services.notify.domain.happenings import Happening, Kind
from services.notify.domain.items import Item, ends_reminders, happened
from services.notify.domain.notices import Notice, notices
from services.notify.rulebook import Rulebook
from services.notify.store import Ending
from shared.contracts import envelope
from shared.contracts.catalogue import known_event
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants
from shared.kernel.records import Record
from shared.kernel.trees import paths_of
from shared.messaging.port import Answer
from shared.storage.transaction import PostgresTransaction

UNITS_SHARD = 0  # a scheme is told in every shard; its units are the same in all


class Notify:
    """The handler of items, standings and adopted schemes."""

    def __init__(self) -> None:
        self._rules = Rulebook()

    def forget(self, partitions: Sequence[int]) -> None:
        """Drop what is held of partitions: nothing is, versions of rules never change."""

    async def __call__(self, tx: PostgresTransaction, batch: Sequence[Record]) -> list[Answer]:
        """Write the notices of a batch; an inbox entry is delivered by that, so nothing is answered."""
        await self._rules.read_on(tx)
        read = [(record, known_event(record.stream, record.body)) for record in batch]
        await self._tell_items(tx, [one for one in read if one[0].stream == ITEMS])
        found: list[tuple[int, Notice]] = []
        for record, event in read:
            if record.stream == SCHEMES and record.shard == UNITS_SHARD:
                scheme = envelope.decode_data(event, SchemeAdopted)
                await store.save_units(tx, scheme.code, scheme.version, paths_of(scheme.document["units"]))
            elif event.type == TIER_CHANGED:
                found += self._notices(record, tier_changed(event))
        await store.add_notices(tx, found)
        return []

    async def _tell_items(
        self, tx: PostgresTransaction, read: Sequence[tuple[Record, AcceptedEvent]]
    ) -> None:
        """Compare each version of an item with the one before; an older one is no news."""
        changed = [(record, item_of(envelope.decode_data(event, ItemChanged))) for record, event in read]
        known = await store.items(tx, {item.item for _, item in changed})
        moved: dict[str, Item] = {}
        found: list[tuple[int, Notice]] = []
        endings: list[Ending] = []
        for record, new in changed:
            old = known.get(new.item)
            if old is not None and old.version >= new.version:
                continue
            if ends_reminders(old, new):
                endings.append(Ending(new.item, new.version, new.at))
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


def item_of(told: ItemChanged) -> Item:
    """Return an item as rules see it."""
    return Item(
        item=told.item,
        version=told.version,
        at=instants.parse(told.received),
        kind=told.kind.value,
        title=told.title,
        state=told.state.value,
        light=told.light.value,
        unit=told.unit,
        others=tuple(sorted(told.shares.keys() - {told.unit})),
        assessor=None,
        scheme=told.scheme,
        indicator=told.indicator,
        due=told.due,
        late=len(told.late_days),
    )


def tier_changed(event: AcceptedEvent) -> Happening:
    """Return a change of tier; each record of ranking is one event."""
    told = envelope.decode_data(event, TierChanged)
    return Happening(
        kind=Kind.TIER_CHANGED,
        event=event.id,
        at=instants.parse(event.received),
        told=told.model_dump(),
        unit=told.unit,
    )
