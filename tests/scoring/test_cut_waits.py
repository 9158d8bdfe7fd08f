"""What the cut of a period waits for is seen: shards that have not passed T, then streams step by step."""

from datetime import timedelta

from services.scoring.contract import CONSUMER_A, CONSUMER_B, PARTIALS, POINTS, SCHEMES
from services.scoring.cut_api import cuts_router
from shared.kernel import instants
from shared.kernel.records import Draft
from shared.kernel.shards import SHARDS
from tests.scoring.cuts import GROUP_SHARD, T, begun, made, scheme
from tests.scoring.doors import Served
from tests.scoring.test_stages import scoring

__all__ = ["scoring"]
A_SECOND = timedelta(seconds=1)


class Door:
    """What one sees of the cuts of a scheme."""

    def __init__(self, folder, exchange):
        self._served, self._exchange = Served(folder, cuts_router), exchange

    async def asked(self, code="mini", role="reader"):
        token = self._served.mint("ann", [role])
        async with self._served.client(self._exchange, token) as client:
            return await client.get(f"/v1/cuts/{code}")

    async def behind(self):
        """Return of each period the shards that have yet to pass its own T."""
        return {one["period"]: one["shards"] for one in (await self.asked()).json()["cuts"]}

    async def waits(self):
        """Return the periods at each step with what they wait for, and the shards that are behind."""
        answer = await self.asked()
        assert answer.status_code == 200, answer.text
        found = answer.json()
        cuts = {one["period"]: (one["step"], one["waits"]) for one in found["cuts"]}
        return cuts, {one["shard"]: (one["ticked"], one["items"]) for one in found["shards"]}


async def test_a_cut_names_shards_then_streams_then_nothing(scoring, tmp_path):
    exchange, driver = await begun(scoring)
    door = Door(tmp_path, exchange)
    cuts, shards = await door.waits()
    assert cuts == {"2100-01": (0, [])}, "only the next T is of interest"
    assert shards == dict.fromkeys(range(SHARDS), (None, None))
    assert await door.behind() == {"2100-01": list(range(SHARDS))}

    await driver.tick(T - A_SECOND)
    await driver.run()
    await driver.settle()
    await driver.run()
    await driver.receive(made(2, T - A_SECOND))
    await driver.tick(T, range(1, SHARDS))
    await driver.run_stage("a")
    await driver.settle()
    ticked = instants.text(T - A_SECOND)
    cuts, shards = await door.waits()
    assert (cuts, shards) == ({"2100-03": (0, []), "2100-Q1": (0, [])}, {0: (ticked, ticked)})
    assert await door.behind() == {"2100-03": [0], "2100-Q1": [0]}

    await driver.tick(T, [0])
    await driver.run_stage("a")
    await driver.settle()
    cuts, shards = await door.waits()
    behind = [{"consumer": CONSUMER_B, "stream": PARTIALS, "shards": [GROUP_SHARD], "records": 1}]
    assert {period: cuts[period] for period in ("2100-03", "2100-Q1")} == dict.fromkeys(
        ("2100-03", "2100-Q1"), (4, behind)
    )
    assert set(cuts) == {"2100-03", "2100-Q1", "2100-04"}
    assert len(shards) == SHARDS, "none has passed the next T"
    assert await door.behind() == {"2100-03": [], "2100-Q1": [], "2100-04": list(range(SHARDS))}

    await driver.run_stage("b")
    await driver.settle()
    cuts, _ = await door.waits()
    assert cuts == {"2100-04": (0, [])}


async def test_a_cut_waits_for_what_persons_gave_as_far_as_it_reached_when_it_was_noted(scoring, tmp_path):
    exchange, driver = await begun(scoring)
    door = Door(tmp_path, exchange)
    await driver.tick(T)
    await driver.run_stage("a")
    async with exchange.begin(actor="test", action="give") as tx:
        await tx.append(POINTS, [Draft(5, b"{}")])
    await driver.settle(workers=1)
    cuts, _ = await door.waits()
    assert cuts["2100-Q1"] == (
        1,
        [{"consumer": CONSUMER_A, "stream": POINTS, "shards": [5], "records": 1}],
    )
    async with exchange.begin(actor="test", action="adopt") as tx:
        await tx.append(SCHEMES, [Draft(5, b"{}")])
    assert (await door.waits())[0]["2100-Q1"] == cuts["2100-Q1"]


async def test_of_a_scheme_without_cuts_there_is_nothing_to_see(scoring, tmp_path):
    exchange, _ = await begun(scoring, scheme(grace_days=None))
    door = Door(tmp_path, exchange)
    for code in ("mini", "other"):
        answer = await door.asked(code)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await door.asked(role="integrator")).status_code == 403
