"""Inputs belong to the shard of stage B that merges them: groups of one level never mix progress."""

from alembic import op

revision = "scoring_0003"
down_revision = "scoring_0002"

STATEMENTS = (
    "DROP TABLE inputs",
    """CREATE TABLE inputs (
        shard smallint NOT NULL, measure text NOT NULL, unit text NOT NULL, month int NOT NULL,
        source_shard smallint NOT NULL, numerator numeric(38) NOT NULL, denominator numeric(38) NOT NULL,
        rows bigint NOT NULL, PRIMARY KEY (shard, measure, unit, month, source_shard))""",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
