"""What was done about runs that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_FAILED = "(state = 'failed' OR state = 'timed_out' OR state = 'lost')"

_REPLAYED = f"""
UPDATE runs SET handled = 'replayed: run ' || later.id
FROM (
    SELECT parent_id, max(id) AS id FROM runs
    WHERE (source = 'rerun' OR source = 'backfill') AND parent_id IS NOT NULL
    AND state <> 'skipped' GROUP BY parent_id
) AS later
WHERE runs.id = later.parent_id AND {_FAILED}
"""  # noqa: S608 - made of constants


def upgrade() -> None:
    """Add the column and its index; what has been run once more is no dead letter."""
    op.add_column("runs", sa.Column("handled", sa.Text(), nullable=True))
    op.execute(_REPLAYED)
    op.create_index(
        "runs_dead",
        "runs",
        ["id", "job_id"],
        sqlite_where=sa.text(f"handled IS NULL AND {_FAILED}"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_index("runs_dead", "runs")
    op.drop_column("runs", "handled")
