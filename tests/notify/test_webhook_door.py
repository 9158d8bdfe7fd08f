"""The door of webhooks: who may, what is refused, and that a secret is shown once."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from services.notify import deliveries
from services.notify.contract import DELIVERIES
from services.notify.deliveries import NewDelivery
from services.notify.gateway import Gateway
from services.notify.sending import Sender
from services.notify.webhooks import MOST_SECRETS, acts_router, deliveries_router, webhooks_router
from services.notify.wiring import WebhookSettings
from shared.kernel.shards import shard_of
from shared.web.app import create_app
from shared.web.development_issuer import ISSUER, DevelopmentIssuer
from shared.web.tokens import KeyFile, TokenCheck
from tests.notify.receivers import LOOPBACK, NAME, Scripted, answer, receiving

URL = f"https://{NAME}/in"
WHY = {"reason": "maintenance"}


class Door:
    """A client that speaks for persons, and the worker behind the door."""

    def __init__(self, exchange, authority, issuer, client, resolve, gateway):
        self.exchange, self.resolve, self._client, self._issuer = exchange, resolve, client, issuer
        self.sender = Sender(exchange, gateway, "1")

    async def ask(self, method, path, *, roles=("operator",), unit="/", **more):
        token = self._issuer.mint("olga", list(roles), ["dukao/notify"], unit=unit)
        return await self._client.request(method, path, headers={"authorization": f"Bearer {token}"}, **more)

    async def add(self, code="oa", url=URL, **more):
        return await self.ask("POST", "/v1/webhooks", json={"code": code, "url": url, **more})

    async def act(self, code, verb, body=None):
        return await self.ask("POST", f"/v1/webhooks/{code}:{verb}", json=body)

    async def audit(self):
        async with self.exchange.reading() as tx:
            return [
                tuple(row) for row in await tx.many("SELECT actor, action, detail FROM audit ORDER BY id")
            ]


@pytest.fixture
async def door(service, authority, tmp_path):
    issuer = DevelopmentIssuer(tmp_path, environment="test")
    resolve = Scripted(["127.0.0.1"])
    gateway = Gateway(resolve, LOOPBACK, authority.trust())
    app = create_app(
        title="notify",
        service="notify",
        routers=[
            webhooks_router(service.exchange, gateway),
            acts_router(service.exchange),
            deliveries_router(service.exchange),
        ],
        readiness=_ready,
        tokens=TokenCheck(issuer=ISSUER, audience="dukao/notify", keys=KeyFile(issuer.jwks_file)),
    )
    async with _client(app) as client:
        yield Door(service.exchange, authority, issuer, client, resolve, gateway)


async def _ready():
    return {}


@asynccontextmanager
async def _client(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
        yield client


async def test_an_endpoint_is_added_with_a_secret_that_is_shown_once_and_kept_out_of_the_audit(door):
    made = await door.add(title="OA 系统")
    assert made.status_code == 201, made.text
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    assert len(Webhook(secret)._whsecret) == 24
    shown = await door.ask("GET", "/v1/webhooks/oa")
    assert shown.json() == {name: value for name, value in made.json().items() if name != "secret"}
    listed = await door.ask("GET", "/v1/webhooks")
    assert listed.json()["items"] == [
        {name: value for name, value in shown.json().items() if name != "secrets"}
    ]
    assert ("olga", "add webhook", "oa") in await door.audit()
    assert secret not in json.dumps([await door.audit(), shown.json(), listed.json()])


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/", "https://127.0.0.1/", "https://localhost/", "https://0x7f000001/",
     "https://127.1/", "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/",
     "https://169.254.169.254/", "https://a:b@hooks.example.com/", "https://hooks.example.com:22/",
     "file:///etc/passwd", "https://政务.cn/", "https://xn--fiqs8s.example/", "", "a" * 1_500],
)  # fmt: skip
async def test_a_url_of_another_form_is_refused_and_nothing_is_resolved_or_kept(door, url):
    refused = await door.add(url=url)
    assert (refused.status_code, refused.json()["code"], refused.json()["pointer"]) == (422, "url", "/url")
    assert door.resolve.asked == []
    assert (await door.ask("GET", "/v1/webhooks")).json()["items"] == []


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["::1"], [], None])
async def test_a_name_that_leads_astray_is_refused_when_it_is_saved(door, addresses):
    door.resolve.answers = [addresses]
    refused = await door.add()
    assert (refused.status_code, refused.json()["code"], refused.json()["pointer"]) == (422, "url", "/url")


async def test_a_code_is_taken_once(door):
    await door.add()
    again = await door.add(url="https://other.example.com/")
    assert (again.status_code, again.json()["code"]) == (409, "webhook_exists")
    assert (await door.ask("GET", "/v1/webhooks/oa")).json()["url"] == URL


@pytest.mark.parametrize("code", ["", "a:b", "../x", "a b", "x" * 49])
async def test_a_code_that_no_rule_can_name_is_refused(door, code):
    assert (await door.add(code)).status_code == 422


PLACES = [
    ("GET", "/v1/webhooks", None),
    ("POST", "/v1/webhooks", {"code": "b", "url": URL}),
    ("GET", "/v1/webhooks/oa", None),
    ("DELETE", "/v1/webhooks/oa", None),
    ("GET", "/v1/webhooks/oa/attempts", None),
    ("POST", "/v1/webhooks/oa:rotate", {}),
    ("POST", "/v1/webhooks/oa:pause", WHY),
    ("POST", "/v1/webhooks/oa:resume", WHY),
    ("POST", "/v1/webhooks/oa:ping", None),
    ("GET", "/v1/deliveries", None),
    ("GET", "/v1/deliveries/d1", None),
    ("POST", "/v1/deliveries/d1:resend", WHY),
]


@pytest.mark.parametrize(("method", "path", "body"), PLACES)
async def test_it_is_for_operators_of_the_whole(door, method, path, body):
    await door.add()
    others = await door.ask(method, path, json=body, roles=("reader", "author", "approver", "integrator"))
    assert (others.status_code, others.json()["code"]) == (403, "forbidden")
    below = await door.ask(method, path, json=body, unit="/city/b1")
    assert (below.status_code, below.json()["code"]) == (403, "forbidden")
    assert (await door.ask("GET", "/v1/webhooks/oa")).json()["state"] == "on"


@pytest.mark.parametrize(
    ("method", "path", "body"), [place for place in PLACES if "/oa" in place[1] or "d1" in place[1]]
)
async def test_what_is_not_there_is_not_found(door, method, path, body):
    if path.endswith("/attempts"):
        assert (await door.ask(method, path)).json()["items"] == []
    else:
        found = await door.ask(method, path, json=body)
        assert (found.status_code, found.json()["code"]) == (404, "not_found")


async def test_a_rotation_shows_the_new_secret_once_and_says_until_when_the_old_one_signs(door):
    old = (await door.add()).json()["secret"]
    rotated = (await door.act("oa", "rotate", {"keep_old_hours": 2})).json()
    assert rotated["secret"] not in {old, None}
    newest, before = rotated["secrets"]
    assert (newest["number"], newest["until"], before["number"]) == (2, None, 1)
    assert before["until"] is not None
    at_once = (await door.act("oa", "rotate", {"keep_old_hours": 0})).json()
    assert [one["number"] for one in at_once["secrets"]] == [3]
    assert ("olga", "rotate webhook", "oa, the old for 0 h") in await door.audit()


async def test_no_more_than_a_few_secrets_sign_at_once(door):
    await door.add()
    statuses = [(await door.act("oa", "rotate", {})).status_code for _ in range(MOST_SECRETS)]
    assert statuses == [200] * (MOST_SECRETS - 1) + [409]
    assert (await door.act("oa", "rotate", {"keep_old_hours": 0})).status_code == 200


@pytest.mark.parametrize("hours", [-1, 169, "2", 1.5])
async def test_old_secrets_sign_for_a_week_at_most(door, hours):
    await door.add()
    assert (await door.act("oa", "rotate", {"keep_old_hours": hours})).status_code == 422


async def test_a_ping_tells_how_it_went(door, authority):
    async with receiving(authority.serving(NAME)) as receiver:
        secret = (await door.add(url=receiver.url)).json()["secret"]
        asked = await door.act("oa", "ping")
        assert asked.status_code == 202
        assert asked.json()["state"] == "waiting"
        (job,) = await door.sender.take()
        await door.sender.send(job)
    shown = (await door.ask("GET", f"/v1/deliveries/{asked.json()['delivery']}")).json()
    assert (shown["state"], shown["kind"], shown["attempts"]) == ("delivered", "ping", 1)
    assert [(one["outcome"], one["status"]) for one in shown["tried"]] == [("delivered", 204)]
    ((_, headers, body),) = receiver.came
    told = Webhook(secret).verify(body, headers)
    assert (told["type"], told["data"]) == ("dukao.ping.v1", {"id": headers["webhook-id"], "endpoint": "oa"})


async def test_a_paused_endpoint_is_not_pinged_and_says_why_it_rests(door):
    await door.add()
    paused = (await door.act("oa", "pause", WHY)).json()
    assert (paused["state"], paused["reason"]) == ("paused", "maintenance")
    refused = await door.act("oa", "ping")
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_off")
    assert (await door.act("oa", "resume", {"reason": "back"})).json()["state"] == "on"
    assert {("olga", "set webhook", "oa paused: maintenance"), ("olga", "set webhook", "oa on: back")} <= set(
        await door.audit()
    )


async def test_dead_deliveries_are_listed_with_their_attempts_and_sent_again(door, authority):
    async with receiving(authority.serving(NAME)) as receiver:
        receiver.answers = [answer(410), answer(204)]
        await door.add(url=receiver.url)
        ping = (await door.act("oa", "ping")).json()["delivery"]
        await door.sender.send((await door.sender.take())[0])
        assert (await door.ask("GET", "/v1/webhooks/oa")).json()["state"] == "disabled"
        dead = (await door.ask("GET", "/v1/deliveries", params={"state": "dead"})).json()
        assert [(one["delivery"], one["due"]) for one in dead["items"]] == [(ping, None)]
        notices = (await door.ask("GET", "/v1/deliveries", params={"state": "dead", "kind": "notice"})).json()
        assert notices["items"] == []
        await door.act("oa", "resume", {"reason": "they are back"})
        again = await door.ask("POST", f"/v1/deliveries/{ping}:resend", json={"reason": "they are back"})
        assert again.json()["state"] == "waiting"
        jobs = await door.sender.take()
        early = await door.ask("POST", f"/v1/deliveries/{ping}:resend", json=WHY)
        assert (early.status_code, early.json()["code"]) == (409, "under_way")
        await door.sender.send(jobs[0])
    assert receiver.ids() == [ping, ping]
    page = (await door.ask("GET", "/v1/webhooks/oa/attempts", params={"limit": 1})).json()
    assert [(one["number"], one["outcome"]) for one in page["items"]] == [(2, "delivered")]
    following = (await door.ask("GET", "/v1/webhooks/oa/attempts", params={"after": page["next"]})).json()
    assert [(one["number"], one["status"], one["error"]) for one in following["items"]] == [
        (1, 410, "status: 410")
    ]
    assert following["next"] is None


async def test_lists_come_in_pages(door):
    for code in ("c", "a", "b"):
        await door.add(code)
    first = (await door.ask("GET", "/v1/webhooks", params={"limit": 2})).json()
    assert ([one["code"] for one in first["items"]], first["next"]) == (["a", "b"], "b")
    rest = (await door.ask("GET", "/v1/webhooks", params={"limit": 2, "after": "b"})).json()
    assert ([one["code"] for one in rest["items"]], rest["next"]) == (["c"], None)
    for _ in range(3):
        await door.act("a", "ping")
    page = (await door.ask("GET", "/v1/deliveries", params={"limit": 2, "endpoint": "a"})).json()
    after = (await door.ask("GET", "/v1/deliveries", params={"after": page["next"], "endpoint": "a"})).json()
    assert (len(page["items"]), len(after["items"]), after["next"]) == (2, 1, None)


async def test_a_removed_endpoint_is_gone_with_its_secrets_and_what_waits_for_it_is_dead(door):
    await door.add()
    ping = (await door.act("oa", "ping")).json()["delivery"]
    assert (await door.ask("DELETE", "/v1/webhooks/oa")).status_code == 204
    assert (await door.ask("GET", "/v1/webhooks/oa")).status_code == 404
    async with door.exchange.reading() as tx:
        assert await tx.many("SELECT FROM webhook_secrets") == []
    assert await door.sender.take() == []
    assert (await door.ask("GET", f"/v1/deliveries/{ping}")).json()["state"] == "dead"
    resent = await door.ask("POST", f"/v1/deliveries/{ping}:resend", json=WHY)
    assert (resent.status_code, resent.json()["code"]) == (404, "not_found")


async def test_what_waited_for_a_removed_endpoint_is_not_sent_to_the_next_of_its_code(door):
    await door.add()
    ping = (await door.act("oa", "ping")).json()["delivery"]
    waiting = NewDelivery("d1", "oa", b"{}", datetime(2021, 3, 1, tzinfo=UTC))
    async with door.exchange.begin(actor="test", action="test") as tx:
        await deliveries.add(tx, [waiting])
    assert (await door.ask("DELETE", "/v1/webhooks/oa")).status_code == 204
    assert (await door.add(url=f"https://{NAME}/other")).status_code == 201
    assert await door.sender.take() == []
    for one in (ping, "d1"):
        assert (await door.ask("GET", f"/v1/deliveries/{one}")).json()["state"] == "dead"
    async with door.exchange.reading() as tx:
        told = await tx.read(DELIVERIES, shard_of("d1"), 0, 100)
    assert [json.loads(record.body)["data"] for record in told] == [
        {"delivery": "d1", "channel": "webhook:oa", "attempts": 0, "reason": "endpoint removed"}
    ]


@pytest.mark.parametrize(
    "networks", ['["0.0.0.0/0"]', '["10.0.0.0/7"]', '["::/0"]', '["fc00::/7"]', '["10.0.0.1/8"]', '["x"]']
)
def test_a_network_that_would_switch_the_guard_off_is_refused_at_start(monkeypatch, networks):
    monkeypatch.setenv("DUKAO_WEBHOOK_NETWORKS", networks)
    with pytest.raises(ValueError, match=r"networks|NETWORKS"):
        WebhookSettings()


def test_networks_and_hosts_of_the_installation_are_read_from_settings(monkeypatch):
    assert WebhookSettings().networks == ()
    monkeypatch.setenv("DUKAO_WEBHOOK_NETWORKS", '["10.20.0.0/16", "127.0.0.1/32"]')
    monkeypatch.setenv("DUKAO_WEBHOOK_HOSTS", '{"hooks.example.com": "127.0.0.1"}')
    read = WebhookSettings()
    assert [str(one) for one in read.networks] == ["10.20.0.0/16", "127.0.0.1/32"]
    assert {name: str(address) for name, address in read.hosts.items()} == {NAME: "127.0.0.1"}
