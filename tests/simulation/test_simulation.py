"""No seed loses, doubles or alters anything; every planted fault is found, and named in the docs."""

from collections import Counter

import pytest

from tests.simulation.faults import PLANTED
from tests.simulation.run import simulate
from tests.simulation.table import MOST_SEEDS, found, stored
from tests.simulation.world import HIGHEST

FEW, MANY = 60, 500


ANSWERS = {
    "created",
    "duplicate",
    "id_conflict",
    "business_key_conflict",
    "revision_conflict",
    "correction_moves",
}


def run(seeds):
    """Run seeds and return how often each fault happened, and how often each answer was given."""
    happened, answered = Counter(), Counter()
    for seed in seeds:
        result = simulate(seed)
        assert not result.findings, str(result)
        happened += result.happened
        answered += result.answered
    return happened, answered


def test_nothing_is_lost_doubled_or_altered_and_every_fault_and_every_answer_happened():
    happened, answered = run(range(FEW))
    assert (happened.keys(), answered.keys()) == (HIGHEST.keys(), ANSWERS)


@pytest.mark.long
def test_nothing_is_lost_doubled_or_altered_in_many_seeds():
    run(range(FEW, MANY))


def test_a_seed_runs_again_step_by_step():
    assert [simulate(seed).digest for seed in (3, 4, 3)][::2] == [simulate(3).digest] * 2


def test_the_table_in_the_docs_names_every_planted_fault():
    assert [row.fault for row in stored()] == list(PLANTED)
    assert all(int(row.seed) < MOST_SEEDS for row in stored())


@pytest.mark.long
@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(fault):
    assert found(fault).said
