"""PostgreSQL as a third opinion on measures, and schemes of measures for tests."""

import asyncpg

from services.scoring.domain.adders import adder
from services.scoring.domain.expressions import Kind
from services.scoring.domain.facts import Report
from services.scoring.domain.folding import Tally
from services.scoring.domain.measuring import folded, measured
from services.scoring.domain.ordinary import Fact, Ordinary, Sums
from services.scoring.domain.plan import compile_plan
from services.scoring.domain.rows import event_row, typed
from services.scoring.domain.statements import Dialect, statements
from services.scoring.opinion import read, recompute
from shared.kernel import instants

POSTGRES = Dialect(
    name="postgres",
    types={
        Kind.TEXT: "text",  # the servers of tests sort it by bytes, as they are made without a locale
        Kind.NUMBER: "numeric",
        Kind.TIME: "timestamptz",
        Kind.BOOLEAN: "boolean",
    },
    begins=lambda month, zone: f"make_timestamptz({month.year}, {month.month}, 1, 0, 0, 0, '{zone.key}')",
    seconds=lambda node: node,
)


async def by_postgres(url, document, types, groups):
    """Recompute in temporary tables of a connection: zones, intervals and numerics are the server's."""
    told = statements(document, types, POSTGRES)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for sql in told.creating:
            await connection.execute(sql)
        for table in told.tables:
            facts = [
                (case, fact)
                for case, found in enumerate(groups)
                for fact in found
                if fact.type == table.event
            ]
            rows = [_timed(table, table.row(number, case, fact)) for number, (case, fact) in enumerate(facts)]
            await connection.copy_records_to_table(table.name, records=rows)
        for sql in told.making:
            await connection.execute(sql)
        found = {}
        for query in told.queries:
            found |= read(query, await connection.fetch(query.sql))
        return found
    finally:
        await connection.close()


def _timed(table, row):
    kinds = [None] * 4 + list(table.columns.values())
    return [
        instants.of_micros(value) if kind is Kind.TIME and value is not None else value
        for kind, value in zip(kinds, row, strict=True)
    ]


def at_once(document, plan, types, groups):
    """Fold as stage A does: what is ordinary by the functions written of the measures, the rest plainly."""
    ordinary = Ordinary([adder(document, plan, over) for over in plan.columns], types)
    sums, tally = Sums(ordinary), Tally()
    for facts in groups:
        rows = ordinary.rows(
            [Fact(fact.time, fact.source, fact.id, fact.type, event_row(fact)) for fact in facts]
        )
        if sums.change({}, rows) is None:
            tally.add(plan, facts)
    cells = {}
    for found in (sums.cells(), tally.spread()):
        for (_, over, unit, month), numbers in found.items():
            known = cells.get((over, unit, month), [0] * len(numbers))
            cells[over, unit, month] = [one + other for one, other in zip(known, numbers, strict=True)]
    return measured(plan, cells)


async def assert_agreed(url, scheme, columns, groups):
    """Compare the engines; return how many values of measures agree."""
    plan = compile_plan(scheme, columns)
    live = folded(plan, groups)
    assert {name for name, _, _ in live} <= scheme.event_measures.keys()
    assert at_once(scheme, plan, columns, groups) == live
    assert recompute(scheme, columns, groups) == live
    assert await by_postgres(url, scheme, columns, groups) == live
    return live


def report_of(event, number, columns):
    """Return an event as it is folded."""
    kind = event["type"]
    return Report(
        source=event["source"],
        id=event["id"],
        type=kind,
        subject=event["subject"],
        time=instants.parse_micros(event["time"]),
        shard=0,
        number=number,
        data=typed(event["data"], columns[kind]),
    )


__all__ = ["POSTGRES", "assert_agreed", "at_once", "by_postgres", "folded", "report_of"]
