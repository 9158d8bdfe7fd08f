"""Every operation of every service says who may use it and how far it reaches, and the door holds to it."""

from collections import Counter

import httpx
import pytest

from dukao.documents import SERVICES, app_of
from dukao.rights_page import operations
from shared.web.access import Bound, Role
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck

DOORS = {name: operations(app_of(name)) for name in SERVICES}
EVERY = [(service, one) for service, found in DOORS.items() for one in found]
CONCERNS_ALL = {
    "adopt_types",
    "draft_types",
    "dismiss_conflict",
    "replay_conflict",
    "dismiss_refusal",
    "adopt_scheme",
    "list_suspense",
    "list_unread_reports",
    "draft_calendar",
    "adopt_calendar",
    "adopt_rules",
    "read_stream",
    "read_shards",
    "read_consumers",
    "list_shards",
    "list_orders",
    "pause_consumer",
    "resume_consumer",
    "retry_consumer",
    "ask_skip",
    "approve_skip",
    "withdraw_skip",
    "start_rebuild",
    "show_rebuild",
    "swap_rebuild",
    "start_verification",
    "show_verification",
    "list_webhooks",
    "add_webhook",
    "remove_webhook",
    "pause_webhook",
    "resume_webhook",
    "ping_webhook",
    "rotate_webhook",
    "list_deliveries",
    "resend_delivery",
    "issue_survey_tokens",
}
FOR_ANYONE = {"answer_survey"}
CHANGES_NOTHING = {"check_rules"}  # asked by POST for its body


def test_each_operation_declares_one_right():
    amiss = [(service, one.name, len(one.declared)) for service, one in EVERY if len(one.declared) != 1]
    assert amiss == []
    open_to_all = {one.name for _, one in EVERY if one.declared[0].bound is Bound.ANYONE}
    assert open_to_all == {one.name for _, one in EVERY if not one.declared[0].action.roles} == FOR_ANYONE
    assert min(Counter(service for service, _ in EVERY).values()) > 14


def test_what_concerns_every_unit_takes_a_token_for_all_of_them():
    found = {one.name: one.declared[0].bound for _, one in EVERY}
    assert {name: found[name] for name in CONCERNS_ALL} == dict.fromkeys(CONCERNS_ALL, Bound.WHOLE)


def test_what_changes_something_is_never_for_everyone():
    published = {
        one.name for _, one in EVERY if one.declared[0].bound is Bound.PUBLISHED and "GET" not in one.methods
    }
    assert published <= CHANGES_NOTHING


def test_nobody_but_the_whole_reads_a_stream():
    assert {one.declared[0].bound for _, one in EVERY if one.path.startswith("/internal/")} == {Bound.WHOLE}


@pytest.mark.parametrize("name", SERVICES)
async def test_a_token_for_one_unit_is_refused_at_all_that_concerns_every_unit(name, tmp_path):
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    app = app_of(name)
    app.state.tokens = TokenCheck(issuer=ISSUER, audience=f"dukao/{name}", keys=KeyFile(issuer.jwks_file))
    roles = [role.value for role in Role]
    token = issuer.mint("ada", roles, [f"dukao/{name}"], unit="/nation")
    answers = {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://t",
        headers={"authorization": f"Bearer {token}"},
    ) as client:
        for one in DOORS[name]:
            if one.declared[0].bound is Bound.WHOLE:
                (method,) = one.methods
                answer = await client.request(method, one.path.replace("{", "").replace("}", ""))
                answers[one.name] = answer.status_code, answer.json()["code"]
    assert answers
    assert set(answers.values()) == {(403, "forbidden")}
