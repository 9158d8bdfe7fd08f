"""The ledger as it was published: the chain of its records, and what they said became of each cell."""

from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.scoring.contract import ENTRIES, ENTRIES_POSTED
from services.scoring.domain.parted import Figure
from services.scoring.domain.proof import Finding, Named, Range, Scope, Wrong
from shared.contracts import entries
from shared.contracts.catalogue import known_event
from shared.contracts.entries import PeriodRow, Posted
from shared.kernel.digests import EMPTY_CHAIN, chain
from shared.kernel.periods import Month
from shared.kernel.points import parts_of
from shared.kernel.records import Record
from shared.storage.transaction import PostgresTransaction

RECORDS_PER_READ = 200
CELLS_NAMED = 20

Cell = tuple[str, int, str]
Group = tuple[str, int, str]
Told = tuple[str, str, str]
Silent = Mapping[str, Sequence[int]]

_HEADS = "SELECT shard, number, chain FROM stream_shards WHERE stream = $1 AND number > 0 ORDER BY shard"


@dataclass(slots=True)
class Steps:
    """What was published of a cell: a digest of each old and new in order, and which records said so."""

    digest: bytes = EMPTY_CHAIN
    records: "array[int]" = field(default_factory=lambda: array("Q"))

    def add(self, old: int | None, new: int | None, record: int) -> None:
        """Take in a step."""
        self.digest = step(self.digest, old, new)
        self.records.append(record)


@dataclass(slots=True)
class Publication:
    """What was published of the cells of a scope, by group and cell; `causes` are those of the records.

    `figures` keep what was told last of periods, by unit, period and indicator, with its points where they
    are told; `silent` what was told last of feeds, by unit the months of indicators.
    """

    cells: dict[Group, dict[Cell, Steps]] = field(default_factory=dict[Group, dict[Cell, Steps]])
    causes: list[tuple[Range, ...]] = field(default_factory=list[tuple[Range, ...]])
    figures: dict[Group, dict[Told, Figure]] = field(default_factory=dict[Group, dict[Told, Figure]])
    silent: dict[Group, dict[str, Silent]] = field(default_factory=dict[Group, dict[str, Silent]])

    def add(self, posted: Posted, scope: Scope) -> None:
        """Take in a record; one that goes on from another of its batch names no causes of its own."""
        if posted.cause or not self.causes:
            self.causes.append(tuple((c.stream, c.shard, c.first, c.last) for c in posted.cause))
        scheme = f"{posted.scheme}@{posted.version}"
        found = self.cells.setdefault((posted.scheme, posted.version, posted.group), {})
        for unit, month, indicator, old, new in _steps(posted):
            if scope.has(scheme, unit, month):
                steps = found.setdefault((unit, month, indicator), Steps())
                steps.add(old, new, len(self.causes) - 1)
        for row in posted.figures:
            if scope.of_scheme(scheme) and scope.of_unit(row.unit) and scope.of_period(scheme, row.period):
                self._keep((posted.scheme, posted.version, posted.group), row)
        for one in posted.silent:
            if scope.of_scheme(scheme) and scope.of_unit(one.unit):
                self.silent.setdefault((posted.scheme, posted.version, posted.group), {})[one.unit] = {
                    code: [Month.parse(month).ordinal for month in months]
                    for code, months in one.months.items()
                }

    def _keep(self, group: Group, row: PeriodRow) -> None:
        told = self.figures.setdefault(group, {})
        for code, value in row.values.items():
            told[row.unit, row.period, code] = Figure(_parts(value), _parts(row.points.get(code)))

    def of_units(self, group: Group) -> dict[str, dict[tuple[str, str], Figure]]:
        """Return what was told last of a group by unit, then by period and indicator."""
        found: dict[str, dict[tuple[str, str], Figure]] = {}
        for (unit, period, code), one in self.figures.get(group, {}).items():
            found.setdefault(unit, {})[period, code] = one
        return found


def step(digest: bytes, old: int | None, new: int | None) -> bytes:
    """Go on with the digest of a cell's steps."""
    return chain(digest, f"{old} {new}".encode())


async def heads(tx: PostgresTransaction) -> dict[int, tuple[int, bytes]]:
    """Return the number and digest at which each shard of the published ledger ends."""
    return {row["shard"]: (row["number"], row["chain"]) for row in await tx.many(_HEADS, ENTRIES)}


async def read(
    tx: PostgresTransaction, scope: Scope, into: Publication, done: Callable[[int], None]
) -> AsyncIterator[Finding]:
    """Read every record; yield where the running digest does not go on, or does not end at the head."""
    for shard, head in (await heads(tx)).items():
        number, digest = 0, EMPTY_CHAIN
        while records := await tx.read(ENTRIES, shard, number, RECORDS_PER_READ):
            for record in records:
                event = known_event(ENTRIES, record.body)
                posted = entries.read(event.data) if event.type == ENTRIES_POSTED else None
                digest = chain(digest, record.body)
                if record.number != number + 1 or digest != record.chain:
                    yield _broken(record, posted, digest)
                number, digest = record.number, record.chain
                if posted is not None:
                    into.add(posted, scope)
            done(len(records))
        if (number, digest) != head:
            where = f"stream_shards {ENTRIES}/{shard}"
            yield Finding(Wrong.CHAIN, (), where, _end(*head), _end(number, digest))


def _broken(record: Record, posted: Posted | None, due: bytes) -> Finding:
    cells: tuple[Named, ...] = ()
    if posted is not None:
        scheme = f"{posted.scheme}@{posted.version}"
        cells = tuple(Named(scheme, month, unit, code) for unit, month, code, _, _ in _steps(posted))
    where = f"{ENTRIES}/{record.shard} {record.number}"
    return Finding(Wrong.CHAIN, cells[:CELLS_NAMED], where, record.chain.hex(), due.hex())


def _steps(posted: Posted) -> Iterator[tuple[str, int, str, int | None, int | None]]:
    for row in posted.entries:
        month = Month.parse(row.month).ordinal
        for indicator, (old, new) in row.cells.items():
            yield row.unit, month, indicator, _parts(old), _parts(new)


def _parts(value: str | None) -> int | None:
    return None if value is None else parts_of(value)


def _end(number: int, digest: bytes) -> str:
    return f"{number} {digest.hex()}"
