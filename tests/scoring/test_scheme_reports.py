"""The door of what schemes say beside their documents."""

import copy

import pytest

from tests.hostile_schemes.corpus import CASES, RAW_JSON
from tests.scoring.test_schemes import APPROVER, AUTHOR, changed, door, scoring, taught
from tests.scoring.test_stages import SCHEME, Driver, accept, adopt, levy, teach

__all__ = ["door", "scoring", "taught"]
READER = ("eve", ["reader"])


async def adopted(taught, door, document):
    head = document["scheme"]
    async with door(taught, AUTHOR) as client:
        assert (await client.post("/v1/schemes", json=document)).status_code == 201
    async with door(taught, APPROVER) as client:
        path = f"/v1/schemes/{head['code']}/{head['version']}"
        read = (await client.get(path)).headers["etag"].strip('"')
        answer = await client.post(f"{path}:adopt", json={"digest": read})
        assert answer.status_code == 200


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_version_is_compared_with_the_one_adopted_before(taught, door, lang):
    await adopted(taught, door, SCHEME)
    newer = changed(version=3)
    newer["indicators"][0]["method"] = {"target": {"target": "0.95"}}
    async with door(taught, AUTHOR) as client:
        await client.post("/v1/schemes", json=newer)
    async with door(taught, READER) as client:
        found = (await client.get(f"/v1/schemes/mini/3/differences?lang={lang}")).json()
        named = (await client.get(f"/v1/schemes/mini/3/differences?since=1&lang={lang}")).json()
    assert found == named
    assert (found["since"], found["version"], found["splits"]) == (1, 3, ["ontime"])
    words = {
        "zh": "指标 ontime（On time）：目标值由 0.98 改为 0.95（分段计分）",
        "en": "Indicator ontime (On time): target from 0.98 to 0.95 (scored in parts)",
    }
    assert [one["text"] for one in found["differences"]] == [words[lang]]


async def test_a_first_version_has_none_before_and_a_language_is_zh_or_en(taught, door):
    await adopted(taught, door, SCHEME)
    async with door(taught, READER) as client:
        first = await client.get("/v1/schemes/mini/1/differences")
        none = await client.get("/v1/schemes/mini/1/differences?since=9")
        tongue = await client.get("/v1/schemes/mini/1/differences?lang=xx")
    assert [one.status_code for one in (first, none, tongue)] == [404, 404, 422]


async def test_no_hostile_document_passes_the_door(taught, door):
    """A slice of the corpus; what the catalogue lacks is refused as well."""
    async with door(taught, AUTHOR) as client:
        for _, text in RAW_JSON:
            answer = await client.post(
                "/v1/schemes", content=text.encode(), headers={"content-type": "application/json"}
            )
            assert 400 <= answer.status_code < 500, text[:80]
            assert answer.json()["code"]
        for case in CASES[::12]:
            answer = await client.post(
                "/v1/schemes", content=case.document, headers={"content-type": "application/json"}
            )
            assert answer.status_code in {400, 422}, case.name
            assert answer.json()["code"] == "scheme_refused" or answer.status_code == 400
        assert (await client.get("/v1/schemes")).json() == {"items": []}


@pytest.mark.parametrize("no_data", ["not_assessed", "zero"])
async def test_what_machines_gave_stands_beside_what_they_were_to_give(scoring, door, no_data):
    """Points that the scheme gives without data came from no machine."""
    scheme = changed() | {"coverage": {"machine": "0.5", "system": "0.3"}}
    scheme["indicators"][0]["no_data"] = no_data
    scheme["indicators"][1]["collection"] = "system"
    exchange = await scoring()
    driver = Driver(exchange)
    await teach(exchange)
    await driver.run()
    await adopt(exchange, scheme)
    await accept(exchange, [levy(1), levy(2, unit="b2", time="2021-04-01T08:00:00+08:00")])
    await driver.run()
    async with door(exchange, READER) as client:
        planned = (await client.get("/v1/schemes/mini/1/coverage")).json()
        march = (await client.get("/v1/schemes/mini/1/coverage?period=2021-03")).json()
        quarter = (await client.get("/v1/schemes/mini/1/coverage?period=2021-Q1")).json()
        wrong = [
            await client.get(f"/v1/schemes/mini/1/coverage?period={one}") for one in ("2022-01", "2021-13")
        ]
    assert planned["target"] == {"machine": "0.5", "system": "0.3", "sum": "0.8"}
    (group,) = planned["groups"]
    assert (group["group"], group["units"], group["achieved"]) == ("bureaus", 2, None)
    assert group["planned"] == {
        "unit": "b1",
        "machine": "10",
        "system": "10",
        "manual": "0",
        "share": "1.000000",
        "reaches_target": True,
    }
    (group,) = march["groups"]
    assert (group["achieved"]["points"], group["achieved"]["total"], group["achieved"]["share"]) == (
        "30",
        "40",
        "0.750000",
    )
    assert group["achieved"]["missing"] == [{"unit": "b2", "share": "0.500000", "indicators": ["ontime"]}]
    (group,) = quarter["groups"]
    assert group["achieved"]["share"] == "0.500000"
    assert [one.status_code for one in wrong] == [404, 422]
    newer = copy.deepcopy(scheme)
    newer["scheme"] |= {"version": 2, "effective": "2021-07"}
    newer["indicators"][1]["not_applicable"] = [{"units": ["b2"], "reason": "本省无此事"}]
    await adopt(exchange, newer)
    await driver.run()
    async with door(exchange, READER) as client:
        year = (await client.get("/v1/schemes/mini/2/coverage?period=2021")).json()
    (group,) = year["groups"]
    assert group["planned"]["share"] == "1.000000"
    assert (group["achieved"]["points"], group["achieved"]["total"]) == ("15", "35")
    assert [one["indicators"] for one in group["achieved"]["missing"]] == [["ontime"], ["ontime"]]


