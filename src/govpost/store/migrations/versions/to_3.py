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
    _find_what_waits()
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


def _find_what_waits() -> None:
    waits, ends = "state IN ('queued', 'held')", "state IN ('queued', 'held') AND expires IS NOT NULL"
    _index("waits_by_slot", ("channel", "slot"), waits, waits)
    _index("waits_by_end", ("channel", "expires"), ends, ends)
    _index("in_question", ("state", "channel"), "ambiguous = 1", "ambiguous")


def _index(name: str, columns: tuple[str, ...], sqlite: str, postgresql: str) -> None:
    where = sa.text(sqlite), sa.text(postgresql)
    op.create_index(name, "delivery", list(columns), sqlite_where=where[0], postgresql_where=where[1])
