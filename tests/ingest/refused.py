"""What is kept of refused inputs: their digests alone."""

from contextlib import contextmanager

from tests.ingest.serving import Served

ECHO = "zqxjkv"


@contextmanager
def nothing_kept_of(served: Served):
    """See that what is sent within a `with` adds to no list, and that nothing of it is in the answers."""
    answers: list[bytes] = []
    with served.client() as client:
        before = refusals(client), conflicts(client)
        yield answers
        assert (refusals(client), conflicts(client)) == before
        assert client.get(f"/v1/events/desk/{ECHO}").status_code == 404
    assert answers
    assert not any(ECHO.encode() in answer for answer in answers)


def conflicts(client):
    return client.get("/v1/conflicts", params={"limit": 200}).json()["items"]


def refusals(client):
    found, after = [], 0
    while after is not None:
        page = client.get("/v1/refusals", params={"after": after, "limit": 200}).json()
        found, after = found + page["items"], page["next"]
    return found
