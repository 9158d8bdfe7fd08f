"""Every metric of the platform: its name, its labels and what to do when it moves."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

MetricName = Literal[
    # Time to answer a request. Rising p99 with steady load: look at the database and at loop lag.
    "dukao_http_seconds",
    # Requests answered, by status. 5xx other than 503 is a mistake of ours: read the log.
    "dukao_http_requests_total",
    # Tokens refused. A burst from one client is a wrong clock, an old key or an attack.
    "dukao_tokens_refused_total",
    # How late the event loop woke at worst in 5 s. To 0.3 s a large batch; above 5 s leases are lost.
    "dukao_loop_lag_seconds",
    # Records appended to a stream. Flat while requests are answered: the committer hangs.
    "dukao_records_appended_total",
    # Seconds of one commit of the exchange. Rising: locks or disk.
    "dukao_commit_seconds",
    # Records the relay has still to publish. Growing: the broker is away or slow; nothing is lost.
    "dukao_relay_lag_records",
    # Producers discarded after an unclear answer. More than a few an hour: look at the broker.
    "dukao_producers_discarded_total",
    # Records that the broker refused, of which only the number went out. Any: a topic's limit was lowered.
    "dukao_stubs_total",
    # Batches in Kafka that cannot be read; the archive stands in. Any: look at the broker's disks.
    "dukao_batches_unreadable_total",
    # Records consumed and folded. Flat while its producer appends: the consumer waits or is halted.
    "dukao_records_consumed_total",
    # Records skipped because their number was known. A steady rate: a relay repeats itself.
    "dukao_records_duplicate_total",
    # Months under reviews read whole. `no` at a steady rate: more facts under reviews than a worker keeps.
    "dukao_reviewed_months_read_total",
    # Cuts that all shards have passed and that are not told. Above zero for an hour: dukao close waits.
    "dukao_cuts_waiting",
    # Gaps that a retry or a skip did not make. Any: records are missing in the broker.
    "dukao_gaps_total",
    # Shards that wait for records of a gap. Above zero for minutes: the producer's archive is away.
    "dukao_gaps_open",
    # Records archived and not applied, as last looked, every half minute. Growing: behind, or it waits.
    "dukao_consumer_lag_records",
    # Shards stopped for a person. Any above zero: call one, the log names the shard and the reason.
    "dukao_shards_halted",
    # Partitions this worker holds. The sum over workers below 16: nobody works on the rest.
    "dukao_leases_held",
    # Transactions that found their lease taken. A burst: workers are starved or clocks stand.
    "dukao_fenced_total",
    # Seconds between the last folded record and now. Above the feed's limit: behind or no ticks.
    "dukao_freshness_seconds",
    # Events taken, by outcome. A rise of conflict or refused: talk to the source.
    "dukao_events_total",
    # Events waiting for the committer. At its bound: clients get 503.
    "dukao_commit_queue_events",
    # Requests turned away before they were read, by reason. `rate`: talk to the client; `storage`: see below.
    "dukao_turned_away_total",
    # Bytes free where PostgreSQL keeps its data. Below the floor no event is taken: make room.
    "dukao_storage_free_bytes",
    # 1 while no event is taken, as PostgreSQL is away or has too little room. Any: mend that.
    "dukao_storage_lacking",
    # Feeds that are silent for longer than declared. Any: dukao feeds, and talk to the source.
    "dukao_feeds_stale",
    # Streams of events open at the door. At its bound: new ones get 503.
    "dukao_event_streams",
    # Records of inbound topics not yet taken. Growing: ingest is down, or its database is slow or away.
    "dukao_inbound_lag_records",
    # Partitions of inbound topics that rest, by an `order` or for `mistakes` of ours. Any: dukao lag.
    "dukao_inbound_paused_partitions",
    # Records of inbound topics refused. Any: see the refusals of that topic, and talk to its source.
    "dukao_inbound_rejected_total",
    # Attempts to reach webhook endpoints. Failures in a row: dukao webhooks list, dukao webhooks attempts.
    "dukao_webhook_attempts_total",
]


class Kind(StrEnum):
    """What a metric can do."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    """How one metric is kept."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


