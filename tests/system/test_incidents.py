"""Incidents through the running platform while scoring is killed: one problem of three sources in three groups.

In every round scoring dies while the reports come, each round in another order; each unit concerned loses what
the scheme says, once, and less with every report that is revoked. A person decides what was found on the same
day; what was found before an inspection ended, or of a year that was not inspected, costs no one else.
"""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from campaign.checker.incidents import incidents
from tests.scoring.incidents import TYPES, corrected, finding, inspection, retracted, scheme
from tests.system.rig import Event, Rig, platform, until
from tests.system.test_late_days import command, rebuilt

pytestmark = [pytest.mark.system, pytest.mark.kafka, pytest.mark.long]

ROUNDS = 3
LINKED = {"d1": "1", "b1": "2", "i1": "2"}
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
        await running.adopt_scheme(scheme())
        yield running


def reported(at: int) -> list[Event]:
    """One problem of a taxpayer as three sources tell of it, and the inspection that found nothing before.

    The petition is below the gate, so that it costs the bureau its own points alone.
    """
    about = {"taxpayer": f"t{at}", "severity": 1}
    highest = finding(f"patrol{at}", "patrol", points="3", time="2021-05-04", source="t", **about)
    petition = finding(
        f"petition{at}", "petition", points="1.5", time="2021-04-02", source="t", taxpayer=f"t{at}"
    )
    return [
        inspection(f"i{at}", started="2021-01-11", ended="2021-02-28", taxpayer=f"t{at}"),
        finding(f"audit{at}", "audit", points="2", **about),
        petition,
        highest,
        corrected(highest, points="2.5"),
        corrected(highest, 2, points="3"),
    ]


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
    for at in range(ROUNDS):
        events = chance.sample(reported(at), len(reported(at)))
        sent += events
        for begin in range(0, len(events), 2):
            await rig.send(events[begin : begin + 2])
            if begin == 2:
                await rig.kill(["scoring"])
    for at in range(ROUNDS):
        await lost(rig, f"t{at}~vat~2019", {"d1": "1.000000", "b1": "3.000000", "i1": "2.000000"})
    await worth(rig, "2021-05/b1/patrol", f"{10 - 3 * ROUNDS:.2f}")
    await worth(rig, "2021/d1/department_linked", f"{40 - ROUNDS:.2f}")
    await worth(rig, "2021/i1/inspectorate_linked", f"{40 - 2 * ROUNDS:.2f}")
    sent += await revoked(rig, [retracted(reported(at)[3], 3) for at in range(ROUNDS)])
    for at in range(ROUNDS):
        await lost(rig, f"t{at}~vat~2019", {"d1": "1.000000", "b1": "2.000000", "i1": "2.000000"})
    await worth(rig, "2021-05/b1/patrol", "10.00")
    sent += await revoked(rig, [retracted(reported(at)[1]) for at in range(ROUNDS)])
    for at in range(ROUNDS):
        await lost(rig, f"t{at}~vat~2019", {"b1": "1.500000"})
    await worth(rig, "2021-04/b1/petition", f"{10 - 1.5 * ROUNDS:.2f}")
    await worth(rig, "2021/d1/department_linked", "40.00")
    same = [inspection("i9", started="2021-01-11", ended="2021-03-10", taxpayer="t9"), asked("t9")]
    sent += same + spared()
    for events in (spared()[:2], same + spared()[2:]):
        await rig.send(events)
    await decided_by_a_person(rig)
    assert await rig.faults(sent) == {}
    await lost(rig, "t7~vat~2019", {"b1": "0.100000"})
    await lost(rig, "t8~vat~2021", {"b1": "0.100000"})
    await worth(rig, "2021/i1/inspectorate_linked", "38.00")
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
    await lost(rig, "t9~vat~2019", {unit: f"{points}.000000" for unit, points in LINKED.items()})

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
    assert [listed.count(f"t{at}~vat~2019") for at in (0, 9)] == [1, 1]
    told = await command(rig, "incidents", "show", "t0~vat~2019")
    assert "扣分·恢复" in told
    assert "patrol0r3" in told
    explained = await command(rig, "explain", "mini", "i1", "inspectorate_linked", "2021-03")
    assert "incident t9~vat~2019" in explained
    assert "role inspectorate" in explained
