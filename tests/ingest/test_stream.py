"""Events sent line by line are answered line by line, in order, as they commit."""

import itertools
import json
import threading

import pytest

from services.ingest.api import lines
from services.ingest.api.lines import Splitter
from tests.ingest.serving import Served, adopt, database_of, event, serving
from tests.waiting import until

NUMBERS = itertools.count(1)


def fresh(**changes):
    number = next(NUMBERS)
    return event(**{"id": f"s{number}", "number": f"s{number}"} | changes)


def line(body):
    return (body if isinstance(body, bytes) else json.dumps(body).encode()) + b"\n"


class Stream:
    """A client that writes and reads as it likes."""

    def __init__(self, served: Served, name: str = "ann") -> None:
        self._socket = served.connect()
        head = f"Host: x\r\nAuthorization: {served.headers(name)['authorization']}\r\n"
        self._socket.sendall(
            b"POST /v1/events:stream HTTP/1.1\r\nContent-Type: application/x-ndjson\r\n"
            + head.encode() + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )  # fmt: skip
        self._file = self._socket.makefile("rb")
        self.status = 0
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()
        self._socket.close()

    def write(self, raw: bytes) -> None:
        self._socket.sendall(b"%x\r\n%b\r\n" % (len(raw), raw))

    def end(self) -> None:
        self._socket.sendall(b"0\r\n\r\n")

    def head(self) -> int:
        if not self.status:
            self.status = int(self._file.readline().split()[1])
            while self._file.readline() != b"\r\n":
                pass
        return self.status

    def answer(self):
        """The next line, or None at the end."""
        assert self.head() == 200
        while b"\n" not in self._rest:
            size = int(self._file.readline(), 16)
            if not size:
                assert not self._rest
                return None
            self._rest += self._file.read(size)
            self._file.readline()
        found, _, self._rest = self._rest.partition(b"\n")
        return json.loads(found)

    def answers(self):
        return list(iter(self.answer, None))


def test_each_line_is_answered_in_order_and_a_bad_one_does_not_end_the_stream(served):
    good, other = fresh(), fresh()
    sent = [
        good,
        b"{",
        b"",
        other,
        good,
        good | {"time": "2021-03-02T00:00:00Z"},
        b"[1]",
        fresh(subject="22"),
        fresh(specversion=1.0),
    ]
    with Stream(served) as stream:
        stream.write(b"".join(line(one) for one in sent))
        stream.end()
        answers = stream.answers()
    assert [one["line"] for one in answers] == [1, 2, 4, 5, 6, 7, 8, 9]
    assert [one["status"] for one in answers] == [
        "created", "rejected", "created", "duplicate", "conflict", "rejected", "rejected",
        "rejected",
    ]  # fmt: skip
    assert answers[3]["receipt"] == answers[0]["receipt"]
    assert [one["problem"]["code"] for one in answers if "problem" in one] == [
        "json", "id_conflict", "event", "source_scope", "specversion",
    ]  # fmt: skip


def test_a_stream_that_the_end_of_the_process_cuts_off_is_told_so(postgres_url, tmp_path):
    with serving(database_of(postgres_url), tmp_path, shutdown_grace_s=1) as ending:
        adopt(ending)
        with Stream(ending) as stream:
            stream.write(line(fresh()))
            assert stream.answer()["status"] == "created"
            ending.process.terminate()
            last = stream.answers()
    assert [one["problem"]["status"] for one in last] == [503]


def test_an_answer_comes_while_the_stream_is_still_written(served):
    with Stream(served) as stream:
        for _ in range(3):
            stream.write(line(fresh()))
            assert stream.answer()["status"] == "created"
        half = line(fresh())
        stream.write(half[:20])
        stream.write(half[20:-1])
        stream.end()
        assert [one["status"] for one in stream.answers()] == ["created"]


def test_a_line_over_the_limit_is_refused_and_the_next_is_taken(served):
    with Stream(served) as stream:
        stream.write(b"x" * lines.LINE_BYTES)
        stream.write(b"x" * lines.LINE_BYTES + b"\n" + line(fresh()))
        stream.end()
        long, good = stream.answers()
    assert (long["line"], long["problem"]["code"], good["status"]) == (1, "event_too_large", "created")


def test_what_was_committed_before_the_client_went_away_stays(served):
    sent = [fresh() for _ in range(50)]
    with Stream(served) as stream:
        stream.write(b"".join(line(one) for one in sent))
        assert stream.answer()["status"] == "created"
    with Stream(served) as stream:
        stream.write(b"".join(line(one) for one in sent))
        stream.end()
        answers = stream.answers()
    assert {one["status"] for one in answers} <= {"created", "duplicate"}
    assert answers[0]["status"] == "duplicate"
    assert len({(one["receipt"]["shard"], one["receipt"]["number"]) for one in answers}) == 50


def test_a_fifth_stream_of_a_client_is_told_to_come_again(served):
    with served.client("dan") as client:
        streams = [Stream(served, "dan") for _ in range(4)]
        try:
            for stream in streams:
                stream.write(line(fresh()))
                stream.answer()
            refused = client.post(
                "/v1/events:stream", content=b"", headers={"content-type": "application/x-ndjson"}
            )
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
            assert int(refused.headers["retry-after"]) >= 1
            with Stream(served, "eve") as other:
                other.write(line(fresh()))
                assert other.answer()["status"] == "created"
            streams[0].__exit__()

            def again():
                found = client.post(
                    "/v1/events:stream", content=b"", headers={"content-type": "application/x-ndjson"}
                )
                return found.status_code == 200

            until(again)
        finally:
            for stream in streams:
                stream.__exit__()


@pytest.mark.long
def test_a_stream_that_brings_nothing_for_thirty_seconds_ends_with_408(served):
    with Stream(served) as silent, Stream(served) as begun:
        silent.write(b'{"id"')
        begun.write(line(fresh()))
        assert begun.answer()["status"] == "created"
        for stream in (silent, begun):
            stream._socket.settimeout(lines.SILENCE_S + 15)
        assert silent.head() == 408
        assert begun.answer()["problem"]["code"] == "slow_body"
        assert begun.answer() is None


def test_many_lines_are_committed_in_groups_and_none_is_left_out(served):
    count = 5_000
    sent = b"".join(line(fresh()) for _ in range(count))
    with Stream(served) as stream:
        writing = threading.Thread(target=lambda: (stream.write(sent), stream.end()))
        writing.start()
        answers = stream.answers()
        writing.join()
    assert [one["line"] for one in answers] == list(range(1, count + 1))
    assert {one["status"] for one in answers} == {"created"}


def test_only_lines_of_json_in_utf8_are_a_stream(served):
    with served.client() as client:
        for kind in ("application/json", "application/x-ndjson; charset=gbk"):
            assert (
                client.post("/v1/events:stream", content=b"", headers={"content-type": kind}).status_code
                == 415
            )
        plain = {"content-type": "application/x-ndjson", "content-encoding": "gzip"}
        assert client.post("/v1/events:stream", content=b"", headers=plain).status_code == 415


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_the_same_however_the_pieces_come(size):
    raw = b'{"a":1}\r\n\n  \n{"b":"\xe7\x9d\xa3"}\nlast'
    splitter = Splitter()
    found = [one for at in range(0, len(raw), size) for one in splitter.lines(raw[at : at + size])]
    found += splitter.end()
    assert [(one.number, one.text) for one in found] == [
        (1, b'{"a":1}'), (4, b'{"b":"\xe7\x9d\xa3"}'), (5, b"last"),
    ]  # fmt: skip
