"""What a job runs after."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "jobs", sa.Column("after", sa.Text(), server_default=sa.text("'[]'"), nullable=False)
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_column("jobs", "after")
