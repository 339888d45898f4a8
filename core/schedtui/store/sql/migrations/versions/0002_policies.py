"""What waits, where runs come from, and what jobs count."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns."""
    op.add_column("job_due", _counter("fired"))
    op.add_column("job_due", _counter("failures"))
    op.add_column("jobs", sa.Column("paused_until", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("not_before", sa.BigInteger(), nullable=True))
    op.add_column("runs", sa.Column("parent_id", _Id, nullable=True))
    op.add_column("runs", sa.Column("schedules", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("code", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("late", sa.Text(), nullable=True))


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)


def downgrade() -> None:
    """Drop the columns."""
    for table, names in (
        ("runs", ("not_before", "parent_id", "schedules", "code", "late")),
        ("jobs", ("paused_until",)),
        ("job_due", ("fired", "failures")),
    ):
        for name in names:
            op.drop_column(table, name)
