"""The shared tables, the schemes that shards have heard of, figures, and the standings made of them."""

from alembic import op

from shared.storage.tables import create

revision = "ranking_0001"
down_revision = None

TABLES = (
    """CREATE TABLE schemes (
        code text NOT NULL, version int NOT NULL, digest text NOT NULL, document jsonb NOT NULL,
        PRIMARY KEY (code, version))""",
    """CREATE TABLE adopted (
        shard smallint NOT NULL, code text NOT NULL, version int NOT NULL, number bigint NOT NULL,
        PRIMARY KEY (shard, code, version))""",
    """CREATE TABLE figures (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, period text NOT NULL,
        unit text NOT NULL, indicator text NOT NULL, board text NOT NULL, points numeric NOT NULL,
        value numeric, state text NOT NULL, volume bigint NOT NULL, number bigint NOT NULL,
        PRIMARY KEY (scheme, version, grp, period, unit, indicator),
        CHECK ((value IS NOT NULL) = (state = 'scored')))""",
    """CREATE TABLE freshness (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, fresh_at timestamptz NOT NULL,
        PRIMARY KEY (scheme, version, grp))""",
    """CREATE TABLE standings (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, period text NOT NULL,
        shard smallint NOT NULL, entries_number bigint NOT NULL, schemes_number bigint NOT NULL,
        standing jsonb NOT NULL, told jsonb NOT NULL, told_second bigint NOT NULL,
        told_number bigint NOT NULL, pending boolean NOT NULL,
        PRIMARY KEY (scheme, version, grp, period))""",
    "CREATE INDEX standings_pending ON standings (shard) WHERE pending",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
