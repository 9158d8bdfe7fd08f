"""Every metric of the catalogue is kept and shown under its name."""

import asyncio
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from shared.runtime.process import LAG_PROBE_S, watch_loop
from shared.telemetry import metrics as telemetry
from shared.telemetry.metrics import CATALOGUE, METRICS, Kind, MetricName, Metrics


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_metric_is_shown_under_its_name(name: MetricName) -> None:
    metrics = Metrics(CollectorRegistry())
    labels = dict.fromkeys(CATALOGUE[name].labels, "x")
    match CATALOGUE[name].kind:
        case Kind.COUNTER:
            metrics.count(name, 3, **labels)
        case Kind.GAUGE:
            metrics.set(name, 3, **labels)
        case Kind.HISTOGRAM:
            metrics.observe(name, 3, **labels)
    shown = metrics.render().decode()
    assert any(line.startswith(name) and line.endswith(" 3.0") for line in shown.splitlines())


def test_counters_end_in_total_and_times_in_seconds() -> None:
    for name, metric in CATALOGUE.items():
        assert name.endswith("_total") == (metric.kind is Kind.COUNTER)
        assert metric.kind is not Kind.HISTOGRAM or name.endswith("_seconds")


def test_labels_are_those_of_the_catalogue() -> None:
    metrics = Metrics(CollectorRegistry())
    with pytest.raises(ValueError, match="label"):
        metrics.count("dukao_events_total", color="red")


def test_every_metric_is_kept_by_some_code_and_told_what_to_do_about() -> None:
    own = Path(telemetry.__file__)
    root = own.parents[2]
    code = "".join(
        p.read_text() for room in ("shared", "services") for p in (root / room).rglob("*.py") if p != own
    )
    assert [name for name in CATALOGUE if f'"{name}"' not in code] == []
    listed = own.read_text().partition("MetricName = Literal[")[2].partition("]")[0].splitlines()[1:]
    for comment, name in zip(listed[::2], listed[1::2], strict=False):
        assert comment.strip().startswith("# "), name


async def test_the_loop_tells_the_longest_that_something_held_it_however_short_before_it_is_told() -> None:
    METRICS.set("dukao_loop_lag_seconds", 0)
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = group.create_task(watch_loop(told_s=0.3))
        await asyncio.sleep(0)  # it has begun to wait
        until = time.monotonic() + 0.15
        while time.monotonic() < until:
            pass
        while not (told_s := REGISTRY.get_sample_value("dukao_loop_lag_seconds")):
            await asyncio.sleep(0)
        watching.cancel()
    assert told_s >= 0.15 - LAG_PROBE_S
