"""How a catalogue comes into force, and what never changes of a type that was adopted."""

import asyncio
import copy

import pytest

from services.ingest import handlers, store
from services.ingest.domain.catalogue import (
    LARGEST_DOCUMENT_BYTES,
    check_data,
    compile_catalogue,
    json_schema,
    parse,
)
from services.ingest.migrations.ingest_0001 import TABLES
from shared.kernel.canonical import canonical
from shared.kernel.errors import Refused

TYPE = "task.done.v1"
DOCUMENT = {
    "types": {
        TYPE: {
            "title": "Done",
            "case": "optional",
            "business_key": ["number", "part"],
            "fields": {
                "number": {"type": "code", "required": True},
                "part": {"type": "integer", "required": True},
                "amount": {"type": "decimal", "scale": 2},
            },
        }
    },
    "sources": {"desk": {"title": "Desk"}},
}


@pytest.fixture
async def ingest(exchange):
    async with exchange.begin(actor="test", action="tables") as tx:
        for statement in TABLES:
            await tx.execute(statement)
    return exchange


async def draft(exchange, document=DOCUMENT):
    async with exchange.begin(actor="ann", action="draft") as tx:
        return (await handlers.draft_types(tx, document, "ann")).version


async def adopt(exchange, version):
    async with exchange.begin(actor="bob", action="adopt") as tx:
        await handlers.adopt_types(tx, version, "bob")


async def problem(doing):
    with pytest.raises(Refused) as refused:
        await doing
    return refused.value.problem


def changed(**spec):
    document = copy.deepcopy(DOCUMENT)
    document["types"][TYPE] |= spec
    return document


FIELDS = DOCUMENT["types"][TYPE]["fields"]
CHANGES = {
    "a field more": changed(fields=FIELDS | {"late": {"type": "boolean"}}),
    "a field less": changed(fields={name: FIELDS[name] for name in ("number", "part")}),
    "another kind": changed(fields=FIELDS | {"amount": {"type": "integer"}}),
    "another scale": changed(fields=FIELDS | {"amount": {"type": "decimal", "scale": 3}}),
    "business key": changed(business_key=["part", "number"]),
    "case": changed(case="required"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_an_adopted_type_is_never_redefined(ingest, change):
    early = await draft(ingest, CHANGES[change])
    later = await draft(ingest)
    await adopt(ingest, later)
    told = await problem(draft(ingest, CHANGES[change]))
    assert (told.status, told.code, told.pointer) == (422, "type_changed", f"/types/{TYPE}")
    assert "write task.done.v2" in told.detail
    assert (await problem(adopt(ingest, early))).status in {409, 422}


async def test_a_draft_that_redefines_what_was_adopted_meanwhile_is_not_adopted(ingest):
    first, redefining = await draft(ingest), await draft(ingest, CHANGES["case"])
    await adopt(ingest, first)
    assert (await problem(adopt(ingest, redefining))).code == "type_changed"


async def test_a_withdrawn_type_comes_back_only_as_it_was(ingest):
    without = DOCUMENT | {"types": {"task.done.v2": changed(case="none")["types"][TYPE]}}
    for document in (DOCUMENT, without):
        await adopt(ingest, await draft(ingest, document))
    async with ingest.reading() as tx:
        assert list((await store.adopted_catalogue(tx))[1].types) == ["task.done.v2"]
    assert (await problem(draft(ingest, CHANGES["case"]))).code == "type_changed"
    await adopt(ingest, await draft(ingest, changed(title="Done again")))


async def test_an_older_draft_is_not_adopted_over_a_newer_one(ingest):
    older, newer = await draft(ingest), await draft(ingest)
    await adopt(ingest, newer)
    told = await problem(adopt(ingest, older))
    assert (told.status, told.code) == (409, "older_than_adopted")
    assert (await problem(adopt(ingest, newer))).code == "already_adopted"


async def test_drafts_at_once_have_a_version_each(ingest):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(draft(ingest)) for _ in range(6)]
    assert sorted(task.result() for task in tasks) == [1, 2, 3, 4, 5, 6]


async def test_a_catalogue_is_so_small_that_it_is_told_in_one_message(ingest):
    kind = DOCUMENT["types"][TYPE]
    room = LARGEST_DOCUMENT_BYTES

    def document(size):
        made = {"types": {TYPE: kind | {"title": ""}}, "sources": DOCUMENT["sources"]}
        return made | {"types": {TYPE: kind | {"title": "x" * (size - len(canonical(made)))}}}

    version = await draft(ingest, document(room))
    await adopt(ingest, version)
    told = await problem(draft(ingest, document(room + 1)))
    assert (told.status, told.code) == (413, "catalogue_too_large")


WRITTEN = {"code": "A-1", "decimal": "1.5", "time": "2021-03-01T00:00:00Z"}


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "{}\n\n", "\n{}", "{} ", "{}\u2028", "{}\nx"])
def test_nothing_stands_around_a_value(kind, around):
    fields = {"value": {"type": kind, "scale": 2}}
    document = {"types": {TYPE: {"title": "Done", "fields": fields}}, "sources": {}}
    declared = compile_catalogue(parse(document)).types[TYPE]
    check_data(declared, {"value": WRITTEN[kind]})
    with pytest.raises(Refused) as refused:
        check_data(declared, {"value": around.format(WRITTEN[kind])})
    assert (refused.value.problem.code, refused.value.problem.pointer) == ("field", "/data/value")


