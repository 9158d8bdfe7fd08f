"""Incidents through the running platform while scoring is killed: one problem of three sources in three groups.

Every order of the three reports and the inspection before them is that of one taxpayer, 24 in all; in every
round scoring dies while the reports come. Each unit concerned loses what the scheme says, once, and less with
every report that is revoked. A person decides what was found on the same day; what was found before an inspection
ended, or of a year that was not inspected, costs no one else.
"""

import random
from collections.abc import AsyncIterator
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from campaign.checker.incidents import incidents
from tests.scoring.incidents import TYPES, corrected, finding, inspection, retracted, scheme
from tests.scoring_domain.incidents import INCIDENTS
from tests.system.rig import Event, Rig, command, platform, rebuilt, until

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

ORDERS = list(permutations(range(4)))
ROUNDS = 3
IN_ROUND = len(ORDERS) // ROUNDS
LINKED = {"d1": "0.1", "b1": "0.2", "i1": "0.2"}
DAMAGE = (
    (
        "UPDATE scoring.derived SET body = convert_to(replace(convert_from(body, 'UTF8'), 'counted', 'revived'), "
        "'UTF8') WHERE stream = 'scoring.deductions'"
    ),
    "DELETE FROM scoring.derived_places WHERE over = 'decided:incidents'",
    "UPDATE scoring.partials SET numbers = replace(numbers, '2', '3') WHERE over = 'decided:incidents'",
    "UPDATE scoring.schemes SET document = jsonb_set(document, '{incidents,triggers}', '[]')",
)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    async with platform() as running:
        await running.adopt_types(TYPES)
        await running.adopt_scheme(scheme(tenths()))
        yield running


def tenths() -> dict[str, Any]:
    """Return rules whose roles lose a tenth of what they usually do, so that no floor is met."""
    triggers = [
        trigger
        | {
            "roles": {
                role: loss | {"points": str(Decimal(loss["points"]) / 10)}
                for role, loss in trigger["roles"].items()
            }
        }
        for trigger in INCIDENTS["triggers"]
    ]
    return INCIDENTS | {"triggers": triggers}


def reported(at: int) -> list[Event]:
    """One problem of a taxpayer as three sources tell of it, and the inspection that found nothing before.

    The petition is below the gate, so that it costs the bureau its own points alone.
    """
    taxpayer = f"p{at}"
    about = {"taxpayer": taxpayer, "severity": 1}
    highest = finding(f"patrol{at}", "patrol", points="0.3", time="2021-05-04", source="t", **about)
    return [
        inspection(f"i-p{at}", started="2021-01-11", ended="2021-02-28", taxpayer=taxpayer),
        finding(f"audit{at}", "audit", points="0.2", **about),
        finding(f"petition{at}", "petition", points="0.15", time="2021-04-02", source="t", taxpayer=taxpayer),
        highest,
        corrected(highest, points="0.25"),
        corrected(highest, 2, points="0.3"),
    ]


def in_order(at: int, chance: random.Random) -> list[Event]:
    """Return the reports of a taxpayer in its order, with corrections anywhere between."""
    *reports, first, second = reported(at)
    told = [reports[place] for place in ORDERS[at]]
    for correction in (first, second):
        told.insert(chance.randint(0, len(told)), correction)
    return told


def asked(name: str, **years: int) -> Event:
    """A problem of a taxpayer that another department discovered on 10 March."""
    return finding(f"f{name}", points="0.1", severity=1, taxpayer=name, finder="d9", **years)


def spared() -> list[Event]:
    """Problems that an inspection should not have found: it went on, or was of other years.

    Their reports come after the inspections.
    """
    return [
        inspection("i7", taxpayer="t7"),
        inspection("i8", started="2021-01-11", ended="2021-02-28", taxpayer="t8"),
        asked("t7"),
        asked("t8", first_year=2021, last_year=2021),
    ]


