"""What a total of a trial is made of: by its draft, marked, and shown to whom that in force is."""

import pytest

from services.ranking.trial_handlers import Trials
from services.ranking.trial_totals import trial_totals_router
from shared.kernel.shards import SHARDS
from tests.ranking.doors import door
from tests.ranking.rig import MARCH, NOW, adopted, figure, indicator, posted, scheme, service
from tests.ranking.test_trials import ALL_SHARDS, apply, ended, folded, started, tried

__all__ = ["service"]
BOARDS = [{"code": "work", "title": "Work"}, {"code": "party", "title": "党的全面领导"}]
TWO_THIRDS = "4.666666666667"


def document(version, **changes):
    indicators = [
        indicator("a", points="7", measure="m", name="A"),
        indicator("b", points="7", measure="m", name="B"),
        indicator("p", points="5", measure="m", name="P", board="party"),
    ]
    found = scheme(version, boards=BOARDS, measures={"m": {"version": version}}, indicators=indicators)
    for one, parent in (("b1", "hq"), ("b2", "hq")):
        next(unit for unit in found["units"] if unit["code"] == one)["parent"] = parent
    return found | changes


def draft():
    """Return a draft that adds an indicator and a unit, and puts another below a third."""
    found = document(2)
    found["indicators"].append(indicator("c", points="7", measure="m", name="C"))
    found["units"].append({"code": "new", "name": "NEW", "level": "bureau", "parent": "b2"})
    next(unit for unit in found["units"] if unit["code"] == "b1")["parent"] = "b3"
    return found


@pytest.fixture
async def ask(service, tmp_path):
    async with door(tmp_path, trial_totals_router(service.exchange)) as asked:

        async def got(unit="b1", period=MARCH, status=200, of="/", trial="strict", **query):
            path = f"/v1/trials/mini/{trial}/totals/{period}/{unit}/explain"
            answer = await asked(path, unit=of, params=query)
            assert answer.status_code == status, answer.text
            return answer.json()

        yield got


def tried_of(unit, **values):
    return tried(*(figure(unit, value, indicator=code) for code, value in values.items()))


async def test_a_total_of_a_trial_is_explained_by_its_draft_beside_that_in_force(service, ask):
    await service.apply(adopted(document(1)), posted(figure("b1", "7", indicator="a")))
    values = {"a": "7", "b": TWO_THIRDS, "c": TWO_THIRDS, "p": "4.5"}
    trials = Trials()
    await apply(service, trials, started(draft()), tried_of("b1", **values), *folded(0, 1))
    early = await ask()
    assert (early["folded"], early["rank"], early["tier"], early["ranked"]) == (2, None, None, 0)
    await apply(service, trials, *ALL_SHARDS)
    told = await ask()
    assert (told["mark"], told["scheme"], told["trial"], told["version"]) == ("试考评", "mini", "strict", 2)
    assert (told["folded"], told["shards"], told["fresh_at"]) == (SHARDS, SHARDS, NOW)
    assert told["formula"] == "Σ of 4 = 20.833333333334 → 20.833333333 → 20.83 (2 places)"
    assert (told["published"], told["points"], told["rank"]) == ("20.83", "26", 1)
    assert [one["indicator"] for one in told["parts"]] == ["b", "c", "p", "a"]
    part = told["parts"][0]
    assert part["cell"] == part["explain"] == "/v1/trials/mini/strict/cells/2021-03/b1/b/explain"
    assert part["measure_version"] == 2
    board = await ask(board="work", limit=1)
    assert (board["published"], board["board_title"], board["next"]) == ("16.33", "Work", 1)
    assert [one["indicator"] for one in (await ask(board="work", limit=1, after=1))["parts"]] == ["c"]


async def test_a_total_of_a_trial_is_shown_to_whom_that_in_force_is(service, ask):
    await service.apply(adopted(document(1)))
    await apply(service, Trials(), started(draft()), tried_of("b1", a="7"), *ALL_SHARDS)
    for unit, seeing in (("b1", {"/", "/hq", "/hq/b1"}), ("new", {"/"})):
        for of in ("/", "/hq", "/hq/b1", "/hq/b2", "/b3"):
            await ask(unit, of=of, status=200 if of in seeing else 404 if unit == "b1" else 403)


async def test_what_a_trial_does_not_have_is_refused(service, ask):
    await ask(status=404)
    await service.apply(adopted(document(1)))
    trials = Trials()
    await apply(service, trials, started(draft()))
    assert (await ask(status=503))["code"] == "trial_begins"
    await apply(service, trials, tried_of("b1", a="7"), *ALL_SHARDS)
    for unit, more in (("bx", {}), ("b1", {"board": "none"}), ("b1", {"group": "others"}), ("hq", {})):
        assert (await ask(unit, status=404, **more))["code"] == "not_found"
    assert (await ask(period="2022-03", status=422))["code"] == "outside_trial"
    assert (await ask(period="2021-13", status=422))["code"] == "period"
    await ask(status=422, as_of="2021-04-01")
    await apply(service, trials, ended())
    assert (await ask(status=404))["code"] == "not_found"
