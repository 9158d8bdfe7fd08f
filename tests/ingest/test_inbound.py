"""What inbound topics bring is admitted once with its offset, or refused with its place; nothing blocks."""

import asyncio
import itertools
import json

import pytest

from services.ingest import deciding, handlers, places, worklists
from services.ingest.committing import Admission
from services.ingest.contract import (
    ACCEPTED,
    INBOUND,
    INBOUND_REFUSED,
    NOTICES,
    InboundEvent,
)
from services.ingest.domain.binding import Message, topic_of
from services.ingest.domain.sources import Sender
from services.ingest.migrations.ingest_0001 import TABLES
from services.ingest.taking import Taking
from services.ingest.worklists import WorkList
from shared.kernel.strict_json import decode
from shared.storage.failures import STORAGE_ERRORS

NUMBERS = itertools.count(1)
FIELDS = {"number": {"type": "code", "required": True}}
TYPES = {"task.done.v1": {"title": "Done", "case": "optional", "fields": FIELDS}}


@pytest.fixture
def source():
    return f"desk{next(NUMBERS)}"


@pytest.fixture
async def admission(exchange, source):
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
        catalogue = {"types": TYPES, "sources": {source: {"title": "Desk"}}}
        drafted = await handlers.draft_types(tx, catalogue, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    return Admission(exchange, replay=False)


def event(source, /, **changes):
    made = {"specversion": "1.0", "id": "e1", "source": source, "type": "task.done.v1", "subject": "1101"}
    made |= {"time": "2021-03-01T00:00:00Z", "data": {"number": "n1"}} | changes
    return {name: value for name, value in made.items() if value is not ...}


def message(source, offset, body, headers=()):
    value = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    return Message(source, topic_of(source), 0, offset, value, headers)


async def accepted(admission):
    """Return the ids of upstream events in the archive, in order of shards and numbers."""
    found = []
    async with admission.exchange.reading() as tx:
        for shard in range(64):
            found += [decode(record.body) for record in await tx.read(ACCEPTED, shard, 0, 1000)]
    return sorted(one["id"] for one in found if not one["type"].startswith("dukao."))


async def rows(admission, table):
    async with admission.exchange.reading() as tx:
        return (await worklists.page(tx, worklists.WorkList(table), 0, 200))["items"]


async def offsets(admission):
    async with admission.exchange.reading() as tx:
        return await places.offsets(tx)


BAD = {
    "null": (None, (), "empty"),
    "no JSON": (b"{", (), "json"),
    "duplicate key": (b'{"a":1,"a":2}', (), "duplicate_key"),
    "too large": (b'"' + b"x" * (1 << 20) + b'"', (), "too_large"),
    "event too large": ({"data": {"number": "n" * (256 << 10)}}, (), "event_too_large"),
    "no object": (b"[]", (), "event"),
    "missing": ({"id": ...}, (), "missing_field"),
    "version by number": ({"specversion": 1.0}, (), "specversion"),
    "no source": ({"source": ...}, (), "missing_field"),
    "other source": ({"source": "other"}, (), "source_scope"),
    "unknown type": ({"type": "task.lost.v1"}, (), "unknown_type"),
    "future": ({"time": "2199-01-01T00:00:00Z"}, (), "time_in_future"),
    "reserved": ({"sequence": "1"}, (), "unknown_field"),
    "batch": ({}, [("content-type", b"application/cloudevents-batch+json")], "content_type"),
    "charset": ({}, [("content-type", b"application/cloudevents+json; charset=gbk")], "content_type"),
    "charset with null": (
        {},
        [("content-type", b"application/cloudevents+json; charset*=a\x00b''x")],
        "content_type",
    ),
    "charset continued": (
        {},
        [("content-type", b"application/cloudevents+json; charset*%b=x" % (b"9" * 5_000))],
        "content_type",
    ),
    "header bytes": ({}, [("ce_id", b"\xff")], "encoding"),
    "header twice": (b"{}", [("ce_id", b"a"), ("ce_id", b"b")], "duplicate_key"),
    "binary without type": (b"{}", [("ce_id", b"a")], "missing_field"),
}


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_record_becomes_a_refusal_with_its_place_and_the_offset_goes_on(admission, source, case):
    body, headers, code = BAD[case]
    made = event(source, **body) if isinstance(body, dict) else body
    await Taking(admission).take([message(source, 7, made, headers), message(source, 8, event(source))])
    (refusal,) = await rows(admission, "refusals")
    topic = topic_of(source)
    assert (refusal["code"], refusal["place"], refusal["client"]) == (code, f"{topic}/0/7", topic)
    assert await accepted(admission) == ["e1"]
    assert await offsets(admission) == {(topic, 0): 9}


async def told(admission):
    """Return what persons were told of refused records."""
    found = []
    async with admission.exchange.reading() as tx:
        for shard in range(64):
            found += [decode(record.body) for record in await tx.read(NOTICES, shard, 0, 1000)]
    assert {one["type"] for one in found} <= {INBOUND_REFUSED}
    return sorted((one["data"]["topic"], one["data"]["code"], one["data"]["place"]) for one in found)


async def test_persons_are_told_once_of_a_topic_and_a_code_until_nothing_of_it_is_open(admission, source):
    topic, lost = topic_of(source), event(source, type="task.lost.v1")
    await Taking(admission).take([message(source, at, body) for at, body in enumerate([b"{", lost, b"["])])
    await Taking(admission).take([message(source, 3, b"{"), message(source, 4, lost)])
    first = [(topic, "json", f"{topic}/0/0"), (topic, "unknown_type", f"{topic}/0/1")]
    assert await told(admission) == first
    numbers = [row["id"] for row in await rows(admission, "refusals") if row["code"] == "json"]
    await deciding.dismiss(admission, WorkList.REFUSALS, numbers[0], "olga", "nothing")
    await Taking(admission).take([message(source, 5, b"{")])
    assert await told(admission) == first
    for number in [*numbers[1:], numbers[-1] + 2]:
        await deciding.dismiss(admission, WorkList.REFUSALS, number, "olga", "nothing")
    await Taking(admission).take([message(source, 6, b"{"), message(source, 7, lost)])
    assert await told(admission) == sorted([*first, (topic, "json", f"{topic}/0/6")])


async def test_structured_and_binary_records_are_the_same_event_and_a_retraction_has_no_value(
    admission, source
):
    structured = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    attributes = {name: str(value).encode() for name, value in event(source, data=...).items()}
    binary = [(f"ce_{name}", value) for name, value in attributes.items()]
    retraction = [("correctssource", source), ("correctsid", "e1"), ("revision", "1"), ("id", "c1")]
    retracting = attributes | {name: value.encode() for name, value in retraction}
    await Taking(admission).take(
        [
            message(source, 0, event(source), structured),
            message(source, 1, {"number": "n1"}, [*binary, ("content-type", b"application/json")]),
            message(source, 2, None, [(f"ce_{name}", value) for name, value in retracting.items()]),
        ]
    )
    assert await accepted(admission) == ["c1", "e1"]
    assert await rows(admission, "refusals") == await rows(admission, "conflicts") == []


async def test_a_duplicate_is_dropped_and_a_conflict_is_kept_for_a_person(admission, source):
    await Taking(admission).take([message(source, 0, event(source)), message(source, 1, event(source))])
    await Taking(admission).take([message(source, 2, event(source, data={"number": "n2"}))])
    assert await accepted(admission) == ["e1"]
    assert [row["why"] for row in await rows(admission, "conflicts")] == ["id_conflict"]
    assert await rows(admission, "refusals") == []


async def test_what_was_taken_before_is_skipped(admission, source):
    bad = [message(source, offset, b"{") for offset in range(4)]
    await Taking(admission).take(bad[:2])
    await asyncio.gather(
        Taking(admission).take(bad), Taking(Admission(admission.exchange, replay=False)).take(bad)
    )
    taken = [row["place"] for row in await rows(admission, "refusals")]
    assert taken == [f"{topic_of(source)}/0/{offset}" for offset in range(4)]


class Dying(Admission):
    """An admission whose database session is killed when all is written, before the commit."""

    async def admit(self, tx, judged, *, careful=True):
        await super().admit(tx, judged, careful=careful)
        await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_transaction_killed_before_its_commit_leaves_nothing_and_is_redelivered_once(
    admission, source
):
    sent = [message(source, 0, event(source)), message(source, 1, b"{")]
    with pytest.raises(STORAGE_ERRORS):
        await Taking(Dying(admission.exchange, replay=False)).take(sent)
    assert (await accepted(admission), await offsets(admission)) == ([], {})
    await Taking(admission).take(sent)
    await Taking(admission).take(sent)
    assert await accepted(admission) == ["e1"]
    assert len(await rows(admission, "refusals")) == 1


class Unstorable(Admission):
    """An admission whose storage does not take one event."""

    async def admit(self, tx, judged, *, careful=True):
        if any(getattr(one, "id", "") == "bad" for one in judged):
            await tx.execute("SELECT 1/0")
        return await super().admit(tx, judged, careful=careful)


async def test_an_event_that_the_storage_does_not_take_is_refused_and_blocks_no_other(admission, source):
    sent = [message(source, place, event(source, id=name)) for place, name in enumerate(["a", "bad", "z"])]
    await Taking(Unstorable(admission.exchange, replay=False)).take(sent)
    assert await accepted(admission) == ["a", "z"]
    assert [row["code"] for row in await rows(admission, "refusals")] == ["unstorable"]
    assert await offsets(admission) == {(topic_of(source), 0): 3}


class Mistaken(Admission):
    """An admission whose judging fails at some events by a mistake of ours, or for want of memory."""

    fails_at = frozenset({b"bad"})
    mistake: type[Exception] = LookupError

    def _candidate(self, event, sender):
        named = event.value if isinstance(event, Message) else event["id"].encode()
        if any(name in named for name in self.fails_at):
            raise self.mistake
        return super()._candidate(event, sender)


async def test_a_mistake_of_ours_at_one_record_is_its_refusal_and_blocks_no_other(admission, source):
    sent = [message(source, place, event(source, id=name)) for place, name in enumerate(["a", "bad", "z"])]
    await Taking(Mistaken(admission.exchange, replay=False)).take(sent)
    assert await accepted(admission) == ["a", "z"]
    (refusal,) = await rows(admission, "refusals")
    assert (refusal["code"], refusal["place"]) == ("unstorable", sent[1].place)
    assert await offsets(admission) == {(topic_of(source), 0): 3}


async def test_a_mistake_of_ours_under_a_catalogue_adopted_meanwhile_is_a_refusal_too(admission, source):
    mistaken = Mistaken(admission.exchange, replay=False)
    mistaken.fails_at = frozenset()
    sent = [message(source, place, event(source, id=name)) for place, name in enumerate(["a", "bad"])]
    judged = await mistaken.judge(sent)
    async with admission.exchange.begin(actor="test", action="adopt elsewhere") as tx:
        catalogue = {"types": TYPES, "sources": {source: {"title": "The desk"}}}
        drafted = await handlers.draft_types(tx, catalogue, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    mistaken.fails_at = Mistaken.fails_at
    await Taking(mistaken).take(sent, judged)
    assert await accepted(admission) == ["a"]
    assert [row["place"] for row in await rows(admission, "refusals")] == [sent[1].place]


async def test_a_record_that_finds_no_memory_is_not_refused(admission, source):
    starved = Mistaken(admission.exchange, replay=False)
    starved.mistake = MemoryError
    with pytest.raises(MemoryError):
        await Taking(starved).take([message(source, 0, event(source, id="bad"))])
    assert await offsets(admission) == {}


async def test_an_event_judged_by_a_catalogue_that_is_replaced_is_judged_again_under_the_lock(
    admission, source
):
    judged = await admission.judge([event(source)])
    async with admission.exchange.begin(actor="test", action="adopt elsewhere") as tx:
        changed = {"types": {"task.new.v1": TYPES["task.done.v1"]}, "sources": {source: {"title": "Desk"}}}
        drafted = await handlers.draft_types(tx, changed, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    (answer,) = await admission.commit(judged)
    assert answer.problem.code == "unknown_type"
    assert await accepted(admission) == []


async def test_a_mistake_of_ours_at_an_event_of_a_group_that_is_judged_again_is_its_own_refusal(
    admission, source
):
    mistaken = Mistaken(admission.exchange, replay=False)
    mistaken.fails_at = frozenset()
    judged = await mistaken.judge([event(source, id=name) for name in ("a", "bad", "z")], Sender("d", "d"))
    async with admission.exchange.begin(actor="test", action="adopt elsewhere") as tx:
        catalogue = {"types": TYPES, "sources": {source: {"title": "The desk"}}}
        drafted = await handlers.draft_types(tx, catalogue, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    mistaken.fails_at = Mistaken.fails_at
    answers = await mistaken.commit(judged)
    assert [answer.problem and answer.problem.code for answer in answers] == [None, "unstorable", None]
    assert await accepted(admission) == ["a", "z"]


class Asking(Admission):
    """An admission that notes for each try whether it was to look up every key."""

    def __init__(self, exchange):
        super().__init__(exchange, replay=False)
        self.tries = []

    async def admit(self, tx, judged, *, careful=True):
        self.tries.append(careful)
        return await super().admit(tx, judged, careful=careful)


async def test_keys_are_looked_up_once_what_was_forgotten_was_repeated_and_until_nothing_is(
    admission, source
):
    for offset, name in enumerate(["e1", "e2"]):
        await Taking(admission).take([message(source, offset, event(source, id=name))])
    asking = Asking(admission.exchange)
    for offset, name in enumerate(["e1", "e2", "e3", "e4", "e4"], start=2):
        await Taking(asking).take([message(source, offset, event(source, id=name))])
    assert asking.tries == [False, True, True, True, False, False]
    assert await accepted(admission) == ["e1", "e2", "e3", "e4"]


async def test_what_came_lately_is_a_duplicate_among_new_ones_without_every_key_being_looked_up(
    admission, source
):
    asking = Asking(admission.exchange)
    for offset, names in enumerate([["e1", "e2"], ["e3", "e1", "e3", "e4"]]):
        await Taking(asking).take(
            [message(source, 4 * offset + at, event(source, id=name)) for at, name in enumerate(names)]
        )
    assert asking.tries == [False, False]
    assert await accepted(admission) == ["e1", "e2", "e3", "e4"]


async def test_what_was_forgotten_is_found_by_the_index(admission, source):
    kept = event(source, id="o1"), event(source, id="o2", data={"number": "n2"})
    await Taking(admission).take([message(source, place, one) for place, one in enumerate(kept)])
    correcting = {"correctssource": source, "correctsid": "o3", "revision": 1}
    await Taking(admission).take([message(source, 2, event(source, id="c1", **correcting))])
    sent = [
        kept[0],
        event(source, id="o2", data={"number": "n3"}),
        event(source, id="o3"),
        event(source, id="o4"),
    ]
    asking = Asking(admission.exchange)
    await Taking(asking).take([message(source, place, one) for place, one in enumerate(sent, start=3)])
    assert asking.tries == [False, True]
    assert await accepted(admission) == ["c1", "o1", "o2", "o3", "o4"]
    assert [row["event_id"] for row in await rows(admission, "conflicts")] == ["o2"]


def test_a_topic_is_named_after_its_source_and_no_two_sources_share_one():
    assert topic_of("desk.a-1_b") == INBOUND.format(source="desk.a-1_b")
    assert topic_of("a:b") != topic_of("a-b")
    assert ":" not in topic_of("a:b")


async def test_what_the_contract_describes_is_taken(admission, source):
    sent = InboundEvent.model_validate(
        event(source) | {"correctssource": source, "correctsid": "e0", "revision": 1}
    )
    body = sent.model_dump(exclude_none=True)
    await Taking(admission).take([message(source, 0, body)])
    assert await accepted(admission) == ["e1"]
