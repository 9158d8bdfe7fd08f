"""Streams as they are followed and sent again: what is chosen, in which order, and that nothing is left out."""

import base64
import json
from datetime import UTC, datetime
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from dukao.commands.events import replay, tail
from dukao.streams import Only, Stream, as_sent, following, newest

ACCEPTED = "ingest.accepted"


class Archive:
    """The archive of one stream as a client asks for it; pages are short, so that several are read."""

    page = 3

    def __init__(self, *events):
        self.shards = {}
        for event in events:
            self.add(event)

    def add(self, event):
        numbered = self.shards.setdefault(int(event["partitionkey"]), [])
        numbered.append(event | {"sequence": str(len(numbered) + 1)})

    def get(self, service, path, who, *, after=0, limit=0):
        assert (service, who.roles) == ("ingest", ("operator",))
        *_, name, shard = path.split("/")
        if shard == ACCEPTED:
            return {"shards": [{"shard": one, "number": len(held)} for one, held in self.shards.items()]}
        assert name == ACCEPTED
        held = self.shards[int(shard)][after : after + min(limit, self.page)]
        return {"records": [{"number": int(one["sequence"]), "body": written(one)} for one in held]}


def written(event):
    return base64.b64encode(json.dumps(event).encode()).decode()


def event(second, shard=0, **changes):
    made = {"id": f"e{second}", "source": "core", "type": "task.done.v1", "subject": "1101"}
    made |= {"partitionkey": str(shard), "received": f"2021-03-01T00:00:{second:02}.000000Z"}
    return made | {"time": f"2021-02-{1 + second % 28:02}T00:00:00Z", "data": {"n": second}} | changes


def ids(events):
    return [one["id"] for one in events]


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 5)), max_size=40), st.integers(0, 45))
def test_the_newest_of_all_shards_come_in_the_order_in_which_they_were_received(placed, count):
    placed = sorted(placed)  # within a shard what is received never falls
    stream = Stream(Archive(*(event(second, shard) for second, shard in placed)), ACCEPTED)
    found = newest(stream, stream.reached(), Only(), count)
    assert [one["received"] for one in found] == [
        f"2021-03-01T00:00:{second:02}.000000Z" for second, _ in placed
    ][len(placed) - min(count, len(placed)) :]


def test_ticks_are_left_out_unless_they_are_named():
    tick = event(2, type="dukao.tick.v1")
    stream = Stream(Archive(event(1), tick, event(3)), ACCEPTED)
    assert ids(newest(stream, stream.reached(), Only(), 2)) == ["e3"]
    assert ids(newest(stream, stream.reached(), Only(types=["dukao.tick.*"]), 2)) == ["e2"]


def test_types_units_sources_and_times_choose():
    one = event(1)
    assert one in Only()
    for chosen, other in (
        (Only(types=["task.*", "x"]), Only(types=["task"])),
        (Only(units=["11*"]), Only(units=["2*"])),
        (Only(sources=["core"]), Only(sources=["other"])),
        (Only(since=datetime(2021, 2, 2, tzinfo=UTC)), Only(since=datetime(2021, 2, 3, tzinfo=UTC))),
        (Only(until=datetime(2021, 2, 3, tzinfo=UTC)), Only(until=datetime(2021, 2, 2, tzinfo=UTC))),
    ):
        assert one in chosen
        assert one not in other


def test_what_comes_is_told_once_from_shards_old_and_new():
    archive = Archive(event(1, 0))
    stream = Stream(archive, ACCEPTED)
    news = following(stream, stream.reached(), Only())
    assert ids(next(news)) == []
    for second, shard in ((4, 7), (2, 0), (3, 7), (5, 0), (6, 0), (7, 0), (8, 0)):
        archive.add(event(second, shard))
    assert ids(next(news)) == ["e2", "e3", "e4", "e5", "e6", "e7", "e8"]
    assert ids(next(news)) == []


def test_what_is_sent_again_is_as_it_was_sent():
    sent = {"specversion": "1.0", "case": "c1", "correctssource": "core", "correctsid": "e0", "revision": 1}
    kept = event(2, 1, **sent, correctsnumber="1", correctedby="3")
    archive = Archive(event(1, 3), kept, event(3, 0), event(4, 0, type="dukao.types-adopted.v1"))
    again = list(as_sent(Stream(archive, ACCEPTED), Only()))
    assert ids(again) == ["e1", "e2", "e3"]
    added = {"partitionkey", "received", "correctsnumber", "correctedby"}
    assert again[1] == {name: value for name, value in kept.items() if name not in added}
    assert ids(as_sent(Stream(archive, ACCEPTED), Only(until=datetime(2021, 2, 3, tzinfo=UTC)))) == ["e1"]


def test_the_first_events_are_read_before_the_last():
    """A platform of millions is sent again without being held in memory."""
    archive = Archive(*(event(second, shard) for second in range(50) for shard in range(4)))
    asked = []
    read = archive.get
    archive.get = lambda *words, **more: asked.append(more) or read(*words, **more)
    assert len(list(islice(as_sent(Stream(archive, ACCEPTED), Only()), 4))) == 4
    assert max(more.get("after", 0) for more in asked) <= 2 * archive.page


def test_both_commands_say_where_a_rebuild_is_meant():
    assert "rebuild" in replay.__doc__
    assert "Ticks" in tail.__doc__
