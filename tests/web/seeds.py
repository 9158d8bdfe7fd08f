"""One of each thing in every service, put there as its consumers and doors would; and what each is called."""

import httpx

from services.notify import deliveries, endpoints
from services.notify.deliveries import NewDelivery
from tests.notify import facts as told
from tests.notify.rig import Service as Notify
from tests.ranking import rig as ranking
from tests.scoring import incidents as scoring
from tests.scoring.test_stages import accept, adopt, teach
from tests.supervision import facts as supervised
from tests.supervision.decision import OPENED
from tests.supervision.rig import Service as Supervision

KNOWN = {
    "ingest": {
        "source": "desk",
        "event_id": "e1",
        "day": "2021-03-31",
        "name": "task.done.v1",
        "number": 1,
        "version": 1,
        "stream": "ingest.accepted",
        "shard": 3,
    },
    "scoring": {
        "code": "mini",
        "scheme": "mini",
        "version": 1,
        "period": "2021-03",
        "unit": "b1",
        "indicator": "audit",
        "incident": "t1~vat~2019",
        "stream": "scoring.entries",
        "shard": 3,
        "consumer": "scoring-a",
    },
    "supervision": {
        "item": OPENED["item"],
        "scheme": "mini",
        "zone": "Asia/Shanghai",
        "version": 1,
        "first": "2021-03-31",
        "stream": "supervision.items",
        "shard": 3,
        "consumer": "supervision",
    },
    "ranking": {
        "scheme": "mini",
        "group": "bureaus",
        "period": "2021-03",
        "stream": "ranking.standings",
        "shard": 3,
        "consumer": "ranking",
    },
    "notify": {
        "version": 1,
        "endpoint": "oa",
        "delivery": "d1",
        "stream": "notify.deliveries",
        "shard": 3,
        "consumer": "notify",
    },
}
FIELDS = {"number": {"type": "code", "required": True}, "amount": {"type": "decimal", "scale": 2}}
TYPES = {
    "types": {"task.done.v1": {"title": "Done", "business_key": ["number"], "fields": FIELDS}},
    "sources": {
        "desk": {
            "title": "Desk",
            "units": ["b1"],
            "manifest": {"totals": {"task.done.v1": ["amount"]}},
            "feeds": {"tasks": {"title": "Tasks", "types": ["task.done.v1"], "within_minutes": 60}},
        }
    },
}
EVENT = {
    "specversion": "1.0",
    "source": "desk",
    "id": "e1",
    "type": "task.done.v1",
    "subject": "b1",
    "time": "2021-03-31T08:00:00+08:00",
    "data": {"number": "n1", "amount": "1.50"},
}
MANIFEST = {
    "count": 2,
    "digest": "0" * 64,
    "totals": {"task.done.v1": {"count": 2, "sums": {"amount": "3.00"}}},
}
WEBHOOK = NewDelivery("d1", "oa", b"{}", supervised.at("2030-01-01 00:00"))


async def seed(name, exchange, folder):
    """Put into a service what its consumers would have."""
    if name in _SEEDS:
        await _SEEDS[name](exchange, folder)


def seed_ingest(ada: httpx.Client, bob: httpx.Client) -> None:
    """Send ingest an event, one that contradicts it, one that is refused, and a manifest that differs."""
    kind = {"content-type": "application/cloudevents+json"}
    other = EVENT | {"data": {"number": "n1", "amount": "9.00"}}
    bad = EVENT | {"id": "e2", "data": {"number": "n2", "amount": "1.555"}}
    for status, answer in (
        (201, ada.post("/v1/types", json=TYPES)),
        (200, bob.post("/v1/types/1:adopt")),
        (201, ada.post("/v1/events", json=EVENT, headers=kind)),
        (409, ada.post("/v1/events", json=other, headers=kind)),
        (422, ada.post("/v1/events", json=bad, headers=kind)),
        (200, ada.put("/v1/manifests/desk/2021-03-31", json=MANIFEST)),
    ):
        assert answer.status_code == status, answer.text


async def _scoring(exchange, _):
    driver = scoring.WithIncidents(exchange)
    await teach(exchange, document=scoring.TYPES)
    await driver.run()
    await adopt(exchange, scoring.scheme())
    same_day = scoring.inspection("i1", started="2021-01-11", ended="2021-03-10")
    unknown = scoring.finding("f2", unit="b77", taxpayer="t2")
    unread = scoring.finding("f3", taxpayer="t3", status="rumour")
    await accept(exchange, [same_day, scoring.finding("f1", severity=1), unknown, unread])
    await driver.run()


async def _supervision(exchange, folder):
    service, feed = Supervision(exchange, folder), supervised.Feed()
    await service.adopt(supervised.calendar(), shards=())
    await service.apply(feed.types(), feed.adopted(supervised.scheme()), feed.tick("2021-04-20 09:00"))
    async with service.door() as door:
        opened = await door.ask("POST", "/v1/items", "issuer", json=OPENED)
        assert opened.status_code == 201, opened.text


async def _ranking(exchange, _):
    await ranking.Service(exchange).apply(
        ranking.adopted(ranking.scheme()), ranking.posted(ranking.figure("b1", "9"))
    )


async def _notify(exchange, folder):
    service, feed = Notify(exchange, folder), told.Feed(shard=0)
    await service.begin()
    await service.adopt(told.RULES)
    await service.apply(feed.adopted(), feed.item(), feed.item(late=1, at="2021-04-30T16:00:00Z"))
    async with exchange.begin(actor="olga", action="seed") as tx:
        await endpoints.add_endpoint(tx, "oa", "https://oa.example/hook", "OA", "olga")
        await endpoints.add_secret(tx, "oa", "whsec_" + "A" * 32, keep_old_hours=0)
        await deliveries.add(tx, [WEBHOOK])


_SEEDS = {"scoring": _scoring, "supervision": _supervision, "ranking": _ranking, "notify": _notify}
