"""The shared tables, and what ingest keeps beside them."""

from alembic import op

from shared.storage import tables

revision, down_revision = "0001", None

OWN = (
    """CREATE TABLE catalogues (
        version integer PRIMARY KEY, document text NOT NULL, digest text NOT NULL,
        drafted_by text NOT NULL, adopted_by text CHECK (adopted_by <> drafted_by), adopted_at timestamptz)""",
    "CREATE TABLE clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), minute timestamptz NOT NULL)",
    "INSERT INTO clock (minute) VALUES ('-infinity')",
    """CREATE TABLE refusals (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL,
        door text NOT NULL, code text NOT NULL, pointer text, digest bytea NOT NULL)""",
    """CREATE TABLE conflicts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, code text NOT NULL,
        source text NOT NULL, event_id text NOT NULL, first_shard smallint NOT NULL,
        first_number bigint NOT NULL, body bytea NOT NULL)""",
    """CREATE TABLE inbound (
        topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL,
        PRIMARY KEY (topic, partition))""",
)


def upgrade() -> None:
    """Create every table."""
    tables.create(op.execute)
    for statement in OWN:
        op.execute(statement)