async def test_three_sources_in_any_order_cost_each_unit_once_whatever_dies(rig: Rig) -> None:
    chance = random.Random(7)
    sent: list[Event] = []
    problems = range(len(ORDERS))
    for begin in range(0, len(ORDERS), IN_ROUND):
        told = [in_order(at, chance) for at in problems[begin : begin + IN_ROUND]]
        for place, events in enumerate(zip(*told, strict=True)):
            sent += events
            await rig.send(list(events))
            if place == 2:
                await rig.kill(["scoring"])
    for at in problems:
        await lost(rig, f"p{at}~vat~2019", {"d1": "0.100000", "b1": "0.300000", "i1": "0.200000"})
    await worth(rig, "2021-05/b1/patrol", "2.80")
    await worth(rig, "2021/d1/department_linked", "37.60")
    await worth(rig, "2021/i1/inspectorate_linked", "35.20")
    sent += await revoked(rig, [retracted(reported(at)[3], 3) for at in problems])
    for at in problems:
        await lost(rig, f"p{at}~vat~2019", {"d1": "0.100000", "b1": "0.200000", "i1": "0.200000"})
    await worth(rig, "2021-05/b1/patrol", "10.00")
    sent += await revoked(rig, [retracted(reported(at)[1]) for at in problems])
    for at in problems:
        await lost(rig, f"p{at}~vat~2019", {"b1": "0.150000"})
    await worth(rig, "2021-04/b1/petition", "6.40")
    await worth(rig, "2021/d1/department_linked", "40.00")
    same = [inspection("i9", started="2021-01-11", ended="2021-03-10", taxpayer="t9"), asked("t9")]
    sent += same + spared()
    for events in (spared()[:2], same + spared()[2:]):
        await rig.send(events)
    await decided_by_a_person(rig)
    assert await rig.faults(sent) == {}
    await lost(rig, "t7~vat~2019", {"b1": "0.100000"})
    await lost(rig, "t8~vat~2021", {"b1": "0.100000"})
    await worth(rig, "2021/i1/inspectorate_linked", "39.80")
    await every_damage_is_seen(rig)
    await shown(rig)
    assert await rebuilt(rig) == ("same", [])


async def revoked(rig: Rig, events: list[Event]) -> list[Event]:
    """Kill scoring, then send revocations; return them."""
    await rig.kill(["scoring"])
    await rig.send(events)
    return events


async def lost(rig: Rig, incident: str, wanted: dict[str, str]) -> None:
    """Wait until an incident costs its units this, and no other."""

    async def there() -> bool:
        answer = await rig.ask("GET", "scoring", f"/v1/incidents/{incident}", "reader")
        if answer.status_code == 404:
            return False
        assert answer.status_code == 200, answer.text
        return {one["unit"]: one["points"] for one in answer.json()["lost"]} == wanted

    await until(there)


async def worth(rig: Rig, cell: str, published: str) -> None:
    async def there() -> bool:
        found = await rig.get("scoring", f"/v1/cells/{cell}", scheme="mini")
        return found["figure"]["published"] == published

    await until(there)


async def decided_by_a_person(rig: Rig) -> None:
    """What was discovered on the day on which the inspection ended costs nobody until a person says so."""
    await lost(rig, "t9~vat~2019", {"b1": "0.100000"})
    (line,) = (await rig.get("scoring", "/v1/incidents", waiting="true"))["items"]
    (question,) = line["waiting"]
    assert (line["id"], question["why"]) == ("t9~vat~2019", "same_day")
    told = {name: question[name] for name in ("finding", "trigger", "inspection")}
    await rig.kill(["scoring"])
    body: dict[str, Any] = told | {"ruling": "apply", "reason": "上午已办结"}
    await rig.post("scoring", "/v1/incidents/t9~vat~2019:decide", "operator", body)
    await rig.kill(["scoring"])
    await lost(rig, "t9~vat~2019", {unit: f"{points}00000" for unit, points in LINKED.items()})

    async def nothing_waits() -> bool:
        return (await rig.get("scoring", "/v1/incidents", waiting="true"))["items"] == []

    await until(nothing_waits)


async def every_damage_is_seen(rig: Rig) -> None:
    """Alter what is kept in a transaction that is rolled back; the checker tells of each."""
    database = await rig.database()
    try:
        assert await incidents(database) == []
        for damage in DAMAGE:
            transaction = database.transaction()
            await transaction.start()
            assert not (await database.execute(damage)).endswith(" 0"), damage
            assert await incidents(database) != [], damage
            await transaction.rollback()
    finally:
        await database.close()


async def shown(rig: Rig) -> None:
    """The command line lists, shows and explains."""
    listed = await command(rig, "incidents", "list", "--unit", "b1")
    assert [listed.count(one) for one in ("p23~vat~2019", "t9~vat~2019")] == [1, 1]
    told = await command(rig, "incidents", "show", "p0~vat~2019")
    assert "扣分·恢复" in told
    assert "patrol0r3" in told
    explained = await command(rig, "explain", "mini", "i1", "inspectorate_linked", "2021-03")
    assert "问题 t9~vat~2019" in explained
    assert "责任 特派办" in explained
