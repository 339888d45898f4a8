"""Who answers for a job, and what to do when it goes wrong."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_NOTES = ("owner", "expected", "runbook", "rollback")


def upgrade() -> None:
    """Add the columns."""
    for name in _NOTES:
        op.add_column(
            "jobs", sa.Column(name, sa.Text(), server_default=sa.text("''"), nullable=False)
        )


def downgrade() -> None:
    """Drop them."""
    for name in reversed(_NOTES):
        op.drop_column("jobs", name)
