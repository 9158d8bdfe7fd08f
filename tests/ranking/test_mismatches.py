"""While a source's manifest of a day and the archive differ, its period closes only if two persons accept that."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ranking.contract import DAY_TURNED, DIFFERENCE_MOVED, NOTICES, DayTurned, DifferenceMoved
from services.ranking.domain.closing import Mismatch, effect_digest
from services.ranking.hearing import Days
from shared.contracts import envelope
from shared.contracts.ingest import SOURCE
from shared.kernel.digests import EMPTY_CHAIN
from shared.kernel.instants import parse
from shared.kernel.numbering import number
from shared.kernel.records import Draft, Head
from tests.ranking.closings import persons
from tests.ranking.rig import NOW, SHARD, service
from tests.ranking.test_closing import code_of

__all__ = ["persons", "service"]

NUMBERS = itertools.count(1)
ONE, OTHER = "1" * 64, "2" * 64
MISSING = {"source": "desk", "day": "2021-03-31", "state": "missing", "difference": ONE}


async def told(persons, *days):
    """Let ranking hear of days as ingest tells of them: (day, state) of the source desk, in one batch."""
    turned = [
        DayTurned(
            source="desk", day=day, revision=1, state=state, difference=None if state == "agreed" else ONE
        )
        for day, state in days
    ]
    await heard(persons, *((DAY_TURNED, one) for one in turned))


async def moved(persons, difference, state="missing"):
    """Let ranking hear that the last day of March differs otherwise than it did."""
    told = DifferenceMoved(source="desk", day="2021-03-31", revision=1, state=state, difference=difference)
    await heard(persons, (DIFFERENCE_MOVED, told))


async def heard(persons, *told):
    records = []
    for kind, data in told:
        body = envelope.encode(kind, SOURCE, "desk", data)
        head = Head(next(NUMBERS), EMPTY_CHAIN, None)
        records += number(NOTICES, SHARD, head, [Draft(SHARD, body)], parse(NOW))
    async with persons.service.exchange.begin(actor="test", action="hear") as tx:
        assert await Days()(tx, records) == []


@pytest.fixture
async def ready(persons):
    """A period that can be closed, of which a day differs."""
    await persons.begin()
    await persons.cut()
    await told(persons, ("2021-03-31", "missing"))
    return persons


async def propose(persons, digest=None, **more):
    digest = digest or (await persons.effect())["digest"]
    asked = {"scheme": "mini", "period": "2021-03", "digest": digest, "reason": "关账"} | more
    return await persons.ask("POST", "/v1/closes", json=asked)


async def test_a_period_with_a_day_that_differs_is_not_closed(ready):
    assert (await ready.effect())["mismatches"] == [MISSING]
    refused = await propose(ready)
    assert code_of(refused) == (409, "mismatch_open")
    assert "desk 2021-03-31 missing" in refused.json()["detail"]
    assert code_of(await propose(ready, accept_mismatches=False)) == (409, "mismatch_open")
    assert (await ready.body("/v1/closes"))["items"] == []


async def test_two_persons_close_over_it_on_record_and_not_one(ready):
    asked = (await propose(ready, accept_mismatches=True)).json()
    assert asked["accepted"] == [MISSING]
    alone = await ready.step(asked["id"], "approve", person="ann", digest=asked["digest"])
    assert code_of(alone) == (403, "same_person")
    approved = await ready.step(asked["id"], "approve", digest=asked["digest"])
    assert approved.status_code == 200
    assert [step["person"] for step in approved.json()["history"]] == ["ann", "bea"]
    await told(ready, ("2021-03-31", "agreed"))
    shown = await ready.effect()
    assert (shown["state"], shown["mismatches"]) == ("closed", [MISSING])
    async with ready.service.exchange.reading() as tx:
        audit = await tx.many("SELECT actor, detail FROM audit WHERE action LIKE '%close' ORDER BY id")
    assert [(row["actor"], row["detail"].endswith("over 1 mismatches")) for row in audit] == [
        ("ann", True),
        ("bea", True),
    ]


async def test_once_it_agrees_the_period_closes_as_if_nothing_had_been(ready):
    differing = (await ready.effect())["digest"]
    await told(ready, ("2021-03-31", "agreed"))
    shown = await ready.effect()
    assert shown["mismatches"] == []
    assert shown["digest"] != differing
    closed = await ready.close()
    assert closed["accepted"] == []


async def test_what_is_approved_is_what_differed_when_it_was_asked_for(ready):
    for turned in (("2021-03-31", "surplus"), ("2021-03-01", "missing"), ("2021-03-31", "agreed")):
        asked = (await propose(ready, accept_mismatches=True)).json()
        await told(ready, turned)
        late = await ready.step(asked["id"], "approve", digest=asked["digest"])
        assert code_of(late) == (409, "stale"), turned
        assert (await ready.step(asked["id"], "withdraw", person="ann")).status_code == 200


async def test_what_two_accept_is_the_very_difference_and_not_another_of_the_same_day(ready):
    asked = (await propose(ready, accept_mismatches=True)).json()
    assert asked["accepted"] == [MISSING]
    await moved(ready, OTHER)
    late = await ready.step(asked["id"], "approve", digest=asked["digest"])
    assert code_of(late) == (409, "stale")
    assert (await ready.effect())["mismatches"] == [MISSING | {"difference": OTHER}]
    await moved(ready, ONE)
    approved = await ready.step(asked["id"], "approve", digest=asked["digest"])
    assert (approved.status_code, approved.json()["accepted"]) == (200, [MISSING])


async def test_a_difference_that_moves_is_of_the_state_that_was_told_last(ready):
    await moved(ready, OTHER, "surplus")
    assert (await ready.effect())["mismatches"] == [MISSING | {"difference": OTHER, "state": "surplus"}]
    await told(ready, ("2021-03-31", "agreed"))
    assert (await ready.effect())["mismatches"] == []


async def test_who_asked_while_all_agreed_closes_over_nothing_that_differs_later(persons):
    await persons.begin()
    await persons.cut()
    asked = (await persons.propose()).json()
    await told(persons, ("2021-03-31", "missing"))
    assert code_of(await persons.step(asked["id"], "approve", digest=asked["digest"])) == (409, "stale")


async def test_a_day_concerns_every_period_that_it_lies_in_and_no_other(persons):
    await persons.begin()
    days = ("2020-12-31", "2021-03-01", "2021-03-31", "2021-04-01", "2022-01-01")
    await told(persons, *((day, "missing") for day in days))
    found = {
        period: [one["day"] for one in (await persons.effect(period))["mismatches"]]
        for period in ("2021-02", "2021-03", "2021-04", "2021-Q1", "2021")
    }
    assert found == {
        "2021-02": [],
        "2021-03": ["2021-03-01", "2021-03-31"],
        "2021-04": ["2021-04-01"],
        "2021-Q1": ["2021-03-01", "2021-03-31"],
        "2021": ["2021-03-01", "2021-03-31", "2021-04-01"],
    }


async def test_the_newest_word_on_a_day_counts_however_it_comes_in_batches(persons):
    await persons.begin()
    words = [("2021-03-02", "missing"), ("2021-03-02", "agreed"), ("2021-03-02", "surplus")]
    await told(persons, *words)
    assert [one["state"] for one in (await persons.effect())["mismatches"]] == ["surplus"]
    for word in (*words[1:], words[1]):
        await told(persons, word)
    assert (await persons.effect())["mismatches"] == []


MISMATCHES = st.lists(
    st.builds(
        Mismatch,
        st.sampled_from("ab"),
        st.sampled_from(["2021-03-01", "2021-03-02"]),
        st.just("missing"),
        st.sampled_from([ONE, OTHER]),
    ),
    unique=True,
    max_size=4,
)


@given(MISMATCHES, MISMATCHES)
def test_a_digest_names_just_what_is_closed_over(one, other):
    def digest(mismatches):
        return effect_digest("mini", "2021-03", [], mismatches)

    assert (digest(one) == digest(other)) == (one == other)
    assert digest([]) == effect_digest("mini", "2021-03", [])
