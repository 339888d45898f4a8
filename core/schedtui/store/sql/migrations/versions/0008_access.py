"""The groups of an access token, and the address of a line of the audit trail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("tokens", sa.Column("groups", sa.Text(), nullable=True))
    op.add_column(
        "audit", sa.Column("address", sa.Text(), server_default=sa.text("''"), nullable=False)
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_column("audit", "address")
    op.drop_column("tokens", "groups")
