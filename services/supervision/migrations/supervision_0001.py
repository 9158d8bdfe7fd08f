"""The shared tables, calendars, the facts of items and what they were told to be."""

from alembic import op

from shared.storage.tables import create

revision = "supervision_0001"
down_revision = None

TABLES = (
    "CREATE TABLE business_keys (type text PRIMARY KEY, fields text[] NOT NULL)",
    """CREATE TABLE schemes (
        code text NOT NULL, version int NOT NULL, document jsonb NOT NULL, PRIMARY KEY (code, version))""",
    """CREATE TABLE in_force (
        shard smallint NOT NULL, code text NOT NULL, version int NOT NULL,
        PRIMARY KEY (shard, code, version))""",
    """CREATE TABLE calendars (
        zone text NOT NULL, version int NOT NULL, first date NOT NULL, last date NOT NULL,
        document jsonb NOT NULL, digest text NOT NULL, author text NOT NULL, approver text,
        PRIMARY KEY (zone, version))""",
    """CREATE TABLE calendars_in_force (
        shard smallint NOT NULL, zone text NOT NULL, version int NOT NULL, PRIMARY KEY (shard, zone))""",
    """CREATE TABLE cases (
        shard smallint NOT NULL, grp bytea NOT NULL, events bytea NOT NULL, PRIMARY KEY (shard, grp))""",
    """CREATE TABLE events_aside (
        shard smallint NOT NULL, type text NOT NULL, number bigint NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (shard, type, number))""",
    """CREATE TABLE acts (
        shard smallint NOT NULL, item text NOT NULL, number bigint NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (shard, item, number))""",
    "CREATE TABLE clock (shard smallint PRIMARY KEY, minute timestamptz NOT NULL)",
    """CREATE TABLE items (
        id text PRIMARY KEY, shard smallint NOT NULL, grp bytea, version int NOT NULL, facts int NOT NULL,
        kind text NOT NULL, state text NOT NULL, light text NOT NULL, unit text NOT NULL,
        paths text[] NOT NULL, bearers text[] NOT NULL, assessor text, scheme text, indicator text,
        given timestamptz NOT NULL, due timestamptz, done timestamptz, changes timestamptz,
        provisional bool NOT NULL, told bytea NOT NULL)
        WITH (fillfactor = 70)""",
    "CREATE INDEX items_of_case ON items (shard, grp)",
    "CREATE INDEX items_that_change ON items (shard, changes) WHERE changes IS NOT NULL",
    "CREATE INDEX items_of_unit ON items (unit, id)",
    "CREATE INDEX items_of_indicator ON items (scheme, indicator) WHERE indicator IS NOT NULL",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