def titled(**titles):
    document = copy.deepcopy(DOCUMENT)
    for name, title in titles.items():
        document["types"][TYPE]["fields"][name]["title"] = title
    return document


async def test_what_people_call_a_field_may_change_and_says_nothing_of_its_values(ingest):
    await adopt(ingest, await draft(ingest))
    await adopt(ingest, await draft(ingest, titled(amount="金额", number="编号")))
    catalogue = compile_catalogue(parse(titled(amount="金额")))
    properties = json_schema(catalogue.types[TYPE])["$defs"]["Data_task_done_v1"]["properties"]
    assert [properties[name].get("title") for name in ("number", "amount")] == [None, "金额"]
    check_data(catalogue.types[TYPE], {"number": "n", "part": 1, "amount": "1.25"})
    with pytest.raises(Refused):
        check_data(catalogue.types[TYPE], {"number": "n", "part": 1, "amount": "1.255"})


@pytest.mark.parametrize("title", ["", "x" * 101, "a\nb", 1])
def test_a_title_is_a_line_of_text(title):
    with pytest.raises(Refused):
        parse(titled(amount=title))


@pytest.mark.parametrize("hidden", ["\x85", "\x9b", "\u202e", "\u2066", "\u200b", "\u2028", "\n", "\ue000"])
@pytest.mark.parametrize("where", ["field", "type", "source", "feed"])
def test_no_title_holds_what_is_not_seen(where, hidden):
    title, document = f"金{hidden}额", titled(amount="金额")
    source = document["sources"]["desk"]
    feed = {"title": "Tasks", "within_minutes": 60}
    source["feeds"] = {"tasks": feed}
    parse(document)
    named = {"field": document["types"][TYPE]["fields"]["amount"], "type": document["types"][TYPE]}
    (named | {"source": source, "feed": feed})[where]["title"] = title
    with pytest.raises(Refused) as refused:
        parse(document)
    assert refused.value.problem.pointer.endswith("/title")


@pytest.mark.parametrize("second", ["zz_b", "zz.b"])
async def test_sources_whose_topics_kafka_does_not_tell_apart_are_refused_by_name(ingest, second):
    first = {"zz_b": "zz.b", "zz.b": "zz_b"}[second]
    named = {code: {"title": code} for code in (first, "zz-b", second)}
    found = await problem(draft(ingest, DOCUMENT | {"sources": named}))
    assert (found.status, found.code, found.pointer) == (422, "catalogue", f"/sources/{second}")
    assert f"{first} and {second}" in found.detail


async def test_the_topic_of_a_source_that_was_left_out_stays_and_none_may_come_beside_it(ingest):
    def of(*codes):
        return DOCUMENT | {"sources": {code: {"title": code} for code in codes}}

    beside = await draft(ingest, of("zz_b"))
    await adopt(ingest, await draft(ingest, of("zz.b", "other")))
    assert (await problem(adopt(ingest, beside))).code == "older_than_adopted"
    ahead = await draft(ingest, of("other"))
    await adopt(ingest, ahead)
    found = await problem(draft(ingest, of("other", "zz_b")))
    assert (found.status, found.code, found.pointer) == (422, "catalogue", "/sources/zz_b")
    assert "zz.b and zz_b" in found.detail
    assert await draft(ingest, of("other", "zz.b")) == ahead + 1


async def test_of_two_drafts_whose_topics_collide_one_is_adopted(ingest):
    first, second = [
        await draft(ingest, DOCUMENT | {"sources": {code: {"title": code}}}) for code in ("yy.b", "yy_b")
    ]
    await adopt(ingest, first)
    found = await problem(adopt(ingest, second))
    assert (found.status, found.code, found.pointer) == (422, "catalogue", "/sources/yy_b")
