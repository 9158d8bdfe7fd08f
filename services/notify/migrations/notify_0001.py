"""The shared tables; rules, items as they were told, units, notices and who signed for them; deliveries."""

from alembic import op

from shared.storage.tables import create

revision = "notify_0001"
down_revision = None

TABLES = (
    """CREATE TABLE rules (
        version int PRIMARY KEY, digest bytea NOT NULL, document jsonb NOT NULL, cut jsonb NOT NULL,
        person text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())""",
    """CREATE TABLE items (
        item text PRIMARY KEY, version int NOT NULL, at timestamptz NOT NULL, kind text NOT NULL,
        title text NOT NULL, state text NOT NULL, light text NOT NULL, unit text NOT NULL,
        others text NOT NULL, assessor text, scheme text, indicator text, due text, late int NOT NULL)""",
    "CREATE TABLE units (scheme text PRIMARY KEY, version int NOT NULL, paths jsonb NOT NULL)",
    """CREATE TABLE notices (
        id text PRIMARY KEY, event text NOT NULL, kind text NOT NULL, at timestamptz NOT NULL,
        rule text NOT NULL, rules int NOT NULL, severity text NOT NULL, role text NOT NULL,
        recipient text NOT NULL, channel text NOT NULL, told jsonb NOT NULL, item text,
        version int NOT NULL, reminder boolean NOT NULL, cancelled timestamptz,
        UNIQUE (event, rule, channel, recipient))""",
    "CREATE INDEX notices_of_inbox ON notices (recipient, at DESC, id DESC) WHERE channel = 'inbox'",
    "CREATE INDEX notices_to_cancel ON notices (item) WHERE reminder AND cancelled IS NULL",
    """CREATE TABLE sign_offs (
        notice text PRIMARY KEY, person text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())""",
    # webhooks: what follows is of the delivery of notices to endpoints; the consumer writes `deliveries` once
    """CREATE TABLE deliveries (
        notice text PRIMARY KEY, endpoint text NOT NULL, body bytea NOT NULL,
        created timestamptz NOT NULL)""",
)


def upgrade() -> None:
    create(op.execute)
    for statement in TABLES:
        op.execute(statement)
