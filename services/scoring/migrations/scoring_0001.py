"""The shared tables, and the state of stages A and B."""

from alembic import op

from shared.storage.tables import create

revision = "scoring_0001"
down_revision = None

TABLES = (
    "CREATE TABLE catalogues (version int PRIMARY KEY, document jsonb NOT NULL)",
    """CREATE TABLE schemes (
        code text NOT NULL, version int NOT NULL, document jsonb NOT NULL, digest text NOT NULL,
        catalogue int NOT NULL REFERENCES catalogues DEFERRABLE, author text NOT NULL, approver text,
        drafted timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (code, version))""",
    """CREATE TABLE scheme_rounds (
        code text NOT NULL, version int NOT NULL, round int NOT NULL, digest text NOT NULL,
        opened_by text NOT NULL, opened timestamptz NOT NULL DEFAULT clock_timestamp(),
        closed_by text, closed timestamptz, PRIMARY KEY (code, version, round))""",
    """CREATE TABLE scheme_comments (
        code text NOT NULL, version int NOT NULL, comment int NOT NULL, round int NOT NULL,
        unit text NOT NULL, person text NOT NULL, said text NOT NULL,
        at timestamptz NOT NULL DEFAULT clock_timestamp(), answer text, answered_by text,
        answered timestamptz, PRIMARY KEY (code, version, comment))""",
    """CREATE TABLE in_force (
        stage text NOT NULL, shard smallint NOT NULL, code text NOT NULL, version int NOT NULL,
        PRIMARY KEY (stage, shard, code, version))""",
    """CREATE TABLE facts (
        shard smallint NOT NULL, first bigint NOT NULL, numbers bytea NOT NULL, sizes bytea NOT NULL,
        bodies bytea NOT NULL, PRIMARY KEY (shard, first))""",
    "ALTER TABLE facts ALTER COLUMN bodies SET STORAGE EXTERNAL",
    """CREATE TABLE fact_places (
        unit text NOT NULL, month int NOT NULL, shard smallint NOT NULL, first bigint NOT NULL,
        places bytea NOT NULL, PRIMARY KEY (unit, month, shard, first))""",
    """CREATE TABLE facts_revised (
        shard smallint NOT NULL, number bigint NOT NULL, PRIMARY KEY (shard, number))""",
    """CREATE TABLE cases (
        shard smallint NOT NULL, grp bytea NOT NULL, events bytea NOT NULL, PRIMARY KEY (shard, grp))""",
    """CREATE TABLE case_places (
        unit text NOT NULL, month int NOT NULL, grp bytea NOT NULL, shard smallint NOT NULL,
        PRIMARY KEY (unit, month, grp, shard))""",
    """CREATE TABLE roots (
        shard smallint NOT NULL, root bytea NOT NULL, grp bytea NOT NULL, PRIMARY KEY (shard, root))""",
    """CREATE TABLE suspense (
        shard smallint NOT NULL, grp bytea NOT NULL, why text NOT NULL, what text NOT NULL,
        opened text NOT NULL, settled text, PRIMARY KEY (shard, grp, why, what))""",
    "CREATE INDEX suspense_open ON suspense (shard, grp, why, what) WHERE settled IS NULL",
    """CREATE TABLE suspense_entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shard smallint NOT NULL, grp bytea NOT NULL,
        why text NOT NULL, what text NOT NULL, settles bool NOT NULL, cause text NOT NULL)""",
    "CREATE INDEX suspense_entries_of_case ON suspense_entries (shard, grp, why, what)",
    """CREATE TRIGGER suspense_entries_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON suspense_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE derived (
        shard smallint NOT NULL, stream text NOT NULL, key text NOT NULL, version bigint NOT NULL,
        body bytea NOT NULL, numbers bigint[] NOT NULL, PRIMARY KEY (shard, stream, key))""",
    """CREATE TABLE derived_places (
        over text NOT NULL, unit text NOT NULL, month int NOT NULL, shard smallint NOT NULL,
        key text NOT NULL, PRIMARY KEY (over, unit, month, shard, key))""",
    """CREATE TABLE findings_routed (
        shard smallint NOT NULL, number bigint NOT NULL, object text NOT NULL,
        PRIMARY KEY (shard, number, object))""",
    """CREATE TABLE dossier_reports (
        object text NOT NULL, shard smallint NOT NULL, number bigint NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (object, shard, number))""",
    """CREATE TABLE dossier_rulings (
        number bigint PRIMARY KEY, objects text[] NOT NULL, body bytea NOT NULL)""",
    "CREATE INDEX dossier_rulings_of_object ON dossier_rulings USING gin (objects)",
    """CREATE TABLE decisions (
        key text PRIMARY KEY, object text NOT NULL, version int NOT NULL, told text NOT NULL)""",
    "CREATE INDEX decisions_of_object ON decisions (object)",
    """CREATE TABLE incidents (
        id text PRIMARY KEY, object text NOT NULL, content text NOT NULL, year int NOT NULL,
        stage text NOT NULL, waiting bool NOT NULL, units text[] NOT NULL, paths text[] NOT NULL,
        told text NOT NULL)""",
    "CREATE INDEX incidents_of_object ON incidents (object)",
    "CREATE INDEX incidents_that_wait ON incidents (id) WHERE waiting",
    """CREATE TABLE unread_reports (
        object text NOT NULL, source text NOT NULL, id text NOT NULL, why text NOT NULL,
        PRIMARY KEY (object, source, id, why))""",
    """CREATE TABLE requests (
        id text PRIMARY KEY, scheme text NOT NULL, unit text NOT NULL, indicator text NOT NULL,
        month int NOT NULL, sha256 text NOT NULL, paths text[] NOT NULL, state text NOT NULL,
        asked text NOT NULL)""",
    "CREATE INDEX requests_of_cell ON requests (scheme, unit, indicator, month)",
    """CREATE TABLE request_steps (
        request text NOT NULL, step int NOT NULL, at timestamptz NOT NULL, what text NOT NULL,
        person text NOT NULL, reason text NOT NULL, PRIMARY KEY (request, step))""",
    """CREATE TRIGGER request_steps_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON request_steps
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE reviews (
        id text PRIMARY KEY, entry bigint NOT NULL, scheme text NOT NULL, unit text NOT NULL,
        indicator text NOT NULL, month int NOT NULL, paths text[] NOT NULL, state text NOT NULL,
        asked text NOT NULL, decided text)""",
    "CREATE INDEX reviews_of_entry ON reviews (entry)",
    "CREATE INDEX reviews_of_cell ON reviews (scheme, unit, indicator, month)",
    """CREATE TABLE review_steps (
        review text NOT NULL, step int NOT NULL, at timestamptz NOT NULL, what text NOT NULL,
        person text NOT NULL, reason text NOT NULL, PRIMARY KEY (review, step))""",
    """CREATE TRIGGER review_steps_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON review_steps
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE replies (
        number bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, entry bigint NOT NULL,
        scheme text NOT NULL, unit text NOT NULL, indicator text NOT NULL, month int NOT NULL,
        paths text[] NOT NULL, at timestamptz NOT NULL, person text NOT NULL, says text NOT NULL,
        answered_at timestamptz, answered_by text, answer text)""",
    "CREATE INDEX replies_of_cell ON replies (scheme, unit, indicator, month)",
    "CREATE UNIQUE INDEX replies_are_said_once ON replies (entry, person, md5(says))",
    "CREATE TABLE clocks (shard smallint PRIMARY KEY, minute text NOT NULL, received text NOT NULL)",
    "CREATE TABLE items_told (shard smallint PRIMARY KEY, until text NOT NULL)",
    """CREATE TABLE cuts (
        scheme text NOT NULL, period text NOT NULL, version int NOT NULL, cut text NOT NULL,
        day text NOT NULL, step smallint NOT NULL, heads jsonb NOT NULL, PRIMARY KEY (scheme, period))""",
    """CREATE TABLE survey_turns (
        survey text NOT NULL, turn text NOT NULL, PRIMARY KEY (survey, turn))""",
    """CREATE TABLE survey_tokens (
        survey text NOT NULL, token bytea NOT NULL, rater text NOT NULL, PRIMARY KEY (survey, token))""",
    """CREATE TRIGGER survey_tokens_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON survey_tokens
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE survey_spent (
        survey text NOT NULL, mark bytea NOT NULL, attempt bytea NOT NULL, PRIMARY KEY (survey, mark))""",
    """CREATE TRIGGER survey_spent_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON survey_spent
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE survey_answers (
        survey text NOT NULL, rater text NOT NULL, answers int NOT NULL, scores text NOT NULL,
        PRIMARY KEY (survey, rater)) WITH (
            autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0,
            toast.autovacuum_vacuum_threshold = 0, toast.autovacuum_vacuum_scale_factor = 0)""",
    """CREATE TABLE calendars (
        zone text NOT NULL, version int NOT NULL, document jsonb NOT NULL, received text NOT NULL,
        PRIMARY KEY (zone, version))""",
    """CREATE TABLE partials (
        shard smallint NOT NULL, scheme text NOT NULL, over text NOT NULL, unit text NOT NULL,
        month int NOT NULL, numbers text NOT NULL,
        PRIMARY KEY (shard, scheme, over, unit, month)) WITH (fillfactor = 60)""",
    """CREATE TABLE inputs (
        shard smallint NOT NULL, scheme text NOT NULL, unit text NOT NULL, over text NOT NULL,
        month int NOT NULL, source_shard smallint NOT NULL, numbers text NOT NULL,
        PRIMARY KEY (shard, scheme, unit, over, month, source_shard)) WITH (fillfactor = 60)""",
    """CREATE TABLE cells (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, unit text NOT NULL, month int NOT NULL,
        indicator text NOT NULL, value numeric NOT NULL,
        PRIMARY KEY (scheme, version, grp, unit, month, indicator)) WITH (fillfactor = 60)""",
    """CREATE TABLE trials (
        code text NOT NULL, trial text NOT NULL, version int NOT NULL, digest text NOT NULL,
        catalogue int NOT NULL REFERENCES catalogues DEFERRABLE, document jsonb NOT NULL,
        before int[] NOT NULL, started_by text NOT NULL,
        started timestamptz NOT NULL DEFAULT clock_timestamp(), why text NOT NULL, ended_by text,
        ended timestamptz, why_ended text, adopted bool NOT NULL DEFAULT false,
        PRIMARY KEY (code, trial))""",
    """CREATE TABLE trial_cells (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, unit text NOT NULL, month int NOT NULL,
        indicator text NOT NULL, value numeric NOT NULL,
        PRIMARY KEY (scheme, version, grp, unit, month, indicator)) WITH (fillfactor = 60)""",
    """CREATE TABLE trial_freshness (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, fresh_at text NOT NULL,
        PRIMARY KEY (scheme, version, grp))""",
    """CREATE TABLE trial_shards (
        shard smallint NOT NULL, scheme text NOT NULL, folded smallint NOT NULL,
        PRIMARY KEY (shard, scheme, folded))""",
    "CREATE TABLE causes (digest bytea PRIMARY KEY, ranges jsonb NOT NULL)",
    """CREATE TRIGGER causes_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON causes
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE entries (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, scheme text NOT NULL, version int NOT NULL,
        grp text NOT NULL, month int NOT NULL, unit text NOT NULL, indicator text NOT NULL,
        old numeric, new numeric, cause bytea NOT NULL, at text NOT NULL)""",
    "CREATE INDEX entries_of_cell ON entries (unit, indicator, month)",
    """CREATE TRIGGER entries_are_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()""",
    """CREATE TABLE freshness (
        scheme text NOT NULL, version int NOT NULL, grp text NOT NULL, fresh_at text NOT NULL,
        received text NOT NULL, PRIMARY KEY (scheme, version, grp))""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
