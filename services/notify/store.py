"""Tables of notify: versions of rules, items as they were told, units, schemes, notices."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from services.notify import deliveries
from services.notify.deliveries import NewDelivery
from services.notify.domain.happenings import Kind
from services.notify.domain.items import Item
from services.notify.domain.notices import Notice, webhook_body
from services.notify.domain.rules import INBOX
from shared.kernel.canonical import canonical
from shared.kernel.digests import sha256
from shared.kernel.trees import paths_of
from shared.storage.transaction import PostgresTransaction

_ITEM_COLUMNS = (
    "item, version, at, kind, title, state, light, unit, others, assessor, scheme, indicator, due, zone, late, "
    "sign_due, sign_late, asked, asked_day, lapses"
)
_SAVE_ITEMS = f"""
    INSERT INTO items ({_ITEM_COLUMNS})
    SELECT * FROM unnest($1::text[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::int[],
        $16::text[], $17::boolean[], $18::text[], $19::text[], $20::text[])
    ON CONFLICT (item) DO UPDATE SET version = excluded.version, at = excluded.at, kind = excluded.kind,
        title = excluded.title, state = excluded.state, light = excluded.light, unit = excluded.unit,
        others = excluded.others, assessor = excluded.assessor, scheme = excluded.scheme,
        indicator = excluded.indicator, due = excluded.due, zone = excluded.zone, late = excluded.late,
        sign_due = excluded.sign_due, sign_late = excluded.sign_late, asked = excluded.asked,
        asked_day = excluded.asked_day, lapses = excluded.lapses"""  # noqa: S608 - names of this module
_ADD_NOTICES = """
    INSERT INTO notices (id, event, kind, at, rule, rules, severity, role, recipient, channel, told, item, version, reminder,
        cancelled)
    SELECT id, event, kind, at, rule, rules, severity, role, recipient, channel, told::jsonb, item, version, reminder,
        cancelled
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::int[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::text[], $12::text[], $13::int[], $14::boolean[], $15::timestamptz[])
        n(id, event, kind, at, rule, rules, severity, role, recipient, channel, told, item, version, reminder,
        cancelled)
    ON CONFLICT DO NOTHING RETURNING id"""
_CANCEL = """
    UPDATE notices t SET cancelled = c.at FROM (
        SELECT DISTINCT ON (n.id) n.id, e.at FROM unnest($1::text[], $2::int[], $3::timestamptz[], $4::text[])
            e(item, version, at, kind)
        JOIN notices n ON n.item = e.item AND n.kind = e.kind AND n.reminder AND n.cancelled IS NULL AND n.version < e.version
        ORDER BY n.id, e.version) c
    WHERE t.id = c.id"""
_JSON = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Adopted:
    """A version of the rules; `cut` has the last number of each stream and shard before it."""

    version: int
    digest: bytes
    document: Mapping[str, Any]
    cut: Mapping[str, int]
    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ending:
    """A version of an item that ends what was reminded of before by happenings of a kind."""

    item: str
    version: int
    at: datetime
    kind: Kind


async def rules_after(tx: PostgresTransaction, version: int) -> list[Adopted]:
    """Return the versions of the rules that follow one, in order."""
    rows = await tx.many(
        "SELECT version, digest, document, cut, person, at FROM rules WHERE version > $1 ORDER BY version",
        version,
    )
    return [Adopted(**dict(row)) for row in rows]


async def newest_rules(tx: PostgresTransaction) -> Adopted | None:
    """Return the version of the rules that was adopted last."""
    rows = await tx.many(
        "SELECT version, digest, document, cut, person, at FROM rules ORDER BY version DESC LIMIT 1"
    )
    return Adopted(**dict(rows[0])) if rows else None


async def add_rules(
    tx: PostgresTransaction, document: Mapping[str, Any], cut: Mapping[str, int], person: str
) -> Adopted:
    """Write the next version of the rules."""
    written = canonical(document)
    rows = await tx.many(
        "INSERT INTO rules (version, digest, document, cut, person) "
        "SELECT COALESCE(max(version), 0) + 1, $1, $2::jsonb, $3::jsonb, $4 FROM rules "
        "RETURNING version, digest, document, cut, person, at",
        sha256(written),
        written.decode(),
        _JSON.encode(cut).decode(),
        person,
    )
    return Adopted(**dict(rows[0]))


async def items(tx: PostgresTransaction, ids: Iterable[str]) -> dict[str, Item]:
    """Return items as they were told last; unknown ones are left out."""
    rows = await tx.many(f"SELECT {_ITEM_COLUMNS} FROM items WHERE item = ANY($1::text[])", list(ids))  # noqa: S608 - names of this module
    return {row["item"]: _item(row) for row in rows}


async def save_items(tx: PostgresTransaction, found: Iterable[Item]) -> None:
    """Write items as they are told; codes of units hold no blanks."""
    columns = [list(column) for column in zip(*map(_item_values, found), strict=True)]
    if columns:
        await tx.many(_SAVE_ITEMS, *columns)


async def save_scheme(tx: PostgresTransaction, code: str, version: int, document: Mapping[str, Any]) -> None:
    """Keep of the newest version of a scheme its units, with their paths, and what things are called."""
    paths = paths_of(document["units"])
    names = {unit["code"]: unit["name"] for unit in document["units"]}
    await tx.many(
        "INSERT INTO units SELECT unit, $1, $2, path, name "
        "FROM unnest($3::text[], $4::text[], $5::text[]) n(unit, path, name) "
        "ON CONFLICT (unit, scheme) DO UPDATE "
        "SET version = excluded.version, path = excluded.path, name = excluded.name "
        "WHERE units.version < excluded.version",
        code,
        version,
        list(paths),
        list(paths.values()),
        [names[unit] for unit in paths],
    )
    await tx.many(
        "DELETE FROM units WHERE scheme = $1 AND version < (SELECT max(version) FROM units WHERE scheme = $1)",
        code,
    )
    await tx.many(
        "INSERT INTO schemes VALUES ($1, $2, $3, $4::jsonb, $5::jsonb) ON CONFLICT (scheme) DO UPDATE "
        "SET version = excluded.version, title = excluded.title, "
        "groups = excluded.groups, tiers = excluded.tiers WHERE schemes.version < excluded.version",
        code,
        version,
        document["scheme"]["title"],
        _titles({name: group["title"] for name, group in document["groups"].items()}),
        _titles({tier["code"]: tier.get("title", tier["code"]) for tier in document.get("tiers", ())}),
    )


def _titles(found: Mapping[str, str]) -> str:
    return canonical(found).decode()


async def add_notices(tx: PostgresTransaction, found: Sequence[tuple[int, Notice]]) -> None:
    """Write notices (with the version of their rules) that are not there yet, and what endpoints are sent.

    Of several with one identity the first stays, in a batch as over batches. An endpoint is not sent what is
    over already.
    """
    first: dict[str, tuple[int, Notice]] = {}
    for version, notice in found:
        first.setdefault(notice.id, (version, notice))
    if not first:
        return
    rows = sorted(_notice_values(version, notice) for version, notice in first.values())
    written = await tx.many(_ADD_NOTICES, *map(list, zip(*rows, strict=True)))
    added = [first[row["id"]][1] for row in written]
    sent = [
        NewDelivery(one.id, one.to.name, webhook_body(one), one.happening.at)
        for one in added
        if one.to.channel != INBOX and not one.happening.over
    ]
    await deliveries.add(tx, sent)


async def cancel_reminders(tx: PostgresTransaction, endings: Sequence[Ending]) -> None:
    """Cancel the reminders of items that stand on an older version; of several the first that ends them."""
    if endings:
        await tx.many(
            _CANCEL,
            [one.item for one in endings],
            [one.version for one in endings],
            [one.at for one in endings],
            [one.kind.value for one in endings],
        )


def _item(row: Mapping[str, Any]) -> Item:
    values: dict[str, Any] = dict(row)
    values["others"] = tuple(row["others"].split())
    return Item(**values)


def _item_values(item: Item) -> tuple[Any, ...]:
    return (
        item.item, item.version, item.at, item.kind, item.title, item.state, item.light, item.unit,
        " ".join(item.others), item.assessor, item.scheme, item.indicator, item.due, item.zone, item.late,
        item.sign_due, item.sign_late, item.asked, item.asked_day, item.lapses,
    )  # fmt: skip


def _notice_values(version: int, notice: Notice) -> tuple[Any, ...]:
    happening, rule, to = notice.happening, notice.rule, notice.to
    return (
        notice.id, happening.event, happening.kind.value, happening.at, rule.code, version, rule.severity.value,
        rule.role, to.name, to.channel, _JSON.encode(happening.told).decode(), happening.item, happening.version,
        happening.reminder, happening.at if happening.over else None,
    )  # fmt: skip
