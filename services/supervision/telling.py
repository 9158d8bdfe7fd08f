"""An item as it is told: the row that is kept, and the message of its next version if it is another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from services.supervision.contract import ITEM_CHANGED, SOURCE, ItemCause
from services.supervision.domain.items import Item
from services.supervision.domain.machine import State
from services.supervision.domain.seen import Light, Seen, see
from services.supervision.domain.worktime import Extension
from services.supervision.facts import Known
from services.supervision.store import ItemRow
from shared.contracts import envelope
from shared.kernel import instants

_ENCODER = msgspec.json.Encoder()
_WITHDRAWN = {
    "state": State.WITHDRAWN.value,
    "light": Light.OFF.value,
    "due": None,
    "provisional": False,
    "completed": None,
    "paused": False,
    "late_days": [],
    "late_shares": [],
    "sign_due": None,
    "sign_late": False,
    "extension": None,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an item; its row has the version that it has then."""

    row: ItemRow
    fields: Mapping[str, Any]
    is_news: bool

    def message(self, cause: ItemCause, received: str) -> bytes:
        """Return the event, with what it stands on."""
        data = {
            **self.fields,
            "version": self.row.version,
            "received": received,
            "cause": cause.model_dump(),
        }
        return envelope.encode_written(ITEM_CHANGED, SOURCE, self.row.id, _ENCODER.encode(data))


def told_of(
    known: Known,
    now: datetime,
    path: Callable[[str], str],
    assessor: Callable[[str | None, str | None], str | None],
) -> Told:
    """Return an item as it is at `now`, compared with how it was told last."""
    if known.item is None:
        return _withdrawn(known)
    seen = see(known.calendar, known.item, now)
    opening = known.item.opening
    assessed_by = assessor(opening.scheme, opening.indicator)
    more = {"assessor": assessed_by, "zone": known.calendar.zone.key}
    fields = fields_of(known.id, known.item, seen) | more
    told = _compared(known, fields, known.item, seen)
    holders = {known.item.unit, *known.item.shares}
    bearers = {unit for one in seen.borne for unit in one.shares} - holders
    row = replace(
        told.row,
        paths=tuple(path(unit) for unit in sorted(holders)),
        bearers=tuple(path(unit) for unit in sorted(bearers)),
        assessor=None if assessed_by is None else path(assessed_by),
    )
    return replace(told, row=row)


def fields_of(item: str, folded: Item, seen: Seen) -> dict[str, Any]:
    """Return what `ItemChanged` describes, but for version, cause and assessor."""
    opening = folded.opening
    return {
        "item": item,
        "kind": opening.kind.value,
        "title": opening.title,
        "state": folded.state.value,
        "unit": folded.unit,
        "shares": _written(folded.shares),
        "scheme": opening.scheme,
        "indicator": opening.indicator,
        "event": None if opening.event is None else dict(zip(("source", "id"), opening.event, strict=True)),
        "case": opening.case,
        "given": instants.text(opening.given),
        "begun": None if folded.begun is None else instants.text(folded.begun),
        "due": None if seen.due.instant is None else instants.text(seen.due.instant),
        "provisional": seen.due.provisional,
        "completed": None if seen.completed is None else seen.completed.isoformat(),
        "paused": folded.paused_since is not None,
        "light": seen.light.value,
        "late_days": [day.isoformat() for day in seen.late],
        "late_shares": [
            {"first": one.first.isoformat(), "shares": _written(one.shares)} for one in seen.borne
        ],
        "sign_due": None if seen.sign_due is None else instants.text(seen.sign_due),
        "sign_late": seen.sign_late,
        "extension": None if seen.asked is None else _asked(seen.asked.extension),
    }


def _asked(extension: Extension) -> dict[str, str]:
    return {
        "asked": instants.text(extension.asked),
        "day": extension.day.isoformat(),
        "lapses": instants.text(extension.lapses),
    }


def _written(shares: Mapping[str, Decimal]) -> dict[str, str]:
    return {unit: str(share) for unit, share in sorted(shares.items())}


def _withdrawn(known: Known) -> Told:
    """Return an item that no scheme in force opens any more: as it was told, and off."""
    assert known.row is not None
    old = known.row
    fields = msgspec.json.decode(old.told) | _WITHDRAWN
    body = _ENCODER.encode(fields)
    version = old.version + (body != old.told)
    row = replace(
        old,
        version=version,
        facts=known.facts,
        state=State.WITHDRAWN.value,
        light=Light.OFF.value,
        due=None,
        done=None,
        changes=None,
        provisional=False,
        told=body,
    )
    return Told(row, fields, version != old.version)


def _compared(known: Known, fields: Mapping[str, Any], item: Item, seen: Seen) -> Told:
    """Return an item, without its paths, compared with how it was told last."""
    body = _ENCODER.encode(fields)
    old = known.row
    is_news = old is None or old.told != body
    row = ItemRow(
        id=known.id,
        shard=known.shard,
        grp=known.grp,
        version=(0 if old is None else old.version) + is_news,
        facts=known.facts,
        kind=item.opening.kind.value,
        state=item.state.value,
        light=seen.light.value,
        unit=item.unit,
        paths=(),
        bearers=(),
        assessor=None,
        scheme=item.opening.scheme,
        indicator=item.opening.indicator,
        given=item.opening.given,
        due=seen.due.instant,
        done=item.done,
        changes=seen.changes,
        provisional=seen.due.provisional,
        told=body,
    )
    return Told(row, fields, is_news)
