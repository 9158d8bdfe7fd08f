"""What happened to an item between two of its versions, and whether what was reminded of has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.happenings import Happening, Kind, Told

REMINDING_LIGHTS = frozenset({"yellow", "red"})
STATES_IN_HAND = frozenset({"registered", "assigned", "signed", "in_progress", "sent_back"})


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it was told: `others` are its co-handlers, `late` counts late working days.

    `at` is when that was known, `due` an instant as it was written.
    """

    item: str
    version: int
    at: datetime
    kind: str
    title: str
    state: str
    light: str
    unit: str
    others: tuple[str, ...]
    assessor: str | None
    scheme: str | None
    indicator: str | None
    due: str | None
    late: int

    @property
    def told(self) -> Told:
        """What a rule compares and a text says."""
        return {
            "item": self.item,
            "title": self.title,
            "kind": self.kind,
            "state": self.state,
            "light": self.light,
            "unit": self.unit,
            "scheme": self.scheme,
            "indicator": self.indicator,
            "due": self.due,
            "late": self.late,
        }


def happened(old: Item | None, new: Item) -> Iterator[Happening]:
    """Yield what a version of an item brings: a state or other hands, another light, late days reached.

    Yellow, red and each late day are rungs: each is one event of a due time, whatever brings it again. Rungs
    that are passed together are reached together, so that their set does not depend on how often was looked.
    """
    if old is None or _held(old) != _held(new):
        yield _happening(new, Kind.ITEM_STATE, f"{new.version}")
    if old is None or old.light != new.light:
        if new.light in REMINDING_LIGHTS:
            yield _happening(new, Kind.ITEM_LIGHT, f"{new.due}/{new.light}", reminder=True)
        else:
            yield _happening(new, Kind.ITEM_LIGHT, f"{new.version}")
    passed = old.late if old is not None and old.due == new.due else 0
    for day in range(passed + 1, new.late + 1):
        yield _happening(new, Kind.ITEM_LATE, f"{new.due}/{day}", reminder=True, late_day=day)


def ends_reminders(old: Item | None, new: Item) -> bool:
    """Tell whether an item is no longer in the state, light and hands in which it was reminded of."""
    return old is not None and (_held(old), old.light, old.due) != (_held(new), new.light, new.due)


def _held(item: Item) -> tuple[str, str, tuple[str, ...]]:
    return item.state, item.unit, item.others


def _happening(
    item: Item, kind: Kind, which: str, *, reminder: bool = False, late_day: int | None = None
) -> Happening:
    more = {} if late_day is None else {"late_day": late_day}
    return Happening(
        kind=kind,
        event=f"{kind}/{item.item}/{which}",
        at=item.at,
        told={**item.told, **more},
        unit=item.unit,
        others=item.others,
        assessor=item.assessor,
        item=item.item,
        version=item.version,
        reminder=reminder,
        over=reminder and not (item.state in STATES_IN_HAND and item.light in REMINDING_LIGHTS),
    )
