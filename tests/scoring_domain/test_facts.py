"""Which reports count, in any order."""

import itertools

import pytest

from services.scoring.domain.facts import Report, standing


def report(name="e1", revision=0, **changes):
    made = {"source": "desk", "id": name, "type": "task.done.v1", "subject": "u1", "time": 1, "shard": 0}
    made |= {"number": 1, "data": {"n": revision}, "revision": revision}
    corrects = ("desk", "e1") if revision else None
    return Report(**made | {"corrects": corrects} | changes)


CASES = {
    "the highest revision counts": ([report(), report("c2", 2), report("c1", 1)], ["c2"], {"revised"}),
    "a retraction withdraws": (
        [report(), report("c1", 1, data=None)],
        [],
        {"revised", "withdrawn"},
    ),
    "a correction waits for its original": ([report("c1", 1)], [], {"original_missing"}),
    "a correction that moved to another unit waits": (
        [report(), report("c1", 1, subject="u2"), report("c2", 2)],
        ["c2"],
        {"revised", "original_missing"},
    ),
    "of another type too": ([report(), report("c1", 1, type="task.new.v1")], ["e1"], {"original_missing"}),
    "a repeated fact counts once": ([report(fact="f"), report("e2", fact="f")], ["e1"], {"same_fact"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_counts_does_not_depend_on_the_order(case):
    reports, counting, reasons = CASES[case]
    for order in itertools.permutations(reports):
        found = standing(order)
        assert [fact.id for fact in found.facts] == counting
        assert {reason for _, reason in found.left_out} == reasons
        assert len(found.facts) + len(found.left_out) == len(reports)
