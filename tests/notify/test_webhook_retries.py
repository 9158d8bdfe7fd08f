"""When a delivery is tried again, and when no more."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain.retries import (
    MOST_ATTEMPTS,
    SCHEDULE_S,
    Kind,
    Outcome,
    Reply,
    Standing,
    asked_s,
    judge,
)

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
DELIVERED = Reply(Outcome.DELIVERED, 204)
REFUSED = Reply(Outcome.REFUSED, 500)
GONE = Reply(Outcome.REFUSED, 410)
BLOCKED = Reply(Outcome.BLOCKED, error="blocked: 10.0.0.1 is private")


def judged(reply, failures=0, kind=Kind.NOTICE, delivery="d1"):
    return judge(delivery, kind, failures, reply, NOW)


def test_the_schedule_is_the_recommended_one():
    hours = [wait / 3600 for wait in SCHEDULE_S]
    assert [*SCHEDULE_S[:3], *hours[3:]] == [5, 300, 1800, 2, 5, 10, 14, 20, 24]
    assert MOST_ATTEMPTS == 10


def test_what_arrived_is_done():
    assert judged(DELIVERED, failures=9).standing is Standing.DELIVERED


@pytest.mark.parametrize("reply", [REFUSED, BLOCKED, Reply(Outcome.FAILED, error="timeout")])
def test_after_each_failure_it_waits_longer_and_after_the_last_it_is_dead(reply):
    waits = []
    for failures in range(MOST_ATTEMPTS):
        verdict = judged(reply, failures)
        assert verdict.failures == failures + 1
        if verdict.standing is Standing.WAITING:
            waits.append((verdict.due - NOW).total_seconds())
    assert verdict.standing is Standing.DEAD
    assert len(waits) == MOST_ATTEMPTS - 1
    assert all(least <= wait <= 1.1 * least for wait, least in zip(waits, SCHEDULE_S, strict=True))


@given(st.text("0123456789abcdef", min_size=32, max_size=32), st.integers(0, 8))
def test_the_wait_is_the_same_for_the_same_attempt_and_never_over_a_tenth_longer(delivery, failures):
    one, other = (judged(REFUSED, failures, delivery=delivery) for _ in range(2))
    assert one == other
    assert 1 <= (one.due - NOW).total_seconds() / SCHEDULE_S[failures] <= 1.1


def test_deliveries_that_failed_together_come_apart():
    dues = {judged(REFUSED, 3, delivery=f"d{number}").due for number in range(100)}
    assert len(dues) > 90


def test_a_receiver_that_is_gone_is_tried_no_more():
    assert (judged(GONE).standing, judged(GONE).gone) == (Standing.DEAD, True)
    assert not judged(REFUSED, MOST_ATTEMPTS - 1).gone


def test_a_ping_is_tried_once():
    assert judged(REFUSED, kind=Kind.PING).standing is Standing.DEAD


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, 0), ("0", 0), ("120", 120), ("86400", 86_400), ("86401", 86_400), ("999999999", 86_400),
        ("9" * 30, 0), ("-5", 0), ("1.5", 0), ("soon", 0), ("", 0), ("٣", 0),
        ("Sun, 29 Nov 2026 08:02:00 GMT", 120), ("Sun, 29 Nov 2026 07:00:00 GMT", 0),
        ("Fri, 31 Dec 2100 00:00:00 GMT", 86_400), ("Sun, 29 Nov 2026 08:02:00", 120),
        ("Sun, 99 Nov 2026 08:02:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_within_bounds(written, seconds):
    assert asked_s(written, NOW) == seconds


@given(st.text(max_size=64))
def test_no_retry_after_is_too_strange(written):
    assert 0 <= asked_s(written, NOW) <= 86_400


def test_a_receiver_may_ask_for_more_time_and_not_for_less():
    more = judged(Reply(Outcome.REFUSED, 429, retry_after="600"))
    assert more.due == NOW + timedelta(seconds=600)
    less = judged(Reply(Outcome.REFUSED, 503, retry_after="1"), failures=2)
    assert less.due >= NOW + timedelta(seconds=SCHEDULE_S[2])
