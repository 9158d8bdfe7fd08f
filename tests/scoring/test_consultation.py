"""A draft is consulted on: rounds, comments, answers, and no adoption before each comment has one."""

from shared.kernel.canonical import digest_hex
from tests.scoring.test_schemes import APPROVER, AUTHOR, changed, door, scoring, taught
from tests.scoring.test_stages import SCHEME

__all__ = ["door", "scoring", "taught"]
OTHER_AUTHOR = ("cai", ["author"])
OFFICIAL = ("li", ["reader"])
BASE = "/v1/schemes/mini/1"


async def ask(taught, door, person, method, path, body=None):
    async with door(taught, person) as client:
        answer = await client.request(method, path, json=body)
        return answer.status_code, answer.json()


async def test_a_draft_goes_through_its_rounds_to_its_adoption(taught, door):
    scheme = changed(consultation_rounds=2)

    async def post(person, path, body=None):
        return await ask(taught, door, person, "POST", path, body)

    async def read():
        return {"digest": digest_hex((await ask(taught, door, AUTHOR, "GET", BASE))[1])}

    assert (await post(AUTHOR, "/v1/schemes", scheme))[0] == 201
    status, refused = await post(APPROVER, f"{BASE}:adopt", await read())
    assert (status, refused["code"], refused["state"]) == (409, "illegal_step", "draft")
    assert refused["possible"] == ["redraft", "open_round"]

    status, opened = await post(AUTHOR, f"{BASE}/rounds")
    assert (status, opened["round"]) == (201, 1)
    status, refused = await post(AUTHOR, "/v1/schemes", scheme)
    assert (status, refused["code"], refused["possible"]) == (409, "illegal_step", ["close_round", "comment"])
    status, said = await post(OFFICIAL, f"{BASE}/comments", {"unit": "b1", "text": "目标值建议下调"})
    assert (status, said["comment"], said["round"], said["person"]) == (201, 1, 1, "li")
    assert (await post(AUTHOR, f"{BASE}/rounds:close"))[0] == 200

    status, refused = await post(APPROVER, f"{BASE}:adopt", await read())
    assert (status, refused["state"], refused["possible"]) == (
        409,
        "consultation",
        ["redraft", "open_round", "answer"],
    )
    status, answered = await post(AUTHOR, f"{BASE}/comments/1:answer", {"text": "采纳"})
    assert (status, answered["answer"], answered["answered_by"]) == (200, "采纳", "ada")
    assert (await post(AUTHOR, f"{BASE}/comments/1:answer", {"text": "改"}))[1]["code"] == "illegal_step"

    scheme["indicators"][0]["method"] = {"target": {"target": "0.95"}}
    assert (await post(AUTHOR, "/v1/schemes", scheme))[0] == 201
    assert (await post(APPROVER, f"{BASE}:adopt", await read()))[1]["detail"].startswith(
        "The scheme asks for 2 rounds"
    )
    status, second = await post(AUTHOR, f"{BASE}/rounds")
    assert (status, second["round"]) == (201, 2)
    assert second["digest"] != opened["digest"]
    assert (await post(AUTHOR, f"{BASE}/rounds:close"))[0] == 200
    assert (await post(APPROVER, f"{BASE}:adopt", await read()))[0] == 200

    status, found = await ask(taught, door, OFFICIAL, "GET", f"{BASE}/consultation")
    assert (status, found["state"], found["rounds"], found["possible"]) == (200, "adopted", 2, [])
    assert [one["digest"] for one in found["held"]] == [opened["digest"], second["digest"]]
    assert [(one["text"], one["answer"]) for one in found["comments"]] == [("目标值建议下调", "采纳")]


async def test_nobody_answers_their_own_comment_and_each_once(taught, door):
    async def post(person, path, body=None):
        status, answer = await ask(taught, door, person, "POST", path, body)
        return status, answer.get("code")

    await post(AUTHOR, "/v1/schemes", SCHEME)
    assert await post(OFFICIAL, f"{BASE}/comments", {"unit": "b1", "text": "x"}) == (409, "illegal_step")
    await post(AUTHOR, f"{BASE}/rounds")
    assert await post(OFFICIAL, f"{BASE}/comments", {"unit": "b9", "text": "x"}) == (422, "unknown_unit")
    assert await post(OFFICIAL, f"{BASE}/comments", {"unit": "b1", "text": ""}) == (422, "invalid")
    for text in ("first", "second"):
        await post(AUTHOR, f"{BASE}/comments", {"unit": "b2", "text": text})
    assert await post(AUTHOR, f"{BASE}/comments/1:answer", {"text": "y"}) == (403, "same_person")
    assert await post(OTHER_AUTHOR, f"{BASE}/comments/1:answer", {"text": "y"}) == (200, None)
    assert await post(OTHER_AUTHOR, f"{BASE}/comments/1:answer", {"text": "z"}) == (409, "already_answered")
    assert await post(OTHER_AUTHOR, f"{BASE}/comments/9:answer", {"text": "z"}) == (404, "not_found")
    assert await post(OFFICIAL, f"{BASE}/rounds:close") == (403, "forbidden")


async def test_a_newer_version_supersedes_the_one_before(taught, door):
    for version in (1, 2):
        await ask(taught, door, AUTHOR, "POST", "/v1/schemes", changed(version=version))
        path = f"/v1/schemes/mini/{version}"
        read = {"digest": digest_hex((await ask(taught, door, AUTHOR, "GET", path))[1])}
        assert (await ask(taught, door, APPROVER, "POST", f"{path}:adopt", read))[0] == 200
    _, found = await ask(taught, door, OFFICIAL, "GET", "/v1/schemes")
    assert [(one["version"], one["state"]) for one in found["items"]] == [(1, "superseded"), (2, "adopted")]
