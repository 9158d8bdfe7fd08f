"""Where the figures by exactly what was received before T are told, a close freezes these and no others."""

import pytest

from services.ranking import store
from shared.contracts.scoring import PeriodFigures, UnitSilence
from shared.kernel.points import parts_text
from tests.ranking.closings import DAY, T, persons, with_grace
from tests.ranking.rig import MARCH, adopted, cut_figured, cut_passed, figure, indicator, posted, service
from tests.ranking.test_closed_for_good import LEFT_OUT, documents
from tests.ranking.test_known import PERIODS, UNITS, day, history

__all__ = ["persons", "service"]
GROUP = "mini", "bureaus"
NINTH = "2021-04-09"
BEFORE = "2021-04-06T00:00:00Z"
AT_T = (figure("b1", "9.9"), figure("b2", "6"), figure("b3", "7"))


def figured_of(period, rows):
    """Return figures as they are told at T."""
    return [
        PeriodFigures(
            unit=unit,
            period=period,
            volume=row.volume,
            values={code: None if worth is None else parts_text(worth) for code, worth in row.worth.items()},
            points={code: parts_text(points) for code, points in row.points.items()},
        )
        for unit, row in sorted(rows.items())
    ]


def facts_of(standing):
    return {name: value for name, value in standing.items() if name not in LEFT_OUT}


def printed(standing):
    return {one["unit"]: one["points"] for one in standing["units"]}


async def overtaken(persons):
    """Let what was received before T come over what is late, of the unit b2."""
    late = posted(figure("b2", "5"), fresh_at=f"{NINTH}T01:00:00Z")
    more = {"day": NINTH, "brought": DAY, "behind": {"b2": (MARCH,)}}
    await persons.service.apply(late, posted(figure("b2", "3"), fresh_at=f"{NINTH}T02:00:00Z", **more))


@pytest.mark.parametrize("at_once", [False, True])
async def test_what_cannot_be_told_apart_by_day_is_closed_by_the_figures_at_t_told_in_parts(persons, at_once):
    await persons.begin()
    await overtaken(persons)
    told = [*(cut_figured(one) for one in AT_T), cut_passed(MARCH, cut=T, day=DAY, exact=True)]
    for batch in [told] if at_once else [[one] for one in told]:
        await persons.service.apply(*batch)
    shown = await persons.effect()
    assert (shown["state"], shown["mixed"], shown["unknown"]) == ("ready", [], [])
    await persons.close()
    closed = await persons.standing()
    assert printed(closed) == {"b1": "9.90", "b2": "6.00", "b3": "7.00"}
    assert printed(await persons.standing(as_of=DAY)) != printed(closed)
    assert (closed["state"], closed["known_on"]) == ("closed", DAY)


async def test_what_is_restated_differs_from_the_figures_at_t(persons):
    await persons.begin()
    await overtaken(persons)
    await persons.service.apply(cut_figured(*AT_T))
    await persons.cut(exact=True)
    await persons.close()
    restated = await persons.standing(view="restated")
    (found,) = [one for one in restated["differences"] if one["points"] != "0.00"]
    assert (found["unit"], found["closed"]["points"], found["restated"]["points"], found["points"]) == (
        "b2",
        "6.00",
        "3.00",
        "-3.00",
    )


async def test_figures_at_t_do_not_count_before_the_cut_has_passed_nor_where_it_is_not_exact(persons):
    await persons.begin()
    await persons.service.apply(cut_figured(*AT_T))
    assert (await persons.effect())["state"] == "open"
    await persons.cut()
    await persons.close()
    assert printed(await persons.standing()) == {"b1": "9.90", "b2": "8.00", "b3": "7.00"}


async def test_the_first_figures_that_are_told_of_a_unit_at_t_stay(persons):
    await persons.begin()
    await persons.service.apply(cut_figured(*AT_T))
    await persons.cut(exact=True)
    asked = (await persons.propose()).json()
    await persons.service.apply(cut_figured(figure("b1", "1")), posted(figure("b1", "2"), fresh_at=BEFORE))
    approved = await persons.step(asked["id"], "approve", digest=asked["digest"])
    assert approved.status_code == 200
    assert printed(await persons.standing())["b1"] == "9.90"


