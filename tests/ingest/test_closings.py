"""An event that comes too late for a closed period is taken, and the answer says for which."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.closed import ClosedPeriod, ClosedPeriods
from services.ingest.domain.times import Times
from shared.kernel.instants import EPOCH
from tests.ingest.closes import MARCH, QUARTER, closes, hear
from tests.ingest.rig import TYPES, event, send, serving

DOCUMENT = {"types": TYPES, "sources": {"desk": {"title": "Desk"}}}
IN_MARCH = {"scheme": "mini", "period": "2021-03"}
IN_QUARTER = {"scheme": "mini", "period": "2021-Q1"}

DAYS = st.integers(0, 6).map(lambda days: EPOCH + timedelta(days=days))
PERIODS = st.builds(
    ClosedPeriod, st.sampled_from("ab"), st.sampled_from(["2021", "2021-03"]), DAYS, DAYS, DAYS
)


@given(st.sets(PERIODS, max_size=8), DAYS, DAYS)
def test_after_close_names_every_closed_period_that_holds_the_event_and_was_cut_before_it_came(
    periods, occurred, received
):
    found = ClosedPeriods(periods).after_close(Times(occurred, None, received))
    late = {
        (one.scheme, one.period)
        for one in periods
        if one.begins <= occurred < one.ends and received >= one.cut
    }
    assert list(found) == sorted(late)


@pytest.fixture
async def rig(exchange, tmp_path):
    """An ingest whose `received` is what the feed says, to which March and its quarter are closed."""
    async with serving(exchange, tmp_path, DOCUMENT, replay=True) as made:
        await hear(exchange, closes(MARCH, QUARTER, QUARTER | {"group": "departments"}))
        await made.closings.look()
        yield made


def received(name, at, occurred):
    """An event that was received at a time at +08:00."""
    return event(id=name, number=name, recorded=f"{at}+08:00", time=occurred)


IN_TIME = received("e1", "2021-04-08T23:59:59.999999", "2021-03-20T00:00:00+08:00")
AT_THE_CUT = received("e2", "2021-04-09T00:00:00", "2021-03-31T23:59:59.999999+08:00")
OF_FEBRUARY = received("e3", "2021-04-09T00:00:01", "2021-02-28T15:59:59.999999Z")
OF_APRIL = received("e4", "2021-04-09T00:00:02", "2021-04-01T00:00:00+08:00")
SENT = (IN_TIME, AT_THE_CUT, OF_FEBRUARY, OF_APRIL)
TOLD = (None, [IN_MARCH, IN_QUARTER], [IN_QUARTER], None)


async def test_what_comes_at_the_cut_or_later_is_taken_and_named_late_and_so_is_its_retry(rig):
    desk = await rig.as_("desk", "integrator")
    for status in (201, 200):
        answers = [await send(desk, one) for one in SENT]
        assert [one.status_code for one in answers] == [status] * len(SENT)
        assert [one.json().get("after_close") for one in answers] == list(TOLD)
        shown = [(await desk.get(f"/v1/events/desk/{one['id']}")).json() for one in SENT]
        assert [one.get("after_close") for one in shown] == list(TOLD)


async def test_a_batch_and_a_stream_of_lines_say_so_for_each(rig):
    desk = await rig.as_("desk", "integrator")
    batch = (await send(desk, list(SENT))).json()["results"]
    assert [one.get("after_close") for one in batch] == list(TOLD)
    lines = "".join(json.dumps(one) + "\n" for one in SENT)
    headers = {"content-type": "application/x-ndjson"}
    stream = await desk.post("/v1/events:stream", content=lines, headers=headers)
    told = [json.loads(line) for line in stream.text.splitlines()]
    assert [(one["status"], one.get("after_close")) for one in told] == [("duplicate", late) for late in TOLD]


async def test_another_report_of_a_fact_that_was_in_time_is_not_late(rig):
    desk = await rig.as_("desk", "integrator")
    await send(desk, IN_TIME)
    again = (await send(desk, IN_TIME | {"id": "e6", "recorded": "2021-04-12T00:00:00Z"})).json()
    assert (again["status"], again.get("after_close")) == ("duplicate", None)


async def test_a_refusal_and_a_conflict_are_late_for_nothing(rig):
    desk = await rig.as_("desk", "integrator")
    await send(desk, AT_THE_CUT)
    other = AT_THE_CUT | {"data": AT_THE_CUT["data"] | {"amount": "9.00"}}
    answers = (await send(desk, [other, event(type="no.such.v1")])).json()["results"]
    assert [(one["status"], "after_close" in one) for one in answers] == [
        ("conflict", False),
        ("rejected", False),
    ]
