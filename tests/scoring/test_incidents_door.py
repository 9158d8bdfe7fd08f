"""The door of incidents: who says what, what it costs whom and why, and what persons rule."""

from contextlib import asynccontextmanager

import pytest

from services.scoring.api import cells_router
from services.scoring.incident_api import incidents_router, rulings_router
from services.scoring.rise_api import rises_router
from tests.scoring.doors import Served
from tests.scoring.incidents import (
    accept,
    begun,
    corrected,
    finding,
    inspection,
    lost,
    retracted,
    scheme,
)
from tests.scoring.test_incidents import LINKED, THREE, asked, settled
from tests.scoring.test_stages import scoring

__all__ = ["scoring"]
ID = "t1~vat~2019"
SAME = inspection("i", started="2021-01-11", ended="2021-03-10")
QUESTION = {
    "finding": {"source": "s", "id": "f"},
    "trigger": "b",
    "inspection": {"source": "s", "id": "i"},
}


class Door:
    def __init__(self, client, mint):
        self.client = client
        self._mint = mint

    async def ask(self, method, path, *, unit="/", role="operator", name="li", **more):
        headers = {"authorization": f"Bearer {self._mint(unit, role, name)}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def got(self, path, status=200, *, below="/", role="operator", **query):
        answer = await self.ask("GET", path, unit=below, role=role, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def act(self, act, body, status=200, *, incident=ID, **who):
        path = f"/v1/incidents/{incident}:{act}"
        answer = await self.ask("POST", path, json=body, **who)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def door(tmp_path):
    served = Served(tmp_path, incidents_router, rises_router, rulings_router, cells_router)

    @asynccontextmanager
    async def opened(exchange):
        async with served.client(exchange) as client:
            yield Door(client, lambda unit, role, name: served.mint(name, [role], unit))

    return opened


def states(answer):
    return {(one["unit"], one["role"], one["finding"]["id"]): one["state"] for one in answer["deductions"]}


async def test_an_incident_shows_its_sources_its_deductions_with_their_state_and_its_history(scoring, door):
    says_no = finding("p", "petition", status="dropped", source="t", finder="petition")
    exchange, driver = await settled(scoring, *THREE, says_no)
    await accept(exchange, [retracted(THREE[2])])
    await driver.run()
    async with door(exchange) as client:
        found = await client.got(f"/v1/incidents/{ID}")
    assert (found["stage"], found["contradicted"], found["problem"]) == ("confirmed", True, ID)
    assert {one["id"]: one["stance"] for one in found["reports"]} == {
        "f2": "corroborates",
        "f15": "corroborates",
        "f3": "withdrawn",
        "p": "contradicts",
    }
    assert states(found) == {("b1", "own", "f2"): "revived", ("b1", "own", "f15"): "suppressed"}
    assert found["lost"] == [{"unit": "b1", "role": "own", "points": "2.000000"}]
    suppressed = next(one for one in found["deductions"] if one["state"] == "suppressed")
    assert suppressed["suppressed_by"] == {"source": "s", "id": "f2"}
    assert [(one["what"], one["id"], one["says"]) for one in found["history"]][-1] == (
        "finding",
        "f3r1",
        "withdrawn (revision 1)",
    )


async def test_department_bureau_and_inspectorate_are_shown_in_their_roles(scoring, door):
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    exchange, _ = await settled(scoring, early, asked())
    async with door(exchange) as client:
        found = await client.got(f"/v1/incidents/{ID}")
        (line,) = (await client.got("/v1/incidents"))["items"]
    assert {(one["unit"], one["role"], one["points"]) for one in line["lost"]} == {
        ("d1", "department", "1.000000"),
        ("b1", "bureau", "2.000000"),
        ("i1", "inspectorate", "2.000000"),
    }
    assert line == {name: found[name] for name in line}
    assert [one["id"] for one in found["inspections"]] == ["i"]


async def test_what_waits_for_a_person_is_listed_decided_once_and_can_be_decided_anew(scoring, door):
    exchange, driver = await settled(scoring, asked(), SAME)
    async with door(exchange) as client:
        (line,) = (await client.got("/v1/incidents", waiting=True))["items"]
        assert line["waiting"] == [QUESTION | {"why": "same_day"}]
        applied = await client.act("decide", QUESTION | {"ruling": "apply", "reason": "上午已办结"})
        assert applied["waiting"] == []
        again = await client.act("decide", QUESTION | {"ruling": "apply", "reason": "again"})
        assert again["history"] == applied["history"]
        assert [(one["by"], one["reason"]) for one in again["history"] if one["what"] == "apply"] == [
            ("li", "上午已办结")
        ]
        await driver.run()
        assert await lost(exchange) == LINKED
        assert (await client.got("/v1/incidents", waiting=True))["items"] == []
        await client.act("decide", QUESTION | {"ruling": "dismiss", "reason": "误判"})
        await driver.run()
    assert await lost(exchange) == {
        cell: points for cell, points in (await lost(exchange)).items() if cell[2] == "audit"
    }
    async with exchange.reading() as tx:
        rows = await tx.execute(
            "SELECT actor, action, detail FROM audit WHERE action LIKE '% incident' ORDER BY 1, 2"
        )
    assert {(row.actor, row.action, row.detail) for row in rows} >= {
        ("li", "apply incident", ID),
        ("li", "dismiss incident", ID),
    }


async def test_what_nobody_asks_cannot_be_decided(scoring, door):
    exchange, _ = await settled(scoring, asked(), SAME)
    other = QUESTION | {"trigger": "a", "ruling": "apply", "reason": "r"}
    async with door(exchange) as client:
        assert (await client.act("decide", other, 409))["code"] == "not_waiting"
        await client.act("decide", other, 404, incident="t1~vat~2018")
        await client.act("decide", QUESTION | {"ruling": "maybe", "reason": "r"}, 422)
        await client.act("decide", QUESTION | {"ruling": "apply", "reason": ""}, 422)
        await client.act("decide", other, 403, role="reader")


async def test_a_role_that_nobody_has_is_mended_in_the_scheme_and_not_ruled(scoring, door):
    document = scheme()
    document["incidents"]["contents"] = {"export": "d2"}
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    exchange, _ = await settled(scoring, asked(), early, document=document)
    async with door(exchange) as client:
        (line,) = (await client.got("/v1/incidents"))["items"]
        assert [one["why"] for one in line["waiting"]] == ["no_department"]
        refused = await client.act("decide", QUESTION | {"ruling": "apply", "reason": "r"}, 409)
        assert refused["code"] == "cannot_apply"
        dismissed = await client.act("decide", QUESTION | {"ruling": "dismiss", "reason": "r"})
    assert dismissed["waiting"] == []


async def test_incidents_are_joined_and_parted_by_a_person(scoring, door):
    exchange, driver = await settled(scoring, THREE[0], finding("f9", points="1", taxpayer="t9"))
    other = {"other": "t9~vat~2019", "reason": "同一纳税人"}
    async with door(exchange) as client:
        joined = await client.act("join", other)
        assert joined["together"] == [ID, "t9~vat~2019"]
        await driver.run()
        assert (await client.got("/v1/incidents/t9~vat~2019"))["problem"] == ID
        assert (await client.act("join", {"other": ID, "reason": "r"}, 422))["code"] == "same_incident"
        await client.act("join", {"other": "t8~vat~2019", "reason": "r"}, 404)
        assert (await client.act("part", other))["together"] == [ID]
        assert (await client.act("part", other, 409))["code"] == "not_joined"


async def test_who_reads_sees_his_own_and_who_rules_stands_above_all(scoring, door):
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    exchange, _ = await settled(scoring, early, asked())
    async with door(exchange) as client:
        own = await client.got(f"/v1/incidents/{ID}", below="/hq/b1")
        assert {one["unit"] for one in own["deductions"]} == {one["unit"] for one in own["lost"]} == {"b1"}
        await client.got(f"/v1/incidents/{ID}", 404, below="/hq/b2")
        assert (await client.got("/v1/incidents", below="/hq/b2"))["items"] == []
        body = QUESTION | {"ruling": "dismiss", "reason": "r"}
        assert (await client.act("decide", body, 403, unit="/hq/b1"))["code"] == "forbidden"
        await client.act("decide", body, 404, unit="/hq/b2")
        assert (await client.act("decide", body, 409, unit="/hq"))["code"] == "not_waiting"


async def test_lists_are_filtered_and_paged(scoring, door):
    more = [finding(f"x{at}", taxpayer=f"t{at}", content="export", points="1") for at in range(2, 7)]
    exchange, _ = await settled(scoring, THREE[0], *more, finding("a", status="alleged", taxpayer="t8"))
    async with door(exchange) as client:
        first = await client.got("/v1/incidents", limit=4)
        rest = await client.got("/v1/incidents", limit=4, after=first["next"])
        assert len({one["id"] for one in (*first["items"], *rest["items"])}) == 7
        assert rest["next"] is None
        assert [one["id"] for one in (await client.got("/v1/incidents", stage="alleged"))["items"]] == [
            "t8~vat~2019"
        ]
        assert len((await client.got("/v1/incidents", content="export"))["items"]) == 5
        assert len((await client.got("/v1/incidents", unit="b1", year=2019, object="t1"))["items"]) == 1
        assert (await client.got("/v1/incidents", year=2018))["items"] == []
        await client.got("/v1/incidents", 422, after=first["next"], stage="alleged")


async def test_what_cannot_be_judged_is_listed_until_it_is_corrected(scoring, door):
    rumour = finding("r", status="rumour")
    exchange, driver = await settled(scoring, rumour)
    async with door(exchange) as client:
        assert (await client.got("/v1/unread-reports"))["items"] == [
            {"object": "t1", "source": "s", "id": "r", "why": "status"}
        ]
        await accept(exchange, [corrected(rumour, status="alleged")])
        await driver.run()
        assert (await client.got("/v1/unread-reports"))["items"] == []


async def test_explain_names_the_incident_its_role_and_the_finding(scoring, door):
    early = inspection("i", started="2021-01-11", ended="2021-02-28")
    exchange, _ = await settled(scoring, early, asked())
    async with door(exchange) as client:
        linked = await client.got("/v1/cells/2021-03/i1/inspectorate_linked/explain", scheme="mini")
        own = await client.got("/v1/cells/2021-03/b1/audit/explain", scheme="mini")
        none = await client.got("/v1/cells/2021-03/b2/audit/explain", scheme="mini")
    assert linked["formula"]["with_numbers"] == "max(0, 40 − 2) = 38.00"
    (row,) = linked["rows"]
    assert (row["counted"], row["numerator"], row["columns"]) == (
        True,
        "2",
        {
            "incident": ID,
            "role": "inspectorate",
            "finding": "s/f",
            "state": "counted",
            "points": "2",
            "trigger": "b",
            "inspection": "s/i",
            "suppressed_by": None,
            "test": None,
            "corroborated_by": "d9",
            "contradicted_by": None,
        },
    )
    (row,) = own["rows"]
    assert (row["counted"], row["reason"], row["numerator"]) == (False, "suppressed", "0")
    assert (row["columns"]["state"], row["columns"]["suppressed_by"]) == ("suppressed", "s/f")
    assert none["rows"] == []


async def test_explain_tells_beside_a_deduction_who_corroborates_it_and_who_contradicts_it(scoring, door):
    says_no = finding("p", "petition", status="dropped", source="t", finder="petition")
    asks = finding("q", "patrol", status="alleged", source="t", finder="patrol")
    exchange, driver = await settled(scoring, THREE[0], says_no, asks)
    async with door(exchange) as client:
        (row,) = (await client.got("/v1/cells/2021-03/b1/audit/explain", scheme="mini"))["rows"]
        said = row["columns"]["corroborated_by"], row["columns"]["contradicted_by"]
        assert said == ("d9, patrol", "petition")
        (line,) = (await client.got("/v1/incidents"))["items"]
        assert (line["corroborated_by"], line["contradicted_by"]) == (["d9", "patrol"], ["petition"])
        await accept(exchange, [retracted(says_no)])
        await driver.run()
        (row,) = (await client.got("/v1/cells/2021-03/b1/audit/explain", scheme="mini"))["rows"]
        assert row["columns"]["contradicted_by"] is None


async def test_nothing_is_there_before_anything_came(scoring, door):
    exchange, _ = await begun(scoring)
    async with door(exchange) as client:
        assert await client.got("/v1/incidents") == {"items": [], "next": None}
        await client.got(f"/v1/incidents/{ID}", 404)
        await client.got("/v1/incidents/what", 422)
