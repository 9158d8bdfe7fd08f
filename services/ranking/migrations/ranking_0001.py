"""The shared tables, schemes as ranking needs them, figures now and before, what was told, what is closed."""

from alembic import op

from shared.storage.tables import create

revision = "ranking_0001"
down_revision = None

TABLES = (
    """CREATE TABLE schemes (
        code text NOT NULL, version int NOT NULL, document jsonb NOT NULL, PRIMARY KEY (code, version))""",
    """CREATE TABLE groups (
        scheme text NOT NULL, grp text NOT NULL, shard smallint NOT NULL, version int NOT NULL,
        fresh_at text NOT NULL, PRIMARY KEY (scheme, grp))""",
    # by indicator in parts of 10^-12, null where not assessed; `points` are those of figures made of parts;
    # `number` is that of the record it stands on, `day` the day on which that was known
    """CREATE TABLE figures (
        scheme text NOT NULL, grp text NOT NULL, version int NOT NULL, period text NOT NULL,
        unit text NOT NULL, worth text NOT NULL, points text NOT NULL, volume bigint NOT NULL,
        number bigint NOT NULL, day text NOT NULL,
        PRIMARY KEY (scheme, grp, version, period, unit)) WITH (fillfactor = 50)""",
    # what they were at the end of a day, kept when another day moves them
    """CREATE TABLE figures_past (
        scheme text NOT NULL, grp text NOT NULL, version int NOT NULL, period text NOT NULL,
        unit text NOT NULL, worth text NOT NULL, points text NOT NULL, volume bigint NOT NULL,
        number bigint NOT NULL, day text NOT NULL,
        PRIMARY KEY (scheme, grp, version, period, unit, day))""",
    # the newest version that a group had figures of on a day, and how fresh they were
    """CREATE TABLE days (
        scheme text NOT NULL, grp text NOT NULL, day text NOT NULL, version int NOT NULL,
        fresh_at text NOT NULL,
        PRIMARY KEY (scheme, grp, day)) WITH (fillfactor = 50)""",
    # days of a period, `until` left out, of which no standing is known: what was of `first` came behind
    """CREATE TABLE cuts_mixed (
        scheme text NOT NULL, grp text NOT NULL, period text NOT NULL, first text NOT NULL,
        until text NOT NULL, PRIMARY KEY (scheme, grp, period, first, until))""",
    # by indicator the months in which a feed of its events is silent, of the units of which any was
    """CREATE TABLE silences (
        scheme text NOT NULL, grp text NOT NULL, version int NOT NULL, unit text NOT NULL,
        day text NOT NULL, months text NOT NULL, number bigint NOT NULL,
        PRIMARY KEY (scheme, grp, version, unit))""",
    # what that was at the end of a day, kept when another day turns it
    """CREATE TABLE silences_past (
        scheme text NOT NULL, grp text NOT NULL, version int NOT NULL, unit text NOT NULL,
        day text NOT NULL, months text NOT NULL, number bigint NOT NULL,
        PRIMARY KEY (scheme, grp, version, unit, day))""",
    # the shards of stage A that are in what a shard tells of a trial; with all of them it is whole
    """CREATE TABLE trial_shards (
        scheme text NOT NULL, shard smallint NOT NULL, folded smallint NOT NULL,
        PRIMARY KEY (scheme, shard, folded))""",
    """CREATE TABLE places (
        scheme text NOT NULL, grp text NOT NULL, period text NOT NULL, unit text NOT NULL,
        rank int, tier text, points numeric, low numeric, high numeric,
        PRIMARY KEY (scheme, grp, period, unit)) WITH (fillfactor = 50)""",
    # T of a group's period, told when all that was received before it had been; `day` is the last before it;
    # `exact` says that the figures at T were told
    """CREATE TABLE cuts (
        scheme text NOT NULL, period text NOT NULL, grp text NOT NULL, shard smallint NOT NULL,
        cut text NOT NULL, day text NOT NULL, exact boolean NOT NULL, PRIMARY KEY (scheme, period, grp))""",
    # the figures by exactly what was received before T, told before an exact cut
    """CREATE TABLE cut_figures (
        scheme text NOT NULL, grp text NOT NULL, version int NOT NULL, period text NOT NULL,
        unit text NOT NULL, worth text NOT NULL, points text NOT NULL, volume bigint NOT NULL,
        number bigint NOT NULL, PRIMARY KEY (scheme, grp, version, period, unit))""",
    # days of which a source's manifest and the archive differ now, and the digest of what differs
    """CREATE TABLE mismatches (
        source text NOT NULL, day text NOT NULL, state text NOT NULL, difference text NOT NULL,
        PRIMARY KEY (source, day))""",
    # what persons asked for, over which mismatches, and their steps; of a period one waits at a time
    """CREATE TABLE close_requests (
        id text PRIMARY KEY, scheme text NOT NULL, period text NOT NULL, digest text NOT NULL,
        accepted text NOT NULL,
        state text NOT NULL CHECK (state IN ('asked', 'approved', 'refused', 'withdrawn')))""",
    "CREATE INDEX close_requests_of_period ON close_requests (scheme, period)",
    """CREATE UNIQUE INDEX close_requests_one ON close_requests (scheme, period)
        WHERE state IN ('asked', 'approved')""",
    """CREATE TABLE close_steps (
        request text NOT NULL, step int NOT NULL, at timestamptz NOT NULL, what text NOT NULL,
        person text NOT NULL, reason text NOT NULL, PRIMARY KEY (request, step))""",
    # the standings that were frozen, as the bytes that the door answers
    """CREATE TABLE closes (
        scheme text NOT NULL, period text NOT NULL, grp text NOT NULL, version int NOT NULL,
        shard smallint NOT NULL, cut text NOT NULL, day text NOT NULL, content bytea NOT NULL,
        digest text NOT NULL, request text NOT NULL, PRIMARY KEY (scheme, period, grp))""",
    """CREATE TRIGGER closes_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON closes
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER close_steps_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON close_steps
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
