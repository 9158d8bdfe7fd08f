"""What admission decides, whatever is committed together and whoever else commits."""

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest import handlers, worklists
from services.ingest.committing import Admission
from services.ingest.domain.admission import (
    ACCEPTED_OUTCOMES,
    MOVES,
    Outcome,
    admit,
    admit_new,
    is_awaited,
    keys_of,
    keys_of_all,
    original_key,
)
from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import candidate
from services.ingest.migrations.ingest_0001 import TABLES
from shared.kernel.shards import SHARDS

FIELDS = {"number": {"type": "code", "required": True}, "amount": {"type": "integer"}}
DOCUMENT = {
    "types": {
        "task.done.v1": {"title": "Done", "case": "optional", "business_key": ["number"], "fields": FIELDS}
    },
    "sources": {"desk": {"title": "Desk"}},
}
CATALOGUE = compile_catalogue(parse(DOCUMENT))
ROUNDS = 10


def event(name, unit="u1", number="n1", amount=1, corrects=None, revision=1):
    made = {"specversion": "1.0", "id": name, "source": "desk", "type": "task.done.v1", "subject": unit}
    made |= {"time": "2021-03-01T00:00:00Z", "data": {"number": number, "amount": amount}}
    if corrects is not None:
        made |= {"correctssource": "desk", "correctsid": corrects, "revision": revision}
    return candidate(made, CATALOGUE)


EVENTS = st.builds(
    event,
    st.sampled_from(["e1", "e2"]),
    unit=st.sampled_from(["u1", "u2"]),
    number=st.sampled_from(["n1", "n2"]),
    amount=st.sampled_from([1, 2]),
)
CORRECTIONS = st.builds(
    lambda names, **more: event(names[0], corrects=names[1], **more),
    st.sampled_from(
        [(own, other) for own in ("c1", "c2") for other in ("e1", "e2", "c1", "c2") if own != other]
    ),
    unit=st.sampled_from(["u1", "u2"]),
    amount=st.sampled_from([1, 2]),
    revision=st.sampled_from([1, 2]),
)


def admitted(batches, lately=None):
    """Admit batch by batch as the store does; return rulings without their candidates.

    At first only the events that are named `lately` are looked up; without that, all.
    """
    keys, last, rulings = {}, dict.fromkeys(range(SHARDS), 0), []
    for batch in batches:
        ruled, awaited = None, set()
        if lately is not None:
            some = looked_up(keys, [one for one in batch if one.id in lately])
            ruled = admit_new(batch, some, last)
            awaited = {key for key, known in some.items() if is_awaited(known)}
        if ruled is None or ruled[1].keys() & keys.keys() - awaited:
            ruled = admit(batch, looked_up(keys, batch), last)
        found, added = ruled
        keys |= added
        for ruling in found:
            if ruling.outcome in {Outcome.CREATED, Outcome.REPORT}:
                last[ruling.candidate.shard] += 1
        rulings += [(one.outcome, one.known, one.contradicts, one.why, one.body) for one in found]
    return rulings, keys


def looked_up(keys, batch):
    return {key: keys[key] for key in keys_of_all(batch) if key in keys}


@given(st.lists(EVENTS | CORRECTIONS, max_size=8))
def test_a_batch_is_ruled_like_its_events_one_by_one(candidates):
    assert admitted([candidates]) == admitted([[one] for one in candidates])


@settings(max_examples=500)
@given(
    st.lists(st.lists(EVENTS | CORRECTIONS, max_size=4), max_size=5),
    st.sets(st.sampled_from(["e1", "e2", "c1", "c2"])),
)
def test_what_is_not_looked_up_at_first_changes_no_ruling(batches, lately):
    assert admitted(batches, lately) == admitted(batches)


