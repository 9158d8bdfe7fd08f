"""Tables of facts that are reports of their own: no case, no correction, no business key; a row a batch.

A correction tells the number of its original, so a fact needs no index of its own: it is found by its number,
or under the units and months in which it counts. One that was revised has moved to a case.
"""

import struct
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from services.scoring import cases
from services.scoring.cases import Case, Key
from services.scoring.store import columns
from shared.storage.transaction import PostgresTransaction

FACTS_PER_ROW = 1_000
NUMBER_BYTES = 8

Numbered = tuple[int, int]
Spot = tuple[str, int]
Begin = tuple[int, int, int]

_COLUMNS = ("shard", "first", "numbers", "sizes", "bodies")
_PLACE_COLUMNS = ("unit", "month", "shard", "first", "places")
_OF_NUMBERS = """
    SELECT f.* FROM (SELECT DISTINCT n.shard, (SELECT max(first) FROM facts f
        WHERE f.shard = n.shard AND first <= n.number) AS first
        FROM unnest($1::smallint[], $2::bigint[]) n(shard, number)) p JOIN facts f USING (shard, first)"""
_FIND = """
    SELECT u.unit, p.month, p.shard, p.first, p.places FROM unnest($1::text[]) WITH ORDINALITY u(unit, place)
    CROSS JOIN LATERAL (SELECT month, shard, first, places FROM fact_places f
        WHERE f.unit = u.unit AND f.month BETWEEN $2 AND $3 AND (f.month, f.shard, f.first) >= ($4, $5, $6)
        ORDER BY f.month, f.shard, f.first LIMIT $7) p
    ORDER BY u.place, p.month, p.shard, p.first LIMIT $7"""


