"""The statements of a write transaction, made once: to make one costs ten times its run."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from schedtui.protocols import Claim, Finish, NewRun, Start
from schedtui.store import rows
from schedtui.store.sql import schema
from schedtui.store.sql.bulk import (
    BulkInsert,
    BulkUpdate,
    InsertRow,
    Prepared,
    integers,
    printable,
    texts,
)

RUNS = schema.runs.c
DUE = schema.job_due.c
QUEUED = RUNS.state == sa.literal_column("'queued'")
RUNNING = RUNS.state == sa.literal_column("'running'")


def of_version(version: object) -> sa.ColumnElement[bool]:
    """A condition; a damaged version is 0, which is also what it is read as."""
    return sa.cast(DUE.version, sa.BigInteger) == version


# Statements made once: to make one costs ten times what it costs to run it.
INSERT_JOB = InsertRow(schema.jobs, without=("id", "deleted_at"))
INSERT_DUE = InsertRow(schema.job_due)
INSERT_AUDIT = InsertRow(schema.audit, without=("id",))
UPDATE_JOB = Prepared(
    schema.jobs.update()
    .where(schema.jobs.c.id == sa.bindparam("of_job"))
    .values(
        {
            column.name: sa.bindparam(f"p_{column.name}")
            for column in schema.jobs.columns
            if column.name not in {"id", "deleted_at"}
        }
    )
)


def _update_due(names: Sequence[str]) -> Prepared:
    update = schema.job_due.update().where(
        DUE.job_id == sa.bindparam("of_job"), of_version(sa.bindparam("of_version"))
    )
    return Prepared(update.values({name: sa.bindparam(f"p_{name}") for name in names}))


OF_DUE = ("version", "next_due", "last_due", "fired", "failures")
UPDATE_DUE = _update_due(OF_DUE[:3])
UPDATE_DUE_AND_COUNTS = _update_due(OF_DUE)

DELETE_DUE = Prepared(
    schema.job_due.delete().where(
        DUE.job_id == sa.bindparam("of_job"), of_version(sa.bindparam("of_version"))
    )
)
DELETE_JOB = Prepared(
    schema.jobs.update()
    .where(schema.jobs.c.id == sa.bindparam("of_job"))
    .values(deleted_at=sa.bindparam("at"))
)
CANCEL_QUEUED = Prepared(
    schema.runs.update()
    .where(RUNS.job_id == sa.bindparam("of_job"), QUEUED)
    .values(
        state="cancelled",
        reason=sa.bindparam("why"),
        finished_at=sa.bindparam("at"),
        wait_reason=None,
    )
    .returning(RUNS.id)
)
MOVE = BulkUpdate(
    schema.job_due,
    Claim._fields,
    to={"next_due_us": "next_due", "last_due_us": "last_due", "fired": "fired"},
    where={"job_id": "job_id", "version": "version", "due_us": "next_due"},
)
INSERT_RUNS = BulkInsert(
    schema.runs,
    rows.RUN_COLUMNS[: len(NewRun._fields)],
    {
        "source": texts,
        "state": texts,
        "wait_reason": texts,
        "kwargs": printable,
        "reason": printable,
        "actor": printable,
        "schedules": printable,
    },
)
START = BulkUpdate(
    schema.runs,
    Start._fields,
    to={"attempt": "attempt", "token": "token", "started_at_us": "started_at"},
    where={"run_id": "id"},
    condition=(QUEUED,),
    also={
        "state": sa.literal_column("'running'"),
        "wait_reason": sa.null(),
        "not_before": sa.null(),
    },
)
SAID = ("reason", "error_type", "error", "traceback")
FREE_TEXT = ("reason", "error_type", "error", "traceback", "result", "progress_text")
FINISH = BulkUpdate(
    schema.runs,
    Finish._fields,
    to={
        "state": "state",
        "finished_at_us": "finished_at",
        "result_is_json": "result_is_json",
        "log_lines": "log_lines",
        "log_dropped": "log_dropped",
        "progress": "progress",
        "code": "code",
        "late_json": "late",
        **{name: name for name in FREE_TEXT},
    },
    where={"run_id": "id", "token": "token"},
    condition=(RUNNING,),
    plain={
        "state": texts,
        "result_is_json": integers,
        **dict.fromkeys(FREE_TEXT, printable),
    },
)
RETRY = (
    schema.runs.update()
    .where(RUNS.id == sa.bindparam("of_run"), RUNS.token == sa.bindparam("of_token"), RUNNING)
    .values(state="queued", wait_reason="retry", token=None)
)
SETTLE = schema.runs.update().where(RUNS.id == sa.bindparam("of_run"), QUEUED)
NEWER_BACKFILL = (
    sa.select(RUNS.id)
    .where(
        RUNS.job_id == sa.bindparam("of_job"),
        RUNS.id > sa.bindparam("seen"),
        RUNS.source == sa.literal_column("'backfill'"),
    )
    .limit(1)
)
NOTE = "UPDATE runs SET reason = coalesce(reason || '; ', '') || ? WHERE id = ?"
COUNT = (
    schema.job_due.update()
    .where(DUE.job_id == sa.bindparam("of_job"))
    .values(
        failures=sa.bindparam("added", type_=sa.Integer)
        + sa.case((sa.bindparam("anew", type_=sa.Boolean), 0), else_=DUE.failures)
    )
)
INSERT_ATTEMPTS = BulkInsert(
    schema.attempts,
    ("run_id", "number", "state", "started_at", "finished_at", "error_type", "error"),
    {"state": texts, "error_type": printable, "error": printable},
)