@given(st.lists(EVENTS | CORRECTIONS, max_size=8))
def test_what_was_accepted_is_answered_with_the_same_receipt_when_it_comes_again(candidates):
    rulings, keys = admitted([candidates])
    known = {key: keys[key] for key in keys_of_all(candidates) if key in keys}
    again, added = admit(candidates, known, dict.fromkeys(range(SHARDS), 99))
    taken_now = []
    for at, ((outcome, known, _, why, _), ruling) in enumerate(zip(rulings, again, strict=True)):
        if outcome is Outcome.CREATED:
            assert ruling.outcome is Outcome.DUPLICATE
        elif outcome in {Outcome.REPORT, Outcome.DUPLICATE}:
            assert (ruling.outcome, ruling.known) == (Outcome.DUPLICATE, known)
        elif (outcome, why) == (Outcome.REFUSED, MOVES) and came_after(rulings, candidates, at):
            taken_now += [ruling.candidate] if ruling.outcome in ACCEPTED_OUTCOMES else []
        else:
            assert ruling.outcome in {Outcome.CONFLICT, Outcome.REFUSED}
    assert added.keys() <= {key for one in taken_now for key in keys_of(one)}


def came_after(rulings, candidates, at):
    """Tell whether a correction, refused for one that disagreed, was followed by the original of both."""
    return any(
        one.key == original_key(candidates[at]) and outcome in ACCEPTED_OUTCOMES
        for one, (outcome, *_) in zip(candidates[at:], rulings[at:], strict=True)
    )


@given(st.lists(EVENTS | CORRECTIONS, max_size=8))
def test_of_original_and_correction_the_later_one_tells_the_number_of_the_other(candidates):
    found, _ = admit(candidates, {}, dict.fromkeys(range(SHARDS), 0))
    accepted = [one for one in found if one.outcome in {Outcome.CREATED, Outcome.REPORT}]
    numbered, last = [], dict.fromkeys(range(SHARDS), 0)
    for one in accepted:
        shard = one.candidate.shard
        last[shard] += 1
        numbered.append((shard, last[shard], json.loads(one.body)))
    for at, (shard, number, told) in enumerate(numbered):
        before = [(n, other) for s, n, other in numbered[:at] if s == shard]
        originals = [n for n, other in before if other["id"] == told.get("correctsid")]
        waiting = [n for n, other in before if other.get("correctsid") == told["id"]]
        assert told.get("correctsnumber") == (str(originals[0]) if originals else None)
        assert told.get("correctedby") == (str(waiting[0]) if waiting else None), (number, numbered)


@pytest.fixture
async def two(exchange):
    """Two processes' admissions over one database."""
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
        drafted = await handlers.draft_types(tx, DOCUMENT, "ann")
        await handlers.adopt_types(tx, drafted.version, "bob")
    return Admission(exchange, replay=False), Admission(exchange, replay=False)


async def at_once(two, one, other):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(by.commit([what])) for by, what in zip(two, (one, other), strict=True)]
    return sorted(task.result()[0].outcome for task in tasks)


async def conflicts(admission):
    async with admission.exchange.reading() as tx:
        return [
            row["why"] for row in (await worklists.page(tx, worklists.WorkList.CONFLICTS, 0, 200))["items"]
        ]


async def test_two_processes_accept_one_of_two_and_answer_the_other(two):
    for n in range(ROUNDS):
        same = event(f"same{n}", number=f"s{n}")
        assert await at_once(two, same, same) == ["created", "duplicate"]
        one, other = event(f"x{n}", number=f"x{n}"), event(f"x{n}", number=f"x{n}", unit="u2")
        assert one.shard != other.shard
        assert await at_once(two, one, other) == ["conflict", "created"]
    assert await conflicts(two[0]) == ["id_conflict"] * ROUNDS


async def test_a_correction_that_moves_is_never_taken_in_silence_beside_its_original(two):
    refused = 0
    for n in range(ROUNDS):
        original = event(f"o{n}", number=f"o{n}")
        moved = event(f"c{n}", unit="u2", corrects=f"o{n}")
        assert original.shard != moved.shard
        refused += await at_once(two, original, moved) == ["created", "refused"]
    assert await conflicts(two[0]) == ["correction_moves"] * (ROUNDS - refused)
