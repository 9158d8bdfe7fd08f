"""Incidents through the stages on a real PostgreSQL: §10's cases as entries in three groups, in any order."""

import asyncio
import itertools
import random
import time
from decimal import Decimal

import pytest

from services.scoring import rulers
from services.scoring.contract import DEDUCTION_DECIDED, DEDUCTIONS, INCIDENTS_SHARD, DeductionDecided
from services.scoring.stage_incidents import OBJECTS_PER_PAGE
from shared.contracts import envelope
from shared.kernel.shards import shard_of
from tests.scoring.incidents import (
    WithIncidents,
    accept,
    adopt,
    begun,
    corrected,
    finding,
    inspection,
    lost,
    name,
    retracted,
    rule,
    scheme,
)
from tests.scoring.test_stages import MARCH, scoring

__all__ = ["scoring"]
THREE = (
    finding("f2", "audit", points="2"),
    finding("f15", "petition", points="1.5", time="2021-04-02", source="t"),
    finding("f3", "patrol", points="3", time="2021-05-04"),
)
LINKED = {
    ("2021-03", "d1", "department_linked"): Decimal(1),
    ("2021-03", "b1", "bureau_linked"): Decimal(2),
    ("2021-03", "i1", "inspectorate_linked"): Decimal(2),
}


def asked(**more):
    """A problem of 2019 discovered on 10 March by another department, whose report came on 20 July."""
    return finding("f", **{"severity": 1, "points": "0.1", "finder": "d9", "time": "2021-03-10"} | more)


async def settled(scoring, *events, document=None):
    exchange, driver = await begun(scoring, document=document)
    await accept(exchange, events)
    await driver.run()
    return exchange, driver


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_one_incident_costs_3_0_then_2_0_then_1_5_in_any_order_of_arrival(scoring, order):
    exchange, driver = await begun(scoring)
    for at in order:
        await accept(exchange, [THREE[at]])
        await driver.run()
    assert await lost(exchange) == {("2021-05", "b1", "patrol"): Decimal(3)}
    await accept(exchange, [retracted(THREE[2])])
    await driver.run()
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal(2)}
    await accept(exchange, [corrected(THREE[0], status="dropped")])
    await driver.run()
    assert await lost(exchange) == {("2021-04", "b1", "petition"): Decimal("1.5")}
    await accept(exchange, [retracted(THREE[1])])
    await driver.run()
    assert await lost(exchange) == {}


async def test_inspected_until_june_and_discovered_in_march_costs_nobody_whenever_the_report_came(scoring):
    exchange, _ = await settled(scoring, asked(), inspection("i"))
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal("0.1")}


async def test_an_inspection_that_ended_in_february_costs_department_bureau_and_inspectorate(scoring):
    exchange, _ = await settled(scoring, inspection("i", started="2021-01-11", ended="2021-02-28"), asked())
    assert await lost(exchange) == LINKED


async def test_a_problem_of_a_year_that_was_not_inspected_costs_nobody(scoring):
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    exchange, _ = await settled(scoring, early, asked(first_year=2021, last_year=2021))
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal("0.1")}


async def test_the_same_day_costs_nobody_until_a_person_says_so(scoring):
    same = inspection("i", started="2021-01-11", ended="2021-03-10")
    exchange, driver = await settled(scoring, asked(), same)
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal("0.1")}
    question = {
        "finding": {"source": "s", "id": "f"},
        "trigger": "b",
        "inspection": {"source": "s", "id": "i"},
    }
    await rule(exchange, "apply", **question)
    await driver.run()
    assert await lost(exchange) == LINKED
    await rule(exchange, "dismiss", **question)
    await driver.run()
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal("0.1")}


async def test_what_persons_join_costs_once_and_what_they_part_again_twice(scoring):
    exchange, driver = await settled(scoring, THREE[0], finding("f9", points="1", taxpayer="t9"))
    both = {("2021-03", "b1", "audit"): Decimal(3)}
    assert await lost(exchange) == both
    await rule(exchange, "join", other=name("t9", "vat", 2019))
    await driver.run()
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal(2)}
    async with exchange.reading() as tx:
        assert await rulers.of_cell(tx, "b1", "audit", MARCH) == {"zhao"}
        assert await rulers.of_cell(tx, "b1", "audit", MARCH + 1) == set()
    await rule(exchange, "part", ("t9", "vat", 2019), other=name("t1", "vat", 2019))
    await driver.run()
    assert await lost(exchange) == both


async def test_a_finding_that_is_corrected_to_another_object_leaves_the_first(scoring):
    exchange, driver = await settled(scoring, THREE[0], THREE[2])
    await accept(exchange, [corrected(THREE[2], taxpayer="t7")])
    await driver.run()
    found = {("2021-03", "b1", "audit"): Decimal(2), ("2021-05", "b1", "patrol"): Decimal(3)}
    assert await lost(exchange) == found
    await accept(exchange, [retracted(THREE[2], 2)])
    await driver.run()
    assert await lost(exchange) == {("2021-03", "b1", "audit"): Decimal(2)}


