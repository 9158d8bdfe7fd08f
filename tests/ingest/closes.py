"""Closes of periods as ranking tells them, and how ingest hears them in tests."""

import json
from pathlib import Path

from services.ingest.contract import CLOSES, CONSUMER, PERIOD_CLOSED
from services.ingest.hearing import Hearing
from shared.contracts import catalogue
from shared.kernel.digests import EMPTY_CHAIN, chain
from shared.kernel.records import Position, Record

GOLDEN = json.loads((Path(catalogue.__file__).parent / f"golden/{PERIOD_CLOSED}.json").read_text("utf-8"))
MARCH = {
    "scheme": "mini",
    "group": "bureaus",
    "period": "2021-03",
    "begins": "2021-02-28T16:00:00Z",
    "ends": "2021-03-31T16:00:00Z",
    "cut": "2021-04-08T16:00:00Z",
    "day": "2021-04-08",
    "closed": "2021-04-10T01:00:00Z",
}  # with 5 working days of grace at +08:00
QUARTER = MARCH | {"period": "2021-Q1", "begins": "2020-12-31T16:00:00Z"}


def closes(*periods):
    """Return records of one shard that close these periods."""
    records, last = [], EMPTY_CHAIN
    for number, data in enumerate(periods, 1):
        told = GOLDEN | {"sequence": str(number), "partitionkey": "0", "data": GOLDEN["data"] | data}
        body = json.dumps(told).encode()
        last = chain(last, body)
        records.append(Record(CLOSES, 0, number, body, last))
    return records


async def hear(exchange, records):
    """Apply records as the consumer does: positions beside effects."""
    async with exchange.begin(actor=CONSUMER, action="applied") as tx:
        assert await Hearing()(tx, records) == []
        await tx.advance(CONSUMER, [Position(CLOSES, 0, records[-1].number, records[-1].chain)])
