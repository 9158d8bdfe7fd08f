"""Sending tells what became of every event, whatever ingest answers on the way."""

import json
from pathlib import Path

import httpx
import pytest

from deploy.state import State
from dukao.client import AwayError, RefusedError, Tokens
from dukao.feeds import Row
from dukao.sending import Sender
from shared.kernel.errors import Problem
from shared.web.development_issuer import DevelopmentIssuer


@pytest.fixture
def send(tmp_path: Path):
    """Send rows to an ingest that answers as it is told."""
    state = State(tmp_path)
    state.issuer.mkdir()
    DevelopmentIssuer(state.issuer, environment="development")

    def run(rows, answer, *, batch=500, **more):
        transport = httpx.MockTransport(answer)
        sender = Sender("http://ingest", Tokens(state), batch, lambda _tally: None, transport, **more)
        return sender.send(rows)

    return run


def row(number, *events):
    return Row("feed.ndjson", number, events or ({"id": f"e{number}"},))


def created(events):
    return httpx.Response(200, json={"results": [{"status": "created"} for _ in events]})


def problem(status, code, **headers):
    return httpx.Response(status, json={"code": code, "detail": "No."}, headers=headers)


def test_every_event_is_sent_once_in_batches(send):
    sizes = []

    def answer(request):
        events = json.loads(request.content)
        sizes.append(len(events))
        return created(events)

    tally = send([row(n) for n in range(1, 11)], answer, batch=4)
    assert sorted(sizes) == [2, 4, 4]
    assert (tally.rows, tally.events, tally.outcomes["created"], tally.bad) == (10, 10, 10, 0)


def test_events_leave_at_the_pace_that_is_asked_for(send):
    tally = send(
        [row(n) for n in range(40)],
        lambda request: created(json.loads(request.content)),
        batch=4,
        per_second=80,
    )
    assert tally.outcomes["created"] == 40
    assert tally.seconds >= 36 / 80


def test_outcomes_are_counted_and_faults_have_their_line(send):
    def answer(request):
        results = [
            {"status": "created", "after_close": [{"scheme": "mini", "period": "2021-03"}]},
            {"status": "duplicate"},
            {
                "status": "conflict",
                "problem": {"code": "id_conflict", "detail": "Other content.", "pointer": None},
            },
            {"status": "rejected", "problem": {"code": "field", "detail": "Not so.", "pointer": "/data/n"}},
        ]
        return httpx.Response(200, json={"results": results})

    rows = [
        row(1),
        row(2),
        row(3),
        row(4),
        Row("feed.ndjson", 5),
        Row("feed.ndjson", 6, (), Problem(422, "columns", "Few.")),
    ]
    tally = send(rows, answer)
    told = tally.record()
    assert {name: told[name] for name in ("rows", "skipped", "events", "created", "duplicate", "conflict")} == {
        "rows": 6, "skipped": 1, "events": 4, "created": 1, "duplicate": 1, "conflict": 1,
    }  # fmt: skip
    assert told["after_close"] == 1
    assert sorted((fault.line, fault.outcome, fault.code) for fault in tally.faults) == [
        (3, "conflict", "id_conflict"),
        (4, "rejected", "field"),
        (6, "unmappable", "columns"),
    ]
    assert next(fault.detail for fault in tally.faults if fault.line == 4) == "Not so. at /data/n"
    assert tally.bad == 3


def test_a_busy_or_restarting_ingest_is_asked_again(send):
    answers = iter(
        [problem(503, "unavailable", **{"retry-after": "0"}), problem(429, "busy", **{"retry-after": "0"})]
    )

    def answer(request):
        found = next(answers, None)
        if found is None:
            return created(json.loads(request.content))
        return found

    assert send([row(1), row(2)], answer).outcomes["created"] == 2


def test_what_is_sent_in_order_is_overtaken_by_nothing_while_ingest_is_busy(send):
    busy, taken = iter([True, False, True]), []

    def answer(request):
        if next(busy, False):
            return problem(503, "unavailable")
        events = json.loads(request.content)
        taken.extend(one["id"] for one in events)
        return created(events)

    send([row(n) for n in range(20)], answer, batch=2, in_order=True)
    assert taken == [f"e{n}" for n in range(20)]


def test_a_lost_connection_is_made_again(send):
    lost = iter([True])

    def answer(request):
        if next(lost, False):
            raise httpx.ReadError("reset")
        return created(json.loads(request.content))

    assert send([row(1)], answer).outcomes["created"] == 1


def test_a_batch_refused_as_a_whole_is_halved_until_the_fault_is_alone(send):
    def answer(request):
        events = json.loads(request.content)
        return problem(400, "number") if {"id": "e3"} in events else created(events)

    tally = send([row(n) for n in range(1, 8)], answer)
    assert tally.outcomes["created"] == 6
    assert [(fault.line, fault.code) for fault in tally.faults] == [(3, "number")]


def test_an_event_larger_than_a_batch_goes_alone_and_is_a_fault_of_its_row(send):
    def answer(request):
        events = json.loads(request.content)
        return problem(413, "too_large") if len(request.content) > 1 << 20 or not events else created(events)

    large = row(2, {"id": "e2", "data": "y" * 1_060_000})
    tally = send([large, row(3), row(4, {"id": "e4", "data": "y" * 1_010_000}), row(5)], answer)
    assert tally.outcomes["created"] == 3
    assert [(fault.line, fault.code) for fault in tally.faults] == [(2, "too_large")]


def test_an_ingest_that_will_not_have_us_ends_the_sending(send):
    with pytest.raises(RefusedError) as refused:
        send([row(1)], lambda _request: problem(403, "forbidden"))
    assert refused.value.code == "forbidden"


def test_an_ingest_that_stays_away_ends_the_sending(send):
    def answer(_request):
        raise httpx.ConnectError("refused")

    with pytest.raises(AwayError):
        send([row(1)], answer, trying_s=0.0)


def test_half_a_character_is_a_fault_of_its_row(send):
    tally = send([row(1, {"id": "\ud800"}), row(2)], lambda request: created(json.loads(request.content)))
    assert tally.outcomes["created"] == 1
    assert [(fault.line, fault.code) for fault in tally.faults] == [(1, "encoding")]
