"""An event that cannot be stored is refused alone, whoever's events are committed with it; what may pass is told to all."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.committing import Admission
from services.ingest.domain.braking import IN_A_ROW
from services.ingest.domain.parting import halved, parted
from services.ingest.domain.sources import Sender
from services.ingest.taking import Taking
from shared.kernel.errors import Unavailable
from tests.ingest.test_inbound import Unstorable, accepted, admission, event, message, rows, source

__all__ = ["admission", "source"]


async def judged_of(admission, source, *names):
    """Judge events of several units, so that they lie in several shards."""
    units = itertools.cycle(["1101", "1102", "1103"])
    sent = [event(source, id=name, subject=next(units), data={"number": name}) for name in names]
    return await admission.judge(sent, Sender("d", "d"))


@pytest.mark.parametrize("names", [["a", "bad", "z"], ["bad"], [*"abcdefgh", "bad", *"stuvwxyz"]])
async def test_an_event_of_a_group_that_the_storage_does_not_take_is_its_own_refusal(
    admission, source, names
):
    answers = await Unstorable(admission.exchange, replay=False).commit(
        await judged_of(admission, source, *names)
    )
    codes = [answer.problem and answer.problem.code for answer in answers]
    assert codes == ["unstorable" if name == "bad" else None for name in names]
    assert await accepted(admission) == sorted({*names} - {"bad"})


class Failing(Admission):
    """An admission that fails at one event, where it is admitted, as it is told."""

    failure: Exception = LookupError()

    async def admit(self, tx, judged, *, careful=True):
        if any(getattr(one, "id", "") == "bad" for one in judged):
            raise self.failure
        return await super().admit(tx, judged, careful=careful)


async def test_a_mistake_of_ours_at_one_that_is_admitted_is_its_refusal_by_http_and_by_kafka(
    admission, source
):
    failing = Failing(admission.exchange, replay=False)
    answers = await failing.commit(await judged_of(admission, source, "a", "bad", "z"))
    assert [answer.problem and answer.problem.code for answer in answers] == [None, "unstorable", None]
    sent = [message(source, place, event(source, id=name)) for place, name in enumerate(["b", "bad", "y"])]
    assert await Taking(failing).take(sent)
    assert await accepted(admission) == ["a", "b", "y", "z"]
    assert [row["place"] for row in await rows(admission, "refusals")] == [sent[1].place]


class Mistaken(Admission):
    """An admission that fails at whatever is admitted, until it is mended; it counts its tries."""

    tries = 0
    is_mended = False

    async def admit(self, tx, judged, *, careful=True):
        self.tries += 1
        if not self.is_mended:
            raise LookupError
        return await super().admit(tx, judged, careful=careful)


async def test_a_mistake_that_meets_every_event_is_told_to_all_after_a_few_and_what_is_asked_again_is_stored(
    admission, source
):
    mistaken = Mistaken(admission.exchange, replay=False)
    judged = await judged_of(admission, source, *(f"e{number}" for number in range(10 * IN_A_ROW)))
    with pytest.raises(LookupError):
        await mistaken.commit(judged)
    assert mistaken.tries < 4 * IN_A_ROW
    mistaken.is_mended = True
    answers = await mistaken.commit(judged)
    assert (len(answers), any(one.problem for one in answers)) == (10 * IN_A_ROW, False)


@pytest.mark.parametrize("failure", [MemoryError(), ConnectionError(), Unavailable("away")])
async def test_what_may_pass_refuses_nothing_and_is_told_to_all(admission, source, failure):
    failing = Failing(admission.exchange, replay=False)
    failing.failure = failure
    with pytest.raises(type(failure)):
        await failing.commit(await judged_of(admission, source, "a", "bad"))
    with pytest.raises(type(failure)):
        await Taking(failing).take([message(source, 0, event(source, id="bad"))])
    assert (await accepted(admission), await rows(admission, "refusals")) == ([], [])


@given(st.lists(st.integers(0, 3), min_size=2, max_size=20))
def test_parts_of_a_group_are_smaller_and_keep_the_order_of_each_shard(shards):
    found = parted(shards)
    assert sorted(place for part in found for place in part) == list(range(len(shards)))
    assert all(0 < len(part) < len(shards) and part == sorted(part) for part in found)
    assert [place for half in halved(len(shards)) for place in half] == list(range(len(shards)))
    if len({*shards}) > 1:
        assert all(len({shards[place] for place in part}) == 1 for part in found)
