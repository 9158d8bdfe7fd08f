"""Corrections and retractions at the door of ingest over a real PostgreSQL, in any order."""

import pytest

from tests.ingest.desk import door
from tests.ingest.rig import event, outcome, send

__all__ = ["door"]


def correction(**changes):
    return event(**{"id": "c1", "correctssource": "desk", "correctsid": "e1", "revision": 1} | changes)


MOVED = {"unit": {"subject": "1102"}, "case": {"case": "k2"}, "type": {"type": "task.begun.v1"}}


@pytest.mark.parametrize("what", MOVED)
async def test_a_correction_that_moves_its_original_is_refused(door, what):
    await send(door, event(case="k1"))
    moved = correction(**{"case": "k1", "number": "n9"} | MOVED[what])
    assert await outcome(door, moved) == (422, "correction_moves")
    assert [row["code"] for row in (await door.get("/v1/refusals")).json()["items"]] == ["correction_moves"]
    assert await outcome(door, correction(case="k1")) == (201, "created")


async def test_a_correction_may_come_before_its_original(door):
    assert await outcome(door, correction(amount="2.00")) == (201, "created")
    assert (await door.get("/v1/events/desk/e1")).status_code == 404
    assert await outcome(door, event()) == (201, "created")
    assert await outcome(door, event()) == (200, "duplicate")
    assert await outcome(door, event(amount="3.00")) == (409, "id_conflict")
    assert (await door.get("/v1/events/desk/e1")).json()["event"]["data"]["amount"] == "1.50"
    assert await outcome(door, correction(id="c2", revision=2, subject="1102")) == (422, "correction_moves")


async def test_an_original_that_disagrees_with_the_correction_before_it_counts_and_a_person_is_told(door):
    early = (await send(door, correction(subject="1102"))).json()["receipt"]
    assert await outcome(door, event()) == (201, "created")
    (told,) = (await door.get("/v1/conflicts")).json()["items"]
    assert (told["why"], told["event_id"]) == ("correction_moves", "e1")
    assert (told["shard"], told["number"]) == (early["shard"], early["number"])
    assert await outcome(door, correction(id="c2", revision=2)) == (201, "created")


async def test_a_correction_of_a_correction_is_refused_and_names_what_to_do(door):
    await send(door, event())
    await send(door, correction(amount="2.00"))
    chained = await send(door, correction(id="c2", correctsid="c1", amount="3.00"))
    assert (chained.status_code, chained.json()["code"]) == (422, "correction_of_correction")
    assert "name the original and a higher revision" in chained.json()["detail"]
    assert await outcome(door, correction(id="c2", revision=2, amount="3.00")) == (201, "created")


async def test_a_correction_that_comes_after_its_own_correction_counts_and_a_person_is_told(door):
    await send(door, event())
    early = (await send(door, correction(id="c2", correctsid="c1", amount="3.00"))).json()["receipt"]
    assert await outcome(door, correction(amount="2.00")) == (201, "created")
    (told,) = (await door.get("/v1/conflicts")).json()["items"]
    assert (told["why"], told["event_id"]) == ("correction_of_correction", "c1")
    assert (told["shard"], told["number"]) == (early["shard"], early["number"])
    assert await outcome(door, correction(amount="2.00")) == (200, "duplicate")


async def test_a_batch_that_holds_a_correction_and_then_its_original_is_taken(door):
    answer = await send(door, [correction(), event(), correction(id="c2", revision=2, case="k")])
    assert [r["status"] for r in answer.json()["results"]] == ["created", "created", "rejected"]
    assert (await door.get("/v1/events/desk/e1")).status_code == 200


async def test_a_retraction_is_a_revision_without_data_and_an_equal_revision_with_other_content_a_conflict(
    door,
):
    await send(door, event())
    assert await outcome(door, correction(data=...)) == (201, "created")
    assert await outcome(door, correction(data=...)) == (200, "duplicate")
    assert await outcome(door, correction(id="c2", amount="9.00")) == (409, "revision_conflict")
    assert await outcome(door, event(id="e3", data=...)) == (422, "missing_field")
    assert await outcome(door, correction(id="e1")) == (422, "correction")
