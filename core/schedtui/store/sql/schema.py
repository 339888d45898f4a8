"""The tables. The scripts in ``migrations/versions`` build exactly these; a test compares.

To change a table: change it here, add a script with the next number, and name that in `REVISIONS`.
A script that rebuilds a table passes ``table_kwargs={"sqlite_autoincrement": True}`` where the
table has it, or its ids would be used again.

Times are integer microseconds since 1970, UTC. Definitions are JSON text. A job's definition and
its due times are two tables, because a claim rewrites the row it touches and a definition is long.
"""

from __future__ import annotations

import sqlalchemy as sa

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Every revision there is, the oldest first; a store with any other one is newer than this code."""
HEAD = REVISIONS[-1]
VERSION_TABLE = "schedtui_schema"
APPLICATION_ID = 0x53434854
"""Written into the file's header, where ``file(1)`` and others look: ``SCHT``."""

metadata = sa.MetaData()
version_metadata = sa.MetaData()

_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_Us = sa.BigInteger()

version = sa.Table(
    VERSION_TABLE,
    version_metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

boots = sa.Table(
    "boots",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("boot", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("started_at", _Us, nullable=False),
    sa.Column("last_seen", _Us, nullable=False),
    sa.Column("stopped_at", _Us),
    sqlite_autoincrement=True,
)
sa.Index("boots_boot", boots.c.boot)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("group_name", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("function", sa.Text, nullable=False),
    sa.Column("trigger", sa.Text, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("kwargs", sa.Text, nullable=False),
    sa.Column("policies", sa.Text, nullable=False),
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("static", sa.Boolean, nullable=False),
    sa.Column("declared", sa.Text),
    sa.Column("overridden", sa.Boolean, nullable=False),
    sa.Column("orphaned", sa.Boolean, nullable=False),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("pause_reason", sa.Text, nullable=False),
    sa.Column("paused_by", sa.Text, nullable=False),
    sa.Column("created_at", _Us, nullable=False),
    sa.Column("updated_at", _Us, nullable=False),
    sa.Column("deleted_at", _Us),
    sa.Column("paused_until", _Us),
    sa.Column("after", sa.Text, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("owner", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("expected", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("runbook", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("rollback", sa.Text, nullable=False, server_default=sa.text("''")),
    sqlite_autoincrement=True,
)
sa.Index(
    "jobs_living_name",
    jobs.c.group_name,
    jobs.c.name,
    unique=True,
    sqlite_where=jobs.c.deleted_at.is_(None),
)
sa.Index("jobs_group", jobs.c.group_name)

job_due = sa.Table(
    "job_due",  # has a row for each living job, and for no other
    metadata,
    sa.Column("job_id", _Id, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("next_due", _Us),
    sa.Column("last_due", _Us),
    sa.Column("fired", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
)

runs = sa.Table(
    "runs",  # what filters look at comes first, so that a scan need not read on
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("job_id", _Id, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("claimed_at", _Us, nullable=False),
    sa.Column("scheduled_for", _Us),
    sa.Column("clock_epoch", sa.Integer, nullable=False),
    sa.Column("started_at", _Us),
    sa.Column("finished_at", _Us),
    sa.Column("function", sa.Text, nullable=False),
    sa.Column("job_version", sa.Integer, nullable=False),
    sa.Column("kwargs", sa.Text),
    sa.Column("wait_reason", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("token", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Column("range_from", _Us),
    sa.Column("range_count", sa.Integer),
    sa.Column("actor", sa.Text),
    sa.Column("error_type", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("traceback", sa.Text),
    sa.Column("result", sa.Text),
    sa.Column("result_is_json", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Column("log_lines", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("log_dropped", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("progress", sa.Float),
    sa.Column("progress_text", sa.Text),
    sa.Column("not_before", _Us),
    sa.Column("parent_id", _Id),
    sa.Column("schedules", sa.Text),
    sa.Column("code", sa.Text),
    sa.Column("late", sa.Text),
    sa.Column("handled", sa.Text),  # what was done about a failure
    sqlite_autoincrement=True,
)
sa.Index(
    "runs_due",  # the backstop of claiming; a manual run has no due time
    runs.c.job_id,
    runs.c.clock_epoch,
    runs.c.scheduled_for,
    unique=True,
    sqlite_where=sa.text("source = 'schedule' OR source = 'catchup'"),
)
sa.Index("runs_job", runs.c.job_id, runs.c.id)
ACTIVE = sa.text("state = 'queued' OR state = 'running'")
"""SQLite sees that either of these alone implies their OR, as it does not for an IN list."""
sa.Index("runs_active", runs.c.state, sqlite_where=ACTIVE)
DEAD: sa.ColumnElement[bool] = sa.literal_column(
    "handled IS NULL AND (state = 'failed' OR state = 'timed_out' OR state = 'lost')"
)
"""Which runs are dead letters; word for word, or SQLite does not see that the index applies."""
sa.Index("runs_dead", runs.c.id, runs.c.job_id, sqlite_where=DEAD)  # costs only what fails

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("run_id", _Id, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", _Us, nullable=False),
    sa.Column("finished_at", _Us, nullable=False),
    sa.Column("error_type", sa.Text),
    sa.Column("error", sa.Text),
    sqlite_with_rowid=False,
)

log_chunks = sa.Table(
    "log_chunks",  # its id is the row id in the full-text tables, so it is never used again
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("run_id", _Id, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("first_seq", sa.BigInteger, nullable=False),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("first_at", _Us, nullable=False),
    sa.Column("last_at", _Us, nullable=False),
    sa.Column("lines", sa.Integer, nullable=False),
    sa.Column("raw_bytes", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("run_id", "attempt", "first_seq", name="log_chunks_first"),
    sqlite_autoincrement=True,
)
sa.Index("log_chunks_last", log_chunks.c.run_id, log_chunks.c.last_seq)

audit = sa.Table(
    "audit",  # the trail of who did what
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("at", _Us, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("subject", _Id),  # the job that it changed; 0 for what all jobs go by
    sa.Column("address", sa.Text, server_default=sa.text("''"), nullable=False),
    sqlite_autoincrement=True,
)
sa.Index(
    "audit_subject",
    audit.c.subject,
    audit.c.id,
    sqlite_where=sa.text("subject IS NOT NULL"),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("created_at", _Us, nullable=False),
    sa.Column("expires_at", _Us),
    sa.Column("groups", sa.Text),  # JSON; NULL: all of them
    sa.UniqueConstraint("name", name="tokens_name"),
    sqlite_autoincrement=True,
)

call_keys = sa.Table(
    "call_keys",  # by which a call that was made before is known again
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("run_id", _Id, nullable=False),
    sa.Column("at", _Us, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index("call_keys_at", call_keys.c.at)

successes = sa.Table(
    "successes",  # the moments that the periods of run_once_key are made of
    metadata,
    sa.Column("job_id", _Id, primary_key=True, autoincrement=False),
    sa.Column("run_id", _Id, primary_key=True, autoincrement=False),
    sa.Column("at", _Us, nullable=False),
    sqlite_with_rowid=False,
)

forgotten = sa.Table(
    "forgotten",  # between which due times rows of a job were removed
    metadata,
    sa.Column("job_id", _Id, primary_key=True, autoincrement=False),
    sa.Column("first_due", _Us, nullable=False),
    sa.Column("last_due", _Us, nullable=False),
)

outbox = sa.Table(
    "outbox",  # messages that are not delivered yet
    metadata,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("at", _Us, nullable=False),
    sa.Column("next_at", _Us, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("number", _Id, primary_key=True),
    sa.Column("at", _Us, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("removed", sa.Integer, nullable=False),
    sa.Column("restored", sa.BigInteger),
    sa.Column("content", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)