_AMONG = """
    SELECT unit, month, shard, first, places FROM fact_places
    WHERE unit = ANY($1::text[]) AND month BETWEEN $2 AND $3 AND shard = $4 AND first <= $6
        AND first >= COALESCE((SELECT max(first) FROM facts WHERE shard = $4 AND first <= $5), 0)
    ORDER BY first"""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one row: their numbers, ascending, and their bodies."""

    shard: int
    numbers: tuple[int, ...]
    bodies: tuple[bytes, ...]

    @property
    def first(self) -> int:
        """The number that the row is found by."""
        return self.numbers[0]

    def body(self, number: int) -> bytes | None:
        """Return the body of a number, None where it is not here."""
        at = bisect_left(self.numbers, number)
        return self.bodies[at] if at < len(self.numbers) and self.numbers[at] == number else None


@dataclass(frozen=True, slots=True)
class Place:
    """Facts of one row that are found under a unit and month, by their places in the row."""

    unit: str
    month: int
    shard: int
    first: int
    places: tuple[int, ...]


def key_of(number: int) -> bytes:
    """Name a fact where cases have their group; the two differ in length."""
    return number.to_bytes(NUMBER_BYTES, "big")


def rows_of(shard: int, facts: Sequence[tuple[int, bytes]]) -> list[Facts]:
    """Put facts (number, body) into rows."""
    pages = (facts[at : at + FACTS_PER_ROW] for at in range(0, len(facts), FACTS_PER_ROW))
    return [Facts(shard, *(tuple(part) for part in zip(*page, strict=True))) for page in pages]


def places_of(rows: Sequence[Facts], found: Mapping[Spot, Iterable[int]]) -> list[Place]:
    """Tell under which units and months the facts of rows are found; they were counted over all rows."""
    made: dict[tuple[str, int, int], list[int]] = {}
    for (unit, month), places in found.items():
        for at in sorted(set(places)):
            made.setdefault((unit, month, at // FACTS_PER_ROW), []).append(at % FACTS_PER_ROW)
    return [
        Place(unit, month, rows[row].shard, rows[row].first, tuple(places))
        for (unit, month, row), places in made.items()
    ]


async def save(tx: PostgresTransaction, rows: Sequence[Facts], places: Sequence[Place]) -> None:
    """Write rows that are new, and where their facts are found."""
    await tx.copy(
        "facts",
        _COLUMNS,
        [
            (
                row.shard,
                row.first,
                struct.pack(f">{len(row.numbers)}Q", *row.numbers),
                struct.pack(f">{len(row.bodies)}I", *map(len, row.bodies)),
                b"".join(row.bodies),
            )
            for row in rows
        ],
    )
    await tx.copy("fact_places", _PLACE_COLUMNS, [_written(place) for place in places])


async def add_places(tx: PostgresTransaction, places: Sequence[Place]) -> None:
    """Note what is found under more units and months, each fact once."""
    if not places:
        return
    units, months, shards, firsts, _ = columns([_written(place) for place in places], 5)
    rows = await tx.many(
        "SELECT f.* FROM fact_places f JOIN unnest($1::text[], $2::int[], $3::smallint[], $4::bigint[]) "
        "n(unit, month, shard, first) USING (unit, month, shard, first)",
        units,
        months,
        shards,
        firsts,
    )
    known = {(p.unit, p.month, p.shard, p.first): set(p.places) for p in map(_place, rows)}
    fresh = [
        Place(p.unit, p.month, p.shard, p.first, new)
        for p in places
        if (
            new := tuple(
                at for at in p.places if at not in known.get((p.unit, p.month, p.shard, p.first), ())
            )
        )
    ]
    await tx.many(
        "INSERT INTO fact_places AS f SELECT * FROM "
        "unnest($1::text[], $2::int[], $3::smallint[], $4::bigint[], $5::bytea[]) "
        "ON CONFLICT (unit, month, shard, first) DO UPDATE SET places = f.places || excluded.places",
        *columns([_written(place) for place in fresh], 5),
    )


async def load(tx: PostgresTransaction, wanted: Iterable[Numbered]) -> dict[Numbered, bytes]:
    """Return the bodies of facts by (shard, number); what is not among them is left out."""
    pairs = list(wanted)
    if not pairs:
        return {}
    rows = [_facts(row) for row in await tx.many(_OF_NUMBERS, *columns(pairs, 2))]
    found = ((pair, row.body(pair[1])) for row in rows for pair in pairs if pair[0] == row.shard)
    return {pair: body for pair, body in found if body is not None}


async def row(tx: PostgresTransaction, shard: int, first: int) -> Facts:
    """Return a row."""
    (found,) = await tx.many("SELECT * FROM facts WHERE shard = $1 AND first = $2", shard, first)
    return _facts(found)


async def of_shard(tx: PostgresTransaction, shard: int) -> AsyncIterator[tuple[Facts, set[int]]]:
    """Yield the rows of a shard, each with which of its facts have moved to a case."""
    after = 0
    while (one := await _following(tx, shard, after)) is not None:
        yield one, await revised(tx, one)
        after = one.first


async def revise(tx: PostgresTransaction, moved: Sequence[Numbered]) -> None:
    """Note which facts have moved to a case."""
    if moved:
        await tx.copy("facts_revised", ("shard", "number"), moved)


async def revised(tx: PostgresTransaction, one: Facts) -> set[int]:
    """Return which facts of a row have moved to a case."""
    rows = await tx.many(
        "SELECT number FROM facts_revised WHERE shard = $1 AND number BETWEEN $2 AND $3",
        one.shard,
        one.numbers[0],
        one.numbers[-1],
    )
    return {row["number"] for row in rows}


async def find(
    tx: PostgresTransaction, units: Sequence[str], months: range, at: Begin | None, limit: int
) -> list[Place]:
    """Return where facts are found under units; `at` is (month, shard, number) in the first unit."""
    if not units:
        return []
    begin = (months[0], -1, 0)
    if at is not None:
        rows = await tx.many(
            "SELECT max(first) AS first FROM facts WHERE shard = $1 AND first <= $2", *at[1:]
        )
        begin = at[0], at[1], rows[0]["first"] or 0
    found = list(await tx.many(_FIND, units[:1], months[0], months[-1], *begin, limit))
    if len(found) < limit:
        rest = (months[0], months[-1], months[0], -1, 0, limit - len(found))
        found += await tx.many(_FIND, list(units[1:]), *rest)
    return [_place(row) for row in found]


async def among(
    tx: PostgresTransaction,
    shard: int,
    units: Sequence[str],
    months: tuple[int, int],
    numbers: tuple[int, int],
) -> AsyncIterator[list[Case]]:
    """Yield the facts of a shard found under units in months with numbers first..last, each once, by rows."""
    places: dict[int, set[int]] = {}
    for found in await tx.many(_AMONG, list(units), *months, shard, *numbers):
        place = _place(found)
        places.setdefault(place.first, set()).update(place.places)
    for first, at in places.items():
        one = await row(tx, shard, first)
        moved = await revised(tx, one)
        wanted = [one.numbers[i] for i in sorted(at) if numbers[0] <= one.numbers[i] <= numbers[1]]
        yield [
            Case(shard, key_of(number), body)
            for number in wanted
            if number not in moved and (body := one.body(number)) is not None
        ]


async def waiting(tx: PostgresTransaction, keys: Iterable[Key]) -> dict[Key, Case]:
    """Return facts and cases by (shard, group)."""
    numbered = {key: int.from_bytes(key[1], "big") for key in keys if len(key[1]) == NUMBER_BYTES}
    bodies = await load(tx, [(shard, number) for (shard, _), number in numbered.items()])
    found = {
        key: Case(*key, bodies[key[0], number])
        for key, number in numbered.items()
        if (key[0], number) in bodies
    }
    return found | await cases.load(tx, [key for key in keys if key not in numbered])


def cases_at(one: Facts, place: Place, moved: set[int]) -> list[Case]:
    """Return the facts at a place, each as a case of its own."""
    numbers = ((one.numbers[at], one.bodies[at]) for at in place.places)
    return [Case(one.shard, key_of(number), body) for number, body in numbers if number not in moved]


async def _following(tx: PostgresTransaction, shard: int, after: int) -> Facts | None:
    rows = await tx.many(
        "SELECT * FROM facts WHERE shard = $1 AND first > $2 ORDER BY first LIMIT 1", shard, after
    )
    return _facts(rows[0]) if rows else None


def _facts(row: Mapping[str, object]) -> Facts:
    numbers, sizes, bodies = row["numbers"], row["sizes"], row["bodies"]
    assert isinstance(numbers, bytes)
    assert isinstance(sizes, bytes)
    assert isinstance(bodies, bytes)
    count = len(sizes) // 4
    ends = list(accumulate(struct.unpack(f">{count}I", sizes)))
    starts = [0, *islice(ends, count - 1)]
    return Facts(
        int(str(row["shard"])),
        struct.unpack(f">{count}Q", numbers),
        tuple(bodies[start:end] for start, end in zip(starts, ends, strict=True)),
    )


def _place(row: Mapping[str, object]) -> Place:
    places = row["places"]
    assert isinstance(places, bytes)
    unpacked = struct.unpack(f">{len(places) // 2}H", places)
    return Place(
        str(row["unit"]), int(str(row["month"])), int(str(row["shard"])), int(str(row["first"])), unpacked
    )


def _written(place: Place) -> tuple[str, int, int, int, bytes]:
    packed = struct.pack(f">{len(place.places)}H", *place.places)
    return place.unit, place.month, place.shard, place.first, packed
