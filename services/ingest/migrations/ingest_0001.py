"""The shared tables, and what ingest keeps beside its archive."""

from alembic import op

from shared.storage.tables import create

revision = "ingest_0001"
down_revision = None

TABLES = (
    """CREATE TABLE catalogues (
        version int PRIMARY KEY, document jsonb NOT NULL, digest text NOT NULL,
        author text NOT NULL, approver text, drafted timestamptz NOT NULL DEFAULT clock_timestamp())""",
    """CREATE TABLE refusals (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        code text NOT NULL, detail text NOT NULL, pointer text, digest text NOT NULL,
        client text NOT NULL, place text, source text, times bigint NOT NULL DEFAULT 1,
        last_at timestamptz NOT NULL DEFAULT clock_timestamp(), state text NOT NULL DEFAULT 'open',
        decided_by text, decided_at timestamptz, reason text, became_source text, became_id text)""",
    """CREATE UNIQUE INDEX refusals_open ON refusals (client, digest, code)
        WHERE state = 'open' AND place IS NULL""",
    "CREATE INDEX refusals_of_topic ON refusals (client, code) WHERE state = 'open' AND place IS NOT NULL",
    "CREATE TABLE inbound_told (topic text NOT NULL, code text NOT NULL, PRIMARY KEY (topic, code))",
    """CREATE TABLE conflicts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        why text NOT NULL, source text NOT NULL, event_id text NOT NULL, shard smallint NOT NULL,
        number bigint NOT NULL, body text NOT NULL, content bytea NOT NULL, times bigint NOT NULL,
        last_at timestamptz NOT NULL DEFAULT clock_timestamp(), withdrawn bool NOT NULL DEFAULT false,
        state text NOT NULL DEFAULT 'open', decided_by text, decided_at timestamptz, reason text,
        became_source text, became_id text, UNIQUE (why, source, event_id, content))""",
    "CREATE INDEX conflicts_open ON conflicts (shard, number) WHERE state = 'open'",
    "CREATE TABLE withdrawn (key bytea PRIMARY KEY)",
    """CREATE TABLE feeds (
        source text NOT NULL, feed text NOT NULL, since timestamptz, last timestamptz, due timestamptz,
        stale bool NOT NULL DEFAULT false, PRIMARY KEY (source, feed))""",
    """CREATE TABLE totals (
        source text NOT NULL, day text NOT NULL, type text NOT NULL, field text NOT NULL,
        count bigint NOT NULL, sum numeric NOT NULL, PRIMARY KEY (source, day, type, field))""",
    """CREATE TABLE moved_days (
        source text NOT NULL, day text NOT NULL, PRIMARY KEY (source, day))""",
    """CREATE TABLE countings (source text PRIMARY KEY, spec text NOT NULL, since text)""",
    """CREATE TABLE manifests (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, source text NOT NULL, day text NOT NULL,
        revision int NOT NULL, manifest text NOT NULL, told_by text NOT NULL, told_at timestamptz NOT NULL,
        state text NOT NULL, comparison text NOT NULL, UNIQUE (source, day))""",
    """CREATE TABLE closed_periods (
        scheme text NOT NULL, period text NOT NULL, grp text NOT NULL, begins timestamptz NOT NULL,
        ends timestamptz NOT NULL, cut timestamptz NOT NULL, PRIMARY KEY (scheme, period, grp))""",
    """CREATE TABLE inbound (
        topic text NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL, digest text,
        seen bigint, seen_digest text, paused bool NOT NULL DEFAULT false, PRIMARY KEY (topic, partition))""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
