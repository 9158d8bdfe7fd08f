"""What happened to an item between two of its versions, and whether what was reminded of has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.happenings import Happening, Kind, Told

REMINDING_LIGHTS = frozenset({"yellow", "red"})
DUE_KINDS = (Kind.ITEM_LIGHT, Kind.ITEM_LATE)
STATES_IN_HAND = frozenset({"registered", "assigned", "signed", "in_progress", "sent_back"})


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it was told: `others` are its co-handlers, `late` counts late working days.

    `at` is when that was known, `due` and `sign_due` instants as they were written, `zone` that of its days;
    `sign_late` says that it waits to be signed for after `sign_due`. A new `asked_day` was asked for when
    `asked` says, and must be approved before `lapses`.
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
    zone: str
    late: int
    sign_due: str | None
    sign_late: bool
    asked: str | None
    asked_day: str | None
    lapses: str | None

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
            "zone": self.zone,
            "late": self.late,
        }


def happened(old: Item | None, new: Item) -> Iterator[Happening]:
    """Yield what a version of an item brings: a state or other hands, another light, late days reached.

    Yellow, red and each late day are rungs: each is one event of a due time, whatever brings it again. Rungs
    that are passed together are reached together, so that their set does not depend on how often was looked.
    That the limit of signing passed is one event of that limit, that an extension waits one of its asking.
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
    if new.sign_late and (old is None or _signing(old) != _signing(new)):
        yield _happening(new, Kind.ITEM_SIGN_LATE, f"{new.sign_due}", reminder=True, sign_due=new.sign_due)
    if new.asked is not None and (old is None or old.asked != new.asked):
        kind, told = Kind.ITEM_EXTENSION_ASKED, {"day": new.asked_day, "lapses": new.lapses}
        yield _happening(new, kind, f"{new.asked}", reminder=True, **told)


def ended(old: Item | None, new: Item) -> tuple[Kind, ...]:
    """Return what an item is no longer reminded of: state or hands are others, or what it was about is."""
    if old is None:
        return ()
    other_hands = _held(old) != _held(new)
    by_due = other_hands or (old.light, old.due) != (new.light, new.due)
    by_limit = other_hands or _signing(old) != _signing(new)
    return (
        *(DUE_KINDS if by_due else ()),
        *((Kind.ITEM_SIGN_LATE,) if by_limit else ()),
        *((Kind.ITEM_EXTENSION_ASKED,) if old.asked != new.asked else ()),
    )


def _held(item: Item) -> tuple[str, str, tuple[str, ...]]:
    return item.state, item.unit, item.others


def _signing(item: Item) -> tuple[str | None, bool]:
    return item.sign_due, item.sign_late


def _happening(
    item: Item, kind: Kind, which: str, *, reminder: bool = False, **more: str | int | None
) -> Happening:
    """Return a happening; a rung of the due time is over where the item is no longer in hand and lit."""
    is_lit = item.state in STATES_IN_HAND and item.light in REMINDING_LIGHTS
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
        over=reminder and kind in DUE_KINDS and not is_lit,
    )
