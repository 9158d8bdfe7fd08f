"""The three times of an event stand in its receipt, and a retry is told those of the first."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.domain.times import received_by_feed, received_each
from shared.kernel.instants import EPOCH, of_micros
from shared.kernel.numbering import number, received_of
from shared.kernel.records import Draft, Head
from tests.ingest.rig import TYPES, event, send, serving

STAMPS = st.none() | st.integers(0, 9).map(of_micros)


@given(st.lists(STAMPS, min_size=1, max_size=8), STAMPS, st.integers(0, 9).map(of_micros))
def test_the_time_of_a_receipt_is_that_of_the_archive(stamps, before, now):
    drafts = [Draft(3, b"{}", own=False, received=stamp) for stamp in stamps]
    head = Head(received=before)
    numbered = [received_of(record) for record in number("s", 3, head, drafts, now)]
    assert received_each({3: head}, drafts, now) == numbered


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=12), st.integers(0, 12))
def test_by_the_feed_it_does_not_matter_in_which_groups_events_are_committed(fed, cut):
    def committed(heads, group):
        found = received_by_feed(heads, [of_micros(at) for _, at in group])
        moved = {shard: Head(received=at) for (shard, _), at in zip(group, found, strict=True)}
        return heads | moved, found

    none = dict.fromkeys(range(4), Head())
    heads, first = committed(none, fed[:cut])
    assert first + committed(heads, fed[cut:])[1] == committed(none, fed)[1]
    assert committed(none, fed)[1] == sorted(committed(none, fed)[1])


async def test_a_receipt_has_three_times_and_a_duplicate_those_of_the_first(exchange, tmp_path):
    document = {"types": TYPES, "sources": {"desk": {"title": "Desk"}}}
    async with serving(exchange, tmp_path, document) as rig:
        desk = await rig.as_("desk", "integrator")
        sent = [event(id=f"e{n}", number=f"n{n}", subject=f"u{n % 3}") for n in range(9)]
        sent[4]["recorded"] = "2021-03-02T08:00:00+08:00"
        first = [one["receipt"] for one in (await send(desk, sent)).json()["results"]]
        assert (first[4]["occurred"], first[4]["recorded"], first[3]["recorded"]) == (
            "2021-03-01T00:00:00.000000Z",
            "2021-03-02T00:00:00.000000Z",
            None,
        )
        assert EPOCH < datetime.fromisoformat(first[4]["received"]) <= datetime.now(UTC)
        again = [one["receipt"] for one in (await send(desk, [sent[8], *sent])).json()["results"]]
        assert again == [first[8], *first]
        assert (await send(desk, sent[4] | {"recorded": "2022-01-01T00:00:00Z"})).json()["receipt"] == first[
            4
        ]
        shown = (await desk.get("/v1/events/desk/e4")).json()
        assert shown["receipt"] == first[4]
        assert shown["event"]["received"] == first[4]["received"]
