"""The door of schemes: one digest, no race between drafting and adopting, numbers as large as they come."""

import asyncio
import copy

import pytest

from services.scoring import handlers
from services.scoring.api import adoption_router, measures_router, schemes_router
from services.scoring.consultation_api import consultation_router
from services.scoring.contract import SCHEMES, SchemeAdopted
from services.scoring.scheme_api import comparing_router
from shared.contracts import envelope
from shared.kernel.canonical import digest_hex
from tests.scoring.doors import Served
from tests.scoring.test_stages import SCHEME, Driver, scoring, teach

__all__ = ["scoring"]
WAIT_S = 10
HUGE = 10**30
ROUTERS = (schemes_router, adoption_router, comparing_router, consultation_router, measures_router)
AUTHOR, APPROVER = ("ada", ["author"]), ("bob", ["approver"])


@pytest.fixture
def door(tmp_path):
    served = Served(tmp_path, *ROUTERS)

    def opened(exchange, person, unit="/"):
        return served.client(exchange, served.mint(*person, unit))

    return opened


@pytest.fixture
async def taught(scoring):
    exchange = await scoring()
    await teach(exchange)
    await Driver(exchange).run()
    return exchange


def changed(**head):
    document = copy.deepcopy(SCHEME)
    document["scheme"] |= head
    return document


async def told(exchange):
    async with exchange.reading() as tx:
        (record,) = await tx.read(SCHEMES, 0, 0, 10)
    return envelope.decode_data(envelope.decode(record.body), SchemeAdopted)


async def test_a_scheme_has_one_digest_wherever_it_is_shown(taught, door):
    async with door(taught, AUTHOR) as client:
        answer = await client.post("/v1/schemes", json=SCHEME)
        (drafted,) = (await client.get("/v1/schemes")).json()["items"]
        assert (answer.status_code, answer.json()["digest"]) == (201, drafted["digest"])
    async with door(taught, APPROVER) as client:
        body = {"digest": drafted["digest"]}
        assert (await client.post("/v1/schemes/mini/1:adopt", json=body)).status_code == 200
        (listed,) = (await client.get("/v1/schemes")).json()["items"]
        shown = (await client.get("/v1/schemes/mini/1")).json()
    event = await told(taught)
    assert {drafted["digest"], listed["digest"], event.digest, digest_hex(event.document)} == {
        digest_hex(shown)
    }


async def test_what_was_redrafted_since_it_was_read_is_not_adopted(taught, door):
    """The approver says which content they read (approve after edit)."""
    async with door(taught, AUTHOR) as client:
        await client.post("/v1/schemes", json=SCHEME)
        read = (await client.get("/v1/schemes/mini/1")).headers["etag"].strip('"')
        await client.post("/v1/schemes", json=changed(title="Redrafted"))
    async with door(taught, APPROVER) as client:
        refused = await client.post("/v1/schemes/mini/1:adopt", json={"digest": read})
        assert (refused.status_code, refused.json()["code"]) == (409, "digest_changed")
        assert (await client.post("/v1/schemes/mini/1:adopt")).status_code == 422
        again = (await client.get("/v1/schemes/mini/1")).headers["etag"].strip('"')
        assert (await client.post("/v1/schemes/mini/1:adopt", json={"digest": again})).status_code == 200


async def test_a_redraft_and_an_adoption_wait_for_each_other(taught):
    """The adoption begins while a redraft is not yet committed: what it tells is what is stored."""
    async with taught.begin(actor="ada", action="draft") as tx:
        await handlers.draft_scheme(tx, SCHEME, "ada")

    async def adopt():
        async with taught.begin(actor="bob", action="adopt") as tx:
            await handlers.adopt_scheme(tx, "mini", 1, "bob")

    async with (
        asyncio.timeout(WAIT_S),
        asyncio.TaskGroup() as group,
        taught.begin(actor="ada", action="draft") as tx,
    ):
        await handlers.draft_scheme(tx, changed(title="Redrafted"), "ada")
        (mine,) = await tx.execute("SELECT pg_backend_pid() AS pid")
        group.create_task(adopt())
        waiting = ()
        while not waiting:
            waiting = await tx.execute(
                "SELECT 1 FROM pg_locks WHERE :pid = ANY(pg_blocking_pids(pid))", pid=mine.pid
            )
    async with taught.reading() as tx:
        (stored,) = await tx.execute("SELECT document, digest FROM schemes")
    event = await told(taught)
    assert (event.document, event.digest) == (stored.document, stored.digest)
    assert event.document["scheme"]["title"] == "Redrafted"


@pytest.mark.parametrize("version", [HUGE, 1 << 31, 0, -1, "1.5", "x"])
async def test_a_version_that_no_scheme_can_have_is_a_problem(taught, door, version):
    async with door(taught, APPROVER) as client:
        answers = [
            await client.get(f"/v1/schemes/mini/{version}"),
            await client.post(f"/v1/schemes/mini/{version}:adopt", json={"digest": "0" * 64}),
            await client.get(f"/v1/measures/mini/{version}/2021-03/b1"),
        ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


@pytest.mark.parametrize("text", ["1; DROP TABLE facts", "pg_sleep(60)", "__import__('os')", "sum(1 / 0)"])
async def test_a_hostile_measure_is_a_finding_at_its_place_and_no_draft(taught, door, text):
    document = copy.deepcopy(SCHEME)
    document["measures"]["ontime"]["numerator"] = text
    async with door(taught, AUTHOR) as client:
        answer = await client.post("/v1/schemes", json=document)
        drafts = (await client.get("/v1/schemes")).json()["items"]
    found = [(one["path"], one["code"]) for one in answer.json()["findings"]]
    assert (answer.status_code, answer.json()["code"]) == (422, "scheme_refused")
    assert (found, drafts) == ([("/measures/ontime/numerator", "expression")], [])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("scheme", "version"), HUGE),
        (("scheme", "version"), 1 << 31),
        (("measures", "ontime", "version"), HUGE),
        (("ranking",), {"minimum_volume": {"measure": "ontime", "at_least": HUGE}}),
    ],
)
async def test_a_huge_number_in_a_scheme_is_a_problem(taught, door, path, value):
    document = copy.deepcopy(SCHEME)
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    async with door(taught, AUTHOR) as client:
        assert (await client.post("/v1/schemes", json=document)).status_code in {400, 422}
