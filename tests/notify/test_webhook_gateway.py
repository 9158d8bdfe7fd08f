"""What is sent where: real TLS on loopback, a resolver that lies, an answer of every kind; faults.md I43, F44."""

import asyncio
import ipaddress
import socket
import struct

import pytest

from services.notify import gateway as module
from services.notify.domain.retries import Outcome
from services.notify.domain.targets import read_target
from services.notify.gateway import Gateway, Resolver
from shared.kernel.errors import Refused
from tests.notify.receivers import LOOPBACK, NAME, Scripted, answer, new_authority, receiving

BODY = b'{"type":"dukao.ping.v1"}'
HEADERS = {"webhook-id": "m1", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
HERE = ["127.0.0.1"]


def gateway(authority, resolve, allowed=LOOPBACK):
    return Gateway(resolve, allowed, authority.trust())


async def test_a_message_arrives_whole_with_the_name_in_sni_and_host(authority, receiver):
    resolve = Scripted(HERE)
    reply = await gateway(authority, resolve).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.status, reply.error) == (Outcome.DELIVERED, 204, None)
    ((line, headers, body),) = receiver.came
    assert (line, body) == ("POST /in HTTP/1.1", BODY)
    assert headers["host"] == f"{NAME}:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert HEADERS.items() <= headers.items()
    assert receiver.names == [NAME]
    assert resolve.asked == [(NAME, receiver.port)]


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.2"], ["10.0.0.5"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"],
     ["2002:7f00:1::"], ["100.64.0.1"], ["224.0.0.1"], ["127.0.0.1", "10.0.0.5"], ["1.1.1.1", "127.0.0.2"],
     ["1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "127.0.0.2"]],
)  # fmt: skip
async def test_a_name_that_leads_astray_is_blocked_before_a_connection(authority, receiver, addresses):
    async with receiving(authority.serving(NAME), host="127.0.0.2", port=receiver.port) as other:
        reply = await gateway(authority, Scripted(addresses)).send(receiver.url, HEADERS, BODY)
    assert reply.outcome is Outcome.BLOCKED
    assert reply.error is not None
    assert reply.error.startswith("blocked: ")
    assert (receiver.connections, other.connections) == (0, 0)


async def test_without_an_allow_list_loopback_is_blocked(authority, receiver):
    reply = await gateway(authority, Scripted(HERE), allowed=()).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.error) == (Outcome.BLOCKED, "blocked: 127.0.0.1 is loopback")
    assert receiver.connections == 0


async def test_a_resolver_that_changes_its_answer_after_the_check_is_not_asked_again(authority, receiver):
    """The first answer passes; a second question would be answered with the metadata of a cloud or another host."""
    async with receiving(authority.serving(NAME), host="127.0.0.2", port=receiver.port) as attacked:
        resolve = Scripted(HERE, ["127.0.0.2"])
        sends = gateway(authority, resolve)
        reply = await sends.send(receiver.url, HEADERS, BODY)
        assert (reply.outcome, len(resolve.asked)) == (Outcome.DELIVERED, 1)
        assert (receiver.connections, attacked.connections) == (1, 0)
        reply = await sends.send(receiver.url, HEADERS, BODY)
        assert (reply.outcome, len(resolve.asked)) == (Outcome.BLOCKED, 2)
        assert (receiver.connections, attacked.connections) == (1, 0)


async def test_the_machine_resolves_no_name_while_a_message_is_sent(authority, receiver):
    """Nothing on the way to the socket resolves a name for itself, which is where rebinding would come in."""
    loop = asyncio.get_running_loop()
    asked = []
    by_loop = loop.getaddrinfo

    async def noted(host, *more, **named):
        asked.append(host)
        return await by_loop(host, *more, **named)

    loop.getaddrinfo = noted
    try:
        reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    finally:
        loop.getaddrinfo = by_loop
    assert reply.outcome is Outcome.DELIVERED
    assert NAME not in asked


async def test_a_redirect_is_a_refusal_and_nobody_follows_it(authority, receiver):
    async with receiving(None) as inside:
        for status in (301, 302, 303, 307, 308):
            receiver.answers = [answer(status, f"location: http://127.0.0.1:{inside.port}/")]
            reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
            assert (reply.outcome, reply.status) == (Outcome.REFUSED, status)
        assert (inside.connections, receiver.connections) == (0, 5)


async def test_proxies_of_the_environment_are_not_used(authority, receiver, monkeypatch):
    async with receiving(None) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, proxy.connections) == (Outcome.DELIVERED, 0)


async def test_cookies_of_one_answer_are_not_sent_with_the_next_message(authority, receiver):
    receiver.answers = [answer(200, "set-cookie: a=b; Path=/")]
    sends = gateway(authority, Scripted(HERE))
    await sends.send(receiver.url, HEADERS, BODY)
    await sends.send(receiver.url, HEADERS, BODY)
    assert ["cookie" in headers for _, headers, _ in receiver.came] == [False, False]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_status_of_success_is_a_delivery(authority, receiver, status):
    receiver.answers = [answer(status)]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.status) == (Outcome.DELIVERED, status)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 410, 429, 500, 503])
