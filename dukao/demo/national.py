"""The demonstration on a simulated year of a whole administration, whose true figures the simulator knows."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product
from typing import Any

import yaml

from deploy.state import Options, State
from dukao import yamls
from dukao.checking import paper_of
from dukao.client import Client, below
from dukao.demo.explaining import explain
from dukao.demo.moving import send_moving
from dukao.demo.staging import Comparison, Steps, adopt, beside, platform, read, until_equal
from dukao.demo.supervised import supervised, told
from dukao.feeds import Row
from dukao.output import Format, columns, say, show, show_lines
from dukao.simulator.nation import SAMPLE, Nation, load
from dukao.simulator.stream import Settings, simulate
from dukao.simulator.truth import Truth
from dukao.standings import freshness, heading, lines
from dukao.telling.languages import Lang
from services.scoring.domain.indicator_section import IndicatorSpec
from services.scoring.domain.measures import ItemsSpec
from shared.kernel.points import of_millionths, text

LIVED_THROUGH = Options(clock="replay")
YEAR = Settings(units=98, days=365, rate=3, seed=2021)
GROUP = "bureaus"
SHOWN = ("bureaus", "departments", "inspectorates")
GROUPS = (*SHOWN, "disciplinary")
PERIOD = "2021"

_STANDING = columns(
    "rank", "unit", "name", "points", "tier", "gap", "volume", numbers=("rank", "points", "gap", "volume")
)


def run(state: State, *, keep: bool, lang: Lang) -> None:
    """Demonstrate everything on simulated events."""
    steps, nation = Steps(9), load()
    truth = Truth(nation.scheme)
    with platform(beside(state), steps, keep=keep, options=LIVED_THROUGH) as client:
        steps.next(
            "模拟 simulated: calendar, rules of notices, event types and a thousand-point scheme are adopted"
        )
        calendar = yaml.safe_load((SAMPLE / "calendar.yaml").read_text("utf-8"))
        client.put("notify", "/v1/rules", paper_of(yamls.read(SAMPLE / "notices.yaml")).document)
        adopt(client, nation.types, nation.scheme.written(), calendar)
        steps.next(f"模拟 simulated: a year of {YEAR.units} units is sent, about {_expected()} events")
        _feed(client, nation, truth)
        steps.next("waiting until every event is in the standing")
        totals = until_equal(lambda: _totals(client, nation, truth))
        steps.next("模拟 simulated: the final standings of three groups, each in three tiers")
        _show_standings(client, nation)
        last = _last(client, nation)
        steps.next("督考合一: matters with deadlines are items, and their late working days cost points")
        supervised(client, nation.scheme.scheme.code, last)
        told(client, last)
        steps.next(
            f"why {last} lost points: findings down to their events, and late days down to their items"
        )
        _explain(client, nation, truth, last, lang)
        steps.next("every figure of the platform against what really happened in the simulation")
        measured = until_equal(lambda: _measures(client, nation, truth))
        compared = totals.compared + measured.compared
        show_lines([f"figures equal the simulated truth: {compared} of {compared}"])


def _expected() -> int:
    return YEAR.units * YEAR.days * YEAR.rate


def _feed(client: Client, nation: Nation, truth: Truth) -> None:
    events = enumerate(simulate(YEAR, nation, truth), 1)
    rows = (Row("simulated", number, (event,)) for number, event in events)
    tally = send_moving(client, _path(nation), _expected(), rows)
    told = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(truth.kinds.items()))
    say(f"      {tally.events} events in {tally.seconds:.1f} s: {told}")


def _path(nation: Nation, group: str = GROUP) -> str:
    return f"/v1/standings{below(nation.scheme.scheme.code, group, PERIOD)}"


def _totals(client: Client, nation: Nation, truth: Truth) -> Comparison:
    """Compare the points of the year in the standings."""
    standings = [read(client, "ranking", _path(nation, group)) for group in GROUPS]
    found = {one["unit"]: one["points"] for standing in standings for one in standing["units"]}
    differing: list[str] = []
    for unit in nation.units:
        expected = truth.total(unit.code, truth.months())
        points = found.get(unit.code)
        if points != (None if expected is None else text(expected)):
            differing.append(f"{unit.code} {PERIOD} points {points}, expected {expected}")
    return Comparison(len(nation.units), differing)


def _show_standings(client: Client, nation: Nation) -> None:
    for group in SHOWN:
        standing = read(client, "ranking", _path(nation, group))
        titles = {tier["code"]: tier["title"] for tier in standing["tiers"]}
        rows = [one | {"tier": titles.get(one["tier"])} for one in lines(standing)]
        show(rows, _STANDING, Format.TABLE, title=heading(standing))
        show_lines([freshness(standing)])
    show_lines(["本方案设定: points, targets and tiers are this sample's own values, not official ones"])


def _last(client: Client, nation: Nation) -> str:
    """Return the bureau that is ranked last."""
    return [one for one in read(client, "ranking", _path(nation))["units"] if one["rank"] is not None][-1][
        "unit"
    ]


def _explain(client: Client, nation: Nation, truth: Truth, unit: str, lang: Lang) -> None:
    """Explain what a unit lost most by deductions: of events, and of late days of items."""

    def lost(indicator: IndicatorSpec) -> Decimal:
        value = truth.worth(unit, truth.months(), indicator)
        return Decimal(0) if value is None else Decimal(indicator.points) - value

    deducting = [one for one in truth.indicators(unit) if one.method.deduct is not None]
    of_items = [one for one in deducting if isinstance(nation.scheme.measures[one.measure], ItemsSpec)]
    of_events = [one for one in deducting if one not in of_items]
    for some in (of_events, of_items):
        explain(client, nation.scheme.scheme.code, (PERIOD, unit, max(some, key=lost).code), lang)


def _measures(client: Client, nation: Nation, truth: Truth) -> Comparison:
    """Compare numerators and denominators of every unit and month, up to the first that differs."""
    compared = 0
    for month, unit in product(truth.months(), truth.units()):
        found = _measured(client, nation, month, unit)
        differing: list[str] = []
        for name in nation.scheme.measures:
            pairs = list(_pairs(found[name], truth.of(unit, month, name)))
            compared += len(pairs)
            where = f"{unit} {month} {name}"
            differing += [f"{where} {got}, expected {due}" for got, due in pairs if got != due]
        if differing:
            return Comparison(compared, differing)
    return Comparison(compared, [])


def _measured(client: Client, nation: Nation, month: str, unit: str) -> Mapping[str, Any]:
    head = nation.scheme.scheme
    return read(client, "scoring", f"/v1/measures{below(head.code, head.version, month, unit)}")["measures"]


def _pairs(found: Mapping[str, str | None], expected: tuple[int, int]) -> Iterator[tuple[Decimal, Decimal]]:
    for name, amount in zip(("numerator", "denominator"), expected, strict=True):
        value = found[name]
        if value is not None:
            yield Decimal(value), of_millionths(amount)
