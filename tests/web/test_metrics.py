"""Every metric of the catalogue is kept and shown under its name."""

import pytest
from prometheus_client import CollectorRegistry

from shared.telemetry.metrics import CATALOGUE, Kind, MetricName, Metrics


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
