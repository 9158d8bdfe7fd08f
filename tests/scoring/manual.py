"""A small administration whose department gives points and values by hand, with its door and stages."""

import copy
import hashlib
from contextlib import asynccontextmanager
from functools import partial

import pytest

from services.scoring.api import cells_router
from services.scoring.contract import ACCEPTED, POINTS, SCHEMES
from services.scoring.request_api import requests_router, steps_router
from services.scoring.stage_a import StageA
from tests.scoring import test_stages
from tests.scoring.doors import Served
from tests.scoring.test_stages import SCHEME, Driver

CELL = {"scheme": "mini", "unit": "b1", "indicator": "conduct", "month": "2021-03"}


def scheme(**head):
    """Return a scheme with an indicator of 4 points that persons take from, and two that they give values."""
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= {"total": "36"} | head
    document["boards"][0]["points"] = "36"
    document["units"].append({"code": "d1", "parent": "hq", "name": "D1", "level": "department"})
    document["measures"] |= {
        "conduct": {"manual": "points"},
        "marks": {"manual": "value"},
        "praise": {"manual": "value"},
    }
    own = document["indicators"][1] | {"assessor": "d1", "collection": "manual"}
    document["indicators"] += [
        own | one | {"name": one["code"], "measure": one["code"]}
        for one in (
            {"code": "conduct", "points": "4", "method": {"deduct": {}}},
            {"code": "marks", "points": "6", "method": {"target": {"target": "90"}}},
            {"code": "praise", "points": "6", "method": {"target": {"target": "2"}}, "cycle": "quarter"},
        )
    ]
    return document


def evidence(name="notice.pdf"):
    return {"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}


def request(points="0.5", *, file="notice.pdf", **more):
    told = CELL | {"points": points, "reason": "未按要求整改", "evidence": evidence(file)} | more
    return {name: value for name, value in told.items() if value is not None}


def value(amount="81", *, indicator="marks", **more):
    return request(None, value=amount, indicator=indicator, **more)


class WithPersons(Driver):
    """Runs the stages over events and what persons gave."""

    def __init__(self, exchange, done=()):
        super().__init__(exchange, done)
        self.stages[0] = "a", StageA(), (ACCEPTED, SCHEMES, POINTS)


async def begun(scoring, *, adopted=True, document=None):
    return await test_stages.begun(scoring, (document or scheme()) if adopted else None, driven=WithPersons)


class Door:
    """The door, asked by persons of the development issuer."""

    def __init__(self, client, mint):
        self.client = client
        self._mint = mint

    async def ask(self, method, path, who="zhao", role="author", unit="/hq/d1", **more):
        headers = {"authorization": f"Bearer {self._mint(who, role, unit)}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def got(self, path, status=200, *, who="zhao", role="reader", below="/", **query):
        answer = await self.ask("GET", path, who, role, below, params=query)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path, body, status, *, who, role, unit="/hq/d1"):
        answer = await self.ask("POST", path, who, role, unit, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def request(self, body, status=201, *, who="zhao", role="author", unit="/hq/d1"):
        return await self.post("/v1/points-requests", body, status, who=who, role=role, unit=unit)

    async def step(self, id_, step, status=200, *, who="qian", role=None, unit="/hq/d1", reason="属实"):
        role = role or ("author" if step == "withdraw" else "approver")
        path = f"/v1/points-requests/{id_}:{step}"
        return await self.post(path, {"reason": reason}, status, who=who, role=role, unit=unit)

    async def give(self, body, *, who="zhao", second="qian"):
        asked = await self.request(body, who=who)
        return await self.step(asked["id"], "approve", who=second)

    async def take_back(self, id_, *, who="zhao", second="qian"):
        await self.step(id_, "withdraw", who=who, reason="误报")
        return await self.step(id_, "approve", who=second)


def door_of(folder, *routers, replay=False):
    """Return a context that opens the door over an exchange."""
    served = Served(folder, partial(requests_router, replay=replay), steps_router, cells_router, *routers)

    @asynccontextmanager
    async def opened(exchange):
        async with served.client(exchange) as client:
            yield Door(client, lambda who, role, unit: served.mint(who, [role], unit))

    return opened


@pytest.fixture
def door(tmp_path):
    return door_of(tmp_path)
