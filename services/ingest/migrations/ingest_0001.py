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
        client text NOT NULL, place text)""",
    """CREATE TABLE conflicts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        why text NOT NULL, source text NOT NULL, event_id text NOT NULL, shard smallint NOT NULL,
        number bigint NOT NULL, body text NOT NULL)""",
    """CREATE TABLE inbound (
        topic text NOT NULL, partition int NOT NULL, "offset" bigint NOT NULL,
        PRIMARY KEY (topic, partition))""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
