"""Builders: a scheme with items, events of cases, acts, ticks; as the streams bring them."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from services.supervision.domain.calendar_document import CalendarDocument, compiled
from shared.contracts import envelope
from shared.contracts.ingest import ACCEPTED, TICK, TYPES_ADOPTED, Tick, TypesAdopted
from shared.contracts.ingest import SOURCE as INGEST
from shared.contracts.scoring import SCHEME_ADOPTED, SCHEMES, SchemeAdopted
from shared.contracts.scoring import SOURCE as SCORING
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head
from shared.kernel.shards import shard_of

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ["08:30-12:00", "13:30-17:30"]
SPRING = {f"2021-04-{day:02}": "rest" for day in (3, 4, 5)} | {"2021-04-25": "make-up"}
MAY = {f"2021-05-{day:02}": "rest" for day in range(1, 6)} | {"2021-05-08": "make-up"}


def calendar(version=1, *, first="2021-01-01", last="2021-12-31", days=SPRING | MAY, zone="Asia/Shanghai"):
    """Return a calendar document."""
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), HOURS)
    named = [{"day": day, "kind": kind, "name": ""} for day, kind in days.items() if first <= day <= last]
    notice = {"title": "notice", "source": "test", "verified": False, "days": named}
    return {
        "calendar": {"zone": zone, "version": version, "title": "days", "first": first, "last": last},
        "hours": {"source": "test", "verified": False, **week},
        "notices": [notice] if named else [],
    }


CALENDAR = compiled(CalendarDocument.model_validate(calendar()))


def at(text: str) -> datetime:
    """Read `2021-04-20 09:00` as Chinese wall time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


RULE = {
    "kind": "document",
    "title": "公文督办",
    "opens": {"type": "paper.given.v1"},
    "due": {"working_days": 8},
    "completes": {"type": "paper.done.v1"},
    "indicator": "k1",
}
TYPES = {
    "types": {
        "paper.given.v1": {"fields": {"deadline": {"type": "time"}}, "case": "required"},
        "paper.done.v1": {"fields": {}, "case": "required"},
    },
    "sources": {},
}


def scheme(version=1, *, effective="2021-01", until="2021-12", indicators=(), **rules):
    return {
        "scheme": {
            "code": "mini",
            "version": version,
            "effective": effective,
            "until": until,
            "zone": "Asia/Shanghai",
        },
        "units": [
            {"code": "nation", "name": "全国", "level": "nation"},
            {"code": "b1", "parent": "nation", "name": "北京", "level": "bureau"},
            {"code": "b2", "parent": "nation", "name": "上海", "level": "bureau"},
        ],
        "indicators": list(indicators),
        "items": rules or {"paper": RULE},
    }


class Feed:
    """Numbers what it is given as the streams of one shard would; `case` decides the shard."""

    def __init__(self, case="c1"):
        self.case = case
        self.shard = shard_of(case)
        self._heads = {}

    def record(self, stream, body, received, *, own=True):
        head = self._heads.get(stream, Head(0, EMPTY_CHAIN, None))
        when = at(received) if isinstance(received, str) else received
        draft = Draft(self.shard, body, own=own, received=when)
        (made,) = number(stream, self.shard, head, [draft], when)
        self._heads[stream] = Head(made.number, made.chain, max(when, head.received or when))
        return made

    def types(self, document=None):
        told = TypesAdopted(version=1, document=document or TYPES)
        return self.record(ACCEPTED, envelope.encode(TYPES_ADOPTED, INGEST, "types", told), "2021-01-01")

    def adopted(self, document, *, received="2021-01-01"):
        head = document["scheme"]
        told = SchemeAdopted(
            code=head["code"],
            version=head["version"],
            digest="0" * 64,
            document=document,
            effective=head["effective"],
        )
        body = envelope.encode(SCHEME_ADOPTED, SCORING, "mini/1", told)
        return self.record(SCHEMES, body, received)

    def tick(self, text):
        minute = at(text)
        told = Tick(minute=minute.astimezone(ZoneInfo("UTC")).isoformat().replace("+00:00", "Z"))
        return self.record(ACCEPTED, envelope.encode(TICK, INGEST, f"shard-{self.shard}", told), minute)

    def event(self, name, id_, time, *, unit="b1", received=None, data=None, **more):
        body = {
            "specversion": "1.0",
            "id": id_,
            "source": "office",
            "type": name,
            "time": at(time).isoformat(),
            "subject": unit,
            "datacontenttype": "application/json",
            "case": self.case,
        } | more
        if data is not None:
            body["data"] = data
        raw = json.dumps(body, separators=(",", ":")).encode()
        return self.record(ACCEPTED, raw, received or time, own=False)

    def given(self, id_="open", time="2021-04-20 09:00", **more):
        return self.event("paper.given.v1", id_, time, **{"data": {}} | more)

    def done(self, id_="done", time="2021-05-10 16:00", **more):
        return self.event("paper.done.v1", id_, time, **{"data": {}} | more)


__all__ = ["ACCEPTED", "CALENDAR", "SCHEMES", "ZONE", "Feed", "at", "calendar", "parse", "scheme"]
