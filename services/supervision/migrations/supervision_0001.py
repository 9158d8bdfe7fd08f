"""The tables that every service has."""

from alembic import op

from shared.storage.tables import create

revision = "supervision_0001"
down_revision = None


def upgrade() -> None:
    create(op.execute)
