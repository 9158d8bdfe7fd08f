"""Pages of what persons ask, object to and say of cells: filtered, in one order, of the reader's units."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from services.scoring import cursors
from shared.storage.transaction import PostgresTransaction

One = TypeVar("One")
Place = TypeVar("Place", bound=tuple[str | int, ...])

_LIST = """
    SELECT * FROM {table} WHERE {key} > $1
        AND ($3 = '/' OR EXISTS (SELECT FROM unnest(paths) p WHERE starts_with(p || '/', $3 || '/'))){only}
    ORDER BY {key} LIMIT $2"""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page: behind the cursor `after`, of what has a path at or below `below` and is as in `only`.

    The names of `only` are columns, or terms of the listing; what is None is not asked for.
    """

    after: str | None
    limit: int
    below: str
    only: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listing(Generic[One, Place]):
    """A table with `paths`, listed by its key from `first` on; `terms` are SQL of what is no column."""

    table: str
    key: str
    begin: type[Place]
    first: str | int
    read: Callable[[Mapping[str, Any]], One]
    terms: Mapping[str, str]

    async def page(self, tx: PostgresTransaction, asked: Asked) -> tuple[Sequence[One], str | None]:
        """Return a page and the cursor of the next, if this one is full."""
        only = {name: value for name, value in asked.only.items() if value is not None}
        bound = f"{self.table} {sorted(only.items())}"
        after = self.first if asked.after is None else cursors.read(asked.after, bound, self.begin)[0]
        told = "".join(f" AND {self.terms.get(name, name)} = ${at}" for at, name in enumerate(only, 4))
        statement = _LIST.format(table=self.table, key=self.key, only=told)
        below = asked.below.rstrip("/") or "/"
        rows = await tx.many(statement, after, asked.limit, below, *only.values())
        full = len(rows) == asked.limit
        following = cursors.write((rows[-1][self.key],), bound) if full else None
        return [self.read(row) for row in rows], following