async def test_any_other_status_is_a_refusal(authority, receiver, status):
    receiver.answers = [answer(status, "retry-after: 120")]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.status, reply.retry_after) == (Outcome.REFUSED, status, "120")


async def test_a_long_retry_after_is_cut(authority, receiver):
    receiver.answers = [answer(503, f"retry-after: {'9' * 1_000}")]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert reply.retry_after == "9" * module.LONGEST_RETRY_AFTER


async def test_a_certificate_of_another_name_or_authority_is_a_failure(authority, tmp_path):
    for context in (authority.serving("other.example.com"), new_authority(tmp_path).serving(NAME)):
        async with receiving(context) as receiver:
            reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
        assert reply.outcome is Outcome.FAILED
        assert reply.error is not None
        assert reply.error.startswith("tls: ")
        assert receiver.came == []


async def test_a_receiver_without_tls_is_a_failure(authority):
    async def plain(_reader, writer):
        writer.write(answer(200))
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reply = await gateway(authority, Scripted(HERE)).send(f"https://{NAME}:{port}/", HEADERS, BODY)
    server.close()
    assert (reply.outcome, (reply.error or "")[:4]) == (Outcome.FAILED, "tls:")


@pytest.mark.parametrize(
    "sent", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n", b"HTTP/1.1 999999 x\r\n\r\n", b"a" * 300_000]
)
async def test_an_answer_that_is_none_is_a_failure(authority, receiver, sent):
    receiver.answers = [sent]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.status) == (Outcome.FAILED, None)


async def test_of_a_large_answer_no_more_than_the_head_is_read(authority, receiver):
    receiver.answers = [answer(200, body=b"x" * (10 << 20))]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, reply.status) == (Outcome.DELIVERED, 200)
    assert reply.latency_ms < 5_000


async def test_a_connection_that_is_reset_is_a_failure(authority):
    def reset(_reader, writer):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reply = await gateway(authority, Scripted(HERE)).send(f"https://{NAME}:{port}/", HEADERS, BODY)
    server.close()
    assert reply.outcome is Outcome.FAILED


async def test_where_nobody_listens_is_a_failure(authority):
    async with receiving(authority.serving(NAME)) as gone:
        pass
    reply = await gateway(authority, Scripted(HERE)).send(gone.url, HEADERS, BODY)
    assert (reply.outcome, reply.error) == (Outcome.FAILED, "connect: no connection")


async def test_the_next_address_is_tried_where_one_takes_no_connection(authority, receiver):
    allowed = (ipaddress.ip_network("127.0.0.0/8"),)
    resolve = Scripted(["127.0.0.3", "127.0.0.1"])
    reply = await gateway(authority, resolve, allowed).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, len(resolve.asked), receiver.connections) == (Outcome.DELIVERED, 1, 1)


async def test_an_unknown_name_is_a_failure_and_not_blocked(authority):
    reply = await gateway(authority, Scripted(None)).send(f"https://{NAME}/", HEADERS, BODY)
    assert (reply.outcome, reply.error) == (Outcome.FAILED, "resolve: the name is not known")
    reply = await gateway(authority, Scripted([])).send(f"https://{NAME}/", HEADERS, BODY)
    assert (reply.outcome, reply.error) == (Outcome.FAILED, "resolve: the name is not known")


async def test_a_url_that_is_refused_now_is_blocked(authority):
    reply = await gateway(authority, Scripted(HERE)).send("https://127.0.0.1/", HEADERS, BODY)
    assert reply.outcome is Outcome.BLOCKED


@pytest.mark.long
async def test_a_receiver_that_hangs_is_left_within_the_time_limit(authority, receiver):
    receiver.answers = [None]
    reply = await gateway(authority, Scripted(HERE)).send(receiver.url, HEADERS, BODY)
    assert (reply.outcome, (reply.error or "")[:8]) == (Outcome.FAILED, "timeout:")
    assert reply.latency_ms < 1_000 * (module.TOTAL_S + 2)


@pytest.mark.parametrize("addresses", [None, [], ["10.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["fe80::1%eth0"]])
async def test_a_name_that_is_unknown_or_leads_astray_is_refused_when_it_is_saved(authority, addresses):
    with pytest.raises(Refused) as refused:
        await gateway(authority, Scripted(addresses), ()).check(read_target(f"https://{NAME}/"))
    problem = refused.value.problem
    assert (problem.status, problem.code, problem.pointer) == (422, "url", "/url")


async def test_a_name_of_the_open_internet_is_saved(authority):
    resolve = Scripted(["1.1.1.1", "2606:4700::1111"])
    await gateway(authority, resolve, ()).check(read_target(f"https://{NAME}/"))
    assert resolve.asked == [(NAME, 443)]


async def test_names_of_the_installation_come_before_the_machine():
    assert await Resolver({NAME: "10.0.0.1"})(NAME, 443) == ["10.0.0.1"]
    assert "127.0.0.1" in await Resolver({})("localhost", 443)
    with pytest.raises(socket.gaierror):
        await Resolver({})("unknown.invalid", 443)
