"""Messages of other services as happenings."""

from collections.abc import Callable, Mapping

from services.notify.contract import (
    CONFLICT_FOUND,
    DAY_TURNED,
    FEED_TURNED,
    INBOUND_REFUSED,
    PERIOD_CLOSED,
    SCHEME_ADOPTED,
    SURVEY_TURNED,
    TIER_CHANGED,
    ConflictFound,
    DayTurned,
    FeedTurned,
    InboundRefused,
    ItemChanged,
    PeriodClosed,
    SchemeAdopted,
    SurveyTurned,
    TierChanged,
)
from services.notify.domain.happenings import Happening, Kind, Told
from services.notify.domain.items import Item
from shared.contracts import envelope
from shared.contracts.envelope import AcceptedEvent
from shared.kernel import instants


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
        assessor=told.assessor,
        scheme=told.scheme,
        indicator=told.indicator,
        due=told.due,
        zone=told.zone,
        late=len(told.late_days),
        sign_due=told.sign_due,
        sign_late=told.sign_late,
        asked=None if told.extension is None else told.extension.asked,
        asked_day=None if told.extension is None else told.extension.day,
        lapses=None if told.extension is None else told.extension.lapses,
    )


def happening_of(event: AcceptedEvent) -> Happening | None:
    """Return what a message other than that of an item says; `None` if no rule can listen to it.

    A record has one number in its stream for ever, so its id names the event.
    """
    read = _READERS.get(event.type)
    return None if read is None else read(event)


def tier_changed(event: AcceptedEvent) -> Happening:
    """A unit went from one tier to another."""
    told = envelope.decode_data(event, TierChanged)
    return _happening(Kind.TIER_CHANGED, event, told.model_dump(), told.unit)


def period_closed(event: AcceptedEvent) -> Happening:
    """Two persons closed a group's period."""
    told = envelope.decode_data(event, PeriodClosed)
    return _happening(Kind.PERIOD_CLOSED, event, told.model_dump())


def scheme_adopted(event: AcceptedEvent) -> Happening:
    """A version of a scheme was adopted: one event, although every shard is told."""
    told = envelope.decode_data(event, SchemeAdopted)
    said: Told = {"scheme": told.code, "version": told.version, "effective": told.effective}
    return _happening(Kind.SCHEME_ADOPTED, event, said, event_id=f"{told.code}/{told.version}")


def survey_turned(event: AcceptedEvent) -> Happening:
    """A round of a survey opened, reminds or closed."""
    return _happening(
        Kind.SURVEY_TURNED, event, envelope.decode_data(event, SurveyTurned).model_dump(mode="json")
    )


def feed_turned(event: AcceptedEvent) -> Happening:
    """A feed went stale, or is fresh again."""
    return _happening(Kind.FEED_TURNED, event, envelope.decode_data(event, FeedTurned).model_dump())


def day_turned(event: AcceptedEvent) -> Happening:
    """A source's manifest and the archive differ, or agree again."""
    return _happening(Kind.DAY_TURNED, event, envelope.decode_data(event, DayTurned).model_dump())


def conflict_found(event: AcceptedEvent) -> Happening:
    """An event contradicts an accepted one."""
    told = envelope.decode_data(event, ConflictFound)
    return _happening(Kind.CONFLICT_FOUND, event, told.model_dump(), told.unit)


def inbound_refused(event: AcceptedEvent) -> Happening:
    """Records of an inbound topic are refused."""
    return _happening(Kind.INBOUND_REFUSED, event, envelope.decode_data(event, InboundRefused).model_dump())


_READERS: Mapping[str, Callable[[AcceptedEvent], Happening]] = {
    TIER_CHANGED: tier_changed,
    PERIOD_CLOSED: period_closed,
    SCHEME_ADOPTED: scheme_adopted,
    SURVEY_TURNED: survey_turned,
    FEED_TURNED: feed_turned,
    DAY_TURNED: day_turned,
    CONFLICT_FOUND: conflict_found,
    INBOUND_REFUSED: inbound_refused,
}


def _happening(
    kind: Kind, event: AcceptedEvent, told: Told, unit: str | None = None, *, event_id: str | None = None
) -> Happening:
    return Happening(
        kind=kind,
        event=f"{kind}/{event_id or event.id}",
        at=instants.parse(event.received),
        told=told,
        unit=unit,
    )