async def test_findings_before_the_scheme_count_as_if_it_had_always_been(scoring):
    exchange, driver = await begun(scoring, adopted=False)
    late = corrected(THREE[1], status="alleged")
    await accept(exchange, [late, *THREE[:2], inspection("i", started="2021-01-11", ended="2021-02-28")])
    await driver.run()
    await accept(exchange, [asked()])
    await driver.run()
    assert await lost(exchange) == {}
    await adopt(exchange, scheme())
    await driver.run()
    first_by_code = {("2021-03", "b1", "audit"): Decimal(2), ("2021-03", "b1", "bureau_linked"): None}
    wanted = {cell: points for cell, points in (LINKED | first_by_code).items() if points}
    assert await lost(exchange) == wanted


async def test_a_newer_version_decides_anew_what_it_covers(scoring):
    exchange, driver = await settled(
        scoring, inspection("i", started="2021-01-11", ended="2021-02-28"), asked()
    )
    without = scheme(version=2)
    without["incidents"]["triggers"] = []
    await adopt(exchange, without)
    await driver.run()
    assert await lost(exchange, 2) == {("2021-03", "b1", "audit"): Decimal("0.1")}


async def told(exchange, unit):
    """Return the decisions that were told of a unit."""
    async with exchange.reading() as tx:
        records = await tx.read(DEDUCTIONS, shard_of(unit), 0, 1_000)
    events = [envelope.decode(record.body) for record in records]
    assert {event.type for event in events} <= {DEDUCTION_DECIDED}
    found = [envelope.decode_data(event, DeductionDecided) for event in events]
    return [one for one in found if one.unit == unit]


async def test_every_decision_is_told_whole_with_its_version_and_what_caused_it(scoring):
    exchange, driver = await begun(scoring)
    for event in (*THREE, retracted(THREE[2])):
        await accept(exchange, [event])
        await driver.run()
    decisions = await told(exchange, "b1")
    assert [one.version for one in decisions] == [1, 2, 3, 4]
    states = [
        {one.finding.id: (one.state.value, one.suppressed_by) for one in told.deductions}
        for told in decisions
    ]
    assert [{name: state for name, (state, _) in one.items()} for one in states] == [
        {"f2": "counted"},
        {"f2": "counted", "f15": "suppressed"},
        {"f2": "suppressed", "f15": "suppressed", "f3": "counted"},
        {"f2": "revived", "f15": "suppressed"},
    ]
    assert states[2]["f2"][1].id == "f3"
    assert [(one.stream, one.shard, one.first) for one in decisions[3].cause] == [
        ("ingest.accepted", shard_of("b1"), 5)
    ]


async def test_a_batch_that_changes_nothing_tells_nothing(scoring):
    exchange, driver = await settled(scoring, THREE[0])
    await accept(exchange, [corrected(THREE[0])])
    await driver.run()
    assert len(await told(exchange, "b1")) == 1


EARLY = inspection("i", started="2021-01-11", ended="2021-02-28")
CORRECTED = (corrected(THREE[0], status="alleged"), corrected(THREE[0], 2, points="2.5"))
FACTS = [
    *THREE,
    *CORRECTED,
    EARLY,
    asked(),
    asked() | {"id": "g", "subject": "b2", "source": "t"},
    finding("x", points="1", taxpayer="t9", time="2021-06-02"),
    retracted(THREE[2]),
    corrected(EARLY, taxpayer="t3"),
    corrected(EARLY, 2, time="2021-02-28"),
    corrected(finding("x", taxpayer="t9"), taxpayer="t4", first_year=2020),
]


async def tables(exchange):
    """Return what the tables say, without versions: how often a decision was told depends on the order."""
    async with exchange.reading() as tx:
        wanted = {
            "dossier_reports": "object, convert_from(body, 'UTF8')::jsonb ->> 'id' AS id",
            "decisions": "key, told",
            "incidents": "*",
            "unread_reports": "*",
            "cells": "*",
            "derived_places": "over, unit, month, shard, key",
        }
        found = {}
        for table, columns in wanted.items():
            rows = await tx.execute(f"SELECT {columns} FROM {table}")
            found[table] = sorted(str(tuple(row)) for row in rows)
        found["decisions"] = [row for row in found["decisions"] if "[]" not in row]
        return found


