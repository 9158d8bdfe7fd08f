"""The shared tables, schemes as ranking needs them, and the newest figures."""

from alembic import op

from shared.storage.tables import create

revision = "ranking_0001"
down_revision = None

TABLES = (
    "CREATE TABLE schemes (code text PRIMARY KEY, version int NOT NULL, document jsonb NOT NULL)",
    """CREATE TABLE figures (
        scheme text NOT NULL, grp text NOT NULL, period text NOT NULL, unit text NOT NULL,
        indicator text NOT NULL, board text NOT NULL, points numeric NOT NULL, value numeric,
        state text NOT NULL, volume bigint NOT NULL, PRIMARY KEY (scheme, grp, period, unit, indicator))""",
    """CREATE TABLE freshness (
        scheme text NOT NULL, grp text NOT NULL, fresh_at text NOT NULL, PRIMARY KEY (scheme, grp))""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