async def test_people_of_a_bureau_write_its_own_scheme_and_no_other(taught, door):
    await adopted(taught, door, SCHEME)
    child = changed(code="city") | {"parent": {"scheme": "mini", "version": 1, "unit": "b1"}}
    beside = changed(code="beside") | {"parent": {"scheme": "mini", "version": 1, "unit": "b2"}}
    taken = changed(version=2) | {"parent": {"scheme": "mini", "version": 1, "unit": "b1"}}
    below_draft = changed(code="below") | {"parent": {"scheme": "city", "version": 1, "unit": "b1"}}
    async with door(taught, ("li", ["author"]), unit="/hq/b1") as client:
        assert (await client.post("/v1/schemes", json=child)).status_code == 201
        assert (await client.post("/v1/schemes/city/1/rounds")).status_code == 201
        assert (await client.post("/v1/schemes/city/1/rounds:close")).status_code == 200
        for document in (beside, taken, below_draft, changed(code="free")):
            refused = await client.post("/v1/schemes", json=document)
            assert refused.status_code in {403, 404}, document["scheme"]
    async with door(taught, AUTHOR) as client:
        assert (await client.post("/v1/schemes", json=changed(version=2))).status_code == 201
    async with door(taught, ("li", ["author"]), unit="/hq/b1") as client:
        assert (await client.post("/v1/schemes/mini/2/rounds")).status_code == 403


async def test_a_child_is_checked_against_the_scheme_that_it_names(taught, door):
    await adopted(taught, door, SCHEME | {"children": {"indicators": 1}})
    child = changed(code="city")
    child["parent"] = {"scheme": "mini", "version": 1, "unit": "b1"}
    child["indicators"][0] |= {"decomposes": "ontime", "method": {"target": {"target": "0.99"}}}
    orphan = changed(code="orphan") | {"parent": {"scheme": "gone", "version": 1, "unit": "b1"}}
    async with door(taught, AUTHOR) as client:
        for document in (child, orphan):
            assert (await client.post("/v1/schemes", json=document)).status_code == 201
    async with door(taught, READER) as client:
        (layer,) = (await client.get("/v1/schemes/city/1/layers?lang=en")).json()["layers"]
        none = await client.get("/v1/schemes/mini/1/layers")
        gone = await client.get("/v1/schemes/orphan/1/layers")
    assert (layer["parent"], layer["share"], layer["missing"]) == ("mini@1", "0.500000", ["missed"])
    assert [one["text"] for one in layer["burdens"]] == [
        "layered on: 2 indicators, more than the 1 that are allowed",
        "layered on: ontime asks 0.99, stricter than 0.98 above",
    ]
    assert [(one.status_code, one.json()["code"]) for one in (none, gone)] == [
        (409, "no_parent"),
        (404, "not_found"),
    ]


async def test_schemes_that_name_each_other_end(taught, door):
    async with door(taught, AUTHOR) as client:
        for code, other in (("one", "two"), ("two", "one")):
            document = changed(code=code) | {"parent": {"scheme": other, "version": 1, "unit": "b1"}}
            assert (await client.post("/v1/schemes", json=document)).status_code == 201
        answer = await client.get("/v1/schemes/one/1/layers")
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_layers")
