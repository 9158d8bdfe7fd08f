"""Where cases count as an index of its own, what waits in suspense, versions beside each other, freshness."""

from alembic import op

revision = "scoring_0002"
down_revision = "scoring_0001"

STATEMENTS = (
    """CREATE TABLE case_places (
        unit text NOT NULL, month int NOT NULL, grp bytea NOT NULL, shard smallint NOT NULL,
        PRIMARY KEY (unit, month, grp, shard))""",
    """INSERT INTO case_places
        SELECT DISTINCT split_part(p, '@', 1), split_part(p, '@', 2)::int, grp, shard
        FROM cases, unnest(places) p WHERE p LIKE '%@%'""",
    "DROP INDEX cases_by_place",
    "ALTER TABLE cases DROP COLUMN places",
    """CREATE TABLE suspense (
        shard smallint NOT NULL, grp bytea NOT NULL, why text NOT NULL, what text NOT NULL,
        opened text NOT NULL, settled text, PRIMARY KEY (shard, grp, why, what))""",
    "CREATE INDEX suspense_open ON suspense (shard, grp, why, what) WHERE settled IS NULL",
    """CREATE TABLE freshness (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, fresh_at text NOT NULL,
        PRIMARY KEY (scheme, version, grp))""",
    "ALTER TABLE in_force DROP CONSTRAINT in_force_pkey, ADD PRIMARY KEY (stage, shard, code, version)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
