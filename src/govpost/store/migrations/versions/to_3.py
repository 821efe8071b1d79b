"""Several daemons on one store: timers, what a daemon has loaded, when credentials end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = None  # 2, the first schema that was released, was made without a migration
needs = 3


def upgrade() -> None:
    """Add the table and the columns."""
    op.create_table(
        "timer",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("due", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
    )
    for table in ("account", "token"):
        op.add_column(table, sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    texts = ("plugins_hash", "drain")
    with op.batch_alter_table("daemon") as daemon:
        for name in ("config_at", "loaded_at"):
            daemon.add_column(sa.Column(name, sa.DateTime(timezone=True), nullable=True))
        for name in texts:
            daemon.add_column(sa.Column(name, sa.String(), nullable=False, server_default=""))
        daemon.add_column(sa.Column("schema_number", sa.Integer(), nullable=False, server_default="2"))
    with op.batch_alter_table("daemon") as daemon:
        for name in (*texts, "schema_number"):
            daemon.alter_column(name, server_default=None)