CATALOGUE: dict[MetricName, Metric] = {
    "dukao_http_seconds": Metric(Kind.HISTOGRAM, "Time to answer a request", ("method",)),
    "dukao_http_requests_total": Metric(Kind.COUNTER, "Requests answered", ("method", "status")),
    "dukao_tokens_refused_total": Metric(Kind.COUNTER, "Tokens refused", ("reason",)),
    "dukao_loop_lag_seconds": Metric(Kind.GAUGE, "How late the event loop woke at worst in 5 s"),
    "dukao_records_appended_total": Metric(Kind.COUNTER, "Records appended", ("stream",)),
    "dukao_commit_seconds": Metric(Kind.HISTOGRAM, "Time of one commit", ("action",)),
    "dukao_relay_lag_records": Metric(Kind.GAUGE, "Records not yet published", ("stream",)),
    "dukao_producers_discarded_total": Metric(Kind.COUNTER, "Producers discarded"),
    "dukao_stubs_total": Metric(Kind.COUNTER, "Records of which only a stub was published", ("stream",)),
    "dukao_batches_unreadable_total": Metric(Kind.COUNTER, "Batches that cannot be read", ("stream",)),
    "dukao_records_consumed_total": Metric(Kind.COUNTER, "Records consumed", ("consumer", "stream")),
    "dukao_records_duplicate_total": Metric(Kind.COUNTER, "Records skipped as known", ("consumer",)),
    "dukao_reviewed_months_read_total": Metric(
        Kind.COUNTER, "Months under reviews read whole, by whether there was room to keep them", ("kept",)
    ),
    "dukao_cuts_waiting": Metric(Kind.GAUGE, "Cuts that all shards have passed and that are not told"),
    "dukao_gaps_total": Metric(Kind.COUNTER, "Gaps that the broker left", ("consumer", "stream")),
    "dukao_gaps_open": Metric(Kind.GAUGE, "Shards that wait for records of a gap", ("consumer",)),
    "dukao_consumer_lag_records": Metric(
        Kind.GAUGE, "Records archived and not applied", ("consumer", "stream")
    ),
    "dukao_shards_halted": Metric(Kind.GAUGE, "Shards stopped for a person", ("consumer",)),
    "dukao_leases_held": Metric(Kind.GAUGE, "Partitions held", ("consumer",)),
    "dukao_fenced_total": Metric(Kind.COUNTER, "Transactions fenced off", ("consumer",)),
    "dukao_freshness_seconds": Metric(Kind.GAUGE, "Age of the newest folded record", ("consumer",)),
    "dukao_events_total": Metric(Kind.COUNTER, "Events taken", ("outcome",)),
    "dukao_commit_queue_events": Metric(Kind.GAUGE, "Events waiting for the committer"),
    "dukao_turned_away_total": Metric(Kind.COUNTER, "Requests turned away unread", ("reason",)),
    "dukao_storage_free_bytes": Metric(Kind.GAUGE, "Bytes free for PostgreSQL"),
    "dukao_storage_lacking": Metric(Kind.GAUGE, "Whether no event is taken for want of storage"),
    "dukao_feeds_stale": Metric(Kind.GAUGE, "Feeds that are silent for longer than declared"),
    "dukao_event_streams": Metric(Kind.GAUGE, "Streams of events open"),
    "dukao_inbound_rejected_total": Metric(Kind.COUNTER, "Records of inbound topics refused", ("topic",)),
    "dukao_inbound_lag_records": Metric(Kind.GAUGE, "Records of inbound topics not yet taken", ("topic",)),
    "dukao_inbound_paused_partitions": Metric(Kind.GAUGE, "Partitions of inbound topics that rest", ("by",)),
    "dukao_webhook_attempts_total": Metric(Kind.COUNTER, "Attempts to reach endpoints", ("outcome",)),
}
assert set(CATALOGUE) == set(get_args(MetricName)), "every metric is named and kept"


class Metrics:
    """The metrics of one process."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._counters = {n: Counter(n, m.help, m.labels, registry=registry) for n, m in _kept(Kind.COUNTER)}
        self._gauges = {n: Gauge(n, m.help, m.labels, registry=registry) for n, m in _kept(Kind.GAUGE)}
        self._histograms = {
            n: Histogram(n, m.help, m.labels, registry=registry) for n, m in _kept(Kind.HISTOGRAM)
        }

    def count(self, name: MetricName, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        counter = self._counters[name]
        (counter.labels(**labels) if labels else counter).inc(amount)

    def set(self, name: MetricName, value: float, **labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[name]
        (gauge.labels(**labels) if labels else gauge).set(value)

    def observe(self, name: MetricName, value: float, **labels: str) -> None:
        """Add an observation to a histogram."""
        histogram = self._histograms[name]
        (histogram.labels(**labels) if labels else histogram).observe(value)

    def render(self) -> bytes:
        """Write all metrics as Prometheus reads them."""
        return generate_latest(self._registry)


def _kept(kind: Kind) -> list[tuple[MetricName, Metric]]:
    return [(name, metric) for name, metric in CATALOGUE.items() if metric.kind is kind]


METRICS = Metrics()
