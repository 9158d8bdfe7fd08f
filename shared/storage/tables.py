"""The tables that every service has in its own schema; its first migration calls `create`."""

from collections.abc import Callable

SHARED = (
    "stream_shards",
    "outbox",
    "keys",
    "positions",
    "leases",
    "workers",
    "audit",
    "halts",
    "orders",
    "batches",
    "rebuilds",
)
DDL = (
    """CREATE TABLE stream_shards (
        stream text NOT NULL, shard smallint NOT NULL, number bigint NOT NULL,
        chain bytea NOT NULL, received timestamptz, PRIMARY KEY (stream, shard))""",
    """CREATE TABLE outbox (
        stream text NOT NULL, shard smallint NOT NULL, first bigint NOT NULL, last bigint NOT NULL,
        sizes bytea NOT NULL, chains bytea NOT NULL, bodies bytea NOT NULL,
        PRIMARY KEY (stream, shard, first), CHECK (last >= first))""",
    "ALTER TABLE outbox ALTER COLUMN bodies SET STORAGE EXTERNAL",
    "ALTER TABLE outbox ALTER COLUMN chains SET STORAGE EXTERNAL",
    """CREATE TABLE keys (
        key bytea PRIMARY KEY, shard smallint NOT NULL, number bigint NOT NULL, content bytea NOT NULL)""",
    """CREATE TABLE positions (
        consumer text NOT NULL, stream text NOT NULL, shard smallint NOT NULL,
        number bigint NOT NULL DEFAULT 0, chain bytea NOT NULL, "offset" bigint NOT NULL DEFAULT -1,
        epoch bigint NOT NULL DEFAULT 0,
        PRIMARY KEY (consumer, stream, shard))""",
    """CREATE TABLE leases (
        consumer text NOT NULL, partition smallint NOT NULL, owner text, epoch bigint NOT NULL DEFAULT 0,
        expires timestamptz NOT NULL, PRIMARY KEY (consumer, partition))""",
    """CREATE TABLE workers (
        consumer text NOT NULL, worker text NOT NULL, seen timestamptz NOT NULL,
        PRIMARY KEY (consumer, worker))""",
    """CREATE TABLE audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
        actor text NOT NULL, action text NOT NULL, detail text NOT NULL)""",
    """CREATE TABLE halts (
        consumer text NOT NULL, stream text NOT NULL, shard smallint NOT NULL, number bigint NOT NULL,
        reason text NOT NULL, digest bytea NOT NULL, worker text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (consumer, stream, shard))""",
    """CREATE TABLE orders (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind text NOT NULL,
        consumer text NOT NULL, partition smallint NOT NULL, stream text, shard smallint, number bigint,
        digest bytea, reason text NOT NULL, person text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), approver text, approved timestamptz,
        outcome text, closer text, closed timestamptz,
        CHECK (kind IN ('pause', 'retry', 'skip')), CHECK (approver <> person),
        CHECK ((outcome IS NULL) = (closed IS NULL)),
        CHECK (outcome <> 'skipped' OR approver IS NOT NULL))""",
    """CREATE UNIQUE INDEX orders_open ON orders (consumer, kind, partition, stream, shard)
        NULLS NOT DISTINCT WHERE closed IS NULL""",
    """CREATE TABLE batches (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, consumer text NOT NULL, at timestamptz,
        streams text[] NOT NULL, shards smallint[] NOT NULL, numbers bigint[] NOT NULL)""",
    "CREATE INDEX batches_of_consumer ON batches (consumer, id)",
    """CREATE TABLE rebuilds (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, person text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), document jsonb NOT NULL)""",
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME; END $$""",
    """CREATE TRIGGER outbox_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outbox
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER audit_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER batches_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON batches
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER orders_are_kept BEFORE DELETE OR TRUNCATE ON orders
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def create(execute: Callable[[str], object]) -> None:
    """Create the shared tables in the schema that the connection points to."""
    for statement in DDL:
        execute(statement)
