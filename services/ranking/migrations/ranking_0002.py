"""Figures by version, the version and shard of each group, and what was told of each unit."""

from alembic import op

revision = "ranking_0002"
down_revision = "ranking_0001"

STATEMENTS = (
    "ALTER TABLE schemes DROP CONSTRAINT schemes_pkey, ADD PRIMARY KEY (code, version)",
    "ALTER TABLE figures ADD COLUMN version int",
    "UPDATE figures SET version = (SELECT max(version) FROM schemes WHERE code = figures.scheme)",
    "DELETE FROM figures WHERE version IS NULL",
    """ALTER TABLE figures DROP CONSTRAINT figures_pkey,
        ADD PRIMARY KEY (scheme, grp, version, period, unit, indicator)""",
    """CREATE TABLE groups (
        scheme text NOT NULL, grp text NOT NULL, shard smallint NOT NULL, version int NOT NULL,
        fresh_at text NOT NULL, PRIMARY KEY (scheme, grp))""",
    """INSERT INTO groups SELECT scheme, grp,
        get_byte(sha256(convert_to(scheme || '/' || grp, 'UTF8')), 0) >> 2, max(version), max(fresh_at)
        FROM figures JOIN freshness USING (scheme, grp) GROUP BY scheme, grp""",
    "DROP TABLE freshness",
    """CREATE TABLE places (
        scheme text NOT NULL, grp text NOT NULL, period text NOT NULL, unit text NOT NULL,
        rank int, tier text, points numeric, low numeric, high numeric,
        PRIMARY KEY (scheme, grp, period, unit))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
