"""Which job a line of the audit trail changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the column and its index."""
    op.add_column("audit", sa.Column("subject", _Id, nullable=True))
    op.create_index(
        "audit_subject", "audit", ["subject", "id"], sqlite_where=sa.text("subject IS NOT NULL")
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_index("audit_subject", "audit")
    op.drop_column("audit", "subject")
