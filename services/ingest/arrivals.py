"""What ingest keeps of each batch beside its events: when feeds last brought something, totals of days."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from services.ingest.domain.catalogue import Catalogue
from services.ingest.domain.envelope import Candidate
from services.ingest.domain.feeds import FeedKey, FeedState, latest_by_feed
from services.ingest.domain.totals import Total, TotalKey, added_up
from shared.storage.transaction import PostgresTransaction

# Rows are written in order, after all else that a batch locks: batches wait and never deadlock.
_BROUGHT = """
    INSERT INTO feeds (source, feed, last)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[]) ORDER BY 1, 2
    ON CONFLICT (source, feed) DO UPDATE SET last = GREATEST(feeds.last, excluded.last)"""
_JUDGED = """
    INSERT INTO feeds (source, feed, since, due, stale)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::bool[])
    ON CONFLICT (source, feed) DO UPDATE
        SET since = excluded.since, due = excluded.due, stale = excluded.stale"""
_LEAVE_OUT = """
    DELETE FROM feeds WHERE (source, feed) NOT IN (SELECT * FROM unnest($1::text[], $2::text[]))"""
_ADD_UP = """
    INSERT INTO totals (source, day, type, field, count, sum)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::numeric[])
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (source, day, type, field) DO UPDATE
        SET count = totals.count + excluded.count, sum = totals.sum + excluded.sum"""
_MOVE = """
    INSERT INTO moved_days (source, day) SELECT * FROM unnest($1::text[], $2::text[]) ORDER BY 1, 2
    ON CONFLICT DO NOTHING"""
_TOTALS = "SELECT type, field, count, sum FROM totals WHERE source = $1 AND day = $2"


async def note(
    tx: PostgresTransaction, catalogue: Catalogue, accepted: Sequence[Candidate], stamps: Sequence[datetime]
) -> None:
    """Keep what a batch brought to feeds and days; nothing is written where no source declares any."""
    latest = latest_by_feed(catalogue.feeds, accepted, stamps)
    if latest:
        sources, feeds = zip(*latest, strict=True)
        await tx.many(_BROUGHT, sources, feeds, list(latest.values()))
    totals = added_up((one.source, one.type, one.counted) for one in accepted if one.counted is not None)
    if totals:
        await _add_up(tx, totals)


async def feeds(tx: PostgresTransaction) -> dict[FeedKey, FeedState]:
    """Return how every feed stands."""
    rows = await tx.many("SELECT source, feed, since, last, due, stale FROM feeds")
    return {
        (row["source"], row["feed"]): FeedState(row["since"], row["last"], row["due"], row["stale"])
        for row in rows
    }


async def stale_feeds(tx: PostgresTransaction) -> int:
    """Return how many feeds are silent for longer than declared."""
    return (await tx.many("SELECT count(*) AS stale FROM feeds WHERE stale"))[0]["stale"]


async def save_feeds(tx: PostgresTransaction, judged: Mapping[FeedKey, FeedState]) -> None:
    """Keep how feeds stand after a tick."""
    if not judged:
        return
    sources, names = zip(*judged, strict=True)
    states = list(judged.values())
    columns = ([one.since for one in states], [one.due for one in states], [one.stale for one in states])
    await tx.many(_JUDGED, sources, names, *columns)


async def leave_out_feeds(tx: PostgresTransaction, known: Collection[FeedKey]) -> None:
    """Forget feeds that no source in force declares."""
    await tx.many(_LEAVE_OUT, [source for source, _ in known], [feed for _, feed in known])


async def totals_of(tx: PostgresTransaction, source: str, day: str) -> dict[tuple[str, str], Total]:
    """Return the totals of a source's day by type and field."""
    rows = await tx.many(_TOTALS, source, day)
    return {(row["type"], row["field"]): Total(row["count"], row["sum"]) for row in rows}


async def take_moved_days(tx: PostgresTransaction) -> list[tuple[str, str]]:
    """Return the days whose totals moved since this was last asked; every shard is locked."""
    rows = await tx.many("DELETE FROM moved_days RETURNING source, day")
    return sorted((row["source"], row["day"]) for row in rows)


async def _add_up(tx: PostgresTransaction, totals: Mapping[TotalKey, tuple[int, int | Decimal]]) -> None:
    columns = zip(*totals, strict=True)
    counts = [count for count, _ in totals.values()]
    await tx.many(_ADD_UP, *columns, counts, [Decimal(total) for _, total in totals.values()])
    sources, days = zip(*sorted({(source, day) for source, day, _, _ in totals}), strict=True)
    await tx.many(_MOVE, sources, days)
