"""Alembic's entry: runs the scripts on the connection that `schedtui.store.sql.migrate` gives."""

from __future__ import annotations

from alembic import context

from schedtui.store.sql import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    version_table=schema.VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():  # the caller's: it commits all scripts or none
    context.run_migrations()