async def test_a_unit_and_a_group_of_which_nothing_had_been_told_are_closed_by_the_figures_at_t(persons):
    document = with_grace(indicators=[indicator("ontime"), indicator("late")])
    await persons.service.apply(adopted(document), posted(figure("b1", "5"), fresh_at=f"{NINTH}T01:00:00Z"))
    both = figure("b1", "9"), figure("b2", None)
    await persons.service.apply(cut_figured(*both))
    await persons.cut(exact=True)
    shown = await persons.effect()
    assert (shown["state"], shown["unknown"]) == ("ready", [])
    await persons.close()
    lines = {one["unit"]: one for one in (await persons.standing())["units"]}
    assert {unit: one["range"] for unit, one in lines.items()} == {
        "b1": ["9.00", "19.00"],
        "b2": ["0.00", "20.00"],
        "b3": ["0.00", "20.00"],
    }
    assert lines["b3"]["not_assessed"] == ["late", "ontime"]


async def test_figures_at_t_of_a_version_that_is_not_heard_of_keep_the_period_open(persons):
    await persons.begin()
    await persons.service.apply(cut_figured(*AT_T, version=2))
    await persons.cut(exact=True)
    shown = await persons.effect()
    assert (shown["state"], shown["lacking"]) == ("open", ["bureaus"])
    await persons.service.apply(adopted(with_grace(2)))
    await persons.close()
    assert (await persons.standing())["version"] == 2


async def test_figures_at_t_are_of_their_version_whatever_was_adopted_since(persons):
    await persons.begin()
    newer = posted(*(figure(unit, "1") for unit in UNITS), version=2, fresh_at=f"{DAY}T02:00:00Z")
    await persons.service.apply(newer, adopted(with_grace(2)), cut_figured(*AT_T))
    await persons.cut(exact=True)
    await persons.close()
    closed = await persons.standing()
    assert (closed["version"], printed(closed)["b2"]) == (1, "6.00")


@pytest.mark.parametrize("seed", range(2))
async def test_figures_at_t_come_to_the_bytes_that_were_told_before_anything_was_late(persons, seed):
    begun = {1: PERIODS, 2: ("2021-08", "2021")}
    await persons.service.apply(*map(adopted, documents()))
    for version, periods in begun.items():
        told = [figure(unit, "3", indicator="losses", period=one) for unit in UNITS for one in periods]
        told[-1] = told[-1].model_copy(update={"points": {"losses": "6"}} if version == 2 else {})
        await persons.service.apply(posted(*told, version=version, fresh_at=f"{day(1)}T00:00:00Z"))
    for at, told in history(seed).items():
        if at <= DAY:
            await persons.service.apply(*told)
    silent = UnitSilence(unit="b1", months={"ontime": (MARCH,)})
    await persons.service.apply(posted(fresh_at=f"{DAY}T12:00:00Z", silent=[silent]))
    before = {one: await persons.standing(one) for one in PERIODS}
    wanted = {one: (before[one]["version"], one) for one in PERIODS}
    async with persons.service.exchange.reading() as tx:
        kept = await store.rows(tx, GROUP, wanted.values())
    late = [figure(unit, "1", period=one) for unit in UNITS for one in PERIODS]
    fresh = UnitSilence(unit="b1", months={})
    await persons.service.apply(posted(*late, fresh_at=f"{day(20)}T00:00:00Z", silent=[fresh]))
    for period, place in wanted.items():
        told = figured_of(period, kept[place])
        for part in (told[:2], told[2:]):
            await persons.service.apply(cut_figured(*part, period=period, version=place[0]))
        await persons.cut(period, exact=True)
        await persons.close(period)
        closed = await persons.standing(period)
        assert facts_of(closed) == facts_of(before[period])
    assert [one["code"] for one in closed["overlays"]] == ["drill"]
    assert {one["unit"]: one["stale"] for one in closed["units"]}["b1"] == ["ontime"]
    assert {one["version"] for one in before.values()} == {1, 2}
