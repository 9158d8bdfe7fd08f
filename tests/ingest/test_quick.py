"""The short way of a plain event gives what the strict decoder and `candidate` give, or leaves it to them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.catalogue import compile_catalogue, parse
from services.ingest.domain.envelope import LARGEST_EVENT_BYTES, Candidate, candidate
from services.ingest.domain.quick import quick, read_batch
from services.ingest.domain.sources import TOPIC
from shared.kernel.digests import sha256_hex
from shared.kernel.errors import Problem, Refused
from shared.kernel.strict_json import decode

FIELDS = {
    "zone": {"type": "code", "required": True},
    "amount": {"type": "decimal", "scale": 2},
    "count": {"type": "integer"},
    "at": {"type": "time"},
    "done": {"type": "boolean"},
    "note": {"type": "text", "max": 40},
}
TYPES = {
    "task.done.v1": {"title": "Done", "case": "optional", "business_key": ["zone"], "fields": FIELDS},
    "task.seen.v1": {"title": "Seen", "fields": {"note": {"type": "text"}}},
    "task.held.v1": {"title": "Held", "case": "required", "fields": {}},
}
SOURCES = {
    "desk": {"title": "Desk", "manifest": {"totals": {"task.done.v1": ["count", "amount"]}}},
    "far": {"title": "Far", "types": ["task.seen.v1"], "units": ["9*"], "lateness_days": 3},
}
CATALOGUE = compile_catalogue(parse({"types": TYPES, "sources": SOURCES}), 3)


def event(**changes):
    made = {"specversion": "1.0", "id": "e1", "source": "desk", "type": "task.done.v1", "subject": "1101"}
    made |= {"time": "2021-03-01T00:00:00Z", "data": {"zone": "z1", "count": 0}} | changes
    return {name: value for name, value in made.items() if value is not ...}


def the_long_way(raw):
    try:
        return candidate(decode(raw), CATALOGUE)
    except Refused:
        return None


PLAIN = [
    event(),
    event(case="c1", recorded="2021-03-02T08:00:00+08:00", datacontenttype="application/json"),
    event(data={"zone": "z", "amount": "-1.50", "count": -9007199254740991, "at": "2021-03-01T00:00:00Z"}),
    event(data={"note": "已办结 \U0001f600", "done": False, "zone": "z", "amount": None}),
    event(type="task.seen.v1", source="far", subject="91", data={}),
]


@pytest.mark.parametrize("made", PLAIN, ids=range(len(PLAIN)))
@pytest.mark.parametrize("spacing", [(",", ":"), (", ", ": "), ("\t,\n", " : ")])
def test_a_plain_event_is_taken_the_short_way(made, spacing):
    raw = json.dumps(made, ensure_ascii=False, separators=spacing).encode()
    found = quick(raw, CATALOGUE)
    assert found is not None
    assert found == the_long_way(raw)


RAW = json.dumps(event(), separators=(",", ":")).encode()
LEFT = {
    "an escape": RAW.replace(b'"e1"', rb'"\u0065\u0031"'),
    "a correction": json.dumps(event(correctssource="desk", correctsid="e0", revision=1)).encode(),
    "a retraction": json.dumps(event(data=..., correctssource="desk", correctsid="e0", revision=1)).encode(),
    "a null attribute": json.dumps(event(case=None)).encode(),
    "a key twice": RAW.replace(b'"id":"e1"', b'"id":"e1","id":"e1"'),
    "a key twice in data": RAW.replace(b'"zone":"z1"', b'"zone":"z1","zone":"z1"'),
    "data twice": RAW[:-1] + b',"data":{"zone":"z1"}}',
    "a key twice and a longer number": RAW.replace(b'"count":0', b'"count":1,"count":123456789012'),
    "zero with a sign": RAW.replace(b'"count":0', b'"count":-0'),
    "zero with a sign and a blank": RAW.replace(b'"count":0', b'"count": -0'),
    "a fraction": RAW.replace(b'"count":0', b'"count":0.0'),
    "an exponent": RAW.replace(b'"count":0', b'"count":1e2'),
    "a large integer": RAW.replace(b'"count":0', b'"count":9007199254740992'),
    "a mark": b"\xef\xbb\xbf" + RAW,
    "NUL": RAW + b"\0",
    "half a surrogate pair": RAW.replace(b"e1", b"\xed\xa0\x80"),
    "depth": RAW.replace(b'"count":0', b'"count":' + b"[" * 100_000),
    "a vertical tab": RAW + b"\x0b",
    "trailing bytes": RAW + b"{}",
    "no object": b"[]",
    "too large": json.dumps(event(data={"note": "x" * LARGEST_EVENT_BYTES})).encode(),
}  # fmt: skip


@pytest.mark.parametrize("raw", LEFT.values(), ids=LEFT.keys())
def test_what_is_unusual_or_wrong_is_left_to_the_long_way(raw):
    assert quick(raw, CATALOGUE) is None


CODES = st.sampled_from(["desk", "far", "e1", "1101", "91", "z1", "", "../x", "-", "督", "a b"])
TIMES = st.sampled_from(
    [
        "2021-03-01T00:00:00Z",
        "2021-03-01T00:00:00.123+08:00",
        "2021-02-30T00:00:00Z",
        "1899-12-31T00:00:00Z",
        "2021",
        "",
    ]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["é", "e\u0301", "\u200b"]
)
VALUES = st.one_of(
    CODES, TIMES, TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.just([]), st.just({}),
    st.sampled_from(["1.50", "1.5", "01", "-1", "1.234", "9" * 19]),
)  # fmt: skip
NAMES = st.sampled_from([
    "specversion", "id", "source", "type", "subject", "time", "case", "recorded", "datacontenttype", "sequence",
    "correctssource", "correctsid", "revision",
])  # fmt: skip
DATA = st.dictionaries(st.sampled_from([*FIELDS, "other"]), VALUES, max_size=6)
CHANGED = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([*TYPES, "task.lost.v1", "dukao.tick.v1"]),
        "source": st.sampled_from(["desk", "far", "other"]),
        "subject": CODES,
        "time": TIMES,
        "case": CODES,
        "id": TEXTS,
        "data": DATA,
    },
)


@settings(max_examples=1500)
@given(CHANGED, st.dictionaries(NAMES, VALUES, max_size=1), st.booleans(), st.randoms(use_true_random=False))
def test_the_short_way_gives_nothing_but_what_the_long_way_gives(changes, odd, ascii_only, random):
    raw = json.dumps(event(**changes | odd), ensure_ascii=ascii_only, separators=(",", ":")).encode()
    for _ in range(random.choice((0, 0, 1, 2))):
        raw = damaged(raw, random)
    found = quick(raw, CATALOGUE)
    assert found is None or found == the_long_way(raw)


def damaged(raw, random):
    """Repeat, remove or put in a few bytes, at the borders of tokens more than elsewhere."""
    borders = [at for at, byte in enumerate(raw) if byte in b'{},:"'] or [0]
    start, stop = sorted(random.choice(borders) + random.choice((0, 1)) for _ in "ab")
    piece = random.choice(
        [
            raw[start:stop],
            b" ",
            b"\n",
            b"-",
            b"-0",
            b".0",
            b"0",
            b",",
            b"{}",
            b'"count":-0,',
            b'"id":"e1",',
            b"\xff",
        ]
    )
    return raw[:start] + piece + raw[random.choice((start, start, stop)) :]


def batch(*parts):
    return b" [" + b" , ".join(parts) + b"\n]"


def in_the_long_way(raw):
    """Return the events of a batch as candidates or as they were decoded, or the code of what is wrong."""
    try:
        return [taken(one) for one in decode(raw)]
    except Refused as refused:
        return refused.problem.code


def taken(one):
    try:
        return candidate(one, CATALOGUE)
    except Refused:
        return one


CORRECTION = LEFT["a correction"]
DEEP = RAW.replace(b'"count":0', b'"count":' + b"[" * 61 + b"]" * 61)


@pytest.mark.parametrize(
    "parts", [(RAW,), (RAW, RAW, RAW), (RAW, CORRECTION), (b"{}", b"7", RAW), (DEEP, RAW)], ids=range(5)
)
def test_a_batch_is_split_and_what_is_not_plain_in_it_is_decoded(parts):
    raw = batch(*parts)
    found, unread = read_batch(raw, CATALOGUE, TOPIC)
    assert unread == {}
    assert [one if isinstance(one, Candidate) else taken(one) for one in found] == in_the_long_way(raw)
    assert isinstance(found[-1], Candidate) == (parts[-1] is RAW)


UNREAD = {
    "duplicate_key": LEFT["a key twice"],
    "number": LEFT["zero with a sign"],
    "depth": DEEP.replace(b"[]", b"[[]]"),
    "encoding": b'{"id":"\xff"}',
    "specversion": RAW.replace(b'"1.0"', b"1.0"),
    "complexity": json.dumps(dict.fromkeys(map(str, range(513)))).encode(),
}


@pytest.mark.parametrize(("code", "bad"), UNREAD.items(), ids=UNREAD.keys())
def test_an_event_of_a_batch_that_cannot_be_read_is_refused_alone(code, bad):
    events, unread = read_batch(batch(RAW, bad, RAW), CATALOGUE, TOPIC)
    assert [isinstance(one, Candidate) for one in events] == [True, False, True]
    assert events[1].code == code
    assert unread == {1: sha256_hex(bad)}


WHOLE = {
    "none": batch(),
    "no array": RAW,
    "too large": batch(*[json.dumps(event(id="x" * 100_000)).encode()] * 11),
    "a mark": b"\xef\xbb\xbf" + batch(RAW),
    "NUL behind": batch(RAW) + b"\0",
    "a vertical tab": batch(RAW, b"\x0b" + RAW),
    "half a pair": batch(RAW, rb'{"id":"\ud800"}'),
    "no number": batch(RAW, b'{"id":NaN}'),
    "a comma behind": batch(RAW, b""),
    "cut off": batch(RAW)[:-1],
}


@pytest.mark.parametrize("raw", WHOLE.values(), ids=WHOLE.keys())
def test_what_is_no_array_in_json_is_left_whole_to_the_strict_decoder(raw):
    assert read_batch(raw, CATALOGUE, TOPIC) is None


@pytest.mark.parametrize("count", [501, 1001, 200_000])
def test_of_too_many_events_none_is_looked_at(count):
    assert read_batch(batch(*[RAW] * 500), CATALOGUE, TOPIC) is not None
    with pytest.raises(Refused) as refused:
        read_batch(batch(*[b"0"] * count), CATALOGUE, TOPIC)
    assert (refused.value.problem.status, refused.value.problem.code) == (413, "batch_too_large")


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*list(LEFT.values())[:18], RAW, DEEP, b"{}", b"[]", b"1", b""]), max_size=4),
       st.booleans(), st.randoms(use_true_random=False))  # fmt: skip
def test_a_batch_the_short_way_is_that_of_the_long_way(parts, harmed, random):
    raw = batch(*parts)
    raw = damaged(raw, random) if harmed else raw
    found = read_batch(raw, CATALOGUE, TOPIC)
    if found is not None:
        events, unread = found
        assert set(unread) == {place for place, one in enumerate(events) if isinstance(one, Problem)}
        whole = in_the_long_way(raw)
        if unread:
            assert whole in {events[place].code for place in unread} | {"number"}
        else:
            assert [one if isinstance(one, Candidate) else taken(one) for one in events] == whole
