"""A sending that was stopped goes on where it was, and loses nothing that was not answered."""

import json
from pathlib import Path

import httpx
import pytest

from deploy.state import State
from dukao.client import RefusedError, Tokens
from dukao.feeds import Feed, Row
from dukao.resuming import position_of
from dukao.sending import Sender
from dukao.yamls import UnreadableError
from shared.web.development_issuer import DevelopmentIssuer


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    state = State(tmp_path / "state")
    state.issuer.mkdir(parents=True)
    DevelopmentIssuer(state.issuer, environment="development")
    return Tokens(state)


class Ingest:
    """Takes events until it has answered so many requests, then refuses."""

    def __init__(self, requests):
        self.left = requests
        self.taken = []

    def __call__(self, request):
        if self.left == 0:
            return httpx.Response(403, json={"code": "forbidden", "detail": "No."})
        self.left -= 1
        events = json.loads(request.content)
        results = ["duplicate" if one["id"] in self.taken else "created" for one in events]
        self.taken += [one["id"] for one in events]
        return httpx.Response(200, json={"results": [{"status": status} for status in results]})


def rows(count, events=1):
    return [
        Row("feed", number, [{"id": f"e{number}.{part}"} for part in range(events)])
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("events", [1, 3])
@pytest.mark.parametrize("requests", [0, 1, 2, 5, 9])
def test_whatever_was_not_answered_is_sent_by_the_next(tokens, events, requests):
    ingest = Ingest(requests)

    def sender(resume_at):
        return Sender("http://i", tokens, 4, lambda _: None, httpx.MockTransport(ingest), resume_at=resume_at)

    first = sender(0)
    with pytest.raises(RefusedError):
        first.send(rows(60, events))
    assert 0 <= first.tally.done <= 4 * requests
    ingest.left = -1
    second = sender(first.tally.done)
    told = second.send(rows(60, events))
    assert (told.rows, told.resumed, told.done) == (60, first.tally.done, 60)
    assert set(ingest.taken) == {one["id"] for row in rows(60, events) for one in row.events}
    assert told.outcomes["created"] + first.tally.outcomes["created"] == 60 * events


def test_a_line_that_was_half_written_is_sent_by_the_next(tokens, tmp_path):
    ingest, feed, kept = Ingest(-1), tmp_path / "feed.ndjson", tmp_path / "position"
    for text, bad, taken in (('{"id": "a"}\n{"id"', 1, ["a"]), ('{"id": "a"}\n{"id": "b"}\n', 0, ["a", "b"])):
        feed.write_text(text)
        position = position_of(kept, [feed])
        sender = Sender(
            "http://i", tokens, 4, lambda _: None, httpx.MockTransport(ingest), resume_at=position.rows
        )
        told = sender.send(Feed().rows(feed, lambda _: None, growing=True))
        position.keep(told.done)
        position.write()
        assert (told.bad, ingest.taken) == (bad, taken)


def test_batches_that_are_answered_out_of_turn_do_not_move_the_position_over_a_gap(tokens):
    sender = Sender("http://i", tokens, 1, lambda _: None)
    batches = [
        type("B", (), {"turn": turn, "places": [type("P", (), {"row": turn + 1})]}) for turn in range(4)
    ]
    seen = []
    for turn in (2, 1, 0, 3):
        sender._move_on(batches[turn])
        seen.append(sender.tally.done)
    assert seen == [0, 0, 2, 3]


def test_a_position_is_kept_for_its_files_and_they_may_grow(tmp_path):
    feed, kept = tmp_path / "feed.ndjson", tmp_path / "position"
    feed.write_text("one\ntwo\n")
    position = position_of(kept, [feed])
    assert position.rows == 0
    position.keep(1)
    position.keep(2)
    assert position_of(kept, [feed]).rows == 1
    position.write()
    feed.write_text("one\ntwo\nthree\n")
    assert position_of(kept, [feed]).rows == 2


@pytest.mark.parametrize("content", ["other\ntwo\n", ""])
def test_a_position_in_another_file_is_refused(tmp_path, content):
    feed, kept = tmp_path / "feed.ndjson", tmp_path / "position"
    feed.write_text("one\ntwo\n")
    position_of(kept, [feed]).write()
    feed.write_text(content)
    with pytest.raises(UnreadableError):
        position_of(kept, [feed])


def test_a_file_that_is_no_position_is_refused(tmp_path):
    feed, kept = tmp_path / "feed.ndjson", tmp_path / "position"
    feed.write_text("one\n")
    kept.write_text("[]")
    with pytest.raises(UnreadableError):
        position_of(kept, [feed])
    kept.write_text('{"rows": 1, "files": []}')
    with pytest.raises(UnreadableError):
        position_of(kept, [feed])


def test_only_the_last_of_several_files_may_have_grown(tmp_path):
    first, last, kept = tmp_path / "a.ndjson", tmp_path / "b.ndjson", tmp_path / "position"
    first.write_text("1\n")
    last.write_text("2\n")
    position = position_of(kept, [first, last])
    position.keep(2)
    last.write_text("2\n3\n")
    assert position_of(kept, [first, last]).rows == 2
    first.write_text("1\n0\n")
    with pytest.raises(UnreadableError):
        position_of(kept, [first, last])