async def test_whatever_the_order_the_batches_and_the_restarts_the_tables_are_the_same(scoring):
    found = []
    for seed in range(6):
        chance = random.Random(seed)
        exchange, driver = await begun(scoring, adopted=False)
        order, at = chance.sample(FACTS, len(FACTS)), chance.randrange(len(FACTS))
        for place, one in enumerate(order):
            if place == at:
                await adopt(exchange, scheme())
            await accept(exchange, [one])
            if chance.random() < 0.5:
                await driver.run()
            if chance.random() < 0.3:
                driver = WithIncidents(exchange, driver.done)
        await driver.run()
        found.append(await tables(exchange))
    assert found[0]["decisions"]
    assert all(one == found[0] for one in found)


async def test_a_deduction_where_its_indicator_does_not_apply_waits_in_suspense_while_it_stands(scoring):
    document = scheme()
    (audit,) = [one for one in document["indicators"] if one["code"] == "audit"]
    audit["not_applicable"] = [{"units": ["b1"], "until": "2021-03", "reason": "r"}]
    exchange, driver = await begun(scoring, document=document)
    await accept(exchange, [finding("f", "audit", time="2021-03-10")])
    await driver.run()
    assert await waiting(exchange) == [("no_indicator", "audit")]
    assert await lost(exchange) == {}
    await accept(exchange, [retracted(finding("f", "audit", time="2021-03-10"))])
    await driver.run()
    assert await waiting(exchange) == []


async def waiting(exchange):
    async with exchange.reading() as tx:
        rows = await tx.execute("SELECT why, what FROM suspense WHERE settled IS NULL")
    return [tuple(row) for row in rows]


LEAVES = finding("r", taxpayer="t1")
UNREADABLE = corrected(LEAVES, taxpayer="a0", status="rumour")
MORE_OF_THE_SECOND = finding("y", points="1", taxpayer="a0", time="2021-06-02")
BESIDE = [finding(f"m{at}", points="1", taxpayer=f"m{at}") for at in range(OBJECTS_PER_PAGE)]
BATCHES = {
    "all at once": [[LEAVES, UNREADABLE, MORE_OF_THE_SECOND]],
    "the second object last": [[LEAVES, UNREADABLE], [MORE_OF_THE_SECOND]],
    "the correction alone": [[LEAVES], [UNREADABLE], [MORE_OF_THE_SECOND]],
    "the correction last": [[LEAVES], [MORE_OF_THE_SECOND], [UNREADABLE]],
    "the correction first": [[UNREADABLE], [MORE_OF_THE_SECOND], [LEAVES]],
}


async def test_an_unreadable_correction_to_another_object_stands_under_that_object_in_any_batching(scoring):
    found = []
    for batches in BATCHES.values():
        exchange, driver = await begun(scoring)
        for batch in batches:
            await accept(exchange, batch)
            await driver.run()
        found.append(await tables(exchange))
    assert found[0]["unread_reports"] == ["('a0', 's', 'r', 'status')"]
    assert all(one == found[0] for one in found)


async def test_a_scheme_is_adopted_over_an_unreadable_correction_pages_before_its_original(scoring):
    exchange, driver = await settled(scoring, *BESIDE)
    await accept(exchange, [LEAVES, UNREADABLE])
    await driver.run()
    before = await tables(exchange)
    await adopt(exchange, scheme(version=2))
    await driver.run()
    assert (await tables(exchange))["unread_reports"] == before["unread_reports"]


async def longest_part(work):
    """Do work; return for which part of its CPU time at a stretch it let nobody else run on the loop."""
    waits, now = [0.0], time.thread_time

    async def watch():
        while True:
            began = now()
            await asyncio.sleep(0.001)
            waits.append(now() - began)

    began = now()
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        await work
        watching.cancel()
    return max(waits) / (now() - began)


async def test_an_object_with_many_findings_does_not_hold_up_the_loop(scoring):
    exchange, driver = await begun(scoring)
    inspections = [inspection(f"i{at}", started="2021-01-11", ended="2021-02-28") for at in range(10)]
    many = [asked(points="1") | {"id": f"f{at}"} for at in range(300)]
    await accept(exchange, [*inspections, *many])
    await driver.run_stage("a")
    assert await longest_part(driver.run_stage("i")) < 0.4
    assert len(await told(exchange, "i1")) == 1


async def test_all_reports_go_to_one_shard_each_once_for_every_object_named(scoring):
    exchange, driver = await begun(scoring)
    await accept(exchange, [retracted(THREE[2])])
    await driver.run()
    await accept(exchange, [THREE[2], corrected(THREE[2], 2, taxpayer="t7")])
    await driver.run()
    await accept(exchange, [corrected(THREE[2], 3, taxpayer="t8")])
    await driver.run()
    async with exchange.reading() as tx:
        records = await tx.read("scoring.findings", INCIDENTS_SHARD, 0, 1_000)
        rows = await tx.execute("SELECT object, count(*) AS n FROM dossier_reports GROUP BY object")
    assert len(records) == 12
    assert {row.object: row.n for row in rows} == {"t1": 4, "t7": 4, "t8": 4}
