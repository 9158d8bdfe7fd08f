"""What is folded at once leaves the state that folding case by case leaves, whatever comes in which batches."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.scoring import arriving, stage_a
from services.scoring.contract import ACCEPTED, SCHEMES
from services.scoring.stage_a import StageA
from shared.kernel.shards import shard_of
from tests.scoring.test_stages import SCHEME, TYPES, Driver, accept, adopt, scoring, teach

__all__ = ["scoring"]


def types():
    found = copy.deepcopy(TYPES)
    plain = {"title": "A visit", "case": "optional", "fields": {"good": {"type": "boolean"}}}
    found["types"]["visit.made.v1"] = plain | {"fields": plain["fields"] | {"until": {"type": "time"}}}
    return found


def scheme(version, *, units=("b1", "b2"), kept="good", months=("2021-01", "2021-06")):
    found = copy.deepcopy(SCHEME)
    found["scheme"] |= {"version": version, "effective": months[0], "until": months[1]}
    found["units"] = [one for one in found["units"] if one["code"] in {"hq", *units}]
    found["views"] = {
        "stay": {
            "events": ["visit.made.v1", "risk.missed.v1"],
            "columns": {
                "unit": {"first": "subject", "of": "visit.made.v1"},
                "came": {"first": "time", "of": "visit.made.v1"},
                "went": {"last": "until", "of": "visit.made.v1"},
                "missed": {"count": "*", "of": "risk.missed.v1", "where": "time >= stay.came"},
            },
        }
    }
    visit = {"over": "visit.made.v1", "period_by": "time"}
    found["measures"] |= {
        "visits": visit
        | {"version": 1 if kept == "good" else 2}
        | {"numerator": f"count(*) FILTER (WHERE {kept})", "denominator": "count(*)"},
        "stays": {
            "over": "stay",
            "kind": "stock",
            "period_by": {"from": "came", "until": "went"},
            "numerator": "sum(missed)",
        },
    }
    return found


EVENT = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["visit.made.v1", "visit.made.v1", "risk.missed.v1", "levy.done.v1"]),
        "subject": st.sampled_from(["b1", "b2", "b9"]),
        "time": st.sampled_from(
            [
                "2021-01-31T15:59:59Z",
                "2021-03-01T00:00:00+08:00",
                "2021-06-30T16:00:00Z",
                "2021-05-02T00:00:00Z",
                "2022-03-01T00:00:00Z",
            ]
        ),
        "case": st.sampled_from([None, None, "c1", "c2"]),
        "good": st.booleans(),
        "until": st.sampled_from([None, "2021-03-09T00:00:00Z", "2021-08-01T00:00:00Z"]),
        "voucher": st.sampled_from(["v1", "v2"]),
        "revised": st.lists(st.sampled_from([True, False, None]), max_size=2),
    }
)


def written(drawn):
    """Return events and their corrections; None withdraws."""
    for number, one in enumerate(drawn):
        fields = {"visit.made.v1": ("good", "until"), "levy.done.v1": ("voucher",), "risk.missed.v1": ()}
        data = {name: one[name] for name in fields[one["type"]] if one[name] is not None}
        event = {"specversion": "1.0", "source": "s", "id": f"e{number}", "type": one["type"]}
        event |= {"subject": one["subject"], "time": one["time"], "data": data}
        if one["case"] is not None and one["type"] != "levy.done.v1":
            event["case"] = one["case"]
        yield event
        for revision, good in enumerate(one["revised"], 1):
            changed = {"id": f"e{number}r{revision}", "correctssource": "s", "correctsid": event["id"]}
            after = event | changed | {"revision": revision}
            if good is None:
                del after["data"]
            elif one["type"] == "visit.made.v1":
                after["data"] = data | {"good": good}
            yield after


HISTORIES = st.lists(EVENT, min_size=1, max_size=6).flatmap(
    lambda drawn: st.permutations(list(written(drawn)))
)


class Plain(StageA):
    """Stage A without its fast ways: nothing is ordinary, nothing is remembered between batches."""

    async def _in_force(self, tx, shard, catalogue):
        force = await super()._in_force(tx, shard, catalogue)
        return stage_a.Force(force.plans, None, force.catalogue)

    async def __call__(self, tx, batch):
        self.forget(range(16))
        return await super().__call__(tx, batch)


STATE = {
    "partials": "SELECT shard, scheme, over, unit, month, numbers FROM partials WHERE numbers ~ '[1-9]'",
    "suspense": "SELECT shard, grp, why, what FROM suspense WHERE settled IS NULL",
    "cases": "SELECT shard, grp, length(events) AS bytes FROM cases",
    "places": "SELECT unit, month, grp, shard FROM case_places",
    "facts": "SELECT shard, unit, month, first, places FROM fact_places",
}


async def run(exchange, stage, batches, adopt_at):
    """Let stage A take batches; the second scheme takes the place of the first before one of them."""
    driver = Driver(exchange)
    driver.stages = [("a", stage, (ACCEPTED, SCHEMES))]
    await teach(exchange, document=types())
    await driver.run()
    for place, batch in enumerate([*batches, *([[]] * max(1, 4 - len(batches)))]):
        if place == adopt_at[0]:
            await adopt(exchange, scheme(1))
            await adopt(exchange, scheme(3, months=("2022-01", "2022-12")))
        if place == adopt_at[1]:
            await adopt(exchange, scheme(2, units=("b1", "b2", "b9"), kept="NOT good"))
        await accept(exchange, batch)
        await driver.run()
    async with exchange.reading() as tx:
        return {name: sorted(tuple(row) for row in await tx.execute(sql)) for name, sql in STATE.items()}


async def both(scoring, history, cuts, adopt_at):
    size = max(1, len(history) // cuts)
    batches = [history[at : at + size] for at in range(0, len(history), size)]
    fast = await run(await scoring(), StageA(), batches, adopt_at)
    plain = await run(await scoring(), Plain(), [[one] for one in history], (0, len(history)))
    return fast, plain


@pytest.mark.parametrize("examples", [6, pytest.param(30, marks=pytest.mark.long)])
async def test_fast_and_plain_ways_leave_one_state(scoring, examples):
    drawn = []

    @settings(max_examples=examples, database=None, suppress_health_check=list(HealthCheck))
    @given(HISTORIES, st.integers(1, 5), st.tuples(st.integers(0, 2), st.integers(2, 3)))
    def collect(history, cuts, adopt_at):
        drawn.append((history, cuts, adopt_at))

    collect()
    for history, cuts, adopt_at in drawn:
        fast, plain = await both(scoring, history, cuts, adopt_at)
        for name in ("partials", "suspense", "cases", "places"):
            assert fast[name] == plain[name], (name, history)


async def test_a_case_that_makes_room_while_its_batch_is_folded_is_not_begun_anew(scoring, monkeypatch):
    monkeypatch.setattr(arriving, "CASES_KEPT", 1)
    visits = [reported("visit.made.v1", number) for number in range(16)]
    misses = [reported("risk.missed.v1", number) for number in range(8, 16)]
    fast, plain = await both(scoring, visits + misses, 3, (0, 0))
    for name in ("partials", "suspense", "cases", "places"):
        assert fast[name] == plain[name]


def reported(kind, number):
    """Return a report of a case; all cases here lie in one shard."""
    made = {"specversion": "1.0", "source": "s", "id": f"{kind}{number}", "type": kind, "subject": "b1"}
    return made | {"time": "2021-03-01T00:00:00+08:00", "case": CASES[number], "data": {}}


CASES = [name for name in map(str, range(2_000)) if shard_of(name) == 0][:16]
