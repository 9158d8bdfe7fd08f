"""Webhooks from the command line, without a platform; and what a refusal says."""

from typing import get_args

import httpx
import pytest

from dukao.client import RefusedError, answered
from dukao.commands.webhooks import OUTCOMES, STATES
from dukao.exits import Exit
from dukao.failures import failure_of
from services.notify.domain.retries import Outcome
from services.notify.webhook_answers import StateText
from tests.cli.alone import run


@pytest.mark.parametrize(
    "words",
    [
        ("add", "oa"),
        ("pause", "oa"),
        ("resend", "d1"),
        ("rotate", "oa", "--keep-old-hours", "169"),
        ("ping",),
    ],
)
def test_what_a_command_needs_is_said_before_anything_is_sent(tmp_path, words):
    assert run(tmp_path, "webhooks", *words).exit_code == Exit.USAGE


def test_states_and_outcomes_are_shown_in_words():
    assert set(get_args(StateText)) == STATES.keys()
    assert {*Outcome, None} == OUTCOMES.keys()


def test_a_refused_url_says_what_is_taken():
    refused = RefusedError(422, {"code": "url", "detail": "10.0.0.1 is private", "pointer": "/url"}, "notify")
    failure = failure_of(refused)
    assert failure.exit == Exit.REFUSED
    assert "https" in " ".join(failure.advice)


def test_an_answer_without_content_says_nothing_whatever_its_type():
    answer = httpx.Response(204, headers={"content-type": "application/json"})
    assert answered(answer, "notify") == {}
