"""What a trial runs, and what counts in it of what others concluded under the scheme in force."""

from datetime import date

import pytest

from services.scoring.domain.decided import Decision, Deducted
from services.scoring.domain.derived import points_plan
from services.scoring.domain.document import SchemeDocument
from services.scoring.domain.late_days import LateItem
from services.scoring.domain.plan import compile_plan, event_types
from services.scoring.domain.trials import before, tried
from shared.kernel.codes import is_code, is_trial, scheme_of, trial_code
from shared.kernel.points import MILLIONTHS
from tests.scoring.test_stages import TYPES
from tests.scoring_domain.late_days import scheme

MARCH = 2021 * 12 + 2


def plan_of(code="mini~strict"):
    document = SchemeDocument.model_validate(scheme())
    named = document.scheme.model_copy(update={"code": code, "version": 2})
    document = document.model_copy(update={"scheme": named})
    return points_plan(document, compile_plan(document, event_types(TYPES)), TYPES)


def test_a_trial_has_a_name_that_no_scheme_can_have():
    name = trial_code("mini", "strict")
    assert not is_code(name)
    assert (is_trial(name), is_trial("mini"), scheme_of(name), scheme_of("mini")) == (
        True,
        False,
        "mini",
        "mini",
    )


def test_a_draft_is_tried_over_months_of_its_own_or_those_that_are_named():
    draft = SchemeDocument.model_validate(scheme())
    assert tried(draft, None, None) == draft
    head = tried(draft, "2020-02", None).scheme
    assert (head.effective, head.until, head.code) == ("2020-02", "2021-12", "mini")
    assert tried(draft, "2020-02", "2020-05").indicators == draft.indicators


def version(number, effective, until):
    document = scheme()
    document["scheme"] |= {"version": number, "effective": effective, "until": until}
    return SchemeDocument.model_validate(document)


@pytest.mark.parametrize(
    ("months", "followed"),
    [
        (("2021-07", "2021-12"), [2, 1, 3]),
        (("2021-05", "2021-12"), [2, 1]),
        (("2021-06", "2021-08"), [2, 1, 3]),
        (("2021-01", "2021-12"), [2]),
        (("2020-07", "2020-12"), []),
        (("2020-12", "2020-12"), [2]),
    ],
)
def test_a_trial_follows_the_versions_that_its_draft_would_were_it_adopted(months, followed):
    """Of another year also one of a higher number; of its year none that would stand in its way."""
    adopted = [version(1, "2021-01", "2021-12"), version(2, "2020-09", "2020-12")]
    adopted += [version(3, "2021-05", "2021-12"), version(9, "2021-02", "2021-12")]
    draft = version(4, *months)
    assert [one.scheme.version for one in before(draft, adopted)] == followed


@pytest.mark.parametrize(
    ("decided", "in_force", "in_trial"),
    [("mini@2", True, True), ("mini@1", False, True), ("mini2@1", False, False), (None, True, True)],
)
def test_deductions_decided_under_any_version_of_its_scheme_count_in_a_trial(decided, in_force, in_trial):
    row = Deducted("b1", "own", "linked", MARCH, 2 * MILLIONTHS, decided)
    decision = Decision("k", 1, (row,))
    assert bool(list(decision.losses(plan_of("mini")))) is in_force
    assert bool(list(decision.losses(plan_of()))) is in_trial


def test_late_days_of_items_of_its_scheme_count_in_a_trial_and_those_of_others_do_not():
    day = (date(2021, 3, 5), (("b1", MILLIONTHS),))
    mine, others = (LateItem("i", 1, "decision", (day,), scheme=code) for code in ("mini", "other"))
    assert [loss.month for loss in mine.losses(plan_of())] == [MARCH]
    assert list(others.losses(plan_of())) == []
